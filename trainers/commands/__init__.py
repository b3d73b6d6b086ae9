"""Commands of the trainers, one file each: what ``python -m trainers`` offers."""
