"""What insisting on another machine costs, against every machine solved by itself."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer import Problem, ProblemError, Solver, solve, sweep, verify_answer
from modelsizer.cli import app
from modelsizer.optimizer.result import machine_of
from modelsizer.optimizer.surveys.machines import Machines, machines
from modelsizer.text.kit.words import short_keys
from modelsizer.text.machines import machine_table
from tests.support.shared import seeds

BASE: dict[str, Any] = {
    "space": {"layers": {"min": 8, "max": 48, "step": 4}, "d_model": [1024, 2048, 3072, 4096],
              "kv_heads": 8, "vocab_size": 32000},
    "training": {"accelerators": 64, "accelerator": "H100-SXM"},
    "serving": {"accelerator": "H100-SXM", "batch_size": 16, "context_length": 4096},
    "prices": {"H100-SXM": 2.4, "A100-80GB-SXM": 1.1, "L40S": 0.9, "B200-SXM": 5},
    "budgets": {"training_cost": 2e4, "training_time": "20 days"},
}  # fmt: skip
MENUS: dict[str, list[Any]] = {
    "training.accelerator": ["H100-SXM", "A100-80GB-SXM", "L40S", "B200-SXM"],
    "training.accelerators": [16, 64, 256],
    "training.zero_stage": [1, 3],
    "serving.accelerator": ["H100-SXM", "A100-80GB-SXM", "L40S"],
    "serving.weight_bits": [16, 8, 4],
    "serving.tensor_parallel": [1, 2, 8],
}
LIMITS: dict[str, Any] = {
    "budgets.serving_memory": "20 GB", "budgets.training_memory": "60 GB",
    "budgets.decode_latency": "12 ms", "budgets.serving_cost": 0.7,
}  # fmt: skip
OTHERS = ("serving_cost", "decode_latency", "training_cost")


def drawn(seed: int) -> Problem:
    """A problem with two or three menus; of another objective than the loss every third."""
    r = random.Random(f"machines {seed}")
    settings = {key: MENUS[key] for key in r.sample(list(MENUS), r.choice([2, 3]))}
    settings |= {key: LIMITS[key] for key in r.sample(list(LIMITS), r.choice([0, 1, 2]))}
    if seed % 3 == 2:
        settings |= {"objective.minimize": r.choice(OTHERS), "budgets.loss": 2.6}
    return Problem.from_tables(BASE).with_settings(settings)


def by_itself(problem: Problem) -> dict[tuple[Any, ...], float | None]:
    """The optimum of each combination of the menus; None where it has no design."""
    found: dict[tuple[Any, ...], float | None] = {}
    solver = Solver(problem)
    for values in itertools.product(*(MENUS[key] for key in problem.menus)):
        try:
            single = problem.with_settings(dict(zip(problem.menus, values, strict=True)))
        except ProblemError:
            found[values] = None
            continue
        value = solver.solve(problem=single, details=False).objective.value
        found[values] = None if value is None else float(value)
    return found


def check(problem: Problem) -> Machines | None:
    every = by_itself(problem)
    result = solve(problem)
    found = machines(result)
    known = [value for value in every.values() if value is not None]
    if not known:
        assert result.status == "infeasible" and found is None
        return None
    assert found is not None and found.complete
    chosen, keys = tuple(found.chosen.values()), list(problem.menus)
    assert list(found.chosen) == keys
    best = every[chosen]
    assert best is not None
    assert result.objective.value == pytest.approx(min(known), rel=1e-12) == best
    assert len(found.forced) == sum(len(MENUS[key]) - 1 for key in keys)
    for each in found.forced:
        at = keys.index(each.key)
        here = [v for values, v in every.items() if values[at] == each.value and v is not None]
        assert (each.status == "infeasible") == (not here), (each.key, each.value)
        if here:
            assert each.objective == pytest.approx(min(here), rel=1e-12), (each.key, each.value)
            assert each.difference == pytest.approx(min(here) - best, abs=1e-12)
            assert each.machine is not None and each.machine[each.key] == each.value
            assert every[tuple(each.machine.values())] == pytest.approx(each.objective, rel=1e-12)
    others = [v for values, v in every.items() if values != chosen and v is not None]
    second = found.runner_up
    assert (second is None) == (not others)
    if second is not None:
        assert second.objective == pytest.approx(min(others), rel=1e-12)
    return found


@pytest.mark.parametrize("seed", seeds(range(40), {0, *range(3, 40)}))
def test_forced_values_are_those_of_every_machine(seed: int) -> None:
    check(drawn(seed))


def test_without_menus_or_a_proof_there_is_nothing_to_say() -> None:
    assert machines(solve(Problem.from_tables(BASE))) is None
    assert machines(solve(drawn(0), time_limit=0)) is None


def test_what_is_not_reached_in_time_is_said_and_no_runner_up_named() -> None:
    found = machines(solve(drawn(0)), time_limit=0)
    assert found is not None and not found.complete and found.runner_up is None
    assert {each.status for each in found.forced} == {"limit"}


def test_the_command_shows_and_writes_them(tmp_path: Any) -> None:
    path = tmp_path / "problem.toml"
    path.write_text(drawn(1).to_toml())
    answer = CliRunner().invoke(app, ["solve", str(path), "--json", "-"])
    found = json.loads(answer.stdout)["machine"]
    assert found["complete"] and found["alternatives"] and "training" in found
    checked = verify_answer(json.loads(answer.stdout))
    assert checked.agrees and "machine.alternatives" in checked.unchecked
    shown = CliRunner().invoke(app, ["solve", str(path)], env={"COLUMNS": "80"}).stdout
    assert "insisting on another costs, nats" in shown
    assert "Runner-up: " in shown or "As good: " in shown
    quick = CliRunner().invoke(app, ["solve", str(path), "--json", "-", "--quick"])
    assert "alternatives" not in json.loads(quick.stdout)["machine"]


def test_of_a_table_on_offer_the_parts_that_differ_are_shown() -> None:
    speculation = {"kind": "mtp", "length": [0, 2], "acceptance": 0.8}
    limit = {"serving.speculation": speculation, "budgets.decode_latency": "5 ms"}
    found = machines(solve(Problem.from_tables(BASE).with_settings(limit)))
    assert found is not None
    ((key, chosen, others),) = machine_table(found).rows
    assert (key, chosen) == ("serving.speculation", "length 2") and others.startswith("length 0 +")


def test_rows_of_a_sweep_have_the_machine_chosen() -> None:
    problem = Problem.load("million-dollars")
    found = sweep(problem, {"budgets.training_cost": [1e5, 1e7]}, jobs=1)
    for row in found.rows:
        asked = problem.with_settings({"budgets.training_cost": row["budgets.training_cost"]})
        chosen = machine_of(asked, solve(asked).best)
        assert {key: row[key] for key in chosen} == chosen and len(chosen) == 2
    one = sweep(problem, {"training.accelerator": ["H100-SXM", "MI300X"]}, jobs=1)
    assert [row["training.accelerator"] for row in one.rows] == ["H100-SXM", "MI300X"]
    assert list(one.rows[0]).count("training.accelerators") == 1


def test_tables_of_points_name_the_machine_of_each() -> None:
    goals = ("--objectives", "loss,training_cost", "--points", "2")
    shown = CliRunner().invoke(app, ["pareto", "million-dollars", *goals]).stdout
    assert "accelerators" in shown and "H100-SXM" in shown
    assert short_keys(["a.x", "b.x", "b.y", "z"]) == ["a.x", "b.x", "y", "z"]


def test_what_the_command_machines_refuses() -> None:
    for args, status, words in (
        (("one-h100-1e24",), 2, "no setting of training or serving offers several values"),
        (("million-dollars", "--set", "budgets.loss=1.7"), 1, "proven infeasible"),
        (("million-dollars", "--set", "training.accelerator=[]"), 2, "the menu is empty"),
    ):
        answer = CliRunner().invoke(app, ["machines", *args])
        assert answer.exit_code == status and words in answer.stderr, args
