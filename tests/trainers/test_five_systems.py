"""All five systems evaluated on simulated folders laid out like the real sets, with random networks installed."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import balanced_accuracy_score, recall_score, roc_auc_score

from core.engine.predict import predict_series
from core.errors import DataLayoutError, ModelUnavailableError
from core.imaging import read
from core.imaging.study import Modality, Series
from core.models.registry import create
from core.weights.answers import probabilities
from core.weights.fusion import FUSION
from core.weights.store import load_model, save_model
from tests.cards import card_of
from tests.trainers import folders
from trainers.commands.benchmark import benchmark
from trainers.commands.evaluate import evaluate_command, read_folder, without_training_pictures
from trainers.commands.fuse import pairs_of, rule_of
from trainers.data.digests import DIGESTS, pixel_digest, read_digests, seen_before, write_digests
from trainers.data.inserted import with_lesions
from trainers.data.items import split_named
from trainers.data.parts import read_parts
from trainers.data.sets import READERS
from trainers.exporting.torchscript import export_torchscript
from trainers.fitting.recipe import load_recipe
from trainers.measuring.ensemble import add_ensemble, validation_threshold
from trainers.measuring.scoring import Scored

SIDE = 64
TYPES = ("normal", "adenocarcinoma", "large cell carcinoma", "squamous cell carcinoma")
PATTERNS = ("no cancer", "breast cancer", "prostate cancer")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders.data_root(tmp_path_factory.mktemp("sets"))


def install(weights: Path, system: str, name: str, classes: tuple[str, ...], **contract: Any) -> Path:
    torch.manual_seed(len(name) + len(classes))
    net = create("resnet18", classes=len(classes), channels=1, size=(SIDE, SIDE)).eval()
    size = {"height": SIDE, "width": SIDE}
    card = card_of(system, name, "resnet18", classes=classes, positive=classes[1:], contract=size | contract)
    folder = weights / system / name
    save_model(net, card, folder, "float32")
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("weights")
    install(out, "chest-ct", "densenet121", ("not malignant", "malignant"))
    install(out, "chest-ct", "densenet121-subtypes", TYPES)
    install(out, "breast-mri", "resnet18", ("benign", "malignant"))
    install(out, "pet", "resnet34", ("no cancer", "cancer"), scaling="suv", projection="mip-coronal")
    install(out, "pet", "inception-three-class", PATTERNS, scaling="suv", projection="mip-coronal")
    tumour = ("no tumour", "tumour")
    install(out, "mr-pet", "mr-lite0", tumour, scaling="percentile", modality="MR")
    install(out, "mr-pet", "pet", tumour, scaling="suv", modality="PT", unit="SUVbw")
    install(out, "mr-pet", "combined", tumour, scaling="suv")
    return out


def answers(folder: Path, series: list[Series]) -> np.ndarray:
    net, card = load_model(folder)
    return np.concatenate([probabilities(predict_series(net, card, s).logits, card.temperature) for s in series])


def measured(system: str, data: Path, weights: Path, out: Path, **options: Any) -> dict[str, Any]:
    evaluate_command(system, data, out / "figures.json", weights, options.pop("split", None), **options)
    return json.loads((out / "figures.json").read_text())


def test_chest_pictures_by_their_test_part_without_copies(root: Path, weights: Path, tmp_path: Path) -> None:
    found = measured("chest-ct", root / "chest-ct", weights, tmp_path, split="test")
    assert (found["n"], found["left_out_training_pictures"]) == (7, 1)
    kept = [i for i in READERS["chest-ct"](root / "chest-ct") if i.split == "test"]
    kept = [i for i in kept if i.ids != ("test/normal/0.png",)]
    truth = [TYPES.index(i.labels[0].replace("-", " ")) for i in kept]
    p = answers(weights / "chest-ct" / "densenet121-subtypes", [i.series for i in kept])
    subtypes = found["models"]["densenet121-subtypes"]
    assert subtypes["macro_recall"] == pytest.approx(recall_score(truth, p.argmax(1), average="macro"))
    assert subtypes["auc"] == pytest.approx(roc_auc_score(np.array(truth) > 0, 1 - p[:, 0]))
    assert "macro_recall" not in found["models"]["densenet121"]


def test_lung_folders_and_shipped_digests(root: Path, weights: Path, tmp_path: Path) -> None:
    items = READERS["lung-ct"](root / "lung-ct")
    digests = weights / "chest-ct" / "densenet121" / DIGESTS
    write_digests(digests, [items[0], replace(items[1], simulated=True)])
    try:
        assert len(digests.read_bytes()) == 8
        assert seen_before(items[0].series.pixels[0], read_digests(digests))
        assert not seen_before(items[2].series.pixels[0], read_digests(digests))
        found = measured("chest-ct", root / "lung-ct", weights, tmp_path)
        digests.write_bytes(b"cut off")
        with pytest.raises(DataLayoutError, match="damaged"):
            read_digests(digests)
    finally:
        digests.unlink()
    assert (found["n"], found["left_out_training_pictures"]) == (11, 1)


def test_a_volume_that_was_trained_on_is_left_out_whole(root: Path) -> None:
    """Its neighbour, which shares a blank slice with it, stays whole."""
    items = READERS["brain-lgg"](root / "brain-lgg")
    blank = items[1].series.pixels.copy()
    blank[0] = items[0].series.pixels[0]
    items[1] = replace(items[1], series=replace(items[1].series, pixels=blank))
    seen = {pixel_digest(plane) for plane in items[0].series.pixels}
    kept, count = without_training_pictures(items, seen)
    assert [i.group for i in kept] == [i.group for i in items[1:]]
    assert count == items[0].series.slices == 4
    assert without_training_pictures(items, set()) == (items, 0)


def test_breast_crops_by_patient(root: Path, weights: Path, tmp_path: Path) -> None:
    found = measured("breast-mri", root / "breast-mri", weights, tmp_path)
    items = READERS["breast-mri"](root / "breast-mri")
    p = answers(weights / "breast-mri" / "resnet18", [i.series for i in items])[:, 1]
    groups = [i.group for i in items for _ in i.ids]
    names = sorted(set(groups))
    means = [np.mean([x for x, group in zip(p, groups, strict=True) if group == name]) for name in names]
    truth = [name.startswith("malignant") for name in names]
    assert found["models"]["resnet18"]["group_auc"] == pytest.approx(roc_auc_score(truth, means))
    assert found["groups"] == len(names)


def test_crops_of_one_folder_size_and_patient_are_a_stack_as_in_an_upload(tmp_path: Path) -> None:
    """Names in their natural order; another size or patient is another stack, and a pile is told."""
    wide, tall = (np.tile(np.linspace(0, 250, side), (30, 1)) for side in (20, 30))
    grain = np.random.default_rng(0).uniform(0, 255, (2, 30, 20))
    crops = {
        ("A", "P1/SUB1/10.png"): wide,
        ("A", "P1/SUB1/9.png"): wide * 0.9,
        ("A", "P1/SUB1/11.png"): tall,
        ("B", "P1/SUB1/12.png"): wide,
        ("A", "P1/SUB2/1.png"): grain[0],
        ("A", "P1/SUB2/2.png"): grain[1],
    }
    lines = ["image,label,patient,sequence,slice,official_split"]
    for (patient, name), pixels in crops.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / name)
        lines.append(f"{name},benign,{patient},,,train")
    (tmp_path / "index.csv").write_text("\n".join(lines))
    found = [(i.group, i.ids, i.series.apart) for i in READERS["breast-mri"](tmp_path)]
    assert found == [
        ("A", ("P1/SUB1/9.png", "P1/SUB1/10.png"), False),
        ("A", ("P1/SUB1/11.png",), False),
        ("B", ("P1/SUB1/12.png",), False),
        ("A", ("P1/SUB2/1.png", "P1/SUB2/2.png"), True),
    ]
    uploaded = read([(name, (tmp_path / name).read_bytes()) for patient, name in crops if patient == "A"]).series
    assert sorted((s.names, s.apart) for s in uploaded) == sorted(
        (tuple(Path(i).name for i in ids), apart) for group, ids, apart in found if group == "A"
    )


def test_pet_cancer_types_on_inserted_lesions(root: Path, weights: Path, tmp_path: Path) -> None:
    found = measured("pet", root / "pet-mip", weights, tmp_path, insert_lesions=5)
    studies = READERS["pet-mip"](root / "pet-mip")
    items, left_out = with_lesions(studies, 5)
    assert found["n"] == len(items) == 3 * (4 - left_out)
    assert found["groups"] == 4 - left_out
    p = answers(weights / "pet" / "inception-three-class", [i.series for i in items])
    truth = [PATTERNS.index(i.labels[0]) for i in items]
    three = found["models"]["inception-three-class"]
    assert three["macro_recall"] == pytest.approx(recall_score(truth, p.argmax(1), average="macro"))
    by_class = recall_score(truth, p.argmax(1), average=None)
    assert [three["recall"][name] for name in PATTERNS] == pytest.approx(list(by_class))
    assert "recall" not in found["models"]["resnet34"]


def test_every_canvas_carries_every_class_and_the_decoy_is_no_lesion(root: Path) -> None:
    studies = READERS["pet-mip"](root / "pet-mip")
    items, _ = with_lesions(studies, 5)
    again, _ = with_lesions(studies[::-1], 5)
    same = {(i.group, i.labels): i.series.pixels for i in again}
    for item in items:
        np.testing.assert_array_equal(item.series.pixels, same[item.group, item.labels])
        assert item.series.truth is not None
        assert item.series.truth.any() == (item.labels != ("no cancer",))
        given = next(s for s in studies if s.group == item.group).series.pixels
        assert (item.series.pixels != given).any()  # the decoy changes its canvas too
    other, _ = with_lesions(studies, 6)
    assert any((a.series.pixels != b.series.pixels).any() for a, b in zip(items, other, strict=True))


def odds(pet: float, mr: float) -> float:
    """Odds of two probabilities multiplied, MR's to half the power."""
    return float(pet / (1 - pet) * (mr / (1 - mr)) ** 0.5)


def test_mr_and_pet_on_slices_and_on_pairs(root: Path, weights: Path, tmp_path: Path) -> None:
    found = measured("mr-pet", root / "sts-pet-mr", weights, tmp_path)
    models = found["models"]
    assert {name: set(m["tested_on"]) for name, m in models.items()} == {
        "mr-lite0": {"mr", "pairs"},
        "pet": {"pet", "pairs"},
        "combined": {"mr", "pet", "pairs"},
    }
    pet, mr = READERS["sts-pet"](root / "sts-pet-mr"), READERS["sts-mr"](root / "sts-pet-mr")
    # Three patients have both; the MR begins one slice higher: PET slices 1, 2, 3 lie at MR slices 0, 1, 2.
    assert found["pairs"] == 9
    pairs = [(a, k, b, k - 1) for a, b in zip(pet, mr, strict=False) for k in (1, 2, 3)]
    truth = [a.labels[k] == "tumour" or b.labels[m] == "tumour" for a, k, b, m in pairs]
    folder = weights / "mr-pet" / "combined"
    on_pet = {a.group: answers(folder, [a.series])[:, 1] for a in pet}
    on_mr = {b.group: answers(folder, [b.series])[:, 1] for b in mr}
    both = [odds(on_pet[a.group][k], on_mr[b.group][m]) for a, k, b, m in pairs]
    assert models["combined"]["tested_on"]["pairs"]["auc"] == pytest.approx(roc_auc_score(truth, both))
    assert models["combined"]["auc"] == models["combined"]["tested_on"]["pairs"]["auc"]
    assert models["mr-lite0"]["auc"] == models["mr-lite0"]["tested_on"]["mr"]["auc"]
    top = [a.series.pixels[k].max() for a, k, _, _ in pairs]
    assert found["baselines"]["SUVmax"]["tested_on"]["pairs"]["auc"] == pytest.approx(roc_auc_score(truth, top))
    pet_only = [answers(weights / "mr-pet" / "pet", [a.series])[:, 1][k] for a, k, _, _ in pairs]
    mr_only = [answers(weights / "mr-pet" / "mr-lite0", [b.series])[:, 1][m] for _, _, b, m in pairs]
    apart = [odds(x, y) for x, y in zip(pet_only, mr_only, strict=True)]
    assert found["fusion"]["pairs"]["auc"] == pytest.approx(roc_auc_score(truth, apart))
    difference = models["combined"]["tested_on"]["pairs"]["auc"] - models["pet"]["tested_on"]["pairs"]["auc"]
    assert found["paired"]["combined - pet"]["difference"] == pytest.approx(difference)


def test_pairs_are_decided_by_the_rule_for_the_installed_models(root: Path, weights: Path, tmp_path: Path) -> None:
    shutil.copytree(weights / "mr-pet", tmp_path / "w" / "mr-pet")
    cards = {name: load_model(weights / "mr-pet" / name)[1] for name in ("pet", "mr-lite0")}
    parts = [READERS[f"sts-{kind}"](root / "sts-pet-mr") for kind in ("pet", "mr")]
    labels = {"no tumour": 0, "tumour": 1}
    said = {
        name: {
            x: p
            for i in items
            for x, p in zip(i.ids, answers(weights / "mr-pet" / name, [i.series])[:, 1], strict=True)
        }
        for name, items in zip(("pet", "mr-lite0"), parts, strict=True)
    }
    pairs = pairs_of(*parts, said, labels)
    rule = rule_of(cards, pairs, pairs)
    rule.save(tmp_path / "w" / "mr-pet" / FUSION[Modality.MR])
    told = measured("mr-pet", root / "sts-pet-mr", tmp_path / "w", tmp_path)["fusion"]["pairs"]
    decided = np.array([odds(x, y) for x, y in zip(pairs.pet, pairs.other, strict=True)]) ** (
        1 / 1.5 / rule.temperature
    )
    probability, limit = decided / (1 + decided), rule.threshold.value
    # The threshold is one pair's own probability: rounding puts that pair on either side of it.
    least, most = probability >= limit * (1 + 1e-6), probability >= limit * (1 - 1e-6)
    assert told["n"] == len(pairs.truth) == 9
    assert told["threshold"] == rule.threshold.value
    sides = [(recall_score(pairs.truth, f), balanced_accuracy_score(pairs.truth, f)) for f in (least, most)]
    assert pytest.approx((told["sensitivity"], told["balanced_accuracy"])) in sides


def test_a_system_without_weights_says_so(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="No model of breast-mri"):
        evaluate_command("breast-mri", root / "breast-mri", None, tmp_path, None)
    with pytest.raises(DataLayoutError, match="cannot be evaluated"):
        evaluate_command("liver-ct", root / "breast-mri", None, tmp_path, None)
    with pytest.raises(ModelUnavailableError):
        benchmark(tmp_path)
    with pytest.raises(DataLayoutError, match="as lung-ct"):
        read_folder("chest-ct", root / "brain-lgg")


def test_copies_across_the_publishers_parts_train_only_once(root: Path) -> None:
    items = READERS["chest-ct"](root / "chest-ct")
    copy = next(i for i in items if i.ids == ("test/normal/0.png",))
    assert split_named(items)[copy.group] == "train"
    torn = [*items, replace(copy, labels=("adenocarcinoma",))]
    assert copy.group not in split_named(torn)
    parts = read_parts(load_recipe("classic-chest-densenet121"), root)
    ids = [i.ids[0] for part in (parts.train, parts.validation, parts.test) for i in part]
    assert len(ids) == len(set(ids)) == 23
    assert "test/normal/0.png" not in ids
    assert {i.split for i in parts.test} == {"test"}


def test_both_modalities_hold_back_the_same_patients(root: Path) -> None:
    parts = read_parts(load_recipe("mr-pet-combined"), root)
    groups = [{i.group for i in part if not i.simulated} for part in (parts.train, parts.validation, parts.test)]
    assert not groups[0] & (groups[1] | groups[2])
    alone = read_parts(load_recipe("mr-pet-mr"), root)
    assert {i.group for i in alone.test} <= groups[2]
    matched = read_parts(load_recipe("mr-pet-combined-matched"), root)
    assert sum(not i.simulated for i in matched.train) < sum(not i.simulated for i in parts.train)
    assert [i.ids for i in matched.test] == [i.ids for i in parts.test]


def test_the_ensembles_threshold_comes_from_validation(tmp_path: Path, weights: Path) -> None:
    import pandas as pd

    _, card = load_model(weights / "chest-ct" / "densenet121")
    cards = [card.model_copy(update={"name": name}) for name in ("a", "b")]
    rng = np.random.default_rng(0)
    truth = np.tile([0, 1], 20)
    for shift, one in zip((0.0, 0.5), cards, strict=True):
        (tmp_path / one.name).mkdir()
        one.save(tmp_path / one.name / "card.json")
        frame = pd.DataFrame({"id": [f"i{n}" for n in range(40)], "group": np.arange(40), "truth": truth})
        frame["split"] = "validation"
        frame["logit_0"] = np.where(truth, 1.0, -3.0) + shift + rng.normal(0, 0.1, 40)
        spoilt = frame.assign(split="test", logit_0=-frame["logit_0"])
        pd.concat([frame, spoilt]).to_parquet(tmp_path / one.name / "predictions.parquet")
    cut = validation_threshold(cards, tmp_path)
    assert cut is not None
    assert 0.1 < cut < 0.8  # between the two clouds of validation; the turned test part plays no role
    assert validation_threshold([*cards, card], tmp_path) is None


def test_the_ensemble_of_any_system_is_the_mean_of_its_binary_models(tmp_path: Path) -> None:
    import pandas as pd

    cards = {name: card_of("breast-mri", name, "resnet18") for name in ("a", "b")}
    rng = np.random.default_rng(1)
    truth = np.tile([0, 1], 20)
    ids, groups, none = np.array([f"i{n}" for n in range(40)]), np.repeat(np.arange(20), 2), np.zeros((40, 1))
    answers = {}
    for name in cards:
        finding = np.clip(0.5 + 0.15 * (2 * truth - 1) + rng.normal(0, 0.2, 40), 0.01, 0.99)
        answers[name] = Scored(ids, groups, truth, truth > 0, none, finding, None, None, 0.1)
        frame = pd.DataFrame({"id": ids, "group": groups, "truth": truth, "split": "validation"})
        (tmp_path / name).mkdir()
        cards[name].save(tmp_path / name / "card.json")
        frame.assign(logit_0=np.log(finding / (1 - finding))).to_parquet(tmp_path / name / "predictions.parquet")
    found: dict[str, dict[str, Any]] = {}
    add_ensemble(found, cards, answers, tmp_path)
    mean = (answers["a"].finding + answers["b"].finding) / 2
    assert found["ensemble"]["auc"] == pytest.approx(roc_auc_score(truth, mean))
    said = mean >= found["ensemble"]["threshold"]
    assert found["ensemble"]["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, said))
    add_ensemble(alone := {}, cards, {"a": answers["a"]}, tmp_path)
    assert alone == {}


def test_benchmark_and_export(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    install(weights, "chest-ct", "densenet121", ("not malignant", "malignant"))
    found = benchmark(weights, tmp_path / "times.json", repeats=3)
    assert list(found["models"]) == ["chest-ct/densenet121"]
    assert json.loads((tmp_path / "times.json").read_text()) == found
    for m in found["models"].values():
        assert 0 < m["shortest_ms"] <= m["median_ms"] <= m["longest_ms"]
    path = export_torchscript("chest-ct/densenet121", weights, tmp_path / "net.torchscript")
    net, _ = load_model(weights / "chest-ct" / "densenet121")
    x = torch.randn(1, 1, SIDE, SIDE)
    torch.testing.assert_close(torch.jit.load(str(path))(x), net(x), atol=1e-4, rtol=1e-4)
