"""Files of answers: refused before the work, whole or untouched, and never lost."""

from __future__ import annotations

import ast
import os
import re
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from modelsizer.cli import COMMANDS, app
from modelsizer.commands import output
from modelsizer.problems.files import FileError, check_writable, write_text
from tests.support.faulty_files import NUMBERS, PLACES, Fault, failing
from tests.support.shared import ROOT
from tests.support.written_files import Written, arguments, written

ALL = tuple(written())
FILES = [one for one in ALL if one.option not in ("FOLDER", "--export-dir")]
FOLDERS = [one for one in ALL if one not in FILES]
QUICK = ("whatif", "describe")
"""Commands whose files fail in the default run; the others do in the slow tests."""
POSIX = pytest.mark.skipif(os.name == "nt", reason="devices, pipes and permissions of POSIX")


def by_command(*quick: str) -> list[Any]:
    commands = dict.fromkeys(one.command for one in FILES)
    marks = {c: () if c in quick else pytest.mark.slow for c in commands}
    return [pytest.param(c, marks=marks[c]) for c in commands]


@pytest.fixture(scope="module", autouse=True)
def commands_made_once() -> Iterator[None]:
    """Typer makes all commands anew each time that one is run, in some 50 ms."""
    made = typer.main.get_command(app)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", lambda _: made)
        yield


def invoked(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def spare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files."""
    folder = tmp_path / "spare"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


# Refused before the work


def test_every_command_that_answers_writes_json() -> None:
    assert len(ALL) > 50
    without = set(COMMANDS) - {one.command for one in ALL if one.option == "--json"}
    assert without == {"report", "export", "gallery"}
    assert {one.command for one in ALL} == set(COMMANDS)


def bad_paths(name: str, folder: Path) -> Iterator[tuple[Path | str, str]]:
    """Paths that no file can have, and a word of what is said."""
    (folder / "folder" / name).mkdir(parents=True)
    (folder / "file").write_text("old")
    (folder / f"read-only-{name}").write_text("old")
    (folder / f"read-only-{name}").chmod(0o444)
    (folder / "closed").mkdir(mode=0o555)
    (folder / f"loop-{name}").symlink_to(f"loop-{name}")
    yield folder / "folder" / name, "is a folder"
    yield folder / "missing" / name, "there is no folder"
    yield folder / "file" / name, "Not a directory"
    yield folder / f"read-only-{name}", "is read-only"
    yield folder / "closed" / name, "no permission to write into the folder"
    yield folder / f"loop-{name}", "Too many levels of symbolic links"
    yield folder / (300 * "x" + name), "File name too long"
    yield f"{folder}/nul\0{name}", "is no path"


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    found = {str(path): path.lstat() for path in folder.rglob("*")}
    return {name: (status.st_mtime_ns, status.st_size) for name, status in found.items()}


@POSIX
@pytest.mark.parametrize("one", FILES, ids=lambda one: f"{one.command}{one.option}")
def test_a_path_that_cannot_be_written_is_refused_before_the_work(
    one: Written, tmp_path: Path
) -> None:
    run = arguments(one.command, tmp_path)
    bad = list(bad_paths(one.name, tmp_path))
    before = tree(tmp_path)
    for path, word in bad:
        answer = invoked(*run, *one.arguments(path))
        assert answer.exit_code == 2, (path, answer.output)
        assert answer.stdout == ""
        *more, line = answer.stderr.splitlines()
        if more:  # typer refuses a NUL itself
            assert "null byte" in line and one.option in line
            continue
        assert line.startswith(f"error: {one.option}: ") and word in line
        assert one.name in line
    assert tree(tmp_path) == before


@POSIX
@pytest.mark.parametrize("one", FOLDERS, ids=lambda one: f"{one.command}{one.option}")
def test_a_folder_that_cannot_be_made_is_refused_before_the_work(
    one: Written, tmp_path: Path
) -> None:
    run = arguments(one.command, tmp_path)
    (tmp_path / "file").write_text("old")
    (tmp_path / "closed").mkdir(mode=0o555)
    before = tree(tmp_path)
    for place, word in (("file", "not a folder"), ("file/x", "not a folder"),
                        ("closed", "no permission"), ("closed/x/y", "no permission"),
                        (300 * "x", "too long")):  # fmt: skip
        answer = invoked(*run, *one.arguments(f"{tmp_path}/{place}"))
        assert answer.exit_code == 2 and answer.stdout == "", answer.output
        (line,) = answer.stderr.splitlines()
        assert line.startswith(f"error: {one.option}: ") and word in line, line
    assert tree(tmp_path) == before


@pytest.mark.parametrize("one", FILES, ids=lambda one: f"{one.command}{one.option}")
def test_two_options_do_not_write_one_file(one: Written, tmp_path: Path) -> None:
    others = [w for w in FILES if w.command == one.command and w.option == "--json" != one.option]
    link = tmp_path / "link.json"
    link.symlink_to(one.name)
    for other in others:
        for path in (tmp_path / one.name, tmp_path / "." / one.name, link):
            run = [*arguments(one.command, tmp_path), *one.arguments(tmp_path / one.name)]
            answer = invoked(*run, *other.arguments(path))
            assert answer.exit_code == 2 and answer.stdout == ""
            assert re.search(r"is the file that --[\w-]+ writes; name another", answer.stderr)
    assert not (tmp_path / one.name).exists()


def test_no_option_writes_the_file_that_is_read(tmp_path: Path) -> None:
    problem = tmp_path / "problem.toml"
    problem.write_text("[training]\ntokens = 1e12\n")
    law = tmp_path / "law.toml"
    law.write_text("old")
    for words in (
        ("solve", str(problem), "--json", str(problem)),
        ("solve", str(problem), "--export", f"hf:{problem}"),
        ("solve", "phone-2gb", "--law", str(law), "--json", str(law)),
        ("fit", str(law), "-o", str(law)),
        ("report", str(problem), "-o", str(problem)),
        ("export", str(problem), "-o", str(problem)),
        ("describe", "llama-3.1-8b", "--problem", str(problem), "--json", str(problem)),
    ):
        answer = invoked(*words)
        assert answer.exit_code == 2, answer.output
        assert re.search(
            r"is the file that (FILE|--law|RUNS|SOURCE|--problem) reads", answer.stderr
        )
    assert problem.read_text().startswith("[training]") and law.read_text() == "old"


# Written whole or not at all


@cache
def outputs(command: str) -> tuple[output.Output, ...]:
    """The files of a command, as it hands them over to be written; the command runs once."""
    found: list[output.Output] = []
    folder = Path(tempfile.mkdtemp())
    given = [
        word
        for one in FILES + FOLDERS
        if one.command == command and one.option != "FOLDER"
        for word in one.arguments(folder / one.name)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(output, "_failures_of", lambda one: found.append(one) or [])
        answer = invoked(*arguments(command, folder), *given)
    assert answer.exit_code == 0, answer.output
    return tuple(one for one in found if one.path is not None)


def faults(size: int, *, many: bool) -> Iterator[Fault]:
    """Faults of a file of so many bytes."""
    numbers = NUMBERS if many else NUMBERS[:1]
    for number in numbers:
        for place in PLACES:
            if place != "write":
                yield Fault(place, number)
        for at in {0, 1, 511, 513, size // 2, size - 1} if many else {0, size // 2}:
            if at < size:
                yield Fault("write", number, at)


@POSIX
@pytest.mark.parametrize("command", by_command(*QUICK))
def test_a_file_that_fails_leaves_the_old_one_and_is_kept_elsewhere(
    command: str, tmp_path: Path, spare: Path
) -> None:
    seen = 0
    for one in outputs(command):
        if one.option == "--export-dir":
            continue
        assert one.path is not None
        whole, folder = tmp_path / "whole", tmp_path / f"faulty{one.option}"
        folder.mkdir()
        path = folder / one.path.name
        whole.mkdir(exist_ok=True)
        one.write(whole / path.name)
        expected = (whole / path.name).read_bytes()
        for fault in faults(len(expected), many=command not in QUICK):
            for old in (None, b"old"):
                path.unlink(missing_ok=True)
                if old is not None:
                    path.write_bytes(old)
                with failing(folder, fault):
                    (said,) = output._failures_of(output.Output(one.option, path, one.write))
                why = f"{one.option}: {path} cannot be written: {fault.error.strerror}"
                assert said.startswith(f"{why}; its content is in {spare}"), (fault, said)
                kept = Path(said.partition("its content is in ")[2])
                assert kept.read_bytes() == expected, fault
                assert [p.read_bytes() for p in folder.iterdir()] == [old] * (old is not None)
                seen += 1
    assert seen >= 12


@POSIX
def test_nothing_is_left_where_there_is_no_room_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    (one,) = outputs("describe")
    with failing(tmp_path, Fault("write", at=10)):
        said = output._failures_of(output.Output(one.option, tmp_path / "x.json", one.write))
    assert said == [f"--json: {tmp_path}/x.json cannot be written: No space left on device"]
    assert not list(tmp_path.iterdir())


@POSIX
def test_what_fails_keeps_neither_the_answer_nor_the_other_files(
    tmp_path: Path, spare: Path
) -> None:
    full, well = tmp_path / "full", tmp_path / "well"
    full.mkdir()
    well.mkdir()
    given = [
        "--json",
        str(full / "a.json"),
        "--csv",
        str(well / "a.csv"),
        "--plot",
        str(full / "a.svg"),
    ]
    with failing(full, Fault("fsync")):
        answer = invoked(*arguments("whatif", tmp_path), *given)
    assert answer.exit_code == 2
    assert "more" in answer.stdout and "layers" in answer.stdout
    assert [path.name for path in well.iterdir()] == ["a.csv"]
    assert not list(full.iterdir())
    first, second = answer.stderr.splitlines()
    assert first.startswith("error: --json: ") and second.startswith("error: --plot: ")
    assert {path.name for path in spare.rglob("a.*")} == {"a.json", "a.svg"}


def test_an_interrupt_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")

    def interrupted(file: Any) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    from modelsizer.problems.files import write_whole

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, interrupted)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_an_interrupt_while_a_file_is_made_still_prints_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("modelsizer.pictures.registry.draw", interrupted)
    paths = [str(tmp_path / name) for name in ("a.json", "a.svg")]
    answer = invoked(*arguments("memory", tmp_path), "--json", paths[0], "--plot", paths[1])
    assert answer.exit_code == 130
    assert "weights" in answer.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


# What is no regular file


@POSIX
def test_links_are_followed_and_permissions_kept(tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "folder" / "target"
    target.parent.mkdir()
    link.symlink_to("folder/target")
    write_text(link, "new")  # there was none yet
    target.chmod(0o640)
    write_text(link, "newer")
    assert link.is_symlink() and target.read_text() == "newer"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    other = tmp_path / "other"
    other.hardlink_to(target)
    write_text(target, "newest")
    assert other.read_text() == "newer"
    assert [p.name for p in target.parent.iterdir()] == ["target"]


@POSIX
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_permissions_of_the_process(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        write_text(tmp_path / "x", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o666 & ~mask


@POSIX
def test_a_device_is_written_into(tmp_path: Path) -> None:
    link = tmp_path / "link.png"
    link.symlink_to("/dev/null")
    for path in (Path("/dev/null"), link):
        write_text(path, "new")
        assert stat.S_ISCHR(path.stat().st_mode)
    assert link.is_symlink()
    if Path("/dev/full").exists():
        with pytest.raises(FileError, match=r"/dev/full cannot be written: No space left on dev"):
            write_text(Path("/dev/full"), "new")
        assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


@POSIX
def test_a_pipe_is_written_into_and_a_reader_that_goes_is_an_error(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_text(pipe, "new" * 100_000)
    reader.join()
    assert read == ["new" * 100_000] and stat.S_ISFIFO(pipe.stat().st_mode)
    reader = threading.Thread(target=lambda: pipe.open().close())
    reader.start()
    with pytest.raises(FileError, match="Broken pipe"):
        write_text(pipe, "new" * 1_000_000)
    reader.join()


@POSIX
def test_an_open_file_of_this_process_is_written_into(tmp_path: Path) -> None:
    with (tmp_path / "x").open("w+") as file:
        file.write("before ")
        file.flush()
        write_text(Path(f"/dev/fd/{file.fileno()}"), "new")
        file.seek(0)
        assert file.read() == "before new"
    with pytest.raises(FileError, match="Bad file descriptor"):
        check_writable(Path("/dev/fd/987"))


# Standard streams


def command(*words: str) -> str:
    return " ".join((sys.executable, "-m", "modelsizer", *words))


def shell(text: str, **more: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **more.pop("env", {})}
    run = ["bash", "-c", text]
    return subprocess.run(run, capture_output=True, text=True, env=environment, check=False, **more)


def assert_quiet(answer: subprocess.CompletedProcess[str]) -> None:
    for word in ("Traceback", "Exception ignored", "BrokenPipe"):
        assert word not in answer.stderr, answer.stderr


FULL = ("--help", "--version", "export llama-3.1-8b")
CLOSED = (">&-", "2>&-", "<&- >&- 2>&-")


@POSIX
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize(
    "words",
    [*FULL, *(pytest.param(f"{c} --help", marks=pytest.mark.slow) for c in COMMANDS)],
)
def test_a_full_standard_output_is_one_sentence(words: str, spare: Path) -> None:
    answer = shell(f"{command(words)} > /dev/full", env={"TMPDIR": str(spare)})
    assert answer.returncode == 2
    (line,) = answer.stderr.splitlines()
    assert line.startswith("error: standard output cannot be written: No space left on device")
    kept = [path for path in spare.rglob("*") if path.is_file()]
    assert len(kept) == (words in FULL[2:])
    assert all(f"the answer is in {path}" in line for path in kept)


@POSIX
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


@POSIX
def test_a_reader_that_goes_loses_no_file(tmp_path: Path) -> None:
    paths = " ".join(f"{option} {tmp_path}/{name}" for option, name in
                     (("--plot", "a.svg"), ("--json", "a.json"), ("--csv", "a.csv")))  # fmt: skip
    run = command("allocate", "llama-3.1-8b", paths)
    answer = shell(f"{run} | true; exit ${{PIPESTATUS[0]}}")
    assert answer.returncode == 0 and answer.stderr == ""
    assert {path.name for path in tmp_path.iterdir()} == {"a.svg", "a.json", "a.csv"}


@POSIX
@pytest.mark.parametrize("closed", CLOSED[1:])
def test_streams_that_are_closed_are_no_error(closed: str, tmp_path: Path) -> None:
    run = command("describe", "llama-3.1-8b", "--json", f"{tmp_path}/a.json")
    answer = shell(f"{run} {closed}")
    assert answer.returncode == 0 and answer.stderr == ""
    assert (tmp_path / "a.json").stat().st_size > 100
    assert ("attention" in answer.stdout) == (">&-" not in closed.replace("2>&-", ""))


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("end", ["| head -1", "| true", *CLOSED, "2>&1 | true", "2>/dev/full"])
def test_every_command_ends_quietly_with_streams_that_end(
    name: str, end: str, tmp_path: Path
) -> None:
    words = " ".join(f"'{word}'" for word in arguments(name, tmp_path))
    path = next((one.name for one in FILES if one.command == name), "pictures")
    given = " ".join(next(o for o in ALL if o.command == name).arguments(tmp_path / path))
    answer = shell(f"{command(words, given)} {end}; exit ${{PIPESTATUS[0]}}", cwd=tmp_path)
    assert_quiet(answer)
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / path).exists()


@POSIX
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


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize("blocks", [0, 1, 4])
def test_a_limit_on_the_size_of_files_is_one_sentence(blocks: int, tmp_path: Path) -> None:
    run = command("solve", "phone-2gb", f"--json {tmp_path}/a.json --plot {tmp_path}/a.png")
    answer = shell(f"ulimit -f {blocks}; {run} | cat > /dev/null; exit ${{PIPESTATUS[0]}}")
    assert answer.returncode == 2
    assert_quiet(answer)
    assert "--plot: " in answer.stderr and "File too large" in answer.stderr
    assert all(path.suffix == ".json" for path in tmp_path.iterdir())


# One writer


WRITERS = {
    "problems/files.py": "the one writer",
    "optimizer/sweeps/files.py": "points of a sweep are added one by one",
    "modelsizer/commands/streams.py": "the null device in place of a closed stream",
}


def test_nothing_else_writes_files() -> None:
    found = set()
    for package in ("problems", "optimizer", "plots", "modelsizer"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text()
            if not re.search(r"open\(|FileIO|mkstemp|NamedTemp|write_(text|bytes)|to_csv", text):
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and _opens_to_write(node):
                    found.add(path.relative_to(ROOT).as_posix())
    assert found == set(WRITERS)


def _opens_to_write(call: ast.Call) -> bool:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    texts = [a.value for a in call.args if isinstance(a, ast.Constant)]
    modes = [t for t in texts if isinstance(t, str) and re.fullmatch(r"[rwaxbt+]{1,3}", t)]
    if name == "write_text" or name == "write_bytes":
        return isinstance(call.func, ast.Attribute)
    if name == "open" and "O_WRONLY" in ast.dump(call):
        return "devnull" not in ast.dump(call)
    if name in ("open", "FileIO", "fdopen"):
        return (not modes and bool(call.args[1:])) or any(set(mode) & set("wax+") for mode in modes)
    return name in ("mkstemp", "NamedTemporaryFile", "savetxt", "to_csv", "to_parquet")
