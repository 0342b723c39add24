"""Figures of stacks of layers: their pattern, and what each kind of layer costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelsizer.pictures.picture import Example, Picture, drawn_by

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from modelsizer.optimizer.tables.clock import Clock
    from modelsizer.problems.designs.by_kind import Compared
    from modelsizer.problems.designs.evaluation import Evaluation
    from modelsizer.problems.designs.expert_map import ExpertMap
    from modelsizer.problems.designs.worth import Worth
    from modelsizer.problems.problem import Problem

    Judged = tuple[Problem, Evaluation]

_BESIDE = ("gemma-3-27b", "gpt-oss-120b", "deepseek-v3", "qwen3-next-80b-a3b")
_SOLVED, _PROBLEM = "windows-128k", "exercise-1e24"
_COMMAND = " ".join(
    [f"modelsizer describe {_SOLVED} --view layers", *(f"--beside {name}" for name in _BESIDE)]
)


def _example() -> tuple[Compared, str]:
    """The answer to a problem beside published models."""
    from modelsizer.optimizer.solver import Solver
    from modelsizer.problems.architecture.sources import load_architecture
    from modelsizer.problems.designs.by_kind import by_kind
    from modelsizer.problems.problem import Problem

    problem = Problem.load(_SOLVED)
    best = Solver(problem).solve(details=False).best
    published = {name: load_architecture(name) for name in _BESIDE}
    return by_kind(problem, {"optimum": best.architecture} | published), problem.name


def _stack(data: Compared, **style: Any) -> Figure:
    from modelsizer import plots

    models = {model.name: model.architecture for model in data.models}
    return plots.stack(models, **style)


STACK = Picture(
    name="stack",
    title="A stack and its pattern of layers",
    caption="A strip for each model, from the first layer on, on one scale: mixers by colour, "
    "low where they do not see the whole context, and below them the feed-forwards.",
    command="describe",
    figure=_stack,
    example=Example(
        f"{_COMMAND} --plot stack.png",
        _example,
        "Without `--beside`, the published models nearest to the design.",
    ),
)


KINDS = Picture(
    name="kinds",
    title="Memory and FLOPs by kind of layer",
    caption="Shares of serving memory and of training FLOPs. Plain is what weights cost, hatched "
    "what the context costs: caches and states in memory, scores in FLOPs.",
    command="describe",
    figure=drawn_by("kinds"),
    example=Example(
        f"{_COMMAND} --picture kinds --plot kinds.png",
        _example,
    ),
)


def _published(name: str) -> tuple[Judged, str]:
    """A published model as a design of a problem."""
    from modelsizer.optimizer.one_design import one_design
    from modelsizer.problems.architecture.sources import load_architecture

    found = one_design(load_architecture(name), _PROBLEM, {})
    return (found.problem, found.design), name


def _experts_data(answer: Judged, _clock: Clock) -> ExpertMap:
    from modelsizer.problems.designs.expert_map import expert_map

    return expert_map(*answer)


EXPERTS = Picture(
    name="experts",
    title="Loss over the experts of a mixture",
    caption="What other experts of the same FLOPs predict: a smaller share of them in use (to the "
    "right, where the model holds more) and narrower ones. The star is the design.",
    command="describe",
    data=_experts_data,
    figure=drawn_by("experts"),
    example=Example(
        f"modelsizer describe qwen3-30b-a3b --view layers --problem {_PROBLEM} --picture experts "
        "--plot experts.png",
        lambda: _published("qwen3-30b-a3b"),
        "By the leverage of Tian et al. (2025), whose range is not hatched.",
    ),
)


def _choices_data(answer: Judged, _clock: Clock) -> Worth:
    from modelsizer.problems.designs.worth import worth

    found = worth(*answer)
    if found is None:
        raise ValueError(f"the design has no loss: {answer[1].unjudged}")
    return found


CHOICES = Picture(
    name="choices",
    title="What choices cost that no law sees",
    caption="Nats of each choice by published ablations: judgements with a band, not a law.",
    command="describe",
    data=_choices_data,
    figure=drawn_by("choices"),
    example=Example(
        f"modelsizer describe gpt-oss-120b --view layers --problem {_PROBLEM} --picture choices "
        "--plot choices.png",
        lambda: _published("gpt-oss-120b"),
    ),
)
