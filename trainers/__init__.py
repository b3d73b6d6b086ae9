"""Command line for fitting, evaluating and auditing the models: ``python -m trainers --help``."""
