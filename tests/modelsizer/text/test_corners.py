"""What is said of corners: in the terminal, in JSON and on the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.optimizer.laws.corners import corners
from modelsizer.problems.problem import Problem
from modelsizer.text.corners import corner_notes, corners_table, holding_sentence

WIDTH = 80


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": str(WIDTH)})


def below(text: str, heading: str) -> str:
    return text.partition(f"\n{heading}\n")[2]


def test_the_line_says_what_holds_and_where_a_choice_turns() -> None:
    widths = "space.d_model={min = 1536, max = 4096, step = 256}"
    found = run("solve", "mixture-30b-a3b", "--set", widths, "--corners", "--quick")
    assert found.exit_code == 0, found.output
    assert max(map(len, found.stdout.splitlines())) <= WIDTH
    words = " ".join(below(found.stdout, "Corners").split())
    assert words.startswith("Holds in all 5 corners: layers 36 to 56, d_model 2048 to 2560, ")
    assert "active_experts 6 or 8" in words
    assert (
        "Holds in 3 of 5: shared_experts 0 (1 at leverage budget and ludziejewski-2025)." in words
    )
    assert "Least greatest regret: 44 x 2560" in words
    assert "(proven); the answer has 0.0031, at leverage budget" in words


def test_json_of_an_audit_has_the_regrets_of_the_model() -> None:
    told = json.loads(run("audit", "llama-3-8b", "--corners", "--json", "-").stdout)
    assert [corner["name"] for corner in told["corners"]] == [
        "ablations low", "ablations middle", "ablations high"
    ]  # fmt: skip
    middle = told["regret"]["ablations middle"]
    assert middle == pytest.approx(told["loss_gained"], abs=1e-12)
    assert told["least_regret"]["worst"] <= max(told["regret"].values())
    assert all(min(c["regret"].values()) == 0 for c in told["corners"])


def test_each_scenario_has_its_corners() -> None:
    command = ("whatif", "phone-2gb", "--scenario", "untied: space.tied_embeddings=false")
    told = json.loads(run(*command, "--corners", "--json", "-").stdout)
    assert [len(entry["corners"]) for entry in told["scenarios"]] == [3, 3]
    shown = run(*command, "--corners").stdout
    assert "\nCorners of base\n" in shown
    assert "\nCorners of untied\n" in shown
    assert "The answer is the best at every corner, proven." in shown


@pytest.mark.slow
def test_a_page_has_a_section_of_corners(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    assert (
        run("report", "fixed-2t-tokens", "--corners", "--no-sliders", "-o", str(path)).exit_code
        == 0
    )
    page = path.read_text()
    assert '<section id="corners">' in page
    assert "Holds in all 3 corners" in page
    assert "modelsizer solve fixed-2t-tokens --corners" in page


def test_corners_are_not_asked_with_what_stops_a_solve_early() -> None:
    found = run("solve", "phone-2gb", "--corners", "--gap", "0.1")
    assert found.exit_code == 2
    assert "--gap: it stops one solve before its proof; --corners proves every optimum" in (
        found.stderr
    )


def test_time_that_runs_out_is_said() -> None:
    found = run("solve", "phone-2gb", "--corners", "--time-limit", "0")
    assert found.exit_code == 3


def test_a_corner_without_a_design_is_a_row() -> None:
    problem = Problem.load("one-h100-1e24").with_settings({"budgets.loss": 1.985})
    found = corners(problem)
    rows = {row[0]: row for row in corners_table(found).rows}
    assert "no design" in rows["ablations high"]
    assert holding_sentence(found).startswith("Holds in all 2 corners: ")
    notes = " ".join(corner_notes(found))
    assert "A design without a regret at a corner breaks a limit there." in notes
    assert "The answer is the best at every corner that has a design, proven." in notes


def test_a_problem_that_nothing_keeps_has_no_table_of_corners() -> None:
    found = run("solve", "phone-2gb", "--corners", "--set", "budgets.serving_memory=100 MB")
    assert found.exit_code == 1
    assert below(found.stdout, "Corners").strip() == "No design keeps every limit at any corner."


def test_what_refuses_the_space_is_told_with_its_reason() -> None:
    problem = Problem.load("mixture-30b-a3b").with_settings({"budgets.loss": 2.01})
    (note,) = [n for n in corner_notes(corners(problem)) if n.startswith("Not a corner")]
    assert note.startswith("Not a corner here: ludziejewski-2025, since 2.01 nats mean another")
