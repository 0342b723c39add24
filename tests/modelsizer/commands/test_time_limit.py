"""Every command that takes a time limit ends by it, says so and exits with 3."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.pictures.gallery import SHOWN
from tests.support.shared import ROOT

NAME = "one-h100-1e24"
COMMANDS = {
    "pareto": ["pareto", NAME],
    "rank": ["rank", NAME],
    "frontier": ["frontier", NAME],
    "depth-width": ["depth-width", NAME],
    "sweep": ["sweep", NAME, "--set", "budgets.training_flops=1e23,1e24"],
    "plan-runs": ["plan-runs", NAME, "--budget", "1e21"],
    "fit": ["fit", str(ROOT / "docs" / "runs.csv")],
}


def run(words: list[str]) -> tuple[int, str, str]:
    answer = CliRunner().invoke(app, words)
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    return answer.exit_code, answer.stdout, answer.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_without_time_an_answer_is_not_complete_and_says_so(name: str) -> None:
    status, out, _ = run([*COMMANDS[name], "--time-limit", "0", "--json", "-"])
    found = json.loads(out)
    assert (status, found["complete"], found["stop"]) == (3, False, "time")
    status, out, said = run([*COMMANDS[name], "--time-limit", "0"])
    text = " ".join(f"{out} {said}".split())
    assert status == 3 and ("time limit was reached" in text or "stopped" in text), text


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("wrong", ["-1", "nan", "inf"])
def test_a_time_limit_is_a_number_of_seconds(name: str, wrong: str) -> None:
    status, _, said = run([*COMMANDS[name], "--time-limit", wrong])
    assert status == 2 and "--time-limit" in said


def test_a_report_without_time_has_the_answer_but_no_figures(tmp_path: Path) -> None:
    page = tmp_path / "x.html"
    status, _, _ = run(["report", NAME, "-o", str(page), "--time-limit", "0.9"])
    assert status == 3
    text = page.read_text()
    assert "<figure" not in text and "the time limit was reached" in text


def test_a_figure_that_there_is_no_time_for_is_not_drawn(tmp_path: Path) -> None:
    plot = tmp_path / "x.png"
    status, _, said = run(["pareto", NAME, "--plot", str(plot), "--time-limit", "0.1"])
    assert status == 3 and "too little time" in said and not plot.exists()


def test_a_gallery_without_time_is_empty(tmp_path: Path) -> None:
    status, _, said = run(["gallery", str(tmp_path / "g"), "--time-limit", "0.5"])
    assert status == 3 and f"0 of {len(SHOWN)} pictures" in said


HARD = """
[space]
layers = {min = 1, max = 2000}
d_model = {min = 128, max = 16384, step = 8}
heads = {min = 1, max = 128}
head_dim = {min = 32, max = 256, step = 8}
kv_group = [1, 2, 4, 8]
d_ff = {min = 256, max = 65536, step = 8}
vocab_size = 128256
[budgets]
training_flops = 1e24
serving_memory = "80 GB"
"""


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0.1, 1.0, 3.0])
@pytest.mark.parametrize("name", [*COMMANDS, "report", "allocate", "memory"])
def test_a_hard_problem_ends_in_time(name: str, limit: float, tmp_path: Path) -> None:
    """In time of this process, as other processes may use the machine; the promise is one second."""
    (tmp_path / "hard.toml").write_text(HARD)
    words = COMMANDS.get(name, [name, NAME])
    words = [str(tmp_path / "hard.toml") if word == NAME else word for word in words]
    if name == "report":
        words += ["-o", str(tmp_path / "x.html")]
    run([*words, "--time-limit", "0"])  # what is imported
    begun = time.process_time()
    status, _, _ = run([*words, "--time-limit", f"{limit:g}"])
    assert status in (0, 3)
    assert time.process_time() - begun < limit + 1
