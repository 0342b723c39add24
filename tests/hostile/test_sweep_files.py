"""Files of sweeps that fail or are killed: what stays is whole lines, and the rest is solved."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.optimizer.sweeps import files
from tests.support.faulty_files import NUMBERS, Fault, failing
from tests.support.written_files import arguments

SWEEP = ("sweep", "phone-2gb", "--set", "budgets.serving_memory=1 GB..3 GB:lin:6", "--jobs", "1")


def swept(path: Path, *more: str) -> Any:
    return CliRunner().invoke(app, [*SWEEP, "-o", str(path), *more])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a sweep in which nothing fails."""
    path = tmp_path_factory.mktemp("whole") / "a.jsonl"
    assert swept(path).exit_code == 0
    return path.read_bytes()


def full(monkeypatch: pytest.MonkeyPatch, room: int, number: int) -> None:
    """Let a sweep's file take no more than so many bytes."""

    class Full(io.FileIO):
        def write(self, data: Any) -> int:
            left = room - os.fstat(self.fileno()).st_size
            if left <= 0:
                raise OSError(number, os.strerror(number))
            return super().write(memoryview(data)[:left])

    monkeypatch.setattr(files, "FileIO", Full)


def assert_whole_lines(path: Path, whole: bytes) -> None:
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    assert all(line.endswith(b"\n") for line in lines)
    assert set(lines) <= set(whole.splitlines(keepends=True))


@pytest.mark.parametrize("part", [0.0, 0.1, 0.3, 0.62, 0.999])
@pytest.mark.parametrize("number", [NUMBERS[0], *(pytest.param(n, marks=pytest.mark.slow)
                                                  for n in NUMBERS[1:])])  # fmt: skip
def test_a_full_disk_keeps_whole_lines_and_the_sweep_goes_on(
    part: float, number: int, whole: bytes, tmp_path: Path
) -> None:
    path, room = tmp_path / "a.jsonl", int(part * len(whole))
    with pytest.MonkeyPatch.context() as patch:
        full(patch, room, number)
        answer = swept(path)
    assert answer.exit_code == 2 and answer.stdout == ""
    (line,) = answer.stderr.splitlines()
    there = f"error: --output: {path} cannot be written: {os.strerror(number)}; {path} holds "
    assert line.startswith(there) and line.endswith("the same command goes on from there")
    if room > whole.index(b"\n"):
        assert_whole_lines(path, whole)
    else:
        assert not list(tmp_path.iterdir())
    assert swept(path).exit_code == 0
    assert path.read_bytes() == whole


def test_the_last_step_fails_and_every_point_is_kept(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = whole.splitlines(keepends=True)
    for fault in (Fault("write", at=9), Fault("fsync"), Fault("close"), Fault("replace")):
        path.write_bytes(b"".join([lines[0], *reversed(lines[1:])]))
        with failing(tmp_path, fault):
            answer = swept(path)
        assert answer.exit_code == 2 and "No space left" in answer.stderr
        assert "holds 6 of 6 points" in answer.stderr
        assert list(tmp_path.iterdir()) == [path]
        assert sorted(path.read_bytes().splitlines()) == sorted(whole.splitlines())
    assert swept(path).exit_code == 0 and path.read_bytes() == whole


def test_a_table_that_fails_is_kept_elsewhere_and_the_points_stay(
    whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "spare").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "spare"))
    (tmp_path / "a.jsonl").write_bytes(whole)
    with failing(tmp_path, Fault("write", errno.EIO)):
        answer = swept(tmp_path / "a.parquet")
    assert answer.exit_code == 2 and "6 points" in answer.stdout
    assert f"--output: {tmp_path}/a.parquet cannot be written: Input/output" in answer.stderr
    (kept,) = (tmp_path / "spare").rglob("a.parquet")
    assert f"writtento{kept}" in "".join(answer.stdout.split())  # wrapped
    assert not (tmp_path / "a.parquet").exists()


@pytest.mark.parametrize("edit", ["missing", "more", "true", "deep"])
def test_a_line_that_is_no_row_is_not_trusted(edit: str, whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = whole.splitlines()
    row = json.loads(lines[2])
    if edit == "missing":
        del row["status"]
    elif edit == "more":
        row["other"] = 1
    else:
        row["index"] = True
    lines[2] = b"[" * 100_000 if edit == "deep" else json.dumps(row).encode()
    path.write_bytes(b"\n".join(lines) + b"\n")
    answer = swept(path)
    assert answer.exit_code == 2
    assert "line 3 is no result of this sweep" in answer.stderr


@pytest.mark.skipif(os.name == "nt", reason="pipes and devices of POSIX")
def test_a_sweep_is_kept_in_no_pipe_and_no_device(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe.jsonl", tmp_path / "link.jsonl"
    os.mkfifo(pipe)
    link.symlink_to("/dev/null")
    for path in (pipe, link):
        answer = swept(path)
        assert answer.exit_code == 2 and answer.stdout == ""
        assert f"--output: {path} is no regular file" in answer.stderr
    assert link.is_symlink()


def test_a_sweep_goes_through_a_link(whole: bytes, tmp_path: Path) -> None:
    link, target = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    link.symlink_to("b.jsonl")
    assert swept(link).exit_code == 0
    assert link.is_symlink() and target.read_bytes() == whole


# Killed


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["sweep", "fit", "report", "solve"])
def test_a_kill_leaves_nothing_half(name: str, whole: bytes, tmp_path: Path) -> None:
    """Killed at 12 random moments; what is there is the old file or the new one."""
    option, path = {
        "sweep": ("-o", tmp_path / "a.jsonl"), "fit": ("-o", tmp_path / "law.toml"),
        "report": ("-o", tmp_path / "a.html"), "solve": ("--plot", tmp_path / "a.svg"),
    }[name]  # fmt: skip
    words = list(SWEEP) if name == "sweep" else arguments(name, tmp_path)
    run = [sys.executable, "-m", "modelsizer", *words, option, str(path)]
    began = time.perf_counter()
    subprocess.run(run, check=True, capture_output=True)
    seconds = time.perf_counter() - began
    new = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(12):
        if name == "sweep":
            path.unlink()
        else:
            path.write_bytes(b"old")
        process = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds * random.uniform(0.3, 1.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if name == "sweep":
            subprocess.run(run, check=True, capture_output=True)
            assert path.read_bytes() == new
        else:
            assert path.read_bytes() in (b"old", new)
