"""The usual plan as a baseline: a few budgets, several sizes around the best of each.

Hoffmann et al. 2022 (arXiv 2203.15556, section 3.2) trained such a grid of nine budgets. For a
fair comparison, grids of every number, spacing and span below are tried; each spends the whole
budget and varies the law's other features in every pattern of
`modelsizer.optimizer.planning.patterns`. The best grid is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from itertools import product

import numpy as np

from modelsizer.optimizer.fitting.forms import Array
from modelsizer.optimizer.planning.best_size import log_best_size
from modelsizer.optimizer.planning.candidates import Floats, Runs, round_tokens
from modelsizer.optimizer.planning.choices import evenly
from modelsizer.optimizer.planning.family import Family
from modelsizer.optimizer.planning.information import Linearised, Question, of_weights
from modelsizer.optimizer.planning.law_point import LawPoint
from modelsizer.optimizer.planning.patterns import DEPTH, Shares, assignments, patterns
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.architecture.accounting import SIX_ND
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.records import dataclass

_LEAST_BUDGETS, _LEAST_SIZES = 2, 3
_NUMBERS = 12  # numbers of budgets tried
_APART = (1.5, 2.0, 10**0.5, 5.0, 10.0)  # ratios of consecutive budgets tried
_SPANS = (2.0, 4.0, 9.0, 16.0, 36.0, 64.0)  # ratios of largest to smallest size at one budget
_ROUNDED = 1.01  # tokens are rounded down, and must stay above their lower limit
_NEAR = 0.15  # relative range of depths, within which sizes at a width differ


@dataclass(frozen=True)
class IsoFlopGrid:
    """The best grid found.

    Parameters
    ----------
    runs : Runs
        Runs of the largest budget first.
    budgets, sizes : int
    apart, span : float
        Ratio of consecutive budgets; ratio of the largest to the smallest size at one budget.
    pattern : str
        How runs vary the law's other features; empty if it has none.
    value : float
        The criterion.
    tried : int
        Number of feasible grids.
    """

    runs: Runs
    budgets: int
    sizes: int
    apart: float
    span: float
    pattern: str
    value: float
    tried: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Constraints of a grid, the same as of a plan.

    Parameters
    ----------
    runs : int
        Greatest number of runs.
    budget, largest : float
        Greatest FLOPs of all runs, and of one.
    tokens_per_parameter : (low, high)
    """

    runs: int
    budget: float
    largest: float
    tokens_per_parameter: tuple[float, float]


_Key = tuple[int, float]
"""A run: the number of its config, and its tokens."""
_Made = tuple[tuple[int, int, float, float, str], list[_Key]]
"""The parameters of a grid, and its runs."""


def best_grid(
    question: Question,
    linear: Linearised,
    point: LawPoint,
    family: Family,
    configs: Sequence[Architecture],
    limits: Limits,
    target: Mapping[str, Array],
    clock: Clock,
) -> IsoFlopGrid | None:
    """The grid of least criterion, or None if none of those tried is feasible.

    Parameters
    ----------
    question, linear, point
        The criterion, the linearised law, and the law that determines the best sizes.
    family, configs
        Architectures to select from.
    limits : Limits
    target : mapping of array, shape (1,)
        Columns of the target, for the other features of the law at the best sizes.
    clock : Clock
        Grids that it leaves no time for are not tried.
    """
    ladders = _Ladders(family, configs, limits.tokens_per_parameter)
    made = list(_in_time(_grids(ladders, point, limits, target), clock))
    if not made:
        return None
    at = {key: i for i, key in enumerate(ladders.runs)}
    every = Runs.of(list(ladders.runs.values()))
    told = linear.rows(every.columns)
    best, least = None, np.inf
    for tried, (words, keys) in enumerate(made):
        if best is not None and clock.out_of_time:
            made = made[:tried]
            break
        some = [at[key] for key in keys]
        value = question.value_of(question.have + of_weights(told[:, some], np.ones(len(some))))
        if value < least:
            best, least = (words, some), value
    if best is None:
        return None
    (budgets, sizes, apart, span, pattern), some = best
    return IsoFlopGrid(
        every.take(some), budgets, sizes, apart, span, pattern, least, len(made)
    )  # fmt: skip


def _in_time(made: Iterator[_Made], clock: Clock) -> Iterator[_Made]:
    """Yield grids until the clock stops; the first whatever the time."""
    for grid in made:
        yield grid
        if clock.out_of_time:
            return


def _grids(
    ladders: _Ladders, point: LawPoint, limits: Limits, target: Mapping[str, Array]
) -> Iterator[_Made]:
    """Every feasible grid, as its parameters and runs; the runs themselves are in the ladders."""
    shown = patterns(ladders.family)
    numbers = evenly(range(_LEAST_BUDGETS, limits.runs // _LEAST_SIZES + 1), _NUMBERS)
    for budgets, apart in product(numbers, _APART):
        sizes = limits.runs // budgets
        slices = _slices(budgets, sizes, apart, limits)
        middle = _middle(point, slices, limits, target)
        for pattern, span in product(shown, _SPANS):
            for of_runs in assignments(len(pattern.shares), budgets, sizes):
                shares = [[(rank, pattern.shares[k]) for rank, k in row] for row in of_runs]
                keys = _grid(ladders, shares, slices, middle, span)
                if keys is not None:
                    yield (budgets, sizes, apart, span, pattern.name), keys


def _slices(budgets: int, sizes: int, apart: float, limits: Limits) -> Floats:
    """FLOPs per run at each budget: geometric; they spend the whole budget if `largest` allows."""
    shares = apart ** -np.arange(budgets, dtype=float)
    top = min(limits.largest, limits.budget / (sizes * shares.sum()))
    return np.asarray(top * shares)


def _middle(
    point: LawPoint, slices: Floats, limits: Limits, target: Mapping[str, Array]
) -> Floats:  # fmt: skip
    """Middle size, ln N, of each budget: the best size, or without one the middle of the range."""
    found = log_best_size(point.form, point.values, np.log(slices), target)
    if found is None:
        each = np.log(limits.tokens_per_parameter).mean()
        return np.asarray((np.log(slices / SIX_ND) - each) / 2)
    return found


@dataclass(frozen=True)
class _Ladder:
    """Configs of one choice, smallest first, each with the number of its config among all."""

    configs: tuple[Architecture, ...]
    numbers: tuple[int, ...]
    n: Floats
    total: Floats
    each: Floats


@dataclass
class _Ladders:
    """Ladders of each choice, with every depth near that of the plan's configs.

    They are finer than the plan's own, so that a grid finds the sizes it needs.
    """

    family: Family
    configs: Sequence[Architecture]
    limits: tuple[float, float]
    runs: dict[_Key, tuple[Architecture, float, float, float, float]] = field(default_factory=dict)
    _numbers: dict[Architecture, int] = field(default_factory=dict)
    _made: dict[Shares, _Ladder] = field(default_factory=dict)
    _fits: dict[tuple[Shares, float], tuple[Array, Floats]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        depths: dict[int, dict[int, None]] = {}
        for one in self.configs:
            depths.setdefault(one.trunk.d_model, {})[one.layers] = None
        self._depths = {width: sorted(some) for width, some in depths.items()}

    def of(self, shares: Shares) -> _Ladder:
        """The ladder of a choice."""
        if (found := self._made.get(shares)) is None:
            found = self._made[shares] = self._ladder(dict(shares))
        return found

    def fitting(self, shares: Shares, flops: float) -> tuple[Array, Floats]:
        """Configs of a ladder that may be run at these FLOPs, and their ln N."""
        if (found := self._fits.get((shares, flops))) is None:
            ladder, (low, high) = self.of(shares), self.limits
            ratio = flops / ladder.each / ladder.total
            at = np.flatnonzero((low * _ROUNDED <= ratio) & (ratio <= high))
            found = self._fits[shares, flops] = at, np.log(ladder.n[at])
        return found

    def _ladder(self, shares: Mapping[str, float]) -> _Ladder:
        chosen: list[Architecture] = []
        for width, some in self._depths.items():
            choice = self.family.choices.at(width, shares)
            if choice is None:
                continue
            depth = some[round(shares.get(DEPTH, 0.0) * (len(some) - 1))]
            near = range(round(depth * (1 - _NEAR)), round(depth * (1 + _NEAR)) + 1)
            chosen += [self.family.architecture(width, max(1, d), choice) for d in near]
        chosen = list(dict.fromkeys(chosen))
        counted = np.array([self.family.counted(one) for one in chosen], float).reshape(-1, 3)
        order = np.argsort(counted[:, 0], kind="stable")
        n, total, each = counted[order].T
        configs = tuple(chosen[i] for i in order)
        numbers = tuple(self._numbers.setdefault(one, len(self._numbers)) for one in configs)
        return _Ladder(configs, numbers, n, total, each)

    def launched(self, ladder: _Ladder, at: int, flops: float) -> _Key:
        """A run of a config at these FLOPs, stored in `runs`."""
        each = float(ladder.each[at])
        tokens = round_tokens(flops / each, up=False)
        key = ladder.numbers[at], tokens
        if key not in self.runs:
            row = float(ladder.n[at]), float(ladder.total[at]), tokens, tokens * each
            self.runs[key] = (ladder.configs[at], *row)
        return key


def _grid(
    ladders: _Ladders,
    shares: Sequence[Sequence[tuple[float, Shares]]],
    slices: Floats,
    middle: Floats,
    span: float,
) -> list[_Key] | None:
    """The runs of a grid; None if one is infeasible or occurs twice.

    Parameters
    ----------
    shares : sequence of sequence of (float, Shares)
        For each run of each budget, the position of its size, smallest 0, largest 1, and its
        choice.
    """
    made: list[_Key] = []
    half = np.log(span) / 2
    for of_runs, flops, best in zip(shares, map(float, slices), map(float, middle), strict=True):
        used = set()
        for rank, choice in of_runs:
            ladder = ladders.of(choice)
            fits, log_n = ladders.fitting(choice, flops)
            if not len(fits):
                return None
            low = max(log_n[0], min(best - half, log_n[-1]))
            high = min(log_n[-1], max(best + half, low))
            at = int(fits[np.abs(log_n - (low + rank * (high - low))).argmin()])
            if ladder.numbers[at] in used:
                return None
            used.add(ladder.numbers[at])
            made.append(ladders.launched(ladder, at, flops))
    return made
