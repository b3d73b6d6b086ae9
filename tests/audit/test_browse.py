"""Pictures of a set one by one, its card, and textures against values worked out by hand."""

from __future__ import annotations

import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from core.audit import datacards, texture
from core.audit.browse import FolderSet, SimulatedSet, folders_under
from core.audit.histograms import bin_edges, grey_histogram
from core.audit.sets import opener
from core.audit.simulated import simulated_fingerprints
from core.errors import ContractError, DataLayoutError
from tests.audit.folder import planted
from tests.audit.folder import texture as noise


def _volume_of_slices(folder: Path) -> Path:
    """One patient, 12 numbered slices of which 10 sorts before 2 by text, and masks on slices 4 to 6."""
    rows = ["image,mask,patient,slice,tumour"]
    for number in range(1, 13):
        for kind, pixels in (
            ("images", noise(number)),
            ("masks", np.full((64, 64), 255 * (4 <= number <= 6), np.uint8)),
        ):
            path = folder / kind / "p" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
        rows.append(f"images/p/{number}.png,masks/p/{number}.png,p,{number},{int(4 <= number <= 6)}")
    (folder / "index.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_a_slice_opens_among_its_patients_slices_with_its_mask(tmp_path: Path) -> None:
    pictures = FolderSet(_volume_of_slices(tmp_path))
    entry = next(e for e in pictures.entries if e.name == "images/p/5.png")
    study, series, place = pictures.study(entry)
    opened = study.series[series]
    assert opened.slices == 12
    np.testing.assert_array_equal(opened.pixels[place], noise(5))
    assert opened.truth is not None
    assert opened.truth.any(axis=(1, 2)).tolist() == [4 <= n <= 6 for n in range(1, 13)]
    assert place == 4
    assert entry.label == "tumour"
    mask = pictures.mask(entry)
    assert mask is not None
    assert mask.all()


def test_single_pictures_open_alone(tmp_path: Path) -> None:
    pictures = FolderSet(planted(tmp_path / "set"))
    study, series, place = pictures.study(pictures.entries[7])
    assert (len(study.series), study.series[series].slices, place) == (1, 1, 0)
    np.testing.assert_array_equal(study.series[0].pixels[0], pictures.pixels(pictures.entries[7]))


def test_volumes_list_a_slice_each(tmp_path: Path) -> None:
    values = np.arange(20 * 16 * 9, dtype=np.float32).reshape(20, 16, 9)
    mask = np.zeros((20, 16, 9), np.uint8)
    mask[8:12, 6:9, 2:5] = 1
    for name, data in (("pet", values), ("pet_mask", mask)):
        nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), tmp_path / f"{name}.nii.gz")
    (tmp_path / "index.csv").write_text("patient,pet,pet_mask\np,pet.nii.gz,pet_mask.nii.gz\n")
    pictures = FolderSet(tmp_path)
    assert sorted(e.label for e in pictures.entries) == ["no tumour"] * 6 + ["tumour"] * 3
    for entry in pictures.entries:
        drawn = pictures.mask(entry)
        assert drawn is not None
        assert drawn.any() == (entry.label == "tumour")
        # The mask marks the same voxels whichever way the reader turns the volume.
        assert set(pictures.pixels(entry)[drawn]) <= set(values[mask > 0])
        study, series, place = pictures.study(entry)
        assert study.series[series].modality == "PT"
        np.testing.assert_array_equal(study.series[series].pixels[place], pictures.pixels(entry))


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd"])
def test_an_index_cannot_lead_out_of_its_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    Image.fromarray(noise(1)).save(tmp_path / "secret.png")
    (folder / "index.csv").write_text(f"image,label\n{name},a\n")
    pictures = FolderSet(folder)
    with pytest.raises(DataLayoutError, match="outside"):
        pictures.pixels(pictures.entries[0])


def test_a_zip_that_is_none_leads_out_or_swells_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    with zipfile.ZipFile(tmp_path / "elsewhere.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", b"0123456789" * 100)
    (folder / "crops.zip").symlink_to(tmp_path / "elsewhere.zip")
    with pytest.raises(DataLayoutError, match="link"):
        opener(folder)
    (folder / "crops.zip").unlink()
    whole = (tmp_path / "elsewhere.zip").read_bytes()
    (folder / "crops.zip").write_bytes(whole)
    assert opener(folder)("a.png") == b"0123456789" * 100
    monkeypatch.setattr("core.audit.sets.MOST_BYTES", 999)
    with pytest.raises(DataLayoutError, match="no picture's size"):
        opener(folder)("a.png")
    at = whole.index(b"a.png") + len("a.png")
    (folder / "crops.zip").write_bytes(whole[:at] + bytes(8) + whole[at + 8 :])
    with pytest.raises(DataLayoutError, match="damaged"):
        opener(folder)("a.png")
    (folder / "crops.zip").write_bytes(b"no zip")
    with pytest.raises(DataLayoutError, match="no zip"):
        opener(folder)


def test_only_sets_are_found_under_a_root(tmp_path: Path) -> None:
    planted(tmp_path / "b")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "index.csv").write_text("something,else\n1,2\n")
    assert folders_under(tmp_path) == ((tmp_path / "b", "pet"),)


def test_simulated_scans_are_those_the_card_audits() -> None:
    pictures = SimulatedSet("breast-mri", count=6)
    audited = list(simulated_fingerprints("breast-mri", count=6))
    assert [e.label for e in pictures.entries] == [one.label for one in audited]
    for entry, one in zip(pictures.entries, audited, strict=True):
        assert pictures.pixels(entry).mean() == pytest.approx(one.features["mean"])


def test_cards_are_found_by_the_name_of_the_set(tmp_path: Path) -> None:
    card = datacards.read_card("sts-pet-mr (mr_t1)")
    audit = datacards.read_audit("sts-pet-mr (mr_t1)")
    assert card is not None
    assert audit is not None
    assert (card.system, audit.pictures) == ("mr-pet", 2138)
    assert "SUVmax" in card.section("What is wrong with it")
    assert "| check |" not in card.section("Audit")
    assert dict(card.facts)["licence"] == "CC BY 3.0"
    for name in ("../../README", "nothing", "..", ""):
        assert datacards.read_card(name) is None
        assert datacards.read_audit(name) is None


def test_histogram_shares_are_those_of_numpy() -> None:
    pictures = [noise(1), noise(2)]
    edges = bin_edges(pictures, 16)
    found = grey_histogram(pictures, edges)
    expected = np.mean([np.bincount(p.ravel() // 16, minlength=16) / p.size for p in pictures], axis=0)
    np.testing.assert_allclose(found.shares, expected)
    assert found.cumulative[-1] == pytest.approx(1)
    halves = [np.array([[0.0, 1.0], [2.0, 10.0]], np.float32)]
    assert bin_edges(halves, 5).tolist() == [0, 2, 4, 6, 8, 10]
    assert grey_histogram(halves, bin_edges(halves, 5)).shares.tolist() == [0.5, 0.25, 0, 0, 0.25]


def test_co_occurrence_of_stripes_by_hand() -> None:
    # Columns 0 and 255 in turn: with 2 levels every horizontal neighbour differs, every vertical one is equal.
    stripes = np.tile(np.array([0, 255], np.uint8), (16, 8))
    found = {one.name: one for one in texture.co_occurrence(stripes, levels=2)}
    assert (found["contrast"].lowest, found["contrast"].highest) == (0.0, 1.0)
    assert found["contrast"].mean == pytest.approx(0.75)  # only the vertical direction has none
    assert found["homogeneity"].highest == pytest.approx(1.0)
    assert found["entropy"].mean == pytest.approx(1.0, abs=0.01)  # two equally likely pairs: one bit
    assert found["energy"].mean == pytest.approx(np.sqrt(0.5), abs=0.01)


def test_patterns_edges_and_gradients_of_an_edge() -> None:
    half = np.zeros((64, 64), np.uint8)
    half[:, 32:] = 200
    edges = texture.sobel(half)
    assert edges.max() == 1
    assert set(np.flatnonzero(edges.max(axis=0) > 0.5)) == {31, 32}
    patterns = texture.local_binary_patterns(half)
    assert patterns.shares.sum() == pytest.approx(1)
    assert patterns.shares[8] > 0.9  # flat: all eight neighbours at least as bright
    gradients = texture.oriented_gradients(half)
    assert gradients.length == ((64 // gradients.cell - 1) ** 2) * 4 * 8
    assert gradients.picture[:, 24:40].sum() > 0.9 * gradients.picture.sum()


def test_a_crop_too_small_for_texture_is_refused() -> None:
    with pytest.raises(ContractError, match="5 x 30"):
        texture.sobel(np.zeros((30, 5), np.uint8))


@pytest.mark.real
def test_the_set_opens_as_the_trainer_reads_it(real_data: Path) -> None:
    from trainers.data.sets import load_items

    pictures = FolderSet(real_data / "brain-lgg")
    item = load_items("brain-lgg", real_data / "brain-lgg", limit=1)[0]
    name = item.ids[len(item.ids) // 2]
    study, series, place = pictures.study(next(e for e in pictures.entries if e.name == name))
    assert place == len(item.ids) // 2
    np.testing.assert_array_equal(study.series[series].pixels, item.series.pixels)
    np.testing.assert_array_equal(study.series[series].truth, item.series.truth)


@pytest.mark.real
@pytest.mark.parametrize(("series", "layout"), [("pet", "sts-pet"), ("mr_t1", "sts-mr")])
def test_slices_of_volumes_are_numbered_as_the_models_saw_them(real_data: Path, series: str, layout: str) -> None:
    from trainers.data.sets import load_items

    items = load_items(layout, real_data / "sts-pet-mr", limit=3)
    pictures = FolderSet(real_data / "sts-pet-mr", series)
    labels = {e.name: e.label for e in pictures.entries}
    for item in items:
        assert [labels[name] for name in item.ids] == list(item.labels)
        entry = next(e for e in pictures.entries if e.name == item.ids[3])
        np.testing.assert_array_equal(pictures.pixels(entry), item.series.pixels[3])
