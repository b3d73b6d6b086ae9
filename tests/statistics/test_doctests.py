"""The numbers in the docstrings are right."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest

MODULES = (
    "calibration",
    "delong",
    "intervals",
    "multiclass",
    "multireader.assignment",
    "overlap",
    "perfect",
    "ranking",
    "rates",
    "report",
    "segmentation",
    "thresholds",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    module = importlib.import_module(f"core.statistics.{name}")
    result = doctest.testmod(module, extraglobs={"np": np})
    assert result.attempted > 0
    assert result.failed == 0
