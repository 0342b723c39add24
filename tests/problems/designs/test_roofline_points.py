"""Points of the roofline are the latencies that budgets limit, and the picture shows them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

from modelsizer import Problem, Solver
from modelsizer.cli import app
from modelsizer.plots.designs.roofline import roofline
from modelsizer.plots.drawing.saving import save
from modelsizer.problems.architecture.accounting import forward_flops
from modelsizer.problems.architecture.models import models
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.designs.roofline_points import BATCHES, Roofline, roofline_points
from tests.support.figure_checks import BOTH_SIZES, check

CLUSTER = Problem.load("h100-cluster-90-days")
ONE = Problem.load("one-h100-1e24", {"serving.accelerator": "H100-SXM"})
LLAMA = models()["llama-3-8b"].architecture


def of(problem: Problem, *names: str) -> Roofline:
    designs = {name: models()[name].architecture for name in names}
    found = roofline_points(problem, designs)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("problem", "settings"),
    [
        (CLUSTER, {}),
        (ONE, {}),
        (ONE, {"serving.latency": "high"}),
        (ONE, {"serving.latency": "low", "serving.weight_bits": 4, "serving.prompts": 4}),
        (CLUSTER, {"serving.prompt_length": 300, "serving.batch_size": 1}),
        (ONE, {"serving.accelerator": "RTX-4090", "serving.overhead": 0}),
        (CLUSTER, {"serving.engine": "none", "serving.batch_size": 300}),
    ],
)
@pytest.mark.parametrize("name", ["llama-3-8b", "deepseek-v3", "gemma-2-9b"])
def test_times_are_those_that_budgets_limit(problem: Problem, settings: dict, name: str) -> None:
    tables = problem.to_dict()
    if "serving.weight_bits" in settings:
        del tables["serving"]["weight_bytes"]  # one or the other
    asked = Problem.from_tables(tables).with_settings(settings)
    design = evaluate(asked, models()[name].architecture)
    (points,) = of(asked, name).designs
    for point, quantity in (
        (points.decode, "decode_latency"),
        (points.prefill, "prefill_latency"),
    ):
        assert point.seconds == float(design.exact[quantity])
        both = point.memory_seconds, point.compute_seconds
        own = sum(both) if point.adds else max(both)
        assert own + point.beside_seconds == pytest.approx(point.seconds, rel=1e-12)
        assert point.adds == (point.phase == "decode" and asked.serving.engine != "none")
        assert point.attained * point.seconds * point.ways == pytest.approx(point.flops)
        assert (point.bound == "memory") == (point.memory_seconds >= point.compute_seconds)


def test_flops_and_bytes_by_hand() -> None:
    (points,) = of(ONE, "llama-3-8b").designs
    groups, trunk = LLAMA.groups, LLAMA.trunk
    flops = forward_flops(trunk, [groups[0].layer], 8192).at([32])
    assert points.decode.flops == 16 * flops
    # Every matrix and the head once, at two bytes, and the cache of sixteen sequences.
    matrices = 32 * (2 * 4096 * (32 + 8) * 128 + 3 * 4096 * 14336) + 128256 * 4096
    cache = 16 * 8192 * 32 * 2 * 8 * 128 * 2
    assert points.decode.bytes_moved == 2 * matrices + cache
    assert points.decode.intensity == pytest.approx(16 * float(flops) / (2 * matrices + cache))
    # Prefill: all tokens through the layers, the last one alone through the head; no cache read.
    head = 2 * 128256 * 4096
    assert points.prefill.flops == pytest.approx(float(8192 * (flops - head) + head), rel=1e-12)
    assert points.prefill.bytes_moved == 2 * matrices


def test_the_roof_is_the_data_sheets_and_the_efficiencies() -> None:
    roof = of(ONE, "llama-3-8b").roof
    assert (roof.peak_flops, roof.peak_bandwidth) == (989e12, 3.35e12)
    assert roof.peak_ridge == pytest.approx(295.2, abs=0.1)  # 989 / 3.35, as in the literature
    assert roof.flops == 989e12 * 0.75
    assert roof.bandwidth == pytest.approx(3.35e12 * 0.92)
    set_by_hand = {"serving.memory_efficiency": 1, "serving.prefill_efficiency": 1}
    whole = of(ONE.with_settings(set_by_hand), "llama-3-8b").roof
    assert (whole.flops, whole.bandwidth) == (whole.peak_flops, whole.peak_bandwidth)
    assert whole.ridge == whole.peak_ridge


@pytest.mark.parametrize("problem", [CLUSTER, ONE])
def test_no_point_lies_above_the_roof_and_without_overheads_all_lie_on_it(
    problem: Problem,
) -> None:
    alone = problem.with_settings({"serving.engine": "none", "serving.memory_efficiency": 0.9})
    found = of(alone, "llama-3-8b", "llama-3-70b", "deepseek-v3")
    for design in found.designs:
        for point in (*design.batches, design.prefill):
            on_roof = point.flops / (point.seconds - point.beside_seconds) / point.ways
            assert on_roof == pytest.approx(found.roof.at(point.intensity), rel=1e-6)
            assert point.attained <= on_roof
            assert point.bound == ("memory" if point.intensity < found.roof.ridge else "compute")


def test_bits_that_are_read_at_other_shares_of_the_bandwidth_lie_under_the_roof() -> None:
    alone = CLUSTER.with_settings({"serving.engine": "none"})
    found = of(alone, "llama-3-8b", "llama-3-70b", "deepseek-v3")
    under = []
    for design in found.designs:
        for point in (*design.batches, design.prefill):
            on_roof = point.flops / (point.seconds - point.beside_seconds) / point.ways
            under.append(on_roof / found.roof.at(point.intensity))
    assert 0.75 / 0.92 - 1e-6 < min(under) < 0.99 < max(under) <= 1 + 1e-6


def test_batches_and_whether_they_fit() -> None:
    (points,) = of(ONE, "llama-3-8b").designs
    assert [p.batch for p in points.batches] == sorted({*BATCHES, 16})
    assert points.decode is points.batches[2]
    intensity = [p.intensity for p in points.batches]
    assert intensity == sorted(intensity)
    for point in points.batches:
        asked = ONE.with_settings({"serving.batch_size": point.batch})
        design = evaluate(asked, LLAMA)
        limits = {"budgets.serving_memory", "budgets.kv_cache"}
        assert point.fits == limits.isdisjoint(design.violated)
        assert point.seconds == float(design.exact["decode_latency"])
    assert {p.fits for p in points.batches} == {True, False}


def test_custom_accelerators_and_none() -> None:
    own = {"name": "toy", "bandwidth": "1 TB/s", "bf16_flops": "100 TFLOP/s"}
    toy = Problem.load("exercise-1e24", {"serving.custom_accelerator": own})
    found = of(toy, "llama-3-8b")
    assert (found.roof.device, found.roof.peak_ridge) == ("toy", 100)
    assert found.designs[0].decode.fits is None  # neither a limit nor a memory is known
    assert roofline_points(Problem.load("one-h100-1e24"), {"x": LLAMA}) is None


# The picture


def marks(figure: Figure) -> set[tuple[float, float]]:
    lines = [line for line in figure.axes[0].lines if line.get_marker() in ("o", "s")]
    return {(line.get_xdata()[0], line.get_ydata()[0]) for line in lines}  # type: ignore[index]


BRIEF = ONE.with_settings({"serving.prompt_length": 256, "serving.batch_size": 1})
CASES = {
    "cluster": (CLUSTER, ["llama-3-70b"]),
    "one": (ONE, ["llama-3-8b"]),
    "three": (ONE, ["llama-3-8b", "llama-3-70b", "deepseek-v3"]),
    "brief": (BRIEF, ["gemma-2-9b"]),
}


@cache
def drawn(case: str, size: str) -> Figure:
    problem, names = CASES[case]
    return roofline(of(problem, *names), size=size, title="x")


@pytest.mark.parametrize("size", BOTH_SIZES)
@pytest.mark.parametrize("case", CASES)
def test_every_point_is_drawn_and_named(case: str, size: str) -> None:
    problem, names = CASES[case]
    data, figure = of(problem, *names), drawn(case, size)
    check(figure)
    axes = figure.axes[0]
    shown = {(p.intensity, p.attained) for d in data.designs for p in (d.decode, d.prefill)}
    shown |= {(p.intensity, p.attained) for p in data.designs[0].batches}
    assert shown | {(data.roof.ridge, data.roof.flops)} == marks(figure)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert all(left < x < right and bottom < y < top for x, y in shown)
    assert axes.get_xscale() == axes.get_yscale() == "log"
    words = "\n".join(text.get_text() for text in axes.texts)
    assert f"ridge {data.roof.ridge:,.0f}" in words
    assert "989 TFLOP/s peak\n742 TFLOP/s at 75 %" in words
    for name in names if len(names) > 1 else ["decode", "prefill"]:
        assert name in words
    for batch in {*BATCHES} - {data.designs[0].decode.batch}:
        assert str(batch) in words


def test_both_roofs_are_lines_with_their_corner_at_the_ridge() -> None:
    data, (axes,) = of(ONE, "llama-3-8b"), drawn("one", "wide").axes
    lines = [line for line in axes.lines if len(line.get_xdata()) == 3]  # type: ignore[arg-type]
    corners = {(line.get_xdata()[1], line.get_ydata()[1]) for line in lines}  # type: ignore[index]
    roof = data.roof
    assert corners == {(roof.ridge, roof.flops), (roof.peak_ridge, roof.peak_flops)}
    for line in lines:
        x, y = line.get_xdata(), line.get_ydata()
        assert y[0] / x[0] == pytest.approx(y[1] / x[1])  # type: ignore[index] # the slope is the bandwidth


def test_the_same_bytes_from_the_same_data(tmp_path: Path) -> None:
    data = of(ONE, "deepseek-v3")
    for name in "ab":
        save(roofline(data, size="column"), tmp_path / f"{name}.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


# The command


def test_roofline_of_a_problem(tmp_path: Path) -> None:
    picture, answer = tmp_path / "roof.png", tmp_path / "roof.json"
    args = ["roofline", "h100-cluster-90-days", "--beside", "llama-3-70b", "--json", str(answer),
            "--plot", str(picture), "--plot-size", "column"]  # fmt: skip
    run = CliRunner().invoke(app, args, env={"COLUMNS": "80"})
    assert run.exit_code == 0, run.output
    assert max(map(len, run.stdout.splitlines())) <= 80
    assert "…" not in run.stdout
    assert run.stdout.count("decode, ") == 2 * 2 * 6
    assert picture.read_bytes()[:4] == b"\x89PNG"
    content = json.loads(answer.read_text())
    own, other = content["designs"]
    assert (own["name"], other["name"]) == ("optimum", "llama-3-70b")
    best = Solver(CLUSTER).solve(details=False).best
    assert own["decode"]["seconds"] == float(best.exact["decode_latency"])
    assert own["decode"]["bound"] == "memory" and own["prefill"]["bound"] == "compute"


def test_roofline_says_what_is_missing() -> None:
    answer = CliRunner().invoke(app, ["roofline", "one-h100-1e24"])
    assert answer.exit_code == 2
    assert "serving.accelerator=H100-SXM" in answer.stderr
