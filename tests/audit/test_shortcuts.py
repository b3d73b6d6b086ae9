"""Shortcuts: features with a known strength, worked by hand or drawn to order."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.audit import combined_shortcut, conflicting_sets, groups_on_both_sides, mixed_groups, shortcut_baselines
from core.audit.fingerprint import features_of
from core.audit.shortcuts import HIGHER, LOWER, NONE


def test_direction_and_strength() -> None:
    rng = np.random.default_rng(0)
    positive = np.arange(400) % 2 == 0
    features = {
        "up": rng.normal(size=400) + 1.0 * positive,
        "down": rng.normal(size=400) - 2.0 * positive,
        "constant": np.ones(400),
    }
    found = {s.name: s for s in shortcut_baselines(features, positive, np.arange(400).astype(str), n=200)}
    assert [found[k].direction for k in ("up", "down", "constant")] == [HIGHER, LOWER, NONE]
    # Two normals a standard deviations apart: AUC = Phi(a / sqrt 2).
    assert found["up"].auc == pytest.approx(stats.norm.cdf(1 / np.sqrt(2)), abs=0.06)
    assert found["down"].auc == pytest.approx(stats.norm.cdf(2 / np.sqrt(2)), abs=0.04)
    assert found["constant"].auc == 0.5
    assert found["down"].low < found["down"].auc < found["down"].high
    assert next(iter(shortcut_baselines(features, positive, np.arange(400).astype(str), n=20))).name == "down"


def test_copies_count_once_in_the_distinct_figure() -> None:
    """Three right pairs from one copied positive; with each picture once, one of two pairs is right."""
    positive = np.array([True, True, True, True, False])
    values = np.array([0.9, 0.9, 0.9, 0.1, 0.5])
    sha = np.array(["a", "a", "a", "b", "c"])
    (found,) = shortcut_baselines({"v": values}, positive, sha, n=20)
    assert found.auc == pytest.approx(3 / 4)
    assert found.distinct_auc == pytest.approx(1 / 2)


def test_combined_does_not_learn_the_patient() -> None:
    """A feature that names the patient but says nothing of the class in new patients is worth nothing."""
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(60), 20)
    positive = (np.arange(60) % 2 == 0)[groups]
    features = {f"f{k}": rng.normal(size=60)[groups] + 0.01 * rng.normal(size=1200) for k in range(3)}
    assert combined_shortcut(features, positive, groups) == pytest.approx(0.5, abs=0.2)
    features["signal"] = positive + 0.5 * rng.normal(size=1200)
    assert combined_shortcut(features, positive, groups) > 0.85
    assert np.isnan(combined_shortcut(features, positive, groups // 15))


def test_features_by_hand() -> None:
    pixels = np.zeros((32, 64), np.uint8)
    pixels[1:-1, 1:-1] = 100
    found = features_of(pixels, file_bytes=1234)
    assert (found["width"], found["height"], found["file size"]) == (64, 32, 1234)
    assert found["border mean"] == 0
    assert found["mean"] == pytest.approx(100 * 30 * 62 / (32 * 64))
    assert found["spread"] == pytest.approx(pixels.std())
    # A corner patch is 2 x 4 pixels, of which 1 x 3 lie inside the frame.
    assert found["corner mean"] == pytest.approx(100 * 3 / 8)
    assert "file size" not in features_of(pixels)


def test_tiny_pictures_have_features() -> None:
    assert features_of(np.full((1, 1), 7, np.uint8))["border mean"] == 7


def test_leaks_and_conflicts_by_hand() -> None:
    groups = np.array(["a", "a", "b", "c", "c"])
    assert groups_on_both_sides(groups, np.array(["train", "test", "train", "val", "val"])) == {"a": ("test", "train")}
    assert mixed_groups(groups, np.array(["x", "x", "x", "x", "y"])) == {"c": ("x", "y")}
    sha, labels = np.array(["1", "2", "1", "2", "3"]), np.array(["x", "x", "y", "x", "y"])
    assert [rows.tolist() for rows in conflicting_sets(sha, labels)] == [[0, 2]]
