"""DICOM objects: read back with other code and compared with the masks, the numbers and the source files."""

from __future__ import annotations

import io
import logging
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.datadict import DicomDictionary
from pydicom.sr.codedict import codes

from core.errors import ReportError
from core.imaging import read
from core.reports.case import CaseReport
from core.reports.dicom import dicom_objects, dicom_zip, find_source
from core.reports.dicom.objects import file_kind
from tests.imaging import builders
from tests.imaging.test_dicom import enhanced
from tests.reports import kit


def sources(files: Sequence[tuple[str, bytes]]) -> list[Dataset]:
    """The source images along the normal, read without the project's reader."""
    loose = []
    for name, data in files:
        if name.endswith(".zip"):
            archive = zipfile.ZipFile(io.BytesIO(data))
            loose += [archive.read(member) for member in archive.namelist()]
        else:
            loose.append(data)
    images = [pydicom.dcmread(io.BytesIO(data)) for data in loose]
    return sorted(images, key=lambda d: float(d.ImagePositionPatient[2]))


def written(objects: Sequence[Dataset], folder: Path) -> list[Path]:
    archive = zipfile.ZipFile(io.BytesIO(dicom_zip(objects)))
    archive.extractall(folder)
    return sorted(folder.glob("*.dcm"))


@pytest.fixture(scope="module", params=["mr", "sample"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """Report, source images and the object files, of a small MR series and of the simulated chest CT."""
    files, system = (kit.mr_files(), "brain-mr") if request.param == "mr" else (kit.sample_files(), "chest-ct")
    report = kit.case(files, system)
    if request.param == "mr":  # with what an ensemble rests on
        report = replace(report, review=replace(report.review, stored=kit.stored(report.review)))
    objects = dicom_objects(report, find_source(files, report.series))
    return report, sources(files), written(objects, tmp_path_factory.mktemp(request.param))


def test_dciodvfy_finds_no_error(made) -> None:  # type: ignore[no-untyped-def]
    _, _, files = made
    kinds = [file.stem.split("-", 1)[1] for file in files]
    models = ("unet", "resunet")
    masks = [f"seg-{kind}-{m}" for kind in ("binary", "fractional") for m in models]
    assert kinds[:6] == [*masks, "sr", "sr-regions"]
    assert set(kinds[6:]) == {"overlay"}
    for file in files:
        assert kit.complaints(file) == [], file.name


def test_binary_segmentation_holds_every_mask_on_its_source_image(made) -> None:  # type: ignore[no-untyped-def]
    report, images, files = made
    drawn = [r for r in report.review.results if r.mask is not None]
    uids = [image.SOPInstanceUID for image in images]
    for number, result in enumerate(drawn):
        seg = hd.seg.segread(files[number])
        assert (seg.number_of_segments, int(seg.NumberOfFrames)) == (1, len(images))  # empty frames too
        # by hand as well, as a reader does that knows nothing of segments: frames in the order of the images
        order = [f.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
                 for f in seg.PerFrameFunctionalGroupsSequence]  # fmt: skip
        plain = pydicom.dcmread(files[number]).pixel_array.reshape(result.mask.shape)
        assert np.array_equal(plain[[order.index(uid) for uid in uids]] > 0, result.mask)
        stored = seg.get_pixels_by_source_instance(uids)
        assert np.array_equal(stored[..., 0].astype(bool), result.mask)
        assert seg.get_segment_description(1).segment_label == result.state.title
        algorithm = seg.get_segment_description(1).algorithm_identification
        assert algorithm.name == f"Overread {report.review.system}/{result.state.name}"
        assert algorithm.version == result.state.card.version
    place = [
        [float(v) for v in f.PlanePositionSequence[0].ImagePositionPatient]
        for f in seg.PerFrameFunctionalGroupsSequence
    ]
    assert {tuple(p) for p in place} == {tuple(float(v) for v in image.ImagePositionPatient) for image in images}


def test_fractional_segmentation_holds_the_probabilities(made) -> None:  # type: ignore[no-untyped-def]
    report, images, files = made
    for number, result in enumerate(r for r in report.review.results if r.mask is not None):
        seg = hd.seg.segread(files[2 + number])
        assert (seg.SegmentationType, seg.SegmentationFractionalType) == ("FRACTIONAL", "PROBABILITY")
        stored = seg.get_pixels_by_source_instance([image.SOPInstanceUID for image in images], rescale_fractional=True)
        assert np.abs(stored[..., 0] - result.mask_probability.astype(float)).max() <= 0.5 / 255 + 1e-6


def test_patient_and_references_are_the_source_s_and_everything_else_is_new(made) -> None:  # type: ignore[no-untyped-def]
    _, images, files = made
    source, objects = images[0], [pydicom.dcmread(file) for file in files]
    for item in objects:
        for keyword in (
            "StudyInstanceUID",
            "PatientID",
            "PatientBirthDate",
            "PatientSex",
            "AccessionNumber",
            "StudyDate",
        ):
            assert item.get(keyword) == source.get(keyword), keyword
        assert str(item.PatientName) == str(source.PatientName)
        assert str(item.ReferringPhysicianName) == str(source.ReferringPhysicianName)
        assert item.SeriesInstanceUID != source.SeriesInstanceUID
    assert len({item.SOPInstanceUID for item in objects}) == len(objects)
    assert len({item.SeriesInstanceUID for item in objects}) == 7  # four segmentations, two reports, overlays
    for seg in objects[:4]:
        assert seg.FrameOfReferenceUID == source.FrameOfReferenceUID
        referenced = seg.ReferencedSeriesSequence[0]
        assert referenced.SeriesInstanceUID == source.SeriesInstanceUID
        wanted = {image.SOPInstanceUID for image in images}
        assert {i.ReferencedSOPInstanceUID for i in referenced.ReferencedInstanceSequence} == wanted


def test_structured_report_gives_every_probability_with_its_image(made) -> None:  # type: ignore[no-untyped-def]
    report, images, files = made
    content = hd.sr.srread(files[4]).content
    slice_of = {image.SOPInstanceUID: index for index, image in enumerate(images)}
    seen = {}
    for group in content.get_image_measurement_groups():
        numbers = {m.name: m.value for m in group.get_measurements()}
        if codes.DCM.Probability not in numbers:
            continue
        name = group.tracking_identifier.split(",")[0]
        index = slice_of[group.source_images[0].referenced_sop_instance_uid]
        told = group.get_qualitative_evaluations()[0].value
        seen[name, index] = (numbers[codes.DCM.Probability], numbers[codes.DCM.ThresholdValue], told.meaning)
    for result in report.review.results:
        for index, p in enumerate(result.finding):
            value, threshold, told = seen.pop((result.state.name, index))
            assert value == pytest.approx(p, abs=1e-9)
            assert threshold == result.state.card.threshold.value
            assert told == ("Present" if p >= threshold else "Absent")
    together = report.review.ensemble
    assert (together is None) is (report.review.system == "chest-ct")
    for index, p in enumerate([] if together is None else np.mean([r.finding for r in report.review.results], 0)):
        value, threshold, told = seen.pop(("ensemble", index))
        assert (value, threshold) == (pytest.approx(p, abs=1e-9), together.ensemble.threshold.value)
        assert told == ("Present" if p >= threshold else "Absent")
    assert seen == {}


def test_structured_report_gives_the_vote_in_codes(made) -> None:  # type: ignore[no-untyped-def]
    report, images, files = made
    slice_of = {image.SOPInstanceUID: index for index, image in enumerate(images)}
    votes = {}
    for group in hd.sr.srread(files[4]).content.get_image_measurement_groups():
        told = {item.name.value: item.value for item in group.get_qualitative_evaluations()}
        if "VOTE" in told:
            numbers = {m.name.value: m.value for m in group.get_measurements()}
            index = slice_of[group.source_images[0].referenced_sop_instance_uid]
            votes[index] = (told["VOTE"], numbers["VOTES-FOR"], numbers["VOTES-GIVEN"])
            assert {m.name.scheme_designator for m in group.get_measurements()} == {"99OVERREAD"}
    heard = [r for r in report.review.results if r.state.name in report.review.heard]
    assert sorted(votes) == list(range(len(report.review.votes)))
    for index, (said, yes, given) in votes.items():
        wanted = sum(r.finding[index] >= r.state.card.threshold.value for r in heard)
        assert (yes, given) == (wanted, len(heard))
        if 2 * wanted == len(heard):
            assert (said.value, said.scheme_designator) == ("TIED", "99OVERREAD")
        else:
            assert said == (codes.SCT.Present if 2 * wanted > len(heard) else codes.SCT.Absent)


def test_structured_report_gives_the_sizes_by_the_source_s_geometry(made) -> None:  # type: ignore[no-untyped-def]
    report, images, files = made
    content = hd.sr.srread(files[4]).content
    rows, columns = (float(v) for v in images[0].PixelSpacing)
    between = float(images[1].ImagePositionPatient[2]) - float(images[0].ImagePositionPatient[2])
    segs = [pydicom.dcmread(file) for file in files[:2]]
    volumes = content.get_volumetric_roi_measurement_groups()
    drawn = [r for r in report.review.results if r.mask is not None]
    assert len(volumes) == len(drawn)
    for group, result, seg in zip(volumes, drawn, segs, strict=True):
        (described,) = seg.SegmentSequence
        volume = group.get_measurements()[0]
        assert (volume.name, volume.unit.value) == (codes.SCT.Volume, "ml")
        assert volume.value == pytest.approx(result.mask.sum() * rows * columns * between / 1000, rel=1e-5)
        assert group.referenced_segment.referenced_sop_instance_uid == seg.SOPInstanceUID
        assert group.tracking_uid == described.TrackingUID
    areas = {
        (group.tracking_identifier.split()[0], group.source_images[0].referenced_sop_instance_uid): m.value
        for group in content.get_image_measurement_groups()
        for m in group.get_measurements()
        if m.name == codes.SCT.Area
    }
    for result in drawn:
        for index, image in enumerate(images):
            expected = result.mask[index].sum() * rows * columns
            found = areas.get((result.state.name, image.SOPInstanceUID), 0.0)
            assert found == pytest.approx(expected, rel=1e-5)


def test_captures_are_colour_pictures_with_the_outline(made) -> None:  # type: ignore[no-untyped-def]
    report, _, files = made
    coloured = 0
    for file in files[6:]:
        capture = pydicom.dcmread(file)
        assert (capture.PhotometricInterpretation, capture.SamplesPerPixel, capture.Modality) == ("RGB", 3, "OT")
        pixels = capture.pixel_array.astype(int)
        coloured += np.abs(pixels - pixels.mean(-1, keepdims=True)).max() > 25
        assert list(capture.PatientOrientation) == ["L", "P"]
    drawn = np.any([r.mask.any((1, 2)) for r in report.review.results if r.mask is not None], axis=0)
    assert coloured == drawn.sum() + 1  # every slice with an outline, and the heat map


def test_a_single_image_refers_to_its_frame(tmp_path: Path) -> None:
    files = kit.mr_files(1)
    report = kit.case(files)
    paths = written(dicom_objects(report, find_source(files, report.series)), tmp_path)
    assert [kit.complaints(path) for path in paths] == [[] for _ in paths]
    groups = hd.sr.srread(paths[4]).content.get_planar_roi_measurement_groups()
    assert len(groups) == 2
    area = groups[0].get_measurements()[0]
    assert area.value == pytest.approx(report.review.results[0].mask.sum() * 0.5 * 0.75)  # type: ignore[union-attr]


def test_frames_of_an_enhanced_file_are_matched_by_number() -> None:
    files = enhanced_files()
    report = kit.case(files)
    segs = dicom_objects(report, find_source(files, report.series))[:2]
    source = pydicom.dcmread(io.BytesIO(files[0][1]))
    height = [
        float(f.PlanePositionSequence[0].ImagePositionPatient[2]) for f in source.PerFrameFunctionalGroupsSequence
    ]
    along = list(np.argsort(height))  # file frames in the order of the series
    for seg, result in zip(segs, (r for r in report.review.results if r.mask is not None), strict=True):
        stored = hd.seg.Segmentation.from_dataset(seg).get_pixels_by_source_frame(
            source.SOPInstanceUID, [int(frame) + 1 for frame in along]
        )
        assert result.mask is not None
        assert np.array_equal(stored[..., 0].astype(bool), result.mask)


def enhanced_files() -> list[tuple[str, bytes]]:
    (name, data), *_ = enhanced()
    header = pydicom.dcmread(io.BytesIO(data))
    for keyword, value in kit.PATIENT.items():
        setattr(header, keyword, value)
    header.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    return [(name, builders.to_bytes(header))]


def test_a_projection_gets_a_report_and_captures_but_no_segmentation(tmp_path: Path) -> None:
    volume = np.random.default_rng(4).integers(0, 3000, (20, 16, 16)).astype(np.uint16)
    tags = kit.PATIENT | builders.pet_tags() | {"BodyPartExamined": "WHOLEBODY"}
    files = builders.named(
        builders.stack(volume, step=40.0, spacing=(20.0, 20.0), sop_class=builders.PET, modality="PT", **tags)
    )
    report = kit.case(files, "pet")
    assert report.series.projection == "mip-coronal"
    source = find_source(files, report.series)
    objects = dicom_objects(report, source)
    assert {item.Modality for item in objects} == {"SR", "OT"}
    for path in written(objects, tmp_path):
        assert kit.complaints(path) == []
    group = hd.sr.srread(tmp_path / "001-sr.dcm").content.get_image_measurement_groups()[0]
    assert len(group.source_images) == 20
    with pytest.raises(ReportError, match="several sides"):
        find_source(files, report.study.series[-1])


def test_names_reach_the_objects_but_never_a_log(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture
) -> None:
    files = kit.mr_files(2, PatientName="Müßiggang", PatientSex="0000", PatientBirthDate="unknown")
    report = kit.case(files)
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        objects = dicom_objects(report, find_source(files, report.series))
        data = dicom_zip(objects)
    said = caplog.text + "".join(capfd.readouterr()) + "".join(str(w.message) for w in warned)
    assert [word for word in (*kit.SECRETS, "unknown") if word in said] == []
    assert {str(item.PatientName) for item in objects} == {"Müßiggang"}
    assert not any(item.PatientSex or item.PatientBirthDate for item in objects)  # invalid values are left out
    assert b"name and number" in zipfile.ZipFile(io.BytesIO(data)).read("README.txt")


def test_objects_carry_who_and_which_study_and_the_readme_says_so() -> None:
    planted = {}
    for tag, (vr, multiplicity, _, retired, keyword) in DicomDictionary.items():
        skip = tag < 0x00080000 or retired or not keyword or keyword in (*kit.PATIENT, *builders_own())
        if vr in ("LO", "SH", "ST", "LT", "UT", "PN") and not skip:
            planted[keyword] = "QUILL" if multiplicity == "1" else ["QUILL"]
    files = kit.mr_files(3, **planted, BurnedInAnnotation="YES", PatientIdentityRemoved="NO")
    report = kit.case(files)
    objects = dicom_objects(report, find_source(files, report.series))
    for item in objects:
        assert [e.keyword for e in item.iterall() if "QUILL" in str(e.value) and e.VR != "SQ"] == [], file_kind(item)
        assert "StudyDescription" not in item
    captures = [item for item in objects if file_kind(item) == "overlay"]
    assert {(c.BurnedInAnnotation, c.PatientIdentityRemoved) for c in captures} == {("YES", "NO")}
    said = zipfile.ZipFile(io.BytesIO(dicom_zip(objects))).read("README.txt").decode()
    for words in (
        "Patient's Name",
        "Patient ID",
        "Patient's Birth Date",
        "Accession Number",
        "Referring Physician's Name",
    ):
        assert f"- {words}" in said
    assert "003-seg-fractional-unet.dcm: FRACTIONAL" in said
    assert "001-seg-binary-unet.dcm: BINARY" in said


def builders_own() -> set[str]:
    """What the files need to be read as they are."""
    return {"IssuerOfPatientID", "RescaleType", "SeriesDescription", "ProtocolName", "TimezoneOffsetFromUTC"}


def test_nothing_that_is_hashed_or_shown_names_the_patient() -> None:
    report = kit.case(kit.mr_files(3))
    assert [word for word in kit.SECRETS if word in repr(report.study)] == []


def test_what_does_not_fit_is_refused_in_words() -> None:
    files = kit.mr_files(3)
    report = kit.case(files)
    with pytest.raises(ReportError, match="no DICOM images of this series"):
        find_source(kit.mr_files(4), report.series)
    with pytest.raises(ReportError, match="no DICOM images of this series"):
        find_source([("picture.png", builders.picture(np.zeros((9, 9), np.uint8)))], report.series)
    homeless = kit.mr_files(3, FrameOfReferenceUID="")
    lost = kit.case(homeless)
    with pytest.raises(ReportError, match="frame of reference"):
        dicom_objects(lost, find_source(homeless, lost.series))


@pytest.mark.real
@pytest.mark.parametrize(("name", "system"), [("brain-mr-flair.zip", "brain-mr"), ("chest-ct.zip", "chest-ct")])
def test_real_series(real_data: Path, tmp_path: Path, name: str, system: str) -> None:
    files = [(name, (real_data / "dicom" / name).read_bytes())]
    study = read(files)
    review = kit.review_of(study, system)
    report = CaseReport(study, 0, review, shown=0)
    paths = written(dicom_objects(report, find_source(files, report.series)), tmp_path)
    for path in paths:
        assert kit.complaints(path) == [], path.name
    images = sources(files)
    binary = [path for path in paths if "seg-binary" in path.name]
    for path, result in zip(binary, (r for r in review.results if r.mask is not None), strict=True):
        seg = hd.seg.segread(path)
        stored = seg.get_pixels_by_source_instance([image.SOPInstanceUID for image in images])
        assert np.array_equal(stored[..., 0].astype(bool), result.mask)
        assert str(seg.PatientName) == str(images[0].PatientName)


@pytest.mark.parametrize("kind", ["seg-binary", "seg-fractional"])
def test_our_own_masks_come_back_as_an_ai_result_and_never_as_the_truth(kind: str, tmp_path: Path) -> None:
    files = kit.mr_files()
    report = kit.case(files, "brain-mr")
    objects = written(dicom_objects(report, find_source(files, report.series)), tmp_path)
    masks = [(file.name, file.read_bytes()) for file in objects if kind in file.name]
    assert masks
    series = read([*files, *masks]).series[0]
    assert series.truth is None
    drawn = [
        r.mask_probability >= 0.5 if "frac" in kind else r.mask for r in report.review.results if r.mask is not None
    ]
    assert series.ai_result is not None
    assert np.mean(series.ai_result == np.any(drawn, axis=0)) > 0.999  # a probability is rounded to 255 steps
