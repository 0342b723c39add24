"""A fitted law's uncertainty carried to the answer: one problem solved under every draw of the law.

What a design is, N, its tokens D, the other features that the law sees and its shape excess do not
change with the law's coefficients: each design that keeps the limits is trained on all the tokens
they allow. So the designs are looked at once, and the loss of all of them under all draws is a few
exponentials of matrix products.

Most designs need not even be compared. Every draw of Chinchilla's form,

    loss = E + A / N^alpha + B / D^beta + excess,    A, alpha, B, beta > 0,

falls in N and in D and rises in the excess. So a design with no fewer parameters, no fewer tokens
and no more excess than another one has no more loss *under any such law*: whatever the
coefficients, the other cannot be the only optimum of a draw. Nor can it be the only optimum of the
robust criteria (`modelsizer.optimizer.laws.robust`), since each of those does not fall when the
loss rises under some draws and falls under none. Only designs that no other dominates in (N up, D
up, excess down) are kept; of those that are equal in all three, which no law of this form tells
apart, the first by the tie rule. A law that sees more adds a column for each feature, in the
direction in which all draws fall; a feature in which some term falls and some term rises has to be
equal. In doubles a dropped design may still equal the best loss to the last digit where its terms
vanish beside E; then the dominating one is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.fronts.archive import nondominated
from modelsizer.optimizer.laws.checked import all_dominated
from modelsizer.optimizer.laws.draws import Draws, sum_of_powers
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, NEAR, box_designs, by_tie_rule
from modelsizer.optimizer.surveys.kept_designs import Held, hold, table_of, together
from modelsizer.optimizer.tables.table import Floats, Ints, Table, needed, to_floats
from modelsizer.problems.designs.costs import LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN
from modelsizer.problems.designs.evaluation import Evaluation, evaluate, judge
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.laws.quality import Quality
from modelsizer.problems.problem import Problem
from modelsizer.problems.space.options import listed

LOSSES_AT_ONCE = 4_000_000  # draws x designs of a piece; 32 MB a matrix


@dataclass(frozen=True, slots=True)
class Contenders:
    """Designs that may win under some law, in the order of the tie rule; arrays have shape (B,).

    Parameters
    ----------
    values : mapping of array of float
        Of what the law sees: parameters as it counts them, training tokens, and so on.
    excess : array of float
        What a shape law adds to the loss.
    layers, d_model : array of int
    held : Held
        What else tells one from another.
    designs : int
        All that were looked at, under each layout.
    infeasible, dominated, equal : int
        Of these, left out since they break a limit; since another is as good in all that the law
        sees and better in one; since another equal in all that comes first by the tie rule.
    """

    values: Mapping[str, Floats]
    excess: Floats
    layers: Ints
    d_model: Ints
    held: Held
    designs: int
    infeasible: int
    dominated: int
    equal: int

    def __len__(self) -> int:
        return len(self.excess)

    @property
    def n(self) -> Floats:
        """Parameters that the law counts."""
        return self.values["parameters"]


@dataclass(frozen=True, slots=True)
class Optima:
    """The best design of each draw.

    Parameters
    ----------
    winner : array of int, shape (K,)
        Positions among the contenders.
    loss : array of float, shape (K,)
        Its loss under that draw.
    """

    winner: Ints
    loss: Floats


def contenders(problem: Problem, draws: Draws | None = None) -> Contenders | None:
    """Look at every design, and keep those that may win under some law; None if nothing fits.

    Parameters
    ----------
    problem : Problem
    draws : Draws, optional
        Laws that may judge, beside the problem's own.

    Raises
    ------
    ProblemError
        If the problem seeks anything but the least loss, limits the loss, or its law is no sum of
        power terms.
    """
    model = Model(problem)
    _refuse(problem, model)
    columns = _Columns(model, Draws.of([problem.law]), *(() if draws is None else (draws,)))
    blocks = tuple(listed(problem.space.block))
    parts: list[tuple[Floats, Held]] = []
    seen = infeasible = dominated = waiting = 0
    for table in model.tables():
        row = np.arange(len(table))
        low = np.zeros_like(table.count)
        for part, j in box_designs(row, low, table.count - 1, DESIGNS_AT_ONCE):
            _, keeps = model.evaluate(table, part, j)
            seen += len(part)
            infeasible += int((~keeps).sum())
            part, j = part[keeps], j[keeps]
            if not len(part):
                continue
            points = columns.of(table, part, j)
            parts.append((points, hold(blocks, problem, table, part, j, points[:, -1])))
            waiting += len(part)
            if waiting > DESIGNS_AT_ONCE:
                kept, gone = _merged(parts)
                parts, dominated, waiting = [kept], dominated + gone, len(kept[0])
    if not parts:
        return None
    (points, held), gone = _merged(parts)
    points, held = _in_order(problem, points, held)
    _, first = np.unique(points, axis=0, return_index=True)  # of equal ones the first in order
    first = np.sort(first)
    equal, points, held = len(points) - len(first), points[first], held.take(first)
    return Contenders(
        columns.values(points),
        points[:, -1],
        held.layers.astype(np.int64),
        held.d_model.astype(np.int64),
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
            "a limit on the loss moves with every draw of the law; leave it out "
            "(--without budgets.loss)",
        )
    try:
        sum_of_powers(problem.law)
    except ValueError as error:
        raise ProblemError.of("objective.law", str(error)) from None


class _Columns:
    """What tells designs apart under any draw, less being no worse; the last is the excess."""

    def __init__(self, model: Model, *draws: Draws) -> None:
        self.model, self.names = model, draws[0].features
        signs: dict[str, set[int]] = {name: set() for name in self.names}
        for some in draws:
            for name, directions in some.directions.items():
                signs[name] |= set(directions)
        # Parameters and tokens, then the others; a feature of both directions is there twice.
        self.columns = [(name, sign) for name in self.names for sign in sorted(signs[name])]

    def of(self, table: Table, row: Ints, j: Ints) -> Floats:
        """Of designs; shape (B, G)."""
        model, quality = self.model, self.model.quality
        n = to_floats(table.linear[LAW_PARAMETERS].at(row, j))
        flops = to_floats(table.linear[TRAINING_FLOPS_PER_TOKEN].at(row, j))
        seen = {
            "parameters": n,
            "tokens": np.broadcast_to(model.caps(table, row, j).tokens(flops), n.shape),
            **table.features(row, j, quality.law.features),
        }
        width, depth = table.d_model[row].astype(float), table.layers(row, j).astype(float)
        found = [sign * seen[name] for name, sign in self.columns]
        return np.stack([*found, quality.shape.excess(width, depth)], axis=1)

    def values(self, points: Floats) -> dict[str, Floats]:
        """The features themselves."""
        found = {}
        for i, (name, sign) in enumerate(self.columns):
            found[name] = sign * points[:, i]
        return found


def _merged(parts: Sequence[tuple[Floats, Held]]) -> tuple[tuple[Floats, Held], int]:
    """The nondominated of some lists, and how many were left out, each for a reason seen here."""
    points, held = np.concatenate([p for p, _ in parts]), together([h for _, h in parts])
    keep = nondominated(points)
    if not all_dominated(points[~keep], points[keep]):
        raise RuntimeError("a design was left out that no kept one dominates; please report it")
    return (points[keep], held.take(keep)), int((~keep).sum())


def _in_order(problem: Problem, points: Floats, held: Held) -> tuple[Floats, Held]:
    table = table_of(problem, held, needed(problem))
    order = by_tie_rule(table, np.arange(len(held)), np.zeros((len(held), 1), dtype=np.int64))
    return points[order], held.take(order)


def pieces(some: Contenders, draws: Draws) -> Iterator[tuple[slice, Floats]]:
    """Losses of all contenders under all draws, some contenders at a time.

    Yields
    ------
    part : slice
        Which contenders.
    losses : array of shape (K, b)
    """
    step = max(1, LOSSES_AT_ONCE // len(draws))
    for begin in range(0, len(some), step):
        part = slice(begin, min(begin + step, len(some)))
        values = {name: column[part] for name, column in some.values.items()}
        yield part, draws.losses(values, some.excess[part])


def optima(problem: Problem, some: Contenders, draws: Draws) -> Optima:
    """The best contender under each draw, ties by the tie rule.

    Where several are within `modelsizer.optimizer.search.compare.NEAR` of the best they are
    evaluated one by one, as a solve compares them.
    """
    least = np.full(len(draws), np.inf)
    for _, losses in pieces(some, draws):
        np.minimum(least, losses.min(axis=1), out=least)
    edge = least + NEAR["loss"] * np.abs(least)
    near: list[list[int]] = [[] for _ in range(len(draws))]
    for part, losses in pieces(some, draws):
        for k, i in np.argwhere(losses <= edge[:, None]):
            near[k].append(part.start + int(i))
    winner = np.array([tied[0] for tied in near])
    known: dict[int, Evaluation] = {}
    for k in (k for k, tied in enumerate(near) if len(tied) > 1):
        exact = []
        for at in near[k]:
            if at not in known:
                known[at] = design_of(problem, some, at)
            design, quality = known[at], Quality(draws.laws[k], problem.shape)
            judged = judge(quality, design.architecture)
            exact.append(float(judged.loss(float(design.law_parameters), design.tokens)))
        winner[k] = near[k][int(np.argmin(exact))]  # contenders come in the order of the tie rule
    return Optima(winner, least)


def design_of(problem: Problem, some: Contenders, at: int) -> Evaluation:
    """A contender evaluated exactly, under the problem's own law."""
    table = table_of(problem, some.held.take(np.array([at])), needed(problem))
    found = evaluate(problem, table.architecture(problem, 0, [0]))
    assert found.feasible, found.violated
    return found
