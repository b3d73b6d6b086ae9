"""Uploads in a browser: good files end in a review or a statement, bad ones in a message, and the page goes on."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard import desk
from tests.dashboard.conftest import Server

pytestmark = pytest.mark.browser


def _huge_png(side: int = 20_000) -> bytes:
    """A valid 8-bit grey PNG of side x side black pixels in a few hundred kilobytes."""
    squeeze = zlib.compressobj(9)
    row = b"\x00" * (side + 1)
    data = b"".join(squeeze.compress(row) for _ in range(side)) + squeeze.flush()

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _encrypted_zip() -> bytes:
    """A zip whose only entry says that it is encrypted (bit 0 of its flags, APPNOTE 4.4.4)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("scan.dcm", b"\x07" * 300)
    content = bytearray(buffer.getvalue())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def _truncated_dicom() -> bytes:
    with zipfile.ZipFile(desk.SAMPLES / "chest-ct-01.zip") as archive:
        first = archive.read(sorted(n for n in archive.namelist() if not n.endswith("/"))[0])
    return first[: len(first) // 3]


def _file(name: str, content: bytes) -> dict[str, object]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


@pytest.mark.parametrize(
    ("name", "system", "said"),
    [
        ("brain-mr-05.png", "Brain MR", "test AUC"),
        ("chest-ct-01.zip", "Chest CT", "Refused."),
        ("leg-02-thigh-t1.nii.gz", "MR and PET of soft tissue", "No weights yet."),
        ("pet-05-suv.nii.gz", "Whole-body PET", "No weights yet."),
    ],
)
def test_simulated_files_end_in_a_review_or_a_statement(
    page: Page, server: Server, name: str, system: str, said: str
) -> None:
    desk.upload(page, server.url, desk.SAMPLES / name)
    desk.answered(page)
    expect(page.get_by_role("combobox", name="System")).to_have_value(system)
    expect(desk.table(page)).to_contain_text(said)
    expect(desk.picture(page)).to_be_visible()


def test_bad_files_end_in_a_message_and_the_page_goes_on(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/review")
    bad = {
        "cut.dcm": _truncated_dicom(),
        "notes.png": b"These are my notes, not a picture.\n" * 20,
        "brain.zip": _encrypted_zip(),
        "axial.png": _huge_png(),
    }
    for name, content in bad.items():
        desk.give(page, _file(name, content))
        expect(desk.message(page)).to_contain_text(name, timeout=desk.ANSWER)
        desk.settled(page)
        text = desk.message(page).inner_text()
        assert "Traceback" not in text
        assert "inside Overread" not in text
        assert len(text) > len(name) + 20
    desk.give(page, desk.SAMPLES / "brain-mr-04.png")
    desk.answered(page)
    expect(page.get_by_role("combobox", name="System")).to_have_value("Brain MR")


def test_several_files_and_a_mask_make_one_study_with_truth(page: Page, server: Server) -> None:
    desk.upload(page, server.url, desk.SAMPLES / "brain-mr-05.png")
    desk.answered(page)
    desk.turn_to(page, "Masks")
    expect(page.get_by_text("no truth mask given").first).to_be_visible()
    page.get_by_role("button", name="More").click()
    desk.give(page, desk.SAMPLES / "brain-mr-05_mask.png")
    expect(page.get_by_text("Truth on this slice")).to_be_visible(timeout=desk.ANSWER)


@pytest.mark.real
@pytest.mark.parametrize(
    "pattern",
    [
        "brain-lgg/images/*/015.jpg",
        "dicom/brain-mr-flair.zip",
        "dicom/whole-body-pet.zip",
        "sts-pet-mr/*/ct.nii.gz",
        "sts-pet-mr/*/pet.nii.gz",
    ],
)
def test_real_files_end_in_a_review_or_a_statement(page: Page, shipped: Server, real_data: Path, pattern: str) -> None:
    desk.upload(page, shipped.url, sorted(real_data.glob(pattern))[0])
    desk.answered(page)
    text = desk.table(page).inner_text()
    assert "ms" in text or " s\n" in text or "No weights yet." in text or "Withheld." in text
    assert "Failed." not in text
    expect(desk.picture(page)).to_be_visible()
