"""Text of figures: names from users and files, powers of ten, and what a font lacks.

No text of a figure is mathematics (`style.STYLE`): a dollar sign is a dollar sign.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from modelsizer.problems.visible import shortened, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import Formatter

_RAISED = str.maketrans(
    "-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
)
_LONGEST_NAME, _LONGEST_LINE = 32, 200  # characters


def one_line(text: str, most: int = _LONGEST_NAME) -> str:
    """Return a name as one line of visible characters, shortened if it is long."""
    return shortened(visible(text), most)


def power(exponent: int, mantissa: str = "1") -> str:
    """Return a multiple of a power of ten, such as 1.5x10 raised to 24."""
    ten = f"10{str(exponent).translate(_RAISED)}"
    return ten if mantissa == "1" else f"{mantissa}\N{MULTIPLICATION SIGN}{ten}"


@contextmanager
def any_letters() -> Iterator[None]:
    """Do not warn of letters that the font lacks; they are drawn as boxes, and stay text in SVG."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .*missing from (current )?font")
        warnings.filterwarnings(
            "ignore", message=r"Matplotlib currently does not support .* native"
        )
        yield


def tidy(parts: Sequence[Figure | Axes]) -> None:
    """Make every character of a figure or of axes visible, and shorten lines that are too long."""
    from matplotlib.axes import Axes
    from matplotlib.text import Text

    for text in (found for part in parts for found in part.findobj(Text)):
        assert isinstance(text, Text)
        if text.get_text() != (seen := _tidied(text.get_text())):
            text.set_text(seen)
    every = [x for part in parts for x in ([part] if isinstance(part, Axes) else part.axes)]
    axes = [a for x in every for a in (x.xaxis, x.yaxis)]
    found = [f for a in axes for f in (a.get_major_formatter(), a.get_minor_formatter())]
    for formatter in dict.fromkeys(found):
        _tidy_ticks(formatter)


def _tidy_ticks(formatter: Formatter) -> None:
    written = formatter.format_ticks

    def format_ticks(values: list[float]) -> list[str]:
        return [_tidied(plain(label)) for label in written(values)]

    formatter.format_ticks = format_ticks  # type: ignore[method-assign]


def plain(label: str) -> str:
    """The label of a tick without the mathematics that matplotlib writes on logarithmic axes."""
    found = _MATHEMATICS.fullmatch(label)
    if found is None:
        return label
    body = found[1].replace(r"\times", "\N{MULTIPLICATION SIGN}")
    return _POWER.sub(lambda power: power[1].translate(_RAISED), body)


_MATHEMATICS = re.compile(r"\$\\mathdefault\{(.*)\}\$")
_POWER = re.compile(r"\^\{(-?\d+)\}")


def _tidied(text: str) -> str:
    return "\n".join(shortened(visible(line), _LONGEST_LINE) for line in text.split("\n"))
