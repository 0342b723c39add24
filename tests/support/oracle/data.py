"""Catalogues of the package, read as plain data, and exact numbers."""

from __future__ import annotations

import tomllib
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

PROBLEMS = Path(__file__).resolve().parents[3] / "problems"
Tables = dict[str, Any]


@cache
def catalogue(path: str) -> Tables:
    """A TOML file of the folder problems/."""
    return tomllib.loads((PROBLEMS / path).read_text("utf-8"))


def efficiencies() -> Tables:
    return catalogue("hardware/efficiencies.toml")


def training_efficiencies() -> Tables:
    return catalogue("hardware/training_efficiencies.toml")


def exact(value: float | Fraction) -> Fraction:
    """A decimal literal, exactly."""
    return Fraction(value) if isinstance(value, int | Fraction) else Fraction(repr(float(value)))


def ceil(value: Fraction | int) -> int:
    return -((-value) // 1)


def up(count: int, factor: Fraction) -> int:
    """ceil(count x factor)"""
    return -(-count * factor.numerator // factor.denominator)


def accelerator(table: Tables) -> Tables | None:
    """Figures of the accelerator of [training] or [serving]; None if it has none."""
    if "custom_accelerator" in table:
        own = {"name": "custom accelerator", "memory_type": "HBM"} | table["custom_accelerator"]
        return {k: v if isinstance(v, str) else exact(v) for k, v in own.items()}
    if "accelerator" not in table:
        return None
    name = table["accelerator"]
    return {"memory_type": "HBM", "name": name} | catalogue("hardware/accelerators.toml")[name]
