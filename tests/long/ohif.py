"""A real OHIF opens Overread's results: ``python -m tests.long.ohif``, a minute or two on an idle machine.

The built viewer of the npm package, served beside a real Orthanc, in Debian's Chromium with WebGL in software. Of a
simulated chest CT and of a series that stands askew with a tilted gantry it must show every pixel of the mask on the
image it was drawn on, go to a slice with it, draw every region of the report where it is in the patient, and show the
report of all answers as text.
``--pictures DIR`` keeps what was on the screen.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import pydicom
import typer
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from core.reports.case import CaseReport
from core.reports.dicom import dicom_objects, find_source
from core.reports.dicom.objects import file_kind
from core.reports.dicom.regions import Region, regions
from dashboard.service.node.working import SENT
from tests.reports import kit
from tests.reports.test_regions import outlined, placed
from tests.service.node import ohif
from tests.service.node.counterparts import Orthanc, orthanc
from tests.viewer.conftest import CHROMIUM, PROGRAM

_LABELMAP = """() => {
  const [one] = cornerstoneTools.segmentation.state.getSegmentations();
  const map = one && one.representationData.Labelmap;
  return map && map.imageIds.map((id, at) => {
    const values = cornerstone.cache.getImage(id).voxelManager.getScalarData();
    const drawn = [];
    for (let k = 0; k < values.length; k++) if (values[k]) drawn.push(k);
    return [map.referencedImageIds[at].split("/").at(-3), drawn];
  });
}"""
_ANNOTATIONS = """() => cornerstoneTools.annotation.state.getAllAnnotations()
  .filter(one => one.metadata.toolName === "DICOMSRDisplay")
  .map(one => ({
    image: one.metadata.referencedImageId ? one.metadata.referencedImageId.split("/").at(-3) : null,
    points: one.data.handles.points.map(p => Array.from(p)),
    labels: one.data.labels.map(l => `${l.label} ${l.value}`),
  }))"""
_VIEWPORT = "cornerstone.getRenderingEngines()[0].getViewports()[0]"
_SHOWN = f"() => {_VIEWPORT}.getCurrentImageId().split('/').at(-3)"


@dataclass(frozen=True)
class Study:
    """A series with results, as Orthanc has it.

    Attributes:
        order: identifiers of the images in the series' order.
        mask, regions: what the first model outlined.
    """

    name: str
    report: CaseReport
    uid: str
    order: tuple[str, ...]
    mask: np.ndarray
    regions: tuple[Region, ...]


def stored(name: str, files: Sequence[tuple[str, bytes]], system: str, pacs: Orthanc) -> Study:
    """Send a series and the results that the node sends."""
    report = kit.case(files, system)
    mask = np.zeros(report.series.pixels.shape, bool)
    height, width = report.series.shape
    for index in range(1, report.series.slices - 1):  # another place and size on every slice
        mask[index, height // 2 : height // 2 + 3 + index, width // 3 + index : width // 3 + 6 + 2 * index] = True
    report = outlined(report, {"unet": mask, "resunet": mask & False})
    source = find_source(files, report.series)
    for data in loose(files):
        pacs.http.post("/instances", content=data).raise_for_status()
    for item in dicom_objects(report, source):
        if file_kind(item) in SENT:
            out = io.BytesIO()
            item.save_as(out, enforce_file_format=True)
            pacs.http.post("/instances", content=out.getvalue()).raise_for_status()
    order = tuple(str(header.SOPInstanceUID) for header in source.headers)
    return Study(name, report, str(source.first.StudyInstanceUID), order, mask, tuple(regions(mask, 100)[0]))


def loose(files: Sequence[tuple[str, bytes]]) -> list[bytes]:
    """The images, also those in a zip."""
    out = []
    for name, data in files:
        if name.endswith(".zip"):
            archive = zipfile.ZipFile(io.BytesIO(data))
            out += [archive.read(member) for member in archive.namelist()]
        else:
            out.append(data)
    return [data for data in out if pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)]


def open_(page: Page, address: str, study: Study) -> None:
    """The source series on the screen."""
    page.goto(f"{address}/viewer?StudyInstanceUIDs={study.uid}")
    page.wait_for_function(
        f"() => window.cornerstone?.getRenderingEngines()?.length && {_VIEWPORT}?.getCurrentImageId?.()"
    )
    skip = page.get_by_text("Skip all")
    if skip.count():
        skip.click()


def check_mask(page: Page, study: Study) -> None:
    """Every pixel on its image; a slice with mask in view, drawn there; nothing drawn where there is none."""
    page.get_by_text("Overread masks unet").first.dblclick()
    page.wait_for_function(f"() => ({_LABELMAP})()?.some(([, drawn]) => drawn.length)")
    found = dict(page.evaluate(_LABELMAP))
    assert set(found) == set(study.order), "the mask refers to other images"
    for uid, mask in zip(study.order, study.mask, strict=True):
        np.testing.assert_array_equal(found[uid], np.flatnonzero(mask), err_msg=f"{study.name}: mask of {uid}")
    page.wait_for_timeout(2000)
    index = study.order.index(page.evaluate(_SHOWN))
    assert study.mask[index].any(), f"{study.name}: went to slice {index + 1}, which has no mask"
    assert coloured(page, study, index), f"{study.name}: no mask drawn on slice {index + 1}"
    empty = study.order[0]
    page.evaluate(
        f"uid => {_VIEWPORT}.setImageIdIndex({_VIEWPORT}.getImageIds().findIndex(id => id.includes(uid)))", empty
    )
    page.wait_for_timeout(2000)
    assert page.evaluate(_SHOWN) == empty
    assert not coloured(page, study, index, on=0), f"{study.name}: a mask is drawn on slice 1, which has none"


def coloured(page: Page, study: Study, index: int, on: int | None = None) -> bool:
    """Whether the screen has a colour where the middle of a slice's mask is, seen on that slice or on another."""
    rows, columns = np.nonzero(study.mask[index])
    affine = study.report.series.affine_at(index if on is None else on)
    assert affine is not None
    place = (affine @ (columns.mean(), rows.mean(), 0, 1))[:3]
    x, y = page.evaluate(f"point => {_VIEWPORT}.worldToCanvas(point)", [float(v) for v in place])
    box = page.evaluate(f"() => {{ const b = {_VIEWPORT}.canvas.getBoundingClientRect(); return [b.x, b.y]; }}")
    shot = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)
    pixel = shot[round(box[1] + y), round(box[0] + x)]
    return bool(pixel.max() - pixel.min() > 20)


def check_regions(page: Page, study: Study) -> None:
    """Every region where it is in the patient, with its area; the largest one in view."""
    page.get_by_text("Overread regions").first.dblclick()
    page.wait_for_function(f"n => ({_ANNOTATIONS})().length >= n", arg=len(study.regions) + 1)
    found: list[dict[str, Any]] = page.evaluate(_ANNOTATIONS)
    flat = {one["image"]: one for one in found if one["image"]}
    assert len(found) == len(study.regions) + 1, "the regions, and the whole mask"
    assert len(flat) == len(study.regions)
    for one in study.regions:
        told = flat[study.order[one.index]]
        affine = study.report.series.affine_at(one.index)
        assert affine is not None
        np.testing.assert_allclose(told["points"], one.in_patient(affine), atol=1e-3)
        _, rows, columns = study.report.series.spacing or (0, 0, 0)
        assert f"Area {one.part.sum() * rows * columns:.2f} mm2" in told["labels"]
    (whole,) = (one for one in found if not one["image"])
    assert any(label.startswith("Volume") for label in whole["labels"])
    page.wait_for_timeout(2000)
    shown = study.order.index(page.evaluate(_SHOWN))
    assert shown == study.regions[0].index, f"{study.name}: slice {shown + 1} in view, not the largest region's"


def check_answers(page: Page, study: Study) -> None:
    """The report of all answers as text, with every model's probability on the most suspicious slice."""
    page.get_by_text("Overread measurements").first.dblclick()
    page.get_by_text("Oncology Measurement Report").first.wait_for()
    text = page.inner_text("body")
    assert "Something went wrong" not in text
    peak = study.report.review.peak
    for result in study.report.review.ready:
        assert result.finding is not None
        assert f"{result.state.name}, image {peak + 1}" in text, f"{study.name}: no answer of {result.state.name}"
        assert f"{result.finding[peak]:.4g}"[:5] in text, f"{study.name}: another probability of {result.state.name}"


def main(pictures: Annotated[Path | None, typer.Option(help="Keep screenshots here.")] = None) -> None:
    """See the module."""
    with (
        TemporaryDirectory() as made,
        orthanc(Path(made) / "orthanc", {}) as pacs,
        ohif.served(pacs.web) as address,
        sync_playwright() as playwright,
    ):
        studies = [
            stored("simulated chest CT", kit.sample_files(), "chest-ct", pacs),
            # of square pixels: in others OHIF 3.13.2 takes the distance of rows for that of columns in an outline
            stored("askew MR, tilted gantry", placed("oblique", (0.7, 0.7)), "brain-mr", pacs),
        ]
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=PROGRAM)
        for study in studies:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(180_000)
            for part, check in (("mask", check_mask), ("regions", check_regions), ("answers", check_answers)):
                open_(page, address, study)
                check(page, study)
                if pictures is not None:
                    page.screenshot(path=pictures / f"{study.name.replace(' ', '-')}-{part}.png")
                print(f"OHIF {ohif.VERSION}, {study.name}: {part} as they were sent", flush=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    sys.exit(typer.run(main))
