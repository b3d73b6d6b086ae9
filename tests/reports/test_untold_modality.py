"""The doubt about a picture that does not say it is CT goes with the answers, into JSON and PDF."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pypdf
import pytest

from core.engine.warn import series_warnings
from core.imaging import Modality
from core.reports.case import CaseReport
from core.reports.files import case_json
from core.reports.pdf import case_pdf
from core.systems.catalogue import SYSTEMS
from core.systems.match import accepts, adapt
from tests.imaging.builders import noise, picture
from tests.reports import kit

DOUBT = "if it is not CT, do not use the answers"


def reported(system: str, modality: Modality) -> CaseReport:
    made = kit.case([("a.png", picture(noise(64, 64)))], system)
    declared = SYSTEMS[system]
    series = adapt(replace(made.series, modality=modality), declared)
    flags = series_warnings(declared, series, accepts(declared, series))
    return replace(made, review=replace(made.review, warnings=flags))


@pytest.mark.parametrize(
    ("system", "modality", "doubted"),
    [
        ("chest-ct", Modality.UNKNOWN, True),
        ("chest-ct", Modality.CT, False),
        ("brain-mr", Modality.UNKNOWN, False),
    ],
)
def test_an_untold_modality_is_in_every_file(system: str, modality: Modality, doubted: bool) -> None:
    report = reported(system, modality)
    flags = json.loads(case_json(report))["flags"]
    assert any(flag["slice"] is None and DOUBT in flag["text"] for flag in flags) == doubted
    text = " ".join(" ".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(case_pdf(report))).pages).split())
    assert (DOUBT in text) == doubted
