"""Subgroups told by the identifiers, cells of the confusion, the band of a decision curve, sizes in millilitres."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from core.evidence import Evidence, benefit, cells, masks, subgroups
from core.statistics.decision import decision_curve
from core.weights.predictions import Part, from_frame
from tests.evidence import made


def _renamed(frame: pd.DataFrame, image: str, group: str = "{g}") -> pd.DataFrame:
    """Identifiers of another layout: ``{g}`` the old group, ``{n}`` the number within it, ``{k}`` half of that."""
    number = frame.groupby("group").cumcount()
    names = [
        image.format(g=g, n=f"{n:03d}", k=n // 2, m=("pet", "mr_t1")[n % 2], t=("normal", "benign", "cancer")[n % 3])
        for g, n in zip(frame["group"], number, strict=True)
    ]
    return frame.assign(id=names, group=[group.format(g=g) for g in frame["group"]])


def _model(frame: pd.DataFrame, system: str = "breast-mri", name: str = "resnet18") -> Evidence:
    return from_frame(made.card(system, name), frame, "0")


def _part(model: Evidence) -> Part:
    part = model.part("test")
    assert part is not None
    return part


@pytest.mark.parametrize(
    ("image", "group", "expected"),
    [
        ("{g}/SUB{k}/p-{n}.jpg", "{g}", ["sequence"]),
        ("{g}/{m}.nii.gz#{n}", "{g}", ["modality"]),
        ("images/TCGA_DU_{g}/{n}.jpg", "TCGA_DU_{g}", ["position"]),
        ("{t}/{n}.jpg", "{g}", ["recorded"]),
        ("anything", "{g}", []),
    ],
)
def test_identifiers_tell_the_subgroups_of_each_layout(image: str, group: str, expected: list[str]) -> None:
    frame = _renamed(made.predictions(2, pure=False), image, group)
    assert [kind.key for kind in subgroups.kinds_of([_model(frame)], "test")] == expected


def test_folders_that_only_repeat_the_class_are_no_subgroups() -> None:
    frame = made.predictions(2)
    frame = frame.assign(id=[f"{('benign', 'malignant')[t]}/{i}.jpg" for i, t in enumerate(frame["truth"])])
    assert subgroups.kinds_of([_model(frame)], "test") == ()


def test_figures_of_a_subgroup_are_those_of_its_images_alone() -> None:
    model = _model(_renamed(made.predictions(2, pure=False), "{g}/{m}.nii.gz#{n}"))
    part, table = _part(model), subgroups.table([model], "test", "modality")
    assert table is not None
    assert [row.label.split(": ")[-1] for row in table.rows[:3]] == ["all images", "MR, T1", "PET"]
    own = np.array(["/pet.nii" in str(i) for i in part.ids])
    row = table.rows[2]
    said = part.finding[own] >= 0.42
    assert row.n == own.sum()
    assert row.figures["findings"].value == part.truth[own].sum()
    assert row.figures["auc"].value == pytest.approx(sk.roc_auc_score(part.truth[own], part.finding[own]))
    assert row.figures["sensitivity"].value == pytest.approx(sk.recall_score(part.truth[own], said))
    assert row.figures["specificity"].value == pytest.approx(sk.recall_score(~part.truth[own], ~said))
    assert row.figures["auc"].low < row.figures["auc"].value < row.figures["auc"].high
    assert {r.kind for r in table.rows} == {"model", "baseline", "published"}


def test_thirds_of_the_stack_follow_the_numbers_not_the_text() -> None:
    frame = made.predictions(2, pure=False).query("split == 'test'").head(0)
    rows = [
        {"id": f"images/g{g}/{n}.jpg", "group": f"g{g}", "split": "test", "truth": n % 2, "logit_0": float(n)}
        for g in range(3)
        for n in range(1, 13)
    ]
    part = _part(_model(pd.concat([frame, pd.DataFrame(rows)])[["id", "group", "split", "truth", "logit_0"]]))
    names = subgroups.divided(part, next(k for k in subgroups.KINDS if k.key == "position"))
    assert names is not None
    by_number = {str(i): n for i, n in zip(part.ids, names, strict=True)}
    assert [by_number[f"images/g0/{n}.jpg"] for n in range(1, 13)] == [t for t in subgroups.THIRDS for _ in range(4)]


def test_a_subgroup_of_a_few_images_gets_no_figures() -> None:
    frame = made.predictions(2, pure=False)
    frame = frame.assign(id=[f"{g}/{'T1' if i > 4 else 'T2'}/{i}.jpg" for i, g in enumerate(frame["group"])])
    few = frame[frame["split"] == "test"].index[:4]
    frame.loc[few, "id"] = [f"{frame['group'][i]}/T2/{i}.jpg" for i in few]
    table = subgroups.table([_model(frame)], "test", "sequence")
    assert table is not None
    row = next(r for r in table.rows if r.label.endswith("T2"))
    assert list(row.figures) == ["findings"]
    assert row.note == "too few to judge: 4 images"


def test_small_tumours_are_a_subgroup_of_segmenters() -> None:
    model = _model(made.predictions(3, pure=False, masks=True), "brain-mr", "unet")
    part, table = _part(model), subgroups.table([model], "test", "size")
    assert part.truth_pixels is not None
    assert table is not None
    labels = [row.label.split(": ")[-1].split(",")[0] for row in table.rows[1:4]]
    assert labels == ["small", "medium", "large"]
    sizes = part.truth_pixels[part.truth_pixels > 0]
    assert table.rows[1].n == (sizes <= np.quantile(sizes, 1 / 3)).sum()
    assert "specificity" not in table.rows[1].figures


def test_cells_hold_every_case_once_and_sklearns_counts() -> None:
    part = _part(_model(made.predictions(2, pure=False)))
    table = cells.fourfold(part, 0.42)
    tn, fp, fn, tp = sk.confusion_matrix(part.truth, part.finding >= 0.42).ravel()
    assert [table[n].count for n in ("cleared", "false alarms", "missed", "found")] == [tn, fp, fn, tp]
    frames = {name: cells.fourfold_cases(part, 0.42, name) for name in table}
    assert sorted(np.concatenate([f["image"] for f in frames.values()])) == sorted(part.ids)
    assert frames["missed"]["probability"].is_monotonic_increasing
    assert frames["false alarms"]["probability"].is_monotonic_decreasing


def test_cells_of_several_classes() -> None:
    model = from_frame(
        made.card("pet", "inception-three-class", classes=made.THREE, positive=made.THREE[1:]),
        made.predictions(6, classes=3),
        "0",
    )
    part = _part(model)
    counts = np.array([[c.count for c in row] for row in cells.by_class(part)])
    np.testing.assert_array_equal(counts, sk.confusion_matrix(part.classes, part.calibrated.argmax(1)))
    frame = cells.class_cases(part, 1, 2)
    assert len(frame) == counts[1, 2]
    assert set(frame["truth"]) == {"breast cancer"}
    assert (frame["probability"] > 1 / 3).all()


def test_band_of_the_decision_curve_matches_curves_of_resampled_groups() -> None:
    part = _part(_model(made.predictions(2, pure=False)))
    band = benefit.net_benefit_band(part, n=400, seed=1)
    curve = decision_curve(part.truth, part.finding)
    np.testing.assert_allclose(band.x, curve.threshold)
    inside = (band.low <= curve.model + 1e-9) & (curve.model <= band.high + 1e-9)
    assert inside.mean() > 0.95
    # The slow way, with its own draws: copy whole groups and compute the curve anew.
    rng = np.random.default_rng(5)
    names = np.unique(part.groups)
    drawn = []
    for _ in range(300):
        rows = np.concatenate([np.flatnonzero(part.groups == g) for g in rng.choice(names, len(names))])
        drawn.append(decision_curve(part.truth[rows], part.finding[rows]).model)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    early = band.x < 0.8  # beyond, the odds blow the noise of 300 resamples up
    np.testing.assert_allclose(band.low[early], low[early], atol=0.05)
    np.testing.assert_allclose(band.high[early], high[early], atol=0.05)


def test_sizes_are_millilitres_only_where_every_spacing_is_known() -> None:
    frame = made.predictions(3, pure=False, masks=True)
    pixels = _model(frame, "brain-mr", "unet")
    known = _model(frame.assign(pixel_ml=0.004), "brain-mr", "unet")
    partly = _model(frame.assign(pixel_ml=[np.nan, *[0.004] * (len(frame) - 1)]), "brain-mr", "unet")
    table = masks.sizes([known], "test")
    assert table is not None
    figures = table.rows[0].figures
    assert figures["bias_ml"].value == pytest.approx(0.004 * figures["bias"].value)
    assert "Millilitres by each image's own spacing" in table.notes[0]
    other = masks.sizes([pixels], "test")
    assert other is not None
    assert "bias_ml" not in {c.key for c in other.columns}
    assert "no millilitres" in other.notes[0]
    validation, test = partly.part("validation"), partly.part("test")
    assert validation is not None
    assert test is not None
    assert (validation.pixel_ml is None, test.pixel_ml is None) == (True, False)
