"""What values show of themselves: a short repr, a report in notebooks, a table, a picture.

The texts, tables and pictures are those of the front door, which is loaded when one is asked for:
nothing here depends on it. The types of tables and pictures are in ``shown.pyi``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_FRONT_DOOR = "modelsizer.notebook"


class Shown:
    """A value with a short repr, and a report in notebooks."""

    __slots__ = ()

    def _words(self) -> str:
        """What a repr says of the value."""
        return ""

    def __repr__(self) -> str:
        name = type(self).__name__
        try:
            return f"<{name} {self._words()}>"
        except Exception:  # a debugger shows values that are not whole
            return f"<{name}>"

    def _repr_html_(self) -> str:
        """The report of the value's command, as HTML."""
        html: str = import_module(f"{_FRONT_DOOR}.html").html_of(self)
        return html


class Tabled(Shown):
    """A value with rows."""

    __slots__ = ()

    def to_frame(self) -> Any:
        """The rows as a pandas table: the keys of the JSON, in base units.

        Keys of inner tables are joined by a dot, but those of an architecture stand by themselves.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        return import_module(f"{_FRONT_DOOR}.frames").frame_of(self)


class Drawn(Shown):
    """A value with a picture."""

    __slots__ = ()

    def plot(
        self,
        picture: str | None = None,
        *,
        title: str | None = None,
        size: str = "wide",
        ax: Any = None,
        time_limit: float | None = None,
        **options: Any,
    ) -> Any:
        """Draw the picture of the value's command, as its ``--plot`` does.

        Parameters
        ----------
        picture : str, optional
            Another picture of the same value; the message about an unknown one lists them.
        title : str, optional
            The name of the problem by default.
        size : str
            ``"wide"``, or ``"column"`` for the column of a paper.
        ax : Axes, optional
            The axes to draw in, of pictures of one axes.
        time_limit : float, optional
            Seconds for what the picture shows beside the value; the title says what is left out.
        **options
            Of the picture.

        Returns
        -------
        matplotlib.figure.Figure
            ``plots.save(figure, path)`` writes it to a file.

        Raises
        ------
        ArgumentError
            If there is no such picture or option, or nothing to draw.
        MissingExtraError
            If matplotlib is not installed.
        """
        return import_module(f"{_FRONT_DOOR}.figures").figure_of(
            self, picture, title=title, size=size, ax=ax, time_limit=time_limit, **options
        )
