"""Scenarios beside the base: against solves of their own, at 80 columns, as CSV and as a picture."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

from modelsizer import Problem, ProblemError, plots, solve
from modelsizer.cli import app
from modelsizer.optimizer.constraints import value_text
from modelsizer.optimizer.sweeps.grids import axis_of
from modelsizer.optimizer.sweeps.whatif import WhatIf, scenario_settings, whatif
from modelsizer.plots.limits.scenarios import BETTER, WORSE
from modelsizer.problems.architecture.describing import architecture_dict, design_architecture
from modelsizer.text.whatif import signed
from tests.support.clocks import SECONDS, runs_out_after
from tests.support.figure_checks import BOTH_SIZES, check
from tests.support.problem_text import GOOD
from tests.support.shared import reference, reference_json

FILE = (
    GOOD
    + """
[scenarios.long-context]
serving.context_length = 65536
[scenarios.rich]
budgets.training_flops = 4e21
training.tokens = {max = 1e12}
"""
)
KEYS = {"name", "status", "solver", "seconds", "objective", "lower_bound", "gap", "loss",
        "architecture", "parameters", "tokens", "training_flops", "budgets", "warnings"}  # fmt: skip


def run(*args: str, code: int = 0) -> Any:
    answer = CliRunner().invoke(app, ["whatif", *args])
    assert answer.exit_code == code, answer.output + answer.stderr
    return answer


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "x.toml"
    path.write_text(FILE)
    return str(path)


@cache
def found() -> WhatIf:
    """Better, worse, the same, infeasible, and judged by another law."""
    problem = Problem.parse(
        FILE.replace("training_flops = 1e21", "training_flops = 1e21\nserving_memory = '1.5 GB'")
    )
    texts = ("tiny: budgets.serving_memory=1 MB", "hoffmann: objective.law=hoffmann-2022")
    axes = (axis_of(problem, "budgets.serving_memory", "1 GB, 1.5 GB, 3 GB"),)
    return whatif(problem, scenario_settings(problem, texts, axes))


# Answers


def test_reference_scenarios() -> None:
    name = "one-accelerator"
    wanted = reference_json("known_optima/answers.json")[name]["scenarios"]
    path = str(reference(f"known_optima/{name}.toml"))
    alone = ("--set", "objective.ablations=none")
    out = json.loads(run(path, *alone, "--json", "-").stdout)
    rows = {row["name"]: row for row in out["scenarios"]}
    assert list(rows) == ["base", *wanted]
    for scenario, answer in wanted.items():
        assert rows[scenario]["loss"] == pytest.approx(answer["loss"], abs=1e-9)
        for key in ("layers", "d_model"):
            assert rows[scenario]["architecture"][key] == answer[key]


def test_each_scenario_is_a_solve_of_its_own(file: str) -> None:
    texts = ("--scenario", "both: serving.batch_size=8, budgets.kv_cache={max = 2e9}")
    out = json.loads(run(file, *texts, "--set", "space.kv_heads=4,8", "--json", "-").stdout)
    rows = {row["name"]: row for row in out["scenarios"]}
    base = Problem.parse(FILE)
    wanted = {
        "base": base,
        "long-context": base.scenario("long-context"),
        "rich": base.scenario("rich"),
        "both": base.with_settings({"serving.batch_size": 8, "budgets.kv_cache": {"max": 2e9}}),
        "kv_heads=4": base.with_settings({"space.kv_heads": 4}),
        "kv_heads=8": base.with_settings({"space.kv_heads": 8}),
    }
    assert list(rows) == list(wanted)
    first = solve(base)
    for name, problem in wanted.items():
        row, fresh = rows[name], solve(problem, solver="exhaustive")
        assert set(row) >= KEYS
        assert row["loss"] == fresh.best.loss
        assert row["architecture"] == design_architecture(fresh.best.architecture)
        assert [b["binding"] for b in row["budgets"]] == [b.binding for b in fresh.budgets]
        assert row["change"]["loss"] == fresh.best.loss - first.best.loss
        own = architecture_dict(first.best.architecture)
        assert row["change"]["architecture"] == {
            key: {"from": own[key], "to": value}
            for key, value in row["architecture"].items()
            if key in own and own[key] != value
        }


def test_base_settings_are_under_every_scenario(file: str) -> None:
    args = ("--set", "budgets.training_flops=2e20", "--json", "-")
    out = json.loads(run(file, *args).stdout)["scenarios"]
    base = Problem.parse(FILE, settings={"budgets.training_flops": 2e20})
    assert [row["name"] for row in out] == ["base", "long-context", "rich"]
    assert out[1]["loss"] == solve(base.scenario("long-context")).best.loss
    assert out[2]["training_flops"] == pytest.approx(4e21)


def test_what_cannot_be_met_is_a_row_with_its_reason(file: str) -> None:
    args = ("--scenario", "tiny: budgets.serving_memory=1 MB")
    out = json.loads(run(file, *args, "--json", "-").stdout)["scenarios"]
    assert [row["status"] for row in out] == ["optimal", "optimal", "optimal", "infeasible"]
    assert out[-1]["loss"] is None and out[-1]["change"]["loss"] is None
    assert "budgets.serving_memory <= 1 MB: the least" in out[-1]["reasons"][0]
    text = run(file, *args).stdout
    assert "tiny: no design keeps every limit" in text and "no design" in text
    low = run(file, "--set", "budgets.serving_memory=1 MB", "--json", "-", code=1).stdout
    assert json.loads(low)["scenarios"][0]["status"] == "infeasible"


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (("--scenario", "no colon"), "not 'name: key=value"),
        (("--scenario", "a: serving.batch_size"), "not 'name: key=value"),
        (("--scenario", "a: serving.batch_siz=1"), "a.serving.batch_siz: unknown key (did you mean"),
        (("--scenario", "a: serving.batch_size=-1"), "a.serving.batch_size: -1 must be"),
        (("--scenario", "rich: serving.batch_size=2"), "given twice"),
        (("--scenario", "base: serving.batch_size=2"), "is the problem itself"),
        (("--set", "serving.batch_size=1,-2"), "-2"),
        (("--solver", "foo"), "unknown solver"),
        (("--csv", "x.txt"), "must end in .csv"),
        (("--plot", "x.txt"), "must end in"),
    ],
)  # fmt: skip
def test_bad_input_is_told(file: str, args: tuple[str, ...], word: str) -> None:
    assert word in run(file, *args, code=2).stderr


def test_names_say_what_is_set_and_leave_the_table_out_where_it_is_clear() -> None:
    problem = Problem.parse(GOOD)
    axes = [axis_of(problem, "budgets.serving_memory", "40 GB"),
            axis_of(problem, "training.tokens", "1T"), axis_of(problem, "budgets.parameters.max", "1e9"),
            axis_of(problem, "serving.context_length", "8192")]  # fmt: skip
    names = list(scenario_settings(problem, (), axes))
    assert names == ["serving_memory=40 GB", "training.tokens=1T",
                     "budgets.parameters.max=1B", "context_length=8192"]  # fmt: skip
    assert value_text("space.layers", {"min": 8, "max": 9}) == "min 8, max 9"
    with pytest.raises(ProblemError, match="given twice"):
        scenario_settings(problem, ("a: serving.batch_size=1", "a: serving.batch_size=2"))


def test_scenarios_by_name_stand_behind_those_of_the_file() -> None:
    problem = Problem.parse(FILE)
    found = whatif(problem, {"one": {"serving.batch_size": 1}})
    assert [a.scenario.name for a in found.answers] == ["base", *problem.scenarios, "one"]
    with pytest.raises(ProblemError, match="is the problem itself"):
        whatif(problem, {"base": {"serving.batch_size": 1}})
    with pytest.raises(ProblemError, match="given twice"):
        whatif(problem, {"rich": {"serving.batch_size": 1}})
    with pytest.raises(ProblemError, match=r"one\.serving"):
        whatif(problem, {"one": {"serving.batch_size": -1}})


# Text


def test_few_scenarios_are_columns(file: str) -> None:
    lines = run(file).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    (heading,) = [text for text in lines if "long-context" in text]
    assert heading.split() == ["base", "long-context", "rich"]
    rows = {
        text.split()[0]: text.split()[1:]
        for text in lines
        if text.startswith("  ") and text.strip()
    }
    assert rows["serving.context_length"] == ["-", "65536"]  # of rich nothing: it is the base's
    assert rows["training_flops"] == ["1e21", "*", "1e21", "*", "4e21", "*"]
    out = json.loads(run(file, "--json", "-").stdout)["scenarios"]
    assert rows["loss"] == [f"{row['loss']:.3f}" for row in out]
    changes = [row["loss"] - out[0]["loss"] for row in out[1:]]
    assert rows["change"] == [signed(change, rms=0.022) for change in changes]
    same = {k for k in out[0]["architecture"] if len({str(r["architecture"][k]) for r in out}) == 1}
    assert not same & set(rows) and {"head_dim", "block"} <= same


def test_many_scenarios_are_rows(file: str) -> None:
    lines = run(
        file, "--set", "serving.batch_size=1,4,1024", "--set", "budgets.serving_memory=40 GB"
    ).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    names = ["base", "long-context", "rich", "batch_size=1", "batch_size=4", "batch_size=1024"]
    tables = [[text.split()[0] for text in lines if text.startswith(name)] for name in names]
    assert all(len(rows) >= 2 for rows in tables)  # the answers, and the shares of limits
    assert any(text.startswith("  rich: budgets.training_flops = 4e21") for text in lines)
    assert not any(text.startswith("  batch_size=1") for text in lines)  # its name says it


def test_another_objective_and_another_law_are_named(file: str) -> None:
    args = ("--scenario", "h: objective.law=hoffmann-2022")
    assert "on a scale of its own: h." in run(file, *args).stdout
    memory = ("--scenario", "m: objective.minimize=serving_memory, budgets.loss=3")
    text = run(file, *memory).stdout
    assert "objective" in text
    least = run("least-memory-2.15", "--set", "budgets.loss=2.1,2.2").stdout.splitlines()
    (row,) = [text.split() for text in least if text.startswith("  serving_memory")][:1]
    assert row[1:] == ["5.654", "GB", "8.198", "GB", "4.228", "GB"]
    assert "There is no scenario" in run("exercise-1e24").stdout


def test_csv_has_a_line_for_each(file: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    out = json.loads(run(file, "--csv", str(path), "--json", "-", "--scenario",
                         "tiny: budgets.serving_memory=1 MB").stdout)["scenarios"]  # fmt: skip
    with path.open() as text:
        rows = list(csv.DictReader(text))
    assert [row["name"] for row in rows] == [row["name"] for row in out]
    for row, wanted in zip(rows, out, strict=True):
        assert row["loss"] == ("" if wanted["loss"] is None else repr(wanted["loss"]))
        for use in wanted["budgets"]:
            share = float(row[f"{use['name']}_share"])
            assert share == float(use["used"]) / float(use["limit"])
            assert row[f"{use['name']}_binds"] == str(use["binding"]).lower()
    assert rows[-1]["reason"].startswith("budgets.serving_memory <= 1 MB")


# Picture


@cache
def drawn(size: str) -> Figure:
    return plots.scenarios(found(), size=size)


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_bars_run_from_the_base_to_each_loss(size: str) -> None:
    figure = drawn(size)
    check(figure)
    (axes,) = figure.axes
    names = [
        label.get_text().replace("\n", " ").replace("= ", "=") for label in axes.get_yticklabels()
    ]
    answers = {a.scenario.name: a for a in found().answers}
    base = found().base.result.best.loss
    bars = {names[round(bar.get_y() + bar.get_height() / 2)]: bar for bar in axes.patches}  # type: ignore[attr-defined]
    assert set(bars) == set(answers) - {"base", "tiny", "hoffmann", "long-context"}
    for name, bar in bars.items():
        loss = answers[name].result.best.loss
        ends = sorted((bar.get_x(), bar.get_x() + bar.get_width()))  # type: ignore[attr-defined]
        assert ends == pytest.approx(sorted((base, loss)))
        if loss != base:
            from matplotlib.colors import to_hex

            assert to_hex(bar.get_facecolor()) == (BETTER if loss < base else WORSE)
    losses = [answers[n].result.best.loss for n in names if n in bars]
    assert losses == sorted(losses, reverse=True) and set(names[:3]) == {
        "tiny",
        "hoffmann",
        "long-context",
    }
    texts = {t.get_text().split("   ")[0] for t in axes.texts}
    assert {"no design fits", "no change"} <= texts
    assert any(text.startswith("another law: ") for text in texts)
    inside = axes.get_window_extent()
    for text in axes.texts:
        box = text.get_window_extent()
        assert inside.x0 - 1 <= box.x0 and box.x1 <= inside.x1 + 1


def test_more_is_better_where_it_is_sought() -> None:
    problem = Problem.parse(GOOD.replace('minimize = "loss"', 'maximize = "parameters"'))
    problem = problem.with_settings({"budgets.serving_memory": "1.5 GB"})
    memory = axis_of(problem, "budgets.serving_memory", "1 GB,3 GB")
    answers = whatif(problem, scenario_settings(problem, (), [memory]))
    (axes,) = plots.scenarios(answers).axes
    from matplotlib.colors import to_hex

    colours = [to_hex(bar.get_facecolor()) for bar in axes.patches]
    assert colours == [WORSE, BETTER]  # the worst on top
    assert axes.get_xlabel().startswith("parameters; base ")


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_long_names_and_a_single_row_are_legible(size: str) -> None:
    problem = Problem.parse(GOOD)
    name = (
        "a name that is longer than anybody would give to a scenario of theirs, or_without_spaces"
    )
    texts = (
        f"{name}: serving.batch_size=2",
        f"{name}2: serving.batch_size=3",
        f"{name}3: space.layers=9",
    )
    check(plots.scenarios(whatif(problem, scenario_settings(problem, texts)), size=size))
    one = whatif(problem, scenario_settings(problem, texts[:1]))
    check(plots.scenarios(one, size=size))  # nothing moves


def test_what_cannot_be_drawn_is_told(file: str, tmp_path: Path) -> None:
    plot = ("--plot", str(tmp_path / "x.svg"))
    assert "no scenario" in run("exercise-1e24", *plot, code=2).stderr
    low = run(file, "--set", "budgets.serving_memory=1 MB", *plot, code=2)
    assert "base has no design" in low.stderr
    run(file, *plot, "--plot-size", "column")
    assert "long-context" in (tmp_path / "x.svg").read_text()


@pytest.mark.parametrize("looks", [0, 1, 2, 4, 6, 8, 10, 10_000])
def test_a_time_limit_is_of_all_scenarios_and_leaves_no_false_change(
    looks: int, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {a.scenario.name: a for a in whatif(Problem.load(file)).answers}
    runs_out_after(looks, monkeypatch)
    part = whatif(Problem.load(file), time_limit=SECONDS)
    assert [a.scenario.name for a in part.answers] == list(whole)
    assert part.complete == (part.stop == "proven")
    assert part.complete or looks < 10_000
    assert looks or not part.complete
    base = part.base.result.status == "optimal"
    for answer in part.answers:
        known = whole[answer.scenario.name].result
        if answer.result.status == "optimal":
            assert answer.result.best.architecture == known.best.architecture
        else:
            assert answer.result.status == "limit" and answer.result.stop == "time"
        proven = base and answer.result.status == "optimal"
        assert (part.loss_change(answer) is not None) == proven


def test_the_command_says_which_scenarios_are_not_proven(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, picture = tmp_path / "a.json", tmp_path / "a.png"
    text = run(file, "--time-limit", "0", "--json", str(path), "--plot", str(picture), code=3)
    assert "rich: the time limit was reached before the proof" in text.stdout
    assert "is not drawn" in text.stderr and not picture.exists()
    content = json.loads(path.read_text())
    assert (content["complete"], content["stop"]) == (False, "time")
    assert {entry["status"] for entry in content["scenarios"]} == {"limit"}
    assert all(entry["change"]["loss"] is None for entry in content["scenarios"])
    assert "--time-limit" in run(file, "--time-limit", "nan", code=2).stderr
