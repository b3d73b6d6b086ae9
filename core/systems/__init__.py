"""The five systems. Adding one means one module here with a declaration, one recipe and one data card."""

from core.systems.catalogue import SYSTEMS, system
from core.systems.declaration import ModelSlot, System
from core.systems.match import Match, accepts, adapt, match

__all__ = ["SYSTEMS", "Match", "ModelSlot", "System", "accepts", "adapt", "match", "system"]
