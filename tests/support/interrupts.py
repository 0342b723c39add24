"""Commands that a signal stops at a random moment, and what they must leave behind."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

COMMANDS: dict[str, tuple[str, ...]] = {
    "solve": ("solve", "h100-cluster-90-days", "--json", "answer.json"),
    "solve by SciPy": ("solve", "one-h100-1e24", "--solver", "scipy", "--json", "answer.json"),
    "solve by CBC": ("solve", "fixed-2t-tokens", "--solver", "pulp", "--json", "answer.json"),
    "sweep": (
        *("sweep", "phone-2gb", "--jobs", "1", "-o", "rows.jsonl", "--json", "answer.json"),
        *("--set", "budgets.training_flops=1e21..1e24:log:24"),
    ),
    "sweep in processes": (
        *("sweep", "phone-2gb", "--jobs", "2", "-o", "rows.jsonl"),
        *("--set", "budgets.training_flops=1e21..1e24:log:24"),
    ),
    "pareto": (
        *("pareto", "one-h100-1e24", "--objectives", "parameters,layers,loss"),
        *("--json", "answer.json", "--csv", "points.csv"),
    ),
    "fit": (
        *("fit", str(ROOT / "docs/runs.csv"), "--bootstrap", "40", "-o", "law.toml"),
        *("--json", "answer.json"),
    ),
    "report": ("report", "fixed-2t-tokens", "-o", "page.html"),
    "rank": ("rank", "one-h100-1e24", "--csv", "designs.csv", "--json", "answer.json"),
    "prices": ("prices", "phone-2gb", "--json", "answer.json", "--csv", "prices.csv"),
    "whatif": ("whatif", "one-h100-1e24", "--json", "answer.json", "--plot", "scenarios.png"),
    "explain": (
        *("explain", "h100-cluster-90-days", "--set", "budgets.training_memory=20 GB"),
        *("--json", "answer.json"),
    ),
}
"""The five that the fault was found with, and others that hand over what is known."""

LAUNCH = (
    "import os, sys; from modelsizer.problems.interrupts import install; install(); "
    "os.write({ready}, b'.'); os.close({ready}); from modelsizer.__main__ import main; main()"
)
"""Tells that its first instructions have run: before, the signal is Python's own."""
KNOWN = (0, 1, 3, 130)
"""Exit statuses of a command that Ctrl-C may stop."""
_LONGEST = 60.0  # seconds
_GONE = 3.0  # seconds that worker processes may take to end


@dataclass(frozen=True)
class Stopped:
    """A command that was sent a signal, or none in time."""

    status: int
    out: str
    err: str
    seconds: float
    faults: tuple[str, ...]


def undisturbed(command: str, folder: Path) -> Stopped:
    return stopped(command, folder, None, 0.0)


def stopped(
    command: str, folder: Path, number: signal.Signals | None, after: float, launch: str = LAUNCH
) -> Stopped:
    """Run a command in a folder, and send it a signal so many seconds after its start."""
    before = {path.name for path in folder.iterdir()}
    ready, told = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", launch.format(ready=told), *COMMANDS[command]],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[told],
        start_new_session=True,
        # A job in the background of a script inherits SIGINT ignored, and would never hear it.
        preexec_fn=lambda: [signal.signal(n, signal.SIG_DFL) for n in (1, 2, 15)],
        env={k: v for k, v in os.environ.items() if k != "COLUMNS"} | {"PYTHONWARNINGS": "error"},
    )
    os.close(told)
    os.read(ready, 1)
    os.close(ready)
    started = time.perf_counter()
    try:
        out, err = process.communicate(timeout=after if number is not None else _LONGEST)
    except subprocess.TimeoutExpired:
        assert number is not None, f"{command} takes longer than {_LONGEST} s"
        process.send_signal(number)
        out, err = process.communicate(timeout=_LONGEST)
    seconds = time.perf_counter() - started
    found = (process.returncode, out.decode(), err.decode())
    faults = _faults(*found, number, folder, process.pid)
    if process.returncode != -signal.SIGKILL:
        left = {path.name for path in folder.iterdir() if path.name.startswith(".")} - before
        faults += [f"{name} was left" for name in sorted(left)]
    return Stopped(*found, seconds, tuple(faults))


def _faults(
    status: int, out: str, err: str, number: signal.Signals | None, folder: Path, group: int
) -> list[str]:
    found = []
    if number == signal.SIGINT and status not in KNOWN:
        found.append(f"exit status {status}")
    if "Traceback" in err or "Exception ignored" in err or "Traceback" in out:
        found.append("a traceback")
    if status in (3, 130) and len(err.splitlines()) > 1:
        found.append("more than one line on standard error")
    if status == 130 and "interrupted" not in err:
        found.append("no word")
    found += broken(folder)
    if not _gone(group):
        os.killpg(group, signal.SIGKILL)
        found.append("processes were left")
    return found


def _gone(group: int) -> bool:
    """Whether every process of a group has ended."""
    end = time.monotonic() + _GONE
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def broken(folder: Path) -> list[str]:
    """Files that are not whole."""
    found = []
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        try:
            _parse(path)
        except (ValueError, AssertionError) as error:
            found.append(f"{path.name} is not whole: {error!r:.80}")
    return found


def _parse(path: Path) -> None:
    content = path.read_bytes()
    if path.suffix == ".json":
        json.loads(content)
    elif path.suffix == ".jsonl":  # a last line may be cut: the next run drops it
        for line in content[: content.rfind(b"\n") + 1].splitlines():
            json.loads(line)
    elif path.suffix == ".toml":
        tomllib.loads(content.decode())
    elif path.suffix == ".html":
        assert content.rstrip().endswith(b"</html>")
    elif path.suffix == ".csv":
        rows = list(csv.reader(content.decode().splitlines()))
        assert content.endswith(b"\n") and len(rows) > 1
        assert len(set(map(len, rows))) == 1
    elif path.suffix == ".png":
        assert content.endswith(b"IEND\xaeB`\x82")


def moments(seconds: dict[str, float], count: int, seed: int) -> Sequence[tuple[str, float]]:
    """Commands and times to stop them at, evenly over how long they take and a little more."""
    draw = random.Random(seed)
    names = list(seconds)
    found = []
    for at in range(count):
        name = names[at % len(names)]
        found.append((name, draw.uniform(0, 1.05) * seconds[name]))
    return found
