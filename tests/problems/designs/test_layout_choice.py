"""The best layout of a design, against an evaluation under each layout alone."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer import Problem, evaluate
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.designs.setup_evaluation import SetupEvaluation
from tests.support.architectures import uniform

BASE: dict[str, Any] = {
    "space": {"layers": 24, "d_model": 2048, "head_dim": 128, "kv_heads": 4, "d_ff": 7168,
              "vocab_size": 32_768},
    "training": {"sequence_length": 2048, "accelerator": "H100-SXM", "accelerators": 50,
                 "tensor_parallel": [1, 2, 4], "pipeline_parallel": [1, 2, 3, 4, 5, 6]},
}  # fmt: skip
DESIGN = uniform(Problem.from_tables(BASE | {"budgets": {"training_flops": 1e21}}), block="llama",
                 d_model=2048, heads=16, kv_heads=4, head_dim=128, d_ff=7168, vocab_size=32_768,
                 tied_embeddings=0, layers=24)  # fmt: skip
TIME, TIGHT = "budgets.training_time", "budgets.training_memory"
CASES: dict[str, dict[str, Any]] = {
    "no limit sees it": {"budgets.training_flops": 1e21},
    "time": {TIME: "2 days"},
    "time and memory": {TIME: "2 days", TIGHT: "20 GB"},
    "little memory": {TIME: "2 days", TIGHT: "6 GB"},
    "too little memory": {TIME: "2 days", TIGHT: "1 GB"},
    "other limits break": {TIME: "2 days", TIGHT: "20 GB", "budgets.parameters": 1e6},
    "least time": {"objective.minimize": "training_time", "budgets.loss": 2.6, TIGHT: "10 GB"},
    "least memory": {"objective.minimize": "training_memory", TIME: "2 days"},
    "least memory, too slow": {"objective.minimize": "training_memory", TIME: "1 hour",
                               "budgets.loss": 2.4},
}  # fmt: skip


def alone(problem: Problem, data: int, tensor: int, pipeline: int) -> Evaluation:
    """The design under one layout."""
    ways = {"data_parallel": data, "tensor_parallel": tensor, "pipeline_parallel": pipeline}
    return evaluate(problem.with_settings({f"training.{n}": w for n, w in ways.items()}), DESIGN)


@pytest.mark.parametrize("case", CASES)
def test_the_best_of_all_layouts(case: str) -> None:
    problem = Problem.from_tables(BASE | {"budgets": {"tokens": {"max": 1e12}}})
    problem = problem.with_settings(CASES[case])
    sought = problem.objective.quantity
    each = [
        alone(problem, one.data_parallel, one.tensor_parallel, one.pipeline_parallel)
        for one in problem.layouts
        if 24 % one.pipeline_parallel == 0
    ]
    most = problem.limits["training_memory"].max

    def over(found: Evaluation) -> float:
        return max(0.0, float(found.exact["training_memory"]) / most - 1)

    best = min(each, key=lambda found: (over(found), not found.feasible, found.exact[sought]))
    assert evaluate(problem, DESIGN) == best


def test_few_layouts_are_evaluated_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    menus = {"training.accelerators": 1024, "training.pipeline_parallel": {"min": 1, "max": 24}}
    problem = Problem.from_tables(BASE | {"budgets": {"tokens": {"max": 1e12}}})
    problem = problem.with_settings(CASES["time and memory"] | menus)
    seen, under = [], SetupEvaluation.under

    def counted(self: SetupEvaluation, known: Any, layout: Any) -> Evaluation:
        seen.append(layout)
        return under(self, known, layout)

    monkeypatch.setattr(SetupEvaluation, "under", counted)
    assert evaluate(problem, DESIGN).feasible
    assert len(problem.layouts) == 72 and len(seen) <= 2
