"""De-identification on entry: an allow list of technical tags is kept, everything else is dropped; of the texts among
them only words that are known to speak of images (:mod:`core.imaging.terms`).

What counts as identifying, and is named when it was dropped, follows the basic profile of DICOM PS3.15 Annex E.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from pydicom import Dataset
from pydicom.datadict import dictionary_VR
from pydicom.multival import MultiValue

from core.imaging.tag_lists import IDENTIFYING, KEPT, NO_NAMES, SECRET_NAMES, SECRET_VALUES
from core.imaging.terms import has_date, only_terms, without_names

_NAME_LIKE = re.compile(
    r"\^|@|\d{6,}|\d{1,4}[-./]\d{1,2}[-./]\d{2,4}|\b(mr|mrs|ms|dr|prof|name|dob|born)[.:]", re.IGNORECASE
)
_AGE = re.compile(r"^(\d{3})([DWMY])$")
_NUMBER = re.compile(r"[-+.\deE]{1,16}(\\[-+.\deE]{1,16})*")
_NUMBERS = frozenset({"DS", "IS", "FD", "FL", "US", "SS", "UL", "SL"})


class Identity:
    """What the files of one upload say about the patient: gathered to be kept out of names and free text."""

    def __init__(self) -> None:
        self._words: set[str] = set()
        self._values: set[str] = set()
        self.patients: set[str] = set()
        self.dropped: set[str] = set()

    def learn(self, header: Dataset) -> None:
        """Take note of one file's identifying values and of the tags that will be dropped from it."""
        for keyword in IDENTIFYING:
            if keyword in header and header.get(keyword) not in (None, "", []):
                self.dropped.add(keyword)
        if any(tag.is_private for tag in tuple(header.keys())):
            self.dropped.add("private tags")
        for keyword in SECRET_NAMES:
            for value in _texts(header.get(keyword)):
                self._values.add(value.lower())
                words = {word.lower() for word in re.split(r"[\W\d_]+", value) if len(word) > 1}
                self._words |= words - NO_NAMES
        for keyword in SECRET_VALUES:
            self._values.update(value.lower() for value in _texts(header.get(keyword)))
        self.patients.update(_texts(header.get("PatientID")))

    def know(self, *values: str | None) -> None:
        """Take note of identifying values that stand beside the files: a code in a sheet, a folder's name."""
        for value in values:
            if value and value.strip():
                self._values.add(value.strip().lower())
                self._words |= {w.lower() for w in re.split(r"[\W\d_]+", value) if len(w) > 1} - NO_NAMES

    def masked(self, text: str) -> str:
        """A text that people wrote, with every word that names the patient or a physician taken out."""
        return re.sub(r"[\w^]+", lambda found: "…" if self.reveals(found[0]) else found[0], text)

    def reveals(self, text: str) -> bool:
        """Whether a text holds an identifying value: long ones anywhere, short ones as a word of their own."""
        folded = text.lower()
        words = {word for word in re.split(r"[\W\d_]+", folded) if word}
        pieces = {piece for piece in re.split(r"[\W_]+", folded) if piece}
        if words & self._words or any(len(value) > 2 and value in pieces for value in self._values):
            return True
        plain = _plain(folded)
        return any(len(_plain(value)) > 3 and _plain(value) in plain for value in self._values)

    def file_name(self, path: str, number: int) -> str:
        """A file's name without folders, or a neutral one where it holds any word that may name somebody."""
        name = PurePosixPath(path).name
        return name if self.may_show(name) and not self.reveals(path) else f"file {number}"

    def may_show(self, name: str) -> bool:
        """Whether a file's or folder's name says something about an image only."""
        return only_terms(name) and not _NAME_LIKE.search(name) and not self.reveals(name)

    def free_text(self, text: str) -> str:
        """What a free text says about the image; words that may name somebody are taken out, dates empty it."""
        text = " ".join(text.split())[:64]
        return "" if self.names_somebody(text) else without_names(text)

    def names_somebody(self, text: str) -> bool:
        """Whether a text as a whole reads like a name, a number of a record or a date, or is one of this patient."""
        return bool(_NAME_LIKE.search(text)) or has_date(text) or self.reveals(text)


def kept_tags(header: Dataset, identity: Identity) -> dict[str, str]:
    """Technical tags that stay, as text; identity is respected in every one that is not a number."""
    tags: dict[str, str] = {}
    for keyword in KEPT:
        text = "\\".join(_texts(header.get(keyword)))
        if keyword == "PatientSex":
            text = text if text in ("M", "F", "O") else ""
        elif keyword == "PatientAge":
            text = _age(text)
        elif dictionary_VR(keyword) in _NUMBERS:
            text = text if _NUMBER.fullmatch(text) else ""
        else:
            text = identity.free_text(text)
        if text:
            tags[keyword] = text
    return tags


def _age(text: str) -> str:
    """Age with those over 89 in one group, as they are few enough to be recognised (HIPAA safe harbour)."""
    match = _AGE.match(text)
    if not match:
        return ""
    return "090Y+" if match[2] == "Y" and int(match[1]) > 89 else text


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).strip()


def _texts(value: object) -> list[str]:
    if value is None:
        return []
    values: Iterable[object] = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    return [text for text in (str(item).strip() for item in values) if text]
