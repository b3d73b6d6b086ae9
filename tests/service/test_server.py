"""The real server of the pages: the published demo's calls by curl, and everything else by the typed client."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import ParametricMapStorage

from core.imaging import read, render
from core.preprocessing import windows
from core.reports.record import CaseRecord
from core.simulate import samples
from dashboard.service.client import Client, ProblemError
from tests.dashboard import weights
from tests.dashboard.house import House
from tests.reports.kit import mr_files


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("served")
    models = weights.write(folder / "weights")
    weights._write(models, "chest-ct", "resnet50", "resnet18")
    house = House(folder, models).start()
    yield house
    house.stop()


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slice of a simulated chest CT as a picture."""
    series = read(samples.sample_files("chest-ct-01")).series[0]
    grey = windows.to_display(series.pixels[series.slices // 2], windows.presets(series)[-4])
    file = tmp_path_factory.mktemp("scan") / "ct.png"
    file.write_bytes(render.png(grey))
    return file


def _curl(server: House, *words: str) -> tuple[int, dict[str, object]]:
    command = ["curl", "-sS", "-w", "\n%{http_code}", *words[:-1], server.url + words[-1]]
    body, _, status = subprocess.run(command, capture_output=True, text=True, check=True).stdout.rpartition("\n")
    told: dict[str, object] = json.loads(body)
    return int(status), told


@pytest.mark.parametrize("above", ["", "/api"])
def test_what_was_written_for_the_published_demo_goes_on_working(server: House, scan: Path, above: str) -> None:
    status, told = _curl(server, "-F", f"file=@{scan}", f"{above}/predict/")
    assert status == 200, told
    wanted = {"filename", "diagnosis", "cancer_probability", "confidence", "threshold_used", "model_type"}
    assert (set(told), told["filename"], told["model_type"]) == (wanted, "ct.png", "resnet50")
    p, threshold = float(str(told["cancer_probability"])), float(str(told["threshold_used"]))
    assert told["diagnosis"] == ("Cancer" if p >= threshold else "Normal")
    assert float(str(told["confidence"])) == pytest.approx(max(p, 1 - p))
    assert _curl(server, f"{above}/model-info") == (
        200,
        {"model_loaded": True, "model_type": "resnet50", "threshold": 0.42},
    )
    assert _curl(server, f"{above}/health") == (
        200,
        {"status": "healthy", "model_loaded": True, "model_type": "resnet50"},
    )
    status, told = _curl(server, "-F", f"file=@{scan};filename=ct.gif", f"{above}/predict/")
    assert (status, "error" in told) == (400, True)


def test_the_typed_client_goes_the_whole_way(server: House) -> None:
    with Client(server.url) as overread:
        assert overread.health()["status"] == "healthy"
        assert "brain-mr" in [one["name"] for one in overread.systems()]
        cards = {one["name"]: one["card"] for one in overread.models("brain-mr")}
        assert cards["unet"] is not None
        assert cards["unet"]["threshold"]["value"] == 0.42
        study = overread.give(*mr_files(3))
        assert (study["system"], study["source"]) == ("brain-mr", "DICOM")
        series = study["series"][study["series_number"]]
        picture = Image.open(io.BytesIO(overread.picture(study, series["number"], 0, side=200)))
        assert max(picture.size) == 200
        steps = list(overread.follow(overread.begin(study)))
        assert steps[-1]["state"] == "done"
        fractions = [step["fraction"] for step in steps]
        assert fractions == sorted(fractions)
        review = steps[-1]
        # Noise is no scan: the gate stops it, and nothing is told until somebody overrules.
        record = CaseRecord.model_validate(overread.result(review))
        assert record.gate is not None
        assert (record.gate.state, [part.slices for part in record.models]) == ("stopped", [()] * 4)
        for asked in (overread.mask, overread.heat_map):
            with pytest.raises(ProblemError, match="gate has stopped"):
                asked(review, "unet", 0)
        overread.overrule(review, "a test")
        record = CaseRecord.model_validate(overread.result(review))
        assert {part.name for part in record.models} == {"unet", "resnet50", "resunet", "slab"}
        drawn = next(part for part in record.models if part.name == "unet")
        for part in drawn.slices[:3]:
            mask = np.asarray(Image.open(io.BytesIO(overread.mask(review, "unet", part.slice - 1))))
            assert mask.shape == (series["rows"], series["columns"])
            assert int((mask == 255).sum()) == part.mask_pixels
        heat = np.asarray(Image.open(io.BytesIO(overread.heat_map(review, "resnet50", 0, method="grad-cam"))))
        assert heat.shape == (series["rows"], series["columns"])
        assert overread.report(review).startswith(b"%PDF")
        assert CaseRecord.model_validate_json(overread.report(review, "json")).models == record.models
        with zipfile.ZipFile(io.BytesIO(overread.dicom(review, probabilities=True))) as objects:
            found = [pydicom.dcmread(io.BytesIO(objects.read(n))) for n in objects.namelist() if n.endswith(".dcm")]
        masks = any(part.mask_voxels for part in record.models)
        assert {item.Modality for item in found} == {"SR", "OT"} | ({"SEG"} if masks else set())
        maps = [item for item in found if item.SOPClassUID == ParametricMapStorage]
        assert bool(maps) is masks
        with zipfile.ZipFile(io.BytesIO(overread.dicom(review))) as objects:
            assert not any("-map-" in name for name in objects.namelist())
        overread.drop(study)
        with pytest.raises(ProblemError) as error:
            overread.result(review)
        assert (error.value.status, error.value.kind) == (404, "not-found")
        assert error.value.remedy


def test_the_pages_are_still_there_and_strangers_are_sent_away(server: House) -> None:
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}"]
    for words, status in ((("/",), "200"), (("/api/docs",), "200"), (("-H", "Host: evil.example", "/health"), "400")):
        done = subprocess.run([*command, *words[:-1], server.url + words[-1]], capture_output=True, text=True)
        assert done.stdout == status, words
    assert _curl(server, "/api/v1/openapi.json")[1]["servers"] == [{"url": "/api"}]
