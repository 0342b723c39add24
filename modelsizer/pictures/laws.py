"""Figures of loss laws: curves, comparisons, fits, plans and uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelsizer.pictures.picture import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from modelsizer.optimizer.laws.robust import Uncertainty
    from modelsizer.optimizer.planning.plan import Plan
    from modelsizer.problems.laws.page import LawPage


def _law(page: LawPage, _title: str, size: str) -> Figure:
    from modelsizer import plots

    return plots.law_curves(page, size=size)


LAW = Picture(
    name="law",
    title="Loss against tokens",
    caption="What a law predicts for a few sizes; dashed beyond the data of its fit.",
    command="laws",
    figure=_law,
)


def _comparison(data: tuple[Any, ...], title: str, size: str) -> Figure:
    from modelsizer import plots

    return plots.law_comparison(*data, title=title, size=size)


COMPARISON = Picture(
    name="laws",
    title="The optimum under each law",
    caption="Parameters of the optimum against a limit, a line for each law; published models.",
    command="compare-laws",
    figure=_comparison,
)


def _fit(data: tuple[Any, str], _title: str, size: str) -> Figure:
    from modelsizer import plots

    study, which = data
    return plots.fit(study, which, size=size)


FIT = Picture(
    name="fit",
    title="A fitted law",
    caption="Predicted against observed loss, residuals, isoFLOP slices and bootstrap draws.",
    command="fit",
    figure=_fit,
)


def _plan(found: Plan, title: str, size: str) -> Figure:
    from modelsizer import plots

    return plots.run_plan(found, title=title, size=size)


PLAN = Picture(
    name="plan",
    title="A plan of small runs",
    caption="Tokens against parameters of the runs, the best isoFLOP grid and the target.",
    command="plan-runs",
    figure=_plan,
)


def _uncertainty(found: Uncertainty, title: str, size: str) -> Figure:
    from modelsizer import plots

    return plots.uncertainty(found, title=title, size=size)


UNCERTAINTY = Picture(
    name="uncertainty",
    title="The optimum under the draws of a law",
    caption="How often each design is the best, and the loss that choosing it gives up.",
    command="uncertainty",
    figure=_uncertainty,
)
