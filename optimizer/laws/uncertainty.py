"""Propagate the uncertainty of a fitted law: solve one problem under every draw of the law.

N, the tokens D, the other features and the shape excess of a design do not depend on the
coefficients of the law, since each feasible design is trained on as many tokens as the limits
allow. So the designs are enumerated once, and the losses of all designs under all draws are a few
exponentials of matrix products.

Most designs need not be compared. Every draw of Chinchilla's form,

    loss = E + A / N^alpha + B / D^beta + excess,    A, alpha, B, beta > 0,

decreases in N and in D and increases in the excess. So a design with no fewer parameters, no fewer
tokens and no more excess than another design has no more loss *under any such law*: whatever the
coefficients, the other design cannot be the only optimum under a draw. An outer power of the two
terms, which is positive, changes nothing of this. Neither can it be the only
optimum of a robust criterion (`modelsizer.optimizer.laws.robust`), since these are monotone in the
loss. Only designs that are nondominated in (N up, D up, excess down) are kept, and of designs equal
in all three, which no law of this form distinguishes, the first by the tie rule. A law of further
features adds a column for each, in the direction in which all draws decrease; a feature in which
some terms decrease and others increase must be equal. What the law cannot see of an architecture
(`modelsizer.problems.laws.ablations`) is one more column for each of its readings that are looked
at, of which less is no worse. In floating
point, a dropped design may have the same loss as the best one where its terms are negligible beside
E; then the dominating design is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.fronts.archive import nondominated
from modelsizer.optimizer.laws.dominance_check import all_dominated
from modelsizer.optimizer.laws.draws import Draws, sum_of_powers
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, NEAR, box_designs, by_tie_rule
from modelsizer.optimizer.surveys.kept_designs import KeptDesigns, keep_designs, table_of
from modelsizer.optimizer.tables.building import needed
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.table import Floats, Ints, Table
from modelsizer.problems.designs.evaluation import Evaluation, evaluate, judge
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.laws.features import Seen
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN
from modelsizer.problems.records import dataclass
from modelsizer.problems.tables.limits import EXAMPLE

MERGED_AT_ONCE = 50_000  # designs freed of dominated ones at once: some 0.2 s
LOSSES_AT_ONCE = 4_000_000  # draws x designs per chunk; 32 MB per matrix


@dataclass(frozen=True, slots=True)
class Contenders:
    """Designs that may be optimal under some law, in the order of the tie rule.

    Parameters
    ----------
    values : mapping of array of float, shape (B,)
        Features of the law: parameters as it counts them, training tokens, and so on; and the
        terms of ablations, by their reading.
    excess : array of float, shape (B,)
        Excess of the shape law.
    layers, d_model : array of int, shape (B,)
    held : KeptDesigns
        The other choices of each design.
    designs : int
        Number of designs enumerated, under each layout.
    infeasible, dominated, equal : int
        Numbers of designs excluded because they violate a limit, because another design dominates
        them, or because a design equal in all features precedes them by the tie rule.
    """

    values: Mapping[Seen, Floats]
    excess: Floats
    layers: Ints
    d_model: Ints
    held: KeptDesigns
    designs: int
    infeasible: int
    dominated: int
    equal: int

    def __len__(self) -> int:
        return len(self.excess)

    @property
    def n(self) -> Floats:
        """Parameters as the law counts them."""
        return self.values["parameters"]


@dataclass(frozen=True, slots=True)
class Optima:
    """The best design of each draw.

    Parameters
    ----------
    winner : array of int, shape (K,)
        Indices of contenders.
    loss : array of float, shape (K,)
        Loss of the winner under each draw.
    """

    winner: Ints
    loss: Floats


def contenders(
    problem: Problem, draws: Draws | None = None, clock: Clock | None = None
) -> Contenders | None:
    """Enumerate all designs and keep those that may be optimal; None if none is feasible.

    Parameters
    ----------
    problem : Problem
    draws : Draws, optional
        Laws besides the problem's own.
    clock : Clock, optional

    Raises
    ------
    StoppedError
        If the time limit of the clock has passed.
    ProblemError
        If the problem has another objective than the loss, limits the loss, or its law is of
        another form than `modelsizer.optimizer.laws.draws.SUMS`.
    """
    model, clock = Model(problem), Clock() if clock is None else clock
    _refuse(problem, model)
    columns = _Columns(model, Draws.of([problem.law]), *(() if draws is None else (draws,)))
    parts: list[tuple[Floats, KeptDesigns]] = []
    seen = infeasible = dominated = waiting = 0
    for table in model.tables():
        row = np.arange(len(table))
        low = np.zeros_like(table.count)
        for part, j in box_designs(row, low, table.count - 1, DESIGNS_AT_ONCE):
            clock.check()
            _, keeps = model.evaluate(table, part, j)
            seen += len(part)
            infeasible += int((~keeps).sum())
            part, j = part[keeps], j[keeps]
            if not len(part):
                continue
            points = columns.of(table, part, j)
            parts.append((points, keep_designs(problem, table, part, j, points[:, -1])))
            waiting += len(part)
            if waiting > MERGED_AT_ONCE:
                kept, gone = _merged(parts, clock)
                parts, dominated, waiting = [kept], dominated + gone, len(kept[0])
    if not parts:
        return None
    (points, held), gone = _merged(parts, clock)
    points, held = _in_order(problem, points, held)
    _, first = np.unique(points, axis=0, return_index=True)  # of equal ones the first in order
    first = np.sort(first)
    equal, points, held = len(points) - len(first), points[first], held.take(first)
    return Contenders(
        columns.values(points),
        points[:, -1],
        held.layers.astype(np.int64),
        held.widths["d_model"].astype(np.int64),
        held,
        seen,
        infeasible,
        dominated + gone,
        equal,
    )


def _refuse(problem: Problem, model: Model) -> None:
    if model.kind != "loss":
        raise ProblemError.of(
            f"objective.{model.sense}",
            f"{model.name!r} is sought; under draws of a law only the least loss can be, since "
            "then what a design is trained on does not depend on the law",
        )
    if problem.budgets.loss is not None:
        raise ProblemError.of(
            "budgets.loss",
            "a number of nats means another thing by every draw of the law; write the loss of a "
            f"model, which each draw judges itself: {EXAMPLE}, or leave it out "
            "(--without budgets.loss)",
        )
    try:
        sum_of_powers(problem.law)
    except ValueError as error:
        raise ProblemError.of("objective.law", str(error)) from None


class _Columns:
    """Columns in which less is no worse under any draw; the last one is the excess.

    What the law cannot see of an architecture is before it, a column for each reading.
    """

    def __init__(self, model: Model, *draws: Draws) -> None:
        self.model, self.names = model, draws[0].features
        signs: dict[str, set[int]] = {name: set() for name in self.names}
        for some in draws:
            for name, directions in some.directions.items():
                signs[name] |= set(directions)
        # Parameters, tokens and the others; a feature with both directions has two columns.
        self.columns = [(name, sign) for name in self.names for sign in sorted(signs[name])]
        readings = [model.quality.ablations, *(each for some in draws for each in some.readings)]
        self.readings = [each for each in dict.fromkeys(readings) if each is not None]

    def of(self, table: Table, row: Ints, j: Ints) -> Floats:
        """Columns of designs; shape (B, G)."""
        model, quality = self.model, self.model.quality
        n = table.linear[LAW_PARAMETERS].values(row, j)
        flops = table.linear[TRAINING_FLOPS_PER_TOKEN].values(row, j)
        seen = {
            "parameters": n,
            "tokens": np.broadcast_to(model.caps(table, row, j).tokens(flops), n.shape),
            **table.features(row, j, quality.law.features),
        }
        width, depth = table["d_model"][row].astype(float), table.layers(row, j).astype(float)
        found = [sign * seen[name] for name, sign in self.columns]
        found += [table.width(each, row, j) for each in self.readings]
        return np.stack([*found, quality.shape.excess(width, depth)], axis=1)

    def values(self, points: Floats) -> dict[Seen, Floats]:
        """Features from the columns."""
        found: dict[Seen, Floats] = {}
        for i, (name, sign) in enumerate(self.columns):
            found[name] = sign * points[:, i]
        return found | {
            each: points[:, len(self.columns) + i] for i, each in enumerate(self.readings)
        }


def _merged(
    parts: Sequence[tuple[Floats, KeptDesigns]], clock: Clock
) -> tuple[tuple[Floats, KeptDesigns], int]:
    """Nondominated designs of several lists, and the number of others, which is checked."""
    points, held = np.concatenate([p for p, _ in parts]), KeptDesigns.join([h for _, h in parts])
    keep = nondominated(points)
    if not all_dominated(points[~keep], points[keep], clock.check):
        raise RuntimeError("a design was left out that no kept one dominates; please report it")
    return (points[keep], held.take(keep)), int((~keep).sum())


def _in_order(problem: Problem, points: Floats, held: KeptDesigns) -> tuple[Floats, KeptDesigns]:
    table = table_of(problem, held, needed(problem))
    order = by_tie_rule(table, np.arange(len(held)), np.zeros((len(held), 1), dtype=np.int64))
    return points[order], held.take(order)


def pieces(
    some: Contenders, draws: Draws, clock: Clock | None = None
) -> Iterator[tuple[slice, Floats]]:
    """Losses of all contenders under all draws, in chunks.

    Raises
    ------
    StoppedError
        If the time limit of the clock has passed.

    Yields
    ------
    part : slice
        Contenders of the chunk.
    losses : array of shape (K, b)
    """
    step = max(1, LOSSES_AT_ONCE // len(draws))
    for begin in range(0, len(some), step):
        if clock is not None:
            clock.check()
        part = slice(begin, min(begin + step, len(some)))
        values = {name: column[part] for name, column in some.values.items()}
        yield part, draws.losses(values, some.excess[part])


def losses_of(some: Contenders, draws: Draws, which: Sequence[int]) -> Floats:
    """Losses of some contenders under all draws; shape (K, len(which))."""
    at = np.asarray(which, dtype=np.int64)
    values = {name: column[at] for name, column in some.values.items()}
    return draws.losses(values, some.excess[at])


def optima(problem: Problem, some: Contenders, draws: Draws, clock: Clock | None = None) -> Optima:
    """Find the best contender under each draw, with ties settled by the tie rule.

    If several are within `modelsizer.optimizer.search.compare.NEAR` of the best, they are evaluated
    exactly, as in a solve.
    """
    least = np.full(len(draws), np.inf)
    for _, losses in pieces(some, draws, clock):
        np.minimum(least, losses.min(axis=1), out=least)
    edge = least + NEAR["loss"] * np.abs(least)
    near: list[list[int]] = [[] for _ in range(len(draws))]
    for part, losses in pieces(some, draws, clock):
        for k, i in np.argwhere(losses <= edge[:, None]):
            near[k].append(part.start + int(i))
    winner = np.array([tied[0] for tied in near])
    known: dict[int, Evaluation] = {}
    for k in (k for k, tied in enumerate(near) if len(tied) > 1):
        if clock is not None:
            clock.check()
        exact = []
        for at in near[k]:
            if at not in known:
                known[at] = design_of(problem, some, at)
            design, quality = known[at], draws.quality(k, problem.quality)
            judged = judge(quality, design.architecture)
            exact.append(float(judged.loss(float(design.law_parameters), design.text)))
        winner[k] = near[k][int(np.argmin(exact))]  # contenders come in the order of the tie rule
    return Optima(winner, least)


def design_of(problem: Problem, some: Contenders, at: int) -> Evaluation:
    """Evaluate a contender exactly under the problem's own law."""
    table = table_of(problem, some.held.take(np.array([at])), needed(problem))
    found = evaluate(problem, table.architecture(problem, 0, [0]))
    assert found.feasible, found.violated
    return found
