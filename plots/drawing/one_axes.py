"""Axes of a figure: those of a new figure, or the caller's, which a picture is drawn into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from modelsizer.plots.drawing.style import SIZES, canvas, drawing_style, need_matplotlib, small
from modelsizer.plots.drawing.texts import any_letters, tidy

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BELOW = (0.0, -0.2)  # of the caller's axes, where a legend begins


def size_of(ax: Axes | None, size: str) -> str:
    """Return the size that a picture is made for: that of the axes where they are given.

    Parameters
    ----------
    ax : Axes or None
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`, of a new figure.
    """
    if ax is None:
        return size
    _check(ax)
    return "column" if small(ax) else "wide"


@contextmanager
def one_axes(
    ax: Axes | None, size: str = "wide", *, height: float | None = None
) -> Iterator[tuple[Figure, Axes]]:
    """Yield a figure and its only axes, or the caller's axes and their figure.

    Parameters
    ----------
    ax : Axes or None
        Where to draw, beside all that is there; None makes a figure.
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`, of a new figure.
    height : float, optional
        See `modelsizer.plots.drawing.style.canvas`.

    Raises
    ------
    ValueError
        If `ax` is no axes of matplotlib, or `size` is unknown.
    MissingExtraError
        If matplotlib is not installed.
    """
    if ax is None:
        with canvas(size, height=height) as figure:
            yield figure, figure.add_subplot()
        return
    _check(ax)
    from matplotlib.text import Text

    root = ax.get_figure(root=True)  # also of axes in a subfigure
    assert root is not None
    before = {*root.axes}
    for text in ax.findobj(Text):
        assert isinstance(text, Text)
        text.set_parse_math(False)  # names are text, whatever is in them
    with drawing_style(SIZES[size_of(ax, size)]), any_letters():
        yield root, ax
        tidy([ax, *(axes for axes in root.axes if axes not in before)])


def refuse_axes(ax: object, name: str, instead: str = "") -> None:
    """Reject the caller's axes for a picture of several.

    Parameters
    ----------
    ax : Axes or None
    name : str
        Of the function.
    instead : str
        What would be drawn into one axes.

    Raises
    ------
    ValueError
        If `ax` is not None.
    """
    if ax is not None:
        how = f"; {instead}" if instead else ""
        raise ValueError(f"{name} draws several axes, so it takes no ax but makes a figure{how}")


def legend_below(
    where: Figure | Axes,
    handles: Sequence[Artist] | None = None,
    *,
    place: str = "left",
    **style: Any,
) -> None:
    """Draw a legend below a figure, or below axes that are not its only ones.

    Parameters
    ----------
    where : Figure or Axes
    handles : sequence of Artist, optional
        By default all that have a label.
    place : str
        ``"left"`` or ``"center"``, of the width of the figure.
    **style
        Of the legend.
    """
    from matplotlib.axes import Axes

    given: Any = style if handles is None else {"handles": handles} | style
    figure = where.get_figure(root=True)
    assert figure is not None
    alone = len(figure.axes) == 1 and figure.get_layout_engine() is not None
    if alone or not isinstance(where, Axes):
        figure.legend(**given | {"loc": f"outside lower {place}"})
    else:
        where.legend(loc="upper left", bbox_to_anchor=_BELOW, borderaxespad=0.0, **given)


def _check(ax: object) -> None:
    """Raise ValueError if an object is no axes of matplotlib."""
    need_matplotlib()
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        _no_axes(ax)


def _no_axes(ax: object) -> NoReturn:
    kind = type(ax).__name__
    hint = ", such as the second of `plt.subplots()`" if kind in ("Figure", "ndarray") else ""
    raise ValueError(f"ax is a {kind}, and must be one axes of matplotlib{hint}")
