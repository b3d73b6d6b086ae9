"""What all requests share: store, engine, kept studies, limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakMethod

from core import memory
from core.engine.engine import Engine
from core.imaging.limits import MIB
from core.review import Store
from core.settings import Settings
from dashboard.service.kept import Kept
from dashboard.service.limits import Places, Rate
from dashboard.service.readiness import Readiness

FAILURES_PER_MINUTE = 30
UPLOADS_AT_ONCE = 4
STREAMS_AT_ONCE = 64
COSTLY_AT_ONCE = 4
DEMO_SYSTEM = "chest-ct"  # what the published demo answers


@dataclass(eq=False)
class Shared:
    """One of these a process.

    Attributes:
        store, engine: made when first asked for. signed_in_only: whether an identity provider is configured.
        failures: tokens tried in vain, by address.
        uploads, streams, costly: places for what takes memory, a connection, or the processor.
    """

    store: Callable[[], Store]
    engine: Callable[[], Engine]
    signed_in_only: Callable[[], bool]
    settings: Settings
    uploads: Places = field(default_factory=lambda: Places(UPLOADS_AT_ONCE, 3, "Too many uploads at once.", 5))
    streams: Places = field(default_factory=lambda: Places(STREAMS_AT_ONCE, 16, "Too many streams at once.", 30))
    costly: Places = field(default_factory=lambda: Places(COSTLY_AT_ONCE, 3, "Too many results at once.", 2))

    def __post_init__(self) -> None:
        self.rate = Rate(self.settings.api_per_minute)
        self.failures = Rate(FAILURES_PER_MINUTE)
        self.kept = Kept(self.settings.idle_minutes * 60)
        engine = self.engine  # not this object, which would then never go
        self.readiness = Readiness(lambda: engine().states(DEMO_SYSTEM))
        late = WeakMethod(self.kept.drop_late)
        memory.of_process().serving = True
        memory.of_process().spares.append(lambda: (drop := late()) is not None and drop())
        self.upload_bytes = self.settings.upload_mib * MIB
