"""Test that a quantity reads no setting but those that it declares."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from operator import attrgetter
from typing import Any

from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.hardware.accelerators import UnknownFigureError
from modelsizer.problems.quantities.examples import ordered_pairs, structures
from modelsizer.problems.quantities.quantity import (
    Candidate,
    Cost,
    Inverse,
    LargestBatch,
    OfFlops,
    Quantity,
    Settings,
)
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.typed_tables import Table

_TABLES = ("training", "serving", "lifetime")
_SEED, _SEQUENCE = 0, 4096
_LAYOUT = Layout(4, 2, 2)
_seen: set[str] = set()
"""Settings read since it was cleared."""


class _Watched(Settings):
    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        if name in Settings.__dataclass_fields__ and name not in _TABLES:
            _seen.add(name)
        return super().__getattribute__(name)


@cache
def _watched(model: type[Table], table: str) -> type[Table]:
    """A table that notes which of its fields are read."""

    class Watched(model):  # type: ignore[valid-type, misc]
        def __getattribute__(self, name: str) -> Any:
            if name in model.model_fields:
                _seen.add(f"{table}.{name}")
            return super().__getattribute__(name)

    return Watched


def check_reads(row: Quantity, examples: Iterable[Settings]) -> None:
    """Reject a quantity that reads a setting which its ``reads`` omits.

    Tables of costs are reused when only other settings change, so the answer would be that of the
    old value.

    Parameters
    ----------
    row : Quantity
    examples : iterable of Settings
        Those that lack what it needs are left out.

    Raises
    ------
    ValueError
        If it does at one of the examples, or names something that is no setting.
    """
    how = row.how
    if isinstance(how, str | LargestBatch) or how.reads is None:
        return
    if isinstance(how.reads, str):
        raise ValueError(f"{row.name}: reads must be a tuple of settings, got {how.reads!r}")
    for settings in examples:
        for key in how.reads:
            try:
                attrgetter(key)(settings)
            except AttributeError:
                raise ValueError(f"{row.name}: reads has {key!r}, which is no setting") from None
        if row.needs(settings):
            continue
        omitted = sorted(
            key
            for key in _reads(how, settings)
            if key not in how.reads and key.partition(".")[0] not in how.reads
        )
        if omitted:
            raise ValueError(
                f"{row.name} reads {', '.join(omitted)}, which its reads must name: without, an "
                "answer could be that of an old value"
            )


def _reads(how: Cost | OfFlops | Inverse, settings: Settings) -> set[str]:
    """Return the settings that are read to compute a quantity."""
    tables: dict[str, Any] = {name: getattr(settings, name) for name in _TABLES}
    for name, table in tables.items():
        model: Any = type(table)
        tables[name] = _watched(model, name).model_construct(**dict(table))
    watched = _Watched(
        **tables,
        context_length=settings.context_length,
        parameter_kind=settings.parameter_kind,
        experts=settings.experts,
        leverage_flops=settings.leverage_flops,
        prices=settings.prices,
        mixture=settings.mixture,
    )
    _seen.clear()
    try:
        _compute(how, watched)
    except UnknownFigureError:
        return set()
    return set(_seen)


def _compute(how: Cost | OfFlops | Inverse, settings: Settings) -> None:
    if isinstance(how, OfFlops):
        how.rate(settings)
        if how.charge is not None:
            how.charge(settings)
    elif isinstance(how, Inverse):
        how.numerator(settings)
    else:
        for structure in (structure for block in BLOCKS for structure in structures(block)):
            low, _ = ordered_pairs(structure, 1, _SEED)
            widths = {name: int(values[0]) for name, values in low.items()}
            trunk, kinds = structure.parts(widths, _SEQUENCE)
            how.formula(Candidate(settings, trunk, kinds, _LAYOUT))
