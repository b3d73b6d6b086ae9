"""Fitting a network: recipe, start, schedule, loop, losses, and the finished model."""
