"""Frozen dataclasses whose methods are made when they are first called, beside dataclasses."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, field, replace
from typing import Any

import pytest

from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class Ours:
    """A value."""

    size: int
    name: str = "a"
    _name: str = "b"
    held: Mapping[str, int] = field(default_factory=dict)
    note: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("negative")


@dataclasses.dataclass(frozen=True, slots=True)
class Theirs:
    """A value."""

    size: int
    name: str = "a"
    _name: str = "b"
    held: Mapping[str, int] = field(default_factory=dict)
    note: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("negative")


@dataclass(frozen=True)
class One:
    size: float


@dataclass(frozen=True, slots=True)
class Longer(One):
    more: int = 2


@dataclass(frozen=True, eq=False)
class Itself:
    pass


@pytest.mark.parametrize("kind", [Ours, Theirs])
def test_a_class_is_as_one_of_the_standard_library(kind: Any) -> None:
    value = kind(3, note="x")
    assert (value.name, value._name, value.held, value.note) == ("a", "b", {}, "x")
    assert value.held is not kind(3).held
    assert value == kind(3) != kind(4)
    assert value != (3, "a", "b", {})
    assert repr(value) == f"{kind.__name__}(size=3, name='a', _name='b', held={{}})"
    assert replace(value, name="c") == kind(3, "c")
    assert copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == value
    assert dataclasses.asdict(value)["note"] == "x"
    assert kind.__match_args__ == ("size", "name", "_name", "held", "note")
    assert kind.__dataclass_params__.frozen
    assert str(inspect.signature(kind)) == (
        "(size: 'int', name: 'str' = 'a', _name: 'str' = 'b', "
        "held: 'Mapping[str, int]' = <factory>, note: 'str' = '') -> None"
    )
    assert not hasattr(value, "__dict__")
    for change in (lambda: setattr(value, "size", 4), lambda: delattr(value, "size")):
        with pytest.raises(FrozenInstanceError):
            change()
    with pytest.raises(TypeError, match=rf"{kind.__name__}.__init__\(\) missing 1 required"):
        kind()
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        kind(1, other=2)
    with pytest.raises(ValueError, match="negative"):
        kind(-1)


def test_hashes_are_those_of_the_standard_library() -> None:
    @dataclasses.dataclass(frozen=True)
    class Same:
        size: float

    assert hash(One(1.5)) == hash(Same(1.5)) == hash((1.5,))
    with pytest.raises(TypeError, match="unhashable"):
        hash(Ours(3))
    assert Itself() != Itself() and len({Itself(), Itself()}) == 2


def test_a_class_has_the_fields_of_its_parent() -> None:
    longer: Any = Longer(1.0)
    assert longer == Longer(1.0, 2) != One(1.0)
    assert hash(longer) == hash((1.0, 2)) and repr(longer) == "Longer(size=1.0, more=2)"
    assert [each.name for each in dataclasses.fields(Longer)] == ["size", "more"]
    assert pickle.loads(pickle.dumps(longer)) == replace(longer, more=2) == longer
    with pytest.raises(FrozenInstanceError):
        longer.size = 2.0


@pytest.mark.parametrize("made", [dataclass, dataclasses.dataclass])
def test_a_class_of_a_users_own_may_add_attributes(made: Any) -> None:
    Parent = made(frozen=True)(type("Parent", (), {"__annotations__": {"size": "int"}}))

    class Child(Parent):  # type: ignore[misc, valid-type]
        pass

    value: Any = Child(1)
    value.more = 2
    assert (value.size, value.more) == (1, 2)
    del value.more
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'size'"):
        value.size = 2
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'size'"):
        del value.size
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'more'"):
        Parent(1).more = 2


def test_other_classes_are_made_by_the_standard_library() -> None:
    @dataclass
    class Changing:
        size: int = 0

    value = Changing()
    value.size = 3
    assert value == Changing(3)

    @dataclass(frozen=True)
    class Counted:
        size: int
        twice: int = field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "twice", 2 * self.size)

    @dataclass(frozen=True)
    class Named(Counted):
        name: str = ""

    assert (Counted(2).twice, Named(3, "x").twice) == (4, 6)
