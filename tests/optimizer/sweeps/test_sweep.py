"""Grids of solves: right at every point, the same file however solved, and nothing lost by a kill."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer import ProblemError
from modelsizer.cli import app
from modelsizer.optimizer.sweeps.files import saved_points
from modelsizer.optimizer.sweeps.points import PointSolver
from modelsizer.optimizer.sweeps.sweep import sweep
from tests.support.clocks import Countdown
from tests.support.problem_text import GOOD
from tests.support.sweeps import GOOD_PROBLEM, POSIX, SETTINGS, grid

MANY = ("budgets.training_flops=1e19..1e22:log:20", "serving.context_length=2048,65536")
ENTRY = "from modelsizer.cli import main; main()"
KEPT = 15
HELD = f"""
import signal
from modelsizer.optimizer.sweeps.files import SweepFile

append, rows = SweepFile.append, []

def held(self, row):
    append(self, row)
    rows.append(row)
    if len(rows) == {KEPT}:
        signal.pause()

SweepFile.append = held
{ENTRY}
"""
"""The command that waits for a signal once its file holds some rows, however fast it is."""


def as_options(settings: tuple[str, ...]) -> list[str]:
    return [part for text in settings for part in ("--set", text)]


def run(*args: str, code: int = 0) -> Any:
    answer = CliRunner().invoke(app, ["sweep", *args])
    assert answer.exit_code == code, answer.output + answer.stderr
    return answer


@pytest.fixture
def good(tmp_path: Path) -> str:
    path = tmp_path / "good.toml"
    path.write_text(GOOD)
    return str(path)


def started(*args: str, entry: str = ENTRY) -> subprocess.Popen[str]:
    """The command in a process group of its own, with Ctrl-C as a terminal has it."""
    return subprocess.Popen(
        [sys.executable, "-c", entry, "sweep", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A job in the background of a script inherits SIGINT ignored, and would never hear it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for_lines(path: Path, count: int) -> None:
    """Return once a file has so many lines; the time limit of a test ends it otherwise."""
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        time.sleep(0.005)


def wait_for_end_of_group(group: int) -> None:
    """Return once no process of a group is left; workers that outlive it run into the time limit."""
    while True:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.005)


# The function


def test_values_by_key_are_the_grid_of_the_texts(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    values = {"serving.context_length": [2048, 65536], "budgets.kv_cache": ["1 GB", "300 MB"]}
    seen: list[tuple[int, int]] = []
    found = sweep(GOOD_PROBLEM, values, path=path, jobs=1, progress=lambda *at: seen.append(at))
    assert found.grid == grid(GOOD_PROBLEM, SETTINGS[1:])
    assert [row["index"] for row in found.rows] == list(range(4)) and found.solved == 4
    assert seen == [(n, 4) for n in range(5)]
    assert found.to_dict()["points"] == 4
    again = sweep(GOOD_PROBLEM, values, path=path, jobs=1)
    assert (again.rows, again.solved) == (found.rows, 0)
    assert saved_points(path) == 4 and saved_points(tmp_path / "none") == 0


def test_wrong_arguments_are_refused_before_any_solve(tmp_path: Path) -> None:
    values = {"serving.context_length": [2048, 65536]}
    for wrong in (
        {"path": tmp_path / "x.csv"},
        {"solver": "foo"},
        {"time_limit": -1.0},
        {"point_time_limit": -1.0},
    ):
        with pytest.raises(ValueError, match=r"must end in|unknown solver|0 or more"):
            sweep(GOOD_PROBLEM, values, **wrong)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("looks", [0, 1, 9, 40, 100])
def test_stopped_at_any_time_it_has_rows_of_the_whole_and_goes_on(
    looks: int, tmp_path: Path
) -> None:
    values = {"serving.context_length": [1024, 2048], "serving.batch_size": [1, 2]}
    whole = sweep(GOOD_PROBLEM, values, jobs=1)
    path = tmp_path / "s.jsonl"
    part = sweep(GOOD_PROBLEM, values, path=path, jobs=1, clock=Countdown(looks))
    assert all(row in whole.rows for row in part.rows)
    assert part.complete == (len(part.rows) == 4)
    assert part.to_dict()["stop"] == ("proven" if part.complete else "time")
    assert saved_points(path) == len(part.rows)
    rest = sweep(GOOD_PROBLEM, values, path=path, jobs=1)
    assert (rest.rows, rest.solved, rest.complete) == (whole.rows, 4 - len(part.rows), True)


def test_without_time_nothing_is_solved_also_by_workers() -> None:
    values = {"serving.context_length": [1024, 2048]}
    for jobs in (1, 2):
        found = sweep(GOOD_PROBLEM, values, jobs=jobs, time_limit=0.0)
        assert (found.rows, found.stop) == ((), "time")


# The command


def test_the_same_file_from_processes_as_from_here(good: str, tmp_path: Path) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    settings = as_options(SETTINGS)
    first = json.loads(run(good, *settings, "--jobs", "1", "-o", str(one), "--json", "-").stdout)
    second = json.loads(run(good, *settings, "--jobs", "2", "-o", str(two), "--json", "-").stdout)
    assert one.read_bytes() == two.read_bytes()
    assert first["rows"] == second["rows"] and first["solved"] == second["solved"] == 16
    assert [row["index"] for row in first["rows"]] == list(range(16))


@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="no Dask")
def test_the_same_file_from_dask(good: str, tmp_path: Path) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    run(good, *as_options(SETTINGS), "--jobs", "1", "-o", str(one))
    options = ["--dask", "local", "--jobs", "1", "-o", str(two)]
    process = started(good, *as_options(SETTINGS), *options)
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert one.read_bytes() == two.read_bytes()


def test_dask_that_is_not_there(good: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "not tcp://" in run(good, *as_options(SETTINGS), "--dask", "here", code=2).stderr
    monkeypatch.setitem(sys.modules, "distributed", None)
    answer = run(good, *as_options(SETTINGS), "--dask", "local", code=2)
    assert "pip install 'modelsizer[dask]'" in answer.stderr


@POSIX
@pytest.mark.parametrize("jobs", [pytest.param("1", marks=pytest.mark.slow), "2"])
def test_a_kill_loses_nothing_and_nothing_is_solved_twice(
    good: str, tmp_path: Path, jobs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.jsonl"
    args = [good, *as_options(MANY), "-o", str(path)]
    process = started(*args, "--jobs", jobs, entry=HELD)
    wait_for_lines(path, KEPT + 1)
    process.send_signal(signal.SIGKILL)
    process.communicate()  # its workers hold its standard error until they end
    assert process.returncode == -signal.SIGKILL
    wait_for_end_of_group(process.pid)
    torn = path.read_bytes() + b'{"index": 39, "budg'
    path.write_bytes(torn)
    kept = [json.loads(text)["index"] for text in torn.splitlines()[1:-1]]
    assert len(kept) == len(set(kept)) == KEPT

    solved: list[int] = []
    row = PointSolver.row

    def counted(self: PointSolver, index: int) -> Any:
        solved.append(index)
        return row(self, index)

    monkeypatch.setattr(PointSolver, "row", counted)
    answer = run(*args, "--jobs", "1", "--json", "-")
    assert f"{len(kept)} of 40 points are there" in answer.stderr
    assert json.loads(answer.stdout)["solved"] == len(solved) == 40 - len(kept)
    assert sorted(kept + solved) == list(range(40))
    resumed = path.read_bytes()
    run(*args, "--jobs", "1", "--no-resume")
    assert path.read_bytes() == resumed
    solved.clear()
    run(*args, "--jobs", "1")
    assert not solved and path.read_bytes() == resumed


@POSIX
def test_ctrl_c_says_how_to_go_on(good: str, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    process = started(good, *as_options(MANY), "-o", str(path), "--jobs", "1", entry=HELD)
    wait_for_lines(path, KEPT + 1)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 3, err
    assert path.read_bytes().count(b"\n") - 1 == KEPT
    assert err == (
        f"interrupted; {path} holds {KEPT} of 40 points, and the same command goes on from there\n"
    )
    # Where no clock was looked at in time, nothing but the line above is said.
    assert not out or f"Not complete: it was interrupted; {KEPT} of 40 points are there" in out


def test_parquet_holds_the_rows_of_the_lines(good: str, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "x.parquet"
    settings = ("space.kv_heads=[4],[4, 8]", "budgets.kv_cache=100 kB,1 GB")
    run(good, *as_options(settings), "--jobs", "1", "-o", str(path))
    rows = [json.loads(text) for text in (tmp_path / "x.jsonl").read_text().splitlines()[1:]]
    table = pq.read_table(path)
    assert table.column_names == list(rows[0])
    lists = [row | {"space.kv_heads": json.dumps(row["space.kv_heads"])} for row in rows]
    assert table.to_pylist() == lists
    kinds = {f.name: str(f.type) for f in table.schema}
    assert kinds["layers"] == kinds["budgets.kv_cache"] == "int64"
    assert kinds["loss"] == "double" and kinds["kv_cache_at_limit"] == "bool"
    before = path.read_bytes()
    run(good, *as_options(settings), "--jobs", "1", "-o", str(path), "--no-resume")
    assert path.read_bytes() == before


def test_flops_beyond_64_bits_are_doubles_in_parquet(good: str, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "x.parquet"
    run(good, "--set", "budgets.training_flops=1e18,1e22", "--jobs", "1", "-o", str(path))
    column = pq.read_table(path).column("budgets.training_flops")
    assert column.to_pylist() == [1e18, 1e22]


def test_text_of_a_sweep(good: str) -> None:
    text = run(good, *as_options(SETTINGS), "--jobs", "1").stdout
    assert "4 x 2 x 2 points: 8 solved, 8 without a design" in text and "no design" in text
    assert max(map(len, text.splitlines())) <= 80
    nothing = run(good, "--set", "budgets.kv_cache=1 kB,2 kB", "--jobs", "1").stdout
    assert "2 points: 2 without a design" in nothing
    long = run(good, "--set", "serving.batch_size=1..60:step=1", "--jobs", "1").stdout
    assert "and 36 more, with -o FILE or --json" in long


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (("--set", "budgets.kv_cache=1 GB,2 GB", "-o", "x.csv"), "must end in .jsonl or .parquet"),
        (("--set", "budgets.kv_cache=1 GB,2 GB", "--solver", "foo"), "unknown solver 'foo'"),
        (("--set", "budgets.kv_cache=1 GB,2 GB", "--time-limit", "-1"), "--time-limit"),
        (("--set", "budgets.kv_cache=1 GB,2 GB", "-o", "/nowhere/x.jsonl"), "cannot be written"),
        ((), "no key takes several values"),
    ],
)
def test_bad_input_is_told(good: str, args: tuple[str, ...], word: str) -> None:
    assert word in run(good, *args, code=2).stderr


def test_grids_are_checked_before_they_are_solved() -> None:
    with pytest.raises(ProblemError, match="divides no"):
        grid(GOOD_PROBLEM, ("space.kv_heads=4,17",))
