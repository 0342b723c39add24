"""The continuous relaxation in real width, depth and tokens, and its Lagrange multipliers.

Other choices (head_dim, kv_heads, the ratio of d_ff, vocabulary, block, layout ...) are those of
the optimum, so the relaxed optimum is an estimate and no bound of the whole problem. So are the
multipliers: the change of the relaxed optimum for one unit more of a limit.

Minimised by sequential quadratic programming (Kraft 1988; SciPy's SLSQP) in logarithms, each limit
as ``ln limit - ln quantity >= 0``. Multipliers are those of the Karush-Kuhn-Tucker conditions at
the solution, ``gradient of the objective = sum of multiplier x gradient of an active constraint``
with none negative, by non-negative least squares (Lawson and Hanson 1974, chapter 23).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.constraints import Constraint, constraints
from modelsizer.optimizer.prices.real_widths import growing_widths, polynomials, widths_of
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.architecture.structures import structure_of
from modelsizer.problems.designs.costs import flops_rate, inverse_numerator
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.laws.features import (
    features_of,
    grows_with_depth,
    is_of_stack,
    of_stack,
    parts_of,
)
from modelsizer.problems.laws.quality import Judged
from modelsizer.problems.laws.stack_values import ACTIVE_PARAMETERS
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN
from modelsizer.problems.quantities.batches import AT_REQUESTS
from modelsizer.problems.quantities.needs import costs_limited
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.quantities.rows import parts_of as parts_of_cost
from modelsizer.problems.records import dataclass
from modelsizer.problems.tables.menus import Choice

Floats = NDArray[np.float64]

STEP = 1e-5  # of the logarithms, for central differences: their error is about its square
PRECISION, ITERATIONS = 1e-14, 300
KEPT = 1e-7  # by how much of its size a limit may be broken
ACTIVE = 1e-6  # relative slack below which a limit is active
CONDITION = 1e-3
"""Residual of the optimality conditions, of the objective's gradient, up to which they hold."""
STARTS = (1.0, 0.8, 1.25)
"""Multiples of today's width from which the search starts; the best result is taken."""
LN_MOST_TOKENS = 80.0  # e^80 tokens are more than any budget pays for


@dataclass(frozen=True, slots=True)
class Relaxation:
    """The relaxed optimum.

    Parameters
    ----------
    objective : float
        In its own unit and sense.
    d_model, layers : float
    tokens : float or None
        None where neither objective nor constraints depend on them.
    multipliers : mapping of str to float or None
        By key of a constraint, the change of the objective for one unit more of the limit; 0 where
        the constraint is slack; None where the optimality conditions were not met.
    """

    objective: float
    d_model: float
    layers: float
    tokens: float | None
    multipliers: Mapping[str, float | None]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; multipliers stand with their budgets."""
        return {
            "objective": self.objective,
            "d_model": self.d_model,
            "layers": self.layers,
            "tokens": self.tokens,
            "is_bound": False,
        }


class _Program:
    """The relaxed problem in logarithms: ``z = ln(t), ln(layers)[, ln(tokens)][, ln(value)]``."""

    def __init__(self, problem: Problem, design: Evaluation, clock: Clock) -> None:
        problem = problem.under(design.layout)  # the machine is held, as the layout is
        self.problem, self.design, self.clock = problem, design, clock
        self.sought = problem.objective.quantity
        self.sign = -1.0 if problem.objective.sense == "maximize" else 1.0
        self.constraints = constraints(problem)
        asked = {constraint.quantity for constraint in self.constraints} | {self.sought}
        self.has_tokens = math.isfinite(design.text) and any(
            QUANTITIES[name].form not in ("affine", "inverse", "batch") for name in asked
        )
        names = {LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN}
        names |= {ACTIVE_PARAMETERS} if ACTIVE_PARAMETERS in problem.quality.features else set()
        for name in asked:
            names.update(costs_limited(problem.settings, name))
        self.costs = polynomials(problem, design, sorted(names))
        self.d_model = float(design.architecture.trunk.d_model)
        self.quality = problem.quality
        self.growing = growing_widths(problem.space, structure_of(design.architecture))
        self.widths = widths_of(design.architecture)
        # Held at the design's own: heads and hidden widths grow together with d_model.
        self.judged = {
            name: float(of_stack(name, design.architecture))
            for name in parts_of(self.quality.features)
            if is_of_stack(name) and not grows_with_depth(name)
        }
        self.scale = abs(float(design.exact[self.sought])) or 1.0
        self.rows, self.ids = self._rows()

    # Quantities at a point

    def _part(self, name: str, z: Floats) -> float:
        """A quantity, or one of the parts whose maximum it is."""
        t, layers = math.exp(z[0]), math.exp(z[1])
        if name in self.costs:
            return self.costs[name].at(t, layers)
        if name == "tokens":
            return math.exp(z[2])
        if name == "loss":
            n = self.costs[LAW_PARAMETERS].at(t, layers)
            return float(self._judged(t, layers).loss(n, math.exp(z[2])))
        flops = self.costs[TRAINING_FLOPS_PER_TOKEN].at(t, layers) * math.exp(z[2])
        shares = self.design.layout.accelerators if QUANTITIES[name].shared else 1
        return flops * float(flops_rate(self.problem, name)) / shares

    def _judged(self, t: float, layers: float) -> Judged:
        """The loss at a relative width and a depth."""
        at = {k: value * (t if k in self.growing else 1.0) for k, value in self.widths.items()}
        at["layers"] = layers
        seen: dict[Any, float] = {**at, **self.judged}
        if ACTIVE_PARAMETERS in self.quality.features:
            seen[ACTIVE_PARAMETERS] = self.costs[ACTIVE_PARAMETERS].at(t, layers)
        return self.quality.of(features_of(self.quality.features, seen.__getitem__))

    def _parts(self, name: str) -> tuple[str, ...]:
        return QUANTITIES[name].parts if QUANTITIES[name].affine else (name,)

    @property
    def branched(self) -> bool:
        """Whether the objective is a maximum of parts, and so has a variable of its own."""
        return len(self._parts(self.sought)) > 1

    def objective(self, z: Floats) -> float:
        """The objective, minimised; about 1 or -1 today."""
        self.clock.check()
        if self.branched:
            return math.exp(z[-1])
        return self.sign * self._part(self._parts(self.sought)[0], z) / self.scale

    def _rows(self) -> tuple[list[Callable[[Floats], float]], list[Constraint | None]]:
        """Functions not below 0 where kept, and the constraint of the file behind each."""
        rows: list[Callable[[Floats], float]] = []
        ids: list[Constraint | None] = []
        for constraint in self.constraints:
            if float(constraint.limit) <= 0:
                continue
            quantity, upper = constraint.quantity, constraint.side == "max"
            of_tokens = QUANTITIES[quantity].of_tokens or quantity == "loss"
            if not self.has_tokens and of_tokens:
                continue  # kept by unlimited tokens
            if QUANTITIES[quantity].form == "batch":  # what so many take is within its limit
                for cost, most in self.problem.settings.ceilings:
                    for part in parts_of_cost(f"{cost}{AT_REQUESTS}"):
                        rows.append(self._row(part, 1.0, math.log(max(float(most), 1.0))))
                        ids.append(constraint)
                continue
            edge = math.log(float(constraint.limit))
            if QUANTITIES[quantity].form == "inverse":  # batch / latency >= x
                numerator = float(inverse_numerator(self.problem, quantity))
                quantity, upper = QUANTITIES[quantity].base, True
                edge = math.log(numerator / float(constraint.limit))
            for part in self._parts(quantity):
                rows.append(self._row(part, 1.0 if upper else -1.0, edge))
                ids.append(constraint)
                if constraint.equality:
                    rows.append(self._row(part, -1.0, edge))
                    ids.append(constraint.one_sided("min"))
        if self.branched:
            for part in self._parts(self.sought):
                rows.append(self._below(part))
                ids.append(None)
        for sign, edge in self._aspects():
            ideal = math.log(edge / self.d_model)
            rows.append(_shaped(sign, ideal))
            ids.append(None)
        return rows, ids

    def _row(self, part: str, sign: float, edge: float) -> Callable[[Floats], float]:
        return lambda z: sign * (edge - _ln(self._part(part, z)))

    def _below(self, part: str) -> Callable[[Floats], float]:
        return lambda z: float(z[-1]) - _ln(self._part(part, z) / self.scale)

    def _aspects(self) -> list[tuple[float, float]]:
        given: Any = self.problem.space.aspect_ratio
        if given is None:
            return []
        if isinstance(given, Choice):
            given_low, given_high = float(given.numbers[0]), float(given.numbers[-1])
            return [(1.0, given_high), (-1.0, given_low)]
        found = [] if given.max is None else [(1.0, float(given.max))]
        return found + ([] if given.min is None else [(-1.0, float(given.min))])

    # Where to search

    def start(self) -> Floats:
        """Today's design."""
        z = [0.0, math.log(self.design.architecture.layers)]
        if self.has_tokens:
            z.append(math.log(self.design.text))
        if self.branched:
            z.append(0.0)
        return np.array(z)

    def bounds(self) -> list[tuple[float, float]]:
        """Ends of the menus of widths and depths."""
        space = self.problem.space
        widths, depths = space.d_model.numbers, space.layers.numbers
        found = [(math.log(float(w[0]) / by), math.log(float(w[-1]) / by))
                 for w, by in ((widths, self.d_model), (depths, 1.0))]  # fmt: skip
        if self.has_tokens:
            found.append((0.0, LN_MOST_TOKENS))
        if self.branched:
            found.append((-LN_MOST_TOKENS, LN_MOST_TOKENS))
        return found

    def values(self, z: Floats) -> Floats:
        """All constraints."""
        return np.array([row(z) for row in self.rows])


def _ln(value: float) -> float:
    """Logarithm of a quantity; that of the least double if it is not positive."""
    return math.log(max(value, sys.float_info.min))


def _shaped(sign: float, ideal: float) -> Callable[[Floats], float]:
    """A limit on ln(d_model / layers)."""
    return lambda z: float(sign * (ideal - z[0] + z[1]))


def relax(problem: Problem, design: Evaluation, clock: Clock | None = None) -> Relaxation | None:
    """Solve the continuous relaxation around an optimum.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
        Its optimum: the start of the search, and the other choices.
    clock : Clock, optional

    Returns
    -------
    Relaxation or None
        None where SciPy found no point that keeps the limits, and for a largest batch, a whole
        number.

    Raises
    ------
    OutOfTimeError
        If the time limit came first.
    """
    if QUANTITIES[problem.objective.quantity].form == "batch":
        return None
    program = _Program(problem, design, Clock() if clock is None else clock)
    found = [z for factor in STARTS if (z := _solved(program, factor)) is not None]
    if not found:
        return None
    z = min(found, key=program.objective)
    value = program.objective(z) * program.scale * (1.0 if program.branched else program.sign)
    return Relaxation(
        value,
        math.exp(z[0]) * program.d_model,
        math.exp(z[1]),
        math.exp(z[2]) if program.has_tokens else None,
        _multipliers(program, z),
    )


def _gradient(function: Callable[[Floats], Any], z: Floats) -> Floats:
    """Central differences; shape (variables, ...)."""
    steps = np.eye(len(z)) * STEP
    return np.array([(function(z + s) - function(z - s)) / (2 * STEP) for s in steps])


def _solved(program: _Program, factor: float) -> Floats | None:
    """The optimum found from a start, or None."""
    from scipy.optimize import minimize

    bounds = program.bounds()
    low, high = np.array(bounds).T
    start = program.start()
    start[0] += math.log(factor)
    constraints = {
        "type": "ineq",
        "fun": program.values,
        "jac": lambda z: _gradient(program.values, z).T,
    }
    with np.errstate(all="ignore"):
        result = minimize(
            program.objective,
            np.clip(start, low, high),
            jac=lambda z: _gradient(program.objective, z),
            method="SLSQP",
            bounds=bounds,
            constraints=[constraints] if program.rows else [],
            options={"ftol": PRECISION, "maxiter": ITERATIONS},
        )
    z = np.clip(np.asarray(result.x, dtype=float), low, high)
    kept = not program.rows or bool((program.values(z) >= -KEPT).all())
    return z if np.isfinite(z).all() and kept else None


def _multipliers(program: _Program, z: Floats) -> dict[str, float | None]:
    """By key of a constraint the change of the objective for one unit more of its limit."""
    from scipy.optimize import nnls

    gradient = _gradient(program.objective, z)
    columns: list[Floats] = []
    owners: list[Constraint | None] = []
    if program.rows:
        slack = program.values(z)
        slopes = _gradient(program.values, z)
        for i, constraint in enumerate(program.ids):
            if slack[i] <= ACTIVE:
                columns.append(slopes[:, i])
                owners.append(constraint)
    for i, (low, high) in enumerate(program.bounds()):
        unit = np.zeros(len(z))
        unit[i] = 1.0
        for sign, gap in ((1.0, z[i] - low), (-1.0, high - z[i])):
            if gap <= ACTIVE:
                columns.append(sign * unit)
                owners.append(None)
    found: dict[str, float | None] = {constraint.key: 0.0 for constraint in program.constraints}
    size = float(np.linalg.norm(gradient))
    weights, residual = np.zeros(0), size
    if columns:
        weights, residual = nnls(np.array(columns).T, gradient)
    if residual > CONDITION * max(size, KEPT):
        return dict.fromkeys(found)
    per = program.scale * (1.0 if program.branched else program.sign)
    for constraint, weight in zip(owners, weights, strict=True):
        if constraint is not None and QUANTITIES[constraint.quantity].form == "batch":
            found[constraint.key] = None  # its rows are of what so many take
        elif constraint is not None:
            sign = -1.0 if constraint.side == "max" else 1.0
            key = constraint.key if constraint.key in found else constraint.base  # of an equality
            each = sign * per * float(weight) / float(constraint.limit)
            found[key] = (found[key] or 0.0) + each
    return found
