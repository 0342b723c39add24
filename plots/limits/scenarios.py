"""Scenarios against the base: change of the objective, and the resulting design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from modelsizer.optimizer.sweeps.whatif import Answer, WhatIf
from modelsizer.plots.drawing.axes import dimension, quantity_axis, words, wrapped
from modelsizer.plots.drawing.bars import HEAD, beside, make_room, rows_around
from modelsizer.plots.drawing.one_axes import one_axes, size_of
from modelsizer.plots.drawing.style import FILLS, INK, QUIET
from modelsizer.problems.architecture.describing import choices_beside
from modelsizer.problems.laws.digits import loss_text, nats_text
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import format_quantity
from modelsizer.problems.visible import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BETTER, WORSE = FILLS[0], FILLS[1]
_BAR = 0.5  # fraction of a row
_ROWS_OF_A_SIZE = 9  # rows in a figure of the default height
_MINUS = "\N{MINUS SIGN}"
_DOTS = len("...")
_LINES = 2  # maximum lines of a name
_NAME = {False: 24, True: 16}  # characters per line of a name, by whether the figure is small


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario as drawn.

    Parameters
    ----------
    name : str
    value : float or None
        The compared value; None if there is no design or the value is on another scale.
    text : str
        Written at the end of the bar.
    better : bool
    """

    name: str
    value: float | None
    text: str
    better: bool = False


def scenarios(
    found: WhatIf, *, title: str = "", size: str = "wide", ax: Axes | None = None
) -> Figure:
    """Draw a bar from the base to each scenario's objective, or loss if objectives differ.

    Parameters
    ----------
    found : WhatIf
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    Figure
        Improvements are blue and deteriorations orange. Scenarios without a design are on top,
        followed by the others from the worst to the best.

    Raises
    ------
    ValueError
        If the base has no design, or no proven one, or there are no scenarios.
    """
    design = found.base.result.design
    if design is None:
        raise ValueError("the base has no design to compare with")
    if found.base.result.status != "optimal":
        raise ValueError("the design of the base is not proven: nothing compares with it")
    if not found.others:
        raise ValueError("there is no scenario to draw")
    objective = found.base.result.objective
    name = objective.name if found.one_objective else "loss"
    sign = -1.0 if found.one_objective and objective.sense == "maximize" else 1.0
    base = float(design.quantity(name))
    narrow = size_of(ax, size) == "column"
    rows = [_row(found, answer, name, sign, base, short=narrow) for answer in found.others]
    rows.sort(key=lambda row: (row.value is not None, -sign * (row.value or 0.0)))
    with one_axes(ax, size, height=(len(rows) + HEAD) / _ROWS_OF_A_SIZE) as (figure, axes):
        for at, row in enumerate(rows):
            _draw(axes, at, row, base, sign)
        rows_around(axes, [_folded(row.name, narrow=narrow) for row in rows], base)
        quantity_axis(axes, "x", name)
        between = "\n" if narrow else "; "
        axes.set_xlabel(f"{words(name)}{between}{_base(found, base, name)}")
        figure.draw_without_rendering()
        if title:
            left = axes.get_window_extent().x0 / figure.dpi  # names may take much of the width
            axes.set_title(wrapped(axes, title, None if ax else left))
        make_room(axes, [base, *(row.value for row in rows if row.value is not None)])
    return figure


def _row(found: WhatIf, answer: Answer, name: str, sign: float, base: float, *, short: bool) -> Row:
    title, design = answer.scenario.name, answer.result.design
    if design is None or answer.result.status != "optimal":
        what = "no design fits" if answer.result.status == "infeasible" else "not proven"
        return Row(title, None, what)
    shape = f"{design.architecture.layers} x {design.architecture.trunk.d_model}"
    rms = answer.result.problem.law.rms
    if title in found.incomparable and name == "loss":
        return Row(title, None, f"another law: {loss_text(design.loss, rms)}")
    value = float(design.quantity(name))
    text = _change(value - base, name, rms)
    if not short:
        changed = _changed(*choices_beside(found.base.architecture, answer.architecture))
        if changed or value != base:
            text += f"   {_difference(changed, shape)}"
    return Row(title, value, text, sign * (value - base) < 0)


def _changed(own: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    """Names of the choices in which two designs differ."""
    return [name for name in {**own, **other} if own.get(name) != other.get(name)]


def _difference(changed: Sequence[str], shape: str) -> str:
    """What a design has other than the base: its shape, or the names of other choices."""
    if {"layers", "d_model"} & set(changed):
        return shape
    if not changed:
        return "same design"
    return f"same shape, other {changed[0] if len(changed) == 1 else f'{len(changed)} choices'}"


def _base(found: WhatIf, base: float, name: str) -> str:
    """Describe the base, and what the texts at the bars are."""
    rms = found.base.result.problem.law.rms
    value = loss_text(base, rms) if name == "loss" else format_quantity(base, dimension(name))
    own = found.base.result.best.architecture
    return f"base {value}, {own.layers} layers x {own.trunk.d_model}"


def _change(change: float, name: str, rms: float | None) -> str:
    if change == 0:
        return "no change"
    size = abs(change)
    text = nats_text(size, rms) if name == "loss" else format_quantity(size, dimension(name), 3)
    return f"{'+' if change > 0 else _MINUS}{text}"


def _folded(name: str, *, narrow: bool) -> str:
    """Wrap a name so that the bars have room; of a long one the beginning and the end are kept."""
    import textwrap

    width = _NAME[narrow]
    seen = visible(name)
    lines = textwrap.wrap(seen.replace("=", "= "), width) or [""]  # allows a line break there
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], f"...{seen[-(width - _DOTS) :]}"]
    return "\n".join(line.replace("= ", "=") for line in lines)


def _draw(axes: Axes, at: int, row: Row, base: float, sign: float) -> None:
    value = base if row.value is None else row.value
    colour = BETTER if row.better else WORSE
    if row.value is not None:
        axes.barh(at, value - base, _BAR, left=base, color=colour, zorder=2)
    right = value >= base if row.value is not None else sign > 0
    beside(axes, value, at, row.text, 1 if right else -1, QUIET if row.value is None else INK)
