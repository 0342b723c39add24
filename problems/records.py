"""Frozen dataclasses whose methods are made when they are first called.

The standard library writes six methods of each dataclass as text and compiles them while its module
is imported: for the 130 classes of a solve that takes longer than the solve. Here those that make
and compare values are compiled when they are first called, and all classes share the others.
Fields, slots, matching, copies and pickles are those of `dataclasses`, and a type checker reads
`dataclass` as that of the standard library. Reprs are short (`brief.fields_text`); a class
keeps one of its own.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, slots=False, eq=True):
        """Make a class a dataclass; as `dataclasses.dataclass` with these options.

        Classes that are not frozen, or with fields that are no arguments, are made by it.
        """
        if cls is None:
            return lambda cls: dataclass(cls, frozen=frozen, slots=slots, eq=eq)
        parents = [base for base in cls.__mro__[1:] if is_dataclass(base)]
        known = [*vars(cls).values(), *(field for base in parents for field in fields(base))]
        if not frozen or any(isinstance(f, dataclasses.Field) and not f.init for f in known):
            made = dataclasses.dataclass(cls, repr=False, frozen=frozen, slots=slots, eq=eq)
            if made.__repr__ is object.__repr__:
                made.__repr__ = _repr
            return made
        cls.__doc__ = cls.__doc__ or cls.__name__  # it would write one of the signature
        made = dataclasses.dataclass(
            cls, init=False, repr=False, eq=False, slots=slots, frozen=bool(parents)
        )
        made.__dataclass_params__.frozen = True
        methods = {"__repr__": _repr} if made.__repr__ is object.__repr__ else {}
        methods |= {f"__{name}attr__": _refusing(made, name) for name in ("set", "del")}
        compiled = ("__init__", "__eq__", "__hash__") if eq else ("__init__",)
        methods |= {name: _first(made, name) for name in compiled}
        if "__init__" not in vars(cls):
            methods["__signature__"] = _Signature()
        if slots:
            methods |= {"__getstate__": _state, "__setstate__": _with_state}
        for name, method in methods.items():
            if vars(made).get(name) is None:
                setattr(made, name, method)
        return made


def _first(cls: Any, name: str) -> Callable[..., Any]:
    """A method that puts the compiled one in its place."""

    def method(self: Any, *args: Any, **named: Any) -> Any:
        setattr(cls, name, _compiled(cls, name))
        return getattr(cls, name)(self, *args, **named)

    return method


def _compiled(cls: Any, name: str) -> Callable[..., Any]:
    """Compile a method of a class."""
    text, names = _WRITERS[name](cls)
    exec(text, names)
    method: Any = names[name]
    method.__qualname__, method.__module__ = f"{cls.__qualname__}.{name}", cls.__module__
    return method  # type: ignore[no-any-return]


class _Factory:
    """The default of a field whose default is made: `help` shows it as `dataclasses` does."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()


def _init_text(cls: Any) -> tuple[str, dict[str, Any]]:
    names: dict[str, Any] = {"_set_field": object.__setattr__, "_no_value": _FACTORY}
    arguments, lines = ["self"], []
    for field in fields(cls):
        name, value = field.name, field.name
        if field.default_factory is not MISSING:
            names[f"_make_{name}"] = field.default_factory
            arguments.append(f"{name}=_no_value")
            value = f"_make_{name}() if {name} is _no_value else {name}"
        elif field.default is not MISSING:
            names[f"_default_{name}"] = field.default
            arguments.append(f"{name}=_default_{name}")
        else:
            arguments.append(name)
        lines.append(f"_set_field(self, {name!r}, {value})")
    lines += ["self.__post_init__()"] * hasattr(cls, "__post_init__")
    return f"def __init__({', '.join(arguments)}):\n    " + "\n    ".join(lines or ["pass"]), names


def _eq_text(cls: Any) -> tuple[str, dict[str, Any]]:
    mine, theirs = _compared(cls, "self"), _compared(cls, "other")
    text = f"    return {mine} == {theirs} if same else NotImplemented"
    return f"def __eq__(self, other):\n    same = other.__class__ is self.__class__\n{text}", {}


def _hash_text(cls: Any) -> tuple[str, dict[str, Any]]:
    return f"def __hash__(self):\n    return hash({_compared(cls, 'self')})", {}


def _compared(cls: Any, value: str) -> str:
    """The tuple of the fields that are compared, as text."""
    return f"({''.join(f'{value}.{field.name}, ' for field in fields(cls) if field.compare)})"


_WRITERS = {"__init__": _init_text, "__eq__": _eq_text, "__hash__": _hash_text}
"""Text of each method that is compiled, and what it names; as `dataclasses` writes it."""


class _Signature:
    """The signature of a class, for `help`."""

    def __get__(self, _: object, cls: type) -> inspect.Signature:
        init = _compiled(cls, "__init__")
        init.__annotations__ = {field.name: field.type for field in fields(cls)} | {"return": None}
        found = inspect.signature(init)
        return found.replace(parameters=list(found.parameters.values())[1:])


def _repr(self: Any) -> str:
    from modelsizer.problems.brief import fields_text  # few programs show a value

    shown = ((f.name, getattr(self, f.name)) for f in fields(self) if f.repr)
    return fields_text(type(self).__qualname__, shown)


def _refusing(cls: Any, name: str) -> Callable[..., None]:
    """The method that sets or deletes an attribute, which a class derived from `cls` may add."""
    verb = {"set": "assign to", "del": "delete"}[name]

    def method(self: Any, field: str, *value: object) -> None:
        if type(self) is cls or field in cls.__dataclass_fields__:
            raise FrozenInstanceError(f"cannot {verb} field {field!r}")
        getattr(super(cls, self), f"__{name}attr__")(field, *value)

    return method


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in fields(self)]


def _with_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
