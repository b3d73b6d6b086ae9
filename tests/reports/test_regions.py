"""Outlined regions in the structured report: drawn again by other code, in pixels and in the patient."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK
from matplotlib.path import Path as Polygon
from pydicom import Dataset
from pydicom.sr.codedict import codes
from scipy import ndimage

from core.reports.case import CaseReport
from core.reports.dicom import dicom_objects, find_source
from core.reports.dicom.objects import file_kind
from core.reports.dicom.regions import regions
from tests.imaging import builders
from tests.reports import kit
from tests.reports.test_dicom import enhanced_files

DOUBLY_OBLIQUE = (0.8, 0.6, 0.0, 0.36, -0.48, 0.8)
OFFSETS = {"oblique": (0, 3, 6, 9, 12), "gap": (0, 3, 9, 12, 15), "two distances": (0, 3, 6, 11, 16)}


def placed(which: str, spacing: tuple[float, float] = (0.5, 0.75)) -> list[tuple[str, bytes]]:
    """An MR series that stands askew in the patient; its gantry is tilted, so that slices shift along their columns."""
    volume = builders.noise(5, 24, 32, dtype=np.uint16) % 900
    headers = builders.stack(volume, spacing=spacing, orientation=DOUBLY_OBLIQUE, **kit.PATIENT)
    normal, down = np.cross(DOUBLY_OBLIQUE[:3], DOUBLY_OBLIQUE[3:]), np.asarray(DOUBLY_OBLIQUE[3:])
    for header, offset in zip(headers, OFFSETS[which], strict=True):
        place = np.array([-10.0, -20.0, 30.0]) + offset * (normal + math.tan(0.2) * down)
        header.ImagePositionPatient = [float(f"{value:.10g}") for value in place]
    return builders.named(headers)


def outlined(report: CaseReport, masks: dict[str, np.ndarray]) -> CaseReport:
    """The same case with other masks."""
    results = tuple(replace(r, mask=masks.get(r.state.name, r.mask)) for r in report.review.results)
    return replace(report, review=replace(report.review, results=results))


@dataclass(frozen=True)
class Written:
    """The document with what it refers to, read again from its bytes."""

    content: hd.sr.MeasurementReport
    header: Dataset
    segs: list[Dataset]

    def wholes(self) -> list[Any]:
        return list(self.content.get_image_measurement_groups())

    def parts(self, model: str) -> list[Any]:
        groups = self.content.get_planar_roi_measurement_groups()
        return [group for group in groups if group.tracking_identifier.split()[0] == model]


def written(files: Sequence[tuple[str, bytes]], report: CaseReport, folder: Path) -> Written | None:
    objects = dicom_objects(report, find_source(files, report.series))
    found = [one for one in objects if file_kind(one) == "sr-regions"]
    if not found:
        return None
    path = folder / "regions.dcm"
    found[0].save_as(path, enforce_file_format=True)
    assert kit.complaints(path) == []
    segs = [one for one in objects if file_kind(one) == "seg-binary"]
    return Written(hd.sr.srread(path).content, pydicom.dcmread(path), segs)


def filled(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Pixels with their middle inside a polygon of columns and rows, 0 at the corner of the first pixel."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    inside = Polygon(points).contains_points(np.column_stack([columns.ravel(), rows.ravel()]))
    return np.asarray(inside.reshape(shape))


@pytest.mark.parametrize("which", [*OFFSETS, "one image"])
def test_outlines_hold_exactly_the_mask_on_its_image_and_in_the_patient(which: str, tmp_path: Path) -> None:
    files = kit.mr_files(1) if which == "one image" else placed(which)
    report = kit.case(files)
    found = written(files, report, tmp_path)
    assert found is not None
    by_uid = {}
    for name, data in files:
        (tmp_path / name).write_bytes(data)
        header = pydicom.dcmread(tmp_path / name)
        by_uid[header.SOPInstanceUID] = (header, SimpleITK.ReadImage(str(tmp_path / name)))
    along = np.cross(*np.reshape(header.ImageOrientationPatient, (2, 3)).astype(float))
    order = sorted(by_uid, key=lambda uid: float(np.dot(by_uid[uid][0].ImagePositionPatient, along)))
    for whole, seg, result in zip(found.wholes(), found.segs, report.review.results, strict=False):
        wanted = result.mask
        pixels, patient = np.zeros_like(wanted), np.zeros_like(wanted)
        for group in found.parts(result.state.name):
            index = order.index(group.roi.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
            pixels[index] |= filled(group.roi.value, wanted.shape[1:])
            facts = {m.name: (m.value, m.unit.value) for m in group.get_measurements()}
            part = filled(group.roi.value, wanted.shape[1:])
            assert facts[codes.SCT.Area] == (pytest.approx(part.sum() * 0.5 * 0.75, rel=1e-6), "mm2")
            assert facts[codes.DCM.Probability][0] == pytest.approx(result.finding[index], abs=1e-9)
            (said,) = group.get_qualitative_evaluations()
            present = result.finding[index] >= facts[codes.DCM.ThresholdValue][0]
            assert said.value.meaning == ("Present" if present else "Absent")
        np.testing.assert_array_equal(pixels, wanted)

        sizes = {m.name: m for m in whole.get_measurements()}
        largest = max(one.sum() for one in wanted) * 0.5 * 0.75
        assert sizes[codes.SCT.Area].value == pytest.approx(largest, rel=1e-6)
        assert sizes[codes.SCT.Area].derivation == codes.SCT.Maximum
        assert (codes.SCT.Volume in sizes) is (which == "oblique")
        (place,) = sizes[codes.SCT.Area].referenced_coordinates
        index, flat = in_image(place.value, [by_uid[uid][1] for uid in order])
        np.testing.assert_array_equal(filled(flat + 0.5, wanted.shape[1:]), wanted[index])
        if which == "oblique":
            apart = np.linalg.norm(np.subtract(*(by_uid[uid][0].ImagePositionPatient for uid in order[:2])))
            upright = apart * math.cos(0.2)  # between the planes, not along the tilted gantry
            volume = sizes[codes.SCT.Volume]
            assert volume.value == pytest.approx(wanted.sum() * 0.5 * 0.75 * upright / 1000, rel=1e-3)
            for place in volume.referenced_coordinates:
                assert place.frame_of_reference_uid == header.FrameOfReferenceUID
                index, flat = in_image(place.value, [by_uid[uid][1] for uid in order])
                patient[index] |= filled(flat + 0.5, wanted.shape[1:])
            np.testing.assert_array_equal(patient, wanted)
        # What joins report and segmentation.
        assert whole.tracking_uid == seg.SegmentSequence[0].TrackingUID
        assert whole.source_images[0].referenced_sop_instance_uid == seg.SOPInstanceUID
        (named,) = hd.sr.utils.find_content_items(whole[0], name=codes.DCM.AlgorithmName)
        assert named.TextValue == f"Overread {report.review.system}/{result.state.name}"
    uids = [group.tracking_uid for group in (*found.wholes(), *found.content.get_planar_roi_measurement_groups())]
    assert len(set(uids)) == len(uids)
    evidence = {
        item.ReferencedSOPInstanceUID
        for kind in ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence")
        for study in found.header.get(kind, [])
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    assert evidence == {*by_uid, *(seg.SOPInstanceUID for seg in found.segs)}


def in_image(points: np.ndarray, images: Sequence[SimpleITK.Image]) -> tuple[int, np.ndarray]:
    """The one image that points in the patient lie in, and their columns and rows there, by ITK."""
    indices = [
        np.array([one.TransformPhysicalPointToContinuousIndex([float(v) for v in p]) for p in points]) for one in images
    ]
    (index,) = (number for number, found in enumerate(indices) if np.abs(found[:, 2]).max() < 1e-3)
    return index, indices[index][:, :2]


def test_a_frame_of_an_enhanced_file_is_named_by_its_number(tmp_path: Path) -> None:
    files = enhanced_files()
    report = kit.case(files)
    found = written(files, report, tmp_path)
    assert found is not None
    source = pydicom.dcmread(io.BytesIO(files[0][1]))
    heights = [
        float(f.PlanePositionSequence[0].ImagePositionPatient[2]) for f in source.PerFrameFunctionalGroupsSequence
    ]
    mask = report.review.results[0].mask
    assert mask is not None
    drawn = np.zeros_like(mask)
    for group in found.parts("unet"):
        reference = group.roi.ContentSequence[0].ReferencedSOPSequence[0]
        index = sorted(heights).index(heights[int(reference.ReferencedFrameNumber) - 1])
        drawn[index] |= filled(group.roi.value, mask.shape[1:])
    np.testing.assert_array_equal(drawn, mask)
    (volume,) = (m for m in found.wholes()[0].get_measurements() if m.name == codes.SCT.Volume)
    for place in volume.referenced_coordinates:
        assert {float(z) for z in place.value[:, 2]} <= set(heights)


def test_pieces_corners_holes_and_specks(tmp_path: Path) -> None:
    files = kit.mr_files(3)
    report = kit.case(files)
    mask = np.zeros(report.series.pixels.shape, bool)
    mask[1, 2:9, 2:9] = True
    mask[1, 4:6, 4:6] = False  # a hole
    mask[1, 9, 9] = True  # touches by its corner alone
    mask[1, 0, 31] = mask[1, 23, 0] = True  # in the image's corners
    found, _ = regions(mask, 9)
    assert [int(one.part.sum()) for one in found] == [45, 1, 1, 1]
    drawn = np.sum([filled(one.on_image, mask.shape[1:]) for one in found], axis=0)
    np.testing.assert_array_equal(drawn, ndimage.binary_fill_holes(mask[1]))
    for one in found:
        assert one.on_image.min() >= 0
        assert (one.outline[0] == one.outline[-1]).all()
    seen = written(files, outlined(report, {"unet": mask, "resunet": mask & False}), tmp_path)
    assert seen is not None
    assert [m.value for g in seen.parts("unet") for m in g.get_measurements() if m.name == codes.SCT.Area] == [
        pytest.approx(n * 0.375) for n in (45, 1, 1, 1)
    ]
    assert seen.parts("resunet") == []


def test_noise_gives_the_largest_regions_and_says_how_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.reports.dicom.regions.MOST", 20)
    files = kit.mr_files(3)
    report = kit.case(files)
    mask = np.random.default_rng(3).random(report.series.pixels.shape) < 0.3
    labels = [ndimage.label(one)[0] for one in mask]
    sizes = sorted((n for one in labels for n in np.bincount(one.ravel())[1:]), reverse=True)
    found = written(files, outlined(report, {"unet": mask, "resunet": mask & False}), tmp_path)
    assert found is not None
    areas = [m.value for g in found.parts("unet") for m in g.get_measurements() if m.name == codes.SCT.Area]
    assert areas == [pytest.approx(n * 0.375) for n in sizes[:20]]
    assert found.wholes()[0].tracking_identifier.endswith(f"the largest 20 of {len(sizes)} regions")


def test_an_outline_too_long_for_one_element_is_simplified() -> None:
    frayed = np.zeros((1, 160, 160), bool)  # a comb whose teeth are combs
    frayed[0, ::4] = frayed[0, :, :3] = frayed[0, 1::4, ::2] = True
    (largest, *_), _ = regions(frayed, most=1)
    assert len(largest.outline) * 3 * 4 < 2**16  # bytes of SCOORD3D
    exact = cv2.findContours(largest.part.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0][0]
    assert len(exact) * 3 * 4 > 2**16  # what would not have fitted
    drawn, wanted = filled(largest.on_image, frayed.shape[1:]), ndimage.binary_fill_holes(largest.part)
    assert (drawn & wanted).sum() > 0.5 * (drawn | wanted).sum()


def test_without_a_mask_there_is_no_such_report(tmp_path: Path) -> None:
    files = kit.mr_files(3)
    report = kit.case(files)
    nothing = np.zeros(report.series.pixels.shape, bool)
    assert written(files, outlined(report, {"unet": nothing, "resunet": nothing}), tmp_path) is None
