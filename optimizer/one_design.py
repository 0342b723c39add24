"""One architecture under the settings of a problem, or under settings alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer.optimizer.advice import loss_advice, unknown_advice
from modelsizer.optimizer.result import design_dict
from modelsizer.optimizer.warning import AnswerWarning, Consequence, ordered
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.device_room import device_rooms
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.designs.idle_settings import TOKENS, idle_in_model, idle_settings
from modelsizer.problems.designs.memory_parts import (
    asks_for_training,
    missing_training_settings,
)
from modelsizer.problems.designs.standalone import served_as_stored, standalone_problem, trains
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass

_OF_TRAINING = (
    "loss",
    "loss_per_byte",
    "tokenizer",
    "shape_excess",
    "choices",
    "loss_band",
    "law",
    "shape",
    "tokens",
    "training_flops",
)


@dataclass(frozen=True, slots=True)
class OneDesign:
    """An architecture as a design of a problem.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
    trained : bool
        Whether the problem says how long it is trained.
    asks_training : bool
        Whether training memory is asked for.
    idle : tuple of str
        What settings lack that change no figure.
    """

    problem: Problem
    design: Evaluation
    trained: bool
    asks_training: bool = False
    idle: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: what depends on the tokens only where they are known."""
        found = design_dict(self.problem, self.design)
        if not self.trained:
            found |= {key: None for key in _OF_TRAINING if key in found}
            quantities = found["quantities"].items()
            found["quantities"] = {k: v for k, v in quantities if not QUANTITIES[k].of_tokens}
        if self.unjudged:
            found["loss_reason"] = self.unjudged
        if rooms := device_rooms(self.problem, self.design):
            found["fits"] = [room.to_dict() for room in rooms]
        if self.warnings:
            found["warnings"] = [str(warning) for warning in self.warnings]
        return found | {"violated": list(self.violated)}

    @property
    def violated(self) -> tuple[str, ...]:
        """Keys of the limits that it breaks, of those that can be checked."""
        if self.trained:
            return self.design.violated
        return tuple(key for key in self.design.violated if not _of_training(key))

    @property
    def unjudged(self) -> str:
        """Why there is no loss though the tokens are known; empty if there is one."""
        return self.design.unjudged if self.trained else ""

    @property
    def warnings(self) -> tuple[AnswerWarning, ...]:
        """What to mind of the loss, of limits on it, and of the settings."""
        said = loss_advice(self.problem, self.design) if self.trained else []
        if (self.unjudged or not self.trained) and "loss" in self.problem.budgets.limits:
            why = "there is no loss" if self.trained else f"it takes {TOKENS}"
            text = f"budgets.loss is not checked: {why}"
            said.append(AnswerWarning(Consequence.WRONG, text, "budgets.loss"))
        said += unknown_advice(self.problem.under(self.design.layout))
        said += [AnswerWarning(Consequence.HYGIENE, text) for text in self.idle]
        return tuple(ordered(said))


def _of_training(key: str) -> bool:
    """Whether a limit is on what only a number of tokens gives."""
    name = key.removeprefix("budgets.")
    return name == "loss" or name not in QUANTITIES or QUANTITIES[name].of_tokens


def one_design(
    architecture: Architecture, source: str | Problem | None, settings: Mapping[str, object]
) -> OneDesign:
    """Evaluate an architecture under a problem, or under settings alone.

    Parameters
    ----------
    architecture : Architecture
    source : str, Problem or None
        A problem file, a problem of the library, or a problem itself.
    settings : mapping of str to value
        By dotted key, over the problem or by themselves.

    Raises
    ------
    ProblemError
        If there is no such problem, or a setting is wrong.
    """
    if source is not None:
        if isinstance(source, Problem):
            asked = source.with_settings(settings)
        else:
            asked = Problem.load(source, settings)
        problem, trained = served_as_stored(asked, architecture), True
        asks = not missing_training_settings(problem)
    else:
        problem, trained = standalone_problem(architecture, settings), trains(settings)
        asks = not missing_training_settings(problem, asked=asks_for_training(settings))
    design = evaluate(problem, architecture)
    problem = problem.under(design.layout)
    idle = idle_settings(problem, settings, trained=trained)
    idle += idle_in_model(architecture, settings)
    return OneDesign(problem, design, trained, asks, idle)
