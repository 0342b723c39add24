"""The keys of the problem file, as its tables describe them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from docs.building.markup import cell, plain
from modelsizer.problems.key_values import write_value
from modelsizer.problems.reading import schema_file
from modelsizer.problems.schema import DescribedKey, described_keys

_FEW = 20
"""Words that a key may be, if it lists them."""


def sections() -> str:
    """A section for each table, and in it a row for each key; a table like another says so."""
    keys = described_keys()
    tables = {key.key: key for key in keys}
    rows = {name: [*own] for name, own in groupby(sorted(keys, key=_table), _table)}
    shown: dict[str, str] = {}
    parts = []
    for name in sorted(rows, key=lambda name: _place(name, keys)):
        words = _words(name)
        table = "\n".join(_row(k, words) for k in rows[name] if k.key not in rows)
        about = tables[name.removesuffix(".NAME")].about if name else ""
        if table in shown:
            about, table = f"{about} Keys as in `[{shown[table]}]`.", ""
        else:
            shown[table] = name
            table = (
                f"| key | what it is | unit | default | example |\n|---|---|---|---|---|\n{table}"
            )
        parts += [f"### `[{name}]`" if name else "", plain(about.strip()), table]
    return "\n\n".join(filter(None, parts))


def _table(key: DescribedKey) -> str:
    return key.key.rpartition(".")[0]


def _place(name: str, keys: tuple[DescribedKey, ...]) -> int:
    """Where a table stands in the file."""
    return next(i for i, key in enumerate(keys) if _table(key) == name)


def _row(key: DescribedKey, words: Mapping[str, list[str]]) -> str:
    name = key.key.rpartition(".")[2]
    about = key.about
    of = words.get(name, [])
    if 1 < len(of) <= _FEW and not all(str(word) in about for word in of):
        about += f" One of {', '.join(f'`{word}`' for word in of)}."
    default = "required" if key.required else _written(key.default)
    columns = (f"`{name}`", about, key.unit, default, _written(key.example))
    return f"| {' | '.join(plain(cell(each)) for each in columns)} |"


def _written(value: Any) -> str:
    return "" if value is None else f"`{write_value(value)}`"


def _words(table: str) -> dict[str, list[str]]:
    """The words that the keys of a table may be, by key."""
    schema = json.loads(schema_file().read_text("utf-8"))
    of = schema
    for name in filter(None, table.split(".")):
        key = of["additionalProperties"] if name == "NAME" else of["properties"][name]
        of = next(_tables(key, schema))
    return {key: words for key, each in of["properties"].items() if (words := _enum(each))}


def _tables(key: Any, schema: Any) -> Iterator[Any]:
    """The tables that a key may hold."""
    for each in (key, *key.get("anyOf", ())):
        reference = each.get("$ref", "").rpartition("/")[2]
        found = schema["definitions"][reference] if reference else each
        if "properties" in found:
            yield found


def _enum(key: Mapping[str, Any]) -> list[str]:
    """The words of a key, or of a list of them."""
    for each in (key, *key.get("anyOf", ())):
        if found := each.get("enum"):
            return [*found]
    return []
