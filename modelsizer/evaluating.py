"""One architecture under the settings of a problem, or under settings alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelsizer.optimizer.result import design_dict
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.designs.standalone import situation, trains
from modelsizer.problems.key_values import read_pairs
from modelsizer.problems.problem import Problem

_OF_TRAINING = ("loss", "shape_excess", "law", "shape", "tokens", "training_flops")
_TIMED = ("training_time", "training_cost", "training_energy", "lifetime_flops", "lifetime_cost")


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A design, and whether the question says how long it is trained."""

    problem: Problem
    design: Evaluation
    priced: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: what depends on the tokens only where they are known."""
        found = design_dict(self.problem, self.design)
        if not self.priced:
            found |= dict.fromkeys(_OF_TRAINING)
            found["quantities"] = {k: v for k, v in found["quantities"].items() if k not in _TIMED}
        return found | {"violated": list(self.design.violated)}


def evaluated(architecture: Architecture, source: str | None, settings: list[str]) -> Evaluated:
    """Evaluate an architecture as a design.

    Parameters
    ----------
    architecture : Architecture
    source : str or None
        A problem file, or a problem of the library.
    settings : list of str
        ``"key=value"`` over it, or alone.

    Raises
    ------
    ProblemError
        If there is no such problem, or a setting is wrong.
    """
    over = read_pairs(settings)
    if source is not None:
        problem = Problem.load(source, over)
        return Evaluated(problem, evaluate(problem, architecture), True)
    problem = situation(architecture, over)
    return Evaluated(problem, evaluate(problem, architecture), trains(over))
