"""Networks, their registry, and the store of weights and model cards."""
