"""Standard streams that are closed, full, or have a reader that goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from modelsizer.cli import COMMANDS
from tests.support.written_files import arguments, written

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shells and devices of POSIX")
ALL = tuple(written())


@pytest.fixture
def spare(tmp_path: Path) -> Path:
    """The folder of temporary files."""
    folder = tmp_path / "spare"
    folder.mkdir()
    return folder


def command(*words: str) -> str:
    return " ".join((sys.executable, "-m", "modelsizer", *words))


def shell(text: str, **more: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **more.pop("env", {})}
    run = ["bash", "-c", text]
    return subprocess.run(run, capture_output=True, text=True, env=environment, check=False, **more)


def assert_quiet(answer: subprocess.CompletedProcess[str]) -> None:
    for word in ("Traceback", "Exception ignored", "BrokenPipe"):
        assert word not in answer.stderr, answer.stderr


FULL = ("--version", "export llama-3.1-8b")
CLOSED = (">&-", "2>&-", "<&- >&- 2>&-")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize(
    "words",
    [*FULL, *(pytest.param(f"{c} --help", marks=pytest.mark.slow) for c in ("", *COMMANDS))],
)
def test_a_full_standard_output_is_one_sentence(words: str, spare: Path) -> None:
    answer = shell(f"{command(words)} > /dev/full", env={"TMPDIR": str(spare)})
    assert answer.returncode == 2
    *notes, line = answer.stderr.splitlines()
    assert all(note.startswith("llama-3.1-8b: the catalogue holds its shape") for note in notes)
    assert line.startswith("error: standard output cannot be written: No space left on device")
    kept = [path for path in spare.rglob("*") if path.is_file()]
    assert len(kept) == (words in FULL[1:])
    assert all(f"the answer is in {path}" in line for path in kept)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("name", [c for c in COMMANDS if c not in ("report", "gallery", "export")])
@pytest.mark.parametrize("json", [False, True])
def test_an_answer_that_standard_output_does_not_take_is_kept(
    name: str, json: bool, tmp_path: Path, spare: Path
) -> None:
    words = " ".join(f"'{word}'" for word in arguments(name, tmp_path))
    run = command(words, *(["--json", "-"] if json else []))
    answer = shell(f"{run} > /dev/full", env={"TMPDIR": str(spare)})
    assert answer.returncode == 2
    (line,) = answer.stderr.splitlines()
    (kept,) = (path for path in spare.rglob("answer.*"))
    assert f"the answer is in {kept}" in line
    assert kept.stat().st_size > 100
    assert kept.suffix == (".json" if json else ".txt")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_file_and_standard_output_that_fail_are_both_told(spare: Path) -> None:
    run = command("describe", "llama-3.1-8b", "--json", "/dev/full")
    answer = shell(f"{run} > /dev/full", env={"TMPDIR": str(spare)})
    assert answer.returncode == 2
    first, second = sorted(answer.stderr.splitlines())
    assert first.startswith("error: --json: /dev/full cannot be written: No space left")
    assert second.startswith("error: standard output cannot be written: No space left")
    assert {path.name for path in spare.glob("*/*")} == {"full", "answer.txt"}


def test_a_reader_that_goes_loses_no_file(tmp_path: Path) -> None:
    paths = " ".join(f"{option} {tmp_path}/{name}" for option, name in
                     (("--plot", "a.svg"), ("--json", "a.json"), ("--csv", "a.csv")))  # fmt: skip
    run = command("describe", "llama-3.1-8b", "--view allocation", paths)
    answer = shell(f"{run} | true; exit ${{PIPESTATUS[0]}}")
    assert answer.returncode == 0 and answer.stderr == ""
    assert {path.name for path in tmp_path.iterdir()} == {"a.svg", "a.json", "a.csv"}


@pytest.mark.slow
def test_a_pipe_that_does_not_wait_is_waited_for() -> None:
    """As a terminal is left by other programs."""
    fcntl = pytest.importorskip("fcntl")
    ours, theirs = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(theirs, False)
    run = [sys.executable, "-m", "modelsizer", "accelerators", "--json", "-"]
    with subprocess.Popen(run, stdout=theirs, stderr=subprocess.PIPE) as process:
        os.close(theirs)
        with os.fdopen(ours, "rb") as reader:
            first = reader.read(1)
            time.sleep(0.2)  # the pipe is full
            rest = reader.read()
        assert process.wait() == 0 and process.stderr is not None and not process.stderr.read()
    assert json.loads(first + rest)["accelerators"]


@pytest.mark.parametrize(
    "closed", [*(pytest.param(c, marks=pytest.mark.slow) for c in CLOSED[:2]), CLOSED[2]]
)
def test_streams_that_are_closed_are_no_error(closed: str, tmp_path: Path) -> None:
    run = command("describe", "llama-3.1-8b", "--json", f"{tmp_path}/a.json")
    answer = shell(f"{run} {closed}")
    assert answer.returncode == 0 and answer.stderr == ""
    assert (tmp_path / "a.json").stat().st_size > 100
    assert ("attention" in answer.stdout) == (">&-" not in closed.replace("2>&-", ""))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "end"),
    [
        *((name, end) for name in COMMANDS for end in ("| true", CLOSED[-1])),
        *(("memory", end) for end in ("| head -1", *CLOSED[:2], "2>&1 | true", "2>/dev/full")),
    ],
)
def test_every_command_ends_quietly_with_streams_that_end(
    name: str, end: str, tmp_path: Path
) -> None:
    words = " ".join(f"'{word}'" for word in arguments(name, tmp_path))
    path = next((one.name for one in ALL if one.command == name), "pictures")
    given = " ".join(next(o for o in ALL if o.command == name).arguments(tmp_path / path))
    answer = shell(f"{command(words, given)} {end}; exit ${{PIPESTATUS[0]}}", cwd=tmp_path)
    assert_quiet(answer)
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / path).exists()


@pytest.mark.parametrize(
    "encoding",
    ["ascii:strict", *(pytest.param(e, marks=pytest.mark.slow) for e in ("latin-1", "utf-16"))],
)
def test_no_encoding_is_an_error(encoding: str, tmp_path: Path) -> None:
    problem = tmp_path / "\N{CJK UNIFIED IDEOGRAPH-4E00}\udcff.toml"
    env = {"PYTHONIOENCODING": encoding}
    answer = subprocess.run(
        [sys.executable, "-m", "modelsizer", "solve", os.fsencode(problem)],
        capture_output=True, env={**os.environ, **env}, check=False,
    )  # fmt: skip
    assert answer.returncode == 2
    assert b"Traceback" not in answer.stderr


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [0, 1, 4])
def test_a_limit_on_the_size_of_files_is_one_sentence(blocks: int, tmp_path: Path) -> None:
    run = command("solve", "phone-2gb", f"--json {tmp_path}/a.json --plot {tmp_path}/a.png")
    answer = shell(f"ulimit -f {blocks}; {run} | cat > /dev/null; exit ${{PIPESTATUS[0]}}")
    assert answer.returncode == 2
    assert_quiet(answer)
    assert "--plot: " in answer.stderr and "File too large" in answer.stderr
    assert all(path.suffix == ".json" for path in tmp_path.iterdir())
