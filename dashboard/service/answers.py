"""What the models say, for a caller who may hear it. Every route that tells an answer comes through here.

An image that waits for the caller's own opinion stays silent (:mod:`core.review.blinding` decides), and so does one
that the wrong-image gate stopped (:meth:`core.engine.results.Review.shown`).
"""

from __future__ import annotations

from core.engine.heat_rules import heat_rule, lit
from core.engine.results import HeatMap, ModelResult, Review
from core.errors import BlindingError, OverreadError, StoreError
from core.reports.case import CaseReport, key_slices
from core.reports.from_store import opinion_lines
from core.review import Store
from core.teaching import held
from core.weights.heat_checks import load_checks
from dashboard.service.callers import Caller
from dashboard.service.kept import KeptReview, KeptStudy
from dashboard.service.problems import NotReadyError
from dashboard.service.shared import Shared


def need_released(store: Store, who: Caller, kept: KeptStudy) -> None:
    """Go on only where the models may answer the caller on a study.

    Raises:
        BlindingError: it waits for the caller's own opinion.
    """
    if held.in_quiz(store, who.number, kept.study):
        raise BlindingError(
            "This image is a case of a quiz that you have begun.", "Answer it first; the models answer then."
        )
    if kept.record is not None:
        waiting = [] if store.reveal_allowed(kept.record, who.number) else [kept.record]
    else:
        waiting = kept.watched.waiting(store, who.number)
    if waiting:
        raise BlindingError(
            f"This image waits for your own opinion (case {', '.join(str(number) for number in waiting[:5])}).",
            "Lock it first; the models answer then.",
        )


def finished(shared: Shared, who: Caller, review_id: str) -> tuple[KeptReview, Review]:
    """A review that is done, as the caller may see it.

    Raises:
        BlindingError: as :func:`need_released`. NotReadyError: it is under way or was stopped.
        OverreadError: why it failed.
    """
    found = shared.kept.review(who.number, review_id)
    need_released(shared.store(), who, found.kept)
    if found.job.error is not None:
        raise found.job.error
    if found.job.result is None:
        word = "is still under way" if found.job.running else "was stopped"
        raise NotReadyError(f"This review {word}.", "Ask for its state, or follow its events.")
    return found, found.job.result.shown(overruled=found.key in found.kept.overruled)


def spoken(review: Review) -> Review:
    """The review, if it says anything. Raises ``StoreError`` while the wrong-image gate holds it back."""
    if review.held_back:
        raise StoreError("The wrong-image gate has stopped this image.", "Overrule the gate, or send the right image.")
    return review


def heat_map(
    shared: Shared, found: KeptReview, result: ModelResult, index: int, target: str | None, method: str | None
) -> HeatMap:
    """A model's map of one slice with its brightness, or one whose ``error`` says why there is none.

    Args:
        method: by default the one that passed its test; where none did, there is no map unless one is named.
    """
    study, engine, name = found.kept.study, shared.engine(), result.state.name
    card = result.state.card
    checks = load_checks(engine.weights / found.system / name, card) if card is not None else None
    rule = heat_rule(checks)
    if method is None and not rule.passed:
        return HeatMap(name, index, target or "", rule.method, None, error=f"{rule.reason} Name a method to see one.")
    chosen = method or rule.method
    try:
        heat = engine.heat_map(study, found.system, found.series_index, name, index, target=target, method=chosen)
    except OverreadError as error:
        return HeatMap(name, index, target or "", chosen, None, error=str(error))
    return lit(heat, result, checks)


def report(shared: Shared, who: Caller, review_id: str, shown: int | None, *, maps: bool) -> CaseReport:
    """What every report of a review is made of.

    Args:
        shown: slice that it shows beside the most suspicious one, from 0.
        maps: with the heat maps of the slices that it shows large.
    """
    found, review = finished(shared, who, review_id)
    kept = found.kept
    lines = None
    if kept.record is not None:
        lines = opinion_lines(shared.store().opinions(kept.record, who.number)) or None
    index = review.peak if shown is None else shown
    slices = key_slices(review, index) if maps else ()
    overruled = found.system != kept.match.system
    return CaseReport(
        study=kept.study,
        series_index=found.series_index,
        review=review,
        shown=index,
        opinions=lines,
        system_reason="the reader" if overruled else kept.match.reason,
        overruled=overruled,
        heat_maps=tuple(
            heat for i in slices for r in review.ready if not (heat := heat_map(shared, found, r, i, None, None)).error
        ),
    )
