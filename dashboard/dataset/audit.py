"""What is wrong with a set: the audit of its data card, and the same audit run on the folder itself."""

from __future__ import annotations

import math

import streamlit as st

from core.audit import to_markdown
from core.audit.checks import checks
from core.audit.report import AuditReport
from dashboard.dataset import jobs
from dashboard.dataset.data import Shown
from dashboard.dataset.jobs import AuditJob
from dashboard.kit import messages, words
from dashboard.kit.tables import number, wide

POLL = 1.0


def card(found: Shown) -> None:
    """The card's own words: origin, licence, faults, layout."""
    if found.card is None:
        return
    st.subheader("Data card", anchor="card")
    rows = "\n".join(f"| **{name}** | {text} |" for name, text in found.card.facts)
    st.markdown(f"| | |\n|---|---|\n{rows}")
    for heading in ("What is wrong with it", "How to lay it out", "How the split is made"):
        text = found.card.section(heading)
        if text:
            with st.expander(heading, expanded=heading == "What is wrong with it"):
                st.markdown(text)


def show(found: Shown) -> None:
    """The shipped audit, and the run on this folder."""
    st.subheader("Audit: copies, leaks, conflicts, shortcuts", anchor="audit")
    _run(found)
    job = jobs.current(found.key)
    if found.audit is not None and (job is None or job.result is None):
        st.caption("From the data card, measured on the folder the shipped models were trained from.")
        _report(found.audit, found, "card")
    elif found.audit is None and job is None:
        st.info("No card of this name ships with Overread: run the audit to see what is wrong with the set.")


@st.fragment
def _run(found: Shown) -> None:
    job = jobs.current(found.key)
    if job is not None and job.running:
        _progress(found, job)
        return
    if job is not None and job.error is not None:
        messages.show(job.error)
    if job is not None and job.result is not None:
        _compared(found, job.result)
        _report(job.result, found, "run")
    elif job is not None and job.error is None:
        st.info("Stopped. Nothing of it was kept.", icon=":material/stop_circle:")
    label = "Run the audit on these pictures" if job is None else "Run it again"
    if st.button(label, key=f"audit-run-{found.key}", icon=":material/rule:"):
        jobs.start(found.key, found.source)
        st.rerun(scope="app")


@st.fragment(run_every=POLL)
def _progress(found: Shown, job: AuditJob) -> None:
    if not job.running:
        st.rerun(scope="app")
    left = job.seconds_left
    ahead = "" if left is None else f", about {words.left(left)}"
    text = "Stopping after the current step" if job.stopping else f"{job.text}{ahead}"
    st.progress(job.fraction, text=text)
    st.button(
        "Stop",
        key=f"audit-stop-{found.key}",
        icon=":material/stop_circle:",
        on_click=job.stop,
        disabled=job.stopping,
    )


def _compared(found: Shown, report: AuditReport) -> None:
    if found.audit is None:
        st.caption("Measured now, on this folder.")
    elif report == found.audit or report.to_json() == found.audit.to_json():
        st.success("Measured now, on this folder: every figure equals the data card's.")
    else:
        st.warning(
            "Measured now, on this folder: it differs from the data card's audit, which rests on "
            f"{found.audit.pictures:,} pictures, {found.audit.distinct:,} distinct. This folder is another selection."
        )


def _report(report: AuditReport, found: Shown, where: str) -> None:
    st.html(html(report))
    with st.container(horizontal=True, gap="small"):
        for title, text, ending, mime in (
            ("Audit (JSON)", report.to_json(), "json", "application/json"),
            ("Audit (Markdown)", to_markdown(report), "md", "text/markdown"),
            ("Shortcuts (CSV)", csv(report), "csv", "text/csv"),
        ):
            st.download_button(
                title,
                text,
                file_name=f"{found.stem}-audit.{ending}",
                mime=mime,
                icon=":material/download:",
                on_click="ignore",
                type="tertiary",
                key=f"audit-{ending}-{where}-{found.key}",
            )


def html(report: AuditReport) -> str:
    """Two tables: what was looked for and found, and how far features that know no anatomy get."""
    body = "".join(
        f"<tr><th scope='row'>{words.cell(c.what)}</th>"
        f"<td class='{'warn' if c.fault else ''}'>{words.cell(c.found)}{' ⚠ fault' if c.fault else ''}</td>"
        f"<td>{c.of:,}</td></tr>"
        for c in checks(report)
    )
    return (
        wide(
            "Copies, leaks, conflicts",
            "<thead><tr><th scope='col'>Looked for</th><th scope='col'>Found</th><th scope='col'>Of</th></tr></thead>"
            f"<tbody>{body}</tbody>",
            style="max-width: 60rem",
        )
        + wide("Shortcuts", _shortcuts(report), style="max-width: 60rem; margin-top: 18px")
        + f"<div class='ev-notes'><div class='q'>{words.cell(report.interval_method)}. A model of this set is worth "
        "what it reaches beyond the strongest of these.</div></div>"
    )


def _shortcuts(report: AuditReport) -> str:
    rows = "".join(
        f"<tr><th scope='row'>{words.cell(s.name)}</th><td>{number(s.auc, 3)}<span class='q'>{_interval(s.low, s.high)}"
        f"</span></td><td>{words.cell(s.direction)}</td><td>{number(s.distinct_auc, 3)}</td></tr>"
        for s in report.shortcuts
    )
    accuracy = f"accuracy {number(report.always_positive_accuracy, 3)}"
    return (
        f"<thead><tr><th scope='col'>Feature that knows no anatomy, for {words.cell(report.positive)} "
        f"({report.positives:,} of {report.pictures:,})</th><th scope='col'>AUC</th><th scope='col'>Direction</th>"
        f"<th scope='col'>AUC, each picture once</th></tr></thead><tbody>{rows}"
        f"<tr class='baseline'><th scope='row'>all together, logistic, cross-validated by group</th>"
        f"<td>{number(report.combined, 3)}</td><td>–</td><td>–</td></tr>"
        f"<tr class='baseline'><th scope='row'>always positive</th><td>0.500</td><td>{accuracy}</td><td>0.500</td></tr>"
        "</tbody>"
    )


def _interval(low: float, high: float) -> str:
    return f"{number(low, 3)} to {number(high, 3)}" if math.isfinite(low) and math.isfinite(high) else "undefined"


def csv(report: AuditReport) -> str:
    """The shortcuts with full precision and what they rest on."""
    head = "set,feature,positive,auc,low,high,direction,distinct_auc,n,positives,method\n"
    quoted = [
        (report.name, s.name, report.positive, s.auc, s.low, s.high, s.direction, s.distinct_auc, report.pictures)
        for s in report.shortcuts
    ]
    lines = [[*row, report.positives, report.interval_method] for row in quoted]
    return head + "".join(",".join('"' + str(v).replace('"', '""') + '"' for v in line) + "\n" for line in lines)
