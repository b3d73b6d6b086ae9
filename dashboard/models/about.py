"""What is known about each model of a system: its card, and what lies beside its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import plotly.graph_objects as go
import streamlit as st

from core.csv_cells import rows_csv
from core.engine.pairs import rule_for
from core.engine.results import ModelState
from core.evidence import Evidence, together
from core.systems.declaration import System
from core.systems.published import published
from core.weights import repeats
from core.weights.card import ModelCard
from core.weights.folder import WEIGHTS
from core.weights.fusion import Fusion
from dashboard.kit import messages, tables, words
from dashboard.kit.engine import engine
from dashboard.kit.shelf import shelf
from dashboard.kit.slice_strip import COLOURS, DASHES
from dashboard.models import cells, further
from dashboard.models import times as model_times

FIGURES = {
    "auc": "AUC",
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "f1": "F1",
    "group_auc": "AUC by group",
    "macro_recall": "Macro recall",
    "dice_volume_mean": "Volume Dice",
    "iou_volume_mean": "Volume IoU",
    "tversky_volume_mean": "Volume Tversky",
    "false_mask_rate": "False masks",
    "ece": "Calibration error",
}
FURTHER = ("f1", "iou_volume_mean", "tversky_volume_mean", "false_mask_rate")  # in the details: the table fits the page
CSV_COLUMNS = ("system", "model", "version", "figure", "value", "low", "high", "n", "groups", "method")
KIND = "or-evidence"
STYLE = """
<style>
.or-evidence { width: 100%; border-collapse: collapse; font-size: 0.84rem; font-variant-numeric: tabular-nums; }
.or-evidence th, .or-evidence td { text-align: left; vertical-align: top; padding: 6px 10px 6px 0; min-width: 5.4em;
  border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
.or-evidence tr:first-child th { border-top: none; font-size: 0.78rem; opacity: 0.75; white-space: nowrap; }
.or-evidence tr:first-child th:nth-child(n + 3) { white-space: normal; }
.or-evidence th:first-child { min-width: 15em; }
.or-evidence .quiet { font-weight: 400; opacity: 0.75; font-size: 0.78rem; white-space: nowrap; }
.or-evidence .base th { font-weight: 400; }
</style>
"""


def show(system: System, states: Sequence[ModelState]) -> None:
    """The system's table, the spread over seeds where it was measured, each model's learning curve and whole card."""
    st.subheader(system.title, anchor=system.name)
    st.write(system.summary)
    st.caption(f"{system.scope} {system.licence_note}")
    with messages.shown():
        joint = [m for m in shelf(system.name).models if m.card.name in together.NAMES]
        st.html(STYLE + table(system, states, model_times.known(system.name), joint))
        further.curves(system)
    tables.take_along(
        csv(states, model_times.known(system.name)), f"overread-{system.name}-models", f"models-csv-{system.name}"
    )
    for text in dict.fromkeys(published(state.card) for state in states if state.card and state.card.published):
        st.caption(f"Published, for comparison. {words.plain(text)}")
    with messages.shown():
        _seeds(system, states)
        _folds(system, states)
        _fusion(system, states)
    for state in states:
        if state.card is not None:
            _details(state, state.card)


def _seeds(system: System, states: Sequence[ModelState]) -> None:
    titles = {state.name: state.title for state in states}
    for spread in repeats.seed_spread(engine().weights / system.name):
        each = ", ".join(f"{auc:.3f} (seed {seed})" for seed, auc in zip(spread.seeds, spread.auc, strict=True))
        st.markdown(
            f"**{words.plain(titles.get(spread.model, spread.model))} from {len(spread.seeds)} seeds**: test AUC "
            f"{spread.mean:.3f} ± {spread.deviation:.3f} (mean ± standard deviation): {each}. "
            + words.plain(spread.note)
        )


def _folds(system: System, states: Sequence[ModelState]) -> None:
    titles = {state.name: state.title for state in states}
    for found in repeats.cross_validation(engine().weights / system.name):
        value, low, high = found.pooled
        each = ", ".join(f"{auc:.3f}" for auc in found.auc)
        patients = "" if found.patient_mean is None else f"; patients' means {found.patient_mean:.3f}"
        st.markdown(
            f"**{words.plain(titles.get(found.model, found.model))}, cross-validated by patient**: mean AUC of "
            f"{len(found.auc)} folds {found.mean:.3f} ({each}){patients}; all answers together "
            f"{value:.3f} (95 % interval {low:.3f} to {high:.3f}). " + words.plain(found.note)
        )


def _fusion(system: System, states: Sequence[ModelState]) -> None:
    for beside in system.pair.others if system.pair else ():
        rule = rule_for(engine(), system.name, beside)
        if rule is not None:
            _fused(system, states, rule)


def _fused(system: System, states: Sequence[ModelState], rule: Fusion) -> None:
    titles = {state.name: words.plain(state.title) for state in states}
    auc, right = rule.metrics["auc"], rule.metrics["balanced_accuracy"]
    gains = "; ".join(
        f"{d.value:+.3f} against {titles.get(name, name)} ({d.low:+.3f} to {d.high:+.3f}, p {d.p:.3f})"
        for name, d in rule.differences.items()
    )
    chosen = words.counted(rule.threshold.groups or 0, system.name)
    st.markdown(
        f"**PET and {rule.beside} at one place** ({titles.get(rule.pet, rule.pet)}, and "
        f"{titles.get(rule.other, rule.other)} counted {rule.other_weight:g}): on test pairs of slices AUC "
        f"{words.metric(auc, system.name)}; balanced accuracy {words.metric(right, system.name)}, "
        f"at the threshold {rule.threshold.value:.3f} chosen on "
        f"{rule.threshold.n} validation pairs of {chosen}. AUC on the same pairs: {gains}. Measured {rule.date}."
    )


def pretraining() -> None:
    """What pretraining gained, recipe by recipe; nothing where it was not measured."""
    found = repeats.pretraining(engine().weights)
    if not found:
        return
    st.subheader("What pretraining gains", anchor="pretraining")
    rows = "".join(
        f"<tr><th scope='row'>{words.cell(p.recipe)}<div class='quiet'>{words.cell(p.note)}</div></th>"
        f"<td>{words.cell(p.monitor)}</td><td>{p.scratch:.3f}</td><td>{p.ours:.3f}</td><td>{p.gain:+.3f}</td></tr>"
        for p in found
    )
    heads = "".join(f"<th scope='col'>{h}</th>" for h in ("Recipe", "Figure", "Without", "With", "Gain"))
    st.html(STYLE + tables.wide("What pretraining gains", f"<tr>{heads}</tr>{rows}", kind=KIND))


def csv(states: Sequence[ModelState], times: Mapping[str, tuple[float, float, float]]) -> str:
    """Every figure of every model's card with interval, cases and version, and the measured time."""
    rows: list[dict[str, object]] = []
    for state in states:
        card = state.card
        if card is None:
            continue
        common: dict[str, object] = {"system": card.system, "model": card.name, "version": card.version}
        for name, m in card.metrics.items():
            figure = {"value": m.value, "low": m.low, "high": m.high, "n": m.n, "groups": m.groups, "method": m.method}
            rows.append(common | {"figure": name} | figure)
        rows.append(common | {"figure": "parameters", "value": card.parameters})
        if card.name in times:
            median, low, high = times[card.name]
            spread = {"value": median, "low": low, "high": high, "method": "median, shortest, longest"}
            rows.append(common | {"figure": "ms per image"} | spread)
    return rows_csv(CSV_COLUMNS, rows)


def table(
    system: System,
    states: Sequence[ModelState],
    times: Mapping[str, tuple[float, float, float]] = MappingProxyType({}),
    joint: Sequence[Evidence] = (),
) -> str:
    """HTML table: a row per model with its test figures, then what they say together, published recipes, baselines.

    Only columns that hold a figure; those of :data:`FURTHER` stand in each model's details.

    Args:
        joint: the ensemble, and two modalities fused, with MR and with CT.

    Baselines are those of the first ready model: all models of a system are tested on the same images.
    """
    cards = [state.card for state in states if state.card is not None]
    baselines = next((card.baselines for card in cards if card.baselines), {})
    shown = [name for name in FIGURES if name not in FURTHER and any(name in card.metrics for card in cards)]
    names = ["Model", "State", *(FIGURES[name] for name in shown), "Threshold", "Parameters", "Time an image"]
    heads = "".join(f"<th scope='col'>{head}</th>" for head in names)
    architectures = {slot.name: slot.architecture for slot in system.models}
    rows = "".join(_row(state, architectures.get(state.name, ""), shown, times.get(state.name)) for state in states)
    rows += "".join(further.joint(one, shown) for one in joint)
    rows += "".join(further.classic_row(system, classic, shown) for classic in system.classics)
    rows += "".join(_baseline(name, figures, shown) for name, figures in baselines.items())
    if system.classics:
        said = f"Published recipes are those of {system.source}."
        rows += f"<tr class='base'><td colspan='{len(names)}'>{words.cell(said)}</td></tr>"
    return tables.wide(f"Models of {system.title}", f"<tr>{heads}</tr>{rows}", kind=KIND)


def _row(state: ModelState, architecture: str, shown: Sequence[str], time: tuple[float, float, float] | None) -> str:
    card = state.card
    about = [card.architecture if card else architecture]
    if card is not None:
        about += [f"version {card.version}", *_tested(card)]
    body = "".join(f"<div class='quiet'>{words.cell(line)}</div>" for line in about if line)
    status = words.cell(f"{state.status}: {state.reason}" if state.reason else f"{state.status}")
    if card is None:
        body_cells = f"<td colspan='{len(shown) + 4}'>{status}</td>"
    else:
        figures = "".join(cells.stored(card, name) for name in shown)
        rule = cells.threshold(card.threshold)
        stored = f"{_megabytes(card):.1f} MB as {words.cell(card.storage)}"
        size = f"{card.parameters / 1e6:.1f} million<div class='quiet'>{stored}</div>"
        taken = "–"
        if time is not None:
            taken = f"{time[0]:.0f} ms<div class='quiet'>{time[1]:.0f} to {time[2]:.0f}</div>"
            if model_times.elsewhere(f"{card.system}/{card.name}"):
                taken += f"<div class='quiet'>{model_times.ELSEWHERE}</div>"
        body_cells = f"<td>{status}</td>{figures}<td>{rule}</td><td>{size}</td><td>{taken}</td>"
    return f"<tr><th scope='row'>{words.cell(state.title)}{body}</th>{body_cells}</tr>"


def _megabytes(card: ModelCard) -> float:
    path = engine().weights / card.system / card.name / WEIGHTS
    return path.stat().st_size / 1e6 if path.is_file() else float("nan")


def _tested(card: ModelCard) -> list[str]:
    """What the figures of a row rest on, said once."""
    figure = card.metrics.get("auc")
    if figure is None:
        return []
    groups = f" of {words.counted(figure.groups, card.system)}" if figure.groups else ""
    names = ", ".join(use.name for use in card.data)
    return [f"test part of {names}", f"n = {figure.n}{groups}", *words.caveats(figure, card.system, card.data)]


def _baseline(name: str, figures: dict[str, float], shown: Sequence[str]) -> str:
    shown_cells = ""
    for key in shown:
        ends = [figures[f"{key}_{end}"] for end in ("low", "high") if f"{key}_{end}" in figures]
        below = f"<div class='quiet'>{ends[0]:.3f} to {ends[1]:.3f}</div>" if len(ends) == 2 else ""
        shown_cells += f"<td>{figures[key]:.3f}{below}</td>" if key in figures else "<td>–</td>"
    rest = "<td>–</td>" * 3
    return f"<tr class='base'><th scope='row'>{words.cell(name)}</th><td>baseline</td>{shown_cells}{rest}</tr>"


def _details(state: ModelState, card: ModelCard) -> None:
    with st.expander(f"{card.title}: learning curve and whole card"):
        st.caption(f"Answers {words.plain(state.stands_in or f'from {state.link.files[0]}')}.")
        more = [
            f"{FIGURES[name]} {words.metric(card.metrics[name], card.system)}"
            for name in FURTHER
            if name in card.metrics
        ]
        if more:
            st.markdown("Further test figures: " + words.plain("; ".join(more)) + ".")
        chart = curve(card)
        if chart is not None:
            st.plotly_chart(
                chart,
                key=f"curve-{card.system}-{card.name}",
                config={"displayModeBar": False},
                alt=f"Learning curve of {card.title} over {len(card.training.learning_curve)} epochs",
            )
        st.json(card.model_dump(mode="json", exclude={"training": {"learning_curve"}}), expanded=1)


def curve(card: ModelCard) -> go.Figure | None:
    """Every figure that training kept per epoch; ``None`` when it kept none."""
    points = card.training.learning_curve
    names = [key for key in (points[0] if points else {}) if key not in ("epoch", "step")]
    if not names:
        return None
    chart = go.Figure()
    for n, name in enumerate(names):
        chart.add_scatter(
            x=[point.get("epoch", position + 1) for position, point in enumerate(points)],
            y=[point.get(name) for point in points],
            name=name,
            mode="lines+markers",
            line={"color": COLOURS[n % len(COLOURS)], "dash": DASHES[n % len(DASHES)]},
        )
    chart.update_layout(
        height=240,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"title": "epoch"},
        legend={"orientation": "h", "y": 1.2},
    )
    return chart
