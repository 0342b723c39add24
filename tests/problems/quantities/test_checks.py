"""A cost without the properties that proofs require is rejected at registration."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from modelsizer.problems.architecture import accounting
from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.quantities import checks
from modelsizer.problems.quantities.auxiliary import AUXILIARY
from modelsizer.problems.quantities.checks import check_quantity
from modelsizer.problems.quantities.examples import structures
from modelsizer.problems.quantities.quantity import (
    Candidate,
    Cost,
    Inverse,
    OfFlops,
    Quantity,
    Settings,
    as_large,
)
from modelsizer.problems.quantities.rows import QUANTITIES, register_quantity
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.lifetime import Lifetime
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.training import Training
from tests.support.new_quantities import ATTENTION, OPTIMIZER_STATES


@pytest.mark.parametrize("name", [*QUANTITIES, *AUXILIARY])
def test_rows_keep_what_the_proofs_rely_on(name: str) -> None:
    if name in AUXILIARY:
        check_quantity(Quantity(name, "count", name, AUXILIARY[name]))
    else:
        check_quantity(QUANTITIES[name])


def test_new_ones_do() -> None:
    check_quantity(OPTIMIZER_STATES)
    check_quantity(ATTENTION)


def none(of: Candidate) -> Any:
    return 0 * of.trunk.d_model


def flat(of: Candidate, base: Any) -> Affine:
    return Affine(base, tuple(none(of) for _ in of.kinds))


def branching(of: Candidate) -> Affine:
    """Wider than 4096 it costs twice: said by the first of an array."""
    first = of.trunk.d_model if isinstance(of.trunk.d_model, int) else max(of.trunk.d_model)
    return flat(of, of.trunk.d_model * (2 if first > 4096 else 1))


def large(of: Candidate) -> Affine:
    """The parameters, by way of numbers 2^40 times as large."""
    found = accounting.parameters(of.trunk, of.kinds)
    several = tuple(each * 2**40 // 2**40 for each in found.per_layer)
    return Affine(found.base * 2**40 // 2**40, several)


@pytest.mark.parametrize(
    ("formula", "how", "word"),
    [
        (lambda of: flat(of, 10**6 - of.trunk.d_model), {}, "falls with a width"),
        (lambda of: flat(of, none(of) + 10**6 // of.kinds[0].attention.heads), {}, "falls with"),
        (lambda of: Affine(none(of), tuple(none(of) - 1 for _ in of.kinds)), {}, "negative"),
        (lambda of: flat(of, of.trunk.tied_embeddings * 1 + none(of)), {}, "falls with a width"),
        (lambda of: Affine(none(of), (none(of),)), {}, "for each kind of layer"),
        (lambda of: (flat(of, none(of)),) * 2, {}, "an Affine for each branch"),
        (branching, {}, "arrays otherwise"),
        (
            lambda of: accounting.parameters(of.trunk, of.kinds).times(of.layout.accelerators),
            {"by_layout": False},
            "by_layout=False",
        ),
        (large, {"within": as_large}, "beyond 64 bits"),
    ],
)
def test_costs_that_break_a_promise_are_refused(
    formula: Any, how: dict[str, Any], word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        register_quantity(Quantity("new", "count", "new", Cost(formula, **how)))
    assert "new" not in QUANTITIES


def batch(of: Candidate) -> Affine:
    return accounting.parameters(of.trunk, of.kinds).times(Fraction(of.settings.serving.batch_size))


def one(settings: Settings) -> Fraction:
    return Fraction(settings.serving.batch_size)


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (Quantity("new", "count", "new", Cost(batch, reads=())), "reads serving.batch_size"),
        (Quantity("new", "count", "new", Cost(batch, reads=("serving.batch",))), "no setting"),
        (Quantity("new", "count", "new", Cost(batch, reads="serving.batch_size")), "a tuple"),  # type: ignore[arg-type]
        (Quantity("new", "count", "new", OfFlops(one, reads=()), only="max"), "serving.batch_size"),
        (
            Quantity("new", "count", "new", Inverse("decode_latency", one, "x", ()), only="min"),
            "serving.batch_size",
        ),
    ],
)
def test_settings_that_are_read_and_not_said_are_refused(row: Quantity, word: str) -> None:
    """Otherwise a `Solver` reuses tables of the old value, and calls a wrong design optimal."""
    with pytest.raises(ValueError, match=word):
        register_quantity(row)
    assert "new" not in QUANTITIES


def test_settings_may_be_said_by_table_or_not_at_all() -> None:
    for reads in (None, ("serving",), ("serving.batch_size",)):
        check_quantity(Quantity("new", "count", "new", Cost(batch, reads=reads)))


def test_large_numbers_may_be_said_or_left_open() -> None:
    for within in (None, lambda settings, layout: 2**40):
        check_quantity(Quantity("new", "count", "new", Cost(large, within=within)))


SHARDED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"expert_parallel": 4}, {"tensor_parallel": 4, "expert_parallel": 4, "expert_imbalance": 1.5}),
    (
        {"expert_parallel": 2, "expert_tensor_parallel": 1, "expert_imbalance": 1.7},
        {"expert_parallel": 16, "tensor_parallel": 2, "batch_size": 33, "latent_multiple": 128,
         "speculation": {"kind": "mtp", "length": 3, "acceptance": 0.8}},
    ),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("quantity", ["training_memory", "serving_memory", "decode_latency"])
@pytest.mark.parametrize("trained, served", SHARDED)
def test_sharded_experts_keep_what_the_proofs_rely_on(
    quantity: str, trained: dict[str, Any], served: dict[str, Any]
) -> None:
    """No wider expert and no more routed experts cost less, alone and in arrays."""
    on = {"accelerator": "H100-SXM"}
    training, serving = Training.model_validate(on | trained), Serving.model_validate(on | served)
    settings = Settings(training, serving, Lifetime(), 8192, "total")
    for block in BLOCKS:
        for structure in structures(block):
            checks._check_at(QUANTITIES[quantity], settings, structure, Layout(8, 2, 2))
