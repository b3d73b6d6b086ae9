"""How models are named in a sentence, and how what a figure rests on is counted."""

from __future__ import annotations

import pytest

from core.engine.words import count, counted, many, metric, rests_on, short
from core.systems import SYSTEMS
from core.weights.card import DataUse, Metric


@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_a_short_name_means_one_model_of_its_system(system: str) -> None:
    names = [short(slot.title) for slot in SYSTEMS[system].models]
    assert len(set(names)) == len(names)


def test_a_title_is_cut_where_nobody_shares_its_beginning() -> None:
    assert short("U-Net, EfficientNet-Lite0 encoder") == "U-Net, EfficientNet-Lite0 encoder"
    assert short("Three EfficientNet-Lite0, from ImageNet") == "Three EfficientNet-Lite0"


def test_plurals_and_what_is_counted() -> None:
    assert [many(one) for one in ("patient", "study", "day")] == ["patients", "studies", "days"]
    assert [count(1, "study"), count(1200, "study"), count(2, "picture waits", "pictures wait")] == [
        "1 study",
        "1,200 studies",
        "2 pictures wait",
    ]
    assert (counted(3, "pet"), counted(3, "mr-pet"), counted(3, "nothing")) == ("3 studies", "3 patients", "3 groups")
    figure = Metric(value=0.9814, low=0.966, high=0.9931, n=410, groups=10)
    assert metric(figure, "brain-mr") == "0.981 (0.966 to 0.993), n = 410, 10 patients"
    assert metric(Metric(value=0.5, n=3), "brain-mr") == "0.500 (no interval), n = 3"


def used(*names: str, test: int = 10) -> list[DataUse]:
    return [DataUse(name=n, licence="x", train=0, validation=0, test=test, split_fingerprint="0") for n in names]


def test_a_figure_of_drawn_lesions_or_of_two_modalities_says_so() -> None:
    assert rests_on("pet", used("pet-inserted", "pet-inserted-2")) == "on lesions that a computer inserted"
    assert rests_on("mr-pet", used("sts-pet", "sts-mr")) == "PET and MR slices together"
    plain = [("pet", "pet-mip"), ("mr-pet", "sts-pet"), ("brain-mr", "brain-lgg"), ("nothing", "set")]
    assert not any(rests_on(system, used(name)) for system, name in plain)
    assert not rests_on("mr-pet", used("sts-pet") + used("sts-mr", test=0))
