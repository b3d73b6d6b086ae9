"""From a data folder to items: a series, its labels, its group. One reader per folder layout."""

from trainers.data import inserted, more_sets, sets

__all__ = ["inserted", "more_sets", "sets"]
