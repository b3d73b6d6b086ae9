"""Simulated scans with known truth: built-in samples, tests, lesion insertion. Nothing here comes from a patient."""

from core.simulate.phantom import DRAWINGS, Drawing, Order, Phantom, Sample, phantom, register

__all__ = ["DRAWINGS", "Drawing", "Order", "Phantom", "Sample", "phantom", "register"]
