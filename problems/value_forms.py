"""Forms of values: what a key takes, its unit and an example, for its reader and for JSON Schema.

Schemas are of draft 7, the newest one that editors of TOML read. A ``$ref`` stands alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from modelsizer.problems.by_byte import BY_BYTE
from modelsizer.problems.plain_values import NO_LIMIT
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import UNITS, UNSIGNED, Number

Schema = dict[str, Any]
Names = Callable[[], Iterable[str]]
_POSITIVE: Schema = {"type": "number", "exclusiveMinimum": 0}
_REFERENCE: Schema = {"type": "string", "pattern": r"^\s*as\s+\S"}
_PREFIXES = "kKMGTPEZYB"


@dataclass(frozen=True, slots=True)
class Within:
    """Numbers that a value may be.

    Parameters
    ----------
    least, above, most, below : int or float, optional
        Ends, of which `above` and `below` are outside.
    """

    least: Number | None = None
    above: Number | None = None
    most: Number | None = None
    below: Number | None = None

    def holds(self, number: Number) -> bool:
        """Whether a number is within the ends."""
        return (
            (self.least is None or number >= self.least)
            and (self.above is None or number > self.above)
            and (self.most is None or number <= self.most)
            and (self.below is None or number < self.below)
        )

    @property
    def keywords(self) -> Schema:
        """The ends as JSON Schema has them."""
        named = {
            "minimum": self.least,
            "exclusiveMinimum": self.above,
            "maximum": self.most,
            "exclusiveMaximum": self.below,
        }
        return {key: end for key, end in named.items() if end is not None}


@dataclass(frozen=True, eq=False)
class Form:
    """Any value.

    Parameters
    ----------
    unit : str
        Of a number without a unit; empty if it has none.
    example : object
        As a file has it; None if the default says enough.
    """

    unit: str = ""
    example: Any = None

    def schema(self) -> Schema:
        """What the form takes, as JSON Schema."""
        return {}


@dataclass(frozen=True, eq=False)
class Text(Form):
    """Text, which may have to match a pattern."""

    pattern: str = ""

    def schema(self) -> Schema:
        """As of the base class."""
        return {"type": "string"} | ({"pattern": self.pattern} if self.pattern else {})


@dataclass(frozen=True, eq=False)
class Boolean(Form):
    """True or false."""

    def schema(self) -> Schema:
        """As of the base class."""
        return {"type": "boolean"}


@dataclass(frozen=True, eq=False)
class OneOf(Form):
    """One of several words or numbers.

    Parameters
    ----------
    known : tuple, or callable that returns them
        A registry is asked when a schema is made.
    """

    known: tuple[object, ...] | Callable[[], Iterable[object]] = ()

    def schema(self) -> Schema:
        """As of the base class."""
        return {"enum": list(self.known() if callable(self.known) else self.known)}


@dataclass(frozen=True, eq=False)
class Special(Form):
    """What only one key takes.

    Parameters
    ----------
    made : callable
        Returns the schema.
    """

    made: Callable[[], Schema] = dict

    def schema(self) -> Schema:
        """As of the base class."""
        return self.made()


@dataclass(frozen=True, eq=False)
class AnyOf(Form):
    """A value of one of several forms."""

    forms: tuple[Form, ...] = ()

    def schema(self) -> Schema:
        """As of the base class."""
        return any_of(*(form.schema() for form in self.forms))


@dataclass(frozen=True, eq=False)
class Loosely(Form):
    """A name of a catalogue, in which case, spaces and hyphens do not matter.

    Parameters
    ----------
    names : callable
        Returns them.
    title : str
        What they name. A schema with a title is defined once.
    """

    names: Names = tuple
    title: str = ""

    def schema(self) -> Schema:
        """As of the base class."""
        names = list(self.names())
        loose = {"type": "string", "pattern": _loose_pattern(names)}
        return {"title": self.title} | any_of({"enum": names}, loose)


@dataclass(frozen=True, eq=False)
class Amount(Form):
    """A number, or text of a number and a unit.

    Parameters
    ----------
    dimension : str
        A key of `modelsizer.problems.units.UNITS`.
    range : Within
    whole : bool
        Whether it must be a whole number.
    """

    dimension: str = "count"
    range: Within = Within()
    whole: bool = False

    def schema(self) -> Schema:
        """As of the base class."""
        number = {"type": "integer" if self.whole else "number"} | self.range.keywords
        return any_of(number, *self._texts())

    def _texts(self) -> Iterable[Schema]:
        least = self.range.above if self.range.least is None else self.range.least
        signed = least is None or least < 0
        yield {"type": "string", "pattern": text_pattern(self.dimension, signed=signed)}
        if self.dimension in BY_BYTE:
            yield {"type": "string", "pattern": text_pattern(BY_BYTE[self.dimension])}


@dataclass(frozen=True, eq=False)
class OneOrMore(Form):
    """A value of a form, a list of such values, or a range of numbers.

    Parameters
    ----------
    of : Form
    ranges : {"none", "whole", "step", "any"}
        What ``{min, max, step}`` may be: nothing; plain whole numbers; a range that must say its
        step; or one that need not.
    """

    of: Form = Form()
    ranges: Literal["none", "whole", "step", "any"] = "any"

    def schema(self) -> Schema:
        """As of the base class."""
        return several(self.of.schema(), self.ranges)


@dataclass(frozen=True, eq=False)
class Limit(Form):
    """A limit: its maximum, or ``{min, max}``.

    Parameters
    ----------
    dimension : str
    bare : Within
        Upper limits that a number without a unit can mean.
    ends : tuple of str
        Ends that it may have.
    references : bool
        Whether an end may be that of a model.
    none : bool
        Whether it may be lifted.
    """

    dimension: str = "count"
    bare: Within = Within()
    ends: tuple[str, ...] = ("min", "max")
    references: bool = False
    none: bool = False

    def schema(self) -> Schema:
        """As of the base class."""
        texts = [*Amount(dimension=self.dimension, range=Within(above=0))._texts()]
        texts += [_REFERENCE] if self.references else []
        most = any_of(_POSITIVE | self.bare.keywords, *texts)
        found = {"min": any_of(_POSITIVE, *texts), "max": most}
        table = {
            "type": "object",
            "properties": {end: found[end] for end in self.ends},
            "additionalProperties": False,
            "minProperties": 1,
        }
        lifted = [{"type": "string", "pattern": f"^{NO_LIMIT}$"}] if self.none else []
        return any_of(*([most] if "max" in self.ends else []), table, *lifted)


@dataclass(frozen=True, eq=False)
class Entries(Form):
    """A table whose keys are names.

    Parameters
    ----------
    of : Form
        Of each value.
    table : type or None
        The table that each value is, in place of a form.
    names : callable
        Returns names that an editor offers.
    others : str or None
        Pattern of other names that there may be; empty for any, None if there are none.
    least : int
        The fewest keys.
    """

    of: Form = Form()
    table: type | None = None
    names: Names = tuple
    others: str | None = None
    least: int = 0

    def schema(self) -> Schema:
        """As of the base class."""
        each = self.of.schema() if self.table is None else table_reference(self.table)
        found: Schema = {"type": "object", "properties": dict.fromkeys(self.names(), each)}
        if self.others:
            found["patternProperties"] = {self.others: each}
        found["additionalProperties"] = each if self.others == "" else False
        return found | ({"minProperties": self.least} if self.least else {})


def any_of(*schemas: Schema) -> Schema:
    """What one of several schemas takes.

    Schemas of different types become one, which editors say more of than of ``anyOf``.
    """
    found: list[Schema] = []
    for schema in schemas:
        for each in schema["anyOf"] if set(schema) == {"anyOf"} else [schema]:
            for place, other in enumerate(found):
                if other == each or (both := _together(other, each)) is None:
                    continue
                found[place] = both
                break
            else:
                found += [] if each in found else [each]
    return found[0] if len(found) == 1 else {"anyOf": found}


def _together(first: Schema, second: Schema) -> Schema | None:
    """Schemas of different types, or of text with patterns, as one; None if they are not that."""
    types = [_types(schema) for schema in (first, second)]
    if not all(types) or {"number", "integer"} <= {*types[0], *types[1]}:
        return None
    shared = set(types[0]) & set(types[1])
    same = (first.keys() & second.keys()) - {"type"}
    if shared - {"string"} or same - {"pattern"}:
        return None
    found = first | second
    if "string" in shared:
        patterns = [schema["pattern"] for schema in (first, second) if "pattern" in schema]
        found.pop("pattern", None)
        found |= {"pattern": "|".join(dict.fromkeys(patterns))} if len(patterns) == 2 else {}
    every = [*types[0], *(kind for kind in types[1] if kind not in types[0])]
    return found | {"type": every if len(every) > 1 else every[0]}


def _types(schema: Schema) -> list[str]:
    """Types of a schema that says nothing but what each type is; empty of any other."""
    if schema.keys() & {"enum", "anyOf", "$ref", "title", "description"} or "type" not in schema:
        return []
    kinds = schema["type"]
    return [kinds] if isinstance(kinds, str) else kinds


def several(one: Schema, ranges: str) -> Schema:
    """See `OneOrMore`."""
    found = [one, {"type": "array", "items": one, "minItems": 1}]
    if ranges != "none":
        each = {"type": "integer", "minimum": 0} if ranges == "whole" else one
        step = {"type": "integer", "minimum": 1} if ranges == "whole" else one
        found.append(
            {
                "type": "object",
                "properties": {"min": each, "max": each, "step": step},
                "required": ["min", "max", *(["step"] if ranges == "step" else [])],
                "additionalProperties": False,
            }
        )
    return any_of(*found)


def table_reference(table: type) -> Schema:
    """A table, which is defined by the name of its class."""
    return {"$ref": f"#/definitions/{table.__name__}"}


def text_pattern(dimension: str, *, signed: bool = False) -> str:
    """Pattern of the texts that `parse_quantity` reads, but for numbers out of range.

    Examples
    --------
    >>> re.search(text_pattern("bytes"), "80 GB") is not None
    True
    """
    number = f"[{'+-' if signed else '+'}]?{UNSIGNED}(?:[eE][+-]?[0-9]+)?"
    return f"^[ \\t]*{number}[ \\t]*(?:{'|'.join(_unit_patterns(dimension))})?[ \\t]*$"


def _unit_patterns(dimension: str) -> Iterator[str]:
    """Patterns of the units of a dimension, one for those that differ by their prefix alone."""
    known = UNITS[dimension]
    prefixes: dict[str, str] = {}
    for unit in filter(None, known):
        rest = unit[1:].lstrip()
        if unit[0] in _PREFIXES and rest in known:
            prefixes[rest] = prefixes.get(rest, "") + unit[0]
        else:
            prefixes.setdefault(unit, "")
    for unit, found in prefixes.items():
        letters = "".join(dict.fromkeys(found))
        apart = "[ \\t]*" if letters and f"{letters[0]} {unit}" in known else ""
        before = f"(?:[{letters}]{apart})?" if apart else f"[{letters}]?" if letters else ""
        yield before + re.escape(unit).replace("\\ ", "[ \\t]+").replace("\\-", "-")


def _loose_pattern(names: Iterable[str]) -> str:
    """Pattern of names in which case and everything but letters and digits do not matter."""
    between = "[^A-Za-z0-9]*"
    found = []
    for name in names:
        letters = [letter for letter in name if letter.isalnum()]
        each = [f"[{x.upper()}{x.lower()}]" if x.isalpha() else x for x in letters]
        found.append(between.join(each))
    return f"^{between}(?:{'|'.join(found)}){between}$"
