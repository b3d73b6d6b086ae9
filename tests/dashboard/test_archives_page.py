"""From a zip to reading: columns recognised, slices joined where patients are named, and one next step at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from streamlit.testing.v1 import AppTest

from core.review import Role, RunState, Store
from core.review.archives import Column, Layout, guess_columns, wait
from core.review.tables import ImportRun, ScoreRun, User
from dashboard.archives import bring_in, runs
from dashboard.kit.engine import engine
from tests.dashboard import readings, weights

PAGE = Path(__file__).resolve().parents[2] / "dashboard" / "pages" / "archives.py"


@pytest.mark.parametrize(
    ("layout", "joined"),
    [
        (Layout(columns={Column.FILE: "image", Column.PATIENT: "patient"}), True),
        (Layout(columns={Column.FILE: "image", Column.SLICE: "z"}), True),
        (Layout(sheet="", patient_level=1), True),
        (Layout(columns={Column.FILE: "image"}), False),
        (Layout(sheet=""), False),  # a folder of anybody's pictures must not become one scan
    ],
)
def test_slices_are_joined_by_themselves_only_where_patients_are_named(layout: Layout, joined: bool) -> None:
    assert bring_in.tells_patients(layout) is joined


def test_recognised_columns_are_told_in_a_line() -> None:
    guessed = guess_columns(["image", "patient", "diagnosis", "colour"])
    assert bring_in.recognised(guessed) == "File: image; Patient: patient; Recorded diagnosis: diagnosis"
    assert bring_in.recognised({}) == "none"


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    monkeypatch.setenv("OVERREAD_WEIGHTS", str(weights.write(tmp_path / "weights")))
    monkeypatch.setenv("OVERREAD_STORE", str(tmp_path / "store"))
    engine.clear()
    app = AppTest.from_file(str(PAGE), default_timeout=120)
    app.session_state["person"] = User(
        number=1, issuer="local", subject="local", name="local", roles=[role.value for role in Role]
    )
    yield app
    engine.clear()


def test_where_there_is_nothing_to_read_a_lead_is_led_to_the_archives(page: AppTest, tmp_path: Path) -> None:
    lead = page.session_state["person"]
    for roles, offered in ((lead.roles, ["Go to Archives"]), ([Role.REVIEWER.value], [])):
        app = AppTest.from_file(str(PAGE.parent / "read.py"), default_timeout=120)
        app.session_state["person"] = lead.model_copy(update={"roles": roles})
        app.run()
        assert not app.exception
        assert any("There is no archive yet" in one.value for one in app.info)
        assert [one.label for one in app.button] == offered


def test_score_is_the_next_step_then_reading(page: AppTest, tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "store"))
    planted = readings.plant(store, 1)
    page.run()
    assert not page.exception
    assert any("Next: let the models score 1 case" in one.value for one in page.markdown)
    page.button(key=f"next-score-{planted.archive}").click().run()
    for run in store.runs(ScoreRun, planted.archive):
        wait(store, run, 120)
    page.run()
    assert not page.exception
    assert any("Next: read." in one.value for one in page.markdown)
    assert page.button(key=f"next-read-{planted.archive}").label == "Read the first one"


def test_a_source_is_called_what_the_importer_typed_and_a_sheet_only_by_a_name_that_is_nobodys(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "incoming"
    monkeypatch.setenv("OVERREAD_IMPORT_ROOTS", str(root))
    for folder, sheet in (("plain", "labels.csv"), ("other", "Quill_Jane_1950.csv")):
        (root / folder).mkdir(parents=True)
        (root / folder / "a.png").write_bytes(readings.head(1))
        (root / folder / sheet).write_text("image,tumour\na.png,0\n")
    store = Store.open(str(tmp_path / "store"))
    archive = store.add_archive(store.local_user().number or 0, "A").id
    page.run()
    said = []
    for folder in ("plain", "other"):
        page.text_input(key=f"import-source-{archive}-path-0").set_value(str(root / folder)).run()
        assert not page.exception
        said.append([one.value for one in page.markdown if one.value.startswith("**") and folder in one.value])
    assert len(said[0]) == len(said[1]) == 1
    assert said[0][0].endswith("plain**, sheet labels.csv")
    assert said[1][0].endswith("other**, with a sheet")
    assert not [one.value for one in (*page.markdown, *page.caption) if "Quill" in one.value]
    store.close()


def test_names_of_sheets() -> None:
    assert bring_in.told_sheet("labels.csv") == "sheet labels.csv"
    assert bring_in.told_sheet("Quill_Jane_1950.csv") == "with a sheet"


def test_what_a_look_found_is_told_of_what_was_looked_at_alone(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "incoming"
    monkeypatch.setenv("OVERREAD_IMPORT_ROOTS", str(root))
    for folder, count in (("one", 1), ("two", 2)):
        (root / folder).mkdir(parents=True)
        for number in range(count):
            (root / folder / f"{number}.png").write_bytes(readings.head(number + 1))
        lines = "".join(f"{number}.png,p{number},oddity\n" for number in range(count))
        (root / folder / "index.csv").write_text(f"image,patient,diagnosis\n{lines}")
    store = Store.open(str(tmp_path / "store"))
    archive = store.add_archive(store.local_user().number or 0, "A").id
    key = f"import-source-{archive}"

    def look() -> list[str]:
        next(button for button in page.button if button.label == "Look first").click().run()
        return told()

    def told() -> list[str]:
        assert not page.exception
        return [one.value.split(",")[0] for one in page.success]

    page.run()
    page.text_input(key=f"{key}-path-0").set_value(str(root / "one")).run()
    assert look() == ["1 case"]
    page.text_input(key=f"{key}-path-0").set_value(str(root / "two")).run()
    assert told() == []
    assert look() == ["2 cases"]
    page.selectbox(key=f"{key}-two-system").set_value("brain-mr").run()
    assert told() == []
    look()
    page.selectbox(key=f"{key}-two-means-oddity").select_index(1).run()
    meant = page.selectbox(key=f"{key}-two-means-oddity").value
    assert meant
    look()  # what was said of a word stays said
    assert page.selectbox(key=f"{key}-two-means-oddity").value == meant
    page.text_input(key=f"{key}-path-0").set_value("").run()
    assert "Import" not in [button.label for button in page.button]
    store.close()


def test_a_folder_is_imported_a_second_time(page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "incoming"
    monkeypatch.setenv("OVERREAD_IMPORT_ROOTS", str(root))
    root.mkdir()
    store = Store.open(str(tmp_path / "store"))
    archive = store.add_archive(store.local_user().number or 0, "A").id or 0
    page.run()
    for number in (1, 2):
        (root / f"{number}.png").write_bytes(readings.head(number))
        (field,) = [
            one for one in page.text_input if one.label == "Folder, zip or CSV on the machine that runs Overread"
        ]
        assert field.value == ""
        field.set_value(str(root)).run()
        next(button for button in page.button if button.label == "Import").click().run()
        for begun in store.runs(ImportRun, archive):
            wait(store, begun, 60)
        page.run()
        assert not page.exception
        assert len(store.cases(archive)) == number
    store.close()


def test_a_paused_run_stays_in_sight_and_what_ends_beside_it_is_seen(
    page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(str(tmp_path / "store"))
    planted = readings.plant(store, 1)
    actor = store.local_user().number or 0
    paused = store.update_run(
        store.start_scoring(actor, planted.archive, "brain-mr", {}, 1), state=RunState.PAUSED.value
    )
    for number in range(4):
        run = store.start_import(actor, planted.archive, f"later {number}", {})
        store.update_run(run, state=RunState.DONE.value)
    page.run()
    assert not page.exception
    assert page.button(key=f"resume-ScoreRun-{paused.id}").label == "Go on"
    assert not [one.value for one in page.markdown if "Next: let the models score" in one.value]
    for moving in ({f"ScoreRun-{paused.id}", f"ImportRun-{run.id}"}, set[str]()):  # one has ended, or has been begun
        with (
            mock.patch.object(runs.st, "rerun", side_effect=InterruptedError),
            pytest.raises(InterruptedError),
        ):
            runs._list(store, actor, planted.archive, moving)
    store.close()
