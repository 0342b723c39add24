"""Sort more rows than memory holds: sorted runs in a temporary file, and their merge.

Rows come in parts. Each part is sorted and written as a run, in the narrowest types that hold its
values; a column of one value takes no space. To merge the runs, every `SPARSE`-th row of each is
kept in memory: between two of these rows in their common order lie few rows of each run, which are
read and sorted together (Knuth, The Art of Computer Programming 3, section 5.4).

The file is one without a name in the system's folder of temporary files, so that nothing of it is
left however the process ends. Up to `IN_MEMORY` bytes none is made.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.tables.sorted_order import sorted_order
from modelsizer.problems.errors import ModelsizerError
from modelsizer.problems.records import dataclass

Rows = dict[str, NDArray[Any]]
"""Columns of one length by name."""
SPARSE = 256
IN_MEMORY = 2**25


class TemporaryFileError(ModelsizerError):
    """Raised if a temporary file cannot be written or read."""


@dataclass(frozen=True, slots=True)
class _Run:
    """A sorted part: where it is, its columns, the type of its rows, and columns of one value."""

    begin: int
    rows: int
    names: tuple[str, ...]
    record: np.dtype[Any]
    constant: Mapping[str, NDArray[Any]]
    sample: Rows


class SortedRuns:
    """Rows sorted by some of their columns, mostly on disk.

    Parameters
    ----------
    keys : sequence of str
        Columns to sort by, the first one first: floats, or integers.

    Attributes
    ----------
    rows : int
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys, self.rows = tuple(keys), 0
        self._runs: list[_Run] = []
        self._end = 0
        self._file: Any = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed below
        weakref.finalize(self, self._file.close)

    def add(self, part: Mapping[str, NDArray[Any]]) -> None:
        """Add rows, which need not be sorted; the same columns each time.

        Raises
        ------
        TemporaryFileError
            If the disk is full.
        """
        columns = {name: _narrow(column) for name, column in part.items()}
        rows = len(next(iter(columns.values())))
        if not rows:
            return
        order = sorted_order([columns[key] for key in self.keys])
        varied = {name: column for name, column in columns.items() if _varies(column)}
        record = np.dtype([(name, column.dtype) for name, column in varied.items()])
        run = np.empty(rows, dtype=record)
        for name, column in varied.items():
            run[name] = column[order]
        constant = {n: c[:1].copy() for n, c in columns.items() if n not in varied}
        sample = {key: columns[key][order[::SPARSE]] for key in self.keys}
        with _failing("written"):
            self._file.seek(self._end)
            self._file.write(run.tobytes())
        self._runs.append(_Run(self._end, rows, tuple(columns), record, constant, sample))
        self._end += run.nbytes
        self.rows += rows

    def pieces(self, at_once: int, near: float = 0.0) -> Iterator[Rows]:
        """Yield all rows in order, with columns in the order in which they were added.

        Rows of equal keys are in one piece, and so are rows whose first key differs by no more than
        a relative distance from that of the next.

        Parameters
        ----------
        at_once : int
            Rows of a piece, about; many more where many are equal.
        near : float
        """
        if not self._runs:
            return
        samples = {key: np.concatenate([run.sample[key] for run in self._runs])
                   for key in self.keys}  # fmt: skip
        of = np.repeat(np.arange(len(self._runs)), [_samples(run) for run in self._runs])
        order = sorted_order([samples[key] for key in self.keys])
        done = np.zeros(len(self._runs), dtype=np.int64)  # samples of each run before the cut
        held: Rows | None = None
        cut = 0
        while cut < len(order):
            step = max(1, (at_once + (0 if held is None else len(held[self.keys[0]]))) // SPARSE)
            until = min(cut + step, len(order))
            now = done + np.bincount(of[order[cut:until]], minlength=len(done))
            fresh = [self._read(run, *(SPARSE * end for end in ends))
                     for run, *ends in zip(self._runs, done, now, strict=True)]  # fmt: skip
            rows = _joined([*([] if held is None else [held]), *(r for r in fresh if r)])
            places = sorted_order([rows[key] for key in self.keys])
            rows = {name: column[places] for name, column in rows.items()}
            size = len(places)
            if until < len(order):
                first = [samples[key][order[until]] for key in self.keys]
                size = _below([rows[key] for key in self.keys], first, near)
            if size:
                yield {name: column[:size] for name, column in rows.items()}
            held = {name: column[size:].copy() for name, column in rows.items()}
            cut, done = until, now

    def _read(self, run: _Run, begin: int, end: int) -> Rows:
        begin, end = min(begin, run.rows), min(end, run.rows)
        if begin == end:
            return {}
        size = run.record.itemsize
        with _failing("read"):
            self._file.seek(run.begin + begin * size)
            content = self._file.read((end - begin) * size)
        found = np.frombuffer(content, dtype=run.record, count=end - begin)
        same = {name: np.repeat(value, end - begin) for name, value in run.constant.items()}
        return {name: same[name] if name in same else found[name] for name in run.names}


def _narrow(column: NDArray[Any]) -> NDArray[Any]:
    """An integer column in the narrowest of a few types; of these, unlike ones join to integers."""
    if column.dtype.kind not in "biu" or not len(column) or column.min() < 0:
        return column
    most = int(column.max())
    for kind in (np.uint8, np.uint16, np.uint32):
        if most <= np.iinfo(kind).max:
            return column.astype(kind)
    return column.astype(np.int64)


def _varies(column: NDArray[Any]) -> bool:
    return bool((column != column[0]).any())


def _samples(run: _Run) -> int:
    return -(-run.rows // SPARSE)


def _joined(parts: Sequence[Rows]) -> Rows:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _below(keys: Sequence[NDArray[Any]], first: Sequence[Any], near: float) -> int:
    """How many sorted rows come before a row, whatever is to come from there on.

    With `near`, of the rows whose first keys follow each other closely all or none.
    """
    low, high = 0, len(keys[0])
    for key, value in zip(keys, first, strict=True):
        part = key[low:high]
        low, high = (
            low + int(np.searchsorted(part, value, "left")),
            low + int(np.searchsorted(part, value, "right")),
        )
    if not near:
        return low
    values = np.append(keys[0][:low], first[0])
    with np.errstate(invalid="ignore"):
        apart = ~(np.diff(values) <= near * np.abs(values[1:]))
    ends = np.flatnonzero(apart)
    return int(ends[-1]) + 1 if len(ends) else 0


class _failing:  # noqa: N801 - a context, used like a function
    """Say in one sentence that the file of temporary rows failed."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError):
            where = tempfile.gettempdir()
            raise TemporaryFileError(
                f"temporary files in {where} cannot be {self._what}: {error.strerror or error}; "
                "the environment variable TMPDIR sets another folder"
            ) from None
