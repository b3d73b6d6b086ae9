"""The page under CHAI's headings, against the elements of https://mc.chai.org/v0.2/schema.xsd copied here by hand."""

from __future__ import annotations

import re

from core.proof.applied_card import page
from core.weights.card import DataUse, Metric
from tests.cards import card_of

METRIC = "MetricGoal Results Interpretation TestType TestingDataDescription ValidationProcessAndJustification"
ELEMENTS = f"""
BasicInfo ModelName ModelDeveloper DeveloperContact
ReleaseInfo ReleaseStage ReleaseDate ReleaseVersion GlobalAvailability EHRCompatibility RegulatoryApproval
ModelSummary Summary Keywords
UsesAndDirections IntendedUseAndWorkflow PrimaryIntendedUsers HowToUse TargetedPatientPopulation
CautionedOutOfScopeSettings
Warnings KnownRisksAndLimitations KnownBiasesOrEthicalConsiderations ClinicalRiskLevel
TrustIngredients
AISystemFacts OutcomesAndOutputs ModelType FoundationModels InputDataSource OutputAndInputDataTypes
DevelopmentDataCharacterization BiasMitigationApproaches OngoingMaintenance Security Transparency
TransparencyInformation FundingSource ThirdPartyInformation StakeholdersConsulted
KeyMetrics
UsefulnessUsabilityEfficacy {METRIC}
FairnessEquity {METRIC}
SafetyReliability {METRIC}
Resources EvaluationReferences ClinicalTrial PeerReviewedPublications ReimbursementStatus PatientConsentOrDisclosure
Bibliography
""".split()


def _card(**fields: object) -> str:
    data = DataUse(name="set", licence="CC0", train=7, validation=2, test=5, groups={"test": 3}, split_fingerprint="f")
    card = card_of("brain-mr", "unet", "unet_resnet18", data=(data,), **fields)
    return page(card, {"set", "other"})


def test_every_element_stands_once_in_the_schemas_order() -> None:
    found = [a or b for a, b in re.findall(r"^(?:#{2,} (\w+)|- \*\*(\w+):\*\*)", _card(), re.MULTILINE)]
    assert found == [*ELEMENTS, "Bibliography"]  # the last is a section and its own field


def test_figures_stand_with_interval_count_and_baseline() -> None:
    text = _card(
        metrics={
            "auc": Metric(value=0.91234, low=0.8, high=0.95555, n=5, groups=3, method="bootstrap"),
            "ece": Metric(value=0.04, n=5),
        },
        baselines={"always positive": {"accuracy": 0.6, "accuracy_low": 0.5, "accuracy_high": 0.7}},
    )
    assert "    - auc 0.912, 95 % interval 0.800 to 0.956; n 5 in 3 groups; bootstrap\n" in text
    assert "    - baseline, always positive: accuracy 0.600 (0.500 to 0.700)\n" in text
    reliable = text.partition("### SafetyReliability")[2]
    assert "    - ece 0.040; n 5\n" in reliable
    assert "auc" not in reliable


def test_what_a_card_does_not_state_is_not_filled_in() -> None:
    text = _card()
    fair = text.partition("### FairnessEquity")[2].partition("###")[0]
    assert fair.count("not stated") == 6
    assert "- **FundingSource:** not stated\n" in text
    assert "- **KnownRisksAndLimitations:** not stated\n" in text
    assert "    - set: data/set.md of this folder, 'What is wrong with it'\n" in text
    assert "other" not in text
