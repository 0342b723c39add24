"""Files of answers: refused before the work, whole or untouched, and never lost."""

from __future__ import annotations

import ast
import os
import re
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from modelsizer.cli import COMMANDS, app
from modelsizer.commands import output
from tests.support.faulty_files import NUMBERS, PLACES, Fault, failing
from tests.support.shared import ROOT
from tests.support.written_files import Written, arguments, written

ALL = tuple(written())
FILES = [one for one in ALL if one.option not in ("FOLDER", "--export-dir")]
FOLDERS = [one for one in ALL if one not in FILES]
QUICK = ("describe",)
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
    assert without == {"report", "export", "gallery", "schema", "init", "serve"}
    assert {one.command for one in ALL} == set(COMMANDS) - {"schema", "serve"}  # which print JSON


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
        line = answer.stderr.splitlines()[-1]
        if "null byte" in line:  # typer refuses a NUL itself
            assert one.option in line
            continue
        assert answer.stderr == f"{line}\n"
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


def test_no_option_writes_a_law_that_is_read(tmp_path: Path) -> None:
    law = tmp_path / "law.toml"
    old = (
        '[law]\nname = "mine"\nform = "chinchilla"\n'
        "E = 1.7\nA = 482.0\nalpha = 0.34\nB = 2085.0\nbeta = 0.36\n"
    )
    law.write_text(old)
    problem = tmp_path / "problem.toml"
    problem.write_text(
        "[space]\nlayers = 8\nd_model = 1024\nvocab_size = 32000\n[training]\ntokens = 1e10\n"
        f'[scenarios.other]\nobjective.law = "file:{law}"\n'
    )
    named = f"objective.law=file:{law}"
    for words, reader in (
        (("solve", "phone-2gb", "--laws", f"kaplan-2020, {law}"), "--laws"),
        (("compare-laws", "phone-2gb", "--laws", f"{law},kaplan-2020"), "--laws"),
        (("solve", "phone-2gb", "--set", named), "--set"),
        (("sweep", "phone-2gb", "--set", f"{named},kaplan-2020"), "--set"),
        (("sweep", str(problem), "--set", "space.layers=8,9"), "scenarios.other.objective.law"),
        (("whatif", str(problem)), "scenarios.other.objective.law"),
    ):
        answer = invoked(*words, "--json", str(law))
        assert answer.exit_code == 2, answer.output
        assert f"is the file that {reader} reads; name another" in answer.stderr, answer.stderr
    assert law.read_text() == old


def test_a_path_that_ends_as_a_folder_does_is_no_file(tmp_path: Path) -> None:
    for text in (f"{tmp_path}/new/", "", "."):
        for words in (("describe", "llama-3.1-8b", "--json", text),
                      ("export", "llama-3.1-8b", "-o", text),
                      ("solve", "phone-2gb", "--export", f"hf:{text or '.'}")):  # fmt: skip
            answer = invoked(*words)
            assert answer.exit_code == 2 and answer.stdout == ""
            assert answer.stderr.endswith("is a folder, not a file\n")
    assert not list(tmp_path.iterdir())


# Written whole or not at all


@cache
def outputs(command: str) -> tuple[output.Output, ...]:
    """The files of a command, as it hands them over to be written; the command runs once."""
    found: list[output.Output] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
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
@pytest.mark.slow
def test_a_folder_that_fails_is_kept_elsewhere_whole(tmp_path: Path, spare: Path) -> None:
    (one,) = (one for one in outputs("plan-runs") if one.option == "--export-dir")
    one.write(tmp_path / "whole")
    expected = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    assert len(expected) > 1
    for fault in faults(100, many=True):
        folder = tmp_path / f"faulty-{fault}"
        with failing(folder, fault):
            (said,) = output._failures_of(output.Output(one.option, folder, one.write))
        kept = Path(said.partition("its content is in ")[2])
        assert said.startswith(f"--export-dir: {folder}/") and kept.is_relative_to(spare)
        assert {path.name: path.read_bytes() for path in kept.iterdir()} == expected
        assert all(expected[path.name] == path.read_bytes() for path in folder.iterdir())


@POSIX
def test_nothing_is_left_where_there_is_no_room_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = next(each for each in outputs("describe") if each.option == "--json")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    file = output.Output(one.option, tmp_path / "x.json", one.write)
    with failing(tmp_path, Fault("write", at=10)):
        (said,) = output._failures_of(file)
    (kept,) = here.glob("*/x.json")
    assert said.endswith(f"; its content is in {kept.relative_to(here)}")
    with failing(tmp_path, Fault("write", at=10)), monkeypatch.context() as patch:
        patch.setattr(tempfile, "mkdtemp", Fault("open").raised)
        said = output._failures_of(file)
    assert said == [f"--json: {tmp_path}/x.json cannot be written: No space left on device"]
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


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
    assert "more" in answer.stdout and "training.tokens" in answer.stdout
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

    monkeypatch.setattr("modelsizer.pictures.registry.draw_within", interrupted)
    paths = [str(tmp_path / name) for name in ("a.json", "a.svg")]
    answer = invoked(*arguments("memory", tmp_path), "--json", paths[0], "--plot", paths[1])
    assert answer.exit_code == 130
    assert "weights" in answer.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


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
