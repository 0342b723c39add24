"""Features of a design that a law may depend on, besides its parameters and its tokens.

A set of designs is a mapping ``{feature: array}``. A box of designs is two such mappings, with the
least and the greatest value of each feature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from modelsizer.problems.architecture.choices import CHOICES

Floats = Any
"""A float, or a float64 array; laws work on both alike."""


def beyond_doubles() -> np.errstate:
    """Context for arithmetic that may overflow, where infinite and undefined results are handled.

    A design whose loss is no finite number is infeasible
    (`modelsizer.problems.designs.evaluation`), and a bound that is none is not trusted
    (`modelsizer.optimizer.bounds.relaxation.trusted`).
    """
    return np.errstate(over="ignore", divide="ignore", invalid="ignore")


SHAPE_FEATURES = tuple(
    name for choice in CHOICES if choice.law for name in (choice.name, *choice.ratios)
)
FEATURES = ("parameters", "tokens", *SHAPE_FEATURES)
RATIOS: Mapping[str, tuple[str, str]] = {
    name: parts for choice in CHOICES for name, parts in choice.ratios.items()
}
"""Features that are the ratio of two widths or depths."""

Features = Mapping[str, Floats]
"""Values by feature, which broadcast with one another, with N and with D."""


def parts_of(names: Iterable[str]) -> tuple[str, ...]:
    """Widths and depths from which features are computed, without duplicates."""
    return tuple(dict.fromkeys(part for name in names for part in RATIOS.get(name, (name,))))


def features_of(names: Iterable[str], value: Callable[[str], Floats]) -> dict[str, Floats]:
    """Compute features of designs.

    Parameters
    ----------
    names : iterable of str
        Of `SHAPE_FEATURES`.
    value : callable
        From the name of a width, or ``layers``, to its values.

    Returns
    -------
    dict of array
    """
    names = tuple(names)
    parts = {part: np.asarray(value(part), float) for part in parts_of(names)}
    return {name: _ratio(name, parts, parts) for name in names}


def ranges_of(
    names: Iterable[str], low: Callable[[str], Floats], high: Callable[[str], Floats]
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Compute the ranges of features over boxes from the ranges of widths and depths.

    Parameters
    ----------
    names : iterable of str
        Of `SHAPE_FEATURES`.
    low, high : callable
        From the name of a width, or ``layers``, to its least and its greatest values.

    Returns
    -------
    least, most : dict of array
    """
    names = tuple(names)
    least = {part: np.asarray(low(part), float) for part in parts_of(names)}
    most = {part: np.asarray(high(part), float) for part in parts_of(names)}
    return (
        {name: _ratio(name, least, most) for name in names},
        {name: _ratio(name, most, least) for name in names},
    )


def _ratio(name: str, over: Features, under: Features) -> Floats:
    if name not in RATIOS:
        return over[name]
    above, below = RATIOS[name]
    return over[above] / under[below]
