"""Does the answer rest on what a heat map marks? ROAD: remove and debias (Rong et al., 2022, arXiv:2202.00449).

The marked pixels are removed by noisy linear imputation: each missing pixel becomes the weighted mean of its
neighbours, so that nothing of the picture is left there and no hard edge betrays where it was. The answer should then
fall by more than when areas that mean nothing are removed: random maps with the power spectrum of the heat map, that
is, patches of the same size and smoothness in other places. Pixels are counted within the body, since air can be
removed at no cost and would flatter every map that stays inside the patient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded where they are first used
import torch
from numpy.typing import NDArray

from core.preprocessing.remembered import once_a_picture

Ask = Callable[[torch.Tensor], NDArray[np.float64]]
Array = NDArray[np.float64]

FRACTIONS = (0.05, 0.1, 0.2, 0.4)
RANDOM_MAPS = 10
FEWEST_MAPS = 5  # fewer say nothing about their spread
SPOKEN = 0.1  # an answer below this leaves nothing that could be taken away
MARGIN = 0.05  # a smaller difference of probability changes nobody's mind
SPREADS = 2.0
NOISE = 0.01  # as in the reference implementation, in standard deviations of the picture

# Neighbours and their weights: 1/6 beside and above, 1/12 across corners (Rong et al., appendix).
_NEIGHBOURS = tuple(
    (down, across, 1 / 6 if 0 in (down, across) else 1 / 12)
    for down in (-1, 0, 1)
    for across in (-1, 0, 1)
    if (down, across) != (0, 0)
)


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """Answers after parts of a picture were removed; probabilities of the class that the heat map explains.

    Attributes:
        answer: with nothing removed.
        fractions: ``(P,)`` share of the body removed.
        marked: ``(P,)`` answers without what the map marks most (deletion).
        unmarked: ``(P,)`` answers without what it marks least (insertion, read backwards).
        random: ``(K, P)`` answers without what ``K`` random maps of the same smoothness mark most.
    """

    answer: float
    fractions: tuple[float, ...]
    marked: Array
    unmarked: Array
    random: Array

    @property
    def drop(self) -> float:
        """Mean fall of the answer when the marked parts go."""
        return float(self.answer - self.marked.mean())

    @property
    def unmarked_drop(self) -> float:
        """Mean fall when the least marked parts go; low for a map that names everything needed."""
        return float(self.answer - self.unmarked.mean())

    @property
    def random_drops(self) -> Array:
        """``(K,)`` mean fall for each random map."""
        return self.answer - self.random.mean(1)

    @property
    def random_drop(self) -> float:
        """Mean over the random maps."""
        return float(self.random_drops.mean())

    @property
    def random_spread(self) -> float:
        """Standard deviation over the random maps."""
        return float(self.random_drops.std(ddof=1)) if len(self.random) > 1 else float("nan")

    @property
    def passed(self) -> bool | None:
        """True when the marked parts matter clearly more than random ones; ``None`` where nothing can be tested.

        Clearly: by at least :data:`MARGIN` and by :data:`SPREADS` standard deviations of the random maps.
        """
        if self.answer < SPOKEN or len(self.random) < FEWEST_MAPS:
            return None
        ahead = self.drop - self.random_drop
        return ahead >= MARGIN and ahead >= SPREADS * self.random_spread


class Eraser:
    """Removes parts of one picture, always the same way.

    Args:
        x: network input ``(1, C, H, W)``.
        fractions: shares of the body to remove, each in (0, 1).
        seed: of the imputation's noise.
        noise: standard deviation of that noise, in standard deviations of the picture.
    """

    def __init__(
        self, x: torch.Tensor, *, fractions: Sequence[float] = FRACTIONS, seed: int = 0, noise: float = NOISE
    ) -> None:
        if x.dim() != 4 or x.shape[0] != 1:
            raise ValueError(f"one picture (1, C, H, W) is expected, got {tuple(x.shape)}")
        if not all(0 < f < 1 for f in fractions):
            raise ValueError(f"fractions lie between 0 and 1, got {tuple(fractions)}")
        self.fractions = tuple(fractions)
        self._dtype = x.dtype
        self._image = x[0].detach().double().numpy(force=True)
        self.body = body_of(self._image)
        self._noise = noise * float(self._image.std())
        self._seed = seed

    def without(self, heat: NDArray[np.floating], *, least: bool = False) -> torch.Tensor:
        """The picture without what a map marks most (or least): ``(P, C, H, W)``, one per fraction.

        Args:
            heat: ``(H, W)``, higher is more; only the order counts, ties fall at random.
        """
        if heat.shape != self.body.shape:
            raise ValueError(f"the map has {heat.shape} pixels, the picture {self.body.shape}")
        rng = np.random.default_rng(self._seed)
        inside = np.flatnonzero(self.body)
        values = heat.ravel()[inside].astype(np.float64) * (1 if least else -1)
        order = inside[np.lexsort((rng.random(len(inside)), values))]
        out = []
        for fraction in self.fractions:
            missing = np.zeros(self.body.size, bool)
            missing[order[: max(1, round(fraction * len(order)))]] = True
            out.append(impute(self._image, missing.reshape(self.body.shape), noise=self._noise, rng=rng))
        return torch.from_numpy(np.stack(out)).to(self._dtype)


def road(
    answer: Ask,
    x: torch.Tensor,
    heat: NDArray[np.floating],
    *,
    maps: int = RANDOM_MAPS,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    stop: Callable[[], bool] = lambda: False,
) -> Faithfulness | None:
    """Deletion and insertion of what a heat map marks, against random maps.

    Args:
        answer: probability ``(B,)`` of the explained class for pictures ``(B, C, H, W)``.
        x: the picture as the network gets it, ``(1, C, H, W)``.
        heat: ``(H, W)`` on the same grid.
        maps: random maps, as many as there is time for.
        stop: asked between passes; when it returns true no further random map is tried.

    Returns:
        ``None`` when time was up before :data:`FEWEST_MAPS` random maps had been tried, or the map is constant.
    """
    if float(np.ptp(heat)) <= 0:
        return None
    eraser = Eraser(x, fractions=fractions, seed=seed)
    whole = float(answer(x)[0])
    if stop():
        return None
    marked = answer(eraser.without(heat))
    unmarked = answer(eraser.without(heat, least=True))
    rng = np.random.default_rng(seed)
    random: list[Array] = []
    while len(random) < maps and not stop():
        random.append(answer(eraser.without(random_map(heat, rng))))
    if len(random) < min(FEWEST_MAPS, maps):
        return None
    return Faithfulness(whole, eraser.fractions, marked, unmarked, np.stack(random))


def random_map(heat: NDArray[np.floating], rng: np.random.Generator) -> Array:
    """A map ``(H, W)`` with the power spectrum of ``heat`` and random phases: as smooth, marking other places."""
    # The phases of white noise are those of a real picture, whatever the size.
    phases = np.angle(np.fft.rfft2(rng.standard_normal(heat.shape)))
    spectrum = np.abs(np.fft.rfft2(heat - heat.mean()))
    return np.asarray(np.fft.irfft2(spectrum * np.exp(1j * phases), s=heat.shape), dtype=np.float64)


@once_a_picture
def body_of(image: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Where in a picture ``(C, H, W)`` there is something: what stands out from an even surround, holes filled.

    A picture without a surround that is the darkest or brightest there is (a crop) counts as a whole.
    """
    plane = scipy.ndimage.gaussian_filter(image[image.shape[0] // 2].astype(np.float64), 1.0)
    low, high = np.percentile(plane, (0.5, 99.5))
    border = float(np.median(np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])))
    span = float(high - low)
    everything = np.ones(plane.shape, bool)
    if span <= 0 or min(border - low, high - border) > 0.1 * span:
        return everything
    body = scipy.ndimage.binary_fill_holes(np.abs(plane - border) > 0.1 * span)
    return np.asarray(body, bool) if body.mean() >= 0.05 else everything


def impute(image: NDArray[np.floating], missing: NDArray[np.bool_], *, noise: float, rng: np.random.Generator) -> Array:
    """Fill missing pixels by noisy linear imputation.

    Every missing pixel equals the weighted mean of its neighbours, known or missing: a sparse linear system, solved
    exactly.

    Args:
        image: ``(C, H, W)``.
        missing: ``(H, W)``; at least one pixel must be known.
        noise: standard deviation of the noise added to the filled pixels, in the image's unit.

    Raises:
        ValueError: nothing is known.
    """
    if missing.all():
        raise ValueError("a picture of which nothing is left cannot be filled")
    height, width = missing.shape
    filled = np.array(image, dtype=np.float64)
    rows, columns = np.nonzero(missing)
    count = len(rows)
    if not count:
        return filled
    number = np.full(missing.shape, -1)
    number[rows, columns] = np.arange(count)
    total, known = np.zeros(count), np.zeros((count, image.shape[0]))
    entries: list[tuple[NDArray[np.intp], NDArray[np.intp], Array]] = []
    for down, across, weight in _NEIGHBOURS:
        r, c = rows + down, columns + across
        here = np.flatnonzero((r >= 0) & (r < height) & (c >= 0) & (c < width))
        total[here] += weight
        r, c = r[here], c[here]
        gone = missing[r, c]
        entries.append((here[gone], number[r[gone], c[gone]], np.full(int(gone.sum()), -weight)))
        known[here[~gone]] += weight * filled[:, r[~gone], c[~gone]].T
    entries.append((np.arange(count), np.arange(count), total))
    i, j, v = (np.concatenate(part) for part in zip(*entries, strict=True))
    system = scipy.sparse.coo_matrix((v, (i, j)), shape=(count, count)).tocsc()
    # The system is symmetric and diagonally dominant: no pivoting is needed, which saves a third of the time.
    solver = scipy.sparse.linalg.splu(
        system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
    values = solver.solve(known)
    filled[:, rows, columns] = (values + noise * rng.standard_normal(values.shape)).T
    return filled
