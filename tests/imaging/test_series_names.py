"""Series are called by what they show, told apart within a study, and never by anything that was not kept."""

from __future__ import annotations

import numpy as np
import pytest

from core.imaging import read
from core.imaging.series_names import name_of, names_of
from core.imaging.study import Modality, Plane, Series
from core.imaging.tag_lists import KEPT
from core.simulate.samples import load_sample
from tests.imaging.builders import picture


def series(description: str = "MR series, 2 slices", plane: Plane | None = Plane.AXIAL, **facts: object) -> Series:
    return Series("k", description, np.zeros((2, 4, 4), np.float32), plane=plane, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ({"SeriesDescription": "FLAIR"}, "FLAIR axial"),
        ({"SeriesDescription": "T2_TSE_sag"}, "T2 TSE sag"),  # names its plane already
        ({"ProtocolName": "THORAX_CONTRAST"}, "THORAX CONTRAST axial"),
        # textbook spin echoes (TR, TE in ms); between the limits nothing is claimed
        ({"ScanningSequence": "SE", "RepetitionTime": "500", "EchoTime": "12"}, "T1 axial"),
        ({"ScanningSequence": "SE", "RepetitionTime": "4000", "EchoTime": "100"}, "T2 axial"),
        ({"ScanningSequence": "SE", "RepetitionTime": "3000", "EchoTime": "15"}, "PD axial"),
        ({"ScanningSequence": "SE", "RepetitionTime": "1500", "EchoTime": "50"}, "MR axial"),
        ({"ScanningSequence": "GR", "RepetitionTime": "500", "EchoTime": "12"}, "MR axial"),
        (
            {"ScanningSequence": "IR", "RepetitionTime": "9000", "EchoTime": "100", "InversionTime": "2500"},
            "FLAIR axial",
        ),
        ({"ScanningSequence": "IR", "RepetitionTime": "4000", "EchoTime": "60", "InversionTime": "160"}, "STIR axial"),
    ],
)
def test_a_series_is_called_by_its_tags(tags: dict[str, str], name: str) -> None:
    assert set(tags) <= set(KEPT)
    assert name_of(series(modality=Modality.MR, tags=tags)) == name


def test_only_known_words_of_a_file_name_are_taken() -> None:
    assert name_of(series("smith-john-leg-t1.nii.gz, 2 slices")) == "T1 axial"
    assert name_of(series("smith-john.nii.gz, 2 slices", modality=Modality.PT)) == "PET axial"
    assert name_of(series("scan.png", None)) == "scan.png"  # nothing is known: what the page shows anyway


def test_what_tells_volumes_apart_stays_and_equal_names_are_numbered() -> None:
    one = series(modality=Modality.MR, tags={"SeriesDescription": "DWI"}, told_apart=("b=1000",))
    assert name_of(one) == "DWI axial, b=1000"
    longer = Series("k", "x", np.zeros((5, 4, 4), np.float32), modality=Modality.CT, plane=Plane.AXIAL)
    same = series("x", modality=Modality.CT)
    assert names_of([longer, same]) == ("CT axial, 5 slices", "CT axial, 2 slices")
    assert names_of([same, longer, same]) == (
        "CT axial, 2 slices (1 of 2)",
        "CT axial, 5 slices",
        "CT axial, 2 slices (2 of 2)",
    )


def test_the_built_in_pair_and_the_projection_are_named() -> None:
    assert names_of(load_sample("mr-pet-06").series) == ("T1 axial", "PET axial")
    assert names_of(load_sample("pet-05").series) == (
        "PET, projection made here",
        "PET axial",
        "PET, from 8 sides",
    )


def test_a_length_that_a_name_tells_already_is_not_told_twice() -> None:
    stack = series("Picture stack, 2 slices", None)
    assert names_of([stack, stack]) == ("Picture stack, 2 slices (1 of 2)", "Picture stack, 2 slices (2 of 2)")


def test_phases_of_a_breast_examination_keep_the_names_of_their_folders() -> None:
    folders = ("SUB1", "SUB8", "VIBRANT", "VIBRANT+C3")
    pixels = np.linspace(0, 255, 30 * 30).reshape(30, 30).astype(np.uint8)
    files = [(f"{folder}/p-03{n}.png", picture(pixels)) for folder in folders for n in (1, 2)]
    assert names_of(read(files).series) == tuple(f"{folder}, 2 slices" for folder in folders)
