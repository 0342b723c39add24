"""Read the catalogue of published laws.

`catalogue.toml` has the laws to solve with, `pages.toml` whatever else is known about laws. Every
solve reads the first; the second is read when a page is asked for.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from modelsizer.problems.laws.laws import Range

Coefficients = Mapping[str, float]


@cache
def law_rows() -> Mapping[str, Mapping[str, Any]]:
    """Tables of `catalogue.toml` by the name of the law."""
    return _read("catalogue.toml")


@cache
def page_rows() -> Mapping[str, Any]:
    """Tables of `pages.toml` by the name of the law, and the list ``left_out``."""
    return _read("pages.toml")


def coefficients_of(row: Mapping[str, Any]) -> dict[str, float]:
    """Coefficients of a table as they are written."""
    return {name: float(value) for name, value in row["coefficients"].items()}


def without_logarithms(coefficients: Coefficients) -> dict[str, float]:
    """The same coefficients with ``A`` in place of ``ln_A``."""
    return {
        name.removeprefix("ln_"): math.exp(value) if name.startswith("ln_") else value
        for name, value in coefficients.items()
    }


def range_of(row: Mapping[str, Any], key: str) -> Range:
    """A range of a table; without ends where it has none."""
    ends = row.get(key, {})
    return Range(ends.get("min"), ends.get("max"))


def _read(name: str) -> Mapping[str, Any]:
    return tomllib.loads((Path(__file__).parent / name).read_text("utf-8"))
