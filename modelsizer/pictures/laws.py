"""Figures of loss laws: curves, comparisons, fits, plans and uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelsizer.pictures.picture import Example, Picture, drawn_by

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from modelsizer.optimizer.sweeps.numeric_setting import NumericSetting


def published(setting: NumericSetting) -> tuple[tuple[str, float, float], ...]:
    """Return name, training FLOPs (6ND) and parameters of dense models with known tokens."""
    from modelsizer.problems.architecture.models import models

    if setting.name != "training_flops":
        return ()
    found = []
    for name, model in models().items():
        n = model.parameters
        if model.tokens is not None and n.active == n.total:
            found.append((name, 6.0 * n.total * model.tokens, float(n.total)))
    return tuple(found)


LAW = Picture(
    name="law",
    title="Loss against tokens",
    caption="What a law predicts for a few sizes; dashed beyond the data of its fit.",
    command="laws",
    figure=drawn_by("law_curves"),
)


def _comparison(data: tuple[Any, ...], **style: Any) -> Figure:
    from modelsizer import plots

    return plots.law_comparison(*data, **style)


def _comparison_example() -> tuple[tuple[Any, ...], str]:
    from modelsizer.optimizer.laws.curves import law_curves, swept_limit
    from modelsizer.problems.problem import Problem

    problem = Problem.load("exercise-1e24")
    setting = swept_limit(problem)
    assert setting is not None
    values = setting.spaced(problem, None, None, 13)
    return (law_curves(problem, setting, values), setting.name, published(setting)), problem.name


COMPARISON = Picture(
    name="laws",
    title="The optimum under each law along a limit",
    caption="Parameters of the optimum against a limit, a line for each law, solid within the data "
    "of its fit; published models.",
    command="compare-laws",
    figure=_comparison,
    example=Example(
        "modelsizer compare-laws exercise-1e24 --plot laws.png",
        _comparison_example,
        "Laws are told apart by mark and name.",
    ),
)
OPTIMA = Picture(
    name="law_optima",
    title="The optimum under each law",
    caption="Parameters of the optimum of a problem under each law, with its shape, its tokens and "
    "its greatest regret under the others.",
    command="compare-laws",
    figure=drawn_by("law_optima"),
)


def along_a_limit(curves: Any) -> bool:
    """Whether laws have optima at two values of a limit, so that they are drawn along it."""
    from modelsizer.plots.laws.law_comparison import lines_of

    return bool(lines_of(curves))


def _fit(data: tuple[Any, str], **style: Any) -> Figure:
    from modelsizer import plots

    study, which = data
    return plots.fit(study, which, **style)


FIT = Picture(
    name="fit",
    title="A fitted law",
    caption="Predicted against observed loss, residuals, isoFLOP slices and bootstrap draws; or "
    "loss against compute, with the runs, the law, its band and the target.",
    command="fit",
    figure=_fit,
)


PLAN = Picture(
    name="plan",
    title="A plan of small runs",
    caption="Tokens against parameters of the runs, the best isoFLOP grid and the target.",
    command="plan-runs",
    figure=drawn_by("run_plan"),
)


UNCERTAINTY = Picture(
    name="uncertainty",
    title="The optimum under the draws of a law",
    caption="How often each design is the best, and the loss that choosing it gives up.",
    command="uncertainty",
    figure=drawn_by("uncertainty"),
)
