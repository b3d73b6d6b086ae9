"""Measuring models: scores on items, figures, tables, repeats."""
