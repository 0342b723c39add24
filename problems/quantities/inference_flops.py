"""FLOPs per inference token."""

from __future__ import annotations

import math

from modelsizer.problems.architecture import accounting
from modelsizer.problems.quantities.quantity import Cost, Quantity, as_large
from modelsizer.problems.tables.limits import Bare

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
        bare=Bare(((math.inf, "{} GFLOPs"),), least=1e3),  # two for each of 500 parameters
        example="6 GFLOPs",
    ),
)
