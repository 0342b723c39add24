"""What the choices of a design that no law sees are worth, and the band of its loss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from modelsizer.problems.designs.evaluation import Evaluation, architecture_features
from modelsizer.problems.laws.bands import ENDS, TERMS, End
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class Worth:
    """Terms of `modelsizer.problems.laws.ablations` of a design, in nats a token.

    Parameters
    ----------
    choices : mapping of str to mapping
        By term, its low, middle and high reading; zero for what the law sees itself, and where
        `objective.ablations` is "none".
    low, high : float
        Loss with all terms at their low and at their high reading, on the same tokens.
    """

    choices: Mapping[str, Mapping[End, float]]
    low: float
    high: float

    def to_dict(self) -> dict[str, object]:
        """The keys of the JSON contract."""
        return {
            "choices": {name: dict(ends) for name, ends in self.choices.items()},
            "loss_band": {"low": self.low, "high": self.high},
        }


def worth(problem: Problem, design: Evaluation) -> Worth | None:
    """Return what the choices of a design are worth; None if it has no finite loss.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
    """
    if design.unjudged or not math.isfinite(design.loss):
        return None
    quality = problem.quality
    if quality.ablations is None:
        none: dict[End, float] = dict.fromkeys(ENDS, 0.0)
        return Worth(dict.fromkeys(TERMS, none), design.loss, design.loss)
    features = architecture_features(design.architecture, quality.law.features)
    predicted = float(quality.law.of(features).loss(float(design.law_parameters), design.text))
    reducible = max(predicted - quality.law.irreducible, 0.0)
    terms = {end: replace(quality.ablations, end=end).terms(design.architecture) for end in ENDS}
    shares = {end: sum(float(share) for share in of.values()) for end, of in terms.items()}
    mine = shares[quality.ablations.end]
    low, high = (design.loss + (shares[end] - mine) * reducible for end in ("low", "high"))
    return Worth(
        {name: {end: float(terms[end][name]) * reducible for end in ENDS} for name in TERMS},
        low,
        high,
    )
