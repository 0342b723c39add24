"""Robust designs under the uncertainty of a law, each a proven optimum over its draws.

Let l(k, i) be the loss of design i under draw k, of K, and best(k) the least loss of any design
under draw k. There are four criteria:

- ``expected``: least mean of l over the draws;
- ``worst_case``: least max of l (min-max);
- ``regret``: least max of l(k, i) - best(k) (Savage 1951, doi 10.2307/2280094);
- ``cvar``: least mean of l over the worst fraction 1 - q of the draws, the conditional value at
  risk (Rockafellar and Uryasev 2002, doi 10.1016/S0378-4266(02)00271-6, eq. 24: the draw at the
  quantile counts in part, so that the fraction is exact).

All criteria are monotone in l, so a dominated design (`modelsizer.optimizer.laws.uncertainty`)
cannot be the only optimum. The other designs are enumerated and evaluated under every draw, which
proves optimality.

Losses under different draws are compared on the same scale. Only the regret is independent of E,
which is the same for all designs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.cases import Cases
from modelsizer.optimizer.laws.cases import cases_of_draws, draw_names
from modelsizer.optimizer.laws.draws import Draws
from modelsizer.optimizer.laws.uncertainty import (
    Contenders,
    contenders,
    design_of,
    losses_of,
    optima,
    pieces,
)
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.table import Floats, Ints
from modelsizer.problems.architecture.describing import design_architecture
from modelsizer.problems.brief import counted, named
from modelsizer.problems.designs.evaluated import design_words
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.laws.ablations import Ablations
from modelsizer.problems.laws.laws import PowerLaw, TokenLaw
from modelsizer.problems.laws.stack_values import base_name
from modelsizer.problems.problem import Problem
from modelsizer.problems.provenance import sources
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn, Tabled

CRITERIA = ("expected", "worst_case", "regret", "cvar")
DEFAULT_TAIL = 0.9
TODAY = "today"
QUANTILES = (0.05, 0.5, 0.95)
"""Quantiles of intervals. Each is the value of some draw (the inverse of the empirical
distribution), so layers stay whole and "at most, in 95 % of the draws" is exact."""
WHY = (
    "a design with no fewer parameters, no fewer tokens and no more shape excess than another has "
    "no more loss under any E + A/N^alpha + B/D^beta"
)
WHY_TERMS = (
    "a design as good as another in each of {features} and in shape excess, in the direction in "
    "which every draw falls, has no more loss under any of them"
)

WHY_UNSEEN = "; nor has it where its ablation terms, which scale the reducible loss, are no greater"


@dataclass(frozen=True, slots=True)
class Regret:
    """Loss of a design in excess of the least loss under each draw, in nats a token."""

    mean: float
    p95: float
    worst: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A design to choose from.

    Parameters
    ----------
    design : Evaluation
        Evaluated under the law itself.
    share : float
        Fraction of the draws under which it is optimal.
    regret : Regret
    roles : tuple of str
        `TODAY` for the optimum under the law itself, and the `CRITERIA` for which it is optimal.
    by_corner : mapping of str to float
        Fraction of the draws of each corner under which it is optimal; empty without corners.
    """

    design: Evaluation
    share: float
    regret: Regret
    roles: tuple[str, ...]
    by_corner: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Interval:
    """`QUANTILES` of a quantity over the optima of the draws."""

    p5: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Certificate:
    """Numbers of designs that were excluded, by reason; `looked_at` is the sum of the others.

    Parameters
    ----------
    looked_at : int
        All designs of the space, under each layout.
    infeasible, dominated, equal : int
        See `modelsizer.optimizer.laws.uncertainty.Contenders`.
    compared : int
        Designs evaluated under every draw.
    """

    looked_at: int
    infeasible: int
    dominated: int
    equal: int
    compared: int


@dataclass(frozen=True, slots=True, eq=False)
class Uncertainty(Tabled, Drawn):
    """Solution of a problem under every draw of its law.

    Parameters
    ----------
    problem : Problem
    draws : int
        At each corner.
    seconds : float
    candidates : tuple of Candidate
        Designs that are optimal under some draw, the most frequent first, then today's and the
        robust designs that are not.
    values : mapping
        Optimal value of each of `CRITERIA`, in nats a token.
    tail : float
        q of the conditional value at risk.
    intervals : mapping
        Intervals of loss, parameters (N of the law), tokens, layers and d_model of the optima.
    certificate : Certificate
    corners : tuple of str
        Names of the readings of ablations that each draw is combined with; empty for that of the
        problem alone.
    least : tuple of float
        The least loss of any design under each draw and reading.
    losses : array of shape (K, candidates)
        Of the candidates under each draw and reading.
    winner : array of int, shape (K,)
        Number of the candidate that is the best under each.
    """

    problem: Problem
    draws: int
    seconds: float
    candidates: tuple[Candidate, ...]
    values: Mapping[str, float]
    tail: float
    intervals: Mapping[str, Interval]
    certificate: Certificate
    corners: tuple[str, ...] = ()
    least: tuple[float, ...] = ()
    losses: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    winner: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def _words(self) -> str:
        first = max(self.candidates, key=lambda one: one.share)
        return (
            f"of {named(self.problem.name)} under {counted(self.draws, 'draw')}: "
            f"{100 * first.share:.0f} % choose {design_words(first.design)}"
        )

    def cases(self, most: int | None = None) -> Cases:
        """The `most` most frequent winners and the robust designs, under each draw."""
        winners = len(self.winners) if most is None else most
        shown = [i for i, one in enumerate(self.candidates) if i < winners or one.roles]
        designs, names = [c.design for c in self.candidates], draw_names(self.draws, self.corners)
        return cases_of_draws(designs, shown, names, self.least, self.losses, self.winner)

    def best_by(self, role: str) -> Candidate:
        """Today's design, or the optimum of one of `CRITERIA`."""
        return next(c for c in self.candidates if role in c.roles)

    @property
    def winners(self) -> tuple[Candidate, ...]:
        """Candidates that are optimal under some draw."""
        return tuple(c for c in self.candidates if c.share > 0)

    @property
    def why(self) -> str:
        """Why dominated designs can be excluded."""
        seen = [base_name(name) for name in self.problem.law.features]
        why = WHY_TERMS.format(features=", ".join(("N", "D", *seen))) if seen else WHY
        if isinstance(self.problem.law, PowerLaw) and self.problem.law.outer != 1.0:
            why += ", to any power"
        if self.corners:
            return f"{why}{WHY_UNSEEN} at every corner"
        return why if self.problem.quality.ablations is None else why + WHY_UNSEEN

    def to_dict(self, most: int | None = None) -> dict[str, Any]:
        """The keys of the JSON contract, with the `most` most frequent winners."""
        law = self.problem.law
        return {
            "status": "optimal",
            "law": law.name,
            "shape": self.problem.shape.name,
            "draws": self.draws,
            **({"corners": list(self.corners)} if self.corners else {}),
            "seconds": round(self.seconds, 6),
            "distinct_winners": len(self.winners),
            "winners": [_candidate_dict(c) for c in self.winners[:most]],
            "today": _candidate_dict(self.best_by(TODAY)),
            "intervals": {k: _numbers(v) for k, v in self.intervals.items()},
            "robust": {
                name: _candidate_dict(self.best_by(name)) | {"value": self.values[name]}
                for name in CRITERIA
            },
            "cvar_level": self.tail,
            "certificate": _numbers(self.certificate) | {"why_dominated": self.why},
            "cases": self.cases(most).to_dict(),
        } | sources(self.problem)


def _numbers(some: Interval | Certificate | Regret) -> dict[str, Any]:
    return {name: getattr(some, name) for name in some.__dataclass_fields__}


def _candidate_dict(one: Candidate) -> dict[str, Any]:
    design = one.design
    return {
        "architecture": design_architecture(design.architecture),
        "parameters": design.parameters.total,
        "tokens": design.tokens,
        "share": one.share,
        **({"share_by_corner": dict(one.by_corner)} if one.by_corner else {}),
        "regret": _numbers(one.regret),
        "roles": list(one.roles),
    }


def conditional_value_at_risk(losses: Floats, tail: float) -> Floats:
    """Mean of the worst share ``1 - tail`` of the losses of each design; shape (B,).

    Parameters
    ----------
    losses : array of shape (K, B)
    tail : float
        In [0, 1).
    """
    draws = len(losses)
    share = (1.0 - tail) * draws  # number of draws in the tail; may be fractional
    whole = min(int(share), draws - 1)
    ordered = -np.partition(-losses, whole, axis=0)[: whole + 1]
    rest = np.minimum(share - whole, 1.0)
    worst: Floats = ordered[:whole].sum(axis=0) + rest * ordered[whole]
    return worst / share


@dataclass(frozen=True, slots=True)
class _Scores:
    """Scores of every contender; each array has shape (B,)."""

    values: Mapping[str, Floats]
    mean: Floats
    p95: Floats


def _scores(some: Contenders, draws: Draws, best: Floats, tail: float, clock: Clock) -> _Scores:
    values = {name: np.empty(len(some)) for name in CRITERIA}
    mean, p95 = np.empty(len(some)), np.empty(len(some))
    for part, losses in pieces(some, draws, clock):
        values["expected"][part] = losses.mean(axis=0)
        values["worst_case"][part] = losses.max(axis=0)
        values["cvar"][part] = conditional_value_at_risk(losses, tail)
        losses -= best[:, None]
        regret = np.maximum(losses, 0.0, out=losses)  # negative only by rounding
        values["regret"][part] = regret.max(axis=0)
        mean[part] = regret.mean(axis=0)
        p95[part] = quantile(regret, QUANTILES[-1])
    return _Scores(values, mean, p95)


def quantile(values: NDArray[Any], q: float) -> NDArray[Any]:
    """Quantile q of each column, as a value that occurs in it."""
    found: NDArray[Any] = np.quantile(values, q, axis=0, method="inverted_cdf")
    return found


def solve_draws(
    problem: Problem,
    laws: Sequence[TokenLaw],
    *,
    tail: float = DEFAULT_TAIL,
    clock: Clock | None = None,
    corners: Mapping[str, Ablations | None] | None = None,
) -> Uncertainty | None:
    """Solve a problem under every draw of its law; None if it is proven infeasible.

    Parameters
    ----------
    problem : Problem
        Its law, a sum of power terms, determines today's design.
    laws : sequence of TokenLaw
        Draws, for instance of a bootstrap, with the terms and the N of the problem's law.
    tail : float
        q of the conditional value at risk, in [0, 1).
    clock : Clock, optional
    corners : mapping of str to Ablations or None, optional
        Readings of what no law sees of an architecture, by name; each draw is combined with each.

    Raises
    ------
    StoppedError
        If the time limit of the clock came before the answer.
    ProblemError
        If the problem has another objective than the loss, limits the loss or has a law that is
        not a sum of power terms, or if the draws differ in N or in features.
    ValueError
        If there is no draw, or the tail is not in [0, 1).
    """
    if not 0 <= tail < 1:
        raise ValueError(f"the level of the conditional value at risk is in [0, 1), not {tail}")
    clock = Clock() if clock is None else clock
    corners, length = corners or {}, problem.training.sequence_length
    laws = [law.on_sequences(length) for law in laws]
    draws = Draws.of(laws, tuple(corners.values()))
    some = contenders(problem, draws, clock)
    law = problem.law
    for what, mine, theirs in (
        ("counts", f"{law.parameter_kind} parameters", f"{draws.parameter_kind} parameters"),
        ("sees", ", ".join(law.features) or "N and D", ", ".join(draws.laws[0].features)),
    ):
        if theirs and mine != theirs:
            raise ProblemError.of("objective.law", f"{law.name} {what} {mine}, its draws {theirs}")
    if some is None:
        return None
    found = optima(problem, some, draws, clock)
    now = Draws.of([law], (problem.quality.ablations,))
    today = int(optima(problem, some, now, clock).winner[0])
    scores = _scores(some, draws, found.loss, tail, clock)
    roles: dict[int, list[str]] = {today: [TODAY]}
    for name in CRITERIA:
        roles.setdefault(int(scores.values[name].argmin()), []).append(name)
    wins = np.bincount(found.winner, minlength=len(some))
    of_corner = found.winner.reshape(len(corners), -1) if corners else ()
    order = [int(i) for i in np.argsort(-wins, kind="stable") if wins[i]]
    order += [i for i in roles if not wins[i]]
    candidates = tuple(
        Candidate(
            design_of(problem, some, i),
            int(wins[i]) / len(draws),
            Regret(float(scores.mean[i]), float(scores.p95[i]), float(scores.values["regret"][i])),
            tuple(roles.get(i, ())),
            {
                name: float((winners == i).mean())
                for name, winners in zip(corners, of_corner, strict=True)
            },
        )
        for i in order
    )
    columns = {
        "loss": found.loss,
        "parameters": some.n[found.winner],
        "tokens": some.values["tokens"][found.winner],
        "layers": some.layers[found.winner],
        "d_model": some.d_model[found.winner],
    }
    return Uncertainty(
        problem,
        len(laws),
        clock.elapsed,
        candidates,
        {name: float(scores.values[name].min()) for name in CRITERIA},
        tail,
        {
            name: Interval(*(quantile(column, q).item() for q in QUANTILES))
            for name, column in columns.items()
        },
        Certificate(some.designs, some.infeasible, some.dominated, some.equal, len(some)),
        tuple(corners),
        tuple(found.loss.tolist()),
        losses_of(some, draws, order),
        np.array([order.index(i) for i in found.winner.tolist()]),
    )
