"""Figures of all designs of a problem: over depth and width, and parameters against depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelsizer.pictures.picture import Example, NothingToDrawError, Picture, check_listed, drawn_by

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from modelsizer.optimizer.result import Result
    from modelsizer.optimizer.surveys.region import Region
    from modelsizer.optimizer.tables.clock import Clock
    from modelsizer.problems.problem import Problem

_LINES = "A line is where the leanest design uses all of a limit"


def _landscape_data(result: Result, clock: Clock) -> tuple[Any, ...]:
    """Return the minimum losses, the optimum, and the names of the binding limits."""
    from modelsizer.optimizer.surveys.landscape import landscape

    best = None
    if (design := result.design) is not None:
        best = (design.architecture.layers, design.architecture.trunk.d_model, design.loss)
    binding = frozenset(use.name for use in result.budgets if use.binding)
    return landscape(result.problem, clock=clock), best, binding


def _landscape(data: tuple[Any, ...], **style: Any) -> Figure:
    from modelsizer import plots

    cells, best, binding = data
    return plots.landscape(cells, best, binding=binding, **style)


def _landscape_example() -> tuple[Result, str]:
    from modelsizer.optimizer.solver import solve
    from modelsizer.problems.problem import Problem

    problem = Problem.load("one-h100-1e24")
    return solve(problem), problem.name


def _landscape_report(result: Result, clock: Clock) -> tuple[Result, str]:
    import numpy as np

    from modelsizer.optimizer.surveys.landscape import landscape

    check_listed(result.problem)
    if result.design is not None:
        return result, ""
    found = landscape(result.problem, clock=clock)
    shares = found.share.values()
    if found.complete and not any(np.nanmin(share) < 1 < np.nanmax(share) for share in shares):
        raise NothingToDrawError("no limit has an edge between one design and another")
    return result, "Here no design keeps every limit."


LANDSCAPE = Picture(
    name="landscape",
    title="Loss over depth and width",
    caption="The least loss of the designs of each depth and width that keep every limit; grey "
    f"where none does. The star is the optimum. {_LINES}, heavy where that limit binds.",
    command="solve",
    data=_landscape_data,
    figure=_landscape,
    example=Example("modelsizer solve one-h100-1e24 --plot landscape.png", _landscape_example),
    report=_landscape_report,
    of_infeasible=True,
)


def _depth_data(problem: Problem, clock: Clock) -> Region:
    from modelsizer.optimizer.surveys.region import region

    return region(problem, clock=clock)


def _depth_example() -> tuple[Problem, str]:
    from modelsizer.problems.problem import Problem

    problem = Problem.load("exercise-1e24")
    return problem, problem.name


def _depth_report(result: Result, _clock: Clock) -> tuple[Problem, str]:
    check_listed(result.problem)
    if len(result.problem.space.layers.numbers) == 1:
        raise NothingToDrawError("the space has one depth only")
    return result.problem, ""


DEPTH = Picture(
    name="depth",
    title="Parameters against depth",
    caption="All designs that keep the limits, in shades of grey; those on the front of least "
    "parameters, depth and loss, coloured by loss; the optimum; published models; and guides of "
    "equal d_model / layers. Of a mixture of experts a line leads down to the parameters in use.",
    command="rank",
    data=_depth_data,
    figure=drawn_by("depth_parameters"),
    example=Example("modelsizer rank exercise-1e24 --plot depth.png", _depth_example),
    report=_depth_report,
)


def _shapes_example() -> tuple[Any, str]:
    from modelsizer.optimizer.surveys.depth_width import depth_width
    from modelsizer.problems.problem import Problem

    problem = Problem.load("exercise-1e24", {"serving.accelerator": "H100-SXM"})
    return depth_width(problem, 30 * 10**9, layers=40), problem.name


SHAPES = Picture(
    name="shapes",
    title="Depth against width at one size",
    caption="What the shape of a model costs in loss, and in time to decode.",
    command="depth-width",
    figure=drawn_by("depth_width"),
    example=Example(
        "modelsizer depth-width exercise-1e24 --parameters 30B --layers 40 "
        "--set serving.accelerator=H100-SXM --plot shapes.png",
        _shapes_example,
        "Here of 30B parameters.",
    ),
)
