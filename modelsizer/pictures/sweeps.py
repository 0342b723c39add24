"""Figures of sweeps over several settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelsizer.pictures.picture import Example, Picture, drawn_by

if TYPE_CHECKING:
    from modelsizer.optimizer.sweeps.sweep import SweepResult

_EXAMPLE = "million-dollars"
_ACCELERATORS = "training.accelerator=A100-80GB-SXM,H100-SXM,B200-SXM,MI300X"
_DOLLARS = "budgets.training_cost=100K..10M USD:log:9"


def _sweep_example() -> tuple[SweepResult, str]:
    from modelsizer.optimizer.sweeps.grids import axis_of, grid_of, split_problem
    from modelsizer.optimizer.sweeps.sweep import sweep

    problem, many = split_problem(_EXAMPLE, [_ACCELERATORS, _DOLLARS])
    grid = grid_of(problem, [axis_of(problem, key, text) for key, text in many.items()])
    return sweep(problem, grid, jobs=1), problem.name


SWEEP = Picture(
    name="sweep",
    title="What each accelerator makes of a budget",
    caption="The best design at each value of the last key, a line for each value of the others, "
    "or panels of lines where these are many; every other limit kept. Each point is proven; where "
    "a line is flat another limit holds.",
    command="sweep",
    figure=drawn_by("sweep"),
    example=Example(
        f'modelsizer sweep {_EXAMPLE} --set {_ACCELERATORS} --set "{_DOLLARS}" --plot sweep.png',
        _sweep_example,
        "Here what dollars of training buy on each accelerator, at the prices in the file.",
    ),
)
