"""Patients, files and writers of diagnoses by pseudonym: keyed hashes, and the file that turns some of them back.

Two files lie beside the images, readable by their owner only. ``pseudonyms.key`` makes the pseudonyms; a backup holds
it, since without it known patients would get new ones. ``names.key`` says which path or reader a pseudonym stands for;
no export and no backup holds it, and importing the same folder again writes it anew. Neither is in the database.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from filelock import FileLock

from core.errors import ArchiveError
from core.review.kept.images import write_atomically

KEY_FILE = "pseudonyms.key"
NAMES_FILE = "names.key"
KEY_BYTES = 32
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm", ".nii", ".gz", ".csv", ".tsv", ".zip"})


@dataclass(frozen=True)
class Pseudonyms:
    """Turns identifiers into pseudonyms; the same one gives the same pseudonym wherever the key is the same.

    Attributes:
        key: 32 secret bytes.
        names: file that turns paths and readers back; ``None`` to keep none.
    """

    key: bytes
    names: Path | None = None
    _known: set[str] = field(default_factory=set, repr=False, compare=False)

    @classmethod
    def of(cls, images_folder: Path) -> Pseudonyms:
        """Those of a store; the key is made on first use.

        Args:
            images_folder: ``store.images_folder``; the key lies beside it.

        Raises:
            ArchiveError: the key's file holds no key.
        """
        path = images_folder.parent / KEY_FILE
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f".{KEY_FILE}-{secrets.token_hex(8)}")
            write_atomically(fresh, secrets.token_bytes(KEY_BYTES))
            try:
                os.link(fresh, path)  # fails when another process was first; then its key counts
            except FileExistsError:
                pass
            finally:
                fresh.unlink(missing_ok=True)
        key = path.read_bytes()
        if len(key) != KEY_BYTES:
            raise ArchiveError(f"{path} is no key.", "Restore it from a backup: without it pseudonyms change.")
        return cls(key, images_folder.parent / NAMES_FILE)

    def patient(self, number: str) -> str:
        """``P-`` and ten hex digits (40 bits) of HMAC-SHA-256; the empty number stays empty."""
        text = number.strip()
        return f"P-{self._digest(text)[:10]}" if text else ""

    def path(self, path: str) -> str:
        """``F-``, twelve hex digits and the ending of a file's or folder's path; turned back by :meth:`meaning`."""
        ending = PurePosixPath(path).suffix.lower()
        made = f"F-{self._digest(f'path {path}')[:12]}{ending if ending in _SUFFIXES else ''}"
        return self._noted(made, path)

    def reader(self, name: str) -> str:
        """``R-`` and ten hex digits for whoever wrote a diagnosis; the empty name stays empty."""
        text = name.strip()
        return self._noted(f"R-{self._digest(f'reader {text}')[:10]}", text) if text else ""

    def code(self, text: str) -> str:
        """Seven capital letters for a word that tells series apart but may name somebody; it is never turned back."""
        digest = hmac.new(self.key, f"word {text}".encode(), hashlib.sha256).digest()
        return "Z" + "".join(chr(65 + byte % 26) for byte in digest[:6])

    def meaning(self, pseudonym: str) -> str | None:
        """The path or reader behind a pseudonym; ``None`` where the file that knows is not there or does not."""
        return self._read().get(pseudonym)

    def _digest(self, text: str) -> str:
        return hmac.new(self.key, text.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()

    def _noted(self, made: str, text: str) -> str:
        """Write down what a pseudonym stands for, once."""
        if self.names is None or made in self._known:
            return made
        with FileLock(self.names.with_suffix(".lock"), mode=0o600):
            self._known.update(self._read())
            if made not in self._known:
                descriptor = os.open(self.names, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                with os.fdopen(descriptor, "ab") as file:
                    file.write(json.dumps([made, text]).encode() + b"\n")
                self._known.add(made)
        return made

    def _read(self) -> dict[str, str]:
        if self.names is None or not self.names.is_file():
            return {}
        found = {}
        for line in self.names.read_text(encoding="ascii", errors="replace").splitlines():
            try:
                made, text = json.loads(line)
            except ValueError:  # a line that a power cut left half written
                continue
            found[str(made)] = str(text)
        return found
