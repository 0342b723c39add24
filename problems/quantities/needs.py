"""Inputs of quantities: missing settings, and the settings that each quantity depends on."""

from __future__ import annotations

from modelsizer.problems.hardware.accelerators import UnknownFigureError
from modelsizer.problems.quantities.auxiliary import (
    SERVED_FLOPS_PER_TOKEN,
    TRAINING_FLOPS_PER_TOKEN,
)
from modelsizer.problems.quantities.batches import AT_REQUESTS, BATCH, raised_by_batch
from modelsizer.problems.quantities.quantity import (
    LAYOUT_KEYS,
    Inverse,
    LargestBatch,
    OfFlops,
    Reads,
    Settings,
)
from modelsizer.problems.quantities.rows import QUANTITIES, cost_of
from modelsizer.problems.tables.pools import Pool

_CONTEXT = {
    "serving.context_length": ("context_length",),
    "training.sequence_length": ("training.sequence_length", "context_length"),
    "serving.decode": ("serving.decode", *(f"serving.{key}" for key in Pool.model_fields)),
    # Pools have of these what they do not say themselves.
    **{
        f"serving.{key}": (f"serving.{key}", "serving.prefill", "serving.decode")
        for key in Pool.model_fields
    },
}


_USABLE = tuple(
    f"serving.{name}"
    for name in ("accelerator", "custom_accelerator", "memory_utilization", "memory_reserve")
)
"""Settings that the memory left for serving follows from, one of `Settings.ceilings`."""


def lacking(settings: Settings, quantity: str) -> str:
    """Return the missing input of a quantity, with the remedy; empty if none is missing."""
    row = QUANTITIES[quantity]
    try:
        if needs := row.needs(settings):
            return f"{_needs(quantity)}{needs}"
        if isinstance(row.how, OfFlops):
            row.how.rate(settings)
            if row.how.charge is not None:
                row.how.charge(settings)
    except UnknownFigureError as error:
        return str(error)
    return ""


def is_for_user(quantity: str, lack: str) -> bool:
    """Whether what is lacking is for the user to give, and no unknown figure of an accelerator."""
    return lack.startswith(_needs(quantity))


def _needs(quantity: str) -> str:
    return f"{quantity} needs "


def reads_of(quantity: str) -> Reads:
    """Return the settings that a quantity depends on, at given tokens and layout; None for all."""
    how = QUANTITIES[quantity].how
    if isinstance(how, str):
        return ()
    if isinstance(how, LargestBatch):
        found: list[Reads] = [("ceilings", *_USABLE)]
        raised = (cost_of(name).reads or () for name in raised_by_batch(QUANTITIES))
        found += (tuple(key for key in reads if key != BATCH) for reads in raised)
    else:
        found = [how.reads]
    if isinstance(how, Inverse):
        found.append(cost_of(how.of).reads)
    if isinstance(how, OfFlops):
        found.append(cost_of(TRAINING_FLOPS_PER_TOKEN).reads)
        if how.charge is not None:
            found.append(cost_of(SERVED_FLOPS_PER_TOKEN).reads)
    keys: dict[str, None] = {}
    for reads in found:
        if reads is None:
            return None
        keys |= dict.fromkeys(reads)
    return tuple(keys)


def costs_of(settings: Settings, quantity: str) -> tuple[str, ...]:
    """Return the names of the affine costs that a quantity is computed from, but for tokens."""
    row = QUANTITIES[quantity]
    if row.form == "batch":
        return tuple(name for name, _ in settings.ceilings)
    return (row.base,) if row.base else ()


def costs_limited(settings: Settings, quantity: str) -> tuple[str, ...]:
    """Return the names of the affine costs that a budget of a quantity limits."""
    found = costs_of(settings, quantity)
    if QUANTITIES[quantity].form == "batch":
        return tuple(f"{name}{AT_REQUESTS}" for name in found)
    return found


def affected_by(key: str) -> frozenset[str]:
    """Return the quantities that a setting may change at fixed tokens.

    Parameters
    ----------
    key : str
        A key of training, serving or lifetime, such as ``"serving.batch_size"``.
    """
    seen = {*_CONTEXT.get(key, (key,)), key.partition(".")[0]}
    return frozenset(
        name
        for name, row in QUANTITIES.items()
        if (reads := reads_of(name)) is None
        or not seen.isdisjoint(reads)
        or (row.by_layout and key in LAYOUT_KEYS)
    )
