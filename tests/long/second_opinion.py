"""The whole way of an archive with planted wrong labels, under kill -9: import, scoring, reading, arbitration, reports.

Takes the better part of an hour and the real data, so no test run collects it:

    python -m tests.long.second_opinion --data ../shared/datasets/brain-lgg --out /tmp/second-opinion

Writes ``result.json`` and the reports to the folder ``--out``; ends with 1 when anything was lost. Should the check
itself be stopped, the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright
from pypdf import PdfReader

from core.engine.engine import Engine
from core.review import Stage, Store
from core.review.archives import need_models
from core.review.archives.planting import Planting, Trial, first_tenth, honest, places, prepare, repeated
from core.review.archives.ranking import rank
from core.review.archives.scoring import Installed
from core.review.tables import ImportRun, ScoreRun
from core.weights.card import Identity
from tests.dashboard.conftest import ARGS, CHROMIUM, ROOT
from tests.long.clinic import Clinic
from tests.long.ledger import Ledger
from tests.long.mortal import Mortal

SYSTEM, SYSTEM_TITLE = "brain-mr", "Brain MR"
SHARE = 0.1
STEPS = ("locking", "revealing", "locking the final opinion", "scoring the record")
LONGEST = {"locking": 1.5, "revealing": 12.0, "locking the final opinion": 1.5, "scoring the record": 1.5}
RIGHT = 0.9  # how often the scripted reader is right before the models


class Check:
    """One run of the check."""

    def __init__(
        self, clinic: Clinic, mortal: Mortal, ledger: Ledger, models: Installed, made: Planting, notes: Path
    ) -> None:
        self.clinic, self.mortal, self.ledger = clinic, mortal, ledger
        self.models, self.made, self._path = models, made, notes
        self.chance = mortal.chance
        self.notes: dict[str, Any] = {}

    def keep(self) -> None:
        """Note how far the check is."""
        told = sorted([case, str(stage)] for case, stage in self.ledger.told)
        facts = {"kills": self.mortal.kills, "told": told, "lost": self.ledger.lost, "checks": self.ledger.checks}
        self._path.write_text(json.dumps(self.notes | facts), encoding="utf-8")

    def take_up(self) -> None:
        """Go on from what was noted."""
        if self._path.is_file():
            self.notes = json.loads(self._path.read_text(encoding="utf-8"))
            self.mortal.kills.update(self.notes["kills"])
            self.ledger.told = {(case, Stage(stage)) for case, stage in self.notes["told"]}
            self.ledger.lost, self.ledger.checks = self.notes["lost"], self.notes["checks"]

    def bring_in(self, folder: Path, kills: int) -> None:
        """Make the archive and import it, dying ``kills`` times."""
        if not self.ledger.store.archives():
            self.clinic.make_archive("Planted labels")
        self.ledger.archive = self.ledger.store.archives()[0].id or 0
        if not self.ledger.store.runs(ImportRun, self.ledger.archive):
            self.clinic.begin_import(folder, SYSTEM_TITLE)
        self._follow("Import", "import", kills, 2.0, lambda: len(self.ledger.store.import_report(self.ledger.archive)))

    def score(self, kills: int) -> None:
        """Let the models answer, dying ``kills`` times."""
        if not self.ledger.store.runs(ScoreRun, self.ledger.archive):
            self.clinic.begin_scoring()
        self._follow("Scoring", "scoring", kills, 24.0, lambda: self._answers())

    def _answers(self) -> int:
        return len(self.ledger.store.scored(self.ledger.archive, SYSTEM, *self._first_model()))

    def _first_model(self) -> tuple[str, Identity]:
        return next(iter(self.models.identities.items()))

    def _follow(self, word: str, phase: str, kills: int, longest: float, count: Callable[[], int]) -> None:
        """Watch a run on its page until it is done; kill at random moments, most of them while it moves on."""
        left = kills - self.mortal.kills[phase]

        def arm() -> None:
            nonlocal left
            if left <= 0:
                return
            left -= 1
            if self.chance.random() < 0.2:  # while the server comes up
                self.mortal.arm(phase, 12.0)
            else:
                start = count()
                self.mortal.arm(phase, longest, lambda: count() > start)

        def watch() -> None:
            arm()
            self.clinic.visit(f"archives?archive={self.ledger.archive}")
            while self.clinic.watch_run(word) is not None:
                self.mortal.until(lambda: True, "life")
                time.sleep(0.5)
            self.mortal.disarm()

        self.clinic.surviving(phase, watch)
        self.ledger.check(f"after {phase}")
        self.keep()

    def read(self, cases: int) -> list[dict[str, Any]]:
        """Read ``cases`` cases of the worklist, dying once in each, at a step and moment of chance."""
        place = places(self.ledger.store, self.ledger.archive, self.made.rows)
        done = self.notes.setdefault("reads", [])
        for number in range(len(done), cases):
            found: list[int] = []
            self.clinic.surviving("reading", lambda into=found: into.append(self.clinic.next_case()))  # type: ignore[misc]
            case = found[-1]
            row = self.made.rows[place[case]]
            recorded = self.ledger.store.case(case).recorded_finding
            first = row.finding if self.chance.random() < RIGHT else not row.finding
            step, still = self.chance.choice(STEPS), [True]

            def dying(now: str, step: str = step, still: list[bool] = still) -> None:
                if still[0] and now == step:
                    still[0] = False
                    self.mortal.arm("reading", LONGEST[now])

            def act(
                case: int = case, first: bool = first, final: bool = row.finding, recorded: bool | None = recorded,
                dying: Callable[[str], None] = dying,
            ) -> None:  # fmt: skip
                self.clinic.read(case, first, final, final == recorded, dying)

            self.clinic.surviving(f"reading case {case}, {step}", act)
            self.mortal.disarm()
            self.clinic.revive(f"after case {case}")
            self.ledger.check(f"after reading case {case}")
            planted = bool(self.made.planted[place[case]])
            done.append({"case": case, "planted": planted, "killed at": step, "first": first, "truth": row.finding})
            self.keep()
            _say(f"read {number + 1} of {cases}: case {case}, killed while {step}; kills {dict(self.mortal.kills)}")
        return done

    def arbitrate(self, fewest: int) -> int:
        """Settle every case of the queue, dying in each, or until ``fewest`` kills are reached in all."""
        place = places(self.ledger.store, self.ledger.archive, self.made.rows)
        queue = [one.case_id for one in self.ledger.store.arbitration_queue(self.ledger.archive)]
        for case in queue:
            truth, recorded = self.made.rows[place[case]].finding, self.ledger.store.case(case).recorded_finding
            sided = "the second reader" if truth != recorded else "the recorded diagnosis"
            still = [True]

            def dying(now: str, still: list[bool] = still) -> None:
                if still[0]:
                    still[0] = False
                    self.mortal.arm("arbitration", 1.5)

            def act(
                case: int = case, truth: bool = truth, sided: str = sided, dying: Callable[[str], None] = dying
            ) -> None:
                self.clinic.arbitrate(case, truth, sided, dying)

            self.clinic.surviving(f"arbitrating case {case}", act)
            self.mortal.disarm()
            self.clinic.revive(f"after arbitrating case {case}")
        while sum(self.mortal.kills.values()) < fewest:  # the queue was short
            self.mortal.kill("arbitration")
            self.clinic.revive("arbitration")
            self.clinic.surviving("arbitration", lambda: self.clinic.go("arbitration"))
        self.ledger.check("after arbitration")
        return len(queue)

    def reports(self, folder: Path, case: int) -> dict[str, Any]:
        """Take every report, and look into it."""
        told: dict[str, Any] = {}

        def archive() -> None:
            self.clinic.go(f"worklist?archive={self.ledger.archive}")
            names = ("Summary (PDF)", "All cases (CSV)", "Discrepancies (CSV)")
            files = [self.clinic.take(name, folder) for name in names]
            told["archive pdf pages"] = len(PdfReader(files[0]).pages)
            told["cases in the CSV"] = len(_rows(files[1]))
            told["with an opinion in the CSV"] = sum(bool(row["opinions"]) for row in _rows(files[1]))
            told["discrepancies listed"] = len(_rows(files[2]))

        def single() -> None:
            self.clinic.go(f"read?case={case}")
            self.clinic.see(self.clinic.page.locator("table.or-table"))
            self.clinic.rest()
            files = [self.clinic.take(n, folder) for n in ("Report (PDF)", "Report (JSON)", "Numbers (CSV)")]
            text = "".join(page.extract_text() for page in PdfReader(files[0]).pages)
            told["case pdf pages"] = len(PdfReader(files[0]).pages)
            told["case pdf names the opinions"] = "Before" in text or "blind" in text
            told["case csv rows"] = len(_rows(files[2]))

        self.clinic.surviving("reports", archive)
        self.clinic.surviving("reports", single)
        return told


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def main() -> int:
    """Run the check; 0 when nothing was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of brain-lgg, with its index.csv")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the store, the reports and result.json")
    parser.add_argument("--weights", type=Path, default=ROOT / "weights")
    parser.add_argument("--slices", type=int, default=500)
    parser.add_argument("--reads", type=int, default=20)
    parser.add_argument("--kills", type=int, default=50, help="at least this many in all")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    began, cpu = time.monotonic(), time.process_time()
    asked.out = asked.out.resolve()
    asked.out.mkdir(parents=True, exist_ok=True)
    models = need_models(Engine(asked.weights), SYSTEM)
    made = prepare(models, asked.data, asked.out / "source", SHARE, asked.seed, asked.slices)
    _say(f"{len(made.rows)} slices of {made.patients} patients, {int(made.planted.sum())} labels planted")
    ledger = Ledger(Store.open(str(asked.out / "store")))
    mortal = Mortal(asked.out, asked.weights, asked.seed)
    mortal.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        check = Check(Clinic(browser, mortal, ledger), mortal, ledger, models, made, asked.out / "progress.json")
        check.take_up()
        try:
            spare = max(0, asked.kills - asked.reads)
            check.bring_in(asked.out / "source", spare // 4)
            _say(f"imported {ledger.count('cases')} cases; kills {dict(mortal.kills)}")
            check.score(spare - spare // 4)
            _say(f"scored {ledger.scored} cases; kills {dict(mortal.kills)}")
            shown = (
                Trial(**check.notes["shown"])
                if "shown" in check.notes
                else first_tenth(ledger.store, ledger.archive, models, made, asked.seed)
            )
            _say(f"planted labels in the first tenth: {shown.found} of {shown.planted}")
            reads = check.read(asked.reads)
            queued = check.arbitrate(asked.kills)
            told = check.reports(asked.out, reads[-1]["case"])
        finally:
            mortal.disarm()
            mortal.house.stop()
    rank(ledger.store, ledger.archive, models, honest(models, made.rows, made.planted))
    fair = first_tenth(ledger.store, ledger.archive, models, made, asked.seed)
    others = repeated(ledger.store, ledger.archive, models, made, SHARE, asked.seed + 1, 20)
    result = {
        "kills": sum(mortal.kills.values()),
        "kills by phase": dict(mortal.kills),
        "lost": ledger.lost,
        "checks": ledger.checks,
        "cases": ledger.count("cases"),
        "scored cases told": ledger.scored_told,
        "scored cases kept": ledger.scored,
        "opinions told locked": len(ledger.told),
        "opinions kept": ledger.count("opinions"),
        "peer reviews": ledger.count("peer reviews"),
        "queued for arbitration": queued,
        "truths": ledger.count("truths"),
        "audit entries": ledger.entries,
        "worklist as shown": asdict(shown),
        "worklist, models judged by the recorded labels only": asdict(fair),
        "other plantings on the same scores": sorted(round(trial.share, 3) for trial in others),
        "planted among those read": Counter(row["planted"] for row in reads)[True],
        "reads": reads,
        "reports": told,
        "seed": asked.seed,
        "models": {name: card.version for name, card in models.cards.items()},
        "minutes": round((time.monotonic() - began) / 60, 1),
        "cpu minutes of the script itself": round((time.process_time() - cpu) / 60, 1),
    }
    (asked.out / "result.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({key: value for key, value in result.items() if key != "reads"}, indent=1))
    whole = result["scored cases kept"] == result["cases"] == len(made.rows)
    enough = result["kills"] >= asked.kills and len(ledger.told) == 2 * asked.reads
    return 0 if whole and enough and not ledger.lost else 1


if __name__ == "__main__":
    sys.exit(main())
