"""The systems. A new one is a module here with a ``SYSTEM``, a recipe, a data card and weights; no edit elsewhere."""

from core.systems.catalogue import SYSTEMS, find_set, system
from core.systems.declaration import DataSet, ModelSlot, System
from core.systems.match import Match, accepts, adapt, match

__all__ = ["SYSTEMS", "DataSet", "Match", "ModelSlot", "System", "accepts", "adapt", "find_set", "match", "system"]
