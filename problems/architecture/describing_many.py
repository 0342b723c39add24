"""Many architectures of one structure as plain values: `describing.design_architecture` of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup
from modelsizer.problems.architecture.choices import BY_NAME, SHOWN
from modelsizer.problems.architecture.describing import (
    ALWAYS_SHOWN,
    OF_FEW,
    ZERO_WITH,
    between_of,
    kind_of,
    plain_field,
    shared_experts,
)

_LEFT_OUT = object()
"""Stands for a field that a row does not show."""


def design_architectures(
    designs: Architecture, rows: int, full_every: Sequence[int | None]
) -> Iterator[dict[str, Any]]:
    """Yield `modelsizer.problems.architecture.describing.design_architecture` of each design.

    Parameters
    ----------
    designs : Architecture
        Its integers may be arrays of shape (rows,); every group has layers in each of them.
    rows : int
    full_every : sequence of (int or None)
        Period of the full layers of each.
    """
    groups = [_groups(group, rows) for group in designs.groups]
    columns: dict[str, Sequence[Any]] = _choices(designs, rows)
    if designs.trunk.positions:
        columns["positions"] = _listed(designs.trunk.positions, rows)
    columns["full_every"] = full_every
    columns["groups"] = [list(each) for each in zip(*groups, strict=True)]
    return _rows(columns)


def _rows(columns: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    names = tuple(columns)
    return (dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True))


def _listed(value: Any, rows: int) -> list[Any]:
    """A value of each row as Python's own; one for all may be no array."""
    if isinstance(value, np.ndarray | np.generic):
        return list(np.broadcast_to(value, rows).tolist())
    return [value] * rows


def _choices(designs: Architecture, rows: int) -> dict[str, Sequence[Any]]:
    sizes = {name: _listed(BY_NAME[name].of(designs), rows) for name in SHOWN}
    found: dict[str, Sequence[Any]] = {name: _shown(name, sizes) for name in SHOWN}
    found["tied_embeddings"] = list(map(bool, found["tied_embeddings"]))
    full, layers = sizes["full_layers"], sizes["layers"]
    found["attention"] = [a if n else None for a, n in zip(found["attention"], full, strict=True)]
    between = between_of(designs)
    found["between"] = [
        between if kind is None and n < of else kind
        for kind, n, of in zip(found["between"], full, layers, strict=True)
    ]
    if any(sizes["routed_experts"]):
        shared = _listed(shared_experts(designs), rows)
        found["shared_experts"] = [
            s if routed else kept
            for s, routed, kept in zip(
                shared, sizes["routed_experts"], found["shared_experts"], strict=True
            )
        ]
    return found


def _shown(name: str, sizes: Mapping[str, Sequence[Any]]) -> Sequence[Any]:
    """One choice of each design; None where the architecture has it not."""
    values, words = sizes[name], BY_NAME[name].words
    if words:
        return [words[value] or None for value in values]
    if name in ALWAYS_SHOWN:
        return values
    beside = sizes.get(ZERO_WITH.get(name, ""), values)
    return [v if v or b else None for v, b in zip(values, beside, strict=True)]


def _groups(group: LayerGroup, rows: int) -> list[dict[str, Any]]:
    layer = group.layer
    columns = {
        "count": _listed(group.count, rows),
        "attention": _parts(layer.attention, rows),
        "ffn": _parts(layer.ffn, rows),
        "norms": _listed(layer.norms, rows),
        **_few(layer, rows),
    }
    return _trimmed(columns)


def _few(layer: Layer, rows: int) -> dict[str, Sequence[Any]]:
    listed = {name: _listed(getattr(layer, name), rows) for name in OF_FEW}
    return {name: [v or _LEFT_OUT for v in values] for name, values in listed.items()}


def _parts(part: Any, rows: int) -> list[dict[str, Any]]:
    """A mixer or feed-forward: its kind, and the fields that differ from their default."""
    columns: dict[str, list[Any]] = {name: [value] * rows for name, value in kind_of(part).items()}
    for f in fields(part):
        value = getattr(part, f.name)
        if isinstance(value, np.ndarray):
            default = f.default if f.default is not None else 0  # which an array has for None
            columns[f.name] = [_LEFT_OUT if v == default else v for v in _listed(value, rows)]
        elif value != f.default:
            columns[f.name] = [plain_field(value)] * rows
    return _trimmed(columns)


def _trimmed(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Rows without what is left out of each."""
    kept = {
        name: values
        for name, values in columns.items()
        if not all(value is _LEFT_OUT for value in values)
    }
    found = list(_rows(kept))
    if any(value is _LEFT_OUT for values in kept.values() for value in values):
        return [{k: v for k, v in row.items() if v is not _LEFT_OUT} for row in found]
    return found
