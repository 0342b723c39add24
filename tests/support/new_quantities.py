"""Examples of quantities added by a user."""

from __future__ import annotations

from modelsizer.problems.architecture import accounting
from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.quantities.quantity import Candidate, Cost, Quantity
from modelsizer.problems.units import exact


def _optimizer_states(of: Candidate) -> Affine:
    shared = of.layout.data_parallel if of.settings.training.zero_stage >= 1 else 1
    each = exact(of.settings.training.optimizer_bytes) / shared / of.layout.tensor_parallel
    return accounting.parameters(of.trunk, of.kinds).times(each)


def _attention(of: Candidate) -> Affine:
    none = 0 * of.trunk.d_model
    return Affine(none, tuple(kind.attention.parameters(of.trunk.d_model) for kind in of.kinds))


OPTIMIZER_STATES = Quantity(
    "optimizer_state_bytes", "bytes", "optimizer states of an accelerator", Cost(_optimizer_states)
)
ATTENTION = Quantity(
    "attention_parameters", "parameters", "parameters of attention", Cost(_attention)
)
