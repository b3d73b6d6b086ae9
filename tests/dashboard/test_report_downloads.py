"""Reports taken from the Review page by a real browser."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from pathlib import Path

import pydicom
import pypdf
import pytest
from playwright.sync_api import Page, expect

from core.reports.record import CaseRecord
from tests.dashboard import desk
from tests.dashboard.conftest import Server
from tests.reports import kit

pytestmark = pytest.mark.browser


def taken(page: Page, button: str | re.Pattern[str]) -> bytes:
    with page.expect_download(timeout=desk.ANSWER) as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path()).read_bytes()


def test_reports_of_a_dicom_series(page: Page, server: Server) -> None:
    files = kit.mr_files(4)
    page.set_default_timeout(desk.ANSWER)
    desk.upload(page, server.url, [{"name": n, "mimeType": "application/dicom", "buffer": b} for n, b in files])
    desk.answered(page)
    page.get_by_role("button", name="It is the right image").click()  # the drawn series is noise, which is stopped
    page.get_by_role("button", name="Overrule and show the answers").click()
    expect(page.get_by_text("You overruled the image check")).to_be_visible(timeout=desk.ANSWER)
    desk.turn_to(page, "Report")
    expect(page.get_by_role("button", name="Make DICOM objects")).to_be_visible(timeout=desk.ANSWER)
    record = CaseRecord.model_validate_json(taken(page, "Report (JSON)"))
    assert record.intact
    rows = list(csv.DictReader(io.StringIO(taken(page, "Numbers (CSV)").decode())))
    told = {(r["model"], r["slice"]): float(r["probability_finding"]) for r in rows if r["slice"]}
    assert told == {(m.name, str(p.slice)): p.finding for m in record.models for p in m.slices}
    assert {r["content_sha256"] for r in rows} == {record.content_sha256}
    words = "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(taken(page, "Report (PDF)"))).pages)
    assert record.content_sha256 in re.sub(r"\s", "", words)
    everything = words + json.dumps(rows) + record.model_dump_json()
    assert [secret for secret in kit.SECRETS if secret in everything] == []

    page.get_by_role("button", name="Make DICOM objects").click()
    expect(page.get_by_role("button", name=re.compile("^DICOM objects"))).to_be_visible(timeout=desk.ANSWER)
    archive = zipfile.ZipFile(io.BytesIO(taken(page, re.compile("^DICOM objects"))))
    objects = [pydicom.dcmread(io.BytesIO(archive.read(n))) for n in archive.namelist() if n.endswith(".dcm")]
    assert {o.Modality for o in objects} >= {"SEG", "SR", "OT"}
    assert {str(o.PatientName) for o in objects} == {kit.PATIENT["PatientName"]}

    page.get_by_text("with probability maps").click()  # those that were made have none
    expect(page.get_by_role("button", name=re.compile("^DICOM objects"))).to_have_count(0)


def test_a_picture_has_no_dicom_objects(page: Page, server: Server) -> None:
    page.set_default_timeout(desk.ANSWER)
    desk.open_sample(page, server.url, "brain-mr-05")
    desk.turn_to(page, "Report")
    expect(page.get_by_role("button", name="Report (PDF)")).to_be_visible()
    expect(page.get_by_role("button", name="Make DICOM objects")).to_have_count(0)
