"""Training and inference budgeted together."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest

from modelsizer import Problem, ProblemError, solve
from modelsizer.optimizer.fronts.run import front
from modelsizer.optimizer.surveys.near_optimal import k_best
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from tests.support.architectures import listed
from tests.support.random_problems import random_tables, valid_problem
from tests.support.shared import seeds

SOLVERS = ("exhaustive", "auto", "scipy")
MOST_BY_HAND = 1000


def lifelong(seed: int) -> dict[str, Any]:
    """A random problem with a budget of a lifetime, or one to be made least."""
    tables = random_tables(seed)
    r = random.Random(seed)
    tables["serving"].pop("tensor_parallel", None)
    compute = 10 ** r.uniform(21, 24)
    tables["lifetime"] = {"inference_tokens": 10 ** r.uniform(9, 13.5)}
    budgets = tables["budgets"]
    if r.random() < 0.5:
        budgets.pop("training_flops", None)
    budgets.pop("loss", None)
    tables["objective"] = {"law": "besiroglu-2024", "shape": tables["objective"]["shape"]}
    if seed % 2:
        budgets["lifetime_flops"] = compute
        if r.random() < 0.3:
            tables["objective"]["minimize"] = r.choice(["serving_memory", "parameters"])
            budgets["loss"] = round(r.uniform(2.05, 2.5), 3)
    else:
        tables["objective"]["minimize"] = "lifetime_flops"
        budgets["loss"] = round(r.uniform(2.05, 2.5), 3)
        budgets.setdefault("tokens", {"max": 1e14})
        tables["training"].pop("tokens", None)
    return tables


def by_hand(problem: Problem) -> Evaluation | None:
    """The best of all designs, evaluated one by one; checked by its own arithmetic."""
    best = None
    name = problem.objective.quantity
    for architecture in listed(problem):
        design = evaluate(problem, architecture)
        if not design.feasible:
            continue
        lifetime = design.exact["training_flops"] + problem.lifetime.tokens * Fraction(
            design.exact["inference_flops_per_token"]
        )
        assert design.exact["lifetime_flops"] == lifetime
        limit = problem.budgets.lifetime_flops
        assert limit is None or lifetime <= limit.max
        key = (design.exact[name], design.tie_key)
        if best is None or key < (best.exact[name], best.tie_key):
            best = design
    return best


@pytest.mark.parametrize("seed", seeds(range(40), range(6, 40)))
def test_every_solver_finds_the_best_lifetime(seed: int) -> None:
    problem = valid_problem(seed, lifelong)
    if problem.count_designs() > MOST_BY_HAND:
        reference = solve(problem, solver="exhaustive")
        wanted = reference.design
    else:
        wanted = by_hand(problem)
    for solver in SOLVERS:
        result = solve(problem, solver=solver)
        if wanted is None:
            assert result.status == "infeasible", solver
        else:
            assert result.status == "optimal", solver
            assert result.best.architecture == wanted.architecture, solver
            assert result.gap == 0


@pytest.mark.parametrize("seed", seeds(range(40, 60), range(45, 60)))
def test_blocks_agree(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = valid_problem(seed, lifelong)
    wanted = solve(problem, solver="exhaustive")
    monkeypatch.setattr("modelsizer.optimizer.tables.store.LISTABLE", 0)
    found = solve(problem, solver="bound")
    assert (found.status, found.objective.value) == (wanted.status, wanted.objective.value)


def sardana(inference_tokens: float) -> Problem:
    """Their law, FLOPs of 6ND and about 2N a token: a small vocabulary and a short context."""
    parameters = 30e9
    law = {"E": 1.69, "A": 406.4, "alpha": 0.336, "B": 410.7, "beta": 0.283}
    a, b = law["alpha"], law["beta"]
    tokens = (b * law["B"] / (a * law["A"]) * parameters**a) ** (1 / b)  # Chinchilla's for 30B
    loss = law["E"] + law["A"] / parameters**a + law["B"] / tokens**b
    tables: dict[str, Any] = {
        "space": {
            "layers": {"min": 8, "max": 120},
            "d_model": {"min": 1024, "max": 9216, "step": 128},
            "head_dim": 128,
            "ffn_ratio": 4,
            "vocab_size": 1024,
            "block": "gpt2",
            "aspect_ratio": {"min": 60, "max": 140},
        },
        "training": {"flops": "6ND", "sequence_length": 128},
        "serving": {"context_length": 1},
        "lifetime": {"inference_tokens": inference_tokens},
        "budgets": {"loss": loss, "tokens": {"max": 1e15}},
        "objective": {
            "minimize": "lifetime_flops",
            "law": "theirs",
            "shape": "none",
            "ablations": "none",
        },
        "laws": {"theirs": law},
    }
    return Problem.from_tables(tables)


def test_sardana_and_others_30b_served_ten_trillion_tokens() -> None:
    """13.6B on 2.84 times the tokens, 28 % fewer FLOPs (arXiv 2401.00448, section 1)."""
    chinchilla = solve(sardana(1)).best
    assert chinchilla.parameters.total == pytest.approx(30e9, rel=0.02)
    served = solve(sardana(1e13)).best
    assert served.parameters.total == pytest.approx(13.6e9, rel=0.02)
    assert served.tokens / chinchilla.tokens == pytest.approx(2.84, rel=0.03)
    at_all = float(chinchilla.training_flops) + 1e13 * float(
        chinchilla.quantity("inference_flops_per_token")
    )
    saved = 1 - float(served.quantity("lifetime_flops")) / at_all
    assert saved == pytest.approx(0.28, abs=0.01)


def test_more_served_is_smaller_and_longer_trained() -> None:
    designs = [solve(sardana(tokens)).best for tokens in (1e10, 1e12, 1e13, 1e14)]
    sizes = [design.parameters.total for design in designs]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1]
    tokens = [design.tokens for design in designs]
    assert tokens == sorted(tokens)


MONEY = {
    "training.accelerator": "H100-SXM",
    "training.accelerators": 1024,
    "training.price_per_hour": 2.5,
    "serving.accelerator": "H100-SXM",
    "lifetime.inference_tokens": "10T tokens",
    "lifetime.prefill_share": 0.8,
}


def test_money_is_hours_of_both() -> None:
    problem = Problem.load("one-h100-1e24", MONEY)
    best = solve(problem).best
    peak = 989e12  # bf16 FLOP/s of an H100 SXM
    work = best.quantity("inference_flops_per_token") * 10e12
    hours = work * (0.8 / 0.5 + 0.2 / 0.01) / peak / 3600
    dollars = best.quantity("training_cost") + hours * 2.5
    assert best.quantity("lifetime_cost") == pytest.approx(dollars, rel=1e-3)


STEPS = {
    "lifetime.throughput": "step", "serving.batch_size": 64, "serving.prompts": 8,
    "serving.prompt_length": 4096, "lifetime.price_per_hour": 3,
}  # fmt: skip


def test_money_by_steps_is_hours_of_steps() -> None:
    problem = Problem.load("one-h100-1e24", MONEY | STEPS)
    best = solve(problem).best
    of_a_prompt = float(best.exact["prefill_latency"]) / 8 / 4096
    of_an_answer = float(best.exact["decode_latency"]) / 64
    hours = 10e12 * (0.8 * of_a_prompt + 0.2 * of_an_answer) / 3600
    dollars = best.quantity("training_cost") + hours * 3
    assert best.quantity("lifetime_cost") == pytest.approx(dollars, rel=0.02)
    assert best.quantity("lifetime_cost") > dollars  # a prefill is the sum, not the longer
    assert "lifetime_flops" not in best.exact


def test_larger_batches_serve_a_larger_model_for_the_same_money() -> None:
    limit = {"budgets.lifetime_cost": 4e6, "budgets.serving_memory": "400 GB"}
    problem = Problem.load("one-h100-1e24", MONEY | STEPS | limit).without("budgets.kv_cache")
    answers = []
    for batch in (4, 64):
        asked = problem.with_settings({"serving.batch_size": batch})
        found = {solver: solve(asked, solver=solver) for solver in SOLVERS}
        assert len({result.best.architecture for result in found.values()}) == 1
        answers.append(found["auto"].best)
        assert float(answers[-1].exact["lifetime_cost"]) <= 4e6
    assert answers[0].loss > answers[1].loss


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"lifetime.decode_mfu": 0.02}, "leave out decode_mfu"),
        ({"serving.engine": "none", "budgets.lifetime_cost": 1e7}, "engine whose steps"),
        ({"budgets.lifetime_flops": 1e25}, "counted in money"),
        ({"lifetime.throughput": "steps"}, "did you mean step"),
    ],
)
def test_what_goes_with_steps(settings: dict[str, Any], words: str) -> None:
    problem = Problem.load("one-h100-1e24", MONEY | STEPS)
    with pytest.raises(ProblemError, match=words):
        problem.with_settings(settings)


def test_a_budget_of_money_makes_the_model_smaller() -> None:
    problem = Problem.load("one-h100-1e24", MONEY)
    free = solve(problem).best
    limit = 0.6 * float(free.quantity("lifetime_cost"))
    poorer = problem.with_settings({"budgets.lifetime_cost": limit})
    found = {solver: solve(poorer, solver=solver) for solver in SOLVERS}
    assert len({result.best.architecture for result in found.values()}) == 1
    best = found["auto"].best
    assert best.quantity("lifetime_cost") <= limit
    assert best.parameters.total < free.parameters.total
    assert any(use.name == "lifetime_cost" and use.binding for use in found["auto"].budgets)
    assert len(k_best(found["auto"], 3).best) == 3


def test_fronts_of_a_lifetime() -> None:
    problem = sardana(1e13).with_settings({"space.layers": {"min": 20, "max": 60, "step": 4}})
    found = front(problem, ["lifetime_flops", "serving_memory"], solver="exhaustive")
    bound = front(problem, ["lifetime_flops", "serving_memory"], solver="bound")
    assert found.values == bound.values
    assert min(found.values["lifetime_flops"]) == solve(problem).objective.value


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"budgets.lifetime_flops": 1e25}, "lifetime.inference_tokens"),
        ({"objective.minimize": "lifetime_flops", "lifetime.inference_tokens": 1e13}, "loss"),
        ({"lifetime.prefill_share": 2}, "is not a share"),
        ({"lifetime.inference_tokens": 1e13, "budgets.lifetime_cost": 1e7}, "prefill_share"),
        ({"lifetime.inference": 1e13}, "inference_tokens"),
    ],
)
def test_bad_input(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        Problem.load("one-h100-1e24", settings)
