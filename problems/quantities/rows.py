"""Registry of all quantities, in the order of the file format."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from modelsizer.problems.quantities.auxiliary import AUXILIARY
from modelsizer.problems.quantities.batches import AT_REQUESTS, at_requests
from modelsizer.problems.quantities.checks import check_quantity
from modelsizer.problems.quantities.quantity import Cost, Form, Quantity
from modelsizer.problems.registry import Registry

_ORDER = ("training_flops", "parameters", "tokens", "cache", "serving_memory", "inference_flops",
          "training_memory", "training_cost", "lifetime", "latency", "concurrency", "requests",
          "serving_cost", "loss")  # fmt: skip
"""Modules in the order of the file format; the rest follow by name."""
_NO_ROWS = (
    "amounts",
    "auxiliary",
    "batches",
    "checks",
    "examples",
    "needs",
    "quantity",
    "reads",
    "rows",
)


def _modules() -> Iterator[str]:
    yield from _ORDER
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name not in (*_ORDER, *_NO_ROWS):
            yield module.name


def _rows() -> Iterator[Quantity]:
    for name in _modules():
        yield from import_module(f"modelsizer.problems.quantities.{name}").ROWS


QUANTITIES: Registry[Quantity] = Registry("quantity", _rows())
"""Every quantity by name."""


def register_quantity(row: Quantity) -> None:
    """Register a quantity for budgets, objectives, columns and figures.

    Parameters
    ----------
    row : Quantity

    Raises
    ------
    ValueError
        If its name is empty or taken, or its cost violates a property that the proofs rely on
        (`modelsizer.problems.quantities.checks.check_quantity`).
    """
    check_quantity(row)
    if row.name in AUXILIARY:
        raise ValueError(f"a cost named {row.name!r} is there already")
    QUANTITIES.register(row)


def names_of(*forms: Form) -> tuple[str, ...]:
    """Return the names of the quantities of the given forms, in order."""
    return tuple(name for name, row in QUANTITIES.items() if row.form in forms)


def cost_of(name: str) -> Cost:
    """Return an affine cost by name, of a quantity, one at the batch asked for, or auxiliary."""
    if name.endswith(AT_REQUESTS):
        return at_requests(cost_of(name.removesuffix(AT_REQUESTS)))
    if (found := AUXILIARY.get(name)) is not None:
        return found
    how = QUANTITIES[name].how
    assert isinstance(how, Cost), f"{name} is not affine"
    return how


def parts_of(name: str) -> tuple[str, ...]:
    """Return the names of the affine quantities whose maximum is a cost."""
    return cost_of(name).parts(name)
