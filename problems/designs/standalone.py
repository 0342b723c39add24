"""Evaluate an architecture under settings, without a space to search."""

from __future__ import annotations

from collections.abc import Mapping

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import names_of
from modelsizer.problems.reading import overlaid


def trains(settings: Mapping[str, object]) -> bool:
    """Whether the settings determine the amount of training."""
    said = ("training.tokens", *(f"budgets.{name}" for name in names_of("tokens", "flops")))
    return any(key.startswith(said) for key in settings)


def served_as_stored(problem: Problem, architecture: Architecture) -> Problem:
    """A problem whose weights are those that the architecture's configuration stores.

    What the problem says of the bytes of weights is kept.
    """
    if architecture.stored is None:
        return problem
    return problem.model_copy(update={"serving": problem.serving.stored(architecture.stored)})


def standalone_problem(architecture: Architecture, settings: Mapping[str, object]) -> Problem:
    """A problem with the settings under which one architecture is evaluated.

    Parameters
    ----------
    architecture : Architecture
    settings : mapping
        Dotted keys of a problem file's training, serving, budgets and objective.

    Raises
    ------
    ProblemError
        If a setting is invalid.
    """
    shape = architecture_dict(architecture)
    # The space is never searched, but must not be empty.
    names = ("layers", "d_model", "heads", "head_dim", "kv_heads", "d_ff", "vocab_size")
    space = {name: max(1, int(shape[name])) for name in names}
    tokens = {} if trains(settings) else {"training": {"tokens": 1}}
    raw = overlaid({"space": space} | tokens, settings)
    return served_as_stored(Problem.from_tables(raw), architecture)
