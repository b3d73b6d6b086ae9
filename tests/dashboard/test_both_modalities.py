"""PET and MR of one leg, read together on the Review page with the shipped models."""

from __future__ import annotations

import json
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
from tests.dashboard import desk, pet_ct
from tests.dashboard.conftest import ROOT, Server

TOGGLE = "Read the PET slice at this place too"


@pytest.mark.browser
def test_the_other_modality_is_read_at_the_same_place(page: Page, shipped: Server) -> None:
    desk.open_sample(page, shipped.url, "mr-pet-06")
    expect(page.locator(".corner.right")).to_contain_text(" / ")  # the picture follows the answers
    index = int(page.locator(".corner.right").inner_text().split(" / ")[0]) - 1
    expect(page.get_by_text("PET and MR together:")).to_have_count(0)
    desk.switch_on(page, TOGGLE)
    told = page.get_by_text("PET and MR together:")
    expect(told).to_be_visible()

    study = load_sample("mr-pet-06")
    rule = load_fusion(ROOT / "weights" / "mr-pet")
    assert rule is not None
    assert (rule.pet, rule.other) == ("pet", "mr-lite0")
    answers = {}
    for series in study.series:  # both are drawn about one middle, with as many slices
        name = "pet" if series.modality is Modality.PT else "mr"
        net, card = load_model(ROOT / "weights" / "mr-pet" / (rule.pet if name == "pet" else rule.other))
        logit = predict_series(net, card, series, indices=[index]).logits[0, 0]
        answers[name] = 1 / (1 + np.exp(-logit / card.temperature))
    pet, mr = (float(np.log(answers[n] / (1 - answers[n]))) for n in ("pet", "mr"))
    together = 1 / (1 + np.exp(-(pet + rule.other_weight * mr) / (1 + rule.other_weight) / rule.temperature))
    said = "tumour" if together >= rule.threshold.value else "no tumour seen"
    expect(told).to_have_text(f"PET and MR together: {said}")
    expect(page.get_by_text(f"probability {words.probability(float(together))}, threshold")).to_contain_text(
        f"PET alone {words.probability(answers['pet'])}, MR alone {words.probability(answers['mr'])}"
    )
    expect(page.get_by_alt_text(f"PET, slice {index + 1}")).to_be_visible()
    expect(page.get_by_text("AUC on test pairs of slices")).to_contain_text(f"n = {rule.metrics['auc'].n}")

    page.get_by_role("button", name="Previous").click()
    expect(page.get_by_alt_text(f"PET, slice {index}")).to_be_visible()  # it goes along with the slice


@pytest.mark.browser
def test_the_ct_of_a_pet_ct_is_read_with_the_pet_and_has_no_vote(page: Page, shipped: Server) -> None:
    """The joint answer is that of both networks' stored weights and the rule's own numbers, worked out here."""
    desk.upload(page, shipped.url, pet_ct.files())
    desk.choose(page, "System", "MR and PET of soft tissue")
    desk.choose(page, "Series", "PET axial")
    desk.answered(page)
    index = int(page.locator(".corner.right").inner_text().split(" / ")[0]) - 1
    expect(page.get_by_text("PET and CT together:")).to_have_count(0)
    desk.switch_on(page, "Read the CT slice at this place too")
    told = page.get_by_text("PET and CT together:")
    expect(told).to_be_visible()

    study = read([(one["name"], one["buffer"]) for one in pet_ct.files()])
    kinds = {series.modality: series for series in study.series if series.projection == "slice"}
    rule = json.loads((ROOT / "weights" / "mr-pet" / "fusion-ct.json").read_text(encoding="utf-8"))
    odds = {}
    for name, modality in (("pet", Modality.PT), ("ct", Modality.CT)):
        net, card = load_model(ROOT / "weights" / "mr-pet" / name)
        odds[name] = predict_series(net, card, kinds[modality], indices=[index]).logits[0, 0] / card.temperature
    mean = (odds["pet"] + 0.5 * odds["ct"]) / 1.5 / rule["temperature"]
    together = float(1 / (1 + np.exp(-mean)))
    expect(told).to_have_text(
        f"PET and CT together: {'tumour' if together >= rule['threshold']['value'] else 'no tumour seen'}"
    )
    alone = {name: words.probability(float(1 / (1 + np.exp(-value)))) for name, value in odds.items()}
    expect(page.get_by_text(f"probability {words.probability(together)}, threshold")).to_contain_text(
        f"PET alone {alone['pet']}, CT alone {alone['ct']}"
    )
    expect(page.get_by_alt_text(f"CT, slice {index + 1}")).to_be_visible()
    expect(page.get_by_text("The wrong-image gate never learnt CT of soft tissue")).to_be_visible()
    gain = rule["differences"]["pet"]
    expect(page.get_by_text("AUC on test pairs of slices")).to_contain_text(
        f"{gain['value']:+.3f} against PET alone ({gain['low']:+.3f} to {gain['high']:+.3f})"
    )


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
    assert all(0 < p < 1 for p in (answer.pet, answer.other, answer.finding))
