"""Report of the catalogue of published models, as text and CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelsizer.problems.architecture.configs.model_types import model_types
from modelsizer.problems.architecture.configs.vision import WHOLES
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.architecture.models import models
from modelsizer.problems.table_files import csv_text
from modelsizer.problems.units import format_quantity
from modelsizer.text.kit.lines import line, section
from modelsizer.text.kit.tables import Table, print_table

if TYPE_CHECKING:
    from rich.console import Console

_SHAPE = ("layers", "d_model", "heads", "kv_heads")
SORT_KEYS = ("name", "parameters", "tokens", "year")


def model_rows(match: str | None, sort: str) -> list[dict[str, Any]]:
    """Rows of the catalogue, filtered and sorted: names ascending, numbers descending."""
    rows = []
    for model in models().values():
        shape = architecture_dict(model.architecture)
        counted = model.parameters
        rows.append(
            {
                "name": model.name,
                "type": str(model.config["model_type"]),
                "parameters": counted.total,
                "active": counted.active,
                **{k: shape[k] for k in ("layers", "d_model", "heads", "kv_heads", "d_ff",
                                         "vocab_size")},
                "tokens": model.tokens,
                "year": model.year,
                "source": model.source,
                "note": model.note,
            }
        )  # fmt: skip
    if match is not None:
        word = match.lower()
        rows = [row for row in rows if word in row["name"] or word in row["type"]]
    if sort == "name":
        return sorted(rows, key=lambda row: str(row["name"]))
    return sorted(rows, key=lambda row: (-(row[sort] or 0), row["name"]))


def print_models(console: Console, rows: list[dict[str, Any]]) -> None:
    """Print the catalogue; the source of each row is in --json and --csv."""
    numbers = ("parameters", "active", "layers", "d_model", "heads", "kv", "tokens", "year")
    cells = [
        (
            row["name"],
            format_quantity(row["parameters"], "parameters", 3),
            format_quantity(row["active"], "parameters", 3),
            *("" if row[k] is None else str(row[k]) for k in _SHAPE),
            "" if row["tokens"] is None else format_quantity(row["tokens"], "tokens", 3),
            str(row["year"]),
        )
        for row in rows
    ]
    print_table(console, Table(("name", *numbers), cells), gap=1)


def type_rows(match: str | None) -> list[dict[str, Any]]:
    """Types of ``config.json`` that are read, by name, with what is beside the text of each."""
    word = (match or "").lower()
    return [
        {
            "type": name,
            "text": row.text or None,
            "vision_counted": name in WHOLES if row.text else None,
        }
        for name, row in sorted(model_types().items())
        if word in name
    ]


def print_types(console: Console, rows: list[dict[str, Any]]) -> None:
    """Print the types: those of language models, then those that hold one beside others."""
    section(console, "Language models")
    line(console, ", ".join(row["type"] for row in rows if row["text"] is None))
    section(console, "With vision or audio, which is counted where a star stands")
    wholes = [row for row in rows if row["text"] is not None]
    line(console, ", ".join(row["type"] + "*" * row["vision_counted"] for row in wholes))


def models_csv(rows: list[dict[str, Any]]) -> str:
    """CSV with a line for each model."""
    return csv_text(rows, None if rows else ["name"])
