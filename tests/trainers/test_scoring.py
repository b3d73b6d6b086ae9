"""Scores of many series: in batches as one by one, behind gates as on the pages, and Dice where there is tumour."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.engine.engine import Engine
from core.engine.predict import SeriesPrediction, predict_series
from core.errors import ModelUnavailableError
from core.imaging.study import SourceKind, Study
from core.models.output import Output
from core.weights.card import Threshold
from core.weights.store import load_model
from tests.cards import SIDE, card_of
from tests.engine.installed import install, scan
from trainers.data.items import Item
from trainers.data.tensors import to_cases
from trainers.fitting.judge import validate
from trainers.measuring.mask_rule import mask_rule
from trainers.measuring.panel import Panel
from trainers.measuring.scoring import Scored, dice_with_tumour, figures, labels_for, predictions

LABELS = {"no tumour": 0, "tumour": 1}


def items() -> list[Item]:
    """Volumes of one to four slices, with masks where the label says so."""
    out = []
    for number, slices in enumerate((1, 4, 2, 3)):
        series = scan(slices, seed=number, shape=(60 + 4 * number, 70))
        ill = np.arange(slices) % 2 == number % 2
        truth = (series.pixels > np.quantile(series.pixels, 0.9)) & ill[:, None, None]
        labels = tuple("tumour" if t else "no tumour" for t in ill)
        ids = tuple(f"P{number}/{k}" for k in range(slices))
        out.append(Item(replace(series, truth=truth), labels, f"P{number}", ids))
    return out


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    cut = Threshold(value=0.5, rule="fixed", data="none", n=0)
    install(folder, "brain-mr", "resnet50", "resnet18", threshold=cut, test_time_flips=("horizontal",))
    install(folder, "brain-mr", "unet", role="segmenter", gate="resnet50", test_time_flips=("horizontal",))
    install(folder, "brain-mr", "resunet", role="segmenter", gate="resunet", threshold=cut)
    net, card = load_model(folder / "brain-mr" / "resnet50")
    p = np.concatenate([torch.sigmoid(torch.from_numpy(predict_series(net, card, i.series).logits)) for i in items()])
    middle = cut.model_copy(update={"value": float(np.median(p))})  # so that the gate opens for some
    card.model_copy(update={"threshold": middle}).save(folder / "brain-mr" / "resnet50" / "card.json")
    return folder


def test_a_batch_answers_as_single_images_do(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, card = load_model(weights / "brain-mr" / "resnet50")
    given = items()
    told: list[float] = []
    monkeypatch.setattr("trainers.measuring.scoring.BATCH", 4)  # ten slices: three batches, across the volumes
    together = predictions(net, card, given, progress=told.append)
    assert told == pytest.approx([1 / 3, 2 / 3, 1.0])
    for item, found in zip(given, together, strict=True):
        alone = predict_series(net, card, item.series)
        assert found.logits.shape == (item.series.slices, 1)
        np.testing.assert_allclose(found.logits, alone.logits, atol=1e-5)
        np.testing.assert_allclose(found.features, alone.features, atol=1e-5)
        assert found.mask_probability is None
        assert found.seconds > 0


def test_a_segmenter_is_asked_series_by_series(weights: Path) -> None:
    net, card = load_model(weights / "brain-mr" / "unet")
    told: list[float] = []
    for item, found in zip(items(), predictions(net, card, items(), progress=told.append), strict=True):
        alone = predict_series(net, card, item.series)
        np.testing.assert_array_equal(found.logits, alone.logits)
        np.testing.assert_array_equal(found.mask_probability, alone.mask_probability)
    assert told == [0.25, 0.5, 0.75, 1.0]


def test_the_panel_says_what_the_pages_say(weights: Path) -> None:
    engine = Engine(weights)
    found = Panel(engine, "brain-mr").scores(items(), LABELS)
    assert set(found) == {"resnet50", "unet", "resunet"}
    row = 0
    shut = 0
    for item in items():
        review = engine.review(Study("case", SourceKind.NIFTI, (item.series,), ""), "brain-mr")
        rows = slice(row, row + item.series.slices)
        row += item.series.slices
        assert {result.state.name for result in review.ready} == set(found)
        for result in review.ready:
            s = found[result.state.name]
            np.testing.assert_allclose(s.finding[rows], result.finding, atol=1e-5)
            if result.mask is None:
                assert s.masks is None
            else:
                assert s.masks is not None
                np.testing.assert_array_equal(np.stack(s.masks[rows]), result.mask)
                shut += 0 if result.gated is None else int(result.gated.sum())
    assert row == 10
    assert shut > 0
    assert found["unet"].ids.tolist() == [name for i in items() for name in i.ids]
    assert found["unet"].truth.tolist() == [label == "tumour" for i in items() for label in i.labels]


def test_who_cannot_answer_is_named_and_the_others_go_on(weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "w" / "brain-mr"
    shutil.copytree(weights / "brain-mr", folder)
    (folder / "resunet" / "weights.safetensors").write_bytes(b"something else")
    shutil.rmtree(folder / "resnet50")
    for name, modality in (("classic-mr", "MR"), ("classic-ct", "CT")):
        install(tmp_path / "w", "brain-mr", name, "resnet18", contract={"modality": modality})
    install(tmp_path / "w", "brain-mr", "classic-broken", "resnet18")
    (folder / "classic-broken" / "weights.safetensors").write_bytes(b"")
    told: list[str] = []
    panel = Panel(Engine(tmp_path / "w"), "brain-mr", told.append)
    found = panel.scores(items(), LABELS)
    assert set(found) == {"unet", "classic-mr"}
    assert found["unet"].masks is None  # its gate is not there
    reasons = dict.fromkeys(("resnet50", "slab"), "no weights yet")
    reasons |= dict.fromkeys(("resunet", "classic-broken"), "refused")
    reasons["classic-ct"] = "not for this image"  # as the pages say; nothing has failed
    assert {name: reason.split(":")[0] for name, reason in panel.left_out.items()} == reasons
    for name in reasons:
        assert any(text.startswith(f"{name} is left out") for text in told)
    assert any("unet shows no masks" in text for text in told)
    assert set(panel.scores(items(), LABELS, modality="CT")) == {"unet"}  # one that reads CT finds no CT here
    with pytest.raises(ModelUnavailableError, match="No model of brain-mr has weights"):
        Panel(Engine(tmp_path / "none"), "brain-mr")


def test_labels_find_their_class_by_name_or_by_what_they_mean() -> None:
    names = {"normal": 0, "adenocarcinoma": 1, "large-cell-carcinoma": 1, "malignant": 1, "benign": 0}
    classes = ("normal", "adenocarcinoma", "large cell carcinoma")
    types = card_of("chest-ct", "densenet121", "resnet18", classes=classes, positive=classes[1:])
    expected = {"normal": 0, "adenocarcinoma": 1, "large-cell-carcinoma": 2, "malignant": 1, "benign": 0}
    assert labels_for(types, names) == expected
    turned = card_of("chest-ct", "densenet121", "resnet18", classes=("malignant", "other"), positive=("malignant",))
    assert labels_for(turned, {"malignant": 1, "benign": 0, "adenocarcinoma": 1}) == {
        "malignant": 0,
        "benign": 1,
        "adenocarcinoma": 0,
    }
    tumours = ("no tumour", "glioma", "pituitary tumour")
    brain = card_of("brain-type", "unet-lite0", "resnet18", classes=tumours, positive=tumours[1:])
    assert labels_for(brain, {"no-tumor": 0, "glioma": 1, "pituitary": 1}) == {
        "no-tumor": 0,
        "glioma": 1,
        "pituitary": 2,
    }


def test_a_part_of_one_class_has_that_classs_rate_alone(weights: Path) -> None:
    _, card = load_model(weights / "brain-mr" / "resnet50")
    cut = card.threshold.value
    finding = np.array([cut - 0.01, cut, cut + 0.01, cut - 0.02])
    ill = np.ones(4, bool)
    none = np.zeros(4, int)
    s = Scored(none, np.arange(4), none + 1, ill, none[:, None], finding, None, None, 0.0)
    found = figures(card, s, resamples=20)
    assert {name: found[name].value for name in found if name != "ms_per_image"} == {
        "accuracy": 0.5,
        "sensitivity": 0.5,
    }
    well = figures(card, replace(s, truth=~ill), resamples=20)
    assert well["specificity"].value == 0.5
    assert "sensitivity" not in well


def square(at: int, size: int) -> np.ndarray:
    mask = np.zeros((20, 20), bool)
    mask[at : at + size, :10] = True
    return mask


def test_dice_is_over_volumes_with_tumour() -> None:
    """A: 20 of 30 shared on one slice, a false 10 on the other; B has no tumour and a mask; C is missed whole."""
    nothing = square(0, 0)
    truths = [square(0, 3), nothing, nothing, square(4, 2)]
    masks = [square(1, 3), square(9, 1), square(2, 2), nothing]
    found = dice_with_tumour(masks, truths, np.array(["A", "A", "B", "C"]))
    assert found == pytest.approx([2 * 20 / (30 + 40), 0.0])
    assert len(dice_with_tumour(masks[2:3], truths[2:3], np.array(["B"]))) == 0


class Drawer(torch.nn.Module):
    """Draws what is brighter than half, and says how much that is."""

    def run(self, x: torch.Tensor) -> Output:
        logits = x.mean((1, 2, 3))[:, None]
        return Output(logits=logits, features=logits, tap=x, mask_logits=x[:, :1] - 0.5)


def test_validation_dice_leaves_out_volumes_without_tumour() -> None:
    card = card_of("brain-mr", "unet", "resunet", contract={"scaling": "range"})
    series = scan(2, seed=1, shape=(SIDE, SIDE), value_range=(0.0, 200.0))
    drawn = series.pixels / 200 > 0.5
    assert drawn.any((1, 2)).all()
    ill = np.zeros_like(drawn)
    ill[0] = drawn[0]
    ill[0, :, : SIDE // 2] = False

    def dice(*truths: np.ndarray) -> float:
        volumes = [
            Item(replace(series, truth=t), ("no tumour", "tumour"), f"P{n}", (f"{n}a", f"{n}b"))
            for n, t in enumerate(truths)
        ]
        return validate(Drawer(), to_cases(volumes, card.contract, LABELS), torch.device("cpu"))["dice"]  # type: ignore[arg-type]

    alone = 2 * int((drawn & ill).sum()) / (int(drawn.sum()) + int(ill.sum()))
    assert dice(ill) == pytest.approx(alone)
    assert dice(ill, np.zeros_like(ill)) == pytest.approx(alone)  # its false masks are told by their own figure
    assert np.isnan(dice(np.zeros_like(ill)))


@pytest.fixture
def volumes() -> tuple[list[Item], list[SeriesPrediction]]:
    """Two ill patients and twenty well ones; the loose cut outlines better and draws on more of the well."""
    given, predicted = [], []
    for number in range(22):
        ill = number < 2
        truth = square(2, 8)[None] & ill
        p = np.zeros((1, 20, 20), np.float16)
        if ill:
            p[0] = np.where(square(2, 8), 0.35, 0)
            p[0][square(4, 5)] = 0.9
        elif number < 4:
            p[0] = np.where(square(2, 8), 0.35, 0)  # one in ten of the well
        series = replace(scan(1, shape=(20, 20)), truth=truth)
        given.append(Item(series, ("tumour" if ill else "no tumour",), f"P{number}", (f"{number}",)))
        predicted.append(SeriesPrediction(np.full((1, 1), 3.0, np.float32), np.zeros((1, 2)), p, 0.0))
    return given, predicted


@pytest.mark.parametrize(("allowed", "cut"), [(0.0, 0.4), (0.09, 0.4), (0.11, 0.3), (1.0, 0.3)])
def test_the_mask_rule_draws_as_often_as_it_may(
    allowed: float, cut: float, volumes: tuple[list[Item], list[SeriesPrediction]]
) -> None:
    given, predicted = volumes
    card = card_of("brain-mr", "unet", "resunet", role="segmenter")
    assert mask_rule(card, given, predicted, LABELS, None, allowed)["mask_threshold"] == cut


def test_without_tumour_the_rule_is_the_first_strict_one(
    volumes: tuple[list[Item], list[SeriesPrediction]],
) -> None:
    given, predicted = volumes
    card = card_of("brain-mr", "unet", "resunet", role="segmenter")
    rule = mask_rule(card, given[2:], predicted[2:], LABELS, None, 0.04)
    assert rule == {"mask_threshold": 0.3, "mask_min_pixels": 120}  # the 80 pixels of false masks fall away
