"""Ensemble and fusion as one more model, and MR / PET / both: against the engine's rule and scikit-learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from core.engine.ensemble import ensemble
from core.errors import ModelUnavailableError
from core.evidence import Evidence, load, modalities, summary, together
from core.imaging.study import Modality
from core.weights.fusion import Fusion, load_fusion
from core.weights.pairs import PAIRS, load_pairs, save_pairs
from tests.evidence import made

SHIPPED = Path(__file__).resolve().parents[2] / "weights"
NAMES = ("pet", "mr-lite0", "combined")


def shipped() -> tuple[list[Evidence], Fusion, pd.DataFrame]:
    rule, pairs = load_fusion(SHIPPED / "mr-pet"), load_pairs(SHIPPED / "mr-pet")
    assert rule is not None
    assert pairs is not None
    return [load(SHIPPED / "mr-pet" / name) for name in NAMES], rule, pairs


def test_the_ensemble_has_the_figures_of_the_engines_rule(tmp_path: Path) -> None:
    folder = made.write(tmp_path)
    models = [load(folder / "chest-ct" / name) for name in ("densenet121", "resnet50")]
    found, wanted = together.ensemble_evidence(models), ensemble(models)
    assert found is not None
    assert wanted is not None
    row = summary.performance([found], "test").rows[0]
    assert row.label == "Ensemble, mean of 2 models"
    assert row.version == "0.0.1 + 0.0.1"
    for name in ("auc", "sensitivity", "specificity"):
        assert row.figures[name].value == pytest.approx(wanted.metrics[name].value)
        assert row.figures[name].low == pytest.approx(wanted.metrics[name].low)
    assert f"threshold {wanted.threshold.value:.3f} (95 % {wanted.threshold.low:.3f} to" in row.note
    own = [dict(zip(m.parts["test"].ids, m.parts["test"].finding, strict=True)) for m in models]
    mean = [(own[0][x] + own[1][x]) / 2 for x in found.parts["test"].ids]
    np.testing.assert_allclose(found.parts["test"].finding, mean, atol=1e-9)
    assert sorted(found.parts["test"].ids) == sorted(own[0])


def test_one_model_is_no_ensemble(tmp_path: Path) -> None:
    folder = made.write(tmp_path)
    assert together.ensemble_evidence([load(folder / "chest-ct" / "resnet50")]) is None


def test_fused_pairs_have_the_figures_that_were_stored() -> None:
    """Every pair by its identifiers, against the figures that were computed from the images when the rule was made."""
    models, rule, pairs = shipped()
    found = together.fusion_evidence(models, rule, pairs)
    assert found is not None
    row = summary.performance([found], "test").rows[0]
    for name in ("auc", "accuracy", "sensitivity", "specificity"):
        assert row.figures[name].value == pytest.approx(rule.metrics[name].value, abs=1e-6)
    assert (row.n, row.groups) == (rule.metrics["auc"].n, rule.metrics["auc"].groups)
    other = rule.model_copy(update={"weights_sha256": {"pet": "0" * 64, "mr-lite0": "0" * 64}})
    assert together.fusion_evidence(models, other, pairs) is None
    assert together.fusion_evidence(models, rule, None) is None


def test_pet_and_ct_have_the_figures_that_were_stored() -> None:
    folder = SHIPPED / "mr-pet"
    rule, pairs = load_fusion(folder, Modality.CT), load_pairs(folder, Modality.CT)
    assert rule is not None
    assert pairs is not None
    found = together.fusion_evidence([load(folder / name) for name in ("pet", "ct")], rule, pairs)
    assert found is not None
    assert (found.card.name, found.card.title) == ("pet-and-ct", "PET and CT, fused at one place")
    row = summary.performance([found], "test").rows[0]
    for name in ("auc", "accuracy", "sensitivity", "specificity"):
        assert row.figures[name].value == pytest.approx(rule.metrics[name].value, abs=1e-6)
    assert (row.n, row.groups) == (rule.metrics["auc"].n, 4)


def test_three_models_on_three_kinds_of_image() -> None:
    models, rule, pairs = shipped()
    table = modalities.table(models, rule, pairs, "test")
    assert table is not None
    rows = {row.label: row.figures for row in table.rows}
    parts = dict(zip(NAMES, (m.parts["test"] for m in models), strict=True))
    titles = dict(zip(NAMES, (m.card.title for m in models), strict=True))
    answers = {name: dict(zip(part.ids, part.finding, strict=True)) for name, part in parts.items()}
    truths = {x: t for part in parts.values() for x, t in zip(part.ids, part.truth, strict=True)}
    for kind, own in (("pet", "pet"), ("mr", "mr-lite0")):
        ids = list(parts[own].ids)
        for name in (own, "combined"):
            auc = roc_auc_score([truths[x] for x in ids], [answers[name][x] for x in ids])
            assert rows[titles[name]][kind].value == pytest.approx(auc)
    assert "mr" not in rows[titles["pet"]]
    some = pairs[pairs["split"] == "test"]
    truth = [truths[a] or truths[b] for a, b in zip(some["pet"], some["other"], strict=True)]
    of = {
        n: (answers[n if n != "late" else "pet"], answers[n if n != "late" else "mr-lite0"])
        for n in (*NAMES[2:], "late")
    }
    for name, label in (("combined", titles["combined"]), ("late", "PET and MR, fused at one place")):
        first, second = of[name]
        odds = [logit(first[a]) + 0.5 * logit(second[b]) for a, b in zip(some["pet"], some["other"], strict=True)]
        assert rows[label]["pairs"].value == pytest.approx(roc_auc_score(truth, expit(np.array(odds) / 1.5)))
    alone = roc_auc_score(truth, [answers["pet"][x] for x in some["pet"]])
    assert rows[titles["pet"]]["pairs"].value == pytest.approx(alone)
    fused = rows["PET and MR, fused at one place"]
    assert fused["gain"].value == pytest.approx(rule.differences["pet"].value, abs=1e-6)
    assert modalities.table(models[:1], rule, pairs, "test") is None


def test_damaged_pairs_are_refused(tmp_path: Path) -> None:
    assert load_pairs(tmp_path) is None
    frame = pd.DataFrame({"split": ["test"], "group": [1], "pet": ["a"], "other": ["b"]})
    save_pairs(tmp_path, frame)
    assert load_pairs(tmp_path).to_dict("list") == {"split": ["test"], "group": ["1"], "pet": ["a"], "other": ["b"]}  # type: ignore[union-attr]
    frame.drop(columns="other").to_parquet(tmp_path / PAIRS[Modality.MR])
    with pytest.raises(ModelUnavailableError, match="column other is missing"):
        load_pairs(tmp_path)
    (tmp_path / PAIRS[Modality.MR]).write_bytes(b"nothing")
    with pytest.raises(ModelUnavailableError, match="fuse"):
        load_pairs(tmp_path)
