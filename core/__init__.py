"""Overread's core: reading scans, models, heat maps and statistics, without any user interface."""
