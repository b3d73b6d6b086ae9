"""The wrong-image gate on the page: its verdict in a line, and the notice that stands in place of the answers."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from core.engine.results import GateVerdict
from core.review import open_store
from core.systems import SYSTEMS
from dashboard.kit import messages, who, words
from dashboard.kit.cases import OpenCase


def line(case: OpenCase) -> None:
    """What the gate says, under the study's name; nothing before it has been asked."""
    verdict = case.verdict
    if verdict is None or case.system is None:
        return
    title = SYSTEMS[case.system].title
    if verdict.stopped:
        text = f":orange[:material/block: **Image check: stopped.** This does not look like an image for {title}.]"
        if not case.held_back:
            text += f" Overruled by you at {case.overruled_gates[case.gate_key]}."
    elif verdict.unchecked:
        text = (
            ":material/rule: Image check: passed the rules only. "
            f"Whether it is a scan for {title} was not tested: {words.plain(verdict.unchecked)}"
        )
    else:
        kind = verdict.kind if verdict.kind in verdict.own else " or ".join(verdict.own)
        text = f":material/verified_user: Image check: passed as {words.plain(_article(kind))}."
    st.caption(text, help=_help(verdict) or None)


def show(case: OpenCase) -> None:
    """Why the answers are held back, and the button that overrules; after that, a reminder above the answers."""
    verdict = case.verdict
    if verdict is None or not verdict.stopped:
        return
    reasons = "\n".join(f"- {words.plain(flag.text)}" for flag in verdict.reasons)
    if not case.held_back:
        st.warning(
            f"You overruled the image check at {case.overruled_gates[case.gate_key]}. It had stopped this image:\n\n"
            f"{reasons}\n\nThe answers below are about an image that the models were not made for.",
            icon=":material/warning:",
        )
        return
    st.error(
        "**The image check stopped this image, so no answer is shown.**\n\n"
        f"{reasons}\n\nChoose another system or series above, or open the right image.",
        icon=":material/block:",
    )
    if said := _help(verdict):
        st.caption(said)
    key = f"overrule-{case.key}-{case.system}-{case.series_index}"
    with st.popover("It is the right image", icon=":material/lock_open:"):
        reason = st.text_input("Why (kept with the record)", key=f"{key}-why", max_chars=300)
        st.caption("Overruling is recorded with your reader number, the image's hash and the check's reasons.")
        st.button("Overrule and show the answers", key=key, type="primary", on_click=_overrule, args=(case, reason))
    if failed := st.session_state.get(f"{key}-failed"):
        messages.show(failed)


def _overrule(case: OpenCase, reason: str) -> None:
    """Record first, then open: an overruling that could not be kept does not count."""
    verdict = case.verdict
    assert verdict is not None
    key = f"overrule-{case.key}-{case.system}-{case.series_index}-failed"
    st.session_state.pop(key, None)
    number = who.person().number
    assert number is not None  # whoever was let in is in the store
    try:
        open_store().overrule(
            number,
            content_hash=case.study.sha256,
            system=case.system or "",
            gate="; ".join(flag.text for flag in verdict.reasons) + _versioned(verdict),
            gate_score=verdict.strange,
            case_id=case.record,
            reason=reason,
        )
    except Exception as failure:
        st.session_state[key] = messages.as_error(failure)
        return
    case.overruled_gates[case.gate_key] = datetime.now().strftime("%H:%M")


def _versioned(verdict: GateVerdict) -> str:
    return f" (router version {verdict.version})" if verdict.version else " (rules only)"


def _help(verdict: GateVerdict) -> str:
    """What the verdict rests on."""
    if verdict.strange is None:
        return words.plain(verdict.unchecked)
    beyond = f"{abs(verdict.strange):.1f} {'beyond' if verdict.strange > 0 else 'within'} the limit"
    unit = "in quartile distances of good scans; beyond it an image is stopped"
    return words.plain(f"Image check, version {verdict.version}: {beyond} ({unit}); {verdict.evidence}.")


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
