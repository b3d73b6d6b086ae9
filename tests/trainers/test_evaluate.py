"""``python -m trainers evaluate``: every image scored, and each figure recomputed from the pictures by other means."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from sklearn import metrics
from typer.testing import CliRunner

from core.errors import DataLayoutError, ModelUnavailableError
from core.weights.card import Threshold
from core.weights.store import load_model
from tests import cards
from tests.engine.installed import SIDE, install
from tests.trainers.small import PATIENTS, SLICES
from trainers.__main__ import app

N = PATIENTS * SLICES


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    cut = Threshold(value=0.5, rule="fixed", data="none", n=0)
    install(
        folder, "brain-mr", "unet", role="segmenter", gate="unet", contract={"channels": 3, "context": "neighbours"}
    )
    install(folder, "brain-mr", "resnet50", "resnet18", threshold=cut, temperature=1.5)
    install(folder, "brain-mr", "resunet", role="segmenter", gate="resnet50", mask_threshold=0.4, threshold=cut)
    return folder


def centred(weights: Path, name: str, p: np.ndarray) -> None:
    """Put a model's threshold into the middle of what it says, so that both answers occur."""
    path = weights / "brain-mr" / name / "card.json"
    cards.rewrite(path, threshold={"value": float(np.median(p)), "rule": "fixed", "data": "none", "n": 0})


def by_hand(weights: Path, name: str, planes: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray | None]]:
    """Probabilities and mask probabilities without the engine's path: z-score and resize of our own."""
    net, card = load_model(weights / "brain-mr" / name)
    p, masks = [], []
    for plane in planes:
        x = (plane - plane.mean()) / (plane.std() + 1e-6)
        x = cv2.resize(x.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        with torch.inference_mode():
            out = net.run(torch.from_numpy(x)[None, None])
        p.append(float(torch.sigmoid(out.logits[0, 0].double() / card.temperature)))
        drawn = None if out.mask_logits is None else torch.sigmoid(out.mask_logits[0, 0]).numpy()
        masks.append(None if drawn is None else cv2.resize(drawn, plane.shape[::-1], interpolation=cv2.INTER_LINEAR))
    return np.array(p), masks


@pytest.fixture(scope="module")
def rows(data: Path) -> list[dict[str, str]]:
    with (data / "brain-lgg" / "index.csv").open() as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def planes(data: Path, rows: list[dict[str, str]]) -> list[np.ndarray]:
    folder = data / "brain-lgg"
    return [cv2.imread(str(folder / r["image"]), cv2.IMREAD_GRAYSCALE).astype(np.float64) for r in rows]


@pytest.fixture(scope="module")
def answers(weights: Path, planes: list[np.ndarray]) -> dict[str, Any]:
    found = {name: by_hand(weights, name, planes) for name in ("resnet50", "resunet")}
    for name, (p, _) in found.items():
        centred(weights, name, p)
    return found


@pytest.fixture(scope="module")
def result(answers: dict[str, Any], weights: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("json") / "figures.json"
    command = ["evaluate", "--system", "brain-mr", "--data", str(data / "brain-lgg")]
    done = CliRunner().invoke(app, [*command, "--json", str(out), "--weights", str(weights)], catch_exceptions=False)
    assert done.exit_code == 0
    return json.loads(out.read_text()), done.output


def test_the_form(result: Any) -> None:
    figures, _ = result
    assert (figures["system"], figures["n"], figures["groups"]) == ("brain-mr", N, PATIENTS)
    assert set(figures["models"]) == {"unet", "resnet50", "resunet"}
    for name, model in figures["models"].items():
        wanted = {"auc", "auc_low", "auc_high", "accuracy", "balanced_accuracy", "sensitivity", "specificity"}
        wanted |= {"threshold", "ece", "ms_per_image"}
        if name != "resnet50":
            wanted |= {"dice_slice", "dice_volume_mean", "dice_volume_median", "false_mask_rate"}
            wanted |= {"iou_slice", "iou_volume_mean", "tversky_slice", "tversky_volume_mean"}
        assert wanted | {"f1", "f1_low", "f1_high", "ppv", "report", "confusion"} <= set(model)
        assert all(np.isfinite(v) for k, v in model.items() if k not in ("report", "confusion"))
        assert sum(sum(row) for row in model["confusion"]["counts"]) == N
        assert model["report"]["tumour"]["f1"] == pytest.approx(model["f1"])
        assert model["report"]["tumour"]["recall"] == pytest.approx(model["sensitivity"])
        assert model["auc_low"] <= model["auc"] <= model["auc_high"]
        assert "group_auc" not in model  # every patient has slices of both kinds: it does not apply
    assert {"always positive", "always negative"} <= set(figures["baselines"])
    always = figures["baselines"]["always positive"]
    assert (always["auc"], always["accuracy"]) == (0.5, 0.5)
    assert always["accuracy_low"] <= 0.5 <= always["accuracy_high"]


@pytest.mark.parametrize("name", ["resnet50", "resunet"])
def test_rates_are_scikit_learns_on_all_images(
    result: Any, answers: dict[str, Any], rows: list[dict[str, str]], weights: Path, name: str
) -> None:
    figures, p = result[0]["models"][name], answers[name][0]
    assert len(p) == N
    truth = np.array([row["tumour"] == "1" for row in rows])
    cut = json.loads((weights / "brain-mr" / name / "card.json").read_text())["threshold"]["value"]
    assert figures["threshold"] == cut
    assert not np.isclose(p, cut, atol=1e-5).any(), "a case on the edge would make this comparison a lottery"
    said = p >= cut
    expected = {
        "auc": metrics.roc_auc_score(truth, p),
        "accuracy": metrics.accuracy_score(truth, said),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, said),
        "sensitivity": metrics.recall_score(truth, said),
        "specificity": metrics.recall_score(truth, said, pos_label=0),
    }
    gap = 0.0
    for low in np.arange(15) / 15:
        inside = (p >= low) & (p < low + 1 / 15)
        if inside.any():
            gap += inside.sum() * abs(truth[inside].mean() - p[inside].mean())
    expected["ece"] = gap / N
    for figure, value in expected.items():
        assert figures[figure] == pytest.approx(value, abs=2e-4), figure


def test_mask_figures_are_those_of_the_masks_behind_the_gate(
    result: Any, answers: dict[str, Any], rows: list[dict[str, str]], data: Path, weights: Path
) -> None:
    gate_card = json.loads((weights / "brain-mr" / "resnet50" / "card.json").read_text())
    open_ = answers["resnet50"][0] >= gate_card["threshold"]["value"]
    assert 0 < open_.sum() < N
    slices, false, sums = [], [], {row["patient"]: [0, 0] for row in rows}
    for row, drawn, shown in zip(rows, answers["resunet"][1], open_, strict=True):
        truth = cv2.imread(str(data / "brain-lgg" / row["mask"]), cv2.IMREAD_GRAYSCALE) > 127
        mask = (drawn.astype(np.float16).astype(np.float32) >= 0.4) & shown
        both, total = int((mask & truth).sum()), int(mask.sum() + truth.sum())
        sums[row["patient"]][0] += 2 * both
        sums[row["patient"]][1] += total
        if truth.any():
            slices.append(2 * both / total)
        else:
            false.append(bool(mask.any()))
    volumes = [a / b for a, b in sums.values()]
    figures = result[0]["models"]["resunet"]
    assert len(slices) + len(false) == N
    assert figures["dice_slice"] == pytest.approx(np.mean(slices), abs=2e-3)
    assert figures["dice_volume_mean"] == pytest.approx(np.mean(volumes), abs=2e-3)
    assert figures["dice_volume_median"] == pytest.approx(np.median(volumes), abs=2e-3)
    assert figures["false_mask_rate"] == pytest.approx(np.mean(false), abs=1e-9)


def test_grey_level_baselines(result: Any, planes: list[np.ndarray], rows: list[dict[str, str]]) -> None:
    truth = np.array([row["tumour"] == "1" for row in rows])
    for name, score in (("grey mean", [p.mean() for p in planes]), ("grey spread", [p.std() for p in planes])):
        auc = metrics.roc_auc_score(truth, score)
        assert result[0]["baselines"][name]["auc"] == pytest.approx(max(auc, 1 - auc), abs=1e-6)


def test_the_table_shows_n_intervals_and_baselines_uncut(result: Any) -> None:
    figures, printed = result
    assert f"{N} images of {PATIENTS} groups" in printed
    for model in figures["models"].values():
        assert f"{model['auc']:.3f} [{model['auc_low']:.3f}, {model['auc_high']:.3f}]" in printed
    assert "always positive" in printed


def test_a_model_without_weights_is_left_out_and_named(weights: Path, data: Path, tmp_path: Path) -> None:
    shutil.copytree(weights / "brain-mr" / "resnet50", tmp_path / "w" / "brain-mr" / "resnet50")
    out = tmp_path / "out.json"
    command = ["evaluate", "--system", "brain-mr", "--data", str(data / "brain-lgg"), "--json", str(out)]
    done = CliRunner().invoke(app, [*command, "--weights", str(tmp_path / "w")], catch_exceptions=False)
    found = json.loads(out.read_text())
    assert list(found["models"]) == ["resnet50"]
    assert set(found["left_out_models"]) == {"unet", "resunet", "slab"}
    assert all(reason.startswith("no weights yet") for reason in found["left_out_models"].values())
    assert "resunet is left out" in done.output
    with pytest.raises(ModelUnavailableError):
        CliRunner().invoke(app, [*command, "--weights", str(tmp_path / "none")], catch_exceptions=False)


def test_an_unfit_folder_or_system_is_told(weights: Path, tmp_path: Path) -> None:
    command = ["evaluate", "--data", str(tmp_path), "--weights", str(weights), "--system"]
    with pytest.raises(DataLayoutError):
        CliRunner().invoke(app, [*command, "brain-mr"], catch_exceptions=False)
