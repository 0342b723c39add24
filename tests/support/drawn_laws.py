"""Laws drawn around the published one, and a file of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from modelsizer.problems.laws.files import LawFile, law_text
from modelsizer.problems.laws.laws import PowerLaw
from modelsizer.problems.laws.published import token_law

_BASE = token_law("besiroglu-2024")
assert isinstance(_BASE, PowerLaw)
BASE: PowerLaw = _BASE
ERRORS = {"E": 0.03, "A": 124.6, "alpha": 0.02, "B": 1293.0, "beta": 0.02}
"""Standard errors as published (Besiroglu et al. 2024, arXiv 2404.10102)."""


def drawn(count: int, seed: int = 0) -> list[PowerLaw]:
    """Laws around the published one, each coefficient by itself; A and B by their logarithms."""
    r, found = np.random.default_rng(seed), []
    for _ in range(count):
        values = {}
        for name, error in ERRORS.items():
            value, z = getattr(BASE, name), float(r.normal())
            values[name] = (
                value * math.exp(error / value * z) if name in "AB" else value + error * z
            )
        found.append(replace(BASE, **values))
    return found


def law_file(path: Path, laws: Sequence[PowerLaw]) -> Path:
    names = tuple(ERRORS)
    rows = tuple(tuple(float(getattr(law, n)) for n in names) for law in laws)
    centre = {n: float(getattr(BASE, n)) for n in names}
    path.write_text(law_text(LawFile("mine", "chinchilla", centre, draws=rows, seed=0)))
    return path
