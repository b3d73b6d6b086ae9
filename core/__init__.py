"""Overread's core: reading scans, models, heat maps and statistics, without any user interface."""

from core.settings import unless_set

# By default a thread of PyTorch's that has nothing to do looks for work for milliseconds before it sleeps (libgomp,
# 300,000 times), on the processor that a compiled program computes on. This is read when PyTorch is loaded: nobody of
# ours does that before this room is entered.
unless_set("GOMP_SPINCOUNT", "2000")
