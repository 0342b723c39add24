"""Parallel layouts as choices: every solver, enumeration by hand, and what is refused."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import pytest

from modelsizer import Problem, ProblemError, solve
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.costs.training_memory import stages
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.space.layouts import Layout, layouts, offered_by_default
from modelsizer.problems.tables.training import Training
from tests.support.architectures import uniform
from tests.support.random_problems import layout_tables, valid_problem
from tests.support.shared import seeds

SOLVERS = ("exhaustive", "auto", "bound", "scipy", "pulp")


@pytest.mark.parametrize("seed", seeds(range(2000, 2016), range(2003, 2016)))
def test_solvers_agree(seed: int) -> None:
    problem = valid_problem(seed, layout_tables)
    results = [solve(problem, solver=name) for name in SOLVERS]
    truth = results[0]
    for result in results[1:]:
        assert result.status == truth.status
        assert result.objective.value == truth.objective.value
        if truth.design is not None:
            assert result.best.architecture == truth.best.architecture
            assert result.best.layout == truth.best.layout


@pytest.mark.parametrize("seed", seeds(range(2016, 2024), range(2017, 2024)))
def test_by_hand_over_every_layout(seed: int) -> None:
    """All architectures times all layouts of the menus, dominated ones too, in plain loops."""

    def few(number: int) -> dict[str, Any]:
        found = layout_tables(number)
        found["space"]["layers"] = {"min": 4, "max": 40, "step": 6}
        found["space"]["d_model"]["max"] = found["space"]["d_model"]["min"] + 256
        found["training"]["accelerators"] = 20
        return found

    problem = valid_problem(seed, few)
    seen = set()
    for _, options in problem.options():
        for row in range(len(options)):
            for j in range(int(options.depths.count[row, 0])):
                depth = int(options.depths.first[row] + options.depths.each[row, 0] * j)
                widths = (int(options[n][row]) for n in options.structure.widths)
                seen.add((options.structure.block, *widths, depth))
    assert len(seen) == problem.count_designs()
    pinned = _pinned(problem, problem.to_dict()["training"])
    losses = [loss for key in seen if (loss := _best_loss(problem, pinned, key)) is not None]
    assert solve(problem).objective.value == min(losses, default=None)


def _pinned(problem: Problem, training: dict[str, Any]) -> dict[Layout, Problem]:
    """The problem under each layout of the menus, dominated ones among them."""
    most = training["accelerators"]
    menus = [
        m if isinstance(m, list) else [m]
        for m in (
            training.get("data_parallel", list(range(1, most + 1))),
            training["tensor_parallel"],
            training["pipeline_parallel"],
        )
    ]
    names = ("data_parallel", "tensor_parallel", "pipeline_parallel")
    found = {}
    for ways in itertools.product(*menus):
        layout = Layout(*ways)
        if layout.accelerators <= most:
            settings = {f"training.{name}": n for name, n in zip(names, ways, strict=True)}
            settings["training.accelerators"] = layout.accelerators
            try:
                found[layout] = problem.with_settings(settings)
            except ProblemError:
                continue  # it divides nothing of the space
    return found


def _best_loss(
    problem: Problem, pinned: dict[Layout, Problem], key: tuple[Any, ...]
) -> float | None:
    block, *widths, depth = key
    named = dict(zip(Structure(block).widths, widths, strict=True))
    architecture = uniform(problem, block=block, layers=depth, **named)
    layer = architecture.groups[0].layer
    kv, found = layer.attention.kv_heads, None
    for layout, fixed in pinned.items():
        t = layout.tensor_parallel
        if depth % layout.pipeline_parallel or layer.attention.heads % t or layer.ffn.d_ff % t:
            continue
        if (kv % t and t % kv) or architecture.trunk.vocab_size % t:
            continue
        first, last = stages(problem.training, architecture.trunk, [layer], layout)
        if max(first.at([depth]), last.at([depth])) > Fraction(problem.budgets.training_memory.max):
            continue
        # The most tokens that time and FLOPs leave, with this layout's accelerators.
        design = evaluate(fixed, architecture)
        if design.feasible and (found is None or design.loss < found):
            found = design.loss
    return found


def test_most_data_parallelism_is_kept() -> None:
    training = Training.model_validate(
        {"accelerators": 100, "tensor_parallel": [1, 4], "pipeline_parallel": [1, 3]}
    )
    found = layouts(training)
    assert {(x.data_parallel, x.tensor_parallel, x.pipeline_parallel) for x in found} == {
        (100, 1, 1),
        (25, 4, 1),
        (33, 1, 3),
        (8, 4, 3),
    }
    assert [x.accelerators for x in found] == sorted((x.accelerators for x in found), reverse=True)


def test_a_cluster_without_a_layout_offers_powers_of_two() -> None:
    cluster: dict[str, object] = {"accelerator": "H100-SXM", "accelerators": 100}
    ways = {(x.tensor_parallel, x.pipeline_parallel) for x in layouts(Training(**cluster))}
    assert ways == {(t, p) for t in (1, 2, 4, 8) for p in (1, 2, 4, 8, 16, 32, 64) if t * p <= 100}
    assert offered_by_default(Training(**cluster)).keys() == {
        "tensor_parallel",
        "pipeline_parallel",
    }
    for given in ({"tensor_parallel": 4}, {"data_parallel": 100}, {"pipeline_parallel": [1, 2]},
                  {"accelerators": 1}, {"accelerators": None}, {"accelerator": None}):  # fmt: skip
        assert offered_by_default(Training(**cluster | given)) == {}
    assert len(layouts(Training(accelerators=100))) == 1
    few = {(x.data_parallel, x.tensor_parallel, x.pipeline_parallel)
           for x in layouts(Training(**cluster | {"accelerators": 3}))}  # fmt: skip
    assert few == {(3, 1, 1), (1, 2, 1), (1, 1, 2)}


def test_ways_that_do_not_fit_are_no_layouts() -> None:
    training = Training.model_validate(
        {"accelerators": 24, "data_parallel": [4, 8], "tensor_parallel": [1, 3, 8]}
    )
    found = {(x.data_parallel, x.tensor_parallel) for x in layouts(training)}
    assert found == {(8, 1), (8, 3)}  # 4 x 8 are more than 24


def test_too_few_accelerators_are_told() -> None:
    with pytest.raises(ProblemError, match=r"smallest product .* is 16"):
        Problem.load(
            "one-h100-1e24",
            {"training.accelerators": 8, "training.tensor_parallel": 4,
             "training.pipeline_parallel": [4, 8], "space.vocab_size": 128256},
        )  # fmt: skip


def test_depths_that_no_stage_count_divides_are_told() -> None:
    with pytest.raises(ProblemError, match="pipeline stages"):
        Problem.load(
            "one-h100-1e24", {"space.layers": [31, 37], "training.pipeline_parallel": [2, 4]}
        )


def test_time_and_money_of_a_known_run() -> None:
    """6.25e23 FLOPs on 1,024 accelerators at 0.4 of 989 TFLOP/s: by a pocket calculator."""
    problem = Problem.load(
        "one-h100-1e24",
        {"training.accelerator": "H100-SXM", "training.accelerators": 1024, "training.mfu": 0.4,
         "training.price_per_hour": 2.0, "training.pue": 1.25},
    )  # fmt: skip
    design = solve(problem).best
    seconds = design.training_flops / (1024 * 989e12 * 0.4)
    assert float(design.exact["training_time"]) == pytest.approx(seconds, rel=1e-12)
    hours = seconds / 3600 * 1024
    assert float(design.exact["training_cost"]) == pytest.approx(2.0 * hours, rel=1e-12)
    assert float(design.exact["training_energy"]) == pytest.approx(hours * 0.7 * 1.25, rel=1e-12)


def test_full_recomputation_costs_a_forward_pass_but_no_model_flops() -> None:
    base: dict[str, object] = {"training.accelerator": "H100-SXM", "training.accelerators": 64}
    base["budgets.training_memory"] = "none"
    plain = solve(Problem.load("one-h100-1e24", base)).best
    again = evaluate(
        Problem.load("one-h100-1e24", base | {"training.recompute": "full"}), plain.architecture
    )
    assert again.training_flops_per_token * 3 == plain.training_flops_per_token * 4
    # The same FLOPs buy 3/4 of the tokens, and MFU counts 3/4 of them.
    assert float(again.exact["training_time"]) == pytest.approx(
        0.75 * float(plain.exact["training_time"]), rel=1e-9
    )


@pytest.mark.parametrize("quantity", ["training_time", "training_cost", "training_energy"])
def test_least_time_money_energy_for_a_loss(quantity: str) -> None:
    problem = Problem.load(
        "one-h100-1e24",
        {"training.accelerator": "H100-SXM", "training.accelerators": 1000,
         "training.tensor_parallel": [1, 3, 4], "training.price_per_hour": 2.0,
         "objective.minimize": quantity, "budgets.loss": 2.0,
         "space.kv_heads": [4, 12], "space.head_dim": [128]},
    )  # fmt: skip
    results = [solve(problem, solver=name) for name in SOLVERS]
    assert len({result.objective.value for result in results}) == 1
    assert results[0].best.loss <= 2.0
    assert results[0].status == "optimal"


def test_expert_parallelism_takes_ways_of_data_parallelism() -> None:
    def found(**given: object) -> set[tuple[int, int, int]]:
        every = layouts(Training.model_validate(given))
        return {(one.data_parallel, one.tensor_parallel, one.pipeline_parallel) for one in every}

    assert found(accelerators=100, expert_parallel=8, tensor_parallel=[1, 2]) == {
        (96, 1, 1),
        (48, 2, 1),
    }
    assert found(data_parallel=[4, 6, 8], expert_parallel=4) == {(8, 1, 1)}
    assert found(expert_parallel=16) == {(16, 1, 1)}
    # Whole experts on each accelerator: 8 ways of the 2 x 8 of tensor and data parallelism.
    slices = {"expert_parallel": 8, "expert_tensor_parallel": 1, "tensor_parallel": 2}
    assert found(accelerators=24, **slices) == {(12, 2, 1)}
    for given, words in (
        ({"data_parallel": 24, "expert_parallel": 16}, "16 does not divide data_parallel = 24"),
        ({"accelerators": 8, "expert_parallel": 16}, "parallel is 16"),
    ):
        with pytest.raises(ValueError, match=words):
            found(**given)
