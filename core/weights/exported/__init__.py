"""Models in other programs' forms: which stand beside the weights, how they are opened, and when they answer."""
