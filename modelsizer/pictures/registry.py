"""All figures, in the order of the gallery and of the report."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from modelsizer.optimizer.tables.clock import Clock
from modelsizer.pictures.designs import ALLOCATION, AUDIT, DEVICES, MEMORY, ROOFLINE, USERS
from modelsizer.pictures.fronts import FRONT, FRONTIER, THREE
from modelsizer.pictures.laws import COMPARISON, FIT, LAW, OPTIMA, PLAN, UNCERTAINTY
from modelsizer.pictures.layers import CHOICES, EXPERTS, KINDS, STACK
from modelsizer.pictures.limits import PRICE_CURVE, SCENARIOS, TORNADO
from modelsizer.pictures.measurements import GROWTH, PREDICTIONS, RIVALS, STEPS
from modelsizer.pictures.picture import is_partial, titled
from modelsizer.pictures.surveys import DEPTH, LANDSCAPE, SHAPES
from modelsizer.pictures.sweeps import SWEEP

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROWS = (
    DEPTH, LANDSCAPE, FRONT, THREE, FRONTIER, SWEEP, SHAPES, STACK, KINDS, EXPERTS, CHOICES,
    ALLOCATION, MEMORY, DEVICES, ROOFLINE, USERS, AUDIT,
    SCENARIOS, TORNADO, PRICE_CURVE, LAW, COMPARISON, OPTIMA, FIT, PLAN, UNCERTAINTY,
    GROWTH, RIVALS, PREDICTIONS, STEPS,
)  # fmt: skip
PICTURES = MappingProxyType({picture.name: picture for picture in _ROWS})
"""Pictures by name."""


def draw(
    name: str, answer: Any, *, title: str = "", size: str = "wide", ax: Axes | None = None
) -> Figure:
    """Draw a figure of an answer.

    Parameters
    ----------
    name : str
        A key of `PICTURES`.
    answer : object
        The answer of the figure's command.
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw a figure of one axes; by default in a figure of its own.

    Raises
    ------
    ValueError
        If there is nothing to draw, or the figure takes no axes; the message says why.
    MissingExtraError
        If matplotlib is not installed.
    """
    figure, _ = draw_within(Clock(), name, answer, title=title, size=size, ax=ax)
    return figure


def draw_within(
    clock: Clock,
    name: str,
    answer: Any,
    *,
    title: str = "",
    size: str = "wide",
    ax: Axes | None = None,
    complete: bool = True,
) -> tuple[Figure, bool]:
    """Draw a figure whose data are computed until the clock stops; see `draw`.

    Parameters
    ----------
    clock : Clock
    name, answer, title, size, ax
        See `draw`.
    complete : bool
        Whether the answer is.

    Returns
    -------
    figure : Figure
        Its title says so if it is of a part of the answer.
    whole : bool
    """
    from modelsizer.plots.drawing.style import need_matplotlib

    need_matplotlib()
    picture = PICTURES[name]
    data = picture.data(answer, clock)
    partial = is_partial(answer, data) or not complete
    shown = titled(title, partial=partial)
    return picture.figure(data, title=shown, size=size, ax=ax), not partial
