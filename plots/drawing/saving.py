"""Write figures to files, byte-identical for identical figures."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from modelsizer.plots.drawing.style import SIZES, STYLE, small
from modelsizer.plots.drawing.texts import any_letters
from modelsizer.problems.files import write_bytes

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
        See `rendered`.

    Raises
    ------
    ValueError
        If the suffix is not in `FORMATS`.
    FileError
        If the path cannot be written.
    """
    if path.suffix not in FORMATS:
        raise ValueError(f"{path} must end in {', '.join(FORMATS)}")
    write_bytes(path, rendered(figure, path.suffix, dpi=dpi))


def rendered(figure: Figure, ending: str, *, dpi: float | None = None) -> bytes:
    """The content of a figure's file.

    Parameters
    ----------
    figure : Figure
    ending : str
        One of `FORMATS`.
    dpi : float, optional
        Resolution of bitmaps, also inside vector formats; by default that of the figure's size.
    """
    import matplotlib as mpl

    kind = SIZES["column" if small(figure) else "wide"]
    content, kept = io.BytesIO(), _NO_METADATA[ending]
    with mpl.rc_context({**STYLE, "font.size": kind.font}), any_letters():
        figure.savefig(content, format=ending[1:], dpi=dpi or kind.dpi, metadata=kept)
    return content.getvalue()
