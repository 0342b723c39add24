"""Designs in the order of their values, or each once, however many: mostly on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.surveys.kept_designs import KeptDesigns
from modelsizer.optimizer.surveys.ordering import exact_order, noise, one_layout_each
from modelsizer.optimizer.surveys.sorted_runs import Rows, SortedRuns
from modelsizer.problems.architecture.structures import Structure

RUN = 200_000  # designs that are sorted in memory: some 10 MB
AT_ONCE = 150_000
_LARGEST_INT32 = 2**31 - 1


class _Designs:
    """Designs sorted by some keys; `extra` are keys that are no column of theirs.

    Attributes
    ----------
    number : int
        Designs added.
    wide : bool
        Whether a choice of one of them is 2^31 or more.
    """

    def __init__(self, extra: bool) -> None:
        self.number, self.wide, self._extra = 0, False, extra
        self._runs: SortedRuns | None = None
        self._waiting: list[KeptDesigns] = []
        self._structures: tuple[Structure, ...] = ()

    def _keys(self, rows: Rows) -> Sequence[str]:
        raise NotImplementedError

    def add(self, part: KeptDesigns) -> None:
        """Add designs.

        Raises
        ------
        TemporaryFileError
            If the disk is full.
        """
        if len(part):
            self.number += len(part)
            sizes: list[NDArray[Any]] = [part.layers, *part.widths.values()]
            self.wide = self.wide or any(size.max() > _LARGEST_INT32 for size in sizes)
            self._waiting.append(part)
            if sum(map(len, self._waiting)) >= RUN:
                self._sort()

    def _sort(self) -> None:
        if not self._waiting:
            return
        part, self._waiting = KeptDesigns.join(self._waiting), []
        self._structures = part.structures
        rows = _rows_of(part)
        if self._extra:
            rows |= {f"tie {i}": key for i, key in enumerate(part.ties()[1:])}
        if self._runs is None:
            self._runs = SortedRuns(self._keys(rows))
        self._runs.add(rows)

    def _pieces(self, near: float) -> Iterator[KeptDesigns]:
        self._sort()
        if self._runs is not None:
            for rows in self._runs.pieces(AT_ONCE, near):
                yield _designs_of(rows, self._structures)


class SortedDesigns(_Designs):
    """Designs by value; ties by the tie rule.

    Parameters
    ----------
    scorer : Scorer
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer, self._near = scorer, noise(scorer)
        super().__init__(extra=not self._near)

    def _keys(self, rows: Rows) -> Sequence[str]:
        ties = [name for name in rows if name.startswith("tie ")]
        return ["value"] if self._near else ["value", "parameters", *ties]

    def pieces(self) -> Iterator[KeptDesigns]:
        """Yield all designs in order, with their values as they were added.

        Raises
        ------
        TemporaryFileError
            If the file cannot be written or read.
        """
        for part in self._pieces(self._near):
            yield part.take(exact_order(self._scorer, part)[0]) if self._near else part


class DesignsOnce(_Designs):
    """Designs under several layouts, of each the best; in no order of value."""

    def __init__(self) -> None:
        super().__init__(extra=False)

    def _keys(self, rows: Rows) -> Sequence[str]:
        return [name for name in rows if name not in ("value", "parameters", "layout")]

    def pieces(self) -> Iterator[KeptDesigns]:
        """Yield each design once.

        Raises
        ------
        TemporaryFileError
            If the file cannot be written or read.
        """
        yield from map(one_layout_each, self._pieces(0.0))


def _rows_of(held: KeptDesigns) -> Rows:
    rows: Rows = {"value": held.value, "parameters": _numbers(held.parameters)}
    rows |= {"structure": held.structure, "layout": held.layout}
    rows |= {f"count {k}": column for k, column in enumerate(held.counts.T)}
    return rows | {f"width {name}": column for name, column in held.widths.items()}


def _designs_of(rows: Rows, structures: tuple[Structure, ...]) -> KeptDesigns:
    widths = {name.partition(" ")[2]: column for name, column in rows.items()
              if name.startswith("width ")}  # fmt: skip
    counts = [column for name, column in rows.items() if name.startswith("count ")]
    return KeptDesigns(
        structures,
        rows["value"],
        widths,
        np.stack(counts, axis=1),
        rows["structure"],
        rows["layout"],
        rows["parameters"],
    )


def _numbers(column: NDArray[Any]) -> NDArray[Any]:
    """Python integers as NumPy's; as doubles if they are too large, 9e18 parameters."""
    if column.dtype != object:
        return column
    try:
        return column.astype(np.int64)
    except OverflowError:
        return column.astype(float)
