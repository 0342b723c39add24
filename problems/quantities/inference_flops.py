"""FLOPs per inference token."""

from __future__ import annotations

from modelsizer.problems.architecture import accounting
from modelsizer.problems.quantities.quantity import Cost, Quantity, as_large

INFERENCE = "inference_flops_per_token"
"""Name of the quantity in which the inference of a lifetime is counted."""

ROWS = (
    Quantity(
        INFERENCE,
        "FLOPs",
        "forward FLOPs of a token at the serving context",
        Cost(
            lambda of: accounting.forward_flops(of.trunk, of.kinds, of.settings.context_length),
            reads=("context_length",),
            by_layout=False,
            within=as_large,
        ),
        axis="inference FLOPs per token",
        short="infer_flops",
    ),
)
