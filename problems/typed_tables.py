"""Frozen tables: classes whose annotations name keys, read from plain values and written as such.

``name: Annotated[T, Kind(read, write)] = default`` is a key. Without a `Kind` the type says how it
is read: text, a table, one of several words (Literal), or a dict of these by name; ``T | None``
takes None too. Annotations are looked at when the first table of a class is made.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import reduce
from itertools import product
from operator import or_
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    Self,
    Union,
    cast,
    dataclass_transform,
    get_args,
    get_origin,
)

from modelsizer.problems.errors import short
from modelsizer.problems.offered import Offered, Read, Several, plain_copy
from modelsizer.problems.records import dataclass
from modelsizer.problems.typed_keys import (
    Kind,
    Made,
    TableError,
    dict_reader,
    dict_writer,
    one_after_another,
    or_none,
    read_into,
    read_text,
    same,
    word_reader,
)
from modelsizer.problems.value_forms import Entries, Form, OneOf, Text

_LACKING = object()
_KEYS_NAMED = 6  # keys of a table that a message about another value names


@dataclass(frozen=True)
class Field:
    """A key of a table.

    Parameters
    ----------
    annotation
        Its type.
    read, write : callable
        See `Kind`.
    table : type or None
        The table that it holds, or may hold.
    required : bool
    default
        Or `Made`.
    several : bool
        Whether it may offer several values.
    form : Form
        What it takes, but for a table.
    """

    annotation: Any
    read: Read
    write: Read
    table: type[Table] | None
    required: bool = True
    default: Any = None
    several: bool = False
    form: Form = Form()

    @property
    def initial(self) -> Any:
        """The value of a table that lacks the key."""
        return self.default.make() if isinstance(self.default, Made) else self.default

    @classmethod
    def of(cls, annotation: Any) -> Field:
        """A required key with a type."""
        if get_origin(annotation) is Annotated:
            inner, *marks = get_args(annotation)
            below = cls.of(inner)
            menus = [mark for mark in marks if isinstance(mark, Several)]
            kinds = [mark for mark in marks if isinstance(mark, Kind)]
            reads = [mark.read for mark in kinds if mark.read is not None] or [below.read]
            writes = [mark.write for mark in kinds if mark.write is not None] or [below.write]
            form = ([mark.form for mark in kinds if mark.form is not None] or [below.form])[-1]
            read, write = one_after_another(reads), writes[-1]
            for menu in menus:
                read, write = menu.reader(read), menu.writer(write)
                form = menu.form(form)
            several = bool(menus)
            return cls(below.annotation, read, write, below.table, several=several, form=form)
        if get_origin(annotation) in (Union, UnionType):
            inner = [each for each in get_args(annotation) if each is not NoneType]
            below = cls.of(inner[0]) if len(inner) == 1 else cls(Any, same, same, None)
            read, write = or_none(below.read), or_none(below.write)
            return cls(annotation, read, write, below.table, form=below.form)
        if get_origin(annotation) is dict:
            each = cls.of(get_args(annotation)[1])
            named = Entries(of=each.form, table=each.table, others="")
            return cls(
                annotation, dict_reader(each.read), dict_writer(each.write), None, form=named
            )
        if get_origin(annotation) is Literal:
            words = get_args(annotation)
            return cls(annotation, word_reader(words), same, None, form=OneOf(known=words))
        if isinstance(annotation, type) and issubclass(annotation, Table):
            return cls(annotation, annotation.model_validate, annotation.given, annotation)
        if annotation is str:
            return cls(annotation, read_text, plain_copy, None, form=Text())
        return cls(annotation, same, plain_copy, None)


class _Fields:
    """The keys of a class, looked at when they are first asked for."""

    def __get__(self, _: object, table: type[Table]) -> Mapping[str, Field]:
        found: dict[str, Field] = {}
        for base in reversed(table.__mro__):
            if isinstance(known := vars(base).get("model_fields"), dict):
                found |= known
            elif issubclass(base, Table) and base is not Table:
                for name, hint in inspect.get_annotations(base, eval_str=True).items():
                    if name[0] != "_":
                        default = vars(base).get(name, _LACKING)
                        field = Field.of(hint)
                        found[name] = replace(field, required=default is _LACKING, default=default)
        table.model_fields = found
        return found


def _unmarked(annotation: Any) -> Any:
    """A type without the marks that say how it is read."""
    if get_origin(annotation) is Annotated:
        return _unmarked(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return reduce(or_, map(_unmarked, get_args(annotation)))
    return annotation


class _Signature:
    """The signature of a class of tables: its keys."""

    def __get__(self, _: object, cls: type[Table]) -> inspect.Signature:
        keys = [
            inspect.Parameter(
                key,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if field.required else field.default,
                annotation=_unmarked(field.annotation),
            )
            for key, field in cls.model_fields.items()
        ]
        return inspect.Signature(sorted(keys, key=lambda key: key.default is not key.empty))


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Table:
    """A frozen table that rejects unknown keys.

    Attributes
    ----------
    model_fields : mapping of str to Field
        Its keys, of the class.
    model_fields_set : set of str
        Those that were given; the others have defaults.

    Raises
    ------
    TableError
        If a key is unknown or lacking, or a value is wrong.
    """

    __slots__ = ("__dict__", "__weakref__", "model_fields_set")

    model_fields: ClassVar[Mapping[str, Field]] = cast("Any", _Fields())
    model_fields_set: set[str]
    __signature__ = _Signature()

    def __init_subclass__(cls) -> None:
        if "model_fields" not in vars(cls):
            cls.model_fields = cast("Any", _Fields())

    def __init__(self, /, **given: Any) -> None:
        fields = type(self).model_fields
        found: dict[str, Any] = {}
        faults = []
        for key, field in fields.items():
            if key in given:
                faults += read_into(found, key, field.read, given[key])
            elif field.required:
                faults.append((key, "this key is required"))
            else:
                found[key] = field.initial
        faults += [(key, "unknown key") for key in given if key not in fields]
        if faults:
            raise TableError(faults)
        self._filled(found, set(given))
        try:
            self._check_each()
        except TableError:
            raise
        except ValueError as error:
            raise TableError([("", str(error))]) from None

    def _check_each(self) -> None:
        """Raise ValueError if no values of the menus go together."""
        if self.offered:
            self.each()
        else:
            self._check()

    @property
    def offered(self) -> dict[str, Offered]:
        """Keys that offer several values."""
        return {key: value for key, value in self.__dict__.items() if isinstance(value, Offered)}

    def each(self) -> tuple[Self, ...]:
        """The tables of single values that this one offers, the preferred ones first.

        Raises
        ------
        ValueError
            If none of them is right: what is wrong with the first.
        """
        menus = self.offered
        if not menus:
            return (self,)
        found, wrong = [], None
        for values in product(*(menu.values for menu in menus.values())):
            one = self.model_copy(dict(zip(menus, values, strict=True)))
            try:
                one._check()
            except ValueError as error:
                wrong = wrong or error
            else:
                found.append(one)
        if not found:
            assert wrong is not None
            raise wrong
        return tuple(found)

    def _check(self) -> None:
        """Raise ValueError if the values, each of which is right, do not go together."""

    def _filled(self, values: Mapping[str, Any], given: set[str]) -> Self:
        self.__dict__.update(values)
        object.__setattr__(self, "model_fields_set", given)
        return self

    @classmethod
    def model_validate(cls, given: object) -> Self:
        """Read a table of plain values; a table of this class is returned as it is."""
        if isinstance(given, cls):
            return given
        if not isinstance(given, Mapping):
            keys = list(cls.model_fields)
            more = ", ..." if len(keys) > _KEYS_NAMED else ""
            known = f"{', '.join(keys[:_KEYS_NAMED])}{more}"
            raise TableError([("", f"{short(given)} is not a table; one has the keys {known}")])
        return cls(**given)

    @classmethod
    def model_construct(cls, **values: Any) -> Self:
        """A table of values that need no reading."""
        fields = cls.model_fields.items()
        every = {key: values.get(key, field.initial) for key, field in fields}
        return cls.__new__(cls)._filled(every, set(values))

    def model_copy(self, update: Mapping[str, Any] | None = None) -> Self:
        """The same table with other values of some keys, which need no reading."""
        update = update or {}
        copied = self.__new__(type(self))
        return copied._filled({**self.__dict__, **update}, self.model_fields_set.union(update))

    def given(self) -> dict[str, Any]:
        """What was given, as plain values; keys whose value is None are left out."""
        return self.written(self.model_fields_set)

    def written(self, keys: Iterable[str]) -> dict[str, Any]:
        """Some keys as plain values, but those whose value is None."""
        held, asked = self.__dict__, set(keys)
        return {
            key: field.write(held[key])
            for key, field in type(self).model_fields.items()
            if key in asked and held[key] is not None
        }

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return ((key, self.__dict__[key]) for key in type(self).model_fields)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        mine, theirs = self.offered, other.offered
        if (mine or theirs) and mine.keys() != theirs.keys():
            return False
        return self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(tuple(self.__dict__.values()))

    def __repr__(self) -> str:
        from modelsizer.problems.brief import fields_text  # few programs show a value

        return fields_text(type(self).__name__, self.given().items())

    def __setattr__(self, name: str, _: object) -> None:
        raise TableError([(name, "the table is frozen")])

    def __delattr__(self, name: str) -> None:
        raise TableError([(name, "the table is frozen")])

    def __getstate__(self) -> tuple[dict[str, Any], set[str]]:
        return self.__dict__, self.model_fields_set

    def __setstate__(self, state: tuple[dict[str, Any], set[str]]) -> None:
        self._filled(*state)
