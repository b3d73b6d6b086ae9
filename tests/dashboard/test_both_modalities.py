"""PET and MR of one leg, read together on the Review page with the shipped models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core.engine.engine import Engine
from core.engine.pairs import read_pair
from core.engine.predict import predict_series
from core.imaging import read
from core.imaging.places import Partner, matched_slices, partner
from core.imaging.study import Modality
from core.simulate.samples import load_sample
from core.weights.fusion import load_fusion
from core.weights.store import load_model
from dashboard.kit import words
from tests.dashboard import desk
from tests.dashboard.conftest import ROOT, Server

TOGGLE = "Read the PET slice at this place too"


@pytest.mark.browser
def test_the_other_modality_is_read_at_the_same_place(page: Page, shipped: Server) -> None:
    desk.open_sample(page, shipped.url, "mr-pet-06")
    expect(page.locator(".corner.right")).to_contain_text(" / ")  # the picture follows the answers
    index = int(page.locator(".corner.right").inner_text().split(" / ")[0]) - 1
    expect(page.get_by_text("Both modalities:")).to_have_count(0)
    desk.switch_on(page, TOGGLE)
    told = page.get_by_text("Both modalities:")
    expect(told).to_be_visible()

    study = load_sample("mr-pet-06")
    rule = load_fusion(ROOT / "weights" / "mr-pet")
    assert rule is not None
    assert (rule.pet, rule.mr) == ("pet", "mr-lite0")
    answers = {}
    for series in study.series:  # both are drawn about one middle, with as many slices
        name = "pet" if series.modality is Modality.PT else "mr"
        net, card = load_model(ROOT / "weights" / "mr-pet" / (rule.pet if name == "pet" else rule.mr))
        logit = predict_series(net, card, series, indices=[index]).logits[0, 0]
        answers[name] = 1 / (1 + np.exp(-logit / card.temperature))
    pet, mr = (float(np.log(answers[n] / (1 - answers[n]))) for n in ("pet", "mr"))
    together = 1 / (1 + np.exp(-(pet + rule.mr_weight * mr) / (1 + rule.mr_weight) / rule.temperature))
    said = "tumour" if together >= rule.threshold.value else "no tumour seen"
    expect(told).to_have_text(f"Both modalities: {said}")
    expect(page.get_by_text(f"probability {words.probability(float(together))}, threshold")).to_contain_text(
        f"PET alone {words.probability(answers['pet'])}, MR alone {words.probability(answers['mr'])}"
    )
    expect(page.get_by_alt_text(f"PET, slice {index + 1}")).to_be_visible()
    expect(page.get_by_text("AUC on test pairs of slices")).to_contain_text(f"n = {rule.metrics['auc'].n}")

    page.get_by_role("button", name="Previous").click()
    expect(page.get_by_alt_text(f"PET, slice {index}")).to_be_visible()  # it goes along with the slice


@pytest.mark.browser
def test_a_study_of_one_modality_offers_nothing(page: Page, shipped: Server) -> None:
    desk.open_sample(page, shipped.url, "mr-pet-01")
    expect(page.get_by_text("at this place too")).to_have_count(0)


@pytest.mark.real
def test_a_real_patients_series_find_each_other(real_data: Path) -> None:
    folder = real_data / "sts-pet-mr" / "STS_026"
    study = read([(name, (folder / name).read_bytes()) for name in ("pet.nii.gz", "mr_t1.nii.gz")])
    kinds = {series.modality: number for number, series in enumerate(study.series) if series.projection == "slice"}
    pet, mr = kinds[Modality.PT], kinds[Modality.MR]
    pairs = matched_slices(study.series[pet], study.series[mr])
    assert len(pairs) > 20
    for on_pet, on_mr in pairs[::10]:
        found = partner(study, pet, on_pet)
        assert isinstance(found, Partner)
        assert (found.series_index, found.slice_index) == (mr, on_mr)
    answer = read_pair(Engine(ROOT / "weights"), study, "mr-pet", pet, on_pet, found)
    assert all(0 < p < 1 for p in (answer.pet, answer.mr, answer.finding))
