"""A model card under the headings of the CHAI Applied Model Card, as a page.

The headings are the elements of its schema, version 0.2 (https://mc.chai.org/v0.2/schema.xsd), in its order. What a
card does not state is told as not stated: nothing is filled in for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from core.proof.packages import NOT_STATED
from core.systems import SYSTEMS
from core.systems.published import published
from core.weights.card import DataUse, Metric, ModelCard

Field = tuple[str, str | Sequence[str]]
_RELIABILITY = ("ece",)  # how far stated probabilities are off; what else is measured is about right and wrong answers
_TESTING = ("MetricGoal", "Results", "Interpretation", "TestType", "TestingDataDescription")


def page(card: ModelCard, data_cards: Collection[str]) -> str:
    """Markdown: a heading a section, a list item a field; ``data_cards`` are the names of those in the pack."""
    lines = [f"# AppliedModelCard: {card.system}/{card.name}", "", f"Every figure: `{card.pedigree}`.", ""]
    for title, level, fields in _sections(card, data_cards):
        lines += [f"{'#' * level} {title}", ""]
        for name, value in fields:
            if isinstance(value, str):
                lines.append(f"- **{name}:** {value or NOT_STATED}")
            else:
                lines += [f"- **{name}:**{'' if value else ' ' + NOT_STATED}", *(f"    - {one}" for one in value)]
        lines += [""] if fields else []
    return "\n".join(lines).rstrip() + "\n"


def _sections(card: ModelCard, data_cards: Collection[str]) -> list[tuple[str, int, list[Field]]]:
    figures = {name: _figure(name, metric) for name, metric in sorted(card.metrics.items())}
    useful = [text for name, text in figures.items() if name not in _RELIABILITY]
    caveats = [f"{d.name}: {text}" for d in card.data for text in d.caveats]
    known = sorted({d.name for d in card.data} & set(data_cards))
    caveats += [f"{name}: data/{name}.md of this folder, 'What is wrong with it'" for name in known]
    baselines = [f"baseline, {name}: {_baseline(values)}" for name, values in sorted(card.baselines.items())]
    return [
        (
            "BasicInfo",
            2,
            [
                ("ModelName", f"{card.title} ({card.system}/{card.name})"),
                ("ModelDeveloper", "The Overread authors"),
                ("DeveloperContact", ""),
            ],
        ),
        (
            "ReleaseInfo",
            2,
            [
                ("ReleaseStage", "research and teaching only"),
                ("ReleaseDate", f"{NOT_STATED}; trained on {card.training.date}"),
                ("ReleaseVersion", card.version),
                ("GlobalAvailability", ""),
                ("EHRCompatibility", ""),
                ("RegulatoryApproval", "none: not a medical device"),
            ],
        ),
        ("ModelSummary", 2, _summary(card)),
        (
            "UsesAndDirections",
            2,
            [
                ("IntendedUseAndWorkflow", card.intended_use),
                ("PrimaryIntendedUsers", ""),
                ("HowToUse", ""),
                ("TargetedPatientPopulation", ""),
                ("CautionedOutOfScopeSettings", SYSTEMS[card.system].scope if card.system in SYSTEMS else ""),
            ],
        ),
        (
            "Warnings",
            2,
            [
                ("KnownRisksAndLimitations", card.limits),
                ("KnownBiasesOrEthicalConsiderations", caveats),
                ("ClinicalRiskLevel", ""),
            ],
        ),
        ("TrustIngredients", 2, []),
        ("AISystemFacts", 3, _facts(card)),
        (
            "TransparencyInformation",
            3,
            [
                ("FundingSource", ""),
                ("ThirdPartyInformation", [f"data: {d.name}, {d.licence}" for d in card.data]),
                ("StakeholdersConsulted", ""),
            ],
        ),
        ("KeyMetrics", 2, []),
        ("UsefulnessUsabilityEfficacy", 3, _measured(card, useful + baselines)),
        ("FairnessEquity", 3, _measured(card, [])),
        ("SafetyReliability", 3, _measured(card, [figures[name] for name in _RELIABILITY if name in figures])),
        (
            "Resources",
            2,
            [
                ("EvaluationReferences", published(card)),
                ("ClinicalTrial", ""),
                ("PeerReviewedPublications", ""),
                ("ReimbursementStatus", ""),
                ("PatientConsentOrDisclosure", ""),
            ],
        ),
        ("Bibliography", 2, [("Bibliography", "")]),
    ]


def _summary(card: ModelCard) -> list[Field]:
    system = SYSTEMS.get(card.system)
    words = [card.system, card.role, card.architecture, *card.positive]
    return [("Summary", system.summary if system else ""), ("Keywords", ", ".join(words))]


def _facts(card: ModelCard) -> list[Field]:
    rule, contract = card.threshold, card.contract.model_dump(mode="json", exclude_defaults=True)
    members = f", {card.members} members averaged" if card.members > 1 else ""
    return [
        (
            "OutcomesAndOutputs",
            [
                f"calibrated probabilities of: {', '.join(card.classes)}; a finding: {', '.join(card.positive)}",
                f"threshold {rule.value:.3f}: {rule.rule}, {rule.data}, n {rule.n}"
                + (f", {rule.groups} groups" if rule.groups is not None else ""),
            ],
        ),
        ("ModelType", f"{card.role}, {card.architecture}, {card.parameters:,} parameters{members}"),
        ("FoundationModels", f"initial weights: {card.training.origin}"),
        ("InputDataSource", card.contract.modality.value if card.contract.modality else ""),
        ("OutputAndInputDataTypes", [f"{name}: {value}" for name, value in contract.items()]),
        ("DevelopmentDataCharacterization", [_used(d) for d in card.data]),
        ("BiasMitigationApproaches", ""),
        ("OngoingMaintenance", ""),
        ("Security", "documents/SECURITY.md of this folder"),
        ("Transparency", f"models/{card.system}/{card.name}/card.json of this folder: the whole card"),
    ]


def _used(data: DataUse) -> str:
    groups = ", ".join(f"{part} {number}" for part, number in sorted(data.groups.items()))
    simulated = f"; share of simulated scans in training {data.simulated_share:g}" if data.simulated_share else ""
    return (
        f"{data.name}: {data.train} images for training, {data.validation} for validation, {data.test} for the test; "
        f"groups: {groups or NOT_STATED}; split {data.split_fingerprint}{simulated}"
    )


def _measured(card: ModelCard, results: list[str]) -> list[Field]:
    if not results:
        return [(name, "") for name in (*_TESTING, "ValidationProcessAndJustification")]
    tested = [f"test part of {d.name}, {d.test} images, {d.groups.get('test', NOT_STATED)} groups" for d in card.data]
    values: tuple[str | Sequence[str], ...] = ("", results, "", "held-out part of the data sets trained on", tested)
    rule = f"threshold chosen on: {card.threshold.data}; its rule: {card.threshold.rule}"
    return [*zip(_TESTING, values, strict=True), ("ValidationProcessAndJustification", rule)]


def _figure(name: str, metric: Metric) -> str:
    known = metric.low is not None and metric.high is not None
    interval = f", 95 % interval {metric.low:.3f} to {metric.high:.3f}" if known else ""
    groups = f" in {metric.groups} groups" if metric.groups is not None else ""
    method = f"; {metric.method}" if metric.method else ""
    return f"{name} {metric.value:.3f}{interval}; n {metric.n}{groups}{method}"


def _baseline(values: Mapping[str, float]) -> str:
    """Figures by name, each with its interval where ``NAME_low`` and ``NAME_high`` stand beside it."""

    def one(name: str) -> str:
        low, high = values.get(f"{name}_low"), values.get(f"{name}_high")
        interval = f" ({low:.3f} to {high:.3f})" if low is not None and high is not None else ""
        return f"{name} {values[name]:.3f}{interval}"

    return ", ".join(one(name) for name in sorted(values) if not name.endswith(("_low", "_high")))
