"""One model as one HTML file: ``overread demonstrate SYSTEM/MODEL --out FILE``."""

from __future__ import annotations

import base64
import gzip
import html
import json
import tempfile
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from core.engine.heat_rules import heat_rule
from core.engine.words import caveats
from core.errors import OverreadError
from core.imaging import read
from core.simulate import samples
from core.systems import system
from core.systems.declaration import System
from core.weights.card import ModelCard
from core.weights.heat_checks import load_checks
from core.weights.store import load_model
from trainers.exporting import formats
from trainers.exporting.demonstrator import build
from trainers.exporting.exported import Exported

NOTICE = "For research and teaching only. Not a medical device."
READS = "8-bit grey PNG (exactly as Overread reads it) and JPEG (to the rounding of its decoder)"
ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 64 64'><rect width='64' height='64' rx='12' fill='#0e1117'/>"
    "<circle cx='28' cy='28' r='16' fill='none' stroke='#4da3ff' stroke-width='6'/>"
    "<path d='M40 40 54 54' stroke='#4da3ff' stroke-width='7' stroke-linecap='round'/></svg>"
)
_HERE = Path(__file__).resolve().parent


def demonstrate(model: str, weights: Path, out: Path) -> Path:
    """Write the page. It holds the model, what runs it, simulated samples, and asks nobody for anything.

    Args:
        model: ``system/name``. out: the HTML file.

    Raises:
        ModelUnavailableError: no such model, or the group ``export`` is not installed.
        OverreadError: a contract that the browser's preprocessing does not know, an export that answers differently, or
            a client that cannot be bundled.
    """
    net, card = load_model(weights / model)
    declared = system(card.system)
    _fits(card)
    if not build.current():
        build.build()
    with tempfile.TemporaryDirectory() as made:
        onnx = formats.export(model, weights, "onnx", Path(made) / "model.onnx").read_bytes()
    facts = facts_of(card, declared, Exported(net, card).names, weights / model)
    icon = "data:image/svg+xml," + quote(ICON)
    manifest = {"name": facts["name"], "short_name": facts["shortName"], "display": "standalone"}
    filled = Template((_HERE / "page.html").read_text(encoding="utf-8")).substitute(
        name=html.escape(facts["name"]),
        title=html.escape(card.title),
        system=html.escape(declared.title),
        version=html.escape(card.version),
        notice=NOTICE,
        threshold=f"{card.threshold.value:.2f}",
        heat_note=html.escape(facts["heat"]["reason"]),
        about=_about(card, declared),
        licenses=html.escape(build.LICENSES.read_text(encoding="utf-8") + build.NOTICE),
        icon=icon,
        manifest="data:application/manifest+json," + quote(json.dumps(manifest)),
        style=(_HERE / "page.css").read_text(encoding="utf-8"),
        facts=json.dumps(facts).replace("<", "\\u003c"),
        runtime=_packed(build.RUNTIME.read_bytes()),
        model=_packed(onnx),
        script=build.BUNDLE.read_text(encoding="utf-8"),
    )
    out.write_text(filled, encoding="utf-8")
    return out


def facts_of(card: ModelCard, declared: System, names: list[str], folder: Path) -> dict[str, Any]:
    """What the page's script must know: the contract, the words, how maps and masks may be shown, the samples."""
    checks = load_checks(folder, card)
    rule = heat_rule(checks)
    available = "heat_map" in names
    tested = checks.methods.get("grad-cam") if checks is not None else None
    passed = rule.passed and tested is not None and tested.tested and not tested.failings
    reason = "" if passed else rule.reason or "Grad-CAM is not the method that passed its test for this model."
    if not available:
        reason = "There is no heat map: this network's needs gradients, which the file does not carry."
    gate = card.gate if card.gate != card.name else None
    return {
        "name": f"Overread: {card.title}",
        "shortName": card.title[:12],
        "notice": NOTICE,
        "classes": list(card.classes),
        "threshold": card.threshold.value,
        "finding": declared.finding[:1].upper() + declared.finding[1:],
        "clear": declared.clear[:1].upper() + declared.clear[1:],
        "contract": card.contract.model_dump(mode="json"),
        "heat": {
            "available": available,
            "default": available and passed,
            "reason": reason,
            "reference": tested.peak if tested is not None else None,
        },
        "mask": {
            "shown": "mask" in names and gate is None,
            "threshold": card.mask_threshold,
            "smallest": card.mask_min_pixels,
            "gated": card.gate is not None,
        },
        "samples": _samples(declared),
    }


def _fits(card: ModelCard) -> None:
    contract = card.contract
    if contract.resize == "stretch" or contract.enhance:
        raise OverreadError(
            f"{card.title} prepares its images in a way that the page does not know (stretching, or CLAHE).",
            "Choose another model; the README lists those that were tried.",
        )


def _samples(declared: System) -> list[dict[str, str]]:
    """The system's simulated samples that are single pictures."""
    found = []
    for one in samples.list_samples():
        if one.system != declared.name or not one.files[0].endswith(".png"):
            continue
        name, content = samples.sample_files(one.id)[0]
        if not read([(name, content)]).series[0].colour:
            found.append({"title": one.title, "png": base64.b64encode(content).decode("ascii")})
    return found


def _about(card: ModelCard, declared: System) -> str:
    """The card in short, as a list of definitions."""
    auc, cut = card.metrics.get("auc"), card.threshold
    told = {
        "Model": f"{card.architecture}, {card.parameters:,} parameters, weights {card.weights_sha256[:16]}",
        "Intended use": card.intended_use,
        "Trained and tested on": card.pedigree,
        "Threshold": f"{cut.value:.3f}: {cut.rule} ({cut.data}, n = {cut.n})",
        "Pictures": f"{READS}; single slices. DICOM, NIfTI and 16 bits need Overread itself.",
        "Not in this file": "the gate against wrong images, the other models' votes, and conformal triage: any "
        "picture is answered, also one that is no such scan",
        "Runs": f"in this browser alone (onnxruntime-web, one thread). Nothing leaves it. {declared.licence_note}",
        "Limits": " ".join(card.limits),
    }
    if auc is not None:
        ends = f" ({auc.low:.3f} to {auc.high:.3f})" if auc.low is not None and auc.high is not None else ""
        told["Test AUC"] = "; ".join([f"{auc.value:.3f}{ends}, n = {auc.n}", *caveats(auc, card.system, card.data)])
    rows = "".join(f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in told.items() if v)
    return f"<dl>{rows}</dl>"


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, mtime=0)).decode("ascii")
