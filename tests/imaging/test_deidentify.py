"""No value that names the patient is anywhere in a study."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.imaging import Study, read
from tests.imaging.builders import item, named, noise, picture, stack, to_bytes, zipped

VALUES = {
    "PatientName": "Doe^Wilhelmina^Q",
    "PatientID": "MRN-5550123",
    "PatientBirthDate": "19510317",
    "OtherPatientIDs": "SSN900112233",
    "AccessionNumber": "ACC777321",
    "InstitutionName": "Saint Elsewhere Hospital",
    "ReferringPhysicianName": "House^Gregory",
    "OperatorsName": "Techie^Tom",
    "StationName": "STATION42X",
    "DeviceSerialNumber": "SER9988",
    "StudyDescription": "Follow-up for Wilhelmina",
    "PatientComments": "lives at 12 Elm Street",
    "StudyDate": "20190822",
    "PatientAddress": "12 Elm Street",
}
NAMES = ["wilhelmina", "doe", "5550123", "1951", "900112233", "777321", "elsewhere", "house", "gregory", "techie"]
# Keys and checksums hold every digit sequence sooner or later, a year in one of a thousand.
DIGEST = re.compile(r"[0-9a-f]{16}|[0-9a-f]{64}")
SECRETS = [*(value.lower() for value in VALUES.values()), *NAMES, "station42x", "ser9988", "elm street"]


def files(**extra: Any) -> list[tuple[str, bytes]]:
    headers = stack(noise(3, 8, 8), **VALUES, **extra)
    for header in headers:
        header.RequestAttributesSequence = [item(RequestedProcedureDescription="Doe, Wilhelmina: brain")]
        block = header.private_block(0x0099, "ACME", create=True)
        block.add_new(0x01, "LO", "Doe Wilhelmina")
    return named(headers)


def strings(value: Any) -> Iterator[str]:
    """Every text within a study."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, np.ndarray) or value is None:
        return
    elif isinstance(value, Mapping):
        for key, content in value.items():
            yield from strings(key)
            yield from strings(content)
    elif isinstance(value, (tuple, list)):
        for content in value:
            yield from strings(content)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from strings(getattr(value, field.name))


def assert_clean(study: Study) -> None:
    found = [text for text in strings(study) if text not in study.dropped_tags and not DIGEST.fullmatch(text)]
    assert any("slices" in text for text in found)  # the walk sees descriptions
    uids = [text for text in found if text.count(".") > 5]
    assert uids == []
    for text in found:
        for secret in SECRETS:
            assert secret not in text.lower(), (secret, text)


def test_nothing_of_the_patient_stays() -> None:
    study = read(files(SeriesDescription="T1 post", PatientSex="F", PatientAge="068Y", Manufacturer="ACME"))
    assert_clean(study)
    tags = study.series[0].tags
    assert tags["SeriesDescription"] == "T1 post"
    assert (tags["PatientSex"], tags["PatientAge"], tags["Manufacturer"]) == ("F", "068Y", "ACME")
    assert set(VALUES) <= set(study.dropped_tags)
    assert {"SeriesInstanceUID", "RequestAttributesSequence", "private tags"} <= set(study.dropped_tags)
    assert list(study.dropped_tags) == sorted(study.dropped_tags)


@pytest.mark.parametrize(
    "text",
    [
        "T1 WILHELMINA",
        "Doe brain",
        "exam 5550123",
        "MRN 5550123",
        "Dr. Who",
        "scan 1951-03-17",
        "A^B",
        "saint elsewhere hospital",
    ],
)
def test_free_text_that_may_name_somebody_is_dropped(text: str) -> None:
    study = read(files(SeriesDescription=text, ProtocolName=text))
    assert_clean(study)
    assert "SeriesDescription" not in study.series[0].tags


UNEQUAL = (
    "T1 JW",  # initials, either way round
    "T1 W.Q.D.",
    "T1 Вильгельмина Доу",
    "T1 威廉明娜",
    "T1 Wîlhelmïna",
    "T1 DOE1951",
    "T1 1Doe",
    "T1 W1lhelmina",
    "T1 17MAR1951",
    "T1 17 03 51",
    "T1 03_17_1951",
    "T1 170351",
    "T1 Willie",
    "T1 5550",
)


@pytest.mark.parametrize("text", UNEQUAL)
def test_names_that_equal_no_tag_are_taken_out_of_texts_and_file_names(text: str) -> None:
    own = [
        (f"{text} {number}.dcm", data)
        for number, (_, data) in enumerate(files(SpecificCharacterSet="ISO_IR 192", SeriesDescription=text))
    ]
    study = read([*own, (f"{text} broken.dcm", own[0][1][:400])])
    rest = text.removeprefix("T1 ").casefold()
    for shown in strings(study):
        assert rest not in shown.casefold(), shown
        assert not set(rest.replace(".", " ").replace("_", " ").split()) & set(shown.casefold().split()), shown
    assert study.series[0].description in ("T1, 3 slices", "MR series, 3 slices")
    picture_only = read([(f"{text}.png", picture(noise(8, 8)))])
    assert rest not in " ".join(strings(picture_only)).casefold()


@pytest.mark.parametrize(
    "text",
    ["t1_mprage_sag_p2_iso_1.0", "Thorax 1.5 B70f", "AX T2 FLAIR +C", "ep2d_diff_b1000", "PET WB AC 3D 2min/bed"],
)
def test_what_names_the_image_stays(text: str) -> None:
    assert read(files(SeriesDescription=text)).series[0].tags["SeriesDescription"] == text


@pytest.mark.parametrize("name", ["Doe_Wilhelmina/{}.dcm", "mrn-5550123_{}.dcm", "WILHELMINA-{}.dcm", "ACC777321 {}"])
def test_file_names_that_name_the_patient_are_replaced(name: str) -> None:
    content = [(name.format(number), data) for number, (_, data) in enumerate(files())]
    broken = (name.format("broken"), content[0][1][:400])
    study = read([*content, broken])
    assert_clean(study)
    assert study.name == "DICOM study"
    archive = read([(name.format("all") + ".zip", zipped([*content, broken]))])
    assert_clean(archive)
    assert archive.problems[0].name.startswith("file")


def test_neutral_names_stay() -> None:
    study = read([("brain.zip", zipped(files()))])
    assert study.name == "brain.zip"
    assert study.series[0].names == ("000.dcm", "001.dcm", "002.dcm")


def test_the_oldest_share_one_age() -> None:
    assert read(files(PatientAge="093Y")).series[0].tags["PatientAge"] == "090Y+"


def test_burned_in_text_is_pointed_out() -> None:
    assert any("burned" in note for note in read(files(BurnedInAnnotation="YES")).series[0].notes)
    assert not any("burned" in note for note in read(files(BurnedInAnnotation="NO")).series[0].notes)


def test_picture_metadata_is_dropped_and_named() -> None:
    exif = Image.Exif()
    exif[0x010E] = "Wilhelmina Doe"
    study = read([("a.jpg", picture(noise(8, 8), "JPEG", exif=exif))])
    assert study.dropped_tags == ("picture metadata",)
    assert not any("wilhelmina" in text.lower() for text in strings(study))
    assert read([("a.png", picture(noise(8, 8)))]).dropped_tags == ()


def test_key_and_hash_depend_on_content_only() -> None:
    headers = stack(noise(3, 8, 8))
    first = read(named(headers))
    for header in headers:
        header.SeriesInstanceUID, header.PatientName = "1.2.3.4.5.6.7.8", "Other"
    second = read([(f"other{number}", to_bytes(header)) for number, header in enumerate(headers)])
    assert first.series[0].key == second.series[0].key
    assert first.sha256 != second.sha256
    assert len(first.sha256) == 64
