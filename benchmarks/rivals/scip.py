"""SCIP on the nonlinear program: `python -m benchmarks.rivals.scip PROBLEM`.

A binary z[w] for each width option and an integer l[w] of steps of its depth, zero unless z[w];
parameters N, FLOPs per token F, layers L and size P = d_model^2 L are linear in them, each scaled
to about 1. Tokens are eliminated, D = min(most, C / F), which leaves one power of one variable in
each constraint:

t >= A N^-alpha,   u >= B (F / C)^beta,   u >= B most^-beta,
s >= sum of a d_model[w]^-p z[w] + b L^-q - K P^-g,   s >= 0,   minimise E + t + u + s.

Where choices that the law does not see scale t + u by 1 + q[w], N is over (1 + q)^(1 / alpha) and F
times (1 + q)^(1 / beta): with one width option chosen that is the same, and no product is left.
As fast or twice as slow: a column of t + u for each width option, between its ends times z[w].

SCIP is given the depth interval that the constraints leave each width option. Formulations tried on
one-h100-1e24 without q, SCIP 10.0, two shared cores, seconds with those intervals and without them
(297 and 711 width options), under `EASYCIP` and under SCIP's own settings:

products linearised, as above                      0.5   0.8     1.4   1.3   <- this one
ln d_model + ln L in place of P                    0.6   2.6     1.1   1.3
ln N, ln F, ln D and exponentials                  0.5   1.4     1.2   1.5
D a variable, D F <= C                             0.7   1.8     1.3   2.1
one L, products with sum of unit[w] z[w]            41   >60      11   >60
the same and D F <= C                               30   >60      21   >60
one L, products z[w] L left to SCIP              wrong   >60   wrong    21

In the row marked wrong, SCIP reports optimal at 2.1926 and at 2.2755, but the optimum is 1.9707;
with z fixed to the best width option the same model gives 1.9707. Feasibility tolerances of 1e-6
and 1e-9 take the same time; 1e-9 is used, as at 1e-6 the objective is off by up to 1e-6.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from benchmarks.rivals.answer import RivalAnswer, Skipped, Stopwatch, answered
from benchmarks.rivals.statement import Affine, Statement, state
from modelsizer.problems.problem import Problem

GAP = 1e-9  # nats
FEASIBILITY = 1e-9
_STDERR = 2


@contextmanager
def quiet() -> Iterator[None]:
    """Discard file descriptor 2: the LP solver warns about so small a tolerance."""
    saved, nowhere = os.dup(_STDERR), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDERR)
        yield
    finally:
        os.dup2(saved, _STDERR)
        os.close(saved)
        os.close(nowhere)


def solve(problem: Problem, seconds: float) -> RivalAnswer:
    """Solve with SCIP.

    Raises
    ------
    Skipped
        If PySCIPOpt is not installed, or the problem cannot be stated.
    """
    try:
        import pyscipopt
    except ImportError:
        raise Skipped("PySCIPOpt is not installed") from None
    clock = Stopwatch()
    stated = state(problem, tightened=True)
    model = pyscipopt.Model()
    model.hideOutput()
    chosen, depth = _formulated(pyscipopt, model, stated)
    model.setEmphasis(pyscipopt.SCIP_PARAMEMPHASIS.EASYCIP)
    model.setParam("limits/absgap", GAP)
    model.setParam("limits/gap", 0.0)
    model.setParam("numerics/feastol", FEASIBILITY)
    model.setParam("timing/clocktype", 1)  # CPU seconds
    model.setParam("limits/time", max(seconds - clock.elapsed, 1e-3))
    clock.start()
    with quiet():
        model.optimize()
    clock.stop()
    status = model.getStatus()
    words = f"{status}, {len(stated)} width options, {model.getNTotalNodes()} nodes"
    bound = model.getDualbound()
    found = math.isfinite(bound) and abs(bound) < model.infinity()
    if not model.getNSols():
        return answered(problem, None, clock, words, bound=bound if found else None)
    option = int(np.argmax([model.getVal(z) for z in chosen]))
    design = stated.design(option, round(model.getVal(depth[option])))
    return answered(
        problem,
        design,
        clock,
        words,
        bound=bound if found else None,
        proof=status in ("optimal", "gaplimit"),
        claimed=model.getObjVal(),
    )


def _formulated(pyscipopt, model, stated: Statement):
    """Add variables, constraints and objective; return the columns of width options and depths."""
    total = pyscipopt.quicksum
    options = range(len(stated))
    law = stated.law
    chosen = [model.addVar(vtype="B") for _ in options]
    depth = [model.addVar(vtype="I", lb=0, ub=float(stated.last[w])) for w in options]
    model.addCons(total(chosen) == 1)
    for w in options:
        model.addCons(depth[w] <= float(stated.last[w]) * chosen[w])
        if stated.first[w] > 0:
            model.addCons(depth[w] >= float(stated.first[w]) * chosen[w])

    def linear(quantity: Affine):
        base, unit = quantity.base.tolist(), quantity.unit.tolist()
        return total(base[w] * chosen[w] + unit[w] * depth[w] for w in options)

    def variable(quantity: Affine):
        """A variable for a quantity divided by the geometric middle of its range; the middle."""
        low, high = stated.range_of(quantity)
        scale = math.sqrt(low * high)
        scaled = model.addVar(lb=low / scale, ub=high / scale)
        model.addCons(scaled == linear(quantity.over(scale)))
        return scaled, scale

    for row in stated.rows:
        if row.high is not None:
            model.addCons(linear(row.affine) <= row.high)
        if row.low is not None:
            model.addCons(linear(row.affine) >= row.low)
    # Tokens D = min(most, C / F); C may differ between layouts, so F is divided by C.
    data = model.addVar(lb=0)
    if math.isfinite(stated.most_tokens):
        least = law.B * stated.most_tokens**-law.beta * stated.scale
        model.addCons(data >= total(float(least[w]) * chosen[w] for w in options))
    if np.isfinite(stated.most_flops).all():
        flops, scale = variable(stated.rate)
        model.addCons(data >= law.B * scale**law.beta * flops**law.beta)
    size = model.addVar(lb=0)
    n, scale = variable(stated.size)
    model.addCons(size >= law.A * scale**-law.alpha * n**-law.alpha)
    shape = model.addVar(lb=0)
    (width, p), (deep, q), (least, g) = stated.shape_terms
    if width:
        layers, scale = variable(stated.layers)
        squared = stated.d_model**2
        area = Affine(squared * stated.layers.base, squared * stated.layers.unit)
        area, area_scale = variable(area)
        excess = total(width * float(stated.d_model[w]) ** p * chosen[w] for w in options)
        excess += deep * scale**q * layers**q + least * area_scale**g * area**g
        model.addCons(shape >= excess)
    model.setObjective(law.E + size + data + shape)
    return chosen, depth


if __name__ == "__main__":
    print(solve(Problem.load(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 1e6))
