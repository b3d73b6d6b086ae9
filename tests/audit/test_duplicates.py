"""Searches for copies: against brute force over all pairs and against ImageHash's own distance."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image

from core.audit import Pairs, clusters, embedding_pairs, exact_sets, fingerprint, hash_pairs
from core.audit import duplicates as module
from core.errors import DataLayoutError
from tests.audit.folder import texture


def as_set(pairs: Pairs) -> set[tuple[int, int]]:
    return set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 7 rows, so that a small table spans several of them."""
    monkeypatch.setattr(module, "_BLOCK", 7)


@pytest.mark.usefixtures("small_blocks")
def test_hash_search_is_brute_force() -> None:
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**6, size=(50, 2)).astype(np.uint64) << np.uint64(58)  # top bits too
    side, usable = rng.integers(0, 2, 50), rng.random(50) < 0.9
    expected = set()
    for i in range(50):
        for j in range(i + 1, 50):
            far = max(bin(int(hashes[i, k]) ^ int(hashes[j, k])).count("1") for k in range(2))
            if far <= 2 and side[i] != side[j] and usable[i] and usable[j]:
                expected.add((i, j))
    assert expected
    assert as_set(hash_pairs(hashes, 2, side, usable)) == expected


@pytest.mark.usefixtures("small_blocks")
def test_embedding_search_is_brute_force() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(40, 3)) * rng.uniform(0.1, 10, size=(40, 1))
    features[5] = 0
    found = embedding_pairs(features, 0.95)
    expected = {}
    for i in range(40):
        for j in range(i + 1, 40):
            if i != 5 and j != 5:
                cosine = features[i] @ features[j] / np.linalg.norm(features[i]) / np.linalg.norm(features[j])
                if cosine >= 0.95:
                    expected[(i, j)] = cosine
    assert expected
    assert as_set(found) == set(expected)
    got = dict(zip(zip(found.first.tolist(), found.second.tolist(), strict=True), found.value, strict=True))
    assert all(got[pair] == pytest.approx(value, abs=1e-5) for pair, value in expected.items())


def test_packed_hashes_keep_the_distance_of_imagehash() -> None:
    pictures = [texture(seed) for seed in range(6)]
    prints = [fingerprint(str(i), p, "x", True) for i, p in enumerate(pictures)]
    for i in range(6):
        for j in range(6):
            one, two = Image.fromarray(pictures[i]), Image.fromarray(pictures[j])
            for column, method in enumerate((imagehash.phash, imagehash.dhash)):
                packed = int(np.bitwise_count(prints[i].hashes[column] ^ prints[j].hashes[column]))
                assert packed == method(one) - method(two)


def test_exact_sets_and_clusters_by_hand() -> None:
    sets = exact_sets(np.array(["a", "b", "a", "c", "b", "a"]))
    assert [rows.tolist() for rows in sets] == [[0, 2, 5], [1, 4]]
    pairs = Pairs(np.array([0, 1]), np.array([1, 4]), np.zeros(2))
    codes = clusters(6, pairs)
    assert codes[0] == codes[1] == codes[4]
    assert len(np.unique(codes)) == 4
    assert len(np.unique(clusters(3))) == 3


def test_same_pixels_same_hash_whatever_the_name_and_shape_matters() -> None:
    pixels = texture(3)
    one, two = fingerprint("a", pixels, "x", True), fingerprint("b", pixels.copy(), "y", False)
    assert one.sha256 == two.sha256
    assert fingerprint("c", pixels.reshape(32, 128), "x", True).sha256 != one.sha256
    changed = pixels.copy()
    changed[0, 0] ^= 1
    assert fingerprint("d", changed, "x", True).sha256 != one.sha256


def test_flat_pictures_are_alike_to_nothing() -> None:
    """Two empty slices resemble each other and say nothing: they are marked, not matched."""
    dark, darker = np.full((32, 32), 3, np.uint8), np.full((32, 32), 2, np.uint8)
    prints = [fingerprint(n, p, "x", True) for n, p in (("a", dark), ("b", darker), ("c", texture(0)))]
    assert [p.flat for p in prints] == [True, True, False]
    assert len(embedding_pairs(np.stack([p.thumbnail for p in prints]), 0.5)) == 0


def test_refusals() -> None:
    with pytest.raises(DataLayoutError, match="single grey planes"):
        fingerprint("rgb", np.zeros((4, 4, 3), np.uint8), "x", True)
    with pytest.raises(DataLayoutError, match="no finite table"):
        embedding_pairs(np.array([[np.nan, 1.0]]))
