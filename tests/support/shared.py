"""Reference data that lives outside the project, and what all tests of agreement ask."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
LAW_ALONE = {"objective.ablations": "none"}
"""Of answers and figures that are of a law alone, without what it cannot see."""
SOLVERS = ("exhaustive", "auto", "bound", "scipy", "pulp", "pulp:HiGHS")


def reference(name: str) -> Path:
    """Path of a reference file; skips the test where there is none."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"reference data {name} is not beside this checkout")
    return path


def reference_json(name: str) -> Any:
    """A reference file, parsed."""
    return json.loads(reference(name).read_text())


def case(name: str) -> Any:
    """A handed case: a configuration parsed, or the path of any other file."""
    path = DATA.parent / "cases" / name
    if not path.exists():
        pytest.skip(f"case {name} is not beside this checkout")
    return json.loads(path.read_text()) if path.suffix == ".json" else path


def seeds(values: Iterable[int], long: Collection[int]) -> list[Any]:
    """Seeds of random problems; those that take several seconds run with the slow tests."""
    return [pytest.param(n, marks=pytest.mark.slow) if n in long else n for n in values]
