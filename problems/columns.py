"""A struct of arrays: parallel columns in one frozen dataclass, with take and join written once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import fields, replace
from functools import cache
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.records import dataclass

LARGEST_INT64 = 2**62
"""Numbers below are computed in int64: half of its range, so that a sum of two cannot overflow."""


Value = TypeVar("Value", bound=Hashable)


def numbered(values: Iterable[Value]) -> tuple[NDArray[np.int64], list[Value]]:
    """Number values in the order of their first appearance, equal ones by equal numbers.

    Returns
    -------
    of : array of shape (n,)
    distinct : list
        By number.
    """
    every = list(values)  # an object keeps its id as long as it is held
    by_id: dict[int, int] = {}
    numbers: dict[Value, int] = {}
    for value in every:
        if id(value) not in by_id:
            by_id[id(value)] = numbers.setdefault(value, len(numbers))
    return np.array([by_id[id(value)] for value in every], dtype=np.int64), list(numbers)


def packed(*columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers from 0 that are equal where all columns are, which are not negative."""
    found = columns[0]
    for column in columns[1:]:
        together = found * (int(column.max(initial=0)) + 1) + column
        found = np.unique(together, return_inverse=True)[1].reshape(-1)
    return found


def coded(
    *columns: NDArray[np.int64],
) -> tuple[NDArray[np.int64], list[tuple[int, ...]]]:
    """Codes of the rows of some columns as `packed` gives them, and the distinct rows by code."""
    _, first, code = np.unique(packed(*columns), return_index=True, return_inverse=True)
    return code.reshape(-1), [tuple(int(column[i]) for column in columns) for i in first]


def first_alike(numbers: Sequence[int]) -> NDArray[np.int64]:
    """The first position of an equal number, of each."""
    _, first, back = np.unique(numbers, return_index=True, return_inverse=True)
    found: NDArray[np.int64] = first[back.reshape(-1)]
    return found


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
        if isinstance(where, np.ndarray) and where.dtype == bool:
            where = np.flatnonzero(where)  # once: by a mask each column takes several times as long
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
        return value[where] if isinstance(where, slice) else value.take(where, axis=0)
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
