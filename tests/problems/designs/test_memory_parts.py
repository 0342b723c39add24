"""Parts of an accelerator's memory add up to the total, and the waterfall shows them."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from functools import cache

import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

from modelsizer import Problem, ProblemError, Solver, plots
from modelsizer.cli import app
from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.models import models
from modelsizer.problems.costs.training_memory import layer_activations
from modelsizer.problems.designs.costs import architecture_at
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.designs.memory_parts import (
    MemoryParts,
    missing_training_settings,
    serving_parts,
    training_parts,
)
from modelsizer.problems.units import format_quantity
from tests.support.figure_checks import BOTH_SIZES, check
from tests.support.random_problems import random_tables

CLUSTER = Problem.load("h100-cluster-90-days")
BEST = Solver(CLUSTER).solve(details=False).best


def some_architecture(problem: Problem, r: random.Random) -> Architecture:
    """One that the space allows, whether it keeps limits or not."""
    _, o = next(iter(problem.options()))
    row = r.randrange(len(o))
    return architecture_at(problem, o, row, [0])


def random_problem(seed: int, r: random.Random) -> Problem | None:
    """A random problem with settings of training and precisions; None if its space is empty."""
    tables = random_tables(seed)
    tables["training"] |= {
        "accelerators": 64,
        "pipeline_parallel": r.choice([1, 2, [1, 2]]),
        "zero_stage": r.randrange(4),
        "recompute": r.choice(["none", "selective", "half", "full"]),
        "microbatch_size": r.choice([1, 3]),
        "interleave": r.choice([1, 1, 2]),
        "dropout": r.random() < 0.4,
        "flash_attention": r.random() < 0.6,
        "fused_kernels": r.random() < 0.6,
        "sequence_parallel": r.random() < 0.5,
        "logit_bytes": r.choice([0, 4, 12]),
        "optimizer_bytes": r.choice([12, 8, 6.5]),
    }
    if r.random() < 0.3:
        del tables["serving"]["weight_bytes"]
        tables["serving"] |= {"weight_bits": 4, "embedding_bits": r.choice([16, 8])}
    try:
        return Problem.from_tables(tables)
    except ProblemError:
        return None


def test_parts_add_up_exactly_on_random_problems() -> None:
    checked = 0
    for seed in range(80):
        r = random.Random(seed)
        if (problem := random_problem(seed, r)) is None:
            continue
        checked += 1
        design = evaluate(problem, some_architecture(problem, r))
        for quantity, parts in (
            ("serving_memory", serving_parts(problem, design)),
            ("training_memory", training_parts(problem, design)),
        ):
            assert parts is not None
            assert parts.total == design.exact[quantity], (seed, quantity)
            assert all(size > 0 for _, size in parts.parts), (seed, quantity)
    assert checked > 60


def test_the_states_of_training_by_hand() -> None:
    parts = training_parts(CLUSTER, BEST)
    assert parts is not None and parts.stage == "first pipeline stage"
    held = dict(parts.parts)
    layout, trunk = BEST.layout, BEST.architecture.trunk
    # Embedding and a quarter of the layers, split over eight; ZeRO 1 divides the optimizer by d.
    counted = count_parameters(BEST.architecture)
    layers = counted.total - 2 * trunk.vocab_size * trunk.d_model - trunk.d_model
    own = Fraction(layers, layout.pipeline_parallel) + trunk.vocab_size * trunk.d_model
    own /= layout.tensor_parallel
    assert float(held["weights"]) == pytest.approx(float(2 * own), rel=1e-6)
    assert held["gradients"] == held["weights"]
    assert held["optimizer states"] * layout.data_parallel == 6 * held["weights"]
    assert "logits" not in held  # they lie on the last stage, which is not the fuller one


def test_the_activations_of_training_by_hand() -> None:
    parts = training_parts(CLUSTER, BEST)
    assert parts is not None
    layer, layers = BEST.architecture.groups[0].layer, BEST.architecture.layers
    each = layer_activations(layer, BEST.architecture.trunk, CLUSTER.training, 8, "selective")
    assert dict(parts.parts)["activations"] == layers * each  # p microbatches of L / p layers


def test_logits_and_a_recomputed_layer_on_one_accelerator() -> None:
    settings = {
        "training.accelerators": 1, "training.tensor_parallel": 1, "training.pipeline_parallel": 1,
        "training.recompute": "full", "training.microbatch_size": 2,
    }  # fmt: skip
    problem = CLUSTER.with_settings(settings)
    architecture = models()["llama-3-8b"].architecture
    parts = training_parts(problem, evaluate(problem, architecture))
    assert parts is not None and parts.stage == ""
    held, trunk, layer = dict(parts.parts), architecture.trunk, architecture.groups[0].layer
    tokens = 2 * 8192
    assert held["logits"] == tokens * trunk.vocab_size * 12
    assert held["recomputed layer"] == layer_activations(layer, trunk, problem.training, 1, "none")
    # The inputs of each layer, of the final norm and of the head, at two bytes.
    assert held["activations"] == (32 + 2) * tokens * trunk.d_model * 2
    assert held["weights"] == 2 * count_parameters(architecture).total


def test_serving_by_hand() -> None:
    problem = Problem.load("one-h100-1e24", {"serving.kv_bytes": 1})
    architecture = models()["llama-3-8b"].architecture
    parts = serving_parts(problem, evaluate(problem, architecture))
    assert parts is not None
    held = dict(parts.parts)
    assert held["KV cache"] == 16 * 8192 * 32 * 2 * 8 * 128
    assert held["embedding and head"] == 2 * 2 * 128256 * 4096
    assert held["other weights"] == 2 * 4096 * (2 * 32 + 1)
    total = 2 * count_parameters(architecture).total
    assert sum(held.values()) - held["KV cache"] == total
    assert (parts.limit, parts.device, parts.device_room) == (80 * 10**9, "", None)
    assert parts.room == 80 * 10**9 - parts.total


def test_four_bits_count_their_scales_in_the_matrices_alone() -> None:
    settings = {"serving.weight_bits": 4, "serving.embedding_bits": 8}
    problem = Problem.load("exercise-1e24", settings)
    architecture = models()["llama-3-8b"].architecture
    parts = serving_parts(problem, evaluate(problem, architecture))
    assert parts is not None
    held, counted = dict(parts.parts), count_parameters(architecture)
    assert held["weight matrices"] == (counted.attention + counted.ffn) * (
        Fraction(1, 2) + Fraction(2, 128)
    )
    assert held["other weights"] == 2 * counted.norm


def test_training_is_not_shown_where_nobody_said_what_it_runs_on() -> None:
    problem = Problem.load("one-h100-1e24")
    assert "training.accelerators" in missing_training_settings(problem)
    assert training_parts(problem, evaluate(problem, BEST.architecture)) is None
    asked = problem.with_settings({"budgets.training_memory": "80 GB"})
    assert missing_training_settings(asked) == "" == missing_training_settings(CLUSTER)


# The picture


def panels(problem: Problem = CLUSTER, name: str = "") -> list[MemoryParts]:
    design = evaluate(problem, models()[name].architecture) if name else BEST
    found = (serving_parts(problem, design), training_parts(problem, design))
    return [parts for parts in found if parts is not None]


def said(parts: MemoryParts) -> str:
    assert parts.limit is not None and parts.room is not None
    left = format_quantity(abs(float(parts.room)), "bytes", 3)
    limit = format_quantity(parts.limit, "bytes", 3)
    return f"limit {limit}, {left} {'left' if parts.room >= 0 else 'over'}"


@cache
def drawn(name: str = "", size: str = "wide") -> Figure:
    return plots.memory(panels(name=name), size=size)


@pytest.mark.parametrize("size", BOTH_SIZES)
@pytest.mark.parametrize("name", ["", "llama-3-8b", "llama-3.1-405b"])
def test_steps_add_up_to_the_total(size: str, name: str) -> None:
    figure = drawn(name, size)
    check(figure)
    for axes, parts in zip(figure.axes, panels(name=name), strict=True):
        names = [label.get_text() for label in axes.get_yticklabels()]
        bars = {round(p.get_y() + p.get_height() / 2): p for p in reversed(axes.patches)}  # type: ignore[attr-defined]
        end = 0.0
        for row, part in enumerate(names[:-1]):
            left, width = bars[row].get_x(), bars[row].get_width()  # type: ignore[attr-defined]
            assert left == pytest.approx(end)
            assert width == pytest.approx(float(dict(parts.parts)[part]))
            end = left + width
        assert names[-1] == "total"
        assert end == pytest.approx(float(parts.total), rel=0.01)
        assert bars[len(names) - 1].get_width() == pytest.approx(float(parts.total))  # type: ignore[attr-defined]
        lines = {line.get_xdata()[0] for line in axes.lines}  # type: ignore[index]
        assert {parts.limit, parts.device_memory} <= lines
        assert axes.get_xlim()[1] > max(float(parts.total), parts.device_memory or 0)


def test_what_is_left_or_over_is_written() -> None:
    def words(figure: Figure) -> set[str]:
        return {text.get_text() for axes in figure.axes for text in axes.texts}

    expected = {said(parts) for parts in panels()}
    assert len(expected) == 2 and all(text.endswith(" left") for text in expected)
    assert expected <= words(drawn())
    over = panels(CLUSTER.with_settings({"budgets.serving_memory": "30 GB"}))
    assert said(over[0]).startswith("limit 30 GB, ") and said(over[0]).endswith(" over")
    assert said(over[0]) in words(plots.memory(over))
    with pytest.raises(ValueError, match="no memory to draw"):
        plots.memory([])


# The command


def test_memory_of_a_problem_and_of_a_model() -> None:
    answer = CliRunner().invoke(app, ["memory", "h100-cluster-90-days"], env={"COLUMNS": "80"})
    assert answer.exit_code == 0, answer.output
    rooms = [f"{format_quantity(float(part.room or 0), 'bytes', 4)} left" for part in panels()]
    for word in ("Serving memory of one of 8 H100-SXM", "first pipeline stage", *rooms):
        assert word in answer.stdout
    assert max(map(len, answer.stdout.splitlines())) <= 80
    model = ["memory", "llama-3-8b", "--problem", "one-h100-1e24", "--json", "-"]
    content = json.loads(CliRunner().invoke(app, model).stdout)
    assert content["training_memory"] is None
    serving = content["serving_memory"]
    assert sum(part["bytes"] for part in serving["parts"]) == serving["total"]
    assert sum(part["share"] for part in serving["parts"]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["one-h100-1e24", "--problem", "phone-2gb"], 2, "is a problem itself"),
        (["one-h100-1e24", "--plot", "x.bmp"], 2, "must end in"),
        (["one-h100-1e24", "--plot", "x.png", "--plot-size", "huge"], 2, "wide or column"),
        (["one-h100-1e24", "--set", "budgets.parameters=1000"], 1, "infeasible"),
        (["no-such-model"], 2, "no model of that name"),
    ],
)
def test_memory_says_what_is_wrong(args: list[str], code: int, words: str) -> None:
    answer = CliRunner().invoke(app, ["memory", *args])
    assert answer.exit_code == code
    assert words in answer.stderr


@pytest.mark.parametrize(
    ("device", "number", "words"),
    [
        ("", 1, "one accelerator"),
        ("", 64, "one of 64 accelerators"),
        ("H100-SXM", 1, "one H100-SXM"),
        ("H100-SXM", 1024, "one of 1,024 H100-SXM"),
    ],
)
def test_the_accelerator_is_said_in_one_form(device: str, number: int, words: str) -> None:
    assert MemoryParts("serving_memory", (), None, device, None, number).where == words
