"""The bill of materials in CycloneDX 1.6 (ECMA-424): packages, weights and data sets as components.

It names no time and no serial number, so that the same installation gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.proof.graph import SELF
from core.proof.models import Model, licences
from core.proof.packages import NOT_STATED, Package
from core.weights.card import Metric, ModelCard

_REGISTRIES = {"pypi": "https://pypi.org/simple/{}/", "npm": "https://registry.npmjs.org/{}"}
_TASKS = {"classifier": "classification", "segmenter": "segmentation"}


def bill(
    version: str, packages: Sequence[Package], models: Sequence[Model], needs: Mapping[str, Iterable[str]]
) -> dict[str, Any]:
    """The whole bill as JSON values, components by their reference.

    Args:
        version: of Overread.
        needs: what Python packages need by name, and Overread itself, see :func:`core.proof.graph.needs`.
    """
    data = sorted({told for model in models for told in licences(model.card.data)})
    by_name = {name: [licence for other, licence in data if other == name] for name, _ in data}
    parts = [
        *(_package(package) for package in packages),
        *(_model(model) for model in models),
        *(_data(name, told) for name, told in by_name.items()),
    ]
    own = {"type": "application", "bom-ref": SELF, "name": SELF, "version": version}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": own | {"licenses": [{"license": {"id": "MIT", "acknowledgement": "declared"}}]}},
        "components": sorted(parts, key=lambda part: part["bom-ref"]),
        "dependencies": _dependencies(packages, needs),
        # Python itself, the system's libraries and what packages carry inside them are not listed.
        "compositions": [{"aggregate": "incomplete", "assemblies": [SELF]}],
    }


def _dependencies(packages: Iterable[Package], needs: Mapping[str, Iterable[str]]) -> list[dict[str, Any]]:
    """Of Python packages; those of a client are one bundle."""
    refs = {SELF: SELF} | {package.name: package.purl for package in packages if package.kind == "pypi"}
    told = [{"ref": refs[name], "dependsOn": sorted(refs[other] for other in others)} for name, others in needs.items()]
    return sorted(told, key=lambda one: str(one["ref"]))


def _package(package: Package) -> dict[str, Any]:
    part: dict[str, Any] = {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
    }
    if package.spdx:
        part["licenses"] = [{"expression": package.licence, "acknowledgement": "declared"}]
    elif package.licence != NOT_STATED:
        part["licenses"] = [_named(package.licence)]
    if package.hashes:  # of the files it may have come in, one a system: of the distribution, not of what is installed
        part["externalReferences"] = [
            {
                "type": "distribution",
                "url": _REGISTRIES[package.kind].format(package.name),
                "comment": "hashes of the files that the lock file allows",
                "hashes": [{"alg": package.algorithm, "content": content} for content in package.hashes],
            }
        ]
    else:
        part["properties"] = [_property("locked-version", version) for version in package.locked]
    return part


def _model(model: Model) -> dict[str, Any]:
    card = model.card
    considered: dict[str, Any] = {"technicalLimitations": list(card.limits)} if card.limits else {}
    parameters: dict[str, Any] = {"datasets": [{"ref": f"data:{name}"} for name in sorted({d.name for d in card.data})]}
    if isinstance(card, ModelCard):
        considered["useCases"] = [card.intended_use]
        parameters |= {"task": _TASKS[card.role], "modelArchitecture": card.architecture}
    described: dict[str, Any] = {"modelParameters": parameters}
    if card.metrics:
        figures = [_figure(name, metric) for name, metric in sorted(card.metrics.items())]
        described["quantitativeAnalysis"] = {"performanceMetrics": figures}
    if considered:
        described["considerations"] = considered
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{model.name}",
        "name": model.name,
        "version": card.version,
        "hashes": [{"alg": "SHA-256", "content": card.weights_sha256}],
        "licenses": [_named(model.licence)],
        "modelCard": described,
        "properties": [_property("initial-weights", card.training.origin)],
    }


def _figure(name: str, metric: Metric) -> dict[str, Any]:
    figure: dict[str, Any] = {"type": name, "value": str(metric.value)}
    if metric.low is not None and metric.high is not None:
        figure["confidenceInterval"] = {"lowerBound": str(metric.low), "upperBound": str(metric.high)}
    return figure


def _data(name: str, licences: list[str]) -> dict[str, Any]:
    told = [_named(licence) for licence in licences]
    return {"type": "data", "bom-ref": f"data:{name}", "name": name, "licenses": told}


def _named(licence: str) -> dict[str, Any]:
    return {"license": {"name": licence, "acknowledgement": "declared"}}


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": f"{SELF}:{name}", "value": value}
