"""What is not known of the accelerators that a problem names, and what that means for its figures.

Every command that names an accelerator says so, instead of leaving figures out in silence.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelsizer.problems.hardware.accelerators import FIGURES, NOT_KNOWN
from modelsizer.problems.problem import Problem
from modelsizer.problems.requirements.device_limits import unknown_memories
from modelsizer.problems.space.layouts import Layout


def unknown_figures(problem: Problem, layouts: Iterable[Layout]) -> tuple[str, ...]:
    """Sentences for the accelerators of several answers, each once."""
    found: dict[str, None] = {}
    for layout in dict.fromkeys(layouts):
        under = problem.under(layout)
        found |= dict.fromkeys((*unknown_memory(under), *unknown_speeds(under)))
    return tuple(found)


def unknown_memory(problem: Problem) -> tuple[str, ...]:
    """Sentences, without full stops, for accelerators whose memory, unknown, limits nothing.

    Parameters
    ----------
    problem : Problem
        Of single values: `Problem.under` a layout.
    """
    return tuple(
        f"nothing limits {quantity} to what fits {device}, whose memory is not known: give "
        f"budgets.{quantity}, or the accelerator with its memory as custom_accelerator"
        for quantity, device in unknown_memories(problem.settings, problem.budgets)
    )


def unknown_speeds(problem: Problem) -> tuple[str, ...]:
    """Sentences, without full stops, for figures without which a time or an energy is unknown.

    Parameters
    ----------
    problem : Problem
        Of single values: `Problem.under` a layout.
    """
    return (*_of_serving(problem), *_of_training(problem))


def _of_serving(problem: Problem) -> tuple[str, ...]:
    device = problem.serving.device
    if device is None:
        return ()
    if NOT_KNOWN in (lack := problem.lacks("decode_latency")):
        return (f"decode and prefill have no latency: {lack}",)
    if NOT_KNOWN not in problem.lacks("prefill_latency"):
        return ()
    peak = FIGURES[f"{problem.serving.compute}_flops"]
    return (
        f"the {peak} of {device.name} is not known: a decode step counts what it moves and not "
        "what it computes, and the time to the first token is not known; give "
        f"{problem.serving.compute}_flops under serving.custom_accelerator",
    )


def _of_training(problem: Problem) -> tuple[str, ...]:
    if problem.training.device is None:
        return ()
    if NOT_KNOWN in (lack := problem.lacks("training_time")):
        return (f"training has no time, cost or energy: {lack}",)
    if NOT_KNOWN in (lack := problem.lacks("training_energy")):
        return (f"training has no energy: {lack}, or write training.watts",)
    return ()
