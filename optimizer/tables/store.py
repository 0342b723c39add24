"""Cache of the tables of a space, for several problems over it.

Width options depend on [space], the parallel layouts and the sequence length; each quantity also
depends on some settings (`modelsizer.problems.designs.costs.depends_on`). If a budget, token limit
or law changes, all tables are reused; if a serving setting changes, all but those of serving.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from modelsizer.optimizer.tables.building import needed
from modelsizer.optimizer.tables.cover import Cover
from modelsizer.optimizer.tables.grid import Grid, menu_size
from modelsizer.optimizer.tables.roots import vocabularies_rise
from modelsizer.optimizer.tables.spread import Spread, groups, spreads, tables
from modelsizer.optimizer.tables.table import Linear, Table
from modelsizer.problems.designs.costs import depends_on
from modelsizer.problems.laws.features import Seen
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import parts_of

LISTABLE = 150_000
"""Width options up to which a space is enumerated; larger spaces are searched by blocks."""
ROWS = 200_000
"""Rows of the cached tables, of which there is then one for each structure."""
VERSIONS = 4
"""Number of settings for which a quantity is cached: enough for alternating scenarios."""

_Key = tuple[object, ...]


class _Part:
    """Width options under some layouts, with the costs computed so far."""

    def __init__(self, spread: Spread) -> None:
        self.spread, self.frame = spread, spread.frame()
        self._kept: dict[str, list[tuple[_Key, dict[str, Linear]]]] = {}
        self._features: list[tuple[_Key, Table]] = []

    def table(self, problem: Problem, keys: Mapping[str, _Key]) -> Table:
        """Return the table with the costs in `keys`, each with the settings that it depends on."""
        found: dict[str, Linear] = dict(self.frame.linear)
        missing = []
        for name, key in keys.items():
            known = next((q for k, q in self._kept.get(name, []) if k == key), None)
            if known is None:
                missing.append(name)
            else:
                found |= known
        if missing:
            fresh = self.spread.quantities(problem, missing)
            for name in missing:
                mine = {part: fresh[part] for part in parts_of(name)}
                kept = self._kept.setdefault(name, [])
                kept.insert(0, (keys[name], mine))
                del kept[VERSIONS:]
                found |= mine
        return replace(self._with_features(problem.quality.features), linear=found)

    def _with_features(self, names: tuple[Seen, ...]) -> Table:
        """Return the frame with features of its stacks, cached for the last few laws."""
        known = next((table for asked, table in self._features if asked == names), None)
        if known is None:
            known = self.frame.with_features(names)
            self._features.insert(0, (names, known))
            del self._features[VERSIONS:]
        return known


class TableStore:
    """Cache of the tables of the last space.

    The tables of a space too large to enumerate are not cached but built on demand; its grid is
    cached, and the boxes into which searches over it split it.
    """

    def __init__(self) -> None:
        self._space: _Key = ()
        self._together = 0  # groups of layouts with a table each
        self._parts: list[_Part] = []
        self._unread: Iterator[Spread] = iter(())
        self._grid: Grid | None = None
        self._cover: Cover | None = None
        self._listable = True

    def __reduce__(self) -> tuple[type[TableStore], tuple[()]]:
        """Copies and pickles begin empty: the tables are made again where they are asked for."""
        return TableStore, ()

    def _turn_to(self, problem: Problem) -> None:
        space: _Key = (problem.space, problem.splits, problem.layouts)
        space = (*space, problem.training.sequence_length, vocabularies_rise(problem))
        together = len(groups(problem, problem.layouts))
        if space != self._space:
            self._space, self._grid, self._cover = space, None, None
            self._listable = menu_size(problem) <= LISTABLE
            self._together = 0
        if together != self._together:
            self._together, self._parts = together, []
            self._unread = spreads(problem, ROWS)

    def listable(self, problem: Problem) -> bool:
        """Whether the space is small enough to cache all its width options."""
        self._turn_to(problem)
        return self._listable

    def grid(self, problem: Problem) -> Grid:
        """Return the grid of the menus."""
        self._turn_to(problem)
        if self._grid is None:
            self._grid = Grid(problem)
        return self._grid

    def cover(self, problem: Problem) -> Cover:
        """Return boxes that cover the grid, for one search: with the parts of the last one."""
        grid = self.grid(problem)
        self._cover = Cover.whole(grid) if self._cover is None else self._cover.grown()
        return self._cover

    def tables(self, problem: Problem, names: Collection[str] | None = None) -> Iterator[Table]:
        """Yield all width options of a problem under all layouts, in tables of bounded size.

        Parameters
        ----------
        problem : Problem
        names : collection of str, optional
            Affine quantities; by default those that the problem needs.
        """
        names = needed(problem) if names is None else names
        self._turn_to(problem)
        if not self.listable(problem):
            seen = problem.quality.features
            yield from (table.with_features(seen) for table in tables(problem, names=names))
            return
        keys = {name: depends_on(problem, name) for name in names}
        parts, unread, number = self._parts, self._unread, 0
        while True:
            if number == len(parts):
                try:
                    found = next(unread, None)
                except BaseException:
                    self._space = ()  # a generator that was interrupted looks like one that ended
                    raise
                if found is None:
                    return
                parts.append(_Part(found))
            yield parts[number].table(problem, keys)
            number += 1
