"""JSON Schema of the problem file, made from its tables, and the copy that is installed.

Descriptions are those of the docstrings of the tables and of the quantities; units, examples and
what a value may be are those of the kinds of value (`modelsizer.problems.value_forms`). The draft
is 7, which editors of TOML read. What depends on several keys at once, and whether text within
quotes is in range, the schema does not say.

``python -m modelsizer.problems.schema`` writes the installed copy anew; a test holds it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from modelsizer.problems.docstrings import parameters_of
from modelsizer.problems.files import write_text
from modelsizer.problems.given import SCENARIO
from modelsizer.problems.key_values import write_value
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.reading import SPACE_TABLES, schema_file
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.budgets import OF_DEVICES, Budgets, new_budgets
from modelsizer.problems.requirements.objective import LAW
from modelsizer.problems.tables.space import Space
from modelsizer.problems.typed_tables import Field, Table
from modelsizer.problems.value_forms import (
    Entries,
    Schema,
    several,
    table_reference,
)

DRAFT = "http://json-schema.org/draft-07/schema#"
_MOST_WORDS = 16
_ENDS = {None: "", "max": " It has an upper limit only.", "min": " It has a lower limit only."}
_DOTTED = r"^[a-z]+\."
"""Keys of scenarios that are dotted within quotes."""


@dataclass(frozen=True, slots=True)
class DescribedKey:
    """A key of the problem file.

    Parameters
    ----------
    key : str
        Dotted; of a table that has names, ``laws.NAME.E``.
    about : str
        Description in Markdown.
    unit : str
        Of a number without a unit, "count" of a plain one; empty if it has none.
    default, example : object
        As a file has them; None if there is none.
    required : bool
    words : tuple
        Values that it takes, if these are a few; of a list each is one of them.
    """

    key: str
    about: str
    unit: str
    default: Any
    example: Any
    required: bool
    words: tuple[object, ...] = ()

    @property
    def text(self) -> str:
        """The description with unit, default and example."""
        name = self.key.rpartition(".")[2]
        facts = [f"One of {', '.join(f'`{write_value(w)}`' for w in self.words)}."] * bool(
            self.words
        )
        facts += [f"Unit: {self.unit}."] if self.unit not in ("", "count") else []
        if self.default is not None:
            facts.append(f"Default: `{write_value(self.default)}`.")
        if self.example is not None:
            facts.append(f"Example: `{name} = {write_value(self.example)}`.")
        return "\n\n".join(filter(None, (self.about, " ".join(facts))))


def described_keys() -> tuple[DescribedKey, ...]:
    """Every key of the problem file, in the order of the file."""
    return tuple(_described(Problem, ""))


def _described(table: type[Table], prefix: str) -> Iterator[DescribedKey]:
    for key, field in table.model_fields.items():
        yield _key(table, key, field, prefix)
        named = field.form.table if isinstance(field.form, Entries) else None
        below = _table_of(field) or named
        if below is not None:
            name = ".NAME" if named is not None else ""
            yield from _described(below, f"{prefix}{key}{name}.")


def _key(table: type[Table], key: str, field: Field, prefix: str = "") -> DescribedKey:
    default = None if field.required or field.initial is None else field.write(field.initial)
    if default in ({}, "") or _table_of(field) is not None:
        default = None
    form = field.form
    return DescribedKey(
        f"{prefix}{key}",
        _about(table).get(key, ""),
        form.unit,
        default,
        form.example,
        field.required,
        _words(form.schema()),
    )


def _words(schema: Schema) -> tuple[object, ...]:
    """The few values that a schema takes, if it lists them."""
    branches = (schema, *schema.get("anyOf", ()))
    found: list[object] = next((each["enum"] for each in branches if "enum" in each), [])
    return tuple(found) if 1 < len(found) <= _MOST_WORDS else ()


def _about(table: type[Table]) -> dict[str, str]:
    """Descriptions of the keys of a table."""
    if not issubclass(table, Budgets):
        return parameters_of(table)
    return {
        name: f"{_sentence(row.about)}{_ENDS[row.only]}"
        + (' `"none"` lifts the limit that a named accelerator sets.' if name in OF_DEVICES else "")
        for name, row in QUANTITIES.items()
    }


def _sentence(text: str) -> str:
    """A text as a sentence; a key at its beginning stays as it is."""
    first = text.partition(" ")[0]
    return f"{text}." if "_" in first else f"{text[:1].upper()}{text[1:]}."


def _table_of(field: Field) -> type[Table] | None:
    """The table that a key holds, with the quantities that are registered."""
    return type(new_budgets()) if field.table is Budgets else field.table


def problem_schema() -> Schema:
    """The schema, with the quantities and laws that are registered now."""
    defined: dict[str, Schema] = {}
    tables = {
        key: _property(Problem, key, field, defined) for key, field in Problem.model_fields.items()
    }
    defined[SCENARIO] = {
        "description": "Values that replace those of the problem, such as `budgets.kv_cache`.",
        "type": "object",
        "properties": {key: each for key, each in tables.items() if key != "scenarios"},
        "patternProperties": {_DOTTED: {}},
        "additionalProperties": False,
    }
    root = {
        "$schema": DRAFT,
        "title": "A problem of modelsizer",
        "description": "Which language model is the best under hard limits: what may be built, how "
        "it is trained and served, and what it may cost.",
        "type": "object",
        "properties": tables,
        "required": ["space"],
        "additionalProperties": False,
        "allOf": [_required(Problem), _own_law()],
    }
    apart: dict[str, Schema] = {}
    found: Schema = _titled_apart(root | {"definitions": defined}, apart)
    kept = found.pop("definitions")
    return found | {"definitions": _used(found, kept | apart)}


def _own_law() -> Schema:
    """The name of a law that is neither published nor in a file is one of [laws]."""
    return {
        "if": {"not": {"required": ["laws"]}},
        "then": {"properties": {"objective": {"properties": {"law": LAW.schema()}}}},
    }


def _titled_apart(schema: Any, defined: dict[str, Schema]) -> Any:
    """The schema with references in place of those below it that have a title."""
    if isinstance(schema, list):
        return [_titled_apart(each, defined) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(title := schema.get("title"), str) and "$schema" not in schema:
        defined[title] = {key: each for key, each in schema.items() if key != "title"}
        return {"$ref": f"#/definitions/{title}"}
    return {key: _titled_apart(each, defined) for key, each in schema.items()}


def _property(table: type[Table], key: str, field: Field, defined: dict[str, Schema]) -> Schema:
    """The schema of a key; tables in it are added to those that are defined."""
    described = _key(table, key, field)
    found: Schema = {"description": described.text}
    if described.default is not None:
        found["default"] = described.default
    if described.example is not None:
        found["examples"] = [described.example]
    below = _table_of(field)
    if below is None:
        if isinstance(field.form, Entries) and field.form.table is not None:
            _define(field.form.table, defined, "")
        return found | _alone(field.form.schema())
    _define(below, defined, described.about)
    one = table_reference(below)  # alone, so that what is wrong in it is said of its own key
    return found | several(one, "none") if field.several else one


def _alone(schema: Schema) -> Schema:
    """A schema beside which others may stand: a reference stands within another one."""
    return {"anyOf": [schema]} if "$ref" in schema or "title" in schema else schema


def _define(table: type[Table], defined: dict[str, Schema], about: str) -> None:
    """Add a table; of one that a scenario changes by its keys, none is required there."""
    if table.__name__ in defined:
        return
    found = defined[table.__name__] = {"description": about} if about else {}
    found["type"] = "object"
    found["properties"] = {
        key: _property(table, key, field, defined) for key, field in table.model_fields.items()
    }
    if table not in _overlaid() and (needed := _needed(table)):
        found["required"] = needed
    found["additionalProperties"] = False


def _overlaid() -> list[type[Table] | None]:
    """Tables whose keys a scenario gives one by one (`modelsizer.problems.reading.flattened`)."""
    within = (Space.model_fields[key] for key in SPACE_TABLES)
    return [_table_of(field) for field in (*Problem.model_fields.values(), *within)]


def _required(table: type[Table]) -> Schema:
    """Keys that tables of the problem itself must have, where a scenario need not."""
    found: Schema = {"required": needed} if (needed := _needed(table)) else {}
    held = {key: _table_of(field) for key, field in table.model_fields.items()}
    below = {key: _required(of) for key, of in held.items() if of in _overlaid() and of is not None}
    below = {key: each for key, each in below.items() if each}
    return found | ({"properties": below} if below else {})


def _needed(table: type[Table]) -> list[str]:
    return [key for key, field in table.model_fields.items() if field.required]


def _used(root: Schema, defined: dict[str, Schema]) -> dict[str, Schema]:
    """Definitions that the schema refers to, in their order."""
    kept: set[str] = set()
    waiting = [json.dumps(root)]
    while waiting:
        names = set(re.findall(r'"#/definitions/([^"]+)"', waiting.pop())) - kept
        kept |= names
        waiting += [json.dumps(defined[name]) for name in names]
    return {name: each for name, each in defined.items() if name in kept}


def schema_text() -> str:
    """The schema as a file has it."""
    return json.dumps(problem_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write_text(schema_file(), schema_text())
