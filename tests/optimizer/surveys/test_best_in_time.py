"""Lists of the best designs that a time limit ends are the beginning of the whole lists."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer import Problem, best, solve
from modelsizer.cli import app
from modelsizer.optimizer.surveys.near_optimal import NearOptimal
from modelsizer.optimizer.surveys.nearest_model import nearest
from modelsizer.optimizer.tables.clock import Clock, Limits, StoppedError
from modelsizer.problems.architecture.sources import load_architecture
from tests.support.clocks import SECONDS, runs_out_after

PROBLEM = Problem.load("phone-2gb")
RESULT = solve(PROBLEM)
LOOKS = (0, 1, 2, 3, 4, 6, 10, 20, 40, 100_000)
KINDS = ((10, None, False), (30, 0.003, False), (5, 0.003, True))


@cache
def whole(count: int, within: float | None, diverse: bool) -> NearOptimal:
    return best(RESULT, count, within=within, diverse=diverse)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("looks", LOOKS)
def test_a_list_in_part(
    kind: tuple[int, float | None, bool], looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, within, diverse = kind
    all_ = whole(*kind)
    runs_out_after(looks, monkeypatch)
    part = best(RESULT, count, within=within, diverse=diverse, time_limit=SECONDS)
    assert part.complete == (part.stop == "proven")
    assert part.complete or (looks < 100_000 and part.stop == "time")
    assert 1 <= len(part.best) <= len(all_.best)
    assert part.best == all_.best[: len(part.best)]
    assert part.within in (None, all_.within)
    assert part.savings in ((), all_.savings)
    if part.complete:
        assert (part.best, part.within, part.savings) == (all_.best, all_.within, all_.savings)


def test_a_list_ends_at_several_places(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = set()
    for looks in LOOKS:
        with monkeypatch.context() as patch:
            runs_out_after(looks, patch)
            lengths.add(len(best(RESULT, 10, time_limit=SECONDS).best))
    assert {1, 10} <= lengths


@pytest.mark.parametrize("looks", [0, 100_000])
def test_the_nearest_design_is_known_or_not(looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_architecture("llama-3.2-1b")
    known = nearest(PROBLEM, model)
    assert known is not None
    runs_out_after(looks, monkeypatch)
    clock = Clock(Limits(SECONDS))
    if looks == 100_000:
        assert nearest(PROBLEM, model, clock) == known
    else:
        with pytest.raises(StoppedError):
            nearest(PROBLEM, model, clock)


EXTRAS = {
    "verification": ("--verify",),
    "designs": ("--best", "3"),
    "pinned": ("--fix", "d_model=1536"),
    "nearest": ("--near", "llama-3.2-1b"),
    "laws": ("--laws", "besiroglu-2024,hoffmann-2022"),
}


@pytest.mark.parametrize("looks", [0, 3, 6, 9, 12, 18, 30, 60, 100_000])
def test_what_else_a_solve_is_asked_for_is_named_if_it_is_unfinished(
    looks: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    args = [word for words in EXTRAS.values() for word in words]
    runs_out_after(looks, monkeypatch)
    command = ["solve", "phone-2gb", "--json", str(path), *args, "--time-limit", str(SECONDS)]
    answer = CliRunner().invoke(app, command)
    found = json.loads(path.read_text())
    assert found["complete"] == (answer.exit_code == 0), answer.output
    unfinished = found.get("unfinished", [])
    assert found["complete"] == (looks == 100_000) == (not unfinished)
    # Once one is stopped, those after it are not begun.
    assert unfinished == list(EXTRAS)[len(EXTRAS) - len(unfinished) :]
    if not found["complete"]:
        assert "Not complete: the time limit was reached before" in " ".join(answer.output.split())
    if "pinned" in unfinished and found["pinned"] is not None:
        assert found["pinned"]["cost"] is None
    assert "costs nothing" not in answer.output


def test_a_program_that_is_not_formulated_in_time_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "a.lp"
    command = ["solve", "phone-2gb", "--write", str(path), "--time-limit", "0"]
    answer = CliRunner().invoke(app, command)
    assert answer.exit_code == 3 and not path.exists()
    assert "the mixed-integer program, which is not written" in " ".join(answer.output.split())
