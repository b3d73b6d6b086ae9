"""A publisher's download becomes the folder that the trainers read; geometry is checked against hand-made solids."""

from __future__ import annotations

import csv
import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from pydicom.uid import generate_uid

from core.errors import DataLayoutError
from tests.conftest import real_data_root
from tests.imaging import builders
from trainers.data.prepare import PUBLISHERS, prepare
from trainers.data.prepare.alike import groups_of
from trainers.data.sets import load_items

CENTRE = np.array([12.0, -30.0, 40.0])  # of the ball, LPS millimetres
RADIUS, HOLE = 20.0, 7.0
HEIGHTS = np.arange(-16, 17, 4.0)  # of its outlines over the centre: those of slices


def saved(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "index.csv").open(newline="") as handle:
        return list(csv.DictReader(handle))


def smooth(seed: int, *shape: int) -> np.ndarray:
    """A picture unlike others, that survives JPEG."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BICUBIC))


def test_every_set_that_trains_a_model_can_be_prepared() -> None:
    assert set(PUBLISHERS) == {"brain-lgg", "brain-brisc", "chest-ct", "lung-ct", "breast-mri", "sts-pet-mr"}


def test_lgg_averages_its_channels_and_takes_the_second_copy_once(tmp_path: Path) -> None:
    channels = np.stack([np.full((16, 16), value, np.uint8) for value in (10, 40, 100)], axis=2)
    mask = np.zeros((16, 16), np.uint8)
    mask[4:8, 4:10] = 255
    for top in ("kaggle_3m", "lgg-mri-segmentation/kaggle_3m"):
        folder = tmp_path / "in" / top / "TCGA_CS_4941_19960909"
        for number in (1, 10, 2):
            saved(folder / f"TCGA_CS_4941_19960909_{number}.tif", channels)
            saved(folder / f"TCGA_CS_4941_19960909_{number}_mask.tif", mask if number == 10 else 0 * mask)
    made = prepare("brain-lgg", tmp_path / "in", tmp_path / "brain-lgg")
    assert len(made.rows) == 3
    (item,) = load_items("brain-lgg", tmp_path / "brain-lgg")
    assert item.group == "TCGA_CS_4941"
    assert item.ids == tuple(f"images/TCGA_CS_4941/{number:03d}.jpg" for number in (1, 2, 10))
    assert item.labels == ("no tumour", "no tumour", "tumour")
    np.testing.assert_allclose(item.series.pixels, 50.0, atol=1)
    assert item.series.truth is not None
    np.testing.assert_array_equal(item.series.truth[2], mask > 0)


def test_brisc_pairs_masks_by_name_and_groups_what_looks_alike(tmp_path: Path) -> None:
    top = tmp_path / "in" / "segmentation_task"
    one, other, healthy = smooth(1, 256, 256), smooth(2, 256, 200), smooth(3, 128, 128)
    saved(top / "train" / "images" / "brisc2025_train_00001_gl_ax_t1.jpg", one)
    saved(top / "test" / "images" / "brisc2025_test_00001_gl_sa_t1.jpg", one[:, ::-1])
    saved(top / "train" / "images" / "brisc2025_train_00002_me_co_t1.jpg", other)
    saved(
        tmp_path / "in" / "classification_task" / "train" / "no_tumor" / "brisc2025_train_00003_nt_ax_t1.jpg", healthy
    )
    mask = np.zeros((256, 256), np.uint8)
    mask[64:128, 128:192] = 255
    saved(top / "train" / "masks" / "brisc2025_train_00001_gl_ax_t1.png", mask)
    prepare("brain-brisc", tmp_path / "in", tmp_path / "brain-brisc")
    told = {row["plane"]: row for row in rows(tmp_path / "brain-brisc")}
    by = {(r["label"], r["plane"]): r for r in rows(tmp_path / "brain-brisc")}
    assert set(by) == {
        ("glioma", "axial"), ("glioma", "sagittal"), ("meningioma", "coronal"), ("no-tumor", "axial"),
    }  # fmt: skip
    assert by["glioma", "axial"]["group"] == by["glioma", "sagittal"]["group"]
    assert len({row["group"] for row in by.values()}) == 3
    assert by["glioma", "sagittal"]["official_split"] == "test"
    assert told["coronal"]["mask"] == ""
    items = {item.ids[0]: item for item in load_items("brain-brisc", tmp_path / "brain-brisc")}
    item = items[by["glioma", "axial"]["image"]]
    assert item.series.pixels.shape == (1, 192, 192)
    assert item.series.truth is not None
    assert item.series.truth[0, 48:96, 96:144].all()
    assert item.series.truth.sum() == 48 * 48


def test_chest_keeps_the_parts_and_the_copies(tmp_path: Path) -> None:
    first = saved(
        tmp_path / "in" / "Data" / "train" / "adenocarcinoma_left.lower.lobe_T2_N0_M0_Ib" / "a.png", smooth(1, 40, 50)
    )
    for part, label in (("valid", "normal"), ("test", "large.cell.carcinoma"), ("test", "squamous.cell.carcinoma")):
        folder = tmp_path / "in" / "Data" / part / label
        folder.mkdir(parents=True)
        (folder / "b.png").write_bytes(first.read_bytes())
    (first.parent / "c.png").write_bytes(b"no picture")
    made = prepare("chest-ct", tmp_path / "in", tmp_path / "chest-ct")
    assert {(row["split"], row["label"]) for row in made.rows} == {
        ("train", "adenocarcinoma"),
        ("valid", "normal"),
        ("test", "large-cell-carcinoma"),
        ("test", "squamous-cell-carcinoma"),
    }
    digest = hashlib.sha1(first.read_bytes(), usedforsecurity=False).hexdigest()
    assert {row["sha1_of_source"] for row in made.rows} == {digest}
    assert [name for name, _ in made.left_out] == ["c.png"]
    assert len(load_items("chest-ct", tmp_path / "chest-ct")) == 4


def test_lung_reads_the_publishers_spelling(tmp_path: Path) -> None:
    top = tmp_path / "in" / "The IQ-OTHNCCD lung cancer dataset"
    for seed, name in enumerate(("Bengin", "Malignant", "Normal")):
        saved(top / f"{name} cases" / f"{name} case (1).jpg", smooth(seed, 512, 512))
    saved(top / "Normal cases" / "Normal case (2).jpg", smooth(2, 512, 512))
    prepare("lung-ct", tmp_path / "in", tmp_path / "lung-ct")
    items = load_items("lung-ct", tmp_path / "lung-ct")
    assert sorted(label for item in items for label in item.labels) == ["benign", "malignant", "normal", "normal"]
    assert len({item.group for item in items}) == 3
    assert all(item.series.pixels.shape == (1, 320, 320) for item in items)


def test_breast_packs_the_crops_as_they_are(tmp_path: Path) -> None:
    crop = saved(tmp_path / "in" / "cla" / "train" / "B" / "BreaDM-Be-1801" / "SUB1" / "p-032.jpg", smooth(1, 30, 20))
    saved(tmp_path / "in" / "cla" / "val" / "M" / "BreaDM-Ma-1902" / "VIBRANT+C1" / "p-040.jpg", smooth(2, 20, 20))
    prepare("breast-mri", tmp_path / "in", tmp_path / "breast-mri")
    with zipfile.ZipFile(tmp_path / "breast-mri" / "crops.zip") as packed:
        assert packed.read("BreaDM-Be-1801/SUB1/p-032.jpg") == crop.read_bytes()
    found = {item.group: item for item in load_items("breast-mri", tmp_path / "breast-mri")}
    assert found["BreaDM-Be-1801"].labels == ("benign",)
    assert found["BreaDM-Ma-1902"].labels == ("malignant",)
    assert (found["BreaDM-Be-1801"].split, found["BreaDM-Ma-1902"].split) == ("train", "val")


def series_of(
    modality: str, shape: tuple[int, int, int], spacing: float, value: Callable[..., np.ndarray], **tags: object
) -> tuple[str, list[tuple[str, bytes]]]:
    """A DICOM series about the ball's centre, 4 mm a slice; ``value(x)`` are the stored integers at LPS millimetres."""
    sop_class, step = {"PT": builders.PET, "MR": builders.MR, "CT": builders.CT}[modality], 4.0
    uid = generate_uid()
    origin = CENTRE - np.array([shape[2] / 2 * spacing, shape[1] / 2 * spacing, shape[0] / 2 * step])
    x = np.broadcast_to(np.arange(shape[2]), shape)
    volume = np.asarray(value(origin[0] + x * spacing))
    headers = builders.stack(
        volume, step, (spacing, spacing), origin=origin, sop_class=sop_class, modality=modality,
        PatientID="STS_001", SeriesInstanceUID=uid, **tags,
    )  # fmt: skip
    return uid, builders.named(headers, f"{modality}/")


def outline(uid: str) -> bytes:
    """An RTSTRUCT: circles of the ball on every slice, a hole around its axis, and an outline of something else."""
    header = builders.dataset(
        np.zeros((1, 1), np.uint8), "1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT", PatientID="STS_001"
    )
    del header.PixelData
    header.SeriesInstanceUID = generate_uid()
    turn = np.linspace(0, 2 * np.pi, 120, endpoint=False)

    def contour(radius: float, z: float) -> object:
        points = np.stack([CENTRE[0] + radius * np.cos(turn), CENTRE[1] + radius * np.sin(turn), 0 * turn + z], axis=1)
        return builders.item(ContourGeometricType="CLOSED_PLANAR", ContourData=[f"{v:.3f}" for v in points.ravel()])

    mass = [contour(float(np.sqrt(RADIUS**2 - z**2)), CENTRE[2] + z) for z in HEIGHTS]
    mass += [contour(HOLE, CENTRE[2] + z) for z in HEIGHTS]
    header.StructureSetROISequence = [
        builders.item(ROINumber=1, ROIName="GTV_Edema"), builders.item(ROINumber=2, ROIName="GTV_Mass"),
    ]  # fmt: skip
    header.ROIContourSequence = [
        builders.item(ReferencedROINumber=1, ContourSequence=[contour(60.0, CENTRE[2])]),
        builders.item(ReferencedROINumber=2, ContourSequence=mass),
    ]
    named = builders.item(SeriesInstanceUID=uid)
    study = builders.item(RTReferencedSeriesSequence=[named])
    header.ReferencedFrameOfReferenceSequence = [builders.item(RTReferencedStudySequence=[study])]
    return builders.to_bytes(header)


def test_sarcoma_volumes_lie_where_the_outlines_were_drawn(tmp_path: Path) -> None:
    tags = builders.pet_tags(RescaleSlope=1.0)
    pet_uid, pet = series_of("PT", (44, 60, 60), 4.0, lambda x: np.full(x.shape, 5000, np.uint16), **tags)
    mr_uid, mr = series_of("MR", (30, 80, 80), 2.0, lambda x: np.full(x.shape, 9, np.uint16), SeriesDescription="AX T1")
    units = {"RescaleSlope": 1, "RescaleIntercept": -1000, "RescaleType": "HU"}
    _, ct = series_of("CT", (60, 160, 160), 2.0, lambda x: np.rint(4 * x + 1000).astype(np.int16), **units)
    source = tmp_path / "in"
    for name, data in (*pet, *mr, *ct, ("rt/pet.dcm", outline(pet_uid)), ("rt/mr.dcm", outline(mr_uid))):
        (source / "STS_001" / name).parent.mkdir(parents=True, exist_ok=True)
        (source / "STS_001" / name).write_bytes(data)
    made = prepare("sts-pet-mr", source, tmp_path / "sts-pet-mr")
    assert made.left_out == []
    (row,) = rows(tmp_path / "sts-pet-mr")

    ras = CENTRE * [-1, -1, 1]
    # The outlines stand for slabs of 4 mm: the ball's area at each height, less the hole's where there is one.
    areas = [np.pi * (RADIUS**2 - z**2 - HOLE**2) for z in HEIGHTS]
    for name, slices in (("pet", 9), ("mr_t1", 9)):
        mask = nib.load(tmp_path / "sts-pet-mr" / row[f"{name}_mask"])
        inside = np.argwhere(np.asarray(mask.dataobj) > 0)
        voxel = abs(np.linalg.det(mask.affine[:3, :3]))
        assert len(inside) * voxel == pytest.approx(4.0 * sum(areas), rel=0.06)
        assert nib.affines.apply_affine(mask.affine, inside.mean(axis=0)) == pytest.approx(ras, abs=1.0)
        assert int(row[f"{name.split('_')[0]}_slices_with_tumour"]) == slices
    image = nib.load(tmp_path / "sts-pet-mr" / row["pet"])
    far = np.abs(nib.affines.apply_affine(image.affine, [[0, 0, 0], np.array(image.shape) - 1]) - ras)
    assert (far >= 50 + RADIUS - 6).all()
    assert (far <= 50 + RADIUS + 6).all()
    decayed = 350e6 * 2 ** (-3600 / 6586.2)
    np.testing.assert_allclose(np.asarray(image.dataobj), 5000 * 70e3 / decayed, rtol=1e-5)

    fine = nib.load(tmp_path / "sts-pet-mr" / row["ct"])
    assert fine.shape == (2 * image.shape[0], 2 * image.shape[1], image.shape[2])
    at = np.array([3, 5, 7])
    x_lps = -nib.affines.apply_affine(fine.affine, at)[0]
    assert np.asarray(fine.dataobj)[tuple(at)] == pytest.approx(4 * x_lps, abs=3)
    edges = [nib.affines.apply_affine(v.affine, [-0.5, -0.5, 0]) for v in (image, fine)]
    np.testing.assert_allclose(*edges, atol=1e-4)
    assert len(load_items("sts-pet", tmp_path / "sts-pet-mr")) == 1


def test_a_patient_that_does_not_do_is_left_out_with_the_reason(tmp_path: Path) -> None:
    tags = builders.pet_tags()
    _, pet = series_of("PT", (4, 8, 8), 4.0, lambda x: np.full(x.shape, 5, np.uint16), **tags)
    (tmp_path / "in" / "PT").mkdir(parents=True)
    for name, data in pet:
        (tmp_path / "in" / name).write_bytes(data)
    with pytest.raises(DataLayoutError, match="STS_001: no PET with an outline of the mass"):
        prepare("sts-pet-mr", tmp_path / "in", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_what_cannot_be_prepared_is_told_and_nothing_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(DataLayoutError, match="holds nothing of lung-ct"):
        prepare("lung-ct", tmp_path / "in", tmp_path / "out")
    with pytest.raises(DataLayoutError, match="set 'knee'"):
        prepare("knee", tmp_path / "in", tmp_path / "out")
    with pytest.raises(DataLayoutError, match="there already"):
        prepare("lung-ct", tmp_path / "in", tmp_path / "in")
    with pytest.raises(DataLayoutError, match="no folder"):
        prepare("lung-ct", tmp_path / "nowhere", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_joining_is_transitive_and_a_blank_picture_is_like_nothing() -> None:
    base, far = smooth(1, 48, 48).astype(float), smooth(2, 48, 48).astype(float)

    def mixed(share: float) -> np.ndarray:
        return (base * (1 - share) + far * share).astype(np.uint8)

    chain = [mixed(share) for share in np.linspace(0, 1, 30)]
    assert np.corrcoef(chain[0].ravel(), chain[-1].ravel())[0, 1] < 0.9
    assert groups_of([chain[0], chain[-1]]) == [0, 1]
    assert groups_of([*chain, np.zeros((9, 9), np.uint8), np.zeros((9, 9), np.uint8)]) == [0] * 30 + [1, 2]
    assert groups_of([]) == []


@pytest.mark.real
def test_look_alikes_of_the_real_set_are_joined_as_its_index_has_them() -> None:
    root = real_data_root()
    assert root is not None
    some = [row for row in rows(root / "brain-brisc") if row["label"] == "pituitary"][:400]
    planes = [np.asarray(Image.open(root / "brain-brisc" / row["image"]).convert("L")) for row in some]
    ours = groups_of(planes)
    theirs = [row["group"] for row in some]
    pairs = [(a, b) for a in range(len(some)) for b in range(a)]
    joined = [(a, b) for a, b in pairs if ours[a] == ours[b]]
    wanted = {(a, b) for a, b in pairs if theirs[a] == theirs[b]}
    assert len(joined) > 100
    # Theirs were joined over the whole set, so they hold links through pictures that are not here.
    assert sum(pair in wanted for pair in joined) >= 0.98 * len(joined)
