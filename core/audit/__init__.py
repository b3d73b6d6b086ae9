"""What is wrong with a data set: copies, leaks, conflicting labels, shortcuts. Pure: arrays in, values out."""

from core.audit.duplicates import (
    Pairs,
    clusters,
    embedding_pairs,
    exact_sets,
    hash_pairs,
)
from core.audit.fingerprint import Fingerprint, Table, fingerprint, tabulate
from core.audit.leakage import conflicting_sets, groups_on_both_sides, mixed_groups
from core.audit.markdown import to_markdown
from core.audit.report import AuditReport, NearDuplicates, audit_table
from core.audit.shortcuts import Shortcut, combined_shortcut, shortcut_baselines

__all__ = [
    "AuditReport",
    "Fingerprint",
    "NearDuplicates",
    "Pairs",
    "Shortcut",
    "Table",
    "audit_table",
    "clusters",
    "combined_shortcut",
    "conflicting_sets",
    "embedding_pairs",
    "exact_sets",
    "fingerprint",
    "groups_on_both_sides",
    "hash_pairs",
    "mixed_groups",
    "shortcut_baselines",
    "tabulate",
    "to_markdown",
]
