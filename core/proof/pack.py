"""The evidence pack: one folder that a hospital's committee can file, whole or not at all.

The same installation and models give the same bytes: no time, no name of a machine or user, everything in order.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core import places
from core.errors import ProofError
from core.proof.applied_card import page
from core.proof.bill import bill
from core.proof.graph import needs
from core.proof.licences import licences_csv
from core.proof.models import Model, models
from core.proof.packages import bundled, installed, own_version
from core.proof.readme import DOCUMENTS, MANIFEST, PUBLIC, SIGNATURE, readme
from core.proof.signing import public_pem
from core.proof.vex import read_audit, vex
from core.weights.card import ModelCard


@dataclass(frozen=True)
class Sources:
    """What a pack is made from.

    Attributes:
        weights: the models' folder. lock: the lock file of Python's packages.
        clients: those of what runs in browsers: the viewer, and the page that `overread demonstrate` writes.
        audit: what pip-audit said of the packages; ``None`` where there was no audit.
    """

    weights: Path
    lock: Path
    clients: tuple[Path, ...]
    cards: Path = places.DATA_CARDS
    documents: Path = places.DOCUMENTS
    licence: Path = places.LICENCE
    audit: Path | None = None


def write(out: Path, sources: Sources, key: Ed25519PrivateKey | None = None) -> dict[str, str]:
    """Write the pack as the new folder ``out``.

    Returns:
        The manifest: SHA-256 by file, paths relative to ``out``.

    Raises:
        ProofError: ``out`` exists or cannot be written, or something it is made from cannot be read.
        ModelUnavailableError: a model's card and weights do not belong together.
    """
    if out.exists() or out.is_symlink():
        raise ProofError(f"{out} exists already.", "Name a folder that does not, or move this one away.")
    try:
        contents = _contents(sources, key)
    except OSError as error:
        raise ProofError(f"{error.filename} cannot be read.", "Install Overread anew, or restore the file.") from error
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        # Written aside and renamed: nobody files half a pack.
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".pack-") as aside:
            made = Path(aside) / "pack"
            for name, content in contents.items():
                (made / name).parent.mkdir(parents=True, exist_ok=True)
                (made / name).write_bytes(content)
            manifest = {name: places.sha256_of(made / name) for name in sorted(contents)}
            told = _json({"algorithm": "SHA-256", "files": manifest})
            (made / MANIFEST).write_bytes(told)
            if key is not None:
                (made / SIGNATURE).write_bytes(key.sign(told))
            os.rename(made, out)
    except OSError as error:
        raise ProofError(f"{out} cannot be written ({error.strerror}).", "Name a folder you may write to.") from error
    return manifest


def _contents(sources: Sources, key: Ed25519PrivateKey | None) -> dict[str, bytes]:
    """Every file but the manifest and its signature, by its path in the pack."""
    version, found = own_version(), models(sources.weights)
    python = installed(sources.lock)
    packages = [*python, *bundled(*sources.clients)]
    needed = needs([package.name for package in python])
    cards = sorted(sources.cards.glob("*.md"))
    here, absent = [m for m in found if m.installed], [m.name for m in found if not m.installed]
    files = {
        "README.md": readme(version, absent, signed=key is not None).encode(),
        "LICENSE": sources.licence.read_bytes(),
        "sbom.cdx.json": _json(bill(version, packages, here, needed)),
        "vex.cdx.json": _json(vex(version, packages, read_audit(sources.audit) if sources.audit else None)),
        "licences.csv": licences_csv(version, packages, here, cards).encode(),
    }
    for model in found:
        files |= _of(model, {card.stem for card in cards})
    files |= {f"data/{file.name}": file.read_bytes() for file in [*cards, *sorted(sources.cards.glob("*.json"))]}
    files |= {f"documents/{name}": (sources.documents / name).read_bytes() for name in DOCUMENTS}
    if key is not None:
        files[PUBLIC] = public_pem(key)
    return files


def _of(model: Model, data_cards: set[str]) -> dict[str, bytes]:
    files = {f"models/{model.name}/card.json": model.file.read_bytes()}
    if isinstance(model.card, ModelCard):
        files[f"models/{model.name}/applied-model-card.md"] = page(model.card, data_cards).encode()
    return files


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
