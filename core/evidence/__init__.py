"""What a model's stored predictions prove: records, tables with intervals, comparisons. No image is needed."""

from core.evidence.tables import Column, Row, Table
from core.weights.predictions import Evidence, EvidenceError, NoPredictionsError, Part, load

__all__ = ["Column", "Evidence", "EvidenceError", "NoPredictionsError", "Part", "Row", "Table", "load"]
