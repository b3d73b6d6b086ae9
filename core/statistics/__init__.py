"""Pure statistics: numpy in, values out. Metrics, intervals by patient, operating points, calibration, masks."""

from core.statistics._checks import StatisticsInputError
from core.statistics.calibration import apply_temperature, brier, ece, fit_temperature, nll
from core.statistics.delong import DelongTest, delong, delong_test, delong_variance
from core.statistics.intervals import (
    Interval,
    PairedDifference,
    bootstrap_by_group,
    paired_bootstrap,
    wilson,
)
from core.statistics.multiclass import MulticlassRates, multiclass
from core.statistics.perfect import past_perfection, ranking_past_perfection
from core.statistics.ranking import roc_auc
from core.statistics.rates import BinaryRates, binary_rates
from core.statistics.report import ClassFigures, ClassificationReport, classification_report
from core.statistics.segmentation import (
    VolumeDice,
    dice,
    dice_per_volume,
    false_mask_rate,
    iou,
    sensitivity_of_slices,
    tversky,
)
from core.statistics.thresholds import ThresholdChoice, at_sensitivity, balanced_accuracy_optimum, youden

__all__ = [
    "BinaryRates",
    "ClassFigures",
    "ClassificationReport",
    "DelongTest",
    "Interval",
    "MulticlassRates",
    "PairedDifference",
    "StatisticsInputError",
    "ThresholdChoice",
    "VolumeDice",
    "apply_temperature",
    "at_sensitivity",
    "balanced_accuracy_optimum",
    "binary_rates",
    "bootstrap_by_group",
    "brier",
    "classification_report",
    "delong",
    "delong_test",
    "delong_variance",
    "dice",
    "dice_per_volume",
    "ece",
    "false_mask_rate",
    "fit_temperature",
    "iou",
    "multiclass",
    "nll",
    "paired_bootstrap",
    "past_perfection",
    "ranking_past_perfection",
    "roc_auc",
    "sensitivity_of_slices",
    "tversky",
    "wilson",
    "youden",
]
