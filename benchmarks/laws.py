"""Time questions about laws.

`python -m benchmarks.laws` times fits with their bootstrap, answers under 500 draws of a law
compared with 500 separate solves, user-defined laws compared with a published one, and plans of
runs; it prints a row for each and writes benchmarks/results/laws.json. Runs and draws are
synthetic, with fixed seeds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from modelsizer import PowerLaw, Problem, Solver, solve
from modelsizer.optimizer.fitting.bootstrap import bootstrap
from modelsizer.optimizer.fitting.fit import fit_form
from modelsizer.optimizer.fitting.forms import FORMS, Design, Form
from modelsizer.optimizer.laws.robust import solve_draws
from modelsizer.optimizer.planning.law_point import of_law
from modelsizer.optimizer.planning.plan import PlanOptions
from modelsizer.optimizer.planning.planner import best_plan
from modelsizer.optimizer.planning.target import optimum
from modelsizer.problems.laws.published import token_law

RESULTS = Path("benchmarks/results/laws.json")
TIMES = 3
DELTA = 1e-3
TRUTH = {
    "chinchilla": (1.8172, 482.01, 0.3478, 2085.43, 0.3658),
    "gemstones": (1.534, 2.951, 0.2196, 0.8036, 0.4759, 441.5, 0.3636, 35313.0, 0.4935),
}
OWN = {
    "E": 1.7772,
    "terms": [
        {"coefficient": 482.01, "parameters": -0.3478},
        {"coefficient": 2085.43, "tokens": -0.3658},
        {"coefficient": 0.005, "ffn_ratio": 1.0},
        {"coefficient": 0.045, "ffn_ratio": -1.0},
        {"coefficient": 0.02, "kv_heads": -0.5},
    ],
}
LARGE: dict[str, object] = {
    "space.d_model": {"min": 1024, "max": 16384, "step": 32},
    "space.ffn_ratio": [1.5, 2, 2.25, 2.5, 2.75, 3, 3.25, 3.5, 3.75, 4, 4.5, 5, 6],
    "space.ffn_multiple": [32, 64, 128],
    "space.head_dim": [64, 80, 96, 128, 160, 192, 256],
    "space.kv_heads": [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 32],
    "space.vocab_size": [32000, 64000, 128256, 200064],
}


def runs(form: Form, count: int) -> Design:
    """Runs simulated from a law with noise of half a per cent."""
    r = np.random.default_rng(0)
    depth = np.round(np.exp(r.uniform(np.log(4), np.log(80), count)))
    width = 64 * np.round(np.exp(r.uniform(np.log(4), np.log(48), count)))
    n = 12 * width**2 * depth + 64000 * width
    columns = {"N": n, "D": np.exp(r.uniform(np.log(1e9), np.log(4e11), count)),
               "width": width, "depth": depth}  # fmt: skip
    loss = form.loss(np.array(TRUTH[form.name]), columns)
    loss = loss * np.exp(r.normal(0, 0.005, count))
    return Design(form, {name: columns[name] for name in form.columns}, np.log(loss))


def drawn(count: int) -> list[PowerLaw]:
    """Laws drawn around Besiroglu et al.'s, by its published standard errors."""
    base = token_law("besiroglu-2024")
    assert isinstance(base, PowerLaw)
    r = np.random.default_rng(0)
    moved = r.normal(0, 1, (count, 4)) * (0.03, 0.02, 0.02, 0.25)
    return [
        replace(base, E=base.E + e, alpha=base.alpha + a, beta=base.beta + b,
                B=base.B * float(np.exp(s)))
        for e, a, b, s in moved
    ]  # fmt: skip


def one_by_one(problem: Problem, laws: list[PowerLaw]) -> None:
    """Answer by a separate solve for each draw."""
    solver = Solver(problem)
    for law in laws:
        own = {name: getattr(law, name) for name in ("E", "A", "alpha", "B", "beta")}
        asked = problem.with_settings({"laws.drawn": own, "objective.law": "drawn"})
        solver.solve(problem=asked, details=False)


def questions() -> dict[str, Callable[[], Any]]:
    """Functions to time, by name."""
    reference, exercise = Problem.load("one-h100-1e24"), Problem.load("exercise-1e24")
    large, laws = reference.with_settings(LARGE), drawn(500)
    mine = {"laws.mine": OWN, "objective.law": "mine"}
    designs = {name: runs(FORMS[name], 240) for name in TRUTH}
    fits = {name: fit_form(design, DELTA) for name, design in designs.items()}
    found: dict[str, Callable[[], Any]] = {}
    for name, design in designs.items():
        found[f"fit of 240 runs, {name}"] = lambda d=design: fit_form(d, DELTA)
        found[f"its 1000 bootstrap samples, {name}"] = lambda f=fits[name]: bootstrap(f, 1000)
    for problem, name in ((reference, "one-h100-1e24"), (exercise, "exercise-1e24")):
        found[f"500 draws of a law, {name}"] = lambda p=problem: solve_draws(p, laws)
        found[f"the same by 500 solves, {name}"] = lambda p=problem: one_by_one(p, laws)
    for problem, name in ((reference, f"{reference.count_designs():.2g}"),
                          (large, f"{large.count_designs():.2g}")):  # fmt: skip
        found[f"published law, {name} designs"] = lambda p=problem: solve(p)
        own = problem.with_settings(mine)
        found[f"own law of five terms, {name} designs"] = lambda p=own: solve(p)
    point, target = of_law(exercise.law), optimum(exercise)
    assert target is not None
    found["plan of 24 runs, proven"] = lambda: best_plan(exercise, point, target, PlanOptions(1e21))
    return found


def main() -> None:
    rows = {}
    for name, ask in questions().items():
        taken = []
        for _ in range(TIMES):
            start = time.perf_counter()
            ask()
            taken.append(time.perf_counter() - start)
        rows[name] = sorted(taken)[TIMES // 2]
        print(f"{name:48}{rows[name]:8.2f} s", flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
