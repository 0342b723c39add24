"""Shapes of one size, as written: the report, the command and the figure."""

from __future__ import annotations

import csv
import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer import Problem, plots, solve
from modelsizer.cli import app
from modelsizer.optimizer.surveys.depth_width import depth_width
from modelsizer.optimizer.surveys.depth_width_rows import ShapeRow
from modelsizer.problems.errors import ProblemError
from modelsizer.text.depth_width import (
    MOST_ROWS,
    _in_one_unit,
    depth_width_csv,
    parse_parameters,
    parse_tolerance,
    thinned,
)
from modelsizer.text.depth_width_words import habit_sentence, notes
from tests.support.figure_checks import BOTH_SIZES, check
from tests.support.small_shapes import SIZE, TABLES, problem, shapes


@pytest.mark.parametrize(
    ("text", "share"), [("0.02", 0.02), ("2 %", 0.02), ("2%", 0.02), ("0.3 %", 0.003), ("0", 0.0)]
)
def test_tolerances_as_written(text: str, share: float) -> None:
    assert parse_tolerance(text) == share


@pytest.mark.parametrize("text", ["two", "2", "-1 %", "100 %", "%", "1e999", "1/0"])
def test_other_tolerances_are_refused(text: str) -> None:
    with pytest.raises(ProblemError, match="--tolerance"):
        parse_tolerance(text)


def test_sizes_as_written() -> None:
    assert parse_parameters("7B") == parse_parameters("7e9") == 7_000_000_000
    with pytest.raises(ProblemError, match="--parameters"):
        parse_parameters("7 GB")


# Report and command


def test_thinning_keeps_ends_and_marks() -> None:
    for layers in (39, 17):
        found = depth_width(Problem.load("one-h100-1e24"), 20_000_000_000, 0.1, layers=60)
        rows = thinned(found, layers)
        assert len(rows) == min(layers, len(found.rows))
        depths = [row.layers for row in rows]
        assert depths == sorted(depths, reverse=True)
        assert {found.rows[0].layers, found.rows[-1].layers, 60} <= set(depths)
        assert any(row.preferred for row in rows)
        # Evenly: of the places skipped between rows none is much longer than the rest.
        places = [found.rows.index(row) for row in rows]
        skipped = [b - a for a, b in pairwise(places)]
        assert max(skipped) <= 2 * math.ceil(len(found.rows) / layers)


def run(*args: str, code: int = 0, columns: int = 80) -> Any:
    answer = CliRunner().invoke(app, ["depth-width", *args], env={"COLUMNS": str(columns)})
    assert answer.exit_code == code, answer.output + answer.stderr
    return answer


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "small.toml"
    path.write_text(Problem.from_tables(TABLES).to_toml())
    return str(path)


def test_text_fits_a_terminal(file: str) -> None:
    text = run(file, "--parameters", "800M", "--tolerance", "4 %", "--layers", "12").stdout
    assert max(map(len, text.splitlines())) <= 80
    for word in ("layers", "excess", "decode", "train", "*", ">", "800M", "within 4 %",
                 "preferred by gemstones-2025", "compares depth alone"):  # fmt: skip
        assert word in text
    assert "kv_heads" not in text.split("\n\n")[1]
    same = run(file, "--parameters", "800M", columns=80).stdout.split("\n\n")[1]
    for columns in (40, 200):  # no terminal shows more of it than another
        other = run(file, "--parameters", "800M", columns=columns).stdout
        assert set(same.split()) <= set(other.split())


def test_rows_shown_and_all(tmp_path: Path) -> None:
    args = ("one-h100-1e24", "--parameters", "20B", "--tolerance", "0.1")
    table = run(*args).stdout.split("\n\n")[1].splitlines()
    found = depth_width(Problem.load(args[0]), 20_000_000_000, 0.1)
    assert len(table) == MOST_ROWS + 2
    assert f"{len(found.rows) - MOST_ROWS} rows are not shown" in run(*args).stdout
    everything = run(*args, "--all").stdout
    assert len(everything.split("\n\n")[1].splitlines()) == len(found.rows) + 2
    assert "not shown" not in everything


def test_json_and_csv(file: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    args = (file, "--parameters", "8e8", "--tolerance", "0.04", "--layers", "12")
    out = json.loads(run(*args, "--json", "-", "--csv", str(path)).stdout)
    assert set(out) >= {"parameters", "tolerance", "rows", "excluded", "ideal", "habit"}
    assert (out["parameters"], out["tolerance"]) == (SIZE, 0.04)
    found = shapes(layers=12)
    assert [row["layers"] for row in out["rows"]] == [row.layers for row in found.rows]
    assert [row["architecture"]["d_model"] for row in out["rows"]] == [
        row.d_model for row in found.rows
    ]
    assert sum(row["preferred"] for row in out["rows"]) == 1
    assert out["habit"]["sentence"] == habit_sentence(found)
    assert out["ideal"]["aspect_ratio"] == out["ideal"]["d_model"] / out["ideal"]["layers"]
    lines = list(csv.DictReader(path.read_text().splitlines()))
    assert path.read_text() == depth_width_csv(found)
    assert [int(line["parameters"]) for line in lines] == [row.parameters for row in found.rows]
    assert [line["layers"] for line in lines if line["habit"] == "True"] == ["12"]


def test_without_a_limit(file: str) -> None:
    args = (file, "--parameters", "8e8", "--tolerance", "0.04", "--json", "-")
    tight = ("--set", "budgets.kv_cache=9 GB")
    with_, without = (
        json.loads(run(*args, *more).stdout) for more in (tight, ("--without", "budgets.kv_cache"))
    )
    assert with_["excluded"] and not without["excluded"]
    assert len(without["rows"]) == len(with_["rows"]) + len(with_["excluded"])


def test_size_left_out_is_the_optimum(file: str) -> None:
    out = json.loads(run(file, "--json", "-").stdout)
    assert out["parameters"] == solve(problem({})).best.parameters.total


def test_infeasible_exits_with_1(file: str) -> None:
    for extra in ((), ("--parameters", "8e8")):
        out = json.loads(
            run(file, *extra, "--set", "budgets.parameters=1000", "--json", "-", code=1).stdout
        )
        assert out["rows"] == []
        assert any("budgets.parameters" in reason for reason in out["infeasible"])
    text = run(file, "--set", "budgets.parameters=1000", code=1).stdout
    assert "Proven infeasible" in text and "budgets.parameters" in text


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--parameters", "7 GB"), "--parameters"),
        (("--parameters", "7e15"), "the nearest size that does is"),
        (("--tolerance", "2"), "--tolerance"),
        (("--layers", "7"), "space.layers"),
        (("--plot", "x.bmp"), "must end in"),
        (("--csv", "x.txt"), "must end in"),
        (("--plot", "x.png", "--plot-size", "huge"), "--plot-size"),
    ],
)
def test_bad_input_exits_with_2(file: str, args: tuple[str, ...], words: str) -> None:
    assert words in run(file, *args, code=2).stderr


def test_left_out_depths_are_named_without_those_that_fit() -> None:
    found = depth_width(Problem.load("one-h100-1e24"), 32_000_000_000, 0.02)
    lines = [line for line in notes(found) if line.startswith("  budgets.serving_memory")]
    broken = [
        (out.layers, limit.over)
        for out in found.excluded
        for limit in out.broken
        if limit.key == "budgets.serving_memory"
    ]
    (line,) = lines
    said: set[int] = set()
    for part in line.rpartition(" at ")[2].removesuffix(" layers").replace(" and ", ", ").split(
        ", "
    ):  # fmt: skip
        first, _, last = part.partition(" to ")
        said |= set(range(int(first), int(last or first) + 1))
    known = {row.layers for row in found.rows} | {out.layers for out in found.excluded}
    assert said & known == {layers for layers, _ in broken}
    assert f"{100 * max(over for _, over in broken):.0f} % too much" in line


# The figure


@pytest.mark.parametrize("size", BOTH_SIZES)
@pytest.mark.parametrize(
    ("settings", "layers"),
    [
        ({}, 12),
        ({"budgets.kv_cache": "9 GB"}, 14),
        ({"objective.shape": "none"}, 12),
        ({"space.layers": [12, 30]}, 12),
        ({"space.layers": 12}, 12),
    ],
)
def test_figure_shows_the_rows(settings: dict[str, object], layers: int | None, size: str) -> None:
    found = shapes(settings, layers)
    figure = plots.depth_width(found, title="small", size=size)
    check(figure)
    above, below = figure.axes[:2]
    rows = found.rows[::-1]
    for axes, values in (
        (above, [row.design.shape_excess for row in rows]),
        (below, [row.quantity("decode_latency") for row in rows]),
    ):
        assert any(
            list(line.get_xdata()) == [row.layers for row in rows]
            and list(line.get_ydata()) == values
            for line in axes.lines
        )
        assert marked(axes, "*") == place(found.preferred, axes is above)
        habit = None if found.habit is None or found.habit.row is None else found.habit.row
        if habit is not None and habit is not found.preferred:
            assert [place(habit, axes is above)] == [
                (line.get_xdata()[0], line.get_ydata()[0])
                for line in axes.lines
                if line.get_marker() == "o" and line.get_markerfacecolor() == "none"
            ]
        low, high = axes.get_ylim()
        assert all(low < float(value or 0) < high for value in values)
    shaded = {
        depth
        for patch in above.patches
        for depth in range(8, 41)
        if patch.get_x() <= depth <= patch.get_x() + patch.get_width()
    }
    assert {out.layers for out in found.excluded} <= shaded
    assert not shaded & {row.layers for row in rows}
    assert below.get_xlabel().startswith("layers, at 800M")
    assert "decode latency" in below.get_ylabel()


def marked(axes: Any, marker: str) -> tuple[float, float] | None:
    at = [line for line in axes.lines if line.get_marker() == marker]
    return (at[0].get_xdata()[0], at[0].get_ydata()[0]) if at else None


def place(row: ShapeRow | None, above: bool) -> tuple[float, Any] | None:
    if row is None:
        return None
    return row.layers, row.design.shape_excess if above else row.quantity("decode_latency")


def test_figure_of_a_problem_without_an_accelerator() -> None:
    found = depth_width(Problem.load("one-h100-1e24"), 32_000_000_000, 0.02, 56)
    for size in ("wide", "column"):
        figure = plots.depth_width(found, size=size)
        check(figure)
        assert figure.axes[1].get_ylabel() == "KV cache"
        texts = {text.get_text() for text in figure.axes[0].texts}
        assert f"habit:\n56 x {next(r.d_model for r in found.rows if r.layers == 56)}" in texts


def test_plot_is_written(file: str, tmp_path: Path) -> None:
    path = tmp_path / "depth.svg"
    run(file, "--parameters", "800M", "--plot", str(path), "--plot-size", "column")
    assert "shape excess" in path.read_text()


def test_numbers_with_separators_have_their_unit() -> None:
    column = _in_one_unit("prefill", "seconds", [86400.0 * 1660, None])
    assert (column.unit, column.cells[0]) == ("days", "1660")
