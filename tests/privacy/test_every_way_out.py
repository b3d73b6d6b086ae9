"""One patient's name, numbers and dates, planted wherever files hold them, looked for on every way out of Overread."""

from __future__ import annotations

import base64
import io
import logging
import warnings
import zipfile
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
import pytest
from PIL import Image, PngImagePlugin
from pydicom import Dataset
from streamlit.testing.v1 import AppTest

from core.engine.results import Review
from core.engine.shared_runs import SharedRun, Watch
from core.imaging import Study, read
from core.reports.archive import archive_csv, discrepancy_csv
from core.reports.case import CaseReport
from core.reports.dicom import dicom_objects, dicom_zip, find_source
from core.reports.dicom.source import CARRIED
from core.reports.files import case_csv, case_json
from core.reports.from_store import archive_report
from core.reports.pdf import archive_pdf, case_pdf
from core.review import Role, Store
from core.review.archives import ImportOptions, begin_scoring, installed, wait
from core.review.backup import backup
from core.review.exchange import export_all
from core.review.pseudonyms import NAMES_FILE
from core.review.tables import User
from core.settings import settings
from core.systems import Match
from dashboard.kit.cases import OpenCase
from dashboard.kit.engine import engine
from dashboard.review import rail
from tests.imaging.builders import picture
from tests.privacy import over_http, planted
from tests.reports import kit
from tests.review import archive_kit

PAGE = Path(__file__).resolve().parents[2] / "dashboard" / "pages" / "review.py"
DICOM_ZIP = "case.dicom.zip"


class _Kept(logging.Handler):
    """All that any logger is told, with its tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@dataclass
class Way:
    """What came out of Overread, by name; and the study, for the page."""

    study: Study
    store: Path
    outs: dict[str, bytes] = field(default_factory=dict)
    objects: list[Dataset] = field(default_factory=list)


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Way:
    """The whole way once: read, review, import, score, report, export, back up; all of it logged at DEBUG."""
    root, kept, loudest = tmp_path_factory.mktemp("way"), _Kept(), logging.getLogger()
    level = loudest.level
    loudest.addHandler(kept)
    loudest.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            made = _walked(root)
    finally:
        loudest.removeHandler(kept)
        loudest.setLevel(level)
    assert kept.lines
    made.outs["log"] = "\n".join([*kept.lines, *(str(w.message) for w in told)]).encode()
    return made


def _walked(root: Path) -> Way:
    files = list(planted.files().items())
    made = Way(read(files), root / "store")
    for index, series in enumerate(made.study.series):
        report = _report(made.study, index)
        made.outs[f"case {index}.json"] = case_json(report).encode()
        made.outs[f"case {index}.csv"] = case_csv(report).encode()
        made.outs[f"case {index}.pdf"] = case_pdf(report)
        if series.spacing and series.tags:  # the DICOM series
            made.objects = dicom_objects(report, find_source(files, series), probabilities=True)
    made.outs[DICOM_ZIP] = dicom_zip(made.objects)
    store = Store.open(str(made.store))
    store.local_user()
    for number, folder in enumerate((planted.lay(root / "Quillwort"), planted.lay_sheet(root / "Sägezahn"))):
        archive = archive_kit.imported(store, folder, ImportOptions(archive_kit.SYSTEM))
        models: Any = archive_kit.GreyEngine()
        assert wait(store, begin_scoring(store, models, 1, archive, archive_kit.SYSTEM)).state == "done"
        told = archive_report(store, archive, installed(models, archive_kit.SYSTEM), 1)
        assert len(told.lines) == 3
        made.outs[f"archive {number}.pdf"] = archive_pdf(told)
        made.outs[f"archive {number}.csv"] = archive_csv(told).encode()
        made.outs[f"archive {number} discrepancies.csv"] = discrepancy_csv(told).encode()
    made.outs |= over_http.told(store, files)
    export_all(store, root / "export")
    backup(store, root / "backup.zip")
    store.close()
    made.outs["backup.zip"] = (root / "backup.zip").read_bytes()
    made.outs |= {f"export/{name}": data for name, data in planted.tree(root / "export").items()}
    # the owner's own key file turns pseudonyms back; it is the one place of the store that may, and never leaves it
    kept = {name: data for name, data in planted.tree(made.store).items() if name != NAMES_FILE}
    made.outs |= {f"store/{name}": data for name, data in kept.items()}
    return made


def _report(study: Study, index: int) -> CaseReport:
    report = CaseReport(study, index, kit.review_of(study, index=index), shown=0)
    return CaseReport(study, index, report.review, shown=0, heat_maps=(kit.heat_of(report),))


def test_the_search_finds_what_is_planted() -> None:
    every = set(planted.LONG)
    for name, data in planted.files().items():
        seen = {secret for _, secret in planted.found({name: data, "path": name.encode()})}
        assert {"Quillwort", "Zebedee"} <= seen, name
    assert {secret for n, d in planted.files().items() for _, secret in planted.found_in(n, d)} >= every
    for coding in ("utf-8", "utf-16-le", "utf-16-be"):
        hidden = b"\1" + planted.EVERYTHING.upper().encode(coding)
        assert {secret for _, secret in planted.found_in("x", hidden)} >= every, coding
    assert planted.found_in("x.csv", b"a;qzw;b") == {("x.csv", "QZW")}
    assert planted.found_in("x.csv", b"aqzwb") == set()


def test_pictures_within_a_page_are_searched_too() -> None:
    told = PngImagePlugin.PngInfo()
    told.add_text("Author", "Quillwort", zip=True)
    packed = [base64.b64encode(one).decode() for one in (picture(Image.new("L", (8, 8)), pnginfo=told), b"Zebedee's")]
    page = f'<img src="data:image/png;base64,{packed[0]}"><a href="data:text/plain;base64,{packed[1]}">'
    assert b"Quillwort" not in page.encode()
    seen = planted.found({"page": page.encode()})
    assert {secret for _, secret in seen} == {"Quillwort", "Zebedee"}
    assert {part.partition("!")[0] for part, _ in seen} == {"page"}


def test_a_name_in_a_field_that_users_write_comes_out_and_is_found(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "store"))
    store.add_archive(store.local_user().number or 0, "Quillwort's scans")
    export_all(store, tmp_path / "export")
    backup(store, tmp_path / "backup.zip")
    store.close()
    outs = planted.tree(tmp_path / "export") | {"backup": (tmp_path / "backup.zip").read_bytes()}
    outs |= planted.tree(tmp_path / "store")
    where = {part for part, secret in planted.found(outs) if secret == "Quillwort"}
    assert any(part.startswith("backup!") for part in where)
    assert {part.rpartition(".")[2] for part in where} >= {"jsonl"}
    report = _report(read(kit.mr_files(3)), 0)
    named = CaseReport(**(vars(report) | {"system_reason": "Quillwort asked for it"}))
    assert planted.found({"a.pdf": case_pdf(named)}) == {("a.pdf!text", "Quillwort")}


def test_nothing_planted_leaves_but_with_the_dicom_objects(way: Way) -> None:
    expected = ("export/", "store/", "backup.zip", "archive 0.pdf", "archive 1.csv", "case 2.pdf", "case 0.json", "log")
    expected += ("http POST  v1 studies", "http GET  v1 cases", "http GET  v1 archives")
    assert all(any(name.startswith(wanted) for name in way.outs) for wanted in expected)
    assert len(way.study.series) == 3
    assert any(data[128:132] == b"DICM" for name, data in way.outs.items() if name.startswith("store/"))
    assert planted.found({name: data for name, data in way.outs.items() if name != DICOM_ZIP}) == set()


def test_dicom_objects_name_the_patient_in_the_declared_attributes_only(way: Way) -> None:
    with zipfile.ZipFile(io.BytesIO(way.outs[DICOM_ZIP])) as archive:
        names = archive.namelist()
        rest = {name: archive.read(name) for name in names if not name.endswith(".dcm")}
        objects = {n: pydicom.dcmread(io.BytesIO(archive.read(n))) for n in names if n.endswith(".dcm")}
    assert {item.Modality for item in objects.values()} == {"SEG", "SR", "OT"}
    assert planted.found(rest | {"names": "\n".join(names).encode()}) == set()
    for name, item in objects.items():
        carrying = {k for k in CARRIED if k in item and planted.found_in(k, str(item[k].value).encode())}
        named = {k: v for k, v in planted.ON_PURPOSE.items() if k != "IssuerOfPatientID" or "overlay" not in name}
        # they file to the right patient and study; captures do without the number's issuer
        assert {k: str(item[k].value) for k in carrying} == named, name
        for keyword in CARRIED:
            if keyword in item:
                del item[keyword]
        bare = io.BytesIO()
        item.save_as(bare, enforce_file_format=True)
        assert planted.found_in(name, bare.getvalue()) == set()


def test_the_review_page_shows_nothing_planted(
    way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OVERREAD_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("OVERREAD_WEIGHTS", str(settings().weights))
    engine.clear()
    caplog.set_level(logging.DEBUG)
    files = tuple(planted.files().items())
    for index in range(len(way.study.series)):
        case = OpenCase(way.study, Match("brain-mr", index, "made", True), "brain-mr", index, originals=files)
        answered = Watch(SharedRun(Answered(kit.review_of(way.study, index=index))))
        answered.join(30)
        case.jobs["brain-mr", index] = answered
        app = AppTest.from_file(str(PAGE), default_timeout=120)
        app.session_state["cases"], app.session_state["case"] = OrderedDict({case.key: case}), case.key
        app.session_state["person"] = User(
            number=1, issuer="local", subject="local", name="local", roles=[role.value for role in Role]
        )
        shown = ""
        for tab in rail.TABS:
            app.session_state[f"rail-{case.key}"] = tab
            app.run()
            assert not app.exception
            shown += "\n".join(str(node.proto) for node in app.main if getattr(node, "proto", None) is not None)
            shown += "\n".join(frame.value.to_csv() for frame in app.dataframe)
        for said in ("U-Net, test", "What each model says", "Predicted mask", "Area on this slice", "SHA-256"):
            assert said in shown, said
        assert planted.found({"page": shown.encode(), "log": caplog.text.encode()}) == set()


class Answered:
    """Stands in for a review that is done."""

    done, fraction, ahead, seconds_left = 1, 1.0, 0, None

    def __init__(self, review: Review) -> None:
        self._review = review

    def look(self, index: int) -> None:
        """Nothing is left to ask."""

    def seen(self) -> None:
        """Nothing was put off."""

    def so_far(self) -> Review:
        return self._review

    def run(self, **_: object) -> Review:
        return self._review
