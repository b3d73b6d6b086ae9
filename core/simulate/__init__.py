"""Simulated scans with known truth: built-in samples, tests, lesion insertion. Nothing here comes from a patient."""

from core.simulate.phantom import LABELS, Phantom, phantom

__all__ = ["LABELS", "Phantom", "phantom"]
