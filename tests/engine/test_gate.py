"""The wrong-image gate: rules, router, refusal of altered files, and what a withheld review still holds."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.engine.engine import Engine
from core.engine.gate import Gate
from core.engine.picture_rules import is_mask, lines_of_writing
from core.engine.results import GateState, GateVerdict
from core.engine.warn import series_warnings
from core.errors import ModelUnavailableError
from core.imaging.study import Modality, Series, Unit
from core.simulate import DRAWINGS, phantom
from core.systems import accepts, match, system
from core.systems.router import WEIGHTS, Router, looked_at
from tests.engine.installed import scan, study
from tests.engine.router_files import write_router


def grey(pixels: np.ndarray, **facts: object) -> Series:
    known = {"unit": Unit.GREY, "value_range": (0.0, 255.0), **facts}
    return Series("p", "picture", pixels[None].astype(np.float32), **known)  # type: ignore[arg-type]


def page(lines: int = 8) -> np.ndarray:
    image = np.full((300, 260), 250, np.uint8)
    for n in range(lines):
        cv2.putText(image, "patient report 4711", (10, 30 + 30 * n), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 10.0, 1)
    return image


def judged(series: Series, name: str, weights: Path) -> GateVerdict:
    declared = system(name)
    return Gate(weights).verdict(declared, series, series_warnings(declared, series, accepts(declared, series)))


@pytest.mark.parametrize(
    ("series", "name", "kind"),
    [
        (scan(modality=Modality.CT), "brain-mr", "not-accepted"),
        (grey(np.asarray(scan(1).pixels[0]), colour=True), "brain-mr", "colour"),
        (grey(np.full((90, 90), 7)), "chest-ct", "blank"),
        (grey(np.asarray(scan(1).pixels[0])), "breast-mri", "not-a-crop"),
        (grey(np.asarray(scan(1, shape=(500, 60)).pixels[0])), "brain-mr", "odd-shape"),
        (grey(page()), "brain-mr", "looks-like-document"),
        (grey(np.random.default_rng(0).integers(0, 255, (256, 256))), "brain-mr", "noise"),
        (grey(cv2.circle(np.zeros((128, 128), np.uint8), (60, 50), 20, 255.0, -1)), "brain-mr", "looks-like-mask"),
    ],
)
def test_rules_stop_without_a_router_and_say_that_they_stood_alone(
    series: Series, name: str, kind: str, tmp_path: Path
) -> None:
    verdict = judged(series, name, tmp_path)
    assert verdict.stopped
    assert kind in {flag.kind for flag in verdict.reasons}
    assert "not installed" in verdict.unchecked
    assert verdict.kind is None


def test_a_scan_passes_the_rules(tmp_path: Path) -> None:
    verdict = judged(scan(), "brain-mr", tmp_path)
    assert (verdict.state, verdict.reasons) == (GateState.PASSED, ())


def test_a_few_words_are_told_and_do_not_stop(tmp_path: Path) -> None:
    image = np.asarray(scan(1, shape=(240, 260)).pixels[0])
    image = np.ascontiguousarray(image / image.max() * 200).astype(np.uint8)
    for line, words in enumerate(("DOE JOHN 1950", "GENERAL HOSPITAL")):
        cv2.putText(image, words, (8, 20 + 28 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255.0, 1)
    series, declared = grey(image), system("brain-mr")
    assert "writing" in {flag.kind for flag in series_warnings(declared, series, None)}
    assert not judged(series, "brain-mr", tmp_path).stopped


def test_masks_are_known_also_after_jpeg_and_scans_are_not() -> None:
    mask = cv2.ellipse(np.zeros((200, 180), np.uint8), (90, 90), (30, 50), 20, 0, 360, 255.0, -1)
    _, packed = cv2.imencode(".jpg", mask, [cv2.IMWRITE_JPEG_QUALITY, 85])
    lossy = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)
    assert len(np.unique(lossy)) > 20
    assert is_mask(mask)
    assert is_mask(lossy)
    for name in DRAWINGS:
        drawn = phantom(name, 5, DRAWINGS[name].labels[0], picture=True).series.pixels[0]
        assert not is_mask(drawn)
        assert lines_of_writing(drawn) < 2


def test_the_routers_word_stops_or_passes(tmp_path: Path) -> None:
    write_router(tmp_path, threshold=-5.0)
    passed, stopped = judged(scan(), "brain-mr", tmp_path), judged(scan(modality=Modality.CT), "chest-ct", tmp_path)
    assert (passed.stopped, passed.kind, passed.version) == (False, "brain MR slice", "7")
    assert passed.strange is not None
    # Log odds of the two others against 10, at a spread of 1.
    assert passed.strange == pytest.approx(np.log(2) - 10 + 5, abs=1e-2)
    assert stopped.stopped
    assert [flag.kind for flag in stopped.reasons] == ["unlike-training"]
    assert "brain MR slice" in stopped.reasons[0].text
    # A system that the router was not trained for is not judged by it.
    pet = replace(scan(1), modality=Modality.PT, projection="mip-coronal")
    assert "does not know" in judged(pet, "pet", tmp_path).unchecked


def test_the_gate_changes_no_answer(brain: Path, engine: Engine, tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(brain, weights)
    write_router(weights, threshold=-50.0)
    guarded, plain = Engine(weights).review(study(), "brain-mr"), engine.review(study(), "brain-mr")
    assert guarded.gate is not None
    assert plain.gate is not None
    assert (guarded.gate.stopped, plain.gate.stopped) == (True, False)
    for a, b in zip(guarded.results, plain.results, strict=True):
        np.testing.assert_array_equal(a.finding, b.finding)  # evaluation sees every number


def test_a_withheld_review_holds_no_number_mask_or_choice_of_slice(engine: Engine) -> None:
    review = engine.review(study(scan(5)), "brain-mr")
    held = review.withheld()
    assert review.ready
    assert held.ready == ()
    for result in held.results:
        assert result.raw is result.calibrated is result.finding is result.mask is result.gated is None
        assert result.seconds == 0
    assert held.peak == 2  # the middle, not the most suspicious
    assert held.gate == review.gate


def test_altered_files_are_refused_and_the_rules_stand_alone(tmp_path: Path) -> None:
    folder = write_router(tmp_path, threshold=-5.0)
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (folder / WEIGHTS).write_bytes(bytes(content))
    with pytest.raises(ModelUnavailableError, match="SHA-256 differs"):
        Router(folder)
    assert "refused" in judged(scan(), "brain-mr", tmp_path).unchecked


def test_a_few_slices_of_the_middle_are_looked_at() -> None:
    assert looked_at(1) == (0,)
    assert looked_at(4) == (0, 1, 2, 3)
    chosen = looked_at(100)
    assert len(chosen) == 5
    assert chosen[0] >= 25
    assert chosen[-1] < 75


def test_an_untagged_picture_goes_where_the_router_sees_it(tmp_path: Path) -> None:
    picture = grey(np.asarray(scan(1).pixels[0]))
    found = match(study(picture), Router(write_router(tmp_path, threshold=-5.0, favourite=1)))
    assert (found.system, found.certain) == ("chest-ct", False)
    assert "chest CT slice" in found.reason
    assert "router" in found.reason
    # Tags come first, and where the router sees nothing it knows, shape and grey levels decide as without it.
    tagged = replace(picture, modality=Modality.MR, body_part="BRAIN")
    assert match(study(tagged), Router(tmp_path / "router")).system == "brain-mr"
    unsure = Router(write_router(tmp_path, threshold=-5.0, favourite=2))
    assert match(study(picture), unsure) == match(study(picture))
