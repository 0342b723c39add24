"""Frozen tables whose annotations name keys."""

from __future__ import annotations

import copy
import pickle
from typing import Annotated, Any, Literal

import pytest

from modelsizer.problems.typed_keys import Kind, TableError, made
from modelsizer.problems.typed_tables import Table


def _count(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError(f"{value!r} is no count")
    return value


def _even(value: int) -> int:
    if value % 2:
        raise ValueError(f"{value} is odd")
    return value


class Inner(Table):
    """A table in another."""

    count: Annotated[int, Kind(_count)]
    word: Literal["a", "b"] = "a"

    def _check(self) -> None:
        if self.count == 13:
            raise ValueError("@.count is unlucky")


class Outer(Table):
    """A table."""

    name: str = ""
    inner: Inner | None = None
    pair: Annotated[Annotated[int, Kind(_count)] | None, Kind(write=lambda n: [n])] = None
    even: Annotated[int, Kind(_count), Kind(_even)] = 2
    many: dict[str, Inner] = made(dict)


class Longer(Outer):
    """A table with more keys."""

    last: Annotated[int, Kind(_count)] = 0
    name: str = "longer"


def faults(**given: Any) -> list[tuple[str, str]]:
    with pytest.raises(TableError) as raised:
        Outer(**given)
    return raised.value.faults


def test_values_are_read_and_what_was_given_is_written() -> None:
    given = {"inner": {"count": 3}, "pair": None, "even": 4, "many": {"x": {"count": 1}}}
    table = Outer.model_validate(given)
    assert (table.inner, table.even, table.name) == (Inner(count=3), 4, "")
    assert table.many["x"].word == "a"
    assert table.given() == {key: value for key, value in given.items() if key != "pair"}
    assert Outer(pair=5).given() == {"pair": [5]}
    assert table.model_fields_set == set(given)
    assert Outer.model_validate(table) is table
    assert dict(table)["even"] == 4


def test_every_fault_is_told_with_its_key() -> None:
    assert faults(
        name=1, inner={"word": "c", "more": 1}, even=3, many={"x": 5, "y": {"count": 13}}, self=1
    ) == [
        ("name", "1 is not text"),
        ("inner.count", "this key is required"),
        ("inner.word", "'c' is not one of 'a' or 'b'"),
        ("inner.more", "unknown key"),
        ("even", "3 is odd"),
        ("many.x", "5 is not a table; one has the keys count, word"),
        ("many.y", "@.count is unlucky"),
        ("self", "unknown key"),
    ]
    assert faults(even="x", pair="y") == [("pair", "'y' is no count"), ("even", "'x' is no count")]
    assert faults(many=3) == [("many", "3 is not a table")]


def test_defaults_are_each_tables_own() -> None:
    one, other = Outer(), Outer()
    one.many["x"] = Inner(count=1)
    assert other.many == {}


def test_tables_are_frozen_values() -> None:
    table = Outer(inner={"count": 3})
    with pytest.raises(ValueError, match="frozen"):
        table.name = "other"
    with pytest.raises(ValueError, match="frozen"):
        del table.name
    changed = table.model_copy(update={"even": 6})
    assert (changed.even, table.even) == (6, 2)
    assert changed.model_fields_set == {"inner", "even"}
    assert changed != table == copy.deepcopy(table)
    again = pickle.loads(pickle.dumps(changed))
    assert again == changed and again.model_fields_set == changed.model_fields_set
    assert hash(Inner(count=1)) == hash(Inner(count=1, word="a"))
    assert Inner(count=1) != Outer.model_construct(count=1)
    assert "count=1" in repr(Inner(count=1))


def test_a_class_has_the_keys_of_its_parent_and_its_own() -> None:
    assert list(Longer.model_fields) == [*Outer.model_fields, "last"]
    assert (Longer().name, Outer().name) == ("longer", "")
    assert Longer(inner={"count": 1}).inner == Inner(count=1)
