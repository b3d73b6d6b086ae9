"""Stored predictions read, doubted, tabled and compared, on made-up models."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from core.evidence import (
    EvidenceError,
    NoPredictionsError,
    breakdown,
    compare,
    load,
    masks,
    per_class,
    promise,
    summary,
)
from core.statistics import delong_test
from core.weights.predictions import from_frame
from tests.evidence import made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write(tmp_path_factory.mktemp("weights"))


def test_probabilities_and_truth_are_those_of_the_file(folder: Path) -> None:
    evidence = load(folder / "chest-ct" / "resnet50")
    frame = pd.read_parquet(folder / "chest-ct" / "resnet50" / "predictions.parquet").query("split == 'test'")
    part = evidence.part("test")
    assert part is not None
    np.testing.assert_allclose(part.finding, 1 / (1 + np.exp(-frame["logit_0"].to_numpy(float) / 1.6)), rtol=1e-9)
    assert part.ids.tolist() == frame["id"].tolist()
    assert part.truth.tolist() == (frame["truth"] == 1).tolist()
    assert part.group_count == frame["group"].nunique()


def test_missing_and_damaged_predictions_are_told_apart(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NoPredictionsError, match=r"predictions\.parquet"):
        load(folder / "chest-ct" / "efficientnet-b0")
    home = made.put(tmp_path, made.card("chest-ct", "resnet50"), made.predictions(2))
    (home / "predictions.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(EvidenceError, match="parquet"):
        load(home)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="group"), "group"),
        (lambda f: f.assign(logit_1=0.0), "logits expected"),
        (lambda f: f.assign(truth=2), "class index"),
        (lambda f: f.assign(split="train"), "split"),
        (lambda f: f.assign(logit_0=np.nan), "infinite"),
        (lambda f: f.assign(mask_pixels=1, truth_pixels=1, shared_pixels=2), "shared"),
        (lambda f: f.assign(mask_pixels=1.0, truth_pixels=np.inf, shared_pixels=0.0), "infinite"),
        (lambda f: f.assign(mask_pixels=1, truth_pixels=1, shared_pixels=-1), "negative"),
        (lambda f: f.assign(group=None), "missing"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(change, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(EvidenceError, match=said):
        from_frame(made.card("chest-ct", "resnet50"), change(made.predictions(2)), "0")


def test_doubts_are_spoken(folder: Path) -> None:
    warnings = load(folder / "chest-ct" / "densenet121").warnings
    assert len(warnings) == 1
    assert "AUC 0.9990 on 1 images" in warnings[0]
    leaking = made.predictions(2).assign(group="the same patient")
    assert any("validation and in the test" in w for w in from_frame(made.card("pet", "unet"), leaking, "0").warnings)


def test_main_table_against_sklearn(folder: Path) -> None:
    models = [load(folder / "chest-ct" / name) for name in ("densenet121", "resnet50")]
    table = summary.performance(models, "test")
    part = models[0].part("test")
    assert part is not None
    row = table.rows[0]
    said = part.finding >= 0.42
    expected = {
        "auc": sk.roc_auc_score(part.truth, part.finding),
        "ap": sk.average_precision_score(part.truth, part.finding),
        "sensitivity": sk.recall_score(part.truth, said),
        "specificity": sk.recall_score(~part.truth, ~said),
        "ppv": sk.precision_score(part.truth, said),
        "npv": sk.precision_score(~part.truth, ~said),
        "accuracy": sk.accuracy_score(part.truth, said),
        "f1": sk.f1_score(part.truth, said),
    }
    assert {k: row.figures[k].value for k in expected} == pytest.approx(expected)
    assert (row.n, row.groups, row.split, row.version) == (part.n, 28, "test", "0.0.1")
    kinds = [(r.kind, r.label) for r in table.rows[2:]]
    assert ("baseline", "always positive") in kinds
    assert ("baseline", "grey-level mean") in kinds
    assert kinds[-1] == ("published", "Published")
    always = next(r for r in table.rows if r.label == "always positive")
    assert always.figures["accuracy"].value == pytest.approx(part.truth.mean())


def test_csv_says_what_every_number_rests_on(folder: Path) -> None:
    models = [load(folder / "brain-mr" / name) for name in ("unet", "resnet50", "resunet")]
    tables = [
        f(models, "test")
        for f in (summary.performance, summary.calibration, per_class.table, masks.table, masks.sizes, compare.pairs)
    ]
    for table in [*tables, promise.table(models, 0.9)]:
        assert table is not None
        lines = list(csv.DictReader(io.StringIO(table.csv())))
        assert any("AUC 0.847" in line["note"] for line in lines)
        for line in lines:
            if line["kind"] == "model":
                assert line["version"].startswith("0.0.1")
                assert line["split"] == "test"
                assert int(line["n"]) >= int(line["groups"]) > 1
                assert (
                    line["figure"].startswith("p, ")
                    or line["method"] == "count"
                    or float(line["low"]) <= float(line["high"])
                )


def test_groups_are_compared_only_where_they_have_one_truth(folder: Path) -> None:
    assert breakdown.by_group([load(folder / "brain-mr" / "unet")], "test") is None
    chest = load(folder / "chest-ct" / "resnet50")
    part = chest.part("test")
    table = breakdown.by_group([chest], "test")
    assert part is not None
    assert table is not None
    grouped = (
        pd.DataFrame({"g": part.groups, "t": part.truth, "p": part.finding})
        .groupby("g")
        .agg(t=("t", "max"), mean=("p", "mean"), highest=("p", "max"))
    )
    assert table.rows[1].figures["auc"].value == pytest.approx(sk.roc_auc_score(grouped["t"], grouped["mean"]))
    assert table.rows[2].figures["auc"].value == pytest.approx(sk.roc_auc_score(grouped["t"], grouped["highest"]))
    assert table.rows[1].n == 28


def test_one_class_against_the_rest_matches_sklearn(folder: Path) -> None:
    model = load(folder / "pet" / "inception-three-class")
    part, table = model.part("test"), breakdown.one_vs_rest([model], "test")
    assert part is not None
    assert table is not None
    expected = [sk.roc_auc_score(part.classes == k, part.calibrated[:, k]) for k in range(3)]
    assert [row.figures["auc"].value for row in table.rows[:3]] == pytest.approx(expected)
    assert table.rows[3].figures["auc"].value == pytest.approx(np.mean(expected))
    recall = sk.balanced_accuracy_score(part.classes, part.calibrated.argmax(1))
    assert table.rows[3].figures["recall"].value == pytest.approx(recall)


def test_pairs_use_the_common_images_whatever_their_order() -> None:
    first = from_frame(made.card("chest-ct", "densenet121"), made.predictions(1), "1")
    shuffled = made.predictions(2).sample(frac=0.8, random_state=0)
    second = from_frame(made.card("chest-ct", "resnet50"), shuffled, "2")
    table = compare.pairs([first, second], "test")
    assert table is not None
    a, b = (
        pd.DataFrame({"p": p.finding, "t": p.truth}, index=p.ids) for p in (first.parts["test"], second.parts["test"])
    )
    both = a.join(b, rsuffix="2", how="inner")
    theirs = delong_test(both["t"].to_numpy(), both["p"].to_numpy(), both["p2"].to_numpy())
    row = table.rows[0]
    assert row.n == len(both) < len(a)
    assert row.figures["delong"].value == pytest.approx(theirs.difference.value)
    assert row.figures["delong_p"].value == pytest.approx(theirs.p)
    hit, hit2 = both[both.t].p >= 0.42, both[both.t].p2 >= 0.42
    assert row.figures["sensitivity"].value == pytest.approx(hit.mean() - hit2.mean())


def test_models_that_disagree_about_the_truth_are_not_compared() -> None:
    first = from_frame(made.card("chest-ct", "densenet121"), made.predictions(1), "1")
    frame = made.predictions(2)
    second = from_frame(made.card("chest-ct", "resnet50"), frame.assign(truth=1 - frame["truth"]), "2")
    table = compare.pairs([first, second], "test")
    assert table is not None
    assert table.rows[0].figures == {}
    assert "disagree about the truth" in table.rows[0].note


def test_too_few_calibration_cases_are_said() -> None:
    model = from_frame(made.card("chest-ct", "resnet50"), made.predictions(2, groups=2), "1")
    table = promise.table([model], 0.95)
    assert table is not None
    assert "too few to guarantee" in table.rows[0].note
    assert table.rows[0].figures["coverage"].value == 1.0


def test_worst_slices_first() -> None:
    model = from_frame(made.card("brain-mr", "unet"), made.predictions(3, masks=True, pure=False), "1")
    cases = masks.worst(model.parts["test"], 12)
    values = [case.dice for case in cases]
    assert values == sorted(values)
    assert len(cases) == 12
    frame = made.predictions(3, masks=True, pure=False).query("split == 'test' and mask_pixels + truth_pixels > 0")
    lowest = (2 * frame["shared_pixels"] / (frame["mask_pixels"] + frame["truth_pixels"])).nsmallest(12)
    assert values == pytest.approx(lowest.tolist())
