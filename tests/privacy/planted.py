"""A patient whose name, number and dates are written wherever a file can hold them, and the search for them."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import nibabel as nib
import numpy as np
import pypdf
from PIL import Image, PngImagePlugin
from pydicom import Dataset
from pydicom.datadict import DicomDictionary
from pydicom.uid import generate_uid

from core.imaging.tag_lists import KEPT, STORED
from tests.imaging.builders import noise, picture, stack, to_bytes

SIDE = 24
FRAME = generate_uid(entropy_srcs=["planted frame"])
NAME = "Quillwort^Zebedee^Wolfram"
WORDS = ("Quillwort", "Zebedee", "Wolfram", "Sägezahn", "Щукарёв", "山椒魚")
NUMBERS = ("QX-80514477", "80514477", "ACZ91827364", "STQ77310", "ISSQUERTZ")
DATES = ("19471123", "1947-11-23", "23.11.1947", "23/11/1947", "11/23/1947", "23 Nov 1947", "Nov 23, 1947")
LONG = (*WORDS, *NUMBERS, *DATES)
SHORT = ("QZW", "Q.Z.W.", "Q. Z. W.")  # initials: bytes of pictures hold any three letters, so texts alone are searched
EVERYTHING = " ".join((*WORDS, *NUMBERS, *DATES, *SHORT))

# Who and which study: what a DICOM object carries on purpose, because it files to the patient in the archive.
ON_PURPOSE = {
    "PatientName": NAME,
    "PatientID": "QX-80514477",
    "PatientBirthDate": "19471123",
    "AccessionNumber": "ACZ91827364",
    "StudyID": "STQ77310",
    "ReferringPhysicianName": "Sägezahn^Щукарёв",
    "IssuerOfPatientID": "ISSQUERTZ",
}
_TEXTS = {"LT": 10_000, "ST": 1000, "UT": 10_000, "UC": 10_000, "LO": 64, "SH": 16, "PN": 64, "AE": 16, "CS": 16}
_DATA_URL = re.compile(rb";base64,([A-Za-z0-9+/]+)={0,2}")
_READ_BY = {"SpecificCharacterSet", "PhotometricInterpretation", "Modality", "BodyPartExamined"}


def series(slices: int = 3, seed: int = 5) -> list[Dataset]:
    """An MR series with the planted texts in every text attribute of the standard, in items and in private tags."""
    made: list[Dataset] = []
    for header in stack(noise(slices, SIDE, SIDE, seed=seed), BodyPartExamined="BRAIN"):
        header.SpecificCharacterSet = "ISO_IR 192"
        header.FrameOfReferenceUID = FRAME
        inner = Dataset()
        for tag, (vr, multiplicity, _, retired, keyword) in DicomDictionary.items():
            # the words of an attribute that the reader goes by are left alone, unless they are free text
            bound = vr in ("CS", "AE") and (keyword in KEPT or keyword in STORED)
            if tag < 0x00080000 or vr not in _TEXTS or retired or not keyword or keyword in _READ_BY or bound:
                continue
            text = {"CS": "QUILLWORT", "AE": "QUILLWORT", "SH": "QZW Quillwort", "PN": NAME}.get(vr, "")
            text = text or f"T2 QZW {EVERYTHING}"[: _TEXTS[vr]].strip()
            for target in (header, inner):
                setattr(target, keyword, [text] if multiplicity != "1" and vr not in ("LT", "ST", "UT") else text)
        header.RequestAttributesSequence = [inner]
        block = header.private_block(0x0099, "QUILLWORT", create=True)
        block.add_new(1, "LO", NAME)
        block.add_new(2, "UN", EVERYTHING.encode())
        for keyword, value in ON_PURPOSE.items():
            setattr(header, keyword, value)
        header.SeriesDescription, header.ProtocolName = "T2 Quillwort QZW 23.11.1947", "head QX-80514477 Щукарёв"
        header.StudyDate = header.SeriesDate = header.AcquisitionDate = "20200102"
        header.PatientSex, header.PatientAge = "M", "072Y"
        made.append(header)
    return made


def files() -> dict[str, bytes]:
    """The same patient as DICOM, PNG and NIfTI, by paths that name him too."""
    folder = "Quillwort Zebedee 23.11.1947"
    out = {f"{folder}/QX-80514477 Щукарёв/{n}-QZW.dcm": to_bytes(h) for n, h in enumerate(series(), 1)}
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", EVERYTHING.encode("latin-1", "ignore").decode("latin-1"))
    notes.add_itxt("Comment", EVERYTHING)
    grey = Image.fromarray(noise(1, SIDE, SIDE, seed=7)[0].astype(np.uint8))
    out[f"{folder}/Wolfram 山椒魚 1947-11-23.png"] = picture(grey, pnginfo=notes)
    volume = nib.Nifti1Image(noise(SIDE, SIDE, 3, seed=8).astype(np.int16), np.diag([0.75, 0.75, 3.0, 1.0]))
    volume.header["descrip"], volume.header["aux_file"] = b"Quillwort 1947-11-23", b"Zebedee"
    volume.header["intent_name"], volume.header["db_name"] = b"Wolfram", b"Quillwort"
    volume.header.extensions.append(nib.nifti1.Nifti1Extension("comment", EVERYTHING.encode()))
    out[f"{folder}/Sägezahn_QX-80514477.nii.gz"] = gzip.compress(volume.to_bytes())
    return out


def lay(root: Path) -> Path:
    """The files in a folder, with a sheet that names patient and reader beside a picture of its own."""
    for name, data in files().items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def lay_sheet(root: Path) -> Path:
    """Pictures with an index whose patients, readers and paths are planted."""
    (root / "Zebedee").mkdir(parents=True)
    rows = ["image,patient,tumour,reader,date"]
    for number in range(3):
        name = f"Zebedee/Quillwort-{number} Щукарёв.png"
        (root / name).write_bytes(picture(noise(1, SIDE, SIDE, seed=20 + number)[0].astype(np.uint8)))
        rows.append(f"{name},Quillwort QX-80514477,{number % 2},Sägezahn Wolfram,2026-01-0{1 + number}")
    (root / "index.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root


def unfolded(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """A file as it is, and whatever is packed in it: zip members, gzip, text of a PDF, texts of a picture."""
    yield name, data
    if data[:2] == b"\x1f\x8b":
        yield from unfolded(f"{name}!gz", gzip.decompress(data))
    elif data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield f"{name}!names", "\n".join(archive.namelist()).encode() + archive.comment
            for member in archive.namelist():
                yield from unfolded(f"{name}!{member}", archive.read(member))
    elif data[:5] == b"%PDF-":
        paper = pypdf.PdfReader(io.BytesIO(data))
        told = "\n".join(page.extract_text() for page in paper.pages) + str(dict(paper.metadata or {}))
        yield f"{name}!text", (told + re.sub(r"\s+", "", told)).encode("utf-8", "replace")
    elif data[:4] == b"\x89PNG":
        with Image.open(io.BytesIO(data)) as opened:
            opened.load()
            yield f"{name}!chunks", str(opened.info).encode("utf-8", "replace")
    elif b";base64," in data:  # pictures and files within a page
        for number, packed in enumerate(_DATA_URL.findall(data)):
            whole = packed[: len(packed) - (len(packed) % 4 == 1)]
            yield from unfolded(f"{name}!data {number}", base64.b64decode(whole + b"=" * (-len(whole) % 4)))


def found_in(name: str, data: bytes) -> set[tuple[str, str]]:
    """Which planted texts a file holds, in what part: any case, any of the usual encodings, escaped or not."""
    out = set()
    for part, inside in unfolded(name, data):
        read = [inside.decode(coding, "ignore") for coding in ("utf-8", "latin-1", "iso8859-5")]
        read += [inside[start:].decode(coding, "ignore") for coding in ("utf-16-le", "utf-16-be") for start in (0, 1)]
        folded = [text.casefold() for text in read]
        for secret in LONG:
            forms = {secret, json.dumps(secret)[1:-1], quote(secret)}
            if any(form.casefold() in text for form in forms for text in folded):
                out.add((part, secret))
        if b"\0" not in inside[:4096] and not inside.startswith(b"%PDF-"):  # a text
            whole = (rf"(?<![\w]){re.escape(secret)}(?![\w])" for secret in SHORT)
            out |= {(part, s) for s, word in zip(SHORT, whole, strict=True) if re.search(word, read[0], re.IGNORECASE)}
    return out


def found(ways: Mapping[str, bytes]) -> set[tuple[str, str]]:
    """What of the planted texts is found on several ways, by way and part."""
    return {hit for name, data in ways.items() for hit in found_in(name, data)}


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder; its path counts as content too."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    out = {str(p.relative_to(folder)): p.read_bytes() for p in paths}
    return out | {"paths": "\n".join(out).encode()}
