"""Malformed and hostile inputs, through every door: exit status 2 and a sentence with the key."""

from __future__ import annotations

import json
import math
import resource
import time
from collections.abc import Callable
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import modelsizer as ms
from modelsizer.cli import app
from tests.support.hostile.case import BAD_INPUT, FOLDER, Case
from tests.support.hostile.cases import cases

_FEW = 3
_SECONDS = 10  # of one case, on a busy machine
_PARTS = 80  # of all cases, which take half a second to list
_LONGEST = 4500  # characters of an error
_MEMORY = 1500 * 2**20  # bytes that a case may add to the most that the process had
_SLOW_DOORS = ("10 GB", "many ", "long list", "open br", "deep array")


def group(case: Case) -> str:
    return f"{case.kind}, {case.args[0] if case.args else ''}"


@cache
def grouped() -> dict[str, list[Case]]:
    ordered = sorted(cases(), key=group)
    return {name: list(found) for name, found in groupby(ordered, key=group)}


def few() -> list[Case]:
    """Some cases of each kind, evenly over their doors."""
    kinds: dict[str, list[Case]] = {}
    for case in cases():
        if case.args and not any(words in case.door for words in _SLOW_DOORS):
            kinds.setdefault(case.kind, []).append(case)
    return [case for found in kinds.values() for case in found[:: -(-len(found) // _FEW)]]


def problem_of(case: Case, folder: Path) -> str:
    """What is wrong with the answer to a case; empty if nothing."""
    for name, content in case.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    for name, size in case.holes.items():
        with (folder / name).open("wb") as file:
            file.truncate(size)
    args = [argument.replace(FOLDER, str(folder)) for argument in case.args]
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    answer = CliRunner().invoke(app, args, input=case.stdin)
    seconds = time.perf_counter() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    said = answer.stderr
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        return f"{answer.exception!r:.300}"
    if answer.exit_code not in ((0, BAD_INPUT) if case.status is None else (case.status,)):
        return f"exit status {answer.exit_code}: {said:.300}"
    if answer.exit_code == BAD_INPUT and (said.lower().count("error:") != 1 or "Traceback" in said):
        return f"not one error: {said:.300}"
    if len(said) > _LONGEST:
        return f"{len(said)} characters"
    if missing := [word for word in case.words if word.lower() not in said.lower()]:
        return f"{missing} not in {said:.300}"
    if seconds > _SECONDS:
        return f"{seconds:.1f} s"
    return f"{grown / 2**20:.0f} MiB" if grown > _MEMORY else ""


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """New folders; the working folder is an empty one, and unexpected errors become sentences."""
    monkeypatch.delenv("MODELSIZER_TRACEBACK")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    names = iter(range(10**9))

    def new() -> Path:
        folder = tmp_path / str(next(names))
        folder.mkdir()
        return folder

    return new


def check(chosen: list[Case], folders: Callable[[], Path]) -> None:
    wrong = {str(case): found for case in chosen if (found := problem_of(case, folders()))}
    listed = "\n".join(f"{name}\n    {found}" for name, found in list(wrong.items())[:20])
    assert not wrong, f"{len(wrong)} of {len(chosen)}:\n{listed}"


def test_there_are_many_kinds_and_doors() -> None:
    every = list(cases())
    assert len({(case.args, str(case.files), case.stdin) for case in every}) > 5000
    assert len({case.kind for case in every}) > 30
    assert len({case.args[0] for case in every}) > 20


@pytest.mark.parametrize("part", range(4))
def test_some_cases_of_every_kind(part: int, folders: Callable[[], Path]) -> None:
    chosen = few()[part::4]
    assert len(chosen) > 15
    check(chosen, folders)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(_PARTS))
def test_every_case(part: int, folders: Callable[[], Path]) -> None:
    assert len(grouped()) >= _PARTS
    for name in sorted(grouped())[part::_PARTS]:
        check(grouped()[name], folders)


def test_an_unexpected_error_is_a_sentence_with_a_status_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.delenv("MODELSIZER_TRACEBACK")
    monkeypatch.setattr("modelsizer.problems.summary.summarize", broken)
    answer = CliRunner().invoke(app, ["check", "one-h100-1e24"])
    assert answer.exit_code == 70
    assert answer.stderr.startswith("error: unexpected ZeroDivisionError: by zero; this is a fault")
    assert answer.stderr.count("\n") == 1
    monkeypatch.setenv("MODELSIZER_TRACEBACK", "1")
    answer = CliRunner().invoke(app, ["check", "one-h100-1e24"])
    assert isinstance(answer.exception, ZeroDivisionError)


def test_null_is_not_given_and_its_default_is_said(folders: Callable[[], Path]) -> None:
    path = folders() / "config.json"
    config = {"model_type": "llama", "hidden_size": None, "num_hidden_layers": 2}
    path.write_text(json.dumps(config))
    answer = CliRunner().invoke(app, ["describe", str(path)])
    assert answer.exit_code == 0
    assert "hidden_size is null: the default of its type is taken, 4096" in answer.stderr
    with pytest.warns(UserWarning, match="hidden_size is null"):
        assert ms.load_architecture(str(path)).trunk.d_model == 4096
    path.write_text(json.dumps({"model_type": "deepseek_v2", "num_experts_per_tok": None}))
    answer = CliRunner().invoke(app, ["describe", str(path)])
    assert answer.exit_code == BAD_INPUT
    assert "num_experts_per_tok is null, and this type has no default" in answer.stderr


# Python


def deep(levels: int = 5000) -> Any:
    found: Any = 1
    for _ in range(levels):
        found = [found]
    return found


_BAD: tuple[Any, ...] = (
    *(
        math.nan,
        math.inf,
        -1,
        True,
        None,
        "x",
        "",
        [],
        {},
        10**5000,
        1e308,
        "\uff11",
        b"1",
        object(),
    ),
    deep(),
)
PROBLEM = ms.Problem.load("phone-2gb")
CALLS: dict[str, Callable[[Any], object]] = {
    "load": ms.Problem.load,
    "parse": ms.Problem.parse,
    "from_tables": ms.Problem.from_tables,
    "from_tables, space": lambda v: ms.Problem.from_tables({"space": v}),
    "with_settings": PROBLEM.with_settings,
    "a value": lambda v: PROBLEM.with_settings({"serving.batch_size": v}),
    "a menu": lambda v: PROBLEM.with_settings({"space.d_model": [256, v]}),
    "a key": lambda v: PROBLEM.with_settings({v if isinstance(v, str) else (v,): 1}
                                             if not isinstance(v, list | dict) else {(): 1}),
    "without": PROBLEM.without,
    "scenario": PROBLEM.scenario,
    "load_architecture": ms.load_architecture,
    "describe": ms.describe,
    "describe, batch": lambda v: ms.describe(ms.load_architecture("gpt2"), batch=v),
    "describe, kv_bytes": lambda v: ms.describe(ms.load_architecture("gpt2"), kv_bytes=v),
    "audit, tokens": lambda v: ms.audit(ms.load_architecture("llama-3-8b"), v),
    "whatif": lambda v: ms.whatif(PROBLEM, v) if v else ms.whatif(PROBLEM, 5),
    "sweep": lambda v: ms.sweep(PROBLEM, v),
    "frontier, over": lambda v: ms.frontier(PROBLEM, v),
    "rank, by": lambda v: ms.rank(PROBLEM, v if v is not None else 5),
    "explain, weights": lambda v: ms.explain(PROBLEM, weights=v or 5),
    "fit": ms.fit,
    "export": lambda v: ms.export(ms.load_architecture("llama-3-8b"), v),
    "solve": ms.solve,
    "solve, solver": lambda v: ms.solve(PROBLEM, solver=v),
    "solve, gap": lambda v: ms.solve(PROBLEM, gap=v),
    "solve, node_limit": lambda v: ms.solve(PROBLEM, node_limit=v),
}  # fmt: skip
_GOOD = {
    "solve, gap": (None, 1e308), "solve, node_limit": (None,),
    "load": ("phone-2gb",), "with_settings": ({},), "without": (), "a menu": (),
    "describe, batch": (None,), "describe, kv_bytes": (None,),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_arguments_of_functions(name: str, folders: Callable[[], Path]) -> None:
    for value in _BAD:
        if any(value is good or value == good for good in _GOOD.get(name, ())):
            continue
        with pytest.raises(ms.ModelsizerError) as error:
            CALLS[name](value)
        assert len(str(error.value)) < _LONGEST
        assert "\n" not in str(error.value) or isinstance(error.value, ms.ProblemError)
