"""The sections of the Evidence page."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.engine.words import short
from core.evidence import Evidence, Part, Table, masks
from core.evidence.cells import by_class, class_cases
from core.evidence.gate import gate_card, gate_table
from core.systems import SYSTEMS
from core.weights.predictions import SPLITS
from dashboard.evidence import cells as evidence_cells
from dashboard.evidence import data, figures, report
from dashboard.evidence import explorer as evidence_explorer
from dashboard.evidence import pdf as evidence_pdf
from dashboard.evidence.data import Predicted
from dashboard.kit import address, heat_check_table, words
from dashboard.kit import tables as evidence_tables
from dashboard.kit.engine import engine

SPLIT_WORDS = {"test": "test (never used to choose anything)", "validation": "validation (chose the threshold)"}


def choose() -> tuple[Predicted, str]:
    """Which system, which part, and how figures are saved."""
    evidence_tables.style()
    first, second, third = st.columns([3, 3, 2])
    names = list(SYSTEMS)
    address.follow("evidence-system", "system", names, data.first_with_predictions)
    address.follow("evidence-split", "part", SPLITS)
    name = first.selectbox("System", names, format_func=lambda n: SYSTEMS[n].title, key="evidence-system")
    split = second.segmented_control(
        "Part of the data", SPLITS, required=True, key="evidence-split", format_func=str.capitalize
    )
    split = split or SPLITS[0]
    address.keep(system=name, part=split if split != SPLITS[0] else None)
    figures.save_as(third)
    return data.shelf(name), split


def state(found: Predicted, split: str) -> bool:
    """What the numbers rest on, which models have none, and what does not fit; whether there is anything to show."""
    if found.without:
        st.info("\n".join(f"- **{words.plain(s.title)}**: {words.plain(e.message)}" for s, e in found.without))
    for model in found.models:
        for warning in model.warnings:
            st.warning(f"**{words.plain(model.card.title)}**: {words.plain(warning)}")
    shown = [(m.card.title, part) for m in found.models if (part := m.part(split)) is not None]
    if not shown:
        st.info(f"Nothing to show: no model of {found.system.title} has predictions on the {split} part.")
        return False
    basis = "; ".join(
        f"{short(t)}: {p.n:,} images of {words.counted(p.group_count, found.system.name)}, "
        f"{int(p.truth.sum()):,} with a finding"
        for t, p in shown
    )
    st.caption(f"{found.system.scope} Part: **{SPLIT_WORDS[split]}**. {words.plain(basis)}.")
    if split == "validation":
        st.warning(
            "Validation part: threshold and temperature were chosen on these images, so every figure below flatters."
        )
    return True


def performance(found: Predicted, split: str) -> None:
    """Main table and curves."""
    st.subheader("What the models reach", anchor="performance")
    _table("performance", found, split)
    figures.grid(figures.curves(found, split), stem(found, split))
    st.caption(f"Bands: 95 %, whole {words.many(found.system.counted)} drawn. Diamonds: stored thresholds.")


def modalities(found: Predicted, split: str) -> None:
    """MR, PET and both: every model on every kind of image; nothing for systems of one modality."""
    table = data.modality_table(found, split)
    if table is None:
        return
    st.subheader("MR, PET and both", anchor="modalities")
    evidence_tables.show(table, stem(found, split))


def per_class(found: Predicted, split: str) -> None:
    """Precision, recall and F1 of every class, and every model's confusion as a figure to keep."""
    st.subheader("Precision, recall and F1 of each class", anchor="report")
    _table("classes", found, split)
    figures.grid(figures.confusion(found, split), stem(found, split))


def explorer(found: Predicted, split: str) -> None:
    """Threshold explorer with confusion matrix and cases."""
    st.subheader("Threshold explorer", anchor="threshold")
    with st.container(key="explorer"):
        evidence_explorer.show(found, split, stem(found, split))


def calibration(found: Predicted, split: str) -> None:
    """Reliability, ECE, Brier."""
    st.subheader("Does the probability mean what it says", anchor="calibration")
    _table("calibration", found, split)
    figures.grid(figures.calibration(found, split), stem(found, split))


def decision(found: Predicted, split: str) -> None:
    """Decision curve beside the comparison of the models."""
    st.subheader("Would acting on it do more good than harm", anchor="decision")
    for chart in figures.decision(found, split):
        figures.show(chart, stem(found, split))
    st.caption(
        "Net benefit: true findings per image, less false alarms weighed by the odds of the probability from which on "
        "one would act. Baselines: act on all, act on none. At the share of findings in this part."
    )


def scores(found: Predicted, split: str) -> None:
    """Histogram of the probabilities of every model, by true class."""
    st.subheader("Scores by true class", anchor="scores")
    figures.grid(figures.scores(found, split), stem(found, split))
    st.caption("Dashed: the stored threshold.")


def breakdowns(found: Predicted, split: str) -> None:
    """Per group against per image."""
    st.subheader(f"Per {found.system.counted} and per image", anchor="groups")
    if not _table("by-group", found, split):
        st.info(
            words.in_terms(
                "Groups here are single images or hold both answers, so no group has a truth of its own.",
                found.system.counted,
            )
        )


@st.fragment
def classes(found: Predicted, split: str) -> None:
    """One class against the rest, with the confusion of every model of several classes."""
    several = [(m, part) for m in found.models if (part := m.part(split)) is not None and len(m.card.classes) > 2]
    if not several:
        st.caption("The models of this system tell two classes apart; what they take for which stands under Threshold.")
        return
    st.subheader("One class against the rest", anchor="classes")
    _table("one-vs-rest", found, split)
    figures.grid(figures.one_vs_rest(found, split), stem(found, split))
    for model, part in several:
        key = f"{stem(found, split)}-{model.card.name}"
        st.markdown(f"**Confusion of {words.plain(model.card.title)}**, the largest probability wins")
        table = by_class(part)
        names = model.card.classes
        cells, beside = st.columns([3, 2], gap="medium")
        with cells:
            chosen = evidence_cells.matrix(list(zip(names, table, strict=True)), f"class-cell-{key}", "says ")
            evidence_cells.csv(
                pd.DataFrame(
                    [[c.count for c in row] for row in table], names, [f"says {n}" for n in names]
                ).reset_index(names="truth"),
                f"{key}-confusion",
                f"confusion-csv-{key}",
            )
        with beside:
            if not chosen:
                st.caption("A click on a cell lists its images here.")
                continue
            truth, said = (int(k) for k in chosen.split("-"))
            title = f"truth {names[truth]}, model says {names[said]}"
            evidence_cells.listed(part, class_cases(part, truth, said), title, f"{key}-{chosen}", f"{key}-{chosen}")


@st.fragment
def by_subgroup(found: Predicted, split: str) -> None:
    """Figures by site, sequence, modality or place in the stack; nothing where the images tell none."""
    kinds = data.kinds(found, split)
    if not kinds:
        return
    st.subheader("Does it work alike everywhere", anchor="subgroups")
    titles = {kind.key: kind.title for kind in kinds}
    chosen = st.segmented_control(
        "Subgroups by",
        list(titles),
        default=kinds[0].key,
        required=True,
        format_func=lambda key: titles[key],
        key=f"subgroups-{stem(found, split)}",
    )
    table = data.by_subgroup(found, split, chosen or kinds[0].key)
    if table is not None:
        evidence_tables.show(table, stem(found, split))


def segmentation(found: Predicted, split: str) -> None:
    """Masks: Dice, size, worst cases; nothing without segmenters."""
    charts = figures.masks(found, split)
    if not charts:
        return
    st.subheader("Masks against the truth", anchor="masks")
    _table("masks", found, split)
    _table("mask-sizes", found, split)
    figures.grid(charts, stem(found, split))
    for model in found.models:
        part = model.part(split)
        if part is not None and part.has_masks:
            with st.expander(f"Worst slices of {model.card.title} ({split} part)"):
                _worst(part, f"{stem(found, split)}-{model.card.name}-worst")


@st.fragment
def _worst(part: Part, key: str) -> None:
    frame = pd.DataFrame([vars(case) for case in masks.worst(part, 15)]).rename(columns={"id": "image"})
    evidence_cells.listed(part, frame, "lowest Dice first", key, key)


def heat_maps(found: Predicted, split: str) -> None:
    """How often the heat maps of each model find the lesion, whatever part is chosen."""
    st.subheader("Do the heat maps find the tumour", anchor="heat-maps")
    heat_check_table.heat_check_table(found.system.name)


def gate(found: Predicted, split: str) -> None:
    """How well images that are none of the system's are stopped, whatever part is chosen."""
    st.subheader("Are wrong images stopped", anchor="gate")
    table = _gate(found)
    if table is None:
        st.caption("No trained gate is installed for this system: only the rules stop wrong images.")
        return
    evidence_tables.show(table, f"overread-{found.system.name}")


def _gate(found: Predicted) -> Table | None:
    card = gate_card(engine().weights)
    return gate_table(card, found.system.name, found.system.title) if card is not None else None


def pairs(found: Predicted, split: str) -> None:
    """Paired comparison."""
    st.subheader("Two models compared", anchor="pairs")
    if not _table("pairs", found, split):
        st.info("A comparison needs two models with predictions on the same images.")


@st.fragment
def conformal(found: Predicted, split: str) -> None:
    """Conformal sets at a level the reader picks."""
    st.subheader("Sets that keep a promise", anchor="conformal")
    level = st.slider("Promised coverage", 0.80, 0.99, 0.90, 0.01, key="evidence-level")
    table = data.conformal(found, float(level))
    if table is None:
        st.info("Conformal sets need a validation part to calibrate on and a test part to measure.")
        return
    st.caption(f"{table.title}, whatever part is chosen above.")
    evidence_tables.show(table, f"overread-{found.system.name}")


def take_away(found: Predicted, split: str) -> None:
    """The whole page as one HTML or PDF file."""
    st.subheader("Take it away", anchor="take-away")
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Report (PDF)",
            lambda: evidence_pdf.pdf(*_contents(found, split)),
            file_name=f"{stem(found, split)}-evidence.pdf",
            mime="application/pdf",
            icon=":material/picture_as_pdf:",
            on_click="ignore",
            key="evidence-pdf",
        )
        st.download_button(
            "Report (HTML, figures that can be zoomed)",
            lambda: report.html(*_contents(found, split)),
            file_name=f"{stem(found, split)}-evidence.html",
            mime="text/html",
            icon=":material/description:",
            on_click="ignore",
            key="evidence-report",
        )
    st.caption("All tables and figures of this page at the stored thresholds; conformal sets at 90 %.")


def _contents(
    found: Predicted, split: str
) -> tuple[str, str, str, tuple[Evidence, ...], list[Table], list[figures.Chart]]:
    tables = [data.table(name, found, split) for name in data.TABLES]
    tables.append(data.modality_table(found, split))
    tables += [data.by_subgroup(found, split, kind.key) for kind in data.kinds(found, split)]
    tables += [data.conformal(found, 0.9), heat_check_table.table_of(found.system.name), _gate(found)]
    kept = [table for table in tables if table is not None]
    system = found.system
    return system.title, system.scope, split, found.models, kept, figures.every(found, split)


def stem(found: Predicted, split: str) -> str:
    """Beginning of file names and keys."""
    return f"overread-{found.system.name}-{split}"


def _table(name: str, found: Predicted, split: str) -> bool:
    table = data.table(name, found, split)
    if table is None:
        return False
    evidence_tables.show(table, stem(found, split))
    return True
