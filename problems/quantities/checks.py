"""Test, at random architectures, the properties of a cost that the proofs rely on."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.columns import LARGEST_INT64
from modelsizer.problems.quantities.batches import at_batch
from modelsizer.problems.quantities.examples import Widths, ordered_pairs, structures
from modelsizer.problems.quantities.quantity import Candidate, Cost, Quantity, Settings
from modelsizer.problems.quantities.reads import check_reads
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.lifetime import Lifetime
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.training import Training

_POINTS = 40
_SEED = 0
_CONTEXT = 8192
_BATCHES = (1, 2, 3, 32, 33, 50)
_LAYOUTS = (Layout(1, 1, 1), Layout(4, 2, 2))


def check_quantity(row: Quantity) -> None:
    """Reject a quantity that violates a required property at some random architecture.

    It must read no setting that its `reads` omits. The formula of an affine quantity must accept
    arrays of widths as well as integers, and return one `Affine`, or one per branch, with a
    coefficient for each kind of layer of every structure. Coefficients must be non-negative, and
    neither the constant nor a coefficient may decrease when a width increases or the embedding
    becomes untied (`modelsizer.problems.architecture.choices.ZERO_APART` excepted). With
    ``by_layout=False`` it must not depend on the layout; with ``within``, no number may overflow
    where that says none does; with ``by_batch`` it must not fall as the batch grows, and take an
    array of batches, one for each row. It is tested with default settings, and with an H100 for
    training and serving, if they provide what it needs.

    Raises
    ------
    ValueError
        If a property is violated; the message names it.
    """
    check_reads(row, _settings())
    if not isinstance(row.how, Cost):
        return
    settings = [each for each in _settings() if not row.needs(each)]
    tried = [structure for block in BLOCKS for structure in structures(block)]
    for number, (structure, each) in enumerate(itertools.product(tried, settings)):
        _check_at(row, each, structure, _LAYOUTS[(number + number // 2) % len(_LAYOUTS)])


def _check_at(row: Quantity, settings: Settings, structure: Structure, layout: Layout) -> None:
    """Reject a row that violates a property at random widths of a structure."""
    assert isinstance(row.how, Cost)
    low, high = ordered_pairs(structure, _POINTS, _SEED)
    small = _costs(row, settings, structure, low, layout)
    large = _costs(row, settings, structure, high, layout)
    for a, b in zip(small, large, strict=True):
        _refuse(row, a[:-1] < 0, "a negative coefficient, or a negative constant")
        _refuse(row, a[:-1] * b[-1] > b[:-1] * a[-1], "a cost that falls with a width")
    if not row.how.by_layout:
        for a, b in zip(small, _costs(row, settings, structure, low, _LAYOUTS[0]), strict=True):
            _refuse(row, a != b, "by_layout=False, and a cost that depends on it")
    _check_batch(row, settings, structure, low, layout)
    _check_within(row, settings, structure, low, layout, small)
    least = int(low["d_model"].argmin())
    ints = {name: int(values[least]) for name, values in low.items()}
    for a, b in zip(small, _costs(row, settings, structure, ints, layout), strict=True):
        wrong = a[:, least] != b[:, 0]
        _refuse(row, wrong, "a formula that takes arrays otherwise than integers")


def _check_batch(
    row: Quantity, settings: Settings, structure: Structure, widths: Widths, layout: Layout
) -> None:
    """Reject a row of ``by_batch`` that falls as the batch grows, or is another of an array."""
    assert isinstance(row.how, Cost)
    if not row.how.by_batch:
        return
    each = [_costs(row, at_batch(settings, b), structure, widths, layout) for b in _BATCHES]
    mixed = np.arange(_POINTS) % len(_BATCHES)
    several = at_batch(settings, np.array(_BATCHES)[mixed])
    found = _costs(row, several, structure, widths, layout)
    for part, *alone in zip(found, *each, strict=True):
        for less, more in itertools.pairwise(alone):
            falls = less[:-1].sum(axis=0) * more[-1] > more[:-1].sum(axis=0) * less[-1]
            _refuse(row, falls, "by_batch=True, and a cost that falls with the batch")
        own = np.stack(alone)[mixed, :, np.arange(_POINTS)].T
        other = part[:-1] * own[-1] != own[:-1] * part[-1]
        _refuse(row, other, "by_batch=True, and a formula that takes no array of batches")


def _settings() -> tuple[Settings, ...]:
    told = {"accelerator": "H100-SXM"}
    priced = Training.model_validate(told | {"price_per_hour": 2.5})
    served = Serving.model_validate(told | {"batch_size": 16, "tensor_parallel": 4})
    return (
        Settings(Training(), Serving(), Lifetime(), _CONTEXT, "total"),
        Settings(priced, served, Lifetime(inference_tokens=1e12), _CONTEXT, "total"),
    )


def _check_within(
    row: Quantity,
    settings: Settings,
    structure: Structure,
    widths: Widths,
    layout: Layout,
    exact: list[NDArray[Any]],
) -> None:
    """Reject a row whose numbers overflow int64 where its ``within`` says that none does."""
    assert isinstance(row.how, Cost)
    if row.how.within is None:
        return
    factor = row.how.within(settings, layout)
    size = np.max([branch[:-1].sum(axis=0) for branch in exact], axis=0)
    rows = np.flatnonzero(size * factor < LARGEST_INT64)
    if len(rows) == 0:
        return
    some = {name: values[rows] for name, values in widths.items()}
    for a, b in zip(exact, _costs(row, settings, structure, some, layout, np.int64), strict=True):
        _refuse(row, a[:, rows] != b, "a number beyond 64 bits that its `within` leaves out")


def _costs(
    row: Quantity,
    settings: Settings,
    structure: Structure,
    widths: Mapping[str, Any],
    layout: Layout,
    kind: type = object,
) -> list[NDArray[Any]]:
    """Return constant, K coefficients and denominator of each branch, shape (K + 2, W).

    With `kind` object they are exact; with ``np.int64`` they may overflow.
    """
    how = row.how
    assert isinstance(how, Cost)
    w: dict[str, Any] = {
        name: values.astype(kind) if isinstance(values, np.ndarray) else values
        for name, values in widths.items()
    }
    trunk, kinds = structure.parts(w, _CONTEXT)
    found = how.formula(Candidate(settings, trunk, kinds, layout))
    several = found if isinstance(found, tuple) else (found,)
    if len(several) != max(1, len(how.branches)) or not all(
        isinstance(one, Affine) and len(one.per_layer) == len(kinds) for one in several
    ):
        raise ValueError(
            f"{row.name}: its formula must give an Affine for each branch, with a coefficient for "
            "each kind of layer"
        )
    zero = 0 * w["d_model"]
    return [
        np.atleast_2d(
            np.stack([zero + part for part in (one.base, *one.per_layer, one.denominator)])
        ).reshape(len(kinds) + 2, -1)
        for one in several
    ]


def _refuse(row: Quantity, wrong: NDArray[Any], what: str) -> None:
    if np.any(wrong):
        raise ValueError(f"{row.name} has {what}: the proofs would be wrong")
