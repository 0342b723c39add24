"""Time rankings, fronts and sweeps, and check that all solvers find equal fronts.

`python -m benchmarks.fronts [SECTION ...]` prints tables and writes benchmarks/results/fronts.json.
Sections are `rankings`, `fronts`, `commands`, `agreement`, `large` and `sweeps`. Each measurement
runs in a process of its own, one at a time, and is the minimum of three runs, since other users of
the machine only add to it; what takes over 20 s runs once. *CPU* is the CPU time of the process
itself, which other users affect less.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.families import DENSE, tables
from benchmarks.points import MEGABYTE

if TYPE_CHECKING:
    from modelsizer import Problem

# The parent imports nothing large, for the reason given in `benchmarks.points`.

RESULTS = Path("benchmarks/results/fronts.json")
RUNS = 3
NOT_REPEATED = 20.0  # seconds above which a search runs once
LIMIT = 600.0  # time limit of one search, in seconds
THREE, TWO = "parameters,layers,loss", "loss,serving_memory"

Question = tuple[str, tuple[str, ...]]
"""A problem of the library or a size of `benchmarks.growth`, and settings that override it."""

_KV = "space.kv_heads=[1, 2, 4, 8, 16]"
_WIDTHS = "space.d_model={min = 1024, max = 16384, step = 128}"
_LAYERS = "space.layers={min = 8, max = 160}"
QUESTIONS: dict[str, Question] = {
    "reference": ("one-h100-1e24", (_WIDTHS, _KV)),
    "1e5": (
        "exercise-1e24",
        (_LAYERS, _WIDTHS, "space.head_dim=128", _KV, "space.ffn_ratio=[2.6667, 3.0, 3.5, 4.0]"),
    ),
    "2.5e6": (
        "exercise-1e24",
        (_LAYERS, "space.d_model={min = 1024, max = 16384, step = 64}",
         "space.head_dim=[64, 96, 128]", _KV,
         "space.ffn_ratio={min = 2.5, max = 4.0, step = 0.0625}", "space.ffn_multiple=64"),
    ),
    "2.4e6": (
        "exercise-1e24",
        (_LAYERS, _WIDTHS, "space.head_dim=128", _KV,
         "space.ffn_ratio={min = 2.5, max = 4.0, step = 0.016}",
         "space.ffn_multiple=8"),
    ),
    "small": (
        "exercise-1e24",
        ("space.layers={min = 4, max = 96}", "space.d_model={min = 512, max = 8192}",
         "space.head_dim=128", "space.kv_heads=[4, 8]", "space.ffn_ratio=3.5",
         "space.vocab_size=50304", "space.tied_embeddings=true", "training.sequence_length=2048",
         "training.flops=6ND", "budgets.training_flops=1e22", "objective.law=hoffmann-2022"),
    ),
    "phone": (
        "phone-2gb",
        ("space.layers={min = 12, max = 64}", "space.d_model={min = 1024, max = 4096, step = 128}",
         "space.head_dim=[64, 128]", "space.kv_group=[4, 8]", "space.ffn_ratio=[2.6667, 4.0]",
         "space.vocab_size=[32000, 65536]"),
    ),
    "1e8": ("1e8", ()),
    "1e9": ("1e9", ()),
}  # fmt: skip
"""Menus are finer than the library's. In `1e5`, `2.5e6`, `2.4e6` and `small` every design is
feasible, which takes most time."""

RANKINGS: dict[str, tuple[str, ...]] = {
    "the best 20": (),
    "by parameters": ("--by", "parameters"),
    "by layers": ("--group-by", "layers"),
    "all to CSV": ("--csv", "all.csv"),
    "all to Parquet": ("--parquet", "all.parquet"),
    "both": ("--csv", "all.csv", "--parquet", "all.parquet"),
}
FRONTS: tuple[tuple[str, str, str], ...] = (
    ("reference", THREE, "exhaustive"),
    ("reference", THREE, "bound"),
    ("2.4e6", THREE, "exhaustive"),
    ("2.4e6", THREE, "bound"),
)
AGREEMENT: tuple[tuple[str, str, str], ...] = tuple(
    (name, goals, solver)
    for name, goals in (("small", THREE), ("small", "parameters,loss"), ("phone", TWO))
    for solver in ("exhaustive", "bound", "scipy", "pulp")
)
LARGE: tuple[tuple[str, str, str], ...] = (
    ("1e8", TWO, "bound"),
    ("1e8", THREE, "bound"),
    ("1e9", TWO, "bound"),
)
_FINE = ("--set", _WIDTHS, "--set", _KV)
SWEEPS: dict[str, tuple[str, ...]] = {
    "one-h100-1e24, training FLOPs": ("one-h100-1e24", *_FINE),
    "the same without a band": ("one-h100-1e24", *_FINE, "--no-band"),
    "one-h100-1e24, serving memory": (
        "one-h100-1e24", *_FINE, "--over", "budgets.serving_memory",
        "--from", "10 GB", "--to", "200 GB",
    ),
    "exercise-1e24, 1e21 to 1e26 FLOPs": (
        "exercise-1e24", "--set", _LAYERS, "--set", _WIDTHS, "--set", "space.head_dim=[64, 128]",
        "--from", "1e21", "--to", "1e26",
    ),
}  # fmt: skip
SWEEP_POINTS = 41


def _set(settings: tuple[str, ...]) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


@dataclass(frozen=True, slots=True)
class Run:
    """A process: its seconds, its peak memory and the JSON that it printed."""

    seconds: float
    cpu: float
    megabytes: float
    answer: Any


def _process(command: list[str], *, answers: bool = True) -> Run:
    """Run a module, and read its JSON if `answers` is true.

    Large answers must not be read here, as this process's memory counts towards the next peak.
    """
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", *command], stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        output.seek(0)
        cpu = usage.ru_utime + usage.ru_stime
        answer = json.load(output) if answers else None
        return Run(seconds, cpu, usage.ru_maxrss / MEGABYTE, answer)


def _quickest(runs: list[Run]) -> dict[str, Any]:
    """Minimum and maximum seconds over the runs of a command, and maximum memory."""
    return {
        "process_seconds": min(run.seconds for run in runs),
        "slowest": max(run.seconds for run in runs),
        "cpu_seconds": min(run.cpu for run in runs),
        "megabytes": max(run.megabytes for run in runs),
    }


def _whole(command: list[str]) -> dict[str, Any]:
    """Run a command of the program; adds the minimum of its own seconds, and its answer."""
    runs = [_process(["modelsizer", *command, "--json", "-"]) for _ in range(RUNS)]
    own = min(run.answer["seconds"] for run in runs)
    return _quickest(runs) | {"seconds": own, "answer": runs[0].answer}


def _inside(folder: str, options: tuple[str, ...]) -> list[str]:
    return [str(Path(folder, o)) if o.startswith("all.") else o for o in options]


def _emptied(folder: str) -> float:
    """Delete the files in a folder; return their size in megabytes."""
    paths = list(Path(folder).iterdir())
    size = sum(path.stat().st_size for path in paths)
    for path in paths:
        path.unlink()
    return size / 1e6


def rankings() -> list[dict[str, Any]]:
    """Time whole processes of `modelsizer rank`."""
    rows = []
    print(f"{'designs':>10} {'feasible':>10}  {'':16}{'rank() s':>9}{'process s':>10}{'CPU s':>7}"
          f"{'peak MB':>9}{'file MB':>9}")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for name in ("1e5", "2.5e6"):
            file, settings = QUESTIONS[name]
            for what, options in RANKINGS.items():
                row = _whole(["rank", file, *_set(settings), *_inside(folder, options)])
                answer = row.pop("answer")
                row = {"question": name, "what": what} | row
                row |= {key: answer[key] for key in ("designs", "feasible")}
                row["file_megabytes"] = _emptied(folder)
                rows.append(row)
                written = f"{row['file_megabytes']:9.1f}" if row["file_megabytes"] else ""
                print(f"{row['designs']:10,} {row['feasible']:10,}  {what:16}{row['seconds']:9.2f}"
                      f"{row['process_seconds']:10.2f}{row['cpu_seconds']:7.2f}{row['megabytes']:9.0f}"
                      f"{written}", flush=True)  # fmt: skip
    return rows


def stated(name: str) -> Problem:
    """The problem of a question."""
    from modelsizer import Problem
    from modelsizer.problems.key_values import read_pairs

    source, settings = QUESTIONS[name]
    problem = Problem.from_tables(tables(source)) if source in DENSE else Problem.load(source)
    return problem.with_settings(read_pairs(settings))


def _cpu() -> float:
    """CPU seconds of this process and its children, such as CBC."""
    return sum(os.times()[:4])


def point(name: str, goals: str, solver: str) -> dict[str, Any]:
    """Compute one front with one solver, in this process."""
    from modelsizer.optimizer.fronts.indicators import hypervolume
    from modelsizer.optimizer.fronts.run import front

    problem = stated(name)
    seconds: list[float] = []
    cpu: list[float] = []
    for _ in range(RUNS):
        start, cpu_start = time.perf_counter(), _cpu()
        found = front(problem, goals.split(","), solver=solver, time_limit=LIMIT)
        seconds.append(time.perf_counter() - start)
        cpu.append(_cpu() - cpu_start)
        if seconds[-1] > NOT_REPEATED:
            break
    values = json.dumps([list(found.values[goal.name]) for goal in found.goals])
    volume = hypervolume(found.goals, found.points)
    return {
        "question": name,
        "goals": goals,
        "solver": solver,
        "designs": found.statistics["designs"],
        "points": len(found),
        "complete": found.complete,
        "stop": found.stop,
        "seconds": min(seconds),
        "slowest": max(seconds),
        "cpu_seconds": min(cpu),
        "runs": len(seconds),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE,
        "looked_at": found.statistics.get("looked_at"),
        "solves": found.statistics.get("solves"),
        "hypervolume": None if volume is None else volume["value"],
        "values_sha256": hashlib.sha256(values.encode()).hexdigest(),
        "unexplored": [{"least": zone.least, "most": zone.most} for zone in found.unexplored],
    }


def fronts(asked: tuple[tuple[str, str, str], ...]) -> list[dict[str, Any]]:
    """Time fronts, each in its own process; check that complete fronts of a question are equal.

    Raises
    ------
    ValueError
        If they differ.
    """
    rows: list[dict[str, Any]] = []
    first: dict[tuple[str, str], dict[str, Any]] = {}
    print(f"{'designs':>13}  {'solver':12}{'points':>8}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}"
          f"{'looked at, solved':>19}{'hypervolume':>13}")  # fmt: skip
    goals_shown = ""
    for name, goals, solver in asked:
        row = _process(["benchmarks.fronts", "--point", name, goals, solver]).answer
        if row["complete"]:
            known = first.setdefault((name, goals), row)
            for key in ("points", "hypervolume", "values_sha256"):
                if row[key] != known[key]:
                    raise ValueError(f"{key} of {solver} is not that of {known['solver']}: {name}")
        rows.append(row)
        if (heading := f"{name}: {goals}") != goals_shown:
            print(goals_shown := heading)
        work = row["solves"] if row["looked_at"] is None else row["looked_at"]
        print(f"{row['designs']:13,}  {solver:12}{row['points']:8,}{row['seconds']:9.2f}"
              f"{row['cpu_seconds']:8.2f}{row['megabytes']:9.0f}{work:19,}{row['hypervolume']:13.6f}"
              f"{'' if row['complete'] else '  not complete'}", flush=True)  # fmt: skip
    return rows


WAYS: dict[str, tuple[str, ...]] = {
    "24 points shown": (),
    "all to CSV": ("--csv", "all.csv"),
    "all to JSON": ("--json", "all.json"),
}


def commands() -> list[dict[str, Any]]:
    """Time whole processes of `modelsizer pareto`."""
    rows = []
    print(f"{'':10}  {'':16}{'process s':>10}{'CPU s':>7}{'peak MB':>9}{'file MB':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("reference", "2.4e6"):
            file, settings = QUESTIONS[name]
            for what, options in WAYS.items():
                command = ["modelsizer", "pareto", file, *_set(settings), *_inside(folder, options)]
                runs = [_process(command, answers=False) for _ in range(RUNS)]
                row = {"question": name, "what": what} | _quickest(runs)
                row["file_megabytes"] = _emptied(folder)
                rows.append(row)
                written = f"{row['file_megabytes']:9.1f}" if options else ""
                print(f"{name:10}  {what:16}{row['process_seconds']:10.2f}"
                      f"{row['cpu_seconds']:7.2f}{row['megabytes']:9.0f}{written}",
                      flush=True)  # fmt: skip
    return rows


def sweeps() -> list[dict[str, Any]]:
    """Time whole processes of `modelsizer frontier`."""
    rows = []
    print(f"{'':36}{'points':>7}{'solved':>8}{'seconds':>9}{'process s':>10}{'CPU s':>7}"
          f"{'peak MB':>9}")  # fmt: skip
    for what, options in SWEEPS.items():
        row = _whole(["frontier", *options, "--points", str(SWEEP_POINTS)])
        answer = row.pop("answer")
        solved = sum(p["status"] == "optimal" for p in answer["points"])
        row = {"what": what, "complete": answer["complete"], "points": answer["asked"],
               "solved": solved} | row  # fmt: skip
        rows.append(row)
        print(f"{what:36}{row['points']:7}{solved:8}{row['seconds']:9.2f}"
              f"{row['process_seconds']:10.2f}{row['cpu_seconds']:7.2f}{row['megabytes']:9.0f}"
              f"{'' if row['complete'] else '  not complete'}", flush=True)  # fmt: skip
    return rows


SECTIONS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "rankings": rankings,
    "fronts": lambda: fronts(FRONTS),
    "commands": commands,
    "agreement": lambda: fronts(AGREEMENT),
    "large": lambda: fronts(LARGE),
    "sweeps": sweeps,
}


def main() -> None:
    if sys.argv[1:2] == ["--point"]:
        print(json.dumps(point(*sys.argv[2:5])))
        return
    content = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    content["machine"] = {"python": platform.python_version(), "cores": os.cpu_count()}
    content["questions"] = {name: [q[0], *q[1]] for name, q in QUESTIONS.items()}
    RESULTS.parent.mkdir(exist_ok=True)
    for name in sys.argv[1:] or SECTIONS:
        print(f"\n{name}")
        content[name] = SECTIONS[name]()
        RESULTS.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
