"""Nothing that models say of a case still blind for a reader reaches him through another case.

Two stores that differ in nothing but what the models said of, and what was recorded for, the cases still blind: all
that a reader is told must be the same in both.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from streamlit.testing.v1 import AppTest

from core.engine.engine import Engine as RealEngine
from core.review import Mode, Role, Stage, Store
from core.review.archives import begin_scoring, installed, need_models, rank, wait, worklist
from core.review.tables import DriftReading, User
from core.review.vocabulary import now
from dashboard.kit.engine import engine
from tests.dashboard import readings, weights
from tests.review import archive_kit
from tests.review.casebook import lock
from tests.service import kit

PAGES = Path(__file__).resolve().parents[2] / "dashboard" / "pages"
SYSTEM = archive_kit.SYSTEM
# One patient's two pictures, another's four; of each the first will be read.
LEVELS = {"A": [0.9, 0.8], "B": [0.2, 0.7, 0.1, 0.6], "C": [0.45]}
READ = {("A", 0), ("B", 0), ("B", 1)}


@dataclass
class World:
    """A store, its interface, and who asks."""

    service: kit.Service
    archive: int
    reader: int
    token: str

    def read(self) -> list[int]:
        """Cases that the reader has locked an opinion on, in order of import."""
        models = installed(self.service.engine, SYSTEM)
        rows = worklist(self.service.store, self.archive, models, self.reader).rows
        return sorted(row.case_id for row in rows if not row.hidden)


def _world(root: Path, turned: bool) -> World:
    """A scored archive; ``turned``: models and record say the opposite of every case that stays blind."""
    store = Store.open(str(root / "store"))
    service = kit.service(store, api_per_minute=100_000)
    plan = [(name, k, level) for name, levels in LEVELS.items() for k, level in enumerate(levels)]
    levels: dict[str, list[tuple[float, int]]] = {name: [] for name in LEVELS}
    for name, k, level in plan:
        other = turned and (name, k) not in READ
        levels[name].append((level, int((level >= 0.5) is not (name == "A")) ^ int(other)))
    source = archive_kit.folder(root.parent / f"source-{turned}" / "set", levels)
    archive = archive_kit.imported(store, source, mode=Mode.SECOND_READER)
    machine: Any = service.engine
    assert wait(store, begin_scoring(store, machine, 1, archive, SYSTEM)).state == "done"
    places = {case.id or 0: plan[n][:2] for n, case in enumerate(store.cases(archive))}
    if turned:
        scores = [score for score in store.machine_scores(archive) if places[score.case_id] not in READ]
        for score in scores:
            score.finding = 1 - (score.finding or 0)
            score.decision = "clear" if score.decision == "finding" else "finding"
            score.details = score.details | {"findings": [score.finding]}
        store.save_scores(scores)
        rank(store, archive, installed(machine, SYSTEM))
    reader = service.person("reader", Role.REVIEWER, Role.LEAD)
    for number, place in places.items():
        if place in READ:
            lock(store, number, reader)
    return World(service, archive, reader, service.token(Role.REVIEWER, Role.LEAD, name="reader"))


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, World]:
    root = tmp_path_factory.mktemp("worlds")
    return _world(root / "plain", turned=False), _world(root / "turned", turned=True)


def test_the_turned_world_is_another_one(worlds: tuple[World, World]) -> None:
    """Else the tests below would hold for nothing."""
    kept = [w.service.store.machine_discrepancies(w.archive) for w in worlds]
    mine = [{d.case_id: (d.value, d.reason) for d in rows} for rows in kept]
    assert worlds[0].read() == worlds[1].read() == [1, 3, 4]
    assert all(mine[0][case] != mine[1][case] for case in (1, 3, 4))  # made of all cases, the blind ones too


def _anonymous(text: str) -> str:
    """Without what differs between any two stores: times, and pseudonyms of files that lie elsewhere."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[0-9:.+Z]+|\b[A-Z]-[0-9a-f]{8,}", "?", text)
    return re.sub(r"[0-9a-f]{64}", "?", text)


def _worklist(world: World) -> str:
    answer = world.service.client(world.token).get(f"/v1/archives/{world.archive}/worklist", params={"system": SYSTEM})
    content = answer.json()
    # Blind cases stand in an order that is shuffled with a secret; what is told of them must be alike.
    content["cases"].sort(key=lambda case: (case["hidden"], case["id"] if case["hidden"] else 0))
    return json.dumps(content)


def _cases(world: World) -> str:
    client = world.service.client(world.token)
    return "".join(client.get(f"/v1/cases/{case.id}").text for case in world.service.store.cases(world.archive))


def _csv(world: World, kind: str = "csv") -> str:
    client = world.service.client(world.token)
    answer = client.get(f"/v1/archives/{world.archive}/report.{kind}", params={"system": SYSTEM})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert rows or kind != "csv"
    shown = [row for row in rows if row["hidden"] != "1"]
    return json.dumps([*shown, *sorted((row for row in rows if row["hidden"] == "1"), key=lambda row: row["case"])])


def _discrepancies(world: World) -> str:
    return _csv(world, "discrepancies")


def _pdf(world: World) -> str:
    client = world.service.client(world.token)
    answer = client.get(f"/v1/archives/{world.archive}/report.pdf", params={"system": SYSTEM})
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "?", text)


@pytest.mark.parametrize("way", [_worklist, _cases, _csv, _discrepancies], ids=lambda way: way.__name__)
def test_the_interface_says_the_same_in_both(worlds: tuple[World, World], way: Callable[[World], str]) -> None:
    one, two = (_anonymous(way(world)) for world in worlds)
    assert one == two


def test_the_archives_report_says_the_same_in_both(worlds: tuple[World, World]) -> None:
    # Rows of blind cases may stand in another order, and the checksum is of the table with them.
    one, two = (sorted(re.sub(r"[0-9a-f]{8,}", "?", _anonymous(_pdf(world))).split()) for world in worlds)
    assert one == two


def test_a_sentence_counts_the_other_images_that_are_open(worlds: tuple[World, World]) -> None:
    world, models = worlds[0], installed(worlds[0].service.engine, SYSTEM)
    rows = {row.case_id: row for row in worklist(world.service.store, world.archive, models, world.reader).rows}
    # patient A's one other image is blind; of patient B's three other images one is open, and found
    assert "other image" not in rows[1].reason
    assert rows[3].reason.endswith("they find it on the patient's one other image.")
    assert sorted(rows[case].rank or 0 for case in (1, 3, 4)) == [1, 2, 3]


@pytest.mark.parametrize("page", ["worklist", "archives", "records"])
def test_pages_say_the_same_in_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    monkeypatch.setenv("OVERREAD_WEIGHTS", str(weights.write(tmp_path / "weights")))
    said = []
    for name in ("plain", "turned"):
        monkeypatch.setenv("OVERREAD_STORE", str(tmp_path / name))
        engine.clear()
        said.append(_page(tmp_path / name, page, turned=name == "turned", weights_at=tmp_path / "weights"))
    assert said[0] == said[1]


def _page(folder: Path, page: str, *, turned: bool, weights_at: Path) -> str:
    """All that a page sends to a reader who has read one of a patient's four images."""
    store = readings.opened(folder)
    models = need_models(RealEngine(weights_at), readings.SYSTEM)
    planted = readings.plant(store, 4, models=models.identities, patients=1)
    if turned:
        scores = [score for score in store.machine_scores(planted.archive) if score.case_id != planted.cases[0]]
        for score in scores:
            score.finding, score.decision = 0.03, "clear"
        store.save_scores(scores)
    rank(store, planted.archive, models)
    for sha256, version in models.identities.values():
        reading = DriftReading(
            archive_id=planted.archive, system=readings.SYSTEM, model="unet", weights_sha256=sha256,
            version=version, n=4,
            n_reference=9, statistic="KS", value=0.5, warned=True, message=f"their mean is {0.03 if turned else 0.74}",
        )  # fmt: skip
        store.add_drift(reading)
    person: User = store.sign_in("https://provider", "reader", "Somebody", None, False)
    store.set_roles(store.local_user().number or 0, person.number or 0, (Role.REVIEWER, Role.LEAD, Role.ARBITER))
    reader = person.number or 0
    store.lock_opinion(
        planted.cases[0], reader, Stage.BLIND, finding=True, label="tumour", confidence=90, started=now(), seconds=3.0
    )
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=300)
    app.session_state["person"] = store.user(reader)
    app.run()
    assert not app.exception
    frames = [frame.value for frame in app.dataframe]
    told = [frame.sort_values(frame.columns[0]).to_csv(index=False) for frame in frames if len(frame.columns)]
    told += [node.value for node in (*app.markdown, *app.caption, *app.info, *app.warning) if node.value]
    told += [chart.proto.spec for chart in app.get("plotly_chart")]
    store.close()
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|[0-9a-f]{64}", "?", "\n".join(map(str, told)))
