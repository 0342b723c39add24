"""Write figures to files, byte-identical for identical figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modelsizer.plots.drawing.style import SIZES, STYLE, small
from modelsizer.plots.drawing.texts import any_letters

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
_NO_METADATA = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def save(figure: Figure, path: Path, *, dpi: float | None = None) -> None:
    """Write a figure in the format given by the path's suffix, without dates or versions.

    Parameters
    ----------
    figure : Figure
    path : Path
    dpi : float, optional
        Resolution of bitmaps, also inside vector formats; by default that of the figure's size.

    Raises
    ------
    ValueError
        If the suffix is not in `FORMATS`.
    """
    import matplotlib as mpl

    if path.suffix not in FORMATS:
        raise ValueError(f"{path} must end in {', '.join(FORMATS)}")
    kind = SIZES["column" if small(figure) else "wide"]
    with mpl.rc_context({**STYLE, "font.size": kind.font}), any_letters():
        figure.savefig(path, dpi=dpi or kind.dpi, metadata=_NO_METADATA[path.suffix])
