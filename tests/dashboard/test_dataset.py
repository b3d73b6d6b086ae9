"""The Dataset page on a machine without data and on a folder of one's own; audits that run and stop."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.audit.browse import FolderSet, SimulatedSet
from core.audit.folder import audit
from core.review import Role, Stage
from core.review.tables import User
from core.review.vocabulary import now
from dashboard.dataset import audit as dataset_audit
from dashboard.dataset import data as dataset_data
from dashboard.dataset import jobs, look, source
from dashboard.dataset.data import Shown, Source
from tests.audit.folder import planted
from tests.dashboard import readings

PAGE = Path(__file__).resolve().parents[2] / "dashboard" / "pages" / "dataset.py"
LOCAL = User(number=1, issuer="local", subject="local", name="local", roles=[role.value for role in Role])


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AppTest:
    monkeypatch.delenv("OVERREAD_DATA", raising=False)
    monkeypatch.setenv("OVERREAD_STORE", str(tmp_path / "store"))
    readings.opened(tmp_path / "store").local_user()
    app = AppTest.from_file(str(PAGE), default_timeout=120)
    app.session_state["person"] = LOCAL
    return app


def _html(app: AppTest) -> str:
    return " ".join(str(e.proto.body) for e in app.main.get("html"))


def _shown(folder: Path) -> Shown:
    return dataset_data.shown(Source(folder.name, folder))


def test_a_fresh_machine_has_something_to_show(page: AppTest) -> None:
    page.run()
    page.selectbox(key="dataset-source").set_value("Simulated: Breast MR lesion crop").run()
    assert not page.exception
    assert not page.error
    text = _html(page)
    # Gallery and three textures; the chosen one is in the viewer where that is bundled.
    assert len(re.findall(r"<img class='or-picture'", text)) == 12 + 3
    assert "Grey-level co-occurrence" in text
    assert "Copies, leaks, conflicts" in text
    assert any("no patient" in str(c.value) for c in page.caption)


def test_a_click_chooses_the_picture(page: AppTest) -> None:
    page.run()
    page.selectbox(key="dataset-source").set_value("Simulated: Breast MR lesion crop").run()
    picks = [b for b in page.button if str(b.key).startswith("pick-")]
    name = re.sub(r"^pick-\w+?-", "", str(picks[5].key))
    assert f"<th scope='row'>Name</th><td>{name}</td>" not in _html(page)
    picks[5].click().run()
    assert f"<th scope='row'>Name</th><td>{name}</td>" in _html(page)


def test_naming_a_folder_is_for_those_who_may_import(page: AppTest) -> None:
    page.run()
    assert source.OWN in page.selectbox(key="dataset-source").options
    student = User(number=2, issuer="x", subject="y", name="s", roles=[Role.STUDENT.value])
    page.session_state["person"] = student
    page.run()
    assert source.OWN not in page.selectbox(key="dataset-source").options


def test_a_folder_of_ones_own(page: AppTest, tmp_path: Path) -> None:
    folder = planted(tmp_path / "mine")
    page.run()
    page.selectbox(key="dataset-source").set_value(source.OWN).run()
    page.text_input(key="dataset-folder").set_value(str(tmp_path)).run()
    assert any("has no index.csv" in e.value for e in page.error)
    page.text_input(key="dataset-folder").set_value(str(folder)).run()
    assert not page.exception
    assert not page.error
    assert "<th scope='row'>malignant</th><td>19<" in _html(page)
    assert any("run the audit" in str(i.value) for i in page.info)


def test_class_table_counts_what_the_index_says(tmp_path: Path) -> None:
    frame = source.table(_shown(planted(tmp_path / "set"))).set_index("class")
    assert [frame[name]["malignant"] for name in ("pictures", "groups", "part test", "part train")] == [19, 19, 8, 11]
    assert frame["share"].sum() == pytest.approx(1)


def test_sample_takes_one_of_each_group_before_a_second(tmp_path: Path) -> None:
    entries = FolderSet(planted(tmp_path / "set")).entries
    groups = len({e.group for e in entries})
    first = dataset_data.sample(entries, groups)
    assert len({e.group for e in first}) == groups
    assert sorted(e.name for e in dataset_data.sample(entries, 40)) == sorted(e.name for e in entries)


def test_textures_stand_beside_their_class(tmp_path: Path) -> None:
    found = _shown(planted(tmp_path / "set"))
    means = dataset_data.class_means(found)
    frame = look.co_occurrences(found.pictures.pixels(found.entries[0]), means)
    assert frame["property"].tolist()[:2] == ["contrast", "dissimilarity"]
    assert {"benign", "malignant", "this picture"} <= set(frame.columns)
    chart = look.levels(found, found.entries[0], found.pictures.pixels(found.entries[0]), means, "cumulative")
    assert [round(float(trace.y[-1]), 6) for trace in chart.figure.data] == [100.0] * 3
    assert np.all(np.diff(chart.figure.data[0].y) >= 0)


def test_an_audit_runs_in_the_background_and_equals_the_command(tmp_path: Path) -> None:
    folder = planted(tmp_path / "set")
    job = jobs.job_for(Source("set", folder)).start()
    job.join(120)
    assert job.result is not None
    assert job.result.to_json() == audit(folder).to_json()
    assert 0.9 <= job.fraction <= 1
    text = dataset_audit.html(job.result)
    assert "pictures of test with an identical copy in another part</th><td class='warn'>2 (benign 1, malig" in text


def test_a_stopped_audit_ends_at_once_and_keeps_nothing(tmp_path: Path) -> None:
    job = jobs.job_for(Source("set", planted(tmp_path / "set")))
    read: list[str] = []

    def watch(text: str, fraction: float) -> None:
        read.append(text)
        if len(read) == 5:
            job.stop()
        jobs.AuditJob.tell(job, text, fraction)

    job.tell = watch  # type: ignore[method-assign]
    job.run()
    assert (len(read), job.result, job.error) == (5, None, None)


def test_a_damaged_set_is_told(tmp_path: Path) -> None:
    folder = planted(tmp_path / "set")
    (folder / "07.png").write_bytes(b"no picture")
    job = jobs.job_for(Source("set", folder))
    job.run()
    assert job.error is not None
    assert "07.png" in job.error.message


def test_labels_cannot_become_markup(tmp_path: Path) -> None:
    folder = planted(tmp_path / "set")
    index = folder / "index.csv"
    index.write_text(index.read_text().replace("malignant", "<b>bad</b>"))
    report = audit(folder, resamples=20)
    assert "<b>bad" not in dataset_audit.html(report)
    assert "&lt;b&gt;bad" in dataset_audit.html(report)


def test_simulated_scans_open_with_their_truth() -> None:
    pictures = SimulatedSet("breast-mri")
    study, series, place = pictures.study(pictures.entries[1])
    assert study.simulated
    truth = study.series[series].truth
    assert truth is not None
    np.testing.assert_array_equal(truth[place], pictures.mask(pictures.entries[1]))


def test_what_waits_for_an_own_opinion_is_not_shown(page: AppTest, tmp_path: Path) -> None:
    """Its class stands in the set: neither it nor its outline may be seen before the reader's opinion is locked."""
    store = readings.opened(tmp_path / "store")
    planted_one = readings.plant(store, 1)
    folder = tmp_path / "mine"
    folder.mkdir()
    for number, data in enumerate((*planted_one.pictures, readings.head(7), readings.head(8))):
        (folder / f"{number}.png").write_bytes(data)
    rows = "".join(f"{n}.png,{label},p{n}\n" for n, label in enumerate(("glioma", "clear", "clear")))
    (folder / "index.csv").write_text(f"image,label,patient\n{rows}")

    def told() -> tuple[list[str], str]:
        page.run()
        page.selectbox(key="dataset-source").set_value(source.OWN).run()
        page.text_input(key="dataset-folder").set_value(str(folder)).run()
        assert not page.exception
        assert not page.error
        picks = [re.sub(r"^pick-\w+?-", "", str(b.key)) for b in page.button if str(b.key).startswith("pick-")]
        return sorted(picks), _html(page)

    names, text = told()
    assert names == ["1.png", "2.png"]
    assert "glioma: 0.png" not in text
    assert "<td>0.png</td>" not in text
    assert any("1 picture waits for your own opinion" in str(info.value) for info in page.info)
    page.selectbox(key=next(str(s.key) for s in page.selectbox if "gallery-label" in str(s.key))).set_value("glioma")
    page.run()
    assert "0.png" not in _html(page)

    reader = store.local_user().number or 0
    store.lock_opinion(
        planted_one.cases[0], reader, Stage.BLIND, finding=True, label="tumour", confidence=80, started=now(), seconds=1
    )
    page.selectbox(key=next(str(s.key) for s in page.selectbox if "gallery-label" in str(s.key))).set_value("all")
    names, text = told()
    assert names == ["0.png", "1.png", "2.png"]
    assert "glioma: 0.png" in text
