"""Style of all figures.

The colours are those of Okabe and Ito (2008), which are distinguishable for the colour-blind, and
differ in lightness, so also in greyscale; sequences use viridis, which is uniform in lightness. A
figure is made for one of two sizes and not rescaled, as its text would become unreadable.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from modelsizer.plots.drawing.texts import any_letters, tidy
from modelsizer.problems.errors import MissingExtraError
from modelsizer.problems.records import dataclass

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

INK, QUIET, FAINT, STAR = "#222222", "#6b6b6b", "#d9d9d9", "#d55e00"
"""Colours of text and frames; secondary text; background; the optimum."""
LINES = ("#000000", "#5b2a86", "#8c3b00", "#004d40", "#7a0045", "#1d3f8a")
"""Lines on a coloured background: dark, for contrast."""
FILLS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#f0e442", "#999999")
"""Series and parts of a whole on white; Okabe and Ito's, blue first. No red next to green."""
HATCHES = ("", "///", "---", "\\\\\\", "xxx", "++", "|||")
"""One for each of `FILLS`, so that adjacent areas differ in greyscale; of lines, since dots make an
SVG ten times as large."""
COLOURS = "viridis"
_OF_LABELS = 0.75  # inches that the labels of an axis take
_BETWEEN = 0.75  # of a wide figure's width; narrower figures are for a column
_LIGHTEST = 0.93  # position on the colour map
PIXELS = 1600  # width of a wide picture


@dataclass(frozen=True, slots=True)
class Size:
    """Dimensions of a figure.

    Parameters
    ----------
    width, height : float
        In inches.
    font : float
        Base font size, in points.
    dpi : float
        Resolution of bitmaps.
    """

    width: float
    height: float
    font: float
    dpi: float


SIZES = MappingProxyType(
    {
        "wide": Size(6.6, 4.2, 9.0, PIXELS / 6.6),
        "column": Size(3.3, 2.7, 7.2, 400.0),  # the column of a two-column paper
    }
)
"""Sizes by name, for `--plot-size`."""
WIDTH = SIZES["wide"].width

STYLE: Any = {
    "font.size": 9.0,
    "axes.titlesize": "medium",
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": "medium",
    "xtick.labelsize": "small",
    "ytick.labelsize": "small",
    "legend.fontsize": "small",
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "text.color": INK,
    "hatch.linewidth": 0.5,
    "figure.dpi": 100.0,
    "savefig.dpi": SIZES["wide"].dpi,
    "svg.hashsalt": "modelsizer",  # the same bytes from the same input
    "svg.fonttype": "none",
    "text.parse_math": False,  # names are text, whatever is in them
    "text.usetex": False,
    "axes.formatter.use_mathtext": False,
}


def need_matplotlib() -> None:
    """Check that matplotlib is installed, before the data of a figure is computed.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError:
        raise MissingExtraError("drawing", "matplotlib", "plots") from None


@contextmanager
def canvas(size: str = "wide", *, height: float | None = None) -> Iterator[Figure]:
    """Yield an empty figure, with the style active inside the context.

    Parameters
    ----------
    size : str
        A key of `SIZES`.
    height : float, optional
        Factor on the height of `size`, for figures with several rows or little content.

    Raises
    ------
    ValueError
        If `size` is unknown.
    MissingExtraError
        If matplotlib is not installed.
    """
    if size not in SIZES:
        raise ValueError(f"{size!r} is not a size of figure; take {' or '.join(SIZES)}")
    need_matplotlib()
    from modelsizer.plots.drawing.notebook_figure import Figure

    kind = SIZES[size]
    with drawing_style(kind):
        sides = (kind.width, kind.height * (height or 1.0))
        figure = Figure(figsize=sides, layout="constrained")
        figure.set_dpi(100.0)
        figure.style = {**STYLE, "font.size": kind.font}
        with any_letters():
            yield figure
            tidy([figure])


@contextmanager
def drawing_style(kind: Size) -> Iterator[None]:
    """Let matplotlib draw in the style of all figures, at a size."""
    import matplotlib as mpl

    with mpl.rc_context({**STYLE, "font.size": kind.font, "savefig.dpi": kind.dpi}):
        yield


def shades(steps: int) -> Colormap:
    """Return a colour map for points on white, lightest first: `COLOURS` without its palest end."""
    import matplotlib as mpl
    import numpy as np
    from matplotlib.colors import ListedColormap

    return ListedColormap(mpl.colormaps[COLOURS](np.linspace(_LIGHTEST, 0.0, steps)))


def small(where: Figure | Axes | None) -> bool:
    """Whether a figure is for one column of a paper, or axes have no more room than that."""
    if where is None:
        return False
    return bool(room(where) < WIDTH * _BETWEEN)


def room(where: Figure | Axes) -> float:
    """Return the width of a figure, or of axes with their labels, in inches."""
    from matplotlib.axes import Axes

    if not isinstance(where, Axes):
        return float(where.get_figwidth())
    within = where.get_figure(root=False)
    assert within is not None
    whole = within.bbox.width / within.dpi
    cell = where.get_subplotspec()
    if cell is None:
        return min(whole, where.get_position().width * whole + _OF_LABELS)
    cell = cell.get_topmost_subplotspec()
    ratios = [float(ratio) for ratio in cell.get_gridspec().get_width_ratios()]  # type: ignore[union-attr, arg-type]
    return float(whole) * sum(ratios[at] for at in cell.colspan) / sum(ratios)
