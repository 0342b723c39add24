"""Figures of changed problems: scenarios, and prices of limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelsizer.pictures.picture import Picture, drawn_by
from modelsizer.problems.records import dataclass

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from modelsizer.optimizer.prices.prices import Prices
    from modelsizer.optimizer.tables.clock import Clock


SCENARIOS = Picture(
    name="scenarios",
    title="Scenarios beside the base",
    caption="How far each scenario moves the objective, and to what design.",
    command="whatif",
    figure=drawn_by("scenarios"),
)


def _tornado(found: Prices, **style: Any) -> Figure:
    from modelsizer import plots
    from modelsizer.text.prices import tornado_rows

    goal = found.result.objective
    assert goal.value is not None
    rows = tornado_rows(found)
    return plots.tornado(rows, float(goal.value), name=goal.name, **style)


TORNADO = Picture(
    name="tornado",
    title="The prices of all limits",
    caption="The objective with each limit a tenth lower and a tenth higher.",
    command="prices",
    figure=_tornado,
)


@dataclass(frozen=True, slots=True)
class _Curve:
    """A price curve as drawn.

    Parameters
    ----------
    arguments : mapping
        Of `modelsizer.plots.price_curve`.
    complete : bool
        Whether no limit is left out.
    """

    arguments: Mapping[str, Any]
    complete: bool


def _curve_data(answer: tuple[Prices, str, str], clock: Clock) -> _Curve:
    """Solve at the limits of a price curve, from prices, the name of a limit and a solver."""
    from modelsizer.optimizer.prices.prices import curve
    from modelsizer.text.prices import curve_limits

    found, budget, solver = answer
    row = found.row(budget)
    limits, problem = curve_limits(row), found.result.problem
    seconds = clock.left.seconds
    points = curve(problem, row.constraint, limits, solver=solver, time_limit=seconds)
    stays = None if row.stays is None else (row.stays.start, row.stays.end)
    return _Curve(
        {
            "name": row.constraint.quantity,
            "limits": [float(limit) for limit, _ in points],
            "objectives": [value for _, value in points],
            "today": float(row.constraint.limit),
            "stays_optimal": (
                None if stays is None else tuple(None if e is None else float(e) for e in stays)
            ),
            "objective": found.result.objective.name,
        },
        len(points) == len(limits),
    )


def _curve(data: _Curve, **style: Any) -> Figure:
    from modelsizer import plots

    return plots.price_curve(**data.arguments, **style)


PRICE_CURVE = Picture(
    name="price_curve",
    title="The price of one limit",
    caption="The best objective at each value of a limit, and where today's design stays the best.",
    command="prices --budget",
    data=_curve_data,
    figure=_curve,
)
