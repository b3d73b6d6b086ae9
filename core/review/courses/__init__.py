"""What the store keeps for teaching; what is done with it is told in ``core/teaching``."""
