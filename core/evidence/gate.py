"""What the wrong-image gate of a system was worth on unseen patients and on images of no such kind: a table.

Every line says what it counts: patients or studies of the system that a scan belongs to, and images of what is no scan
one by one.
"""

from __future__ import annotations

from pathlib import Path

from core.evidence.heat_maps import as_interval
from core.evidence.tables import Column, Row, Table
from core.systems import SYSTEMS
from core.systems.router import CARD, FOLDER, RouterCard
from core.weights.card import Metric

STOPPED = "stopped: "
MIXED = "groups: those of the good scans, and every wrong image"
MAIN = {
    "good_stopped": "Good scans stopped, share",
    "auroc": "AUROC, good scans against wrong images",
    "auroc_unseen": "AUROC against kinds of wrong image that it never learnt",
}


def gate_card(weights: Path) -> RouterCard | None:
    """The gate's card; ``None`` where no gate is installed or its card cannot be read."""
    try:
        return RouterCard.load(weights / FOLDER / CARD)
    except (OSError, ValueError):
        return None


def gate_table(card: RouterCard, system: str, title: str) -> Table | None:
    """The main figures, then the share stopped of every kind of wrong image, the weakest first.

    Args:
        title: of the system. Returns ``None`` where the gate does not know the system.
    """
    limit = card.systems.get(system)
    if limit is None:
        return None
    own = SYSTEMS[system].counted if system in SYSTEMS else "group"
    rows = [
        _row(said, limit.metrics[key], card.version, *((own, "") if key == "good_stopped" else ("group", MIXED)))
        for key, said in MAIN.items()
        if key in limit.metrics
    ]
    kinds = [(key.removeprefix(STOPPED), m) for key, m in limit.metrics.items() if key.startswith(STOPPED)]
    rows += [
        _row(f"Stopped, share: {_kind(name)}", metric, card.version, _counted(name))
        for name, metric in sorted(kinds, key=lambda kind: kind[1].value)
    ]
    about = (
        f"Gate version {card.version}, by the log odds against the system's own kinds of image. "
        "The rules (tags, colour, shape, text, masks) come before it and are not counted here."
    )
    return Table(
        "gate",
        f"Wrong-image gate of {title} on images that no training saw",
        (Column("value", "Value"),),
        tuple(rows),
        (about,),
    )


def _kind(name: str) -> str:
    """Scans of another system go by the recipe that reads them: said in words."""
    kind = next((k.kind for s in SYSTEMS.values() for k in s.scans if name in k.recipes), None)
    if kind is None:
        return name
    what, *further = kind.split(",")
    return f"{','.join((f'{what}s', *further))} ({name})"


def _counted(name: str) -> str:
    """What the groups of a kind of wrong image are: those of the system whose scans they are, else the images."""
    return next((s.counted for s in SYSTEMS.values() for k in s.scans if name in k.recipes), "image")


def _row(label: str, metric: Metric, version: str, counted: str, note: str = "") -> Row:
    figure = as_interval(metric)
    return Row(
        label,
        version=version,
        split="unseen",
        n=figure.n,
        groups=figure.groups,
        figures={"value": figure},
        note=note,
        counted=counted,
    )
