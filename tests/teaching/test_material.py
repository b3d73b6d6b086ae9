"""Where cases come from: simulated, built-in samples, archives; and what a learner gets of them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import imaging
from core.imaging.study import Study
from core.review import FileRole, Radpeer, Sided, Stage, Store
from core.review.vocabulary import now
from core.simulate import DRAWINGS
from core.simulate.samples import list_samples
from core.systems import SYSTEMS
from core.teaching import blinding, builtin, held, quizzes
from core.teaching.material import class_of, material
from core.teaching.quizzes import ItemDraft
from core.teaching.rules import Rules, Source, TeachingError
from tests.dashboard.readings import head
from tests.teaching import school


@pytest.mark.parametrize("system", sorted(DRAWINGS))
def test_every_label_of_every_drawing_has_a_truth(sqlite_store: Store, system: str) -> None:
    for label in DRAWINGS[system].labels:
        found = material(sqlite_store, Source.SIMULATED, {"system": system, "seed": 3, "label": label})
        drawn_as_finding = label in SYSTEMS[system].positive or SYSTEMS[system].labels.get(label) == 1
        assert found.finding is drawn_as_finding
        assert found.label in SYSTEMS[system].classes
        assert (found.truth is not None) is found.finding
        assert found.simulated


@pytest.mark.parametrize("sample", [info.id for info in list_samples()])
def test_a_built_in_sample_tells_nothing_before_the_answer(sqlite_store: Store, sample: str) -> None:
    found = material(sqlite_store, Source.SAMPLE, {"sample": sample})
    study = found.blind("Case 1")
    assert (study.name, study.case_note) == ("Case 1", "")
    assert all(one.truth is None and one.ai_result is None for one in study.series)
    said = " ".join([study.name, *(note for one in study.series for note in one.notes)])
    assert found.note not in said


def _png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG")
    return out.getvalue()


def _case(store: Store, seed: int, mask: bool, recorded: str = "no tumour") -> int:
    archive = next(iter(store.archives()), None) or store.add_archive(1, "Archive")
    data = head(seed)
    files = [("0001.png", store.put_image(data), len(data), FileRole.IMAGE)]
    if mask:
        drawn = np.zeros((128, 128), np.uint8)
        drawn[40:60, 70:90] = 255
        truth = _png(drawn)
        files.append(("0002_mask.png", store.put_image(truth), len(truth), FileRole.TRUTH))
    study = imaging.read([("0001.png", data)])
    made, _ = store.add_case(
        1, archive.id or 0, content_hash=study.sha256, source="a", files=files, system="brain-mr",
        recorded_finding=recorded == "tumour", recorded_label=recorded,
    )  # fmt: skip
    return made.id or 0


def _settle(store: Store, case: int, finding: bool) -> None:
    store.lock_opinion(case, 1, Stage.BLIND, finding=True, label="tumour", confidence=90, started=now(), seconds=1)
    store.lock_opinion(case, 1, Stage.FINAL, finding=True, label="tumour", confidence=90, started=now(), seconds=1)
    store.peer_review(case, 1, Radpeer.UNDERSTANDABLE_MATTERS)
    label = "tumour" if finding else "no tumour"
    store.adjudicate(case, 1, finding=finding, label=label, sided=Sided.NEITHER)


def test_cases_of_an_archive_need_a_mask_or_an_arbiter(sqlite_store: Store) -> None:
    store = sqlite_store
    school.teacher(store)
    masked, plain, settled = _case(store, 1, True), _case(store, 2, False), _case(store, 3, False)
    _settle(store, settled, finding=True)
    found = material(store, Source.CASE, {"case": masked})
    assert found.finding
    assert found.truth is not None
    assert found.truth[0, 50, 80]
    assert not found.truth[0, 10, 10]
    assert material(store, Source.CASE, {"case": settled}).label == "tumour"
    with pytest.raises(TeachingError, match="truth of case"):
        material(store, Source.CASE, {"case": plain})
    assert [case.id for case in quizzes.usable_cases(store, 1, 1)] == [masked, settled]


def test_a_case_that_waits_for_a_blind_opinion_is_read_there_first(sqlite_store: Store) -> None:
    store = sqlite_store
    school.teacher(store)
    masked = _case(store, 1, True)
    course = quizzes.add_course(store, 1, "C")
    quiz = quizzes.add_quiz(store, 1, course.id or 0, "Q", [ItemDraft(Source.CASE, {"case": masked})], Rules())
    from core.teaching import attempts, learners

    reader = learners.of_user(store, 1).id or 0
    with pytest.raises(TeachingError, match="No case of this quiz is left"):
        attempts.begin(store, reader, quiz.id or 0)
    store.lock_opinion(masked, 1, Stage.BLIND, finding=True, label="tumour", confidence=90, started=now(), seconds=1)
    assert attempts.begin(store, reader, quiz.id or 0).sequence
    student = school.learner(store)
    assert attempts.begin(store, student, quiz.id or 0).sequence


def test_no_model_answers_on_an_image_that_waits_for_an_answer(sqlite_store: Store, tmp_path: Path) -> None:
    store = sqlite_store
    quiz = school.quiz(store)
    from core.teaching import learners

    mine = learners.of_user(store, 1).id or 0
    attempt = school.begun(store, quiz.id, mine)
    task = school.next_task(store, mine, attempt)
    study, _ = blinding.images(store, mine, attempt, task.item)
    saved = _saved(study)
    assert held.in_quiz(store, 1, study)
    assert held.in_quiz(store, 1, saved)
    assert not held.in_quiz(store, 1, imaging.read([("other.png", head(5))]))
    for _ in range(4):
        school.say(store, mine, attempt)
    assert not held.in_quiz(store, 1, study)
    assert not held.in_quiz(store, 1, saved)


def _saved(study: Study) -> Study:
    """The picture as a learner may have saved it: smaller, and as a JPEG."""
    pixels = study.series[0].pixels[0]
    picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).resize((180, 180))
    out = io.BytesIO()
    picture.save(out, format="JPEG", quality=80)
    return imaging.read([("screen.jpg", out.getvalue())])


def test_the_built_in_course_is_made_once_and_mixes_its_cases(sqlite_store: Store) -> None:
    first, again = builtin.ensure(sqlite_store), builtin.ensure(sqlite_store)
    assert first.id == again.id
    listed = quizzes.quizzes(sqlite_store)
    assert [one.quiz.title for one in listed] == [plan.title for plan in builtin.PLANS]
    assert all(one.simulated for one in listed)
    for one, plan in zip(listed, builtin.PLANS, strict=True):
        items = quizzes.items_for(sqlite_store, 1, one.quiz.id or 0)
        assert len(items) == sum(count for _, count in plan.counts)
        truths = [item.finding for item in items]
        assert truths not in (sorted(truths), sorted(truths, reverse=True))


def test_a_class_with_several_candidates_is_not_guessed() -> None:
    kinds = SYSTEMS["brain-type"]
    assert class_of(kinds, None, True) is None
    assert class_of(kinds, "glioma", True) == "glioma"
    assert class_of(SYSTEMS["chest-ct"], "benign", False) == "not malignant"
