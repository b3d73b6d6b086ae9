"""Feature-space scores against pytorch-ood, and what they must do by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pytorch_ood.detector import KNN, RMD, Mahalanobis, ViM

from core.statistics import StatisticsInputError, outlier

KINDS, WIDTH = 3, 6


@pytest.fixture(scope="module")
def made() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of three clouds, their classes, and strange features."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 4, (KINDS, WIDTH))
    classes = np.repeat(np.arange(KINDS), 80)
    return centres[classes] + rng.normal(size=(240, WIDTH)), classes, rng.normal(0, 9, (50, WIDTH))


def tensors(*arrays: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(a).double() if a.dtype.kind == "f" else torch.from_numpy(a) for a in arrays]


def test_mahalanobis_is_that_of_pytorch_ood_times_the_number_of_cases(made: tuple[np.ndarray, ...]) -> None:
    known, classes, strange = made
    z, y, new = tensors(known, classes, strange)
    fitted, every = outlier.fit_gaussians(known, classes, KINDS), range(KINDS)
    # The library does not divide its covariance by the cases, and leaves out the half in the relative score.
    theirs = Mahalanobis(None).fit_features(z.float(), y).predict_features(new.float()).numpy()
    np.testing.assert_allclose(outlier.mahalanobis(fitted, strange, every), theirs * len(known), rtol=1e-3)
    relative = RMD(None).fit_features(z.float(), y).predict_features(new.float()).numpy()
    ours = outlier.relative_mahalanobis(fitted, strange, every)
    np.testing.assert_allclose(ours, relative * len(known) / 2, rtol=2e-3, atol=1e-2)


@pytest.mark.parametrize("k", [1, 7])
def test_neighbours_are_those_of_pytorch_ood(made: tuple[np.ndarray, ...], k: int) -> None:
    known, classes, strange = made
    z, y, new = tensors(known, classes, strange)
    theirs = KNN(None, k=k).fit_features(z, y).predict_features(new)
    np.testing.assert_allclose(outlier.nearest(known, strange, k), np.asarray(theirs), atol=1e-6)


def test_vim_with_every_class_own_is_that_of_pytorch_ood(made: tuple[np.ndarray, ...]) -> None:
    known, classes, strange = made
    rng = np.random.default_rng(1)
    weight, bias = rng.normal(size=(KINDS, WIDTH)), rng.normal(size=KINDS)
    z, y, new, w, b = tensors(known, classes, strange, weight, bias)
    theirs = ViM(None, d=4, w=w, b=b).fit_features(z, y).predict_features(new).numpy()
    ours = outlier.vim(outlier.fit_vim(known, weight, bias, 4), strange, strange @ weight.T + bias, range(KINDS))
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)


def test_a_foreign_class_does_not_excuse_an_image(made: tuple[np.ndarray, ...]) -> None:
    known, classes, _ = made
    fitted = outlier.fit_gaussians(known, classes, KINDS)
    foreign = known[classes == 2]
    near = outlier.mahalanobis(fitted, foreign, [0, 1, 2])
    far = outlier.mahalanobis(fitted, foreign, [0, 1])
    assert far.min() > near.max()
    logits = np.eye(KINDS)[classes] * 8
    assert outlier.not_own(logits, [0])[classes == 0].max() < 0 < outlier.not_own(logits, [0])[classes == 2].min()


def test_wrong_inputs_are_refused() -> None:
    with pytest.raises(StatisticsInputError, match="no features"):
        outlier.fit_gaussians(np.ones((4, 2)), np.zeros(4, int), 2)
    with pytest.raises(StatisticsInputError, match="finite"):
        outlier.nearest(np.array([[np.nan, 1.0]]), np.ones((1, 2)), 1)
    with pytest.raises(StatisticsInputError, match="Neighbour 3"):
        outlier.nearest(np.ones((2, 2)), np.ones((1, 2)), 3)
    with pytest.raises(StatisticsInputError, match="fewer"):
        outlier.fit_vim(np.ones((4, 2)), np.ones((2, 2)), np.ones(2), 2)
