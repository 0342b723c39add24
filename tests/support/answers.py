"""One answer of each kind, small enough to be made in a test."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import modelsizer as ms
from tests.support.shared import ROOT

TIGHT = {"budgets.serving_memory": "100 MB"}
LAW = {"objective.law": f"file:{ROOT / 'docs/mylaw.toml'}"}

H100 = {"serving.accelerator": "H100-SXM"}
ON_EACH = {"serving.accelerator": ["H100-SXM", "H200-SXM"]}


@cache
def _llama() -> ms.Architecture:
    return ms.load_architecture("llama-3-8b")


@cache
def problem() -> ms.Problem:
    return ms.Problem.load("phone-2gb")


@cache
def result() -> ms.Result:
    return ms.solve(problem())


ANSWERS: dict[str, Callable[[], Any]] = {
    "problem": problem,
    "result": result,
    "infeasible": lambda: ms.solve(problem().with_settings(TIGHT)),
    "unsolved": lambda: ms.solve(problem(), time_limit=0),
    "evaluation": lambda: result().best,
    "architecture": lambda: result().best.architecture,
    "description": lambda: ms.describe(result().best.architecture),
    "best": lambda: ms.best(result(), 3),
    "near_ties": lambda: ms.near_ties(result()),
    "machines": lambda: ms.machines(ms.solve(ms.Problem.load("million-dollars"))),
    "verified": lambda: ms.verify_answer(result().to_dict(), quick=True),
    "ranking": lambda: ms.rank(problem(), top=3),
    "groups": lambda: ms.rank(problem(), top=3, group_by="layers"),
    "front": lambda: ms.front(problem(), ["loss", "serving_memory"]),
    "frontier": lambda: ms.frontier(
        problem(), "budgets.serving_memory", [1e9, 2e9, 4e9], band=False
    ),
    "prices": lambda: ms.prices(problem(), budgets=["serving_memory"]),
    "feasible": lambda: ms.explain(problem()),
    "explanation": lambda: ms.explain(problem().with_settings(TIGHT)),
    "whatif": lambda: ms.whatif(problem(), {"8 bits": {"serving.weight_bytes": 1}}),
    "sweep": lambda: ms.sweep(problem(), {"budgets.serving_memory": ["1 GB", "2 GB"]}, jobs=1),
    "laws": lambda: ms.compare_laws(problem(), ["besiroglu-2024", "hoffmann-2022"]),
    "corners": lambda: ms.corners(problem()),
    "study": lambda: ms.fit(ROOT / "docs/runs.csv", bootstrap=0, compare=False),
    "drawn": lambda: ms.uncertainty(ms.Problem.load("phone-2gb", LAW), 20),
    "plan": lambda: ms.plan_runs(ms.Problem.load("one-h100-1e24"), 1e21, 12),
    "memory": lambda: ms.memory(result(), devices=["H100-SXM", "L4"]),
    "users": lambda: ms.users(_llama(), [4096, 8192], settings=H100),
    "machines of users": lambda: ms.users(_llama(), [4096], each=ON_EACH),
    "roofline": lambda: ms.roofline(_llama(), settings=H100),
    "layers": lambda: ms.layers(result()),
    "allocation": lambda: ms.allocate(result()),
    "accelerators": ms.accelerators,
    "models": ms.models,
    "laws of the catalogue": ms.laws,
    "law": lambda: ms.laws()["besiroglu-2024"],
    "library": ms.library,
    "shapes": lambda: ms.depth_width(problem()),
    "audit": lambda: ms.audit(ms.load_architecture("llama-3-8b"), 15e12),
}
"""By a name of their own."""


@cache
def answer(name: str) -> Any:
    return ANSWERS[name]()
