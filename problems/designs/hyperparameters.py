"""How to train a design: batch size and peak learning rate by published laws, as suggestions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from modelsizer.problems.architecture.accounting import (
    TRAINING_PASSES,
    count_parameters,
    forward_flops,
)
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.laws.hyperparameters import UNITS, hyperparameter_laws
from modelsizer.problems.laws.mixtures import mixture_of
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A hyperparameter by one law.

    Parameters
    ----------
    name : {"batch_size", "learning_rate"}
        Tokens of a step, and the peak of the learning rate.
    value : float
    low, high : float
        Band of all laws for such designs: they differ by more than any of them errs on its runs.
    unit : str
    law, source : str
    within : bool
        Whether the design is within the range of the fit.
    outside : tuple of str
        The ends of the fit that it is beyond, in words.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    law: str
    source: str
    within: bool
    outside: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"outside": list(self.outside)}


def hyperparameters(problem: Problem, design: Evaluation) -> tuple[Suggestion, ...]:
    """Suggest batch size and learning rate by each law that was fitted on such designs.

    Laws within the range of their fit come first, then those of designs of this kind alone. There
    is none for endlessly many tokens.

    Parameters
    ----------
    problem : Problem
        Its `training.sequence_length` determines the FLOPs of the scores.
    design : Evaluation
    """
    if not math.isfinite(design.tokens) or design.tokens <= 0:
        return ()
    return suggested(design.architecture, design.tokens, problem.training.sequence_length)


def suggested(architecture: Architecture, tokens: float, sequence: int) -> tuple[Suggestion, ...]:
    """`hyperparameters` of an architecture.

    Parameters
    ----------
    architecture : Architecture
    tokens : float
    sequence : int
        Tokens of a training sequence.
    """
    scale = scale_of(architecture, tokens, sequence)
    mixture = any(mixture_of(group.layer.ffn) is not None for group in architecture.groups)
    laws = [law for law in hyperparameter_laws() if law.suits(mixture=mixture)]
    laws.sort(key=lambda law: (bool(law.outside(scale)), law.designs == "any"))
    values = {name: [law.powers[name].at(scale) for law in laws] for name in UNITS}
    return tuple(
        Suggestion(
            name,
            values[name][i],
            min(values[name]),
            max(values[name]),
            unit,
            law.name,
            law.source,
            not law.outside(scale),
            law.outside(scale),
        )
        for i, law in enumerate(laws)
        for name, unit in UNITS.items()
    )


def scale_of(architecture: Architecture, tokens: float, sequence: int) -> Mapping[str, float]:
    """N, D and C as the laws count them."""
    trunk, groups = architecture.trunk, architecture.groups
    forward = forward_flops(trunk, [group.layer for group in groups], sequence).per_layer
    layers = sum(int(each) * group.count for each, group in zip(forward, groups, strict=True))
    return {
        "N": float(count_parameters(architecture).non_embedding),
        "D": tokens,
        "C": TRAINING_PASSES * float(layers) * tokens,
    }
