"""Features of a design that a law may depend on, besides its parameters and its tokens.

A set of designs is a mapping ``{feature: array}``. A box of designs is two such mappings, with the
least and the greatest value of each feature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choices import BY_NAME, CHOICES
from modelsizer.problems.laws.stack_values import (
    ACTIVE_PARAMETERS,
    OWN,
    base_name,
    is_stack_value,
    stack_between,
    stack_value,
)

Floats = Any
"""A float, or a float64 array; laws work on both alike."""


class Terms(Protocol):
    """What a loss depends on of whole stacks: `modelsizer.problems.laws.ablations.Ablations`."""

    def parts(
        self,
        low: Architecture,
        high: Architecture,
        weights: tuple[Architecture, Architecture] | None = None,
    ) -> list[Floats]:
        """Lower bounds on what the terms are computed from, over boxes of designs."""

    def combined(self, parts: Sequence[Floats]) -> dict[str, Floats]:
        """Terms by name from their parts, in each of which they rise."""


Seen = str | Terms
"""What a loss depends on: a feature by its name, or the sum of terms."""


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
FEATURES = ("parameters", "tokens", *SHAPE_FEATURES, *OWN)
"""What a law of one's own may name; see `modelsizer.problems.laws.stack_values` for the last."""
RATIOS: Mapping[str, tuple[str, str]] = {
    name: parts for choice in CHOICES for name, parts in choice.ratios.items()
}
"""Features that are the ratio of two widths or depths."""

Features = Mapping[Any, Floats]
"""Values by `Seen`, which broadcast with one another, with N and with D."""


def parts_of(names: Iterable[Seen]) -> tuple[Seen, ...]:
    """Widths, depths and ablations from which features are computed, without duplicates."""
    return tuple(dict.fromkeys(part for name in names for part in _parts(name)))


def is_of_stack(name: Seen) -> bool:
    """Whether a feature is of whole stacks of layers rather than of widths and depths."""
    return not isinstance(name, str) or is_stack_value(name)


def grows_with_depth(name: Seen) -> bool:
    """Whether a feature of stacks differs between depths of one kind of layer."""
    return isinstance(name, str) and base_name(name) == ACTIVE_PARAMETERS


def of_stack(name: Seen, designs: Architecture) -> Floats:
    """Compute a feature that is of no single width.

    Parameters
    ----------
    name : Seen
    designs : Architecture
        Its integers may be arrays.
    """
    return from_parts(name, parts_of_stack(name, designs))


def parts_of_stack(name: Seen, designs: Architecture) -> list[Floats]:
    """Compute what a feature is computed from: ratios of functions affine in the depths."""
    return [stack_value(name, designs)] if isinstance(name, str) else name.parts(designs, designs)


def from_parts(name: Seen, parts: Sequence[Floats]) -> Floats:
    """Compute a feature, or a bound on it, from parts, in each of which it rises."""
    return parts[0] if isinstance(name, str) else sum(name.combined(parts).values(), start=0.0)


def range_of_stack(name: Seen, low: Architecture, high: Architecture) -> tuple[Floats, Floats]:
    """Compute lower and upper bounds on a feature over boxes of designs; see `of_stack`.

    Nothing falls as the terms of ablations rise, so their upper bound is infinite.
    """
    if isinstance(name, str):
        return stack_between(name, low, high)
    least = from_parts(name, name.parts(low, high))
    return least, np.full(np.shape(least), np.inf)


def _parts(name: Seen) -> tuple[Seen, ...]:
    return RATIOS.get(name, (name,)) if isinstance(name, str) else (name,)


def features_of(names: Iterable[Seen], value: Callable[[Any], Floats]) -> dict[Seen, Floats]:
    """Compute features of designs.

    Parameters
    ----------
    names : iterable of Seen
        Names of `SHAPE_FEATURES`, and ablations.
    value : callable
        From the name of a width, ``layers``, or ablations, to its values.

    Returns
    -------
    dict of array
    """
    names = tuple(names)
    parts = {part: np.asarray(value(part), float) for part in parts_of(names)}
    return {name: _ratio(name, parts, parts) for name in names}


def architecture_features(architecture: Architecture, names: Iterable[Seen]) -> Features:
    """Features of an architecture for laws, as numbers; widths are those of its first layers.

    Parameters
    ----------
    names : iterable of Seen
        Names in `SHAPE_FEATURES`, and ablations.
    """

    def value(name: Seen) -> Floats:
        known = BY_NAME.get(name) if isinstance(name, str) else None
        return of_stack(name, architecture) if known is None else known.of(architecture)

    return features_of(names, value)


def ranges_of(
    names: Iterable[Seen], low: Callable[[Any], Floats], high: Callable[[Any], Floats]
) -> tuple[dict[Seen, Floats], dict[Seen, Floats]]:
    """Compute the ranges of features over boxes from the ranges of widths and depths.

    Parameters
    ----------
    names : iterable of Seen
        Names of `SHAPE_FEATURES`, and ablations.
    low, high : callable
        From the name of a width, ``layers``, or ablations, to its least and its greatest values.

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


def _ratio(name: Seen, over: Features, under: Features) -> Floats:
    if not isinstance(name, str) or name not in RATIOS:
        return over[name]
    above, below = RATIOS[name]
    return over[above] / under[below]
