"""The check of every export: what holds is written down, what differs is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import OverreadError
from core.weights.exported.manifest import Link
from core.weights.exported.runtimes import Answers
from tests.engine.installed import install
from trainers.exporting import check, formats

MODEL = "brain-mr/unet"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    install(folder, *MODEL.split("/"), "resunet", role="segmenter", gate="unet", temperature=1.3)
    return folder


def test_every_export_is_held_against_the_original_on_simulated_scans(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, docs = tmp_path / "exports.json", tmp_path / "exports.md"
    check.export_check(weights, check.Wanted(), None, 0, kept, docs)
    table = docs.read_text(encoding="utf-8")
    rows = [line for line in table.splitlines() if line.startswith(f"| {MODEL} ")]
    assert [row.split(" | ")[1] for row in rows] == ["onnx", "openvino", "pt2"]
    found = check.keep((), kept)
    assert all(row.holds and row.images["simulated"] >= 5 and row.mask is not None for row in found)
    assert all(row.mask is not None and row.mask <= 1e-4 for row in found)
    assert all(row.megabytes > 0.01 and row.milliseconds > 0 for row in found)

    # Once more: what was held against these weights is passed over, and stays.
    def never(*_: object) -> Answers:
        raise AssertionError("compared again")

    with monkeypatch.context() as only:
        only.setattr(check, "opened", never)
        check.export_check(weights, check.Wanted(), None, 0, kept, docs)
    assert check.keep((), kept) == found

    # One answer that is 0.01 higher: told, and entered as it is.
    real = check.opened

    def higher(link: Link, path: Path, names: list[str]) -> Answers:
        answers = real(link, path, names)
        at = names.index("probability")
        return lambda x: [one + np.float32(0.01 * (place == at)) for place, one in enumerate(answers(x))]

    monkeypatch.setattr(check, "opened", higher)
    with pytest.raises(OverreadError, match=f"{MODEL} as pt2"):
        check.export_check(weights, check.Wanted([MODEL]), None, 0, kept, None)
    again = check.keep((), kept)
    assert len(again) == len(found)  # in the place of the older rows
    assert all(row.difference["simulated"] == pytest.approx(0.01, abs=1e-4) for row in again)
    with pytest.raises(OverreadError, match=f"{MODEL} as pt2"):
        check.export_check(weights, check.Wanted(), None, 0, kept, None)  # what did not hold is tried again


def test_what_is_no_number_differs_without_bound() -> None:
    wanted, got = [np.zeros((1, 2)), np.ones(1)], [np.array([[np.nan, 0.0]]), np.ones(1)]
    assert formats.differences(["probability", "finding"], wanted, got) == {"probability": np.inf, "finding": 0.0}
    assert check._apart(wanted[0], got[0]) == np.inf
