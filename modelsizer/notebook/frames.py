"""Tables of pandas from the rows that JSON has of an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from modelsizer.problems.table_files import frame

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]
_ARCHITECTURE = "architecture"
_LEFT_OUT = frozenset({"problem", "provenance", "statistics", "set"})
"""Tables inside a row that are about no figure of it."""


def frame_of(value: object) -> pd.DataFrame:
    """The rows of a value as a pandas table; see `modelsizer.problems.shown.Tabled`."""
    for kind in type(value).__mro__:
        if (rows := _ROWS.get(kind.__name__)) is not None:
            found = rows(value)
            return frame(found if isinstance(found, Mapping) else _columns(found))
    raise TypeError(f"{type(value).__name__} has no rows")


def _columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Rows of plain values as columns, of every name that one of them has."""
    flat = [dict(_flat(row)) for row in rows]
    names = dict.fromkeys(name for row in flat for name in row)
    return {name: [row.get(name) for row in flat] for name in names}


def _flat(row: Row, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values of a row: inner tables by dotted names, lists of tables left out."""
    for key, value in row.items():
        if isinstance(value, Mapping):
            if key not in _LEFT_OUT:
                yield from _flat(value, prefix if key == _ARCHITECTURE else f"{prefix}{key}.")
        elif not (isinstance(value, list) and any(isinstance(item, Mapping) for item in value)):
            yield f"{prefix}{key}", value


def _listed(key: str) -> Callable[[Any], Sequence[Row]]:
    """The rows under a key of the JSON."""

    def rows(value: Any) -> Sequence[Row]:
        found: Sequence[Row] = value.to_dict()[key]
        return found

    return rows


def _audit(value: Any) -> list[Row]:
    found = value.to_dict()
    return [{"design": name, **found[name]} for name in ("model", "optimum", "cheapest")]


def _memory(value: Any) -> list[Row]:
    """A row for each part of the memory, in serving and in training."""
    found = value.to_dict()
    panels = {name: found[name] for name in ("serving_memory", "training_memory")}
    return [
        {"quantity": name, **part}
        for name, panel in panels.items()
        if panel is not None
        for part in panel["parts"]
    ]


def _near_ties(value: Any) -> list[Row]:
    return [{"name": name, **row} for name, row in value.to_dict()["cheapest"].items()]


def _prices(value: Any) -> list[Row]:
    """A row for each change of each limit."""
    return [
        {**{k: v for k, v in row.items() if k not in ("changes", "unfinished")}, "change": change}
        for row in value.to_dict()["budgets"]
        for change in row["changes"]
    ]


def _ranking(value: Any) -> Sequence[Row]:
    """The groups, where designs were grouped; otherwise the best designs."""
    found = value.to_dict()
    rows: Sequence[Row] = found.get("groups", found["rows"])
    return rows


def _roofline(value: Any) -> list[Row]:
    """A row for each batch of decode, and one for prefill, of each design."""
    return [
        {"name": design["name"], **point}
        for design in value.to_dict()["designs"]
        for point in (*design["batches"], design["prefill"])
    ]


def _study(value: Any) -> list[Row]:
    """A row for each coefficient."""
    found = value.to_dict()
    ends = found["intervals_90"]
    return [
        {
            "coefficient": name,
            "value": number,
            "standard_error": found["standard_errors"].get(name),
            "low": ends.get(name, (None, None))[0],
            "high": ends.get(name, (None, None))[1],
        }
        for name, number in found["coefficients"].items()
    ]


def _terms(value: Any) -> list[Row]:
    return [{"term": name, **row} for name, row in value.to_dict()["terms"].items()]


def _users(value: Any) -> list[Row]:
    """A row for each machine and context."""
    return [
        {"machine": server["machine"], **load}
        for server in value.to_dict()["servers"]
        for load in server["loads"]
    ]


def _winners(value: Any) -> Sequence[Row]:
    """Every design that is the best under some draw."""
    found = getattr(value, "found", value)
    return [] if found is None else list(found.to_dict()["winners"])


_ROWS: MappingProxyType[str, Callable[[Any], Sequence[Row] | Mapping[str, list[Any]]]]
_ROWS = MappingProxyType(
    {
        "Allocation": _listed("contexts"),
        "Audit": _audit,
        "Catalogue": lambda value: value.rows,
        "DepthWidth": _listed("rows"),
        "DrawnAnswer": _winners,
        "Explanation": _listed("repairs"),
        "FittedTerms": _terms,
        "Front": lambda value: value.columns(),
        "Frontier": _listed("points"),
        "LawComparison": _listed("laws"),
        "Layers": _listed("models"),
        "Machines": _listed("alternatives"),
        "Memory": _memory,
        "NearOptimal": _listed("designs"),
        "NearTies": _near_ties,
        "Plan": lambda value: value.rows(),
        "Prices": _prices,
        "ProblemCorners": _listed("corners"),
        "Ranking": _ranking,
        "Result": _listed("budgets"),
        "RooflineView": _roofline,
        "Study": _study,
        "SweepResult": lambda value: value.rows,
        "Uncertainty": _winners,
        "Users": _users,
        "VerifiedAnswer": _listed("differences"),
        "WhatIf": _listed("scenarios"),
    }
)
"""Rows, or columns, by the name of the class."""
