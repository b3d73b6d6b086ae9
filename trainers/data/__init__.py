"""From a data folder to items: a series, its labels, its group. One reader per folder layout."""
