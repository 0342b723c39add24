"""The examples of the public functions give what they show."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = (
    "constraints", "explain.explain", "frontiers.frontier", "prices.prices", "sweeps.sweep",
    "sweeps.whatif",
)  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    found = doctest.testmod(import_module(f"modelsizer.optimizer.{name}"))
    assert found.attempted and not found.failed
