"""From what a publisher distributes to what the readers of :mod:`trainers.data.sets` read, set by set."""

from trainers.data.prepare import pictures, sarcoma
from trainers.data.prepare.writing import PUBLISHERS, Prepared, prepare

__all__ = ["PUBLISHERS", "Prepared", "pictures", "prepare", "sarcoma"]
