"""The JSON Schema of the problem file: as the tables have it, and as the reader reads."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from modelsizer import Problem, ProblemError
from modelsizer.problems.docstrings import parameters_of
from modelsizer.problems.key_values import write_value
from modelsizer.problems.plain_values import PlainValueError, check_plain
from modelsizer.problems.reading import library, schema_file
from modelsizer.problems.schema import DescribedKey, described_keys
from modelsizer.problems.units import UNITS, parse_quantity
from modelsizer.problems.value_forms import text_pattern
from tests.support import every_setting, extreme_problems, random_problems
from tests.support.hostile import problems as hostile
from tests.support.malformed import MALFORMED, malformed
from tests.support.problem_text import GOOD
from tests.support.shared import ROOT

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
KEYS = described_keys()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TABLES = re.compile(r"```toml\n(.*?)```", re.DOTALL)

ONLY_THE_READER = re.compile(
    "is too (large|small|long)|not a finite|must be a whole number|is above max|more than 1000000"
    "|is not a unit of tokens"  # bytes, of which an amount out of range is no number
)
"""Faults of one value that a schema cannot see: text within quotes that is out of range or no whole
number, numbers that JSON does not have, and ends in the wrong order."""
SEVERAL_KEYS = re.compile(
    "divides? no|divide|not both|default step|multiple of|needs|too few|pipeline stages|"
    "aspect|widen|at least one|training tokens|budgets.loss|comes with|required|pad it"
)
"""Faults that depend on several keys."""


@cache
def validator() -> Any:
    schema = json.loads(schema_file().read_text("utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def refusals(tables: Any) -> list[str]:
    return [f"{list(e.absolute_path)}: {e.message:.150}" for e in validator().iter_errors(tables)]


def test_the_installed_schema_is_that_of_the_tables() -> None:
    # In a process of its own: other tests register quantities.
    code = "from modelsizer.problems.schema import schema_text; print(schema_text(), end='')"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    stale = "the tables changed: run `python -m modelsizer.problems.schema` and commit the file"
    assert schema_file().read_text("utf-8") == made.stdout, stale


@pytest.mark.parametrize("name", sorted(library()))
def test_every_problem_of_the_library_validates(name: str) -> None:
    assert not refusals(tomllib.loads(library()[name].read_text("utf-8")))
    assert not refusals(Problem.load(name).to_dict())


@pytest.mark.parametrize(
    ("make", "seeds"),
    [
        (random_problems.random_tables, 15),
        (random_problems.layout_tables, 15),
        (extreme_problems.extreme_tables, 15),
        (lambda seed: every_setting.problem(seed).to_dict(), 4),
    ],
)
def test_what_the_reader_reads_the_schema_takes(make: Any, seeds: int) -> None:
    read = 0
    for seed in range(seeds):
        tables = make(seed)
        try:
            Problem.from_tables(tables)
        except ProblemError:
            continue
        read += 1
        assert not refusals(tables), seed
    assert read > seeds / 2


def test_problems_of_the_documentation_validate() -> None:
    found = 0
    for page in PAGES:
        for text in TABLES.findall(page.read_text("utf-8")):
            tables = tomllib.loads(text)
            if tables.keys() & {"space", "serving", "training", "budgets"}:
                wrong = [
                    text for text in refusals({"space": {}} | tables) if "required" not in text
                ]
                assert not wrong, page
                found += 1
    assert found > 4


def _wrong() -> Iterator[tuple[str, Any, str]]:
    """Wrong files that TOML has, with the reader's message."""
    texts = [(str(MALFORMED[n]), malformed(n)) for n in range(len(MALFORMED))]
    for cases in (
        hostile.numbers_in_problems,
        hostile.words_in_problems,
        hostile.tables_in_problems,
        hostile.scenarios_in_problems,
    ):
        found = [
            case for case in cases() if "--set" not in case.args and "problem.toml" in case.files
        ]
        texts += [(case.door, case.files["problem.toml"].decode()) for case in found[::7]]
    for door, text in texts:
        if len(text) > 20_000:
            continue
        try:
            tables = tomllib.loads(text)
            check_plain(tables)
        except (ValueError, PlainValueError, RecursionError):
            continue
        try:
            Problem.parse(text)
        except ProblemError as error:
            yield door, tables, str(error)
        else:
            assert not refusals(tables), door


def test_what_the_reader_refuses_the_schema_refuses_but_for_reasons() -> None:
    refused, taken = 0, []
    for door, tables, message in _wrong():
        if refusals(tables):
            refused += 1
        elif not (ONLY_THE_READER.search(message) or SEVERAL_KEYS.search(message)):
            taken.append(f"{door}: {message}")
    assert not taken
    assert refused > 200


@pytest.mark.parametrize(
    "key",
    [
        "serving.acelerator", "space.layer", "budgets.kv_cach", "training.custom_accelerator.memroy",
        "space.experts.routd", "scenarios.a.serving.batch", "laws.own.gamma", "bugdets.loss",
        "serving.speculation.lenght", "serving.prefill.batch_size", "prices.H100 SXN.x",
    ],
)  # fmt: skip
def test_unknown_keys_are_refused_wherever_they_stand(key: str) -> None:
    tables: dict[str, Any] = tomllib.loads(GOOD)
    at = tables
    *path, last = key.split(".")
    for part in path:
        at = at.setdefault(part, {})
    at[last] = 1
    assert refusals(tables)


@pytest.mark.parametrize("key", [key.key for key in KEYS if "NAME" not in key.key])
def test_the_reader_has_words_for_every_shape_of_value(key: str) -> None:
    for value in ([], [[1]], {"min": [1], "max": {}}, 2.0, ""):
        tables = tomllib.loads(GOOD)
        *path, last = key.split(".")
        at = tables
        for part in path:
            at = at.setdefault(part, dict(_WITH) if part == "speculation" else {})
        at[last] = value
        try:
            Problem.from_tables(tables)
        except ProblemError as error:
            assert error.faults
        else:
            assert not refusals(tables), value


def test_a_law_of_ones_own_needs_its_table() -> None:
    tables = tomllib.loads(GOOD)
    tables["objective"]["law"] = "mine"
    assert refusals(tables)
    tables["laws"] = {"mine": {"E": 1.7, "A": 480, "alpha": 0.35, "B": 2000, "beta": 0.37}}
    assert not refusals(tables)
    tables["objective"]["law"] = "file:mine.toml"
    del tables["laws"]
    assert not refusals(tables)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.key)
def test_every_key_is_described(key: DescribedKey) -> None:
    assert re.match(r"[A-Z`]|[a-z]+_[a-z]", key.about), "it has no description"
    assert key.about.endswith((".", ":"))
    assert "modelsizer.problems" not in key.text
    assert not re.search(r"`[A-Z][A-Z_]+`|ibid|``", key.text)


def test_examples_are_taken_by_the_schema_and_by_the_reader() -> None:
    found = 0
    for key in KEYS:
        if key.example is None or "NAME" in key.key or key.key in _IN_OTHER_PROBLEMS:
            continue
        tables = tomllib.loads(GOOD)
        *path, last = key.key.split(".")
        at = tables
        for part in path:
            at = at.setdefault(part, dict(_WITH) if part == "speculation" else {})
        at[last] = tomllib.loads(f"x = {write_value(key.example)}")["x"]
        found += 1
        messages = [text for text in refusals(tables) if "required" not in text]
        assert not messages, key.key
        try:
            Problem.from_tables(tables)
        except ProblemError as error:
            wrong = [fault.message for fault in error.faults if fault.key == key.key]
            assert not [text for text in wrong if not SEVERAL_KEYS.search(text)], key.key
    assert found > 130


_WITH = {"kind": "draft", "length": 2, "acceptance": 0.5, "model": "qwen3-0.6b"}
_IN_OTHER_PROBLEMS = ("scenarios", "objective.ablations")


def test_every_quantity_has_an_example() -> None:
    budgets = [key for key in KEYS if key.key.startswith("budgets.")]
    assert len(budgets) > 20
    assert all(key.example is not None and key.unit for key in budgets)


@pytest.mark.parametrize("dimension", UNITS)
def test_text_with_every_unit_matches(dimension: str) -> None:
    pattern = re.compile(text_pattern(dimension))
    for unit in UNITS[dimension]:
        for text in (f"5{unit}", f" 1,250.5 {unit} ", f"2e3\t{unit}"):
            parse_quantity(text, dimension)
            assert pattern.search(text), text
    for text in ("", unit or "x", "5 parsec", "1,25 ", "1__0", "five", "5;6", f"-5 {unit}"):
        assert not pattern.search(text), text
    assert re.search(text_pattern(dimension, signed=True), "-5")


class _Base:
    """A base.

    Parameters
    ----------
    x, y : float
        A coordinate,
        of a point.
    z
        Another, in ``code``.

    Raises
    ------
    ValueError
        Never.
    """


class _Derived(_Base):
    """Of it.

    Parameters
    ----------
    y : int
        First.
    y : table
        Second.
    """


def test_parameters_of_docstrings() -> None:
    assert parameters_of(_Base) == {
        "x": "A coordinate, of a point.",
        "y": "A coordinate, of a point.",
        "z": "Another, in `code`.",
    }
    assert parameters_of(_Derived)["y"] == "First.\n\nSecond."
