"""Guided tours on the page Learn: four things that a figure does not say by itself."""
