"""Figures of measurements, drawn by the benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from modelsizer.pictures.picture import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def _figure(name: str) -> Callable[..., Figure]:
    """Wrap a figure function that takes rows only: these figures have one size and no title."""

    def figure(rows: Sequence[Any], *, ax: Axes | None = None, **_: str) -> Figure:
        from modelsizer import plots

        found: Figure = getattr(plots, name)(rows, ax=ax)
        return found

    return figure


GROWTH = Picture(
    name="growth",
    title="Growth with the space",
    caption="Seconds and peak memory of each solver against the number of designs.",
    command="python -m benchmarks.pictures",
    figure=_figure("growth"),
)
RIVALS = Picture(
    name="rivals",
    title="Solvers side by side",
    caption="Seconds of each solver on one problem, and which answers come with a proof.",
    command="python -m benchmarks.pictures",
    figure=_figure("rivals"),
)
PREDICTIONS = Picture(
    name="predictions",
    title="Measured over predicted",
    caption="Ratios for each quantity that rows of measurements are known for.",
    command="python -m benchmarks.measured",
    figure=_figure("predictions"),
)
STEPS = Picture(
    name="steps",
    title="Measured over predicted decode steps",
    caption="Ratios for each engine against the batch, of steps that the fit left out and others.",
    command="python -m benchmarks.measured",
    figure=_figure("measured_steps"),
)
