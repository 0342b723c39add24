"""Figures of Pareto fronts, and of frontiers along a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelsizer.pictures.picture import Example, NothingToDrawError, Picture, check_listed, too_many
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from modelsizer.optimizer.frontiers.frontier import Frontier
    from modelsizer.optimizer.frontiers.isoflops import IsoFlops
    from modelsizer.optimizer.fronts.front import Front
    from modelsizer.optimizer.result import Result
    from modelsizer.optimizer.surveys.region import Region
    from modelsizer.optimizer.tables.clock import Clock
    from modelsizer.problems.problem import Problem

_FLOPS = "training_flops"
_SWEPT = f"budgets.{_FLOPS}"


def _front_data(found: Front, clock: Clock) -> Region | tuple[Any, ...]:
    """Return a front, dominated designs and the knee; or a region of parameters and layers."""
    from modelsizer.optimizer.fronts.cloud import cloud
    from modelsizer.optimizer.fronts.subset import knee
    from modelsizer.optimizer.surveys.region import OBJECTIVES, region

    goals = tuple(goal.name for goal in found.goals if goal.sign > 0)
    if set(goals) == set(OBJECTIVES) and found.complete:
        return region(found.problem, found if goals == OBJECTIVES else None, clock=clock)
    return found, cloud(found, clock=clock), knee(found)


def _front(data: Region | tuple[Any, ...], **style: Any) -> Figure:
    from modelsizer import plots

    if not isinstance(data, tuple):
        return plots.depth_parameters(data, **style)
    found, designs, knee = data
    return plots.front(found, designs, knee=knee, **style)


def _front_of(name: str, goals: list[str]) -> tuple[Front, str]:
    from modelsizer.optimizer.fronts.run import front
    from modelsizer.problems.problem import Problem

    problem = Problem.load(name)
    return front(problem, goals), problem.name


def _front_report(result: Result, clock: Clock) -> tuple[Front, str]:
    from modelsizer.optimizer.fronts.run import front

    problem = result.problem
    check_listed(problem)
    # Memory if the problem limits it, otherwise size.
    sought = (*problem.limits, problem.objective.quantity)
    other = "serving_memory" if "serving_memory" in sought else "parameters"
    found = front(problem, ["loss", other], clock=clock)
    if not len(found):
        raise NothingToDrawError("no design was found within the time limit")
    words, dimension = other.replace("_", " "), QUANTITIES[other].dimension
    low, high = (format_quantity(f(found.values[other]), dimension) for f in (min, max))
    span = f"from {low} to {high} of {words}" if len(found) > 1 else f"of {low}"
    known = "Complete: all" if found.complete else "Not complete, stopped by the time limit:"
    points = f"{len(found):,} nondominated points" if len(found) > 1 else "1 nondominated point"
    return found, f"Here loss against {words}. {known} {points}, {span}."


FRONT = Picture(
    name="front",
    title="A front of two objectives",
    caption="What less of one costs in the other, all limits kept. Each step is a design; "
    "dominated designs are faint. The knee is the point furthest from the line through the ends "
    "(Das 1999).",
    command="pareto",
    data=_front_data,
    figure=_front,
    example=Example(
        "modelsizer pareto one-h100-1e24 --objectives loss,serving_memory --plot front.png",
        lambda: _front_of("one-h100-1e24", ["loss", "serving_memory"]),
    ),
    report=_front_report,
)
THREE = Picture(
    name="three",
    title="A front of three objectives",
    caption="Two objectives on the axes and the third as colour.",
    command="pareto",
    data=_front_data,
    figure=_front,
    example=Example(
        "modelsizer pareto h100-cluster-90-days "
        "--objectives loss,decode_latency,training_memory --plot three.png",
        lambda: _front_of(
            "h100-cluster-90-days", ["loss", "decode_latency", "training_memory"]
        ),
        "Here loss, decode latency, and the training memory of the layout chosen.",
    ),
)  # fmt: skip


def _frontier(data: tuple[Any, ...], **style: Any) -> Figure:
    from modelsizer import plots

    found, curves = data
    return plots.frontier(found, curves, **style)


def _sweep(problem: Problem, *, band: bool, clock: Clock | None = None) -> Frontier:
    """Sweep training FLOPs from a hundredth to a hundred times the problem's limit."""
    from modelsizer.optimizer.frontiers.frontier import frontier
    from modelsizer.optimizer.sweeps.numeric_setting import POINTS, NumericSetting

    setting = NumericSetting.of(problem, _SWEPT)
    now = setting.now(problem)
    if now is None:
        raise NothingToDrawError(f"the problem has no {_SWEPT} to sweep")
    values = setting.between(*setting.around(now), POINTS)
    return frontier(problem, _SWEPT, values, band=band, clock=clock)


def _isoflops(found: Frontier, clock: Clock | None = None) -> tuple[IsoFlops, ...]:
    """Return isoFLOP curves at some of the points; none if the figure has no panel for them."""
    from modelsizer.optimizer.frontiers.isoflops import curves_along

    try:
        return curves_along(found, clock)
    except ValueError:
        return ()


def _frontier_example() -> tuple[tuple[Any, ...], str]:
    from modelsizer.problems.problem import Problem

    problem = Problem.load("exercise-1e24")
    found = _sweep(problem, band=True)
    return (found, _isoflops(found)), problem.name


def _frontier_report(result: Result, clock: Clock) -> tuple[tuple[Any, ...], str]:
    problem = result.problem
    limit = problem.budgets.limits.get(_FLOPS)
    if limit is None or limit.max is None:
        raise NothingToDrawError(f"the problem has no {_SWEPT} to sweep")
    band = not too_many(problem)  # a band needs four times the solves
    found = _sweep(problem, band=band, clock=clock)
    if len(found.solved) < 2:
        few = "fewer than two values of training FLOPs have a design"
        raise NothingToDrawError(few if found.complete else "stopped by the time limit")
    curves = _isoflops(found, clock) if band else ()
    ends = (found.points[0].limit, found.points[-1].limit)
    low, high = (format_quantity(end, "FLOPs", 3) for end in ends)
    sought = problem.objective.quantity.replace("_", " ")
    note = f"Here the best {sought} from {low} to {high}."
    if not band:
        note += " Too many designs for the band and the curves."
    if not found.complete:
        note += f" Not complete: {len(found.solved)} of {found.asked} points are proven."
    return (found, curves), note


FRONTIER = Picture(
    name="frontier",
    title="Loss against training FLOPs",
    caption="The best design at each budget, every other limit kept; hollow points are held by "
    "the end of a menu or by another limit. The band is what half and twice the size cost. "
    "Beside it curves of equal FLOPs, their minima joined.",
    command="frontier",
    figure=_frontier,
    example=Example("modelsizer frontier exercise-1e24 --plot frontier.png", _frontier_example),
    report=_frontier_report,
)
