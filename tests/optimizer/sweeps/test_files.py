"""The file of a sweep: written atomically, read back, and rejected if it is of another sweep."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelsizer import Problem
from modelsizer.optimizer.sweeps.files import Question, SweepFile, line
from modelsizer.optimizer.sweeps.workers import results
from modelsizer.problems.errors import ModelsizerError
from tests.support.problem_text import GOOD
from tests.support.sweeps import GOOD_PROBLEM, POSIX, SETTINGS, question


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A whole file, and its rows written in another order than the grid's."""
    path = tmp_path / "x.jsonl"
    with SweepFile(path, question()) as file:
        for row in results(file.question, file.missing[::-1], jobs=1):
            file.append(row)
        raw = path.read_bytes()
        file.finish()
    assert path.read_bytes() != raw and sorted(path.read_bytes()) == sorted(raw)
    return path


def test_the_finished_file_is_sorted_and_says_what_it_is(finished: Path) -> None:
    header, *rows = [json.loads(text) for text in finished.read_text().splitlines()]
    assert [row["index"] for row in rows] == list(range(16))
    assert header["format"] == "modelsizer-sweep" and header["points"] == 16
    assert [axis["key"] for axis in header["grid"]] == [s.partition("=")[0] for s in SETTINGS]
    assert Problem.from_tables(header["problem"]) == GOOD_PROBLEM
    assert "seconds" not in finished.read_text()
    assert {row["status"] for row in rows} == {"optimal", "infeasible"}


@pytest.mark.parametrize("cut", [1, 40, "line", "header", "damage"])
def test_a_line_cut_short_is_dropped(finished: Path, cut: int | str) -> None:
    whole = finished.read_bytes()
    lines = whole.splitlines(keepends=True)
    content, kept = {
        1: (whole[:-1], 15),
        40: (whole[:-40], 15),
        "line": (b"".join(lines[:5]), 4),
        "header": (lines[0][:30], 0),
        "damage": (b"".join(lines[:-1]) + b"\0" * 20 + b"\n", 15),
    }[cut]
    finished.write_bytes(content)
    with SweepFile(finished, question()) as file:
        assert file.found == kept and len(file.missing) == 16 - kept
        assert finished.read_bytes() == b"".join(lines[: kept + 1])  # before anything is appended
        for row in results(file.question, file.missing, jobs=1):
            file.append(row)
        file.finish()
    assert finished.read_bytes() == whole


def test_damage_within_a_file_is_refused(finished: Path) -> None:
    lines = finished.read_bytes().splitlines(keepends=True)
    moved = json.loads(lines[3]) | {"index": 9}  # a row of another point than its values say
    for bad in (b"{}\n", b"nonsense\n", line(moved)):
        finished.write_bytes(b"".join([*lines[:3], bad, *lines[4:]]))
        with pytest.raises(ModelsizerError, match="line 4 is no result of this sweep"):
            SweepFile(finished, question())


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        (Question(GOOD_PROBLEM.with_settings({"serving.batch_size": 8}), question().grid),
         "serving.batch_size"),
        (question(solver="bound"), "solver"),
        (question(time_limit=3.0), "time_limit"),
        (question((*SETTINGS[:2], "budgets.kv_cache=1 GB,400 MB")), "the values of budgets.kv_cache"),
        (question(SETTINGS[::-1]), "the order of the keys"),
    ],
)  # fmt: skip
def test_another_question_is_refused_and_may_start_anew(
    finished: Path, changed: Question, word: str
) -> None:
    before = finished.read_bytes()
    with pytest.raises(ModelsizerError, match=f"another question; changed: {word}"):
        SweepFile(finished, changed)
    assert finished.read_bytes() == before
    with SweepFile(finished, changed, resume=False) as file:
        assert file.found == 0 and len(file.missing) == 16


def test_the_hash_is_of_the_question_alone() -> None:
    same = Question(Problem.parse(GOOD.replace("1e21", '"1000e18"')), question().grid)
    assert same.header == question().header
    with_scenarios = Problem.parse(GOOD + "\n[scenarios.a]\nserving.batch_size = 2\n")
    assert Question(with_scenarios.without_scenarios(), question().grid).header == same.header


@pytest.mark.parametrize("resume", [True, False])
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, resume: bool) -> None:
    path = tmp_path / "notes.jsonl"
    for text in ("my notes\n", '{"a": 1}\n', "unfinished"):
        path.write_text(text)
        with pytest.raises(ModelsizerError, match="no file of a sweep"):
            SweepFile(path, question(), resume=resume)
        assert path.read_text() == text


@POSIX
def test_two_sweeps_do_not_write_one_file(finished: Path) -> None:
    with (
        SweepFile(finished, question()),
        pytest.raises(ModelsizerError, match="another sweep is writing"),
    ):
        SweepFile(finished, question())
    SweepFile(finished, question()).__exit__(None, None, None)
