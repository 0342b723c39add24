"""Ctrl-C, SIGTERM, SIGHUP and SIGKILL at random moments: no traceback, no half file, no word lost."""

import json
import os
import signal
from functools import cache
from pathlib import Path

import pytest

from tests.support.interrupts import COMMANDS, Stopped, moments, stopped, undisturbed

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="signals of POSIX"),
    pytest.mark.timeout(120),
]
FIVE = ("solve", "sweep", "pareto", "fit", "report")


@cache
def _whole(command: str, folder: Path) -> tuple[Stopped, dict[str, object]]:
    """A command that nothing stopped, and its files."""
    place = folder / command
    place.mkdir()
    found = undisturbed(command, place)
    assert found.status == 0 and not found.faults, found
    return found, {path.name: timeless(path) for path in place.iterdir()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole")


def timeless(path: Path) -> object:
    """The content of a file without seconds."""
    if path.suffix == ".json":
        return _timeless(json.loads(path.read_text("utf-8")))
    text = path.read_bytes()
    return text if path.suffix == ".jsonl" else len(text) > 0


def _timeless(value: object) -> object:
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if k not in ("seconds", "solved")}
    return [_timeless(v) for v in value] if isinstance(value, list) else value


def check(found: Stopped, command: str, place: Path) -> None:
    assert not found.faults, (command, found)
    if found.status == 3 and "--json" in COMMANDS[command] and not command.startswith("sweep"):
        assert (place / "answer.json").exists(), (command, found)


def interrupted(
    folder: Path, tmp_path: Path, names: tuple[str, ...], count: int, seed: int
) -> None:
    seconds = {name: _whole(name, folder)[0].seconds for name in names}
    for at, (name, after) in enumerate(moments(seconds, count, seed)):
        place = tmp_path / str(at)
        place.mkdir()
        check(stopped(name, place, signal.SIGINT, after), name, place)


def test_ctrl_c_at_random(folder: Path, tmp_path: Path) -> None:
    interrupted(folder, tmp_path, ("solve", "sweep"), 4, seed=0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ctrl_c_at_200_moments(folder: Path, tmp_path: Path) -> None:
    interrupted(folder, tmp_path, tuple(COMMANDS), 200, seed=1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_leave_nothing_half(
    number: signal.Signals, folder: Path, tmp_path: Path
) -> None:
    after = _whole("solve", folder)[0].seconds * 0.6
    found = stopped("solve", tmp_path, number, after)
    assert not found.faults, found
    assert found.status in (0, 128 + number), found


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_50_kills_lose_nothing(folder: Path, tmp_path: Path) -> None:
    seconds = {name: _whole(name, folder)[0].seconds for name in FIVE}
    for at, (name, after) in enumerate(moments(seconds, 50, seed=2)):
        place = tmp_path / str(at)
        place.mkdir()
        found = stopped(name, place, signal.SIGKILL, after)
        assert not found.faults, (name, after, found)
        again = undisturbed(name, place)
        assert again.status == 0 and not again.faults, (name, after, again)
        visible = [path for path in place.iterdir() if not path.name.startswith(".")]
        assert {path.name: timeless(path) for path in visible} == _whole(name, folder)[1]


def test_a_signal_that_was_ignored_stays_ignored() -> None:
    """As of `nohup`, and of a job in the background of a script."""
    code = (
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
        "from modelsizer.problems.interrupts import install; install(); "
        "print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, "
        "signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    )
    assert python(code) == "True False\n"


def test_importing_installs_no_handler() -> None:
    code = (
        "import signal, modelsizer; modelsizer.solve(modelsizer.Problem.load('fixed-2t-tokens')); "
        "import modelsizer.cli, modelsizer.__main__; "
        "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    )
    assert python(code) == "True\n"


def python(code: str) -> str:
    import subprocess
    import sys

    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: [signal.signal(n, signal.SIG_DFL) for n in (1, 2, 15)],
    ).stdout
