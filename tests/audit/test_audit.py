"""The whole audit on folders with planted faults: all found, none invented."""

from __future__ import annotations

import csv
import hashlib
import json
import zipfile
from collections import defaultdict
from pathlib import Path

import nibabel
import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from core.audit import tabulate, to_markdown
from core.audit.folder import audit
from core.audit.sets import fingerprints, read_split
from core.audit.simulated import simulated_fingerprints
from core.errors import DataLayoutError, OverreadError, UnreadableFileError
from tests.audit.folder import planted, texture, write_set
from trainers.commands.audit import audit_command, refresh_card


def test_planted_faults_are_found_and_no_others(tmp_path: Path) -> None:
    report = audit(planted(tmp_path / "set"), resamples=50)
    assert (report.pictures, report.distinct, report.groups, report.flat) == (40, 37, 20, 0)
    assert report.positive == "malignant"
    assert report.copies_across_parts == {"test": {"benign": 1, "malignant": 1}, "train": {"benign": 1, "malignant": 1}}
    assert (report.conflicts, report.conflict_pictures) == (0, 0)
    assert report.leaking_groups == 1
    for near in report.near:
        # 24-0, 25-1 (identical), 26-2 and 26-3 (altered copy of two identical ones).
        assert (near.pairs, near.pictures, near.by_side) == (4, 7, {"test": 3, "train": 4})


def test_label_conflict_is_found(tmp_path: Path) -> None:
    folder = planted(tmp_path / "set")
    rows = list(csv.DictReader((folder / "index.csv").open(encoding="utf-8")))
    rows[25]["label"] = "benign"  # identical pixels to picture 1, which is malignant
    write_set(folder, rows, [np.asarray(Image.open(folder / row["image"])) for row in rows])
    report = audit(folder, resamples=20)
    assert (report.conflicts, report.conflict_pictures) == (1, 2)


def test_clean_set_stays_clean(tmp_path: Path) -> None:
    rows = [
        {"image": f"{i}.png", "label": "normal" if i % 2 else "cancer", "patient": f"p{i}", "split": "ab"[i % 3 == 0]}
        for i in range(60)
    ]
    report = audit(write_set(tmp_path / "clean", rows, [texture(100 + i) for i in range(60)]), resamples=50)
    assert report.distinct == report.near_clusters == 60
    assert report.copies_across_parts == {}
    assert [near.pairs for near in report.near] == [0, 0]
    assert (report.leaking_groups, report.mixed_groups, report.conflicts) == (0, 0, 0)
    assert report.always_positive_accuracy == 0.5
    assert all(shortcut.low < 0.5 for shortcut in report.shortcuts if shortcut.name not in ("width", "height"))


def test_planted_shortcut_stands_out(tmp_path: Path) -> None:
    rows = [{"image": f"{i}.png", "label": "cancer" if i < 20 else "normal"} for i in range(40)]
    pictures = [np.clip(texture(i) * (0.5 if i < 20 else 1.0), 0, 255).astype(np.uint8) for i in range(40)]
    report = audit(write_set(tmp_path / "short", rows, pictures), resamples=50)
    assert report.shortcuts[0].auc == 1
    assert "mean" in {s.name for s in report.shortcuts if s.auc == 1 and s.direction == "lower in positives"}
    assert report.groups is None


def test_split_file_goes_before_the_index(tmp_path: Path) -> None:
    folder = planted(tmp_path / "set")
    patients = sorted({row["patient"] for row in csv.DictReader((folder / "index.csv").open(encoding="utf-8"))})
    by_part = tmp_path / "split.json"
    by_part.write_text(json.dumps({"train": patients[:10], "test": patients[10:]}))
    split = read_split(by_part)
    assert split == {p: "train" if i < 10 else "test" for i, p in enumerate(patients)}
    report = audit(folder, split=split, resamples=20)
    assert report.leaking_groups == 0
    with pytest.raises(DataLayoutError, match="no part for group"):
        audit(folder, split={"p0": "train"})
    by_part.write_text(json.dumps({"train": ["p0"], "test": ["p0"]}))
    with pytest.raises(DataLayoutError, match="two parts"):
        read_split(by_part)


def test_zip_layout_and_volumes(tmp_path: Path) -> None:
    folder = planted(tmp_path / "zipped")
    with zipfile.ZipFile(folder / "crops.zip", "w") as archive:
        for path in sorted(folder.glob("*.png")):
            archive.write(path, path.name)
            path.unlink()
    assert audit(folder, resamples=20).distinct == 37

    volumes = tmp_path / "volumes"
    volumes.mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for patient in range(6):
        pet, mask = rng.random((20, 16, 9)).astype(np.float32), np.zeros((20, 16, 9), np.uint8)
        mask[8:12, 6:9, 3:6] = 1
        pet[mask == 1] += 5
        for name, data in (("pet", pet), ("mask", mask)):
            nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), volumes / f"{patient}_{name}.nii.gz")
        rows.append(f"p{patient},{patient}_pet.nii.gz,{patient}_mask.nii.gz")
    (volumes / "index.csv").write_text("patient,pet,pet_mask\n" + "\n".join(rows) + "\n")
    report = audit(volumes, resamples=20)
    shortcuts = {s.name: s for s in report.shortcuts}
    assert (report.pictures, report.positives, report.groups) == (54, 18, 6)
    assert (shortcuts["width"].auc, shortcuts["SUVmax"].auc) == (0.5, 1.0)
    assert shortcuts["distance from the middle slice"].direction == "lower in positives"
    table = tabulate(fingerprints(volumes))
    assert table.features["width"][0] == 20
    with pytest.raises(DataLayoutError, match="mr_t1"):
        audit(volumes, series="mr_t1")


def test_report_reads_back_and_names_nobody(tmp_path: Path) -> None:
    report = audit(planted(tmp_path / "set"), resamples=20)
    content = json.loads(report.to_json())
    assert content["distinct"] == 37
    assert content["shortcuts"][0]["auc"] == pytest.approx(report.shortcuts[0].auc, abs=1e-4)
    text = to_markdown(report)
    assert "| pictures of test with an identical copy in another part | 2 (benign 1, malignant 1) | 16 |" in text
    assert ".png" not in text + report.to_json()


def test_model_features_take_the_place_of_thumbnails(tmp_path: Path) -> None:
    folder = planted(tmp_path / "set")
    features = np.eye(40)
    features[39] = features[0]
    embedded = audit(folder, features=features, resamples=20).near[1]
    assert (embedded.pairs, embedded.by_side) == (1, {"test": 1, "train": 1})
    assert "model features" in embedded.method
    with pytest.raises(DataLayoutError, match="39 features for 40 pictures"):
        audit(folder, features=features[:39])


def test_broken_sets_end_in_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataLayoutError, match="OVERREAD_DATA"):
        audit(tmp_path / "nowhere")
    folder = planted(tmp_path / "set")
    (folder / "07.png").write_bytes(b"no picture")
    with pytest.raises(UnreadableFileError, match=r"07\.png"):
        audit(folder)
    (folder / "07.png").unlink()
    with pytest.raises(DataLayoutError, match=r"07\.png"):
        audit(folder)


def test_command_writes_both_reports(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(audit_command)
    folder = planted(tmp_path / "set")
    out, page = tmp_path / "a.json", tmp_path / "a.md"
    arguments = [str(folder), "--json", str(out), "--markdown", str(page), "--positive", "benign", "--resamples", "20"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(out.read_text())["positive"] == "benign"
    assert page.read_text() in result.output
    assert isinstance(CliRunner().invoke(app, [str(tmp_path / "none")]).exception, OverreadError)


@pytest.mark.real
def test_chest_ct_copies_are_those_of_the_source_files(real_data: Path) -> None:
    """The publisher's file hashes in the index tell the copies independently of decoded pixels."""
    rows = list(csv.DictReader((real_data / "chest-ct" / "index.csv").open(encoding="utf-8")))
    parts, labels = defaultdict(set), defaultdict(set)
    for row in rows:
        parts[row["sha1_of_source"]].add(row["split"])
        labels[row["sha1_of_source"]].add(row["label"])
    report = audit(real_data / "chest-ct", resamples=20)
    leaking = [r for r in rows if r["split"] == "test" and len(parts[r["sha1_of_source"]]) > 1]
    assert sum(report.copies_across_parts["test"].values()) == len(leaking) == 46
    assert report.distinct == len(parts)
    assert report.conflicts == sum(len(found) > 1 for found in labels.values())
    assert report.shortcuts[0].name == "spread"


@pytest.mark.real
def test_pixel_hashes_of_lung_ct_agree_with_the_files(real_data: Path) -> None:
    """One encoder wrote the set, so equal pixels mean equal bytes and the other way round."""
    rows = list(csv.DictReader((real_data / "lung-ct" / "index.csv").open(encoding="utf-8")))
    bytes_seen = {hashlib.sha256((real_data / "lung-ct" / row["image"]).read_bytes()).hexdigest() for row in rows}
    report = audit(real_data / "lung-ct", resamples=20)
    assert report.distinct == len(bytes_seen)
    assert report.groups == len({row["group"] for row in rows})


def test_card_section_is_refreshed_and_the_rest_left_alone(tmp_path: Path) -> None:
    folder = planted(tmp_path / "planted")
    report = audit(folder, resamples=20)
    card = tmp_path / "planted.md"
    with pytest.raises(DataLayoutError, match="has no section"):
        refresh_card(tmp_path, report)
    card.write_text("# Before\n<!-- audit: planted -->\nold\n<!-- end of audit -->\nafter\n")
    refresh_card(tmp_path, report)
    refresh_card(tmp_path, report)
    text = card.read_text()
    assert text.startswith("# Before\n<!-- audit: planted -->\n40 pictures, 37 distinct")
    assert text.endswith("<!-- end of audit -->\nafter\n")
    assert "old" not in text
    assert text.count("**Shortcuts**") == 1
    assert json.loads((tmp_path / "planted.json").read_text())["pictures"] == 40


def test_simulated_scans_are_all_different_and_in_turn() -> None:
    table = tabulate(simulated_fingerprints("breast-mri", count=24))
    assert len(np.unique(table.sha256)) == 24
    assert table.positive.tolist() == [False, True] * 12
    with pytest.raises(DataLayoutError, match="No system"):
        tabulate(simulated_fingerprints("knee"))
