"""Short texts of values."""

from __future__ import annotations

import numpy as np

from modelsizer.problems.brief import brief, counted, fields_text, named
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class Value:
    """A value."""

    size: int
    name: str = "a"


@dataclass(frozen=True)
class Holder:
    """Many values."""

    values: tuple[Value, ...]
    table: object = None


def test_a_short_value_is_the_call_that_makes_it() -> None:
    assert eval(repr(Value(3, "x"))) == Value(3, "x")
    assert repr(Holder((Value(1),))) == "Holder(values=(Value(size=1, name='a'),), table=None)"


def test_what_is_long_is_named() -> None:
    assert repr(Holder((Value(1),) * 227)) == "Holder(values=<227 Value>, table=None)"
    assert brief(np.arange(10**6)) == "<ndarray>"
    assert brief({"a": 1, "b": "x", "c": 2, "d": 3, "e": 4}) == "<5 values>"
    assert brief("x" * 1000) == repr("x" * 51 + "..." + "x" * 26)
    assert brief(10**5000) == "<int>"


def test_however_many_fields_a_repr_is_short() -> None:
    text = fields_text("Many", ((f"field_{i}", i) for i in range(1000)))
    assert len(text) < 450 and text.startswith("Many(field_0=0, ") and text.endswith(", ...)")


def test_a_class_keeps_its_own_repr() -> None:
    @dataclass(frozen=True)
    class Own:
        size: int

        def __repr__(self) -> str:
            return "own"

    @dataclass(frozen=True)
    class Derived(Own):
        more: int = 1

    assert repr(Own(1)) == repr(Derived(1)) == "own"


def test_tables_show_what_was_given() -> None:
    problem = Problem.load("phone-2gb")
    shown = repr(problem.serving)
    assert shown == "Serving(batch_size=1, context_length=8192, weight_bytes=0.5, kv_bytes=1)"
    assert eval(shown, {"Serving": type(problem.serving)}) == problem.serving
    assert all(len(repr(table)) < 450 for _, table in problem)


def test_names_and_counts() -> None:
    assert named("") == "unnamed" and named("a\nb") == r"'a\\nb'" and len(named("x" * 99)) < 65
    assert counted(1, "law") == "1 law" and counted(1024, "law") == "1,024 laws"
