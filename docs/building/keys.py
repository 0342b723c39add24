"""The keys of the problem file, as its tables describe them."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from docs.building.markup import cell, plain
from modelsizer.problems.key_values import write_value
from modelsizer.problems.schema import DescribedKey, described_keys


def sections() -> str:
    """A section for each table, and in it a row for each key; a table like another says so."""
    keys = described_keys()
    tables = {key.key: key for key in keys}
    rows = {name: [*own] for name, own in groupby(sorted(keys, key=_table), _table)}
    shown: dict[str, str] = {}
    parts = []
    for name in sorted(rows, key=lambda name: _place(name, keys)):
        table = "\n".join(_row(key) for key in rows[name] if key.key not in rows)
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


def _row(key: DescribedKey) -> str:
    name = key.key.rpartition(".")[2]
    about = key.about
    if not all(str(word) in about for word in key.words):
        about += f" One of {', '.join(f'`{word}`' for word in key.words)}."
    default = "required" if key.required else _written(key.default)
    columns = (f"`{name}`", about, key.unit, default, _written(key.example))
    return f"| {' | '.join(plain(cell(each)) for each in columns)} |"


def _written(value: Any) -> str:
    return "" if value is None else f"`{write_value(value)}`"
