"""Sizes of a design: depth, width and parameters."""

from __future__ import annotations

import math

from modelsizer.problems.architecture import accounting
from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.quantities.quantity import Candidate, Cost, Formula, Quantity, as_large
from modelsizer.problems.tables.limits import Bare


def _layers(of: Candidate) -> Affine:
    none = 0 * of.trunk.d_model
    return Affine(none, tuple(none + 1 for _ in of.kinds))


def _d_model(of: Candidate) -> Affine:
    none = 0 * of.trunk.d_model
    return Affine(of.trunk.d_model, tuple(none for _ in of.kinds))


def _size(formula: Formula) -> Cost:
    return Cost(formula, reads=(), by_layout=False, within=as_large)


_BILLIONS = Bare(((math.inf, "{}B"),), least=1e3)  # one matrix of 32 x 32 has a thousand

ROWS = (
    Quantity(
        "layers",
        "count",
        "depth",
        _size(_layers),
        example=80,
    ),
    Quantity(
        "d_model",
        "count",
        "width of the residual stream",
        _size(_d_model),
        axis="d_model",
        example=8192,
    ),
    Quantity(
        "parameters",
        "parameters",
        "all parameters, tied weights once",
        _size(lambda of: accounting.parameters(of.trunk, of.kinds)),
        bare=_BILLIONS,
        heading="size",
        example="40B",
    ),
    Quantity(
        "non_embedding_parameters",
        "parameters",
        "parameters without the embedding and an untied head",
        _size(lambda of: accounting.non_embedding_parameters(of.trunk, of.kinds)),
        axis="non-embedding parameters",
        short="non_embedding",
        bare=_BILLIONS,
        example="40B",
    ),
    Quantity(
        "active_parameters",
        "parameters",
        "parameters that a token uses: all but the idle routed experts",
        _size(lambda of: accounting.active_parameters(of.trunk, of.kinds)),
        axis="active parameters",
        short="active",
        heading="active",
        bare=_BILLIONS,
        example="3B",
    ),
)
