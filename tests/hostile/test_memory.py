"""Every command needs less than 2 GiB of addresses; what asks for more than there is is refused.

NumPy, SciPy and matplotlib reserve addresses for their threads, so that a limit on addresses is the
hardest one to keep. The sizes printed by ``pytest -s -m slow`` are peaks of addresses and of memory
in use, in MiB.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from modelsizer import Problem, rank
from modelsizer.optimizer.surveys.axis import MOST_CELLS, SurveyAxis
from modelsizer.optimizer.surveys.landscape import landscape
from modelsizer.optimizer.surveys.region import region
from modelsizer.optimizer.tables.clock import Clock
from tests.support.shared import ROOT

ADDRESSES = 2**31
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")

_RUN = """
import atexit, re, resource, sys

def peaks():
    status = open("/proc/self/status").read()
    sizes = [int(re.search(name + r":\\s+(\\d+)", status)[1]) // 1024 for name in ("VmPeak", "VmHWM")]
    print("PEAKS", *sizes, file=sys.stderr)

resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv.pop(1)),) * 2)
atexit.register(peaks)
from modelsizer.cli import main
main()
"""


def limited(words: list[str], addresses: int = ADDRESSES) -> tuple[int, str, tuple[int, int]]:
    """Exit status, what was printed, and peaks of addresses and memory of a command, in MiB."""
    made = subprocess.run(
        [sys.executable, "-c", _RUN, str(addresses), *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "100"},
    )
    said = made.stdout + made.stderr
    found = re.search(r"PEAKS (\d+) (\d+)", said)
    assert found is not None, said
    return made.returncode, said, (int(found[1]), int(found[2]))


def commands(name: str, folder: Path) -> list[list[str]]:
    """Every command that computes something, on one problem."""
    picture = ["--plot", str(folder / "x.png")]
    problem = Problem.load(name)
    found = [
        ["solve", name, *picture],
        ["solve", name, "--solver", "exhaustive", "--best", "5"],
        ["solve", name, "--solver", "scipy"],
        ["check", name],
        ["rank", name, "--csv", str(folder / "x.csv"), *picture],
        ["pareto", name, *picture],
        ["depth-width", name, *picture],
        ["explain", name],
        ["prices", name, *picture],
        ["allocate", name, *picture],
        ["memory", name],
        ["report", name, "-o", str(folder / "x.html")],
        ["sweep", name, "--set", "training.sequence_length=2048,4096", "--jobs", "2"],
        ["compare-laws", name],
        ["plan-runs", name, "--budget", "1e20", "--runs", "8", *picture],
    ]
    if "training_flops" in problem.budgets.limits:
        found.append(["frontier", name, "--points", "3", *picture])
    return found


LIBRARY = sorted(path.stem for path in (ROOT / "problems" / "library").glob("*.toml"))


@pytest.mark.parametrize(
    "words",
    [
        ["solve", "one-h100-1e24", "--solver", "scipy"],
        ["rank", "one-h100-1e24", "--top", "3"],
        ["fit", "docs/runs.csv", "--bootstrap", "40"],
    ],
)
def test_a_command_needs_less_than_2_gib(words: list[str]) -> None:
    status, said, _ = limited(words)
    assert status == 0, said


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", LIBRARY)
def test_every_command_needs_less_than_2_gib(name: str, tmp_path: Path) -> None:
    for words in commands(name, tmp_path):
        status, said, peaks = limited(words)
        print(f"{' '.join(words)[:60]:60} {peaks[0]:5} {peaks[1]:5}")
        assert status in (0, 1) or "error:" in said, (words, said)
        assert "Traceback" not in said and "MemoryError" not in said, (words, said)


# Asking for more than there is


def full_after(looks: int, patch: pytest.MonkeyPatch) -> None:
    """Let the machine's memory be full once it was looked at so often."""
    seen = iter(range(looks))
    left = "modelsizer.optimizer.tables.clock.available_memory"
    patch.setattr(left, lambda: 2**40 if next(seen, None) is not None else 0)
    patch.setattr("modelsizer.optimizer.tables.clock.LOOK_SECONDS", 0.0)


@pytest.mark.parametrize("looks", [0, 1, 2, 4])
def test_a_ranking_stops_before_the_memory_is_full(
    looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Problem.load("one-h100-1e24")
    whole = rank(problem, keep_all=True)
    monkeypatch.setattr("modelsizer.optimizer.search.compare.DESIGNS_AT_ONCE", 20_000)
    full_after(looks, monkeypatch)
    part = rank(problem, keep_all=True, clock=Clock())
    assert part.complete or part.stop == "memory"
    assert part.feasible <= whole.feasible and part.looked_at <= whole.looked_at
    if part.best:
        assert part.best[0].loss >= whole.best[0].loss


def test_a_survey_of_long_menus_has_few_cells() -> None:
    """2,000 depths and 16,000 widths would make arrays of a gigabyte, and a picture of days."""
    axis = SurveyAxis.of(range(1, 16_001))
    assert len(axis) == len(axis.cells) <= MOST_CELLS
    at = axis.cell_of(np.arange(1, 16_001))
    assert at[0] == 0 and at[-1] == len(axis) - 1 and (np.diff(at) >= 0).all()
    assert (axis.cell_of(axis.cells) == np.arange(len(axis))).all()
    short = SurveyAxis.of([4, 8, 12])
    assert short.each == 1 and list(short.cells) == [4, 8, 12]


def test_long_menus_are_drawn_by_their_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem.load("phone-2gb")
    whole = landscape(problem)
    monkeypatch.setattr("modelsizer.optimizer.surveys.axis.MOST_CELLS", 5)
    coarse = landscape(problem)
    assert coarse.loss.shape[0] <= 5
    assert np.nanmin(coarse.loss) == np.nanmin(whole.loss)
    seen = region(problem)
    assert seen.designs.sum() == problem.count_designs() and len(seen.layers) <= 5


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["fit", "docs/runs.csv", "--bootstrap", "1000000000"], "--bootstrap"),
        (["plan-runs", "phone-2gb", "--budget", "1e20", "--runs", "1000000000"], "--runs"),
        (["frontier", "phone-2gb", "--points", "1000000000"], "--points"),
        (["sweep", "phone-2gb", "--set", "serving.batch_size=1..9e9:step=1"], "serving.batch_size"),
    ],
)
def test_more_than_can_be_held_is_refused_with_its_key(words: list[str], named: str) -> None:
    status, said, (_, memory) = limited(words)
    assert status == 2 and named in said and "Traceback" not in said, said
    assert memory < 300
