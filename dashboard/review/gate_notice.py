"""The wrong-image gate on the page: its verdict in a line, and the notice that stands in place of the answers."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from core.engine.results import GateVerdict
from core.review import open_store
from core.systems import SYSTEMS
from dashboard.kit import messages, who, words
from dashboard.kit.cases import OpenCase


def line(case: OpenCase, reason: str) -> None:
    """Why this system, and below it what the gate says, its line in place before it was asked: nothing moves then.

    Args:
        reason: why the system reads this study.
    """
    verdict, said, told = case.verdict, "", ""
    if case.system is not None and verdict is None:
        waits = case.job is None or case.job.running
        said = ":material/hourglass_top: Image check under way." if waits else ":material/rule: Image check: not made."
    elif case.system is not None and verdict is not None:
        said, told = _verdict(case, verdict, SYSTEMS[case.system].title), _help(verdict)
    st.caption(f"{words.plain(reason)}  \n{said}" if said else words.plain(reason), help=told or None)


def _verdict(case: OpenCase, verdict: GateVerdict, title: str) -> str:
    if verdict.stopped:
        text = f":orange[:material/block: **Image check: stopped.** This does not look like an image for {title}.]"
        if not case.held_back:
            text += f" Overruled by you at {case.overruled_gates[case.gate_key]}."
        return text
    if verdict.unchecked:
        return (
            ":material/rule: Image check: passed the rules only. "
            f"Whether it is a scan for {title} was not tested: {words.plain(verdict.unchecked)}"
        )
    kind = verdict.kind if verdict.kind in verdict.own else " or ".join(verdict.own)
    return f":material/verified_user: Image check: passed as {words.plain(_article(kind))}."


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
        st.text_input("Why (kept with the record)", key=f"{key}-why", max_chars=300)
        st.caption("Overruling is recorded with your reader number, the image's hash and the check's reasons.")
        st.button("Overrule and show the answers", key=key, type="primary", on_click=_overrule, args=(case,))
    if failed := st.session_state.get(f"{key}-failed"):
        messages.show(failed)


def _overrule(case: OpenCase) -> None:
    """Record first, then open: an overruling that could not be kept does not count."""
    verdict = case.verdict
    assert verdict is not None
    stem = f"overrule-{case.key}-{case.system}-{case.series_index}"
    key = f"{stem}-failed"
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
            reason=st.session_state.get(f"{stem}-why") or "",  # as it is now, at the click
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
    where = "further from" if verdict.strange > 0 else "no further from"
    said = f"The image lies {where} the scans it was made for than its limit allows; what that is worth: "
    return words.plain(f"{said}{verdict.evidence or 'not measured'}.")


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
