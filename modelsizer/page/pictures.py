"""The pictures of a report: what each shows, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from modelsizer.optimizer.fronts.run import ENUMERATED
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from modelsizer.optimizer.frontiers.frontier import Frontier
    from modelsizer.optimizer.frontiers.isoflops import IsoFlops
    from modelsizer.optimizer.result import Result
    from modelsizer.problems.problem import Problem

FLOPS = "training_flops"
_KNEE = "The knee is the point furthest from the line through the ends (Das 1999)."


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a report.

    Parameters
    ----------
    name : str
        Of its place in the page.
    title, caption : str
        What it is, and what it shows.
    figure : Figure or None
        None where there is none, and the caption says why.
    """

    name: str
    title: str
    caption: str
    figure: Figure | None


class _NothingToDrawError(Exception):
    """There is nothing to draw, for a reason that a reader of the page should know."""


def too_many(problem: Problem) -> str:
    """Why designs are not listed one by one; empty where they are."""
    pairs = problem.counted.pairs
    if pairs <= ENUMERATED:
        return ""
    return f"the space has {pairs:,} designs, and those of more than {ENUMERATED:,} are not listed"


def pictures(result: Result, *, time_limit: float | None = None) -> Iterator[Picture]:
    """Every picture that a result gives cause for, in the order of the page.

    Parameters
    ----------
    result : Result
    time_limit : float, optional
        Seconds, of each search.
    """
    # The page has the name as its title; in each picture it would only be repeated.
    problem = result.problem.model_copy(update={"name": ""})
    bare = replace(result, problem=problem)
    ways: list[tuple[str, str, Callable[[], tuple[Figure, str]]]] = [
        ("landscape", "Loss over depth and width", lambda: _landscape(bare)),
    ]
    if result.design is not None:
        ways += [
            ("depth", "Parameters against depth", lambda: _depth(problem)),
            ("front", _front_title(problem), lambda: _front(problem, time_limit)),
            ("frontier", "Loss against training FLOPs", lambda: _frontier(problem, time_limit)),
            ("memory", "What fills the memory of an accelerator", lambda: _memory(bare)),
            ("roofline", "Roofline of serving", lambda: _roofline(bare)),
            ("allocation", "Where parameters and FLOPs go", lambda: _allocation(bare)),
        ]
    for name, title, draw in ways:
        try:
            figure, caption = draw()
        except (_NothingToDrawError, ValueError) as reason:
            yield Picture(name, title, str(reason), None)
        else:
            yield Picture(name, title, caption, figure)


def _landscape(result: Result) -> tuple[Figure, str]:
    import numpy as np

    from modelsizer.drawing import landscape_picture
    from modelsizer.optimizer.surveys.landscape import landscape

    if reason := too_many(result.problem):
        raise _NothingToDrawError(reason)
    lines = "A line is where the leanest design uses all of a limit"
    if result.design is None:
        shares = landscape(result.problem).share.values()
        if not any(np.nanmin(share) < 1 < np.nanmax(share) for share in shares):
            raise _NothingToDrawError("no limit has an edge between one design and another")
        return landscape_picture(result), f"Every design breaks a limit. {lines}."
    return landscape_picture(result), (
        "The least loss of any design of a depth and width that keeps every limit; where it is "
        f"grey, every design breaks one. The star is the answer. {lines}, heavy where that limit "
        "binds."
    )


def _depth(problem: Problem) -> tuple[Figure, str]:
    from modelsizer.drawing import depth_picture

    if reason := too_many(problem):
        raise _NothingToDrawError(reason)
    if len(problem.space.layers.numbers) == 1:
        raise _NothingToDrawError("the space has one depth only")
    return depth_picture(problem), (
        "Every design that keeps the limits, by shades of grey; the designs that none is better "
        "than in parameters, depth and loss at once, coloured by loss; the optimum; published "
        "models in this range; guides of equal d_model / layers."
    )


def _beside_loss(problem: Problem) -> str:
    """What the loss is set against: memory where it matters, otherwise size."""
    sought = (*problem.budgets.limits, problem.objective.quantity)
    return "serving_memory" if "serving_memory" in sought else "parameters"


def _front_title(problem: Problem) -> str:
    return f"Loss against {_beside_loss(problem).replace('_', ' ')}"


def _front(problem: Problem, time_limit: float | None) -> tuple[Figure, str]:
    from modelsizer.drawing import front_picture
    from modelsizer.optimizer.fronts.run import front

    if reason := too_many(problem):
        raise _NothingToDrawError(reason)
    other = _beside_loss(problem)
    found = front(problem, ["loss", other], time_limit=time_limit)
    if not len(found):
        raise _NothingToDrawError("no design was found in the time given")
    dimension = QUANTITIES[other].dimension
    low, high = (format_quantity(f(found.values[other]), dimension) for f in (min, max))
    span = f"from {low} to {high} of {other.replace('_', ' ')}" if len(found) > 1 else f"of {low}"
    known = "Complete: all" if found.complete else "Not complete, for the time limit came first:"
    points = f"{len(found):,} nondominated points" if len(found) > 1 else "1 nondominated point"
    return front_picture(found), (
        f"What less of one costs in the other, all limits kept; dominated designs faint. {known} "
        f"{points}, {span}. {_KNEE if len(found) > 2 else ''}".strip()
    )


def _frontier(problem: Problem, time_limit: float | None) -> tuple[Figure, str]:
    from modelsizer.optimizer.frontiers.frontier import frontier
    from modelsizer.optimizer.sweeps.numeric_setting import POINTS, NumericSetting
    from modelsizer.plots.fronts.frontier import loss_frontier

    key = f"budgets.{FLOPS}"
    limit = problem.budgets.limits.get(FLOPS)
    if limit is None or limit.max is None:
        raise _NothingToDrawError(f"the problem has no {key} to sweep")
    setting = NumericSetting.of(problem, key)
    band = not too_many(problem)  # four times the solves, which then take seconds each
    values = setting.between(*setting.around(limit.max), POINTS)
    found = frontier(problem, key, values, band=band, time_limit=time_limit)
    if len(found.solved) < 2:
        late = "the time limit came first"
        few = "fewer than two values of training FLOPs have a design"
        raise _NothingToDrawError(few if found.complete else late)
    curves = _isoflops(found) if band else ()
    sought = problem.objective.quantity.replace("_", " ")
    low, high = (
        format_quantity(point.limit, "FLOPs", 3) for point in found.points[:: len(found.points) - 1]
    )
    words = (
        f"The best {sought} at each budget from {low} to {high}, every other limit kept. "
        "Hollow points are held by the end of a menu or by another limit."
    )
    if band:
        words += " The band: half and twice the size, what being off by a factor of two costs."
    if curves:
        words += " Beside it the best of each size at equal training FLOPs, the minima joined."
    if not found.complete:
        words += f" Not complete: {len(found.solved)} of {found.asked} points are proven."
    return loss_frontier(found, curves), words


def _isoflops(found: Frontier) -> tuple[IsoFlops, ...]:
    """Curves at some of the points; none where there is no place for them."""
    from modelsizer.optimizer.frontiers.isoflops import curves_along

    try:
        return curves_along(found)
    except ValueError:
        return ()


def _memory(result: Result) -> tuple[Figure, str]:
    from modelsizer.plots.designs.memory import memory_waterfall
    from modelsizer.problems.designs.memory_parts import (
        serving_parts,
        training_parts,
        training_untold,
    )

    problem = result.problem
    panels = [
        parts
        for parts in (serving_parts(problem, result.best), training_parts(problem, result.best))
        if parts is not None
    ]
    if not panels:
        raise _NothingToDrawError("the problem does not say enough of memory")
    words = "The parts of memory, which add up to the total, beside the limit where there is one."
    lack = training_untold(problem)
    return memory_waterfall(panels), f"{words} Not shown: {lack}." if lack else words


def _roofline(result: Result) -> tuple[Figure, str]:
    from modelsizer.plots.designs.roofline import roofline
    from modelsizer.problems.designs.roofline_points import roofline_points

    problem = result.problem
    found = roofline_points(problem, {"optimum": result.best.architecture})
    if found is None:
        raise _NothingToDrawError(problem.lacks("decode_latency"))
    return roofline(found), (
        f"Decode at several batches and prefill of the design on {found.roof.device}, at the "
        "efficiencies that real engines reach. Left of the ridge memory bounds a step, right of it "
        "compute does."
    )


def _allocation(result: Result) -> tuple[Figure, str]:
    from modelsizer.plots.designs.allocation import allocation
    from modelsizer.problems.architecture.allocation import allocate

    problem = result.problem
    contexts = tuple(dict.fromkeys((problem.training.sequence_length, problem.context_length)))
    return allocation(allocate(result.best.architecture, contexts)), (
        "Shares of the parameters, and of the forward FLOPs of a token at the context of training "
        "and of serving."
    )
