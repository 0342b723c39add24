"""What must be given up, re-solved at the limit named and one unit tighter; and explained."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from modelsizer.optimizer.constraints import Constraint, constraints
from modelsizer.optimizer.explain.conflicts import Oracle
from modelsizer.optimizer.explain.explain import Explanation, explain
from modelsizer.optimizer.explain.joint_repair import joint_repair
from modelsizer.optimizer.explain.repairs import Repair, limit_repairs
from modelsizer.problems.designs.evaluation import Evaluation, judge
from modelsizer.problems.laws.quality import Judged
from modelsizer.problems.problem import Problem as AnyProblem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import exact, parse_quantity
from rich.console import Console
from typer.testing import CliRunner

from modelsizer import Problem, ProblemError, Solver, solve
from modelsizer.cli import app
from modelsizer.text.explain import print_explanation
from modelsizer.text.explain_words import loosely
from tests.optimizer.explain.test_conflicts import designs_of, infeasible_problems, tight
from tests.support.shared import reference, reference_json

FIVE: dict[str, tuple[str, dict[str, object]]] = {
    "memory": ("one-h100-1e24", {"budgets.serving_memory": "2 GB",
                                 "budgets.parameters": {"min": 1e9}}),
    "loss": ("one-h100-1e24", {"budgets.loss": 1.962}),
    "tokens x FLOPs": ("fixed-2t-tokens", {"budgets.parameters": {"min": 20e9}}),
    "latency": ("h100-cluster-90-days", {"budgets.decode_latency": "5 ms"}),
    "throughput": ("one-h100-1e24", {"budgets.decode_throughput": {"min": 3000},
                                     "serving.accelerator": "H100-SXM",
                                     "space.layers": {"min": 60, "max": 160}}),
    "ends": ("one-h100-1e24", {"budgets.parameters": {"min": 30e9, "max": 31e9},
                               "space.layers": {"min": 100, "max": 120},
                               "space.aspect_ratio": {"min": 60, "max": 70}}),
    "training memory": ("h100-cluster-90-days", {"budgets.training_memory": "3 GB"}),
    "lifetime": ("served-10t-tokens", {"budgets.lifetime_flops": 8e22, "budgets.loss": 2.1}),
    "cost": ("h100-cluster-90-days", {"budgets.training_cost": 1e5, "budgets.loss": 2.0,
                                      "training.tensor_parallel": 8,
                                      "training.pipeline_parallel": [1, 4]}),
}  # fmt: skip


def problem_of(name: str) -> Problem:
    file, settings = FIVE[name]
    return Problem.load(file).with_settings(settings)


@cache
def explained(name: str) -> Explanation:
    return explain(problem_of(name))


def applied(problem: AnyProblem, limits: dict[str, Constraint], repair: Repair, value: Any) -> Any:
    """The problem as a user would write it with one repair made."""
    limit = limits.get(repair.key)
    if limit is None:
        return problem.with_settings({repair.key: value})
    if limit.equality:
        ends = {"min": value, "max": limit.limit}
        ends = ends if repair.side == "min" else {"min": limit.limit, "max": value}
        return problem.with_settings({limit.base: ends})
    if limit.key == limit.base:
        return problem.with_settings({limit.key: {limit.side: value}})
    return problem.with_settings({limit.key: value})


def tighter(problem: AnyProblem, limits: dict[str, Constraint], repair: Repair) -> Any:
    """The value one unit nearer to what was asked for."""
    value = repair.value
    if repair.key in limits:
        away = -1 if repair.side == "max" else 1
        limit = limits[repair.key]
        if limit.of_space and limit.quantity != "aspect_ratio":
            return value + away * int(getattr(problem.space, limit.quantity).step)
        if limit.whole:
            return value + away
        return math.nextafter(value, away * math.inf)
    if repair.key.endswith("_bytes"):
        return 2 * value
    if repair.key == "serving.accelerators":
        return value - problem.serving.tensor_parallel
    menus = {"training.recompute": ["none", "selective", "half", "full"]}
    if repair.key in menus:
        return menus[repair.key][menus[repair.key].index(value) - 1]
    return value + (1 if value < repair.before else -1)


@pytest.mark.parametrize("name", FIVE)
def test_repairs_are_exact_to_the_unit(name: str) -> None:
    problem, found = problem_of(name), explained(name)
    assert not found.feasible
    assert found.repairs
    limits = {limit.key: limit for limit in found.limits}

    def status(asked: Problem) -> str:
        return Solver(asked).solve(details=False).status

    assert status(problem) == "infeasible"
    for repair in found.repairs:
        assert status(applied(problem, limits, repair, repair.value)) == "optimal", repair
        almost = applied(problem, limits, repair, tighter(problem, limits, repair))
        assert status(almost) == "infeasible", repair


@pytest.mark.parametrize("name", FIVE)
def test_what_cannot_help_is_not_offered(name: str) -> None:
    problem, found = problem_of(name), explained(name)
    offered = {repair.key for repair in found.repairs}
    for limit in found.limits:
        if limit.of_space or limit.key != limit.base:
            continue
        try:
            without = problem.without(limit.key)
        except ProblemError:
            continue  # nothing would limit the tokens
        found_one = Solver(without).solve(details=False).status == "optimal"
        assert found_one == (limit.key in offered), limit.key


def test_kinds_of_conflicts() -> None:
    def promised(name: str) -> set[tuple[str, ...]]:
        return set(explained(name).conflicts)

    assert promised("memory") == {("budgets.parameters", "budgets.serving_memory")}
    assert promised("loss") == {("budgets.training_flops", "budgets.loss")}
    assert promised("tokens x FLOPs") == {
        ("budgets.training_flops", "budgets.parameters", "training.tokens")
    }
    assert promised("latency") == {("budgets.decode_latency",)}
    assert promised("training memory") == {("budgets.training_memory",)}
    (latency,) = explained("latency").with_space
    assert latency.keys == ("budgets.decode_latency", "space.layers.min")


def test_no_way_is_mended_by_the_published_least_memory() -> None:
    found = explain(Problem.load(reference("known_optima/no-way.toml")))
    want = reference_json("known_optima/answers.json")["no-way"]["least_serving_memory"]
    values = {repair.key: repair.value for repair in found.repairs}
    assert values["budgets.serving_memory"] == want == 100_739_732_480
    assert found.conflicts == (("budgets.serving_memory",),)
    # Two accelerators hold 201.48 GB: of 40 GB each it takes six.
    assert values["serving.accelerators"] == math.ceil(2 * want / 40e9)
    assert values["serving.kv_bytes"] == 0.5


def test_a_throughput_may_ask_for_a_larger_batch() -> None:
    problem = Problem.load("phone-2gb").with_settings(
        {"serving.accelerator": "H100-SXM", "budgets.decode_throughput": {"min": 2000},
         "budgets.parameters": {"min": 1.5e9}}
    )  # fmt: skip
    (batch,) = [r for r in explain(problem).repairs if r.key == "serving.batch_size"]
    assert isinstance(batch.value, int)
    assert batch.value > 1
    for value, status in ((batch.value, "optimal"), (batch.value - 1, "infeasible")):
        assert solve(problem.with_settings({batch.key: value})).status == status


@pytest.mark.parametrize("index", range(25))
def test_single_repairs_are_those_of_plain_loops(index: int) -> None:
    problem = tight(infeasible_problems(25)[index])
    limits = constraints(problem)
    oracle = Oracle(problem)
    found = {repair.key: repair for repair in limit_repairs(oracle)}
    for limit in limits:
        if limit.equality or not QUANTITIES[limit.quantity].affine:
            continue
        freer = oracle.relaxer.problem(oracle.all - {limit.key})
        values = [d.exact[limit.quantity] for d in designs_of(freer) if d.feasible]
        assert (limit.key in found) == bool(values)
        if values:
            most = limit.side == "max"
            wanted = math.ceil(min(values)) if most else math.floor(max(values))
            assert found[limit.key].value == wanted


# Several limits


def excess_of(limit: Constraint, used: float) -> float:
    ratio = used / float(limit.limit) - 1
    if limit.equality:
        return abs(ratio)
    return max(0.0, ratio) if limit.side == "max" else max(0.0, -ratio)


def cheapest_by_hand(problem: AnyProblem, weights: dict[str, float]) -> float:
    """The least total cost of any design at any tokens of a fine grid, in plain loops."""
    limits = constraints(problem)

    def judged(design: Evaluation) -> Judged:
        return judge(problem.quality, design.architecture)

    def of_tokens(design: Evaluation, tokens: np.ndarray) -> np.ndarray:
        total = np.zeros_like(tokens)
        loss = judged(design).loss(design.law_parameters, tokens)
        for limit in limits:
            form = QUANTITIES[limit.quantity].form
            used = {"tokens": tokens, "flops": tokens * design.training_flops_per_token,
                    "loss": loss}.get(form)  # fmt: skip
            if used is not None:
                total += weights.get(limit.key, 1) * np.array([excess_of(limit, u) for u in used])
        return total

    best = math.inf
    for design in designs_of(problem):
        cost = sum(
            weights.get(limit.key, 1) * excess_of(limit, float(design.exact[limit.quantity]))
            for limit in limits
            if QUANTITIES[limit.quantity].affine
        )
        points = [float(limit.limit) / (design.training_flops_per_token if form == "flops" else 1)
                  for limit in limits
                  if (form := QUANTITIES[limit.quantity].form) in ("flops", "tokens")]  # fmt: skip
        points += [
            t for limit in limits if limit.quantity == "loss"
            if math.isfinite(t := float(judged(design).tokens_for(
                design.law_parameters, float(limit.limit))))
        ]  # fmt: skip
        if cost < best and points:
            grid = np.geomspace(min(points) / 2, max(points) * 50, 400)
            cost += float(of_tokens(design, np.array([*points, *grid])).min())
        best = min(best, cost)
    return best


@pytest.mark.parametrize("index", range(25))
def test_the_cheapest_joint_repair_is_cheaper_than_any_by_hand(index: int) -> None:
    check_joint_repair(tight(infeasible_problems(25)[index]), index)


def check_joint_repair(problem: AnyProblem, index: int) -> None:
    oracle = Oracle(problem)
    weights = {} if index % 2 else {oracle.relaxer.keys[0]: 5.0}
    found = joint_repair(oracle, weights)
    assert found is not None
    by_hand = cheapest_by_hand(problem, weights)
    assert found.cost <= by_hand * (1 + 1e-9) + 1e-9
    assert found.cost >= by_hand * (1 - 0.02) - 1e-9  # the grid is 3 % apart, at a flat minimum
    parts = [weights.get(r.key, 1) * (r.excess or 0) for r in found.repairs]
    assert found.cost == pytest.approx(sum(parts))
    single = [weights.get(r.key, 1) * (r.excess or 0) for r in limit_repairs(oracle)
              if not r.key.startswith("space")]  # fmt: skip
    assert found.cost <= min(single, default=math.inf) * (1 + 1e-9)
    limits = {limit.key: limit for limit in oracle.relaxer.limits}
    mended = problem
    for repair in found.repairs:
        mended = applied(mended, limits, repair, repair.value)
    assert solve(mended).status == "optimal"


def test_weights_move_the_joint_repair() -> None:
    problem = problem_of("tokens x FLOPs")
    even = explain(problem).joint
    dear = explain(problem, weights={"training.tokens": 10, "parameters": 10}).joint
    assert even is not None
    assert dear is not None
    assert {repair.key for repair in even.repairs} == {"budgets.parameters", "training.tokens"}
    assert [repair.key for repair in dear.repairs] == ["budgets.training_flops"]
    assert even.cost < 0.2238  # giving up tokens alone costs that


# Words and the command


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["explain", *arguments])


def test_json_has_the_keys_of_the_contract(tmp_path: Path) -> None:
    answer = run("one-h100-1e24", "--set", "budgets.loss=1.962", "--why", "kv_cache", "--json", "-")
    assert answer.exit_code == 0
    out = json.loads(answer.stdout)
    assert out["feasible"] is False
    assert out["conflicts"] == [["budgets.training_flops", "budgets.loss"]]
    assert [r["key"] for r in out["repairs"]] == ["budgets.training_flops", "budgets.loss"]
    assert all({"key", "limit", "unit", "side"} <= r.keys() for r in out["repairs"])
    assert out["why"] == [
        {"key": "budgets.kv_cache", "helps": False, "repairs": [],
         "remaining": [["budgets.training_flops", "budgets.loss"]]}
    ]  # fmt: skip
    assert out["joint"]["cost"] == pytest.approx(out["repairs"][1]["excess"])


def test_a_feasible_problem_has_nothing_to_explain() -> None:
    answer = run("one-h100-1e24", "--json", "-")
    out = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert out["feasible"] is True
    assert out["conflicts"] == out["repairs"] == out["with_space"] == []
    assert "nothing to explain" in run("one-h100-1e24").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--why", "training_flop"), "did you mean"),
        (("--weight", "serving_memory=0"), "is not a positive number"),
        (("--weight", "space.layers.min=2"), "is no limit"),
        (("--weight", "serving_memory"), "is not key=value"),
    ],
)
def test_wrong_questions_are_told(arguments: tuple[str, ...], words: str) -> None:
    answer = run("one-h100-1e24", *arguments)
    assert answer.exit_code == 2
    assert words in answer.stderr


def text_of(found: Explanation) -> str:
    console = Console(width=80, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        print_explanation(console, found)
    return capture.get()


@pytest.mark.parametrize("name", FIVE)
def test_text_fits_eighty_columns_and_names_every_repair(name: str) -> None:
    found = explained(name)
    text = text_of(found)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "…" not in text
    for repair in found.repairs:
        assert repair.key.split(".")[1] in text
    assert "conflicts with" in text or "kept by no design" in text


def test_sentences_are_in_the_words_of_the_user() -> None:
    text = " ".join(text_of(explained("latency")).split())
    assert "decode_latency <= 5 ms conflicts with layers >= 24 (batch_size 32 at context" in text
    assert "the fastest such design takes 5.049" in text
    memory = " ".join(text_of(explained("training memory")).split())
    assert "recompute = selective, the best of 20 layouts" in memory
    why = explain(problem_of("latency"), why=["training_time", "decode_latency", "kv_bytes"])
    told = " ".join(text_of(why).split())
    assert "What training_time does It cannot help: without it this conflict is left" in told
    assert "It helps: <= 5 ms must become <= 5.349 ms" in told
    assert "It helps: 2 must become 1" in told


@pytest.mark.parametrize("side", ["max", "min"])
@pytest.mark.parametrize(
    ("value", "unit"),
    [(100_739_732_480, "bytes"), (1.974101191134253, "nats"), (0.00534822558, "seconds"),
     (1552355888280, "tokens"), (10**24 + 1, "FLOPs"), (7.7e6, "dollars"), (40, "count")],
)  # fmt: skip
def test_rounded_values_are_still_enough(value: Any, unit: str, side: str) -> None:
    text = loosely(value, unit, side)
    read = exact(parse_quantity(text, unit))
    assert read >= exact(value) if side == "max" else read <= exact(value)
    assert abs(read / Fraction(value) - 1) <= Fraction(2, 1000)
