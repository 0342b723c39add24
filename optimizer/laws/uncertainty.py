"""A fitted law's uncertainty carried to the answer: one problem solved under every draw of the law.

What a design is, N, its tokens D and its shape excess do not change with the law's coefficients:
each design that keeps the limits is trained on all the tokens they allow. So the designs are looked
at once, and the loss of all of them under all draws is two exponentials of matrix products.

Most designs need not even be compared. Every draw has the form

    loss = E + A / N^alpha + B / D^beta + excess,    A, alpha, B, beta > 0,

which falls in N and in D and rises in the excess. So a design with no fewer parameters, no fewer
tokens and no more excess than another one has no more loss *under any such law*: whatever the
coefficients, the other cannot be the only optimum of a draw. Nor can it be the only optimum of the
robust criteria (`optimizer.laws.robust`), since each of those does not fall when the loss rises
under some draws and falls under none. Only designs that no other dominates in (N up, D up, excess
down) are kept; of those that are equal in all three, which no law of this form tells apart, the
first by the tie rule. In doubles a dropped design may still equal the best loss to the last digit
where its terms vanish beside E; then the dominating one is reported.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.compare import DESIGNS_AT_ONCE, NEAR, box_designs, by_tie_rule
from optimizer.fronts.archive import nondominated
from optimizer.model import Model
from optimizer.surveys.held import Held, hold, table_of, together
from optimizer.table import Floats, Ints, Table, needed, to_floats
from problems.costs import LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN
from problems.errors import ProblemError
from problems.evaluation import Evaluation, evaluate
from problems.laws import PowerLaw
from problems.options import listed
from problems.problem import Problem

LOSSES_AT_ONCE = 4_000_000  # draws x designs of a piece; 32 MB a matrix
_COEFFICIENTS = ("E", "A", "alpha", "B", "beta")


@dataclass(frozen=True, slots=True)
class Contenders:
    """Designs that may win under some law, in the order of the tie rule; arrays have shape (B,).

    Parameters
    ----------
    n, tokens, excess : array of float
        Parameters that the law counts, training tokens, and the shape's part of the loss.
    layers, d_model : array of int
    held : Held
        What else tells one from another.
    designs : int
        All that were looked at, under each layout.
    infeasible, dominated, equal : int
        Of these, left out since they break a limit; since another is as good in N, D and excess and
        better in one; since another of the same N, D and excess comes first by the tie rule.
    """

    n: Floats
    tokens: Floats
    excess: Floats
    layers: Ints
    d_model: Ints
    held: Held
    designs: int
    infeasible: int
    dominated: int
    equal: int

    def __len__(self) -> int:
        return len(self.n)


@dataclass(frozen=True, slots=True)
class Draws:
    """Laws of one form; arrays have shape (K,)."""

    laws: tuple[PowerLaw, ...]
    E: Floats
    A: Floats
    alpha: Floats
    B: Floats
    beta: Floats

    @classmethod
    def of(cls, laws: Sequence[PowerLaw]) -> Draws:
        """Coefficients of laws as arrays.

        Raises
        ------
        ValueError
            If there is none, one has an outer power, or they count parameters differently.
        """
        if not laws:
            raise ValueError("at least one draw of the law is needed")
        if any(law.outer != 1.0 for law in laws):
            raise ValueError("draws must have the form E + A/N^alpha + B/D^beta, with outer = 1")
        if len({law.parameter_kind for law in laws}) > 1:
            raise ValueError("draws must count the same parameters as N")
        columns = [np.array([getattr(law, c) for law in laws], float) for c in _COEFFICIENTS]
        return cls(tuple(laws), *columns)

    def __len__(self) -> int:
        return len(self.laws)

    def losses(self, n: Floats, tokens: Floats, excess: Floats) -> Floats:
        """Loss of each design under each draw; shape (K, B)."""
        by_size = np.exp(np.log(self.A)[:, None] - np.outer(self.alpha, np.log(n)))
        by_size += np.exp(np.log(self.B)[:, None] - np.outer(self.beta, np.log(tokens)))
        by_size += self.E[:, None] + excess
        found: Floats = by_size
        return found


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


def contenders(problem: Problem) -> Contenders | None:
    """Look at every design, and keep those that may win under some law; None if nothing fits.

    Raises
    ------
    ProblemError
        If the problem seeks anything but the least loss, limits the loss, or its law is not of
        Chinchilla's form.
    """
    model = Model(problem)
    _refuse(problem, model)
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
            points = _points(model, table, part, j)
            parts.append((points, hold(blocks, problem, table, part, j, points[:, 2])))
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
        -points[:, 0],
        -points[:, 1],
        points[:, 2],
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
    law = problem.law
    if not isinstance(law, PowerLaw) or law.outer != 1.0:
        raise ProblemError.of(
            "objective.law",
            f"{law.name!r} is not of the form E + A/N^alpha + B/D^beta, of which draws are taken",
        )


def _points(model: Model, table: Table, row: Ints, j: Ints) -> Floats:
    """-N, -D and excess of designs, less being better in each; shape (B, 3)."""
    n = to_floats(table.linear[LAW_PARAMETERS].at(row, j))
    flops = to_floats(table.linear[TRAINING_FLOPS_PER_TOKEN].at(row, j))
    tokens = np.broadcast_to(model.caps(table, row, j).tokens(flops), n.shape)
    width, depth = table.d_model[row].astype(float), table.layers(row, j).astype(float)
    return np.stack([-n, -tokens, model.problem.shape.excess(width, depth)], axis=1)


def _merged(parts: Sequence[tuple[Floats, Held]]) -> tuple[tuple[Floats, Held], int]:
    """The nondominated of some lists, and how many were left out, each for a reason seen here."""
    points, held = np.concatenate([p for p, _ in parts]), together([h for _, h in parts])
    keep = nondominated(points)
    if not all_dominated(points[~keep], points[keep]):
        raise RuntimeError("a design was left out that no kept one dominates; please report it")
    return (points[keep], held.take(keep)), int((~keep).sum())


def all_dominated(left_out: Floats, kept: Floats) -> bool:
    """Whether of each point left out a kept one is as good in all and better in one.

    A check of moocore's answer by other code: points are read in the order of the first column,
    kept ones before others, and the second and third columns of the kept ones read so far are held
    as a staircase, along which the third falls as the second rises. A point that none of them
    equals is dominated if the last step not beyond it in the second is not above it in the third.
    """
    known = set(map(tuple, kept.tolist()))
    points = [(a, 0, b, c) for a, b, c in kept.tolist()]
    points += [(a, 1, b, c) for a, b, c in left_out.tolist()]
    seconds: list[float] = []
    thirds: list[float] = []
    for first, is_left_out, second, third in sorted(points):
        at = bisect_right(seconds, second)
        below = at > 0 and thirds[at - 1] <= third
        if is_left_out:
            if not below or (first, second, third) in known:
                return False
        elif not below:
            begin = bisect_left(seconds, second)
            end = begin
            while end < len(thirds) and thirds[end] >= third:
                end += 1
            seconds[begin:end], thirds[begin:end] = [second], [third]
    return True


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
        yield part, draws.losses(some.n[part], some.tokens[part], some.excess[part])


def optima(problem: Problem, some: Contenders, draws: Draws) -> Optima:
    """The best contender under each draw, ties by the tie rule.

    Where several are within `optimizer.compare.NEAR` of the best they are evaluated one by one, as
    a solve compares them.
    """
    least = np.full(len(draws), np.inf)
    for _, losses in pieces(some, draws):
        np.minimum(least, losses.min(axis=1), out=least)
    edge = least * (1 + NEAR["loss"])
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
            design = known[at]
            loss = float(draws.laws[k].loss(float(design.law_parameters), design.tokens))
            exact.append(loss + design.shape_excess)
        winner[k] = near[k][int(np.argmin(exact))]  # contenders come in the order of the tie rule
    return Optima(winner, least)


def design_of(problem: Problem, some: Contenders, at: int) -> Evaluation:
    """A contender evaluated exactly, under the problem's own law."""
    table = table_of(problem, some.held.take(np.array([at])), needed(problem))
    found = evaluate(problem, table.architecture(problem, 0, [0]))
    assert found.feasible, found.violated
    return found
