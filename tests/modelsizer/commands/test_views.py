"""Views of describe: what the commands of their former names print, and what each takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from modelsizer.cli import COMMANDS, app
from modelsizer.commands.views.view import VIEWS

MODEL = ("llama-3.1-8b", "--set", "serving.accelerator=H100-SXM")
GIVEN = {
    "memory": (*MODEL, "--devices", "H100-SXM,L4"),
    "users": ("llama-3.1-8b", "--each", "serving.accelerator=H100-SXM,L40S", "--context", "8192"),
    "roofline": (*MODEL, "--beside", "llama-3-8b"),
    "layers": ("gemma-3-27b", "--beside", "llama-3-8b"),
    "allocation": ("deepseek-v3", "--context", "4096,8192"),
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_each_view_is_tried_and_has_a_former_name() -> None:
    assert GIVEN.keys() == VIEWS.keys()
    former = {name for name, row in COMMANDS.items() if row.group == "Former names"}
    assert {command for command, _ in VIEWS.values()} == former


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("source", ["model", "problem", "infeasible"])
def test_a_view_is_the_command_of_its_former_name(view: str, source: str) -> None:
    small = ("--set", "budgets.serving_memory=10 MB")
    asked = {
        "model": GIVEN[view],
        "problem": ("one-h100-1e24", "--set", "serving.accelerator=H100-SXM"),
        "infeasible": ("phone-2gb", *small),
    }[source]
    command, _ = VIEWS[view]
    for ending in ((), ("--json", "-")):
        now, then = run("describe", *asked, "--view", view, *ending), run(command, *asked, *ending)
        assert (now.exit_code, now.stdout) == (then.exit_code, then.stdout)
        of = f"`modelsizer describe SOURCE --view {view}`"
        note = f"note: `modelsizer {command}` is a former name of {of}\n"
        assert then.stderr == now.stderr + (note if not now.exit_code else "")
        assert now.exit_code == (source == "infeasible"), now.output
    assert f"describe SOURCE --view {view}" in " ".join(run(command, "--help").stdout.split())


def test_the_optimum_of_a_problem_is_described_as_solved() -> None:
    answer = json.loads(run("solve", "one-h100-1e24", "--json", "-").stdout)
    found = json.loads(run("describe", "one-h100-1e24", "--json", "-").stdout)
    assert found["parameters"]["total"] == answer["parameters"]["total"]
    assert found["design"]["loss"] == answer["loss"] and found["complete"]
    assert not found["design"]["violated"]
    assert run("describe", "phone-2gb", "--set", "budgets.serving_memory=10 MB").exit_code == 1
    assert run("describe", "one-h100-1e24", "--time-limit", "0").exit_code == 3


def test_short_forms_are_of_views_too() -> None:
    short = run("describe", *MODEL, "--batch", "8", "--view", "memory", "--json", "-")
    long = run(
        "describe", *MODEL, "--set", "serving.batch_size=8", "--view", "memory", "--json", "-"
    )
    assert json.loads(short.stdout)["assumptions"]["batch_size"] == 8
    assert short.stdout == long.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--view", "memroy"),
            "'memroy' is not memory, users, roofline, layers or allocation (did ",
        ),
        (("--view", "allocate"), "the view is allocation"),
        (
            ("--view", "memory", "--context", "8192"),
            "--context: is of --view users or --view alloc",
        ),
        (("--devices", "L4"), "--devices: needs --view memory"),
        (("--plot", "x.png"), "--plot: needs --view memory, for example"),
        (("--view", "layers", "--picture", "pie"), "--picture: 'pie' is not stack, kinds"),
    ],
)
def test_what_a_view_does_not_take_is_refused(arguments: tuple[str, ...], said: str) -> None:
    found = run("describe", *MODEL, *arguments)
    assert found.exit_code == 2 and said in found.stderr and found.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_drawn(view: str, tmp_path: Path) -> None:
    pictures = tmp_path / "now.svg", tmp_path / "then.svg"
    command, _ = VIEWS[view]
    assert not run("describe", *GIVEN[view], "--view", view, "--plot", str(pictures[0])).exit_code
    assert not run(command, *GIVEN[view], "--plot", str(pictures[1])).exit_code
    assert pictures[0].read_bytes() == pictures[1].read_bytes()
