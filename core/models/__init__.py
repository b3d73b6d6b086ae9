"""Networks, their registry, and the store of weights and model cards."""

from core.models import _libraries

_libraries.load()
