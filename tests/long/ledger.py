"""What was kept, looked at after every kill: whatever was there once must still be there, value for value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from sqlmodel import select

from core.review import Stage, Store, trail
from core.review.tables import Adjudication, Opinion, PeerReview

Rows = dict[str, str]
_Row = TypeVar("_Row", Opinion, PeerReview, Adjudication)


@dataclass
class Ledger:
    """Everything of an archive that no kill may take.

    Attributes:
        told: case and stage of each opinion that a page showed as locked.
        scored_told, imported_told: the largest progress that a page showed.
        lost: one line for everything that was there and is gone or changed.
    """

    store: Store
    archive: int = 0
    told: set[tuple[int, Stage]] = field(default_factory=set)
    scored_told: int = 0
    imported_told: int = 0
    lost: list[str] = field(default_factory=list)
    checks: int = 0
    entries: int = 0
    _kept: dict[str, Rows] = field(default_factory=dict)

    def check(self, when: str) -> None:
        """Compare what is kept now with what was kept before and with what was told."""
        self.checks += 1
        for kind, now in self._now().items():
            before = self._kept.get(kind, {})
            for key, value in before.items():
                if now.get(key) != value:
                    self.lost.append(f"{when}: {kind} {key} {'changed' if key in now else 'is gone'}")
            self._kept[kind] = now
        for case, stage in self.told:
            if f"{case} 1 {stage}" not in self._kept["opinions"]:
                self.lost.append(f"{when}: the {stage} opinion on case {case} was shown as locked and is not there")
        if self.scored_told > self.scored:
            self.lost.append(f"{when}: {self.scored_told} cases were shown as scored, {self.scored} are")
        if self.imported_told > len(self._kept["imported files"]):
            self.lost.append(f"{when}: {self.imported_told} files were shown as imported")
        verdict = trail.verify(self.store)
        self.entries = verdict.entries
        if not verdict.ok:
            self.lost.append(f"{when}: the audit trail does not verify: {verdict.reason}")

    @property
    def scored(self) -> int:
        """Cases with a score of at least one model."""
        return len({key.split()[0] for key in self._kept.get("scores", {})})

    def count(self, kind: str) -> int:
        """How many are kept."""
        return len(self._kept.get(kind, {}))

    def _now(self) -> dict[str, Rows]:
        scores = self.store.machine_scores(self.archive)
        return {
            "cases": {f"{c.id}": f"{c.content_hash} {c.recorded_label}" for c in self.store.cases(self.archive)},
            "imported files": {row.path: row.outcome for row in self.store.import_report(self.archive)},
            "scores": {f"{s.case_id} {s.model} {s.weights_sha256}": f"{s.finding!r} {s.error}" for s in scores},
            "opinions": {f"{o.case_id} {o.reader} {o.stage}": o.model_dump_json() for o in self._all(Opinion)},
            "peer reviews": {f"{p.case_id} {p.reader}": p.model_dump_json() for p in self._all(PeerReview)},
            "truths": {f"{t.case_id}": t.model_dump_json() for t in self._all(Adjudication)},
        }

    def _all(self, table: type[_Row]) -> list[_Row]:
        with self.store.reading() as session:
            return list(session.exec(select(table)))
