"""A certificate on paper: who (as typed), which course, when, and figures with their intervals."""

from __future__ import annotations

from datetime import UTC, datetime

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer

from core.engine.words import interval, share
from core.reports.pdf.page import WIDTH, boxed, build, grid, moment, section, words
from core.teaching.certificates import Certificate
from core.teaching.figures import Figures

NO_PROOF = (
    "This says what was answered on these cases. The name is as it was typed; nobody checked it or watched. "
    "It is no proof of competence in reading patients, and no qualification."
)


def certificate_pdf(made: Certificate, generated_at: datetime) -> bytes:
    """The certificate as PDF, A4."""
    what = "course" if made.whole else "quiz"
    story: list[Flowable] = [words(f"Certificate of a finished {what}", "title"), Spacer(1, 6 * mm)]
    story += [words(made.name, "title"), Spacer(1, 2 * mm)]
    story += [words(f"has finished the {what}"), Spacer(1, 2 * mm)]
    title = made.course if made.whole else f"{made.course}: {made.parts[0].quiz}"
    story += [words(title, "lead"), words(f"on {_day(made.finished)}, reading {', '.join(made.systems)}.")]
    if made.simulated:
        drawn = "Simulated scans: every case was drawn by a computer; none is a patient's."
        story += [Spacer(1, 3 * mm), boxed([words(drawn, "notice")])]
    if made.goals:
        story += [section("Learning goals"), words(made.goals)]
    story += [section("Figures"), _figures(made.figures), Spacer(1, 2 * mm), words(_counted(made), "small")]
    if made.whole:
        story += [section("Quizzes"), _parts(made)]
    else:
        part = made.parts[0]
        story.append(words(f"Attempt {part.number} at this quiz. {part.rules}", "small"))
    story += [Spacer(1, 5 * mm), words(NO_PROOF, "small")]
    foot = f"{made.name}, {title}, generated {moment(generated_at)}"
    return build(story, title=f"Certificate: {title}", subject="Certificate", foot=foot, generated_at=generated_at)


def _day(when: datetime) -> str:
    when = when.astimezone(UTC)
    return f"{when.day} {when:%B %Y} (UTC)"


def _figures(found: Figures) -> Flowable:
    rows = [["Figure", "Value", "95 % interval"]]
    for name, one in (("Right", found.right), ("Sensitivity", found.sensitivity), ("Specificity", found.specificity)):
        rows.append([name, share(one), f"{interval(one)} (Wilson)"])
    if found.auc is not None:
        rows.append(["AUC from confidence", f"{found.auc.value:.2f}", f"{interval(found.auc, '{:.2f}')} (DeLong)"])
    rows.append(["Points of 100", f"{found.points:.0f}", "guessing at 50 % gives 75"])
    if found.brier is not None:
        rows.append(["Brier score", f"{found.brier:.3f}", "0 is best, 0.25 is a guess"])
    rows.append(["Time a case", f"{found.seconds:.0f} s", "median"])
    return grid(rows, [WIDTH * 0.34, WIDTH * 0.2, WIDTH * 0.46])


def _counted(made: Certificate) -> str:
    which = "First finished attempts count. " if made.whole else ""
    return (
        f"Answers given alone, before any model's; cases are taken as independent. {which}"
        f"{made.hints} with a hint, {made.late} too late (counted as not right)."
    )


def _parts(made: Certificate) -> Flowable:
    rows = [["Quiz", "Finished", "Right", "Answered by these rules"]]
    rows += [[p.quiz, _day(p.finished), f"{p.right} of {p.cases}", p.rules] for p in made.parts]
    return grid(rows, [WIDTH * 0.32, WIDTH * 0.2, WIDTH * 0.12, WIDTH * 0.36])
