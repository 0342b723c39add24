"""Published models nearest to an architecture, by size and by kinds of layer."""

from __future__ import annotations

import math

from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.families import families
from modelsizer.problems.architecture.models import models

_OF_A_KIND = math.log(4)
"""Distance of a kind of layer that only one of two models has: as far as 4 times the size."""


def distance(one: Architecture, other: Architecture) -> float:
    """Distance of two architectures: a judgement, for the choice of what is shown beside one.

    The logarithms of the ratios of all and of active parameters, and a constant for each family of
    mixer or feed-forward that only one of them has.
    """
    mine, theirs = count_parameters(one), count_parameters(other)
    apart = abs(math.log(mine.total / theirs.total)) + abs(math.log(mine.active / theirs.active))
    return apart + _OF_A_KIND * len(_kinds(one) ^ _kinds(other))


def _kinds(architecture: Architecture) -> set[str]:
    return {
        family for group in architecture.groups for part in families(group.layer) for family in part
    }


def nearest(architecture: Architecture, most: int) -> dict[str, Architecture]:
    """The published models nearest to an architecture, by name, nearest first.

    Parameters
    ----------
    architecture : Architecture
    most : int
        Number of models. Of several with the same layers in the same order the nearest stands; the
        architecture itself is left out.
    """
    known = {name: model.architecture for name, model in models().items()}
    ranked = sorted(known, key=lambda name: distance(architecture, known[name]))
    found: dict[str, Architecture] = {}
    patterns = set()
    for name in ranked:
        pattern = _pattern(known[name])
        if len(found) < most and known[name] != architecture and pattern not in patterns:
            found[name] = known[name]
            patterns.add(pattern)
    return found


def _pattern(architecture: Architecture) -> tuple[object, ...]:
    """Families of the layers in their order; of groups where the order is not known."""
    layers = architecture.stack()
    if layers is None:
        return tuple((group.count, families(group.layer)) for group in architecture.groups)
    of = {layer: families(layer) for layer in set(layers)}
    return tuple(of[layer] for layer in layers)
