"""A struct of arrays: parallel columns in one frozen dataclass, with take and join written once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.records import dataclass

LARGEST_INT64 = 2**62
"""Numbers below are computed in int64: half of its range, so that a sum of two cannot overflow."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Base of frozen dataclasses whose arrays share their first axis.

    A field that holds an array, another `Columns`, or a dict of either is a column; any other field
    belongs to the whole and is kept as it is. ``field(metadata={"fill": x})`` is the value with
    which `join` pads the further axes of an array; 0 by default.
    """

    def __len__(self) -> int:
        return next(size for f in fields(self) if (size := _length(getattr(self, f.name))) >= 0)

    def take(self, where: NDArray[Any] | slice) -> Self:
        """The rows at these positions, or where this mask holds."""
        kind: Any = type(self)  # to mypy no key of a cache
        names = _names(kind)
        return type(self)(**{name: _taken(getattr(self, name), where) for name in names})

    @property
    def nbytes(self) -> int:
        """Bytes of all columns; of Python integers only the pointers."""
        return sum(_nbytes(getattr(self, field.name)) for field in fields(self))

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Columns one below another; fields that are no columns are those of the first part.

        Parameters
        ----------
        parts : sequence
            At least one. Arrays whose further axes differ in length are padded.
        """
        if len(parts) == 1:
            return parts[0]
        found = {
            f.name: _joined([getattr(part, f.name) for part in parts], f.metadata.get("fill", 0))
            for f in fields(cls)
        }
        return replace(parts[0], **found)


def stacked(arrays: Sequence[NDArray[Any]], fill: int = 0) -> NDArray[Any]:
    """Arrays one below another, further axes padded to the longest of each."""
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) > 1:
        longest = np.max([list(shape) for shape in shapes], axis=0)
        arrays = [_padded(array, longest, fill) for array in arrays]
    return np.concatenate(arrays)


def _padded(array: NDArray[Any], shape: Sequence[int], fill: int) -> NDArray[Any]:
    found = np.full((len(array), *shape), fill, dtype=array.dtype)
    found[(slice(None), *(slice(n) for n in array.shape[1:]))] = array
    return found


@cache
def _names(cls: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls))


def _length(value: Any) -> int:
    if isinstance(value, dict):
        return _length(next(iter(value.values()), None))
    return len(value) if isinstance(value, np.ndarray | Columns) else -1


def _nbytes(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_nbytes, value.values()))
    return value.nbytes if isinstance(value, np.ndarray | Columns) else 0


def _taken(value: Any, where: NDArray[Any] | slice) -> Any:
    if isinstance(value, np.ndarray):
        return value[where]
    if isinstance(value, Columns):
        return value.take(where)
    if isinstance(value, dict):
        return {name: _taken(column, where) for name, column in value.items()}
    return value


def _joined(values: list[Any], fill: int) -> Any:
    first = values[0]
    if isinstance(first, np.ndarray):
        return stacked(values, fill)
    if isinstance(first, Columns):
        return type(first).join(values)
    if isinstance(first, dict):
        return {name: _joined([value[name] for value in values], fill) for name in first}
    return first
