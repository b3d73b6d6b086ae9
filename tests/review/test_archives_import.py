"""Imports: every kind of source, resumed, deduplicated, de-identified, and honest about what could not be read."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import numpy as np
import pydicom
import pytest

from core.errors import ArchiveError, NotAllowedError, StoreError, UnreadableFileError
from core.imaging import Limits, read
from core.imaging.limits import MIB
from core.review import FileRole, Role, Store
from core.review.archives import (
    ImportOptions,
    Layout,
    begin_import,
    permitted,
    progress,
    resume,
    stage_upload,
    stop,
    survey,
    wait,
)
from core.review.archives import importing as importing_module
from core.review.archives.intake.staging import staging_folder
from core.review.pseudonyms import Pseudonyms
from core.review.tables import ImportFile
from tests.imaging.builders import noise, picture, stack, to_bytes, zipped
from tests.review.archive_kit import SYSTEM, GreyEngine, folder, image, imported, real
from tests.review.casebook import archive as new_archive
from tests.review.casebook import person


def _report(store: Store, archive: int) -> dict[str, ImportFile]:
    return {real(store, row.path): row for row in store.import_report(archive)}


def test_a_folder_with_an_index(sqlite_store: Store, tmp_path: Path) -> None:
    root = folder(tmp_path / "set", {"A": [(0.2, 0), (0.8, 1)], "B": [(0.4, 0)]})
    archive = imported(sqlite_store, root)
    cases = sqlite_store.cases(archive)
    assert [(c.recorded_label, c.recorded_finding, c.study_date) for c in cases] == [
        ("no tumour", False, "2026-01-02"),
        ("tumour", True, "2026-01-03"),
        ("no tumour", False, "2026-01-04"),
    ]
    assert [c.system for c in cases] == [SYSTEM] * 3
    assert cases[0].patient == cases[1].patient != cases[2].patient
    assert all("A" not in c.patient.removeprefix("P-").upper().split("-") for c in cases)
    assert len({c.recorded_reader for c in cases}) == 2
    assert sqlite_store.case_bytes(cases[0].id or 0) == [("0001.png", image(0.2, 1))]


def test_masks_go_along_as_masks(sqlite_store: Store, tmp_path: Path) -> None:
    root = tmp_path / "set"
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    (root / "images" / "1.png").write_bytes(image(0.5))
    (root / "masks" / "1.png").write_bytes(picture(np.eye(24, dtype=np.uint8) * 255))
    (root / "masks" / "9.png").write_bytes(picture(np.eye(24, dtype=np.uint8) * 255))
    found = survey(root)
    assert [(case.path, case.masks) for case in found.cases] == [("images/1.png", ("masks/1.png",))]
    assert found.aside == 1
    (case,) = sqlite_store.cases(imported(sqlite_store, root))
    assert [f.role for f in sqlite_store.case_files(case.id or 0)] == [FileRole.IMAGE, FileRole.TRUTH]


def test_folders_may_name_patient_and_diagnosis(sqlite_store: Store, tmp_path: Path) -> None:
    for number, (diagnosis, patient) in enumerate([("tumor", "P1"), ("no_tumor", "P2"), ("odd", "P3")]):
        (tmp_path / "set" / diagnosis / patient).mkdir(parents=True)
        (tmp_path / "set" / diagnosis / patient / "1.png").write_bytes(image(0.5, number))
    options = ImportOptions(SYSTEM, Layout(patient_level=1, recorded_level=0), {"odd": "tumour"}, True)
    cases = sqlite_store.cases(imported(sqlite_store, tmp_path / "set", options))
    assert {(c.patient, c.recorded_label) for c in cases} == {
        ("P1", "tumour"),
        ("P2", "no tumour"),
        ("P3", "tumour"),
    }


def test_what_cannot_be_read_is_reported_with_its_reason(sqlite_store: Store, tmp_path: Path) -> None:
    root = folder(tmp_path / "set", {"A": [(0.2, 0)]})
    (root / "broken.png").write_bytes(image(0.3)[:60])
    (root / "paper.png").write_bytes(b"%PDF-1.7 not a scan")
    (tmp_path / "outside.png").write_bytes(image(0.9, 99))
    (root / "link.png").symlink_to(tmp_path / "outside.png")
    with (root / "index.csv").open("a") as sheet:
        sheet.write("broken.png,A,0,,\npaper.png,A,0,,\nmissing.png,A,0,,\n../outside.png,A,0,,\nlink.png,A,0,,\n")
    archive = imported(sqlite_store, root)
    report = _report(sqlite_store, archive)
    assert len(sqlite_store.cases(archive)) == 1
    assert report["A-001.png"].outcome == "added"
    bad = {path: row for path, row in report.items() if row.outcome == "unreadable"}
    assert set(bad) == {"broken.png", "paper.png", "missing.png", "index.csv, row 6", "link.png"}
    assert all(row.reason and row.remedy for row in bad.values())
    assert "PDF" in bad["paper.png"].reason
    assert "no such file" in bad["missing.png"].reason
    assert "leads out" in bad["link.png"].reason


def test_the_same_image_is_kept_once_and_a_contradiction_is_told(sqlite_store: Store, tmp_path: Path) -> None:
    root = folder(tmp_path / "set", {"A": [(0.2, 0)]})
    for name in ("copy.png", "contradiction.png"):
        (root / name).write_bytes(image(0.2, 1))
    with (root / "index.csv").open("a") as sheet:
        sheet.write("copy.png,A,0,,\ncontradiction.png,A,1,,\n")
    archive = imported(sqlite_store, root)
    assert len(sqlite_store.cases(archive)) == 1
    report = _report(sqlite_store, archive)
    assert report["copy.png"].outcome == report["contradiction.png"].outcome == "duplicate"
    assert report["copy.png"].reason == f"The same image as {report['A-001.png'].path}."
    assert "recorded as '0' there and as '1' here" in report["contradiction.png"].reason


def test_two_folders_with_like_named_files_do_not_hide_each_other(sqlite_store: Store, tmp_path: Path) -> None:
    archive = imported(sqlite_store, folder(tmp_path / "one" / "set", {"A": [(0.2, 0)]}))
    other = folder(tmp_path / "two" / "set", {"A": [(0.7, 1)]})
    actor = sqlite_store.local_user().number or 0
    wait(sqlite_store, begin_import(sqlite_store, actor, archive, other, ImportOptions(SYSTEM)))
    assert len(sqlite_store.cases(archive)) == 2


def test_a_dicom_tree_becomes_series_without_names(sqlite_store: Store, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    for patient, uid, seed in (("MRN-4711-X", "1.2.3", 1), ("MRN-4712-X", "1.2.4", 2)):
        for number, header in enumerate(stack(noise(3, 32, 32, seed=seed), BodyPartExamined="BRAIN")):
            header.PatientID, header.PatientName, header.SeriesInstanceUID = patient, "Doe^Jane", uid
            header.PatientBirthDate, header.StudyDate, header.InstitutionName = "19500101", "20260102", "St. Elsewhere"
            header.ReferringPhysicianName = "House^Gregory"
            (root / patient).mkdir(parents=True, exist_ok=True)
            (root / patient / f"{number}.dcm").write_bytes(to_bytes(header))
    (root / "MRN-4711-X" / "DICOMDIR").write_bytes(b"no image")
    archive = imported(sqlite_store, root, ImportOptions())
    cases = sqlite_store.cases(archive)
    key = Pseudonyms.of(sqlite_store.images_folder)
    assert {c.patient for c in cases} == {key.patient("MRN-4711-X"), key.patient("MRN-4712-X")}
    assert [(c.details["slices"], c.system, c.study_date) for c in cases] == [(3, SYSTEM, "2026-01-02")] * 2
    stored = [data for c in cases for _, data in sqlite_store.case_bytes(c.id or 0)]
    assert len(stored) == 6
    # none is a mere number of four digits: instance UIDs, which stay, hold any of those by chance
    for secret in (b"Doe^", b"Jane", b"MRN-47", b"19500101", b"Elsewhere", b"House"):
        assert not any(secret in data for data in stored), secret
    # the series is still the same: geometry, pixels and the key that follows from them
    again = read(sqlite_store.case_bytes(cases[0].id or 0))
    assert again.series[0].key == cases[0].details["series_keys"][0]
    header = pydicom.dcmread(sqlite_store.image_path(sqlite_store.case_files(cases[0].id or 0)[0].sha256))
    assert str(header.SeriesInstanceUID) in ("1.2.3", "1.2.4")


def test_a_sheet_may_name_folders_of_series(sqlite_store: Store, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number, header in enumerate(
            stack(noise(3, 32, 32, seed=len(name) + ord(name[0])), BodyPartExamined="HEAD")
        ):
            (tmp_path / "set" / name / f"{number}.dcm").write_bytes(to_bytes(header))
    (tmp_path / "set" / "cases.csv").write_text("path,subject,diagnosis\none,A,tumour\ntwo,B,normal\n")
    cases = sqlite_store.cases(imported(sqlite_store, tmp_path / "set"))
    assert [(c.details["slices"], c.recorded_label) for c in cases] == [(3, "tumour"), (3, "no tumour")]


def test_slices_of_a_patient_may_be_joined_to_scans(sqlite_store: Store, tmp_path: Path) -> None:
    rows = ["file,patient,series,slice,tumour,mask"]
    (tmp_path / "set" / "masks").mkdir(parents=True)
    given = [("A", 1, 3, 0), ("A", 1, 1, 1), ("A", 1, 2, 0), ("A", 2, 1, 0), ("A", 2, 2, 0), ("B", 1, 1, 1)]
    for number, (patient, series, place, label) in enumerate(given):
        (tmp_path / "set" / f"{number}.png").write_bytes(image(0.1 * (number + 1), number))
        (tmp_path / "set" / "masks" / f"{number}.png").write_bytes(picture(np.eye(24, dtype=np.uint8) * 255))
        rows.append(f"{number}.png,{patient},{series},{place},{label},masks/{number}.png")
    (tmp_path / "set" / "index.csv").write_text("\n".join(rows) + "\n")
    options = ImportOptions(SYSTEM, Layout(join=True), keep_patient_codes=True)
    archive = imported(sqlite_store, tmp_path / "set", options)
    cases = sorted(sqlite_store.cases(archive), key=lambda c: (c.patient, -c.details["slices"]))
    assert [(c.patient, c.details["slices"], c.recorded_label, c.recorded_text) for c in cases] == [
        ("A", 3, "tumour", "0 (2 of 3 slices), 1 (1 of 3 slices)"),
        ("A", 2, "no tumour", "0"),
        ("B", 1, "tumour", "1"),
    ]
    # in the order of the slice numbers, not of the names: pictures 1, 2, 0, whose grey levels tell them apart
    (series,) = read(sqlite_store.case_bytes(cases[0].id or 0)).series
    assert [float(plane[-1, -1]) for plane in series.pixels] == [51.0, 77.0, 26.0]
    again = wait(sqlite_store, begin_import(sqlite_store, 1, archive, tmp_path / "set", options))
    assert (again.state, len(sqlite_store.cases(archive))) == ("done", 3)


def test_an_uploaded_zip_with_a_sheet(sqlite_store: Store) -> None:
    files = [(f"set/{n}.png", image(0.1 * n, n)) for n in range(1, 4)]
    sheet = "file;patient;diagnosis\n1.png;A;tumour\n2.png;A;no tumour\n".encode("utf-16")
    upload = [("set.zip", zipped([*files, ("set/cases.csv", sheet)]))]
    root = stage_upload(sqlite_store.images_folder, upload)
    assert root == stage_upload(sqlite_store.images_folder, upload)
    archive = imported(sqlite_store, root)
    assert [c.recorded_label for c in sqlite_store.cases(archive)] == ["tumour", "no tumour"]
    assert list(staging_folder(sqlite_store.images_folder).iterdir()) == []


def test_a_member_that_cannot_be_unpacked_costs_itself_and_has_a_line(sqlite_store: Store) -> None:
    whole = zipped([("set/Quill_Maud.png", image(0.1, 1)), ("set/b.png", image(0.5, 2)), ("set/c.png", image(0.7, 3))])
    broken = bytearray(whole)
    at = broken.index(b"Quill_Maud.png") + len("Quill_Maud.png")
    broken[at : at + 40] = bytes(40)  # the first member's deflated bytes
    root = stage_upload(sqlite_store.images_folder, [("set.zip", bytes(broken))])
    archive = imported(sqlite_store, root)
    assert len(sqlite_store.cases(archive)) == 2
    lost = [row for row in sqlite_store.import_report(archive) if row.outcome == "unreadable"]
    assert [real(sqlite_store, row.path) for row in lost] == ["set/Quill_Maud.png"]
    assert "damaged within the zip" in lost[0].reason
    assert lost[0].remedy
    assert "Quill" not in lost[0].path + lost[0].reason + lost[0].remedy
    assert list(staging_folder(sqlite_store.images_folder).iterdir()) == []


@pytest.mark.parametrize("name", ["a.png/b.png", "a.png/deeper/b.png", "\N{GRINNING FACE}" * 200 + ".png"])
def test_a_member_whose_name_cannot_be_kept_costs_itself_only(sqlite_store: Store, name: str) -> None:
    """A file where another member needs a folder, and a name of more bytes than a file system takes."""
    upload = zipped([("a.png", image(0.1, 1)), (name, image(0.5, 2)), ("c.png", image(0.7, 3))])
    archive = imported(sqlite_store, stage_upload(sqlite_store.images_folder, [("set.zip", upload)]))
    assert len(sqlite_store.cases(archive)) == 2
    (lost,) = [row for row in sqlite_store.import_report(archive) if row.outcome == "unreadable"]
    assert "name is too long" in lost.reason
    assert "Rename" in lost.remedy
    assert list(staging_folder(sqlite_store.images_folder).iterdir()) == []


def test_a_full_disk_is_told_when_an_upload_is_unpacked(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StoreError, match="disk is full"):
        stage_upload(sqlite_store.images_folder, [("set.zip", zipped([("a.png", image(0.1, 1))]))])
    assert list(staging_folder(sqlite_store.images_folder).iterdir()) == []


def test_a_zip_of_which_nothing_can_be_unpacked_is_refused(sqlite_store: Store) -> None:
    broken = bytearray(zipped([("only.png", image(0.1, 1))]))
    at = broken.index(b"only.png") + len("only.png")
    broken[at : at + 40] = bytes(40)
    with pytest.raises(UnreadableFileError, match="damaged within the zip"):
        stage_upload(sqlite_store.images_folder, [("set.zip", bytes(broken))])
    assert list(staging_folder(sqlite_store.images_folder).iterdir()) == []


def test_a_zip_beyond_the_limits_or_with_paths_that_lead_out_is_harmless(sqlite_store: Store, tmp_path: Path) -> None:
    images = sqlite_store.images_folder
    with pytest.raises(Exception, match="limit on total bytes"):
        stage_upload(images, [("big.zip", zipped([("a.png", bytes(3 * MIB))]))], Limits(total_bytes=2 * MIB))
    root = stage_upload(images, [("evil.zip", zipped([("../../evil.png", image(0.5)), ("b.png", image(0.6))]))])
    assert sorted(path.name for path in root.iterdir()) == ["b.png", "evil.png"]
    assert not list(tmp_path.rglob("store/evil.png"))


def test_a_stopped_import_goes_on_where_it_was(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder(tmp_path / "set", {"A": [(0.01 * n, 0) for n in range(30)]})
    actor, archive = sqlite_store.local_user().number or 0, new_archive(sqlite_store)
    reached, go_on, taken = threading.Event(), threading.Event(), []
    real = importing_module.Importer.take

    def slow(self: importing_module.Importer, found: object, case: object) -> object:
        taken.append(case)
        if len(taken) == 10:
            reached.set()
            go_on.wait(20)
        return real(self, found, case)  # type: ignore[arg-type]

    monkeypatch.setattr(importing_module.Importer, "take", slow)
    monkeypatch.setattr("core.review.archives.background.BEAT_SECONDS", 0.0)
    run = begin_import(sqlite_store, actor, archive, root, ImportOptions(SYSTEM))
    assert reached.wait(20)
    stop(sqlite_store, actor, run)
    go_on.set()
    run = wait(sqlite_store, run)
    assert (run.state, len(sqlite_store.cases(archive))) == ("stopped", 10)
    run = wait(sqlite_store, resume(sqlite_store, GreyEngine(), actor, run))
    assert (run.state, len(sqlite_store.cases(archive)), len(taken)) == ("done", 30, 30)
    told = progress(sqlite_store, run)
    assert (told.done, told.failed, told.total, told.share) == (30, 0, 30, 1.0)


def test_only_those_who_may_import_do(sqlite_store: Store, tmp_path: Path) -> None:
    root = folder(tmp_path / "set", {"A": [(0.2, 0)]})
    archive = new_archive(sqlite_store)
    reviewer = person(sqlite_store, "reader", Role.REVIEWER)
    with pytest.raises(NotAllowedError):
        begin_import(sqlite_store, reviewer, archive, root)
    actor = sqlite_store.local_user().number or 0
    with pytest.raises(ArchiveError, match="There is no"):
        begin_import(sqlite_store, actor, archive, tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    run = wait(sqlite_store, begin_import(sqlite_store, actor, archive, empty))
    assert run.state == "failed"
    assert "nothing to import" in run.message


def test_only_named_folders_may_be_imported(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = folder(tmp_path / "good" / "set", {"A": [(0.2, 0)]})
    bad = folder(tmp_path / "elsewhere", {"A": [(0.3, 0)]})
    (tmp_path / "good" / "way-out").symlink_to(bad)
    archive, actor = new_archive(sqlite_store), sqlite_store.local_user().number or 0
    monkeypatch.setenv("OVERREAD_IMPORT_ROOTS", f"{tmp_path / 'good'}:{tmp_path / 'not-there'}")
    ways_out = (bad, tmp_path / "good" / "way-out", tmp_path / "good" / ".." / "elsewhere", Path("/etc/passwd"))
    for path in (*ways_out, tmp_path / "good-by-name-only", tmp_path):
        with pytest.raises(ArchiveError, match="may be imported from") as error:
            begin_import(sqlite_store, actor, archive, path)
        assert "OVERREAD_IMPORT_ROOTS" in error.value.remedy
        assert str(tmp_path / "good") in error.value.message
    assert wait(sqlite_store, begin_import(sqlite_store, actor, archive, good)).state == "done"
    staged = stage_upload(sqlite_store.images_folder, [("b.png", image(0.5, 7))])
    assert wait(sqlite_store, begin_import(sqlite_store, actor, archive, staged)).state == "done"

    # The folder of all uploads together is nobody's, and what is no path is told.
    with pytest.raises(ArchiveError, match="may be imported from"):
        permitted(sqlite_store, actor, staging_folder(sqlite_store.images_folder))
    ring = tmp_path / "good" / "ring"
    ring.symlink_to(ring)
    for path in (ring, ring / "b", Path("~nobody-has-this-name/x"), tmp_path / "good\0", tmp_path / ("x" * 300)):
        with pytest.raises(ArchiveError, match="no path"):
            permitted(sqlite_store, actor, path)

    # Without a word the local user has the home folder, and people who signed in have nothing.
    monkeypatch.delenv("OVERREAD_IMPORT_ROOTS")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "good")
    assert permitted(sqlite_store, actor, good) == good
    lead = person(sqlite_store, "lead", Role.LEAD)
    with pytest.raises(ArchiveError, match="nowhere"):
        begin_import(sqlite_store, lead, archive, good)
    assert permitted(sqlite_store, lead, staged) == staged


def test_a_link_put_there_after_the_import_began_leads_nowhere(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERREAD_IMPORT_ROOTS", str(tmp_path / "good"))
    bad = folder(tmp_path / "elsewhere", {"A": [(0.3, 0)]})
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "set").symlink_to(bad)
    path = Pseudonyms.of(sqlite_store.images_folder).path(str(tmp_path / "good" / "set"))
    settings = {"path": path, "options": ImportOptions(SYSTEM).to_json()}
    archive = new_archive(sqlite_store)
    run = sqlite_store.start_import(1, archive, "set", settings)
    run = wait(sqlite_store, resume(sqlite_store, GreyEngine(), 1, run))
    assert run.state == "failed"
    assert "may be imported from" in run.message
    assert sqlite_store.cases(archive) == []


def test_options_survive_the_store_as_json(sqlite_store: Store, tmp_path: Path) -> None:
    layout = Layout("x.csv", {"file": "a"}, "%d/%m/%Y", 1, 2, True)  # type: ignore[dict-item]
    options = ImportOptions(SYSTEM, layout, {"a": "tumour"}, True, "team")
    run = sqlite_store.start_import(1, new_archive(sqlite_store), "x", {"options": options.to_json()})
    kept = sqlite_store.run(type(run), run.id or 0).settings["options"]
    assert ImportOptions.from_json(kept) == options


def test_the_key_of_pseudonyms_is_the_stores_own(tmp_path: Path) -> None:
    one, other = Pseudonyms.of(tmp_path / "a" / "images"), Pseudonyms.of(tmp_path / "b" / "images")
    assert one.patient("4711") == Pseudonyms.of(tmp_path / "a" / "images").patient(" 4711 ")
    assert one.patient("4711") != other.patient("4711")
    assert one.patient("") == ""
    assert (tmp_path / "a" / "pseudonyms.key").stat().st_mode & 0o077 == 0


@pytest.mark.real
def test_a_shipped_set_imports_as_it_lies(sqlite_store: Store, real_data: Path, tmp_path: Path) -> None:
    source = real_data / "brain-lgg"
    lines = (source / "index.csv").read_text().splitlines()
    small = tmp_path / "brain-lgg"
    for name in ("images", "masks"):
        (small / name).mkdir(parents=True)
    wanted = lines[1].split(",")[2]
    rows = [line for line in lines[1:] if line.split(",")[2] == wanted]
    for kind in ("images", "masks"):
        (small / kind / wanted).mkdir()
        for path in (source / kind / wanted).iterdir():
            (small / kind / wanted / path.name).write_bytes(path.read_bytes())
    (small / "index.csv").write_text("\n".join([lines[0], *rows]) + "\n")
    archive = imported(sqlite_store, small)
    cases = sqlite_store.cases(archive)
    assert len(cases) == len(rows)
    assert [c.recorded_finding for c in cases] == [row.split(",")[4] == "1" for row in rows]
    assert len({c.patient for c in cases}) == 1
