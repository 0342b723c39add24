"""Pages of published laws, built from `catalogue.toml` and `pages.toml`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from modelsizer.problems.laws.catalogue import (
    Coefficients,
    coefficients_of,
    law_rows,
    page_rows,
    range_of,
)
from modelsizer.problems.laws.farseer import farseer_bits
from modelsizer.problems.laws.features import Floats
from modelsizer.problems.laws.page import NATS, LawPage
from modelsizer.problems.laws.precision import kumar_loss
from modelsizer.problems.laws.published import token_law
from modelsizer.problems.registry import Registry

CURVES: Mapping[str, Callable[..., Floats]] = {
    "farseer": farseer_bits,
    "kumar": kumar_loss,
}
"""Forms of laws that cannot be solved with: functions of coefficients, N, D and other numbers."""
_SHORT = "E + n + d"  # n and d: a power of N, and one of D
_COUNTED = {
    "total": ("all, embeddings too", "total"),
    "non_embedding": ("all but embeddings", "no emb."),
    "active": ("active, embeddings too", "active"),
}
_LEFT_OUT = "left_out"


def _usable(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the page of a law to solve with, from its table in `catalogue.toml`."""
    law, known = token_law(name), law_rows()[name]
    parameters, kind = _COUNTED[law.parameter_kind]
    return {
        "short": row.get("short", _SHORT),
        "form": row.get("formula", law.form),
        "parameters": row.get("parameters", parameters),
        "kind": row.get("kind", kind),
        "use": "law, shape" if "shape_source" in known else "law",
        "curve": law.of(_drawn_at(row)).loss,
    }


def _other(row: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the page of a law that cannot be solved with."""
    return {
        "short": row["short"],
        "form": row["formula"],
        "parameters": row["parameters"],
        "kind": row["kind"],
        "curve": _curve(row) if "form" in row else None,
    }


def _curve(row: Mapping[str, Any]) -> Callable[[Floats, Floats], Floats]:
    loss, c, at = CURVES[row["form"]], coefficients_of(row), _drawn_at(row)
    return partial(_loss, loss, c, at)


def _loss(
    curve: Callable[..., Floats], c: Coefficients, at: Coefficients, n: Floats, d: Floats
) -> Floats:
    return curve(c, n, d, **at)


def _drawn_at(row: Mapping[str, Any]) -> Coefficients:
    return {name: float(value) for name, value in row.get("drawn_at", {}).items()}


def _page(name: str, row: Mapping[str, Any]) -> LawPage:
    numbers = law_rows().get(name, row)
    return LawPage(
        name=name,
        words=row["words"],
        coefficients=coefficients_of(numbers),
        data=row["data"],
        source=numbers["source"],
        seen=row["seen"],
        sees=tuple(row.get("sees", ("N", "D"))),
        parameter_range=range_of(numbers, "parameter_range"),
        token_range=range_of(numbers, "token_range"),
        rms=numbers.get("rms"),
        rms_source=row.get("rms_source", ""),
        why_not=row.get("why_not", ""),
        unit=row.get("unit", NATS),
        warnings=tuple(row.get("warnings", ())),
        checked=row["checked"],
        held=row.get("held", ""),
        **(_usable(name, row) if name in law_rows() else _other(row)),
    )


LAW_PAGES: Registry[LawPage] = Registry(
    "law", [_page(name, row) for name, row in page_rows().items() if name != _LEFT_OUT]
)
"""Every page by the name of its law; laws to solve with come first."""

LEFT_OUT: tuple[tuple[str, str], ...] = tuple(
    (row["source"], row["what"]) for row in page_rows()[_LEFT_OUT]
)
"""Publications without a page, since no law of the loss in N and D was found in what could be
opened of them, each with its subject."""
