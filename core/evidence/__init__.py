"""What a model's stored predictions prove: records, tables with intervals, comparisons. No image is needed."""

from core.evidence.records import Evidence, EvidenceError, NoPredictionsError, Part, load
from core.evidence.tables import Column, Row, Table

__all__ = ["Column", "Evidence", "EvidenceError", "NoPredictionsError", "Part", "Row", "Table", "load"]
