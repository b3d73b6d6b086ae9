"""The page that tells a committee what lies in the pack, what does not, and how to check it."""

from __future__ import annotations

from collections.abc import Sequence

MANIFEST, SIGNATURE, PUBLIC = "manifest.json", "manifest.sig", "signer.pub.pem"
DOCUMENTS = (
    "SECURITY.md",
    "accessibility.md",
    "dicom-conformance.md",
    "figures.json",
    "mds2.md",
    "settings.md",
    "standards.md",
)
_TEXT = """\
# Evidence pack of Overread {version}

For research and teaching only: Overread is not a medical device.

- `sbom.cdx.json`: bill of materials in CycloneDX 1.6. Packages installed here, packages of what runs in
  browsers (the viewer, and the page that `overread demonstrate` writes), weights, data sets.
- `vex.cdx.json`: known vulnerabilities of the packages and whether they can be exploited here (VEX), in the same form;
  it says by which audit, or that there was none.
- `licences.csv`: licences of code, packages, weights and data sets, as their authors state them. Weights are told with
  those of the data and weights that they began as or were taught by, as far as cards of these are here.
- `models/SYSTEM/MODEL/card.json`: a model's card: data, training, figures with intervals, limits. `models/router` is
  the wrong-image gate.
- `models/SYSTEM/MODEL/applied-model-card.md`: the same under the headings of the CHAI Applied Model Card 0.2. What a
  card does not state is told as not stated.
- `data/`: data cards: where data come from, and what is wrong with them.
- `documents/`: security, with classes of known weaknesses of such programs; DICOM conformance; settings; a map to IEC
  62304 and IEC 81001-5-1 with what is missing; answers under the headings of MDS2; accessibility. `figures.json` holds
  what damaged input, kills, a restore drill and, where it was added, a whole run of the tests gave, each with date,
  commit and machine.
- `manifest.json`: SHA-256 of every file but itself and its signature.

The bill does not list Python itself, libraries of the operating system, or what packages carry inside them.
{absent}
{signed}
"""
_SIGNED = """\
`manifest.sig` is the Ed25519 signature of `manifest.json`. `signer.pub.pem` is the signer's key as it came with the
pack: compare it with the one you have from the signer by another way, then

    openssl pkeyutl -verify -pubin -inkey signer.pub.pem -rawin -in manifest.json -sigfile manifest.sig"""


def readme(version: str, absent: Sequence[str], *, signed: bool) -> str:
    """The page; ``absent`` are the models of which only the card is installed."""
    cards = f"\nOf these models only the card is installed, no weights: {', '.join(absent)}.\n" if absent else ""
    return _TEXT.format(version=version, absent=cards, signed=_SIGNED if signed else "This pack is not signed.")
