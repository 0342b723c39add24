"""Pictures of answers: computed, drawn and written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modelsizer.problems.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from modelsizer.optimizer.fronts.front import Front
    from modelsizer.optimizer.result import Result
    from modelsizer.problems.problem import Problem


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure, whole or not at all."""
    from modelsizer.plots.drawing.saving import save

    write_whole(path, lambda part: save(figure, part))


def depth_picture(problem: Problem, size: str = "wide") -> Figure:
    """Parameters against depth."""
    from modelsizer.optimizer.surveys.region import region
    from modelsizer.plots.designs.depth_parameters import depth_parameters

    return depth_parameters(region(problem), title=problem.name, size=size)


def landscape_picture(result: Result, size: str = "wide") -> Figure:
    """Loss over depth and width, with the answer of a solve.

    Raises
    ------
    ValueError
        If the space has fewer than two depths or two widths.
    """
    from modelsizer.optimizer.surveys.landscape import landscape
    from modelsizer.plots.designs.landscape import loss_landscape

    best = None
    if (design := result.design) is not None:
        best = (design.architecture.layers, design.architecture.trunk.d_model, design.loss)
    binding = frozenset(use.name for use in result.budgets if use.binding)
    problem = result.problem
    return loss_landscape(landscape(problem), best, binding=binding, title=problem.name, size=size)


def front_picture(front: Front, size: str = "wide") -> Figure:
    """A front; of parameters, layers and loss it is the picture of parameters against depth."""
    from modelsizer.optimizer.fronts.cloud import cloud
    from modelsizer.optimizer.fronts.subset import knee
    from modelsizer.optimizer.surveys.region import OBJECTIVES
    from modelsizer.plots.fronts.front import front_figure

    goals = {goal.name for goal in front.goals if goal.sign > 0}
    if goals == set(OBJECTIVES) and front.complete:
        return depth_picture(front.problem, size)
    return front_figure(front, cloud(front), knee=knee(front), title=front.problem.name, size=size)


def frontier_picture(problem: Problem, size: str = "wide") -> Figure:
    """The best loss for each budget of training FLOPs, from a hundredth to a hundred times."""
    from modelsizer.optimizer.frontiers.frontier import frontier
    from modelsizer.optimizer.frontiers.isoflops import curves_along
    from modelsizer.optimizer.sweeps.numeric_setting import POINTS, NumericSetting
    from modelsizer.plots.fronts.frontier import loss_frontier

    over = "budgets.training_flops"
    setting = NumericSetting.of(problem, over)
    now = setting.now(problem)
    assert now is not None
    found = frontier(problem, over, setting.between(*setting.around(now), POINTS))
    return loss_frontier(found, curves_along(found), title=problem.name, size=size)
