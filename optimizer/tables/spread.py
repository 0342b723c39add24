"""Width options under many parallel layouts at once: a row for each pair, in one table.

What no layout changes is computed once per option, and what a layout changes with the degrees of
all rows as columns. A layout here is one setting of choices that only some quantities see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.tables.building import (
    by_layouts,
    by_setup,
    frame,
    largest,
    needed,
    over_depths,
    quantities,
    row_costs,
)
from modelsizer.optimizer.tables.table import Ints, Linear, Table
from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.columns import LARGEST_INT64
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.setups import distinct
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.space.options import options as every_option
from modelsizer.problems.space.splits import Split, common, divides
from modelsizer.problems.space.widths import Options


@dataclass(frozen=True, slots=True)
class Spread:
    """Pairs of a width option and a layout that can split it, by layout.

    Parameters
    ----------
    layouts : tuple of Layout
    options : Options
        Before they are split.
    row, layout_id : array of shape (W,)
        Option and layout of each pair.
    depths : Depths
        Of each pair, such that the layout divides them.
    """

    layouts: tuple[Layout, ...]
    options: Options
    row: Ints
    layout_id: Ints
    depths: Depths

    def __len__(self) -> int:
        return len(self.row)

    def pairs(self) -> Options:
        """Return the option of each pair with the depths that the layout divides."""
        widths = {name: column[self.row] for name, column in self.options.widths.items()}
        return replace(self.options, widths=widths, depths=self.depths)

    def frame(self) -> Table:
        """Return a table of the pairs, with the layers as its only quantity."""
        return frame(self.layouts, self.pairs(), self.layout_id)

    def quantities(self, problem: Problem, names: Collection[str]) -> dict[str, Linear]:
        """Compute exact quantities of the pairs; see `modelsizer.optimizer.tables.building`."""
        found: dict[str, Linear] = {}
        for some, of in by_setup(problem, names, self.layouts):
            several = len(set(of)) > 1
            found |= (
                self._of_setups(problem, some, np.array(of))
                if several
                else self._alike(problem, some)
            )
        return found

    def _of_setups(self, problem: Problem, names: Collection[str], of: Ints) -> dict[str, Linear]:
        """Compute quantities of pairs whose layouts have numbers, for each number by itself."""
        number, parts, places = of[self.layout_id], [], []
        for each in np.unique(number):
            at, layouts = np.flatnonzero(number == each), np.flatnonzero(of == each)
            place = np.searchsorted(layouts, self.layout_id[at])
            some = tuple(self.layouts[i] for i in layouts)
            mine = Spread(some, self.options, self.row[at], place, self.depths.take(at))
            parts.append(mine._alike(problem, names))
            places.append(at)
        back = np.argsort(np.concatenate(places))
        deepest = int(self.depths.count.max(initial=1))
        return {
            name: Linear.join([part[name] for part in parts], deepest).take(back)
            for name in (parts[0] if parts else ())
        }

    def _alike(self, problem: Problem, names: Collection[str]) -> dict[str, Linear]:
        """Compute quantities that differ by the degrees of parallelism alone."""
        same, many, each = by_layouts(names, self.layouts)
        found = self._of_options(problem, same) if same else {}
        if not many and not each:
            return found
        degrees: dict[tuple[int, ...], int] = {}
        for number, layout in enumerate(self.layouts):
            degrees.setdefault(tuple(layout.degrees.values()), number)
        if len(degrees) < len(self.layouts):  # those of several setups are computed once
            first = np.array([degrees[tuple(one.degrees.values())] for one in self.layouts])
            key = self.row * len(self.layouts) + first[self.layout_id]
            _, at, back = np.unique(key, return_index=True, return_inverse=True)
            once = replace(
                self,
                row=self.row[at],
                layout_id=first[self.layout_id[at]],
                depths=self.depths.take(at),
            )
            apart = once._by_degrees(problem, many, each)
            return found | {name: cost.take(back.reshape(-1)) for name, cost in apart.items()}
        return found | self._by_degrees(problem, many, each)

    def _by_degrees(
        self, problem: Problem, many: Collection[str], each: Collection[str]
    ) -> dict[str, Linear]:
        """Compute quantities that differ by the degrees: of many layouts at once, or of each."""
        found = self._of_pairs(problem, many) if many else {}
        if each:
            parts, places = [], []
            for number, layout in enumerate(self.layouts):
                at = np.flatnonzero(self.layout_id == number)
                if len(at):
                    parts.append(quantities(problem, layout, self.pairs().take(at), each))
                    places.append(at)
            back = np.argsort(np.concatenate(places))
            found |= {
                name: Linear.join([part[name] for part in parts]).take(back) for name in parts[0]
            }
        return found

    def _of_options(self, problem: Problem, names: Collection[str]) -> dict[str, Linear]:
        """Compute quantities that are those of the first layout, once per option."""
        found = row_costs(problem, self.layouts, self.options, names)
        return {name: over_depths(cost, self.depths, self.row) for name, cost in found.items()}

    def _of_pairs(self, problem: Problem, names: Collection[str]) -> dict[str, Linear]:
        """Compute quantities whose formulas take the degrees of all pairs as arrays."""
        wide = largest(problem, self.layouts, self.options, names) >= LARGEST_INT64
        pairs, of = self.pairs(), self.layout_id
        found = row_costs(problem, self.layouts, pairs, names, layout_id=of, wide=wide)
        return {name: over_depths(cost, self.depths) for name, cost in found.items()}

    def table(self, problem: Problem, names: Collection[str]) -> Table:
        """Return a table of the pairs with exact quantities."""
        table = self.frame()
        return replace(table, linear=table.linear | self.quantities(problem, names))


def spread(
    problem: Problem,
    layouts: Sequence[Layout],
    options: Options,
    able: NDArray[np.bool_] | None = None,
) -> Spread:
    """Pair width options with the layouts that can split them.

    Parameters
    ----------
    problem : Problem
    layouts : sequence of Layout
    options : Options
    able : array of bool, shape (W, layouts), optional
        Pairs that are wanted; all by default.
    """
    numbers: dict[Split, list[int]] = {}
    for number, layout in enumerate(layouts):
        numbers.setdefault(problem.split_of[layout], []).append(number)
    widths = {each: divides(each, options) for each in {split.widths for split in numbers}}
    every = np.arange(len(options)), options.depths
    depths = {
        stages: every if stages == 1 else options.depths.divided(stages)
        for stages in {split.stages for split in numbers}
    }
    rows, parts, of = [], [], []
    for split, mine in numbers.items():
        row, deep = depths[split.stages]
        at = np.flatnonzero(widths[split.widths][row])
        if able is None:
            which, place = np.repeat(mine, len(at)), np.tile(at, len(mine))
        else:
            among, wanted = np.nonzero(able[row[at][:, None], np.array(mine)].T)
            which, place = np.array(mine)[among], at[wanted]
        rows.append(row[place])
        parts.append(deep.take(place))
        of.append(which)
    row, layout_id, depth = np.concatenate(rows), np.concatenate(of), Depths.join(parts)
    if len(numbers) < len(layouts):  # in the order of the layouts, as otherwise
        order = np.argsort(layout_id, kind="stable")
        row, layout_id, depth = row[order], layout_id[order], depth.take(order)
    return Spread(tuple(layouts), options, row, layout_id, depth)


def groups(problem: Problem, layouts: Sequence[Layout]) -> list[list[int]]:
    """Indices of the layouts that share a table.

    Where training FLOPs per accelerator are limited they are those of equal accelerators, as these
    FLOPs are integers over the number of them.
    """
    if all(one.most_flops_each is None or one.least == 0 for one in distinct(problem.setups)):
        return [list(range(len(layouts)))]
    found: dict[int, list[int]] = {}
    for number, layout in enumerate(layouts):
        found.setdefault(layout.accelerators, []).append(number)
    return list(found.values())


def spreads(problem: Problem, rows_at_once: int) -> Iterator[Spread]:
    """Yield all pairs of a width option and a layout of a problem, in parts of bounded size."""
    layouts, splits = problem.layouts, problem.splits
    split = common(splits)
    together = [[layouts[number] for number in group] for group in groups(problem, layouts)]
    for options in every_option(problem.space, split, rows_at_once):
        for some in together:
            at_once = max(1, rows_at_once // len(some))
            for begin in range(0, len(options), at_once):
                part = options.take(np.arange(begin, min(begin + at_once, len(options))))
                found = spread(problem, some, part)
                if len(found):
                    yield found


def tables(
    problem: Problem, rows_at_once: int = 50_000, names: Collection[str] | None = None
) -> Iterator[Table]:
    """Yield all width options of a problem under all layouts, in tables of bounded size.

    Parameters
    ----------
    problem : Problem
    rows_at_once : int
    names : collection of str, optional
        Affine quantities to compute; by default those that the problem needs.
    """
    names = needed(problem) if names is None else names
    for part in spreads(problem, rows_at_once):
        yield part.table(problem, names)
