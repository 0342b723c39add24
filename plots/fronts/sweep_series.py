"""Points of a sweep, by the key that is drawn along an axis and the keys that tell series apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from modelsizer.optimizer.constraints import base_of, value_text
from modelsizer.plots.drawing.axes import words
from modelsizer.plots.drawing.lines import Line
from modelsizer.plots.drawing.texts import one_line
from modelsizer.problems.records import dataclass

if TYPE_CHECKING:
    from modelsizer.optimizer.sweeps.grids import Axis
    from modelsizer.optimizer.sweeps.sweep import SweepResult

MOST_NAMED = 14  # lines of one panel that are named at their ends
_SHADED_FROM = 8  # values of a number from which its lines are shades, with a colour bar


@dataclass(frozen=True, slots=True)
class Series:
    """Lines of one panel.

    Parameters
    ----------
    name : str
        The values of the keys that tell panels apart; empty if there is one panel.
    lines : tuple of Line
    values : tuple
        The value of the key of each line, or of several keys.
    """

    name: str
    lines: tuple[Line, ...]
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Which key of a sweep is drawn where.

    Parameters
    ----------
    along : Axis or None
        The horizontal axis: the last key that takes several numbers; None if no key does.
    of_lines, of_panels : tuple of Axis
        Keys that take several values, by whether they tell lines or panels apart.
    """

    along: Axis | None
    of_lines: tuple[Axis, ...]
    of_panels: tuple[Axis, ...]

    @property
    def shaded(self) -> bool:
        """Whether lines are shades of one number, with a colour bar in place of names."""
        return (
            len(self.of_lines) == 1
            and len(self.of_lines[0].values) >= _SHADED_FROM
            and is_numeric(self.of_lines[0])
        )

    @property
    def heading(self) -> str:
        """The keys of the lines in words."""
        return ", ".join(key_words(axis.key) for axis in self.of_lines)


def is_numeric(axis: Axis) -> bool:
    """Whether every value of a key is a number."""
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in axis.values)


def key_words(key: str) -> str:
    """The last word of a key, as in a label."""
    return words(base_of(key).rpartition(".")[2])


def arranged(found: SweepResult) -> Arrangement:
    """Place the keys of a sweep, so that a panel has few lines.

    All other keys tell lines apart while these are few; otherwise the last of them does, and
    those before it tell panels apart.
    """
    several = [axis for axis in found.grid.axes if len(axis.values) > 1]
    if not several:
        raise ValueError("a picture of a sweep needs a key that takes several values")
    along = next((axis for axis in reversed(several) if is_numeric(axis)), None)
    others = tuple(axis for axis in several if axis is not along)
    lines = int(np.prod([len(axis.values) for axis in others], dtype=float))
    if along is None or lines <= MOST_NAMED or len(others) < 2:
        return Arrangement(along, others, ())
    return Arrangement(along, others[-1:], others[:-1])


def series_of(found: SweepResult, placed: Arrangement) -> list[Series]:
    """Points that have a design, as lines of each panel; panels without any are left out."""
    assert placed.along is not None
    key = placed.along.key
    points: dict[tuple[Any, ...], list[tuple[float, float, bool]]] = {}
    keys = [axis.key for axis in (*placed.of_panels, *placed.of_lines)]
    for row in solved(found):
        at = (float(row[key]), float(row["objective"]), row["status"] == "limit")
        points.setdefault(tuple(_plain(row[each]) for each in keys), []).append(at)
    panels = []
    for values in product(*(axis.values for axis in placed.of_panels)):
        name = "\n".join(
            one_line(f"{key_words(axis.key)}: {value_text(axis.key, value)}")
            for axis, value in zip(placed.of_panels, values, strict=True)
        )
        lines, own = [], []
        for each in product(*(axis.values for axis in placed.of_lines)):
            some = points.get(tuple(map(_plain, (*values, *each))))
            if some is None:
                continue
            x, y, doubtful = zip(*sorted(some), strict=True)
            lines.append(
                Line(_name(placed.of_lines, each), np.array(x), np.array(y), np.array(doubtful))
            )
            own.append(each)
        if lines:
            panels.append(Series(name, tuple(lines), tuple(own)))
    return panels


def solved(found: SweepResult) -> list[dict[str, Any]]:
    """Rows of points that have a design."""
    return [dict(row) for row in found.rows if has_design(row)]


def has_design(row: Mapping[str, Any]) -> bool:
    """Whether a point has a design, proven or the best known."""
    return row["objective"] is not None and row["status"] in ("optimal", "limit")


def _name(axes: Sequence[Axis], values: Sequence[Any]) -> str:
    return ", ".join(value_text(axis.key, v) for axis, v in zip(axes, values, strict=True))


def _plain(value: Any) -> Any:
    """A value that can be looked up: some settings are lists or tables."""
    return repr(value) if isinstance(value, list | dict | tuple) else value
