"""Uptake: SUV, and the instants and decay it rests on."""
