"""Memory per accelerator in training."""

from __future__ import annotations

import math

from modelsizer.problems.costs.training_memory import stages
from modelsizer.problems.quantities.quantity import Cost, Quantity, Settings
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.limits import MEMORY
from modelsizer.problems.units import exact

_READS = tuple(
    f"training.{name}"
    for name in (
        "sequence_length",
        "microbatch_size",
        "zero_stage",
        "weight_bytes",
        "gradient_bytes",
        "optimizer_bytes",
        "activation_bytes",
        "recompute",
        "logit_bytes",
        "flash_attention",
        "sequence_parallel",
        "dropout",
        "fused_kernels",
        "interleave",
        "expert_parallel",
        "expert_tensor_parallel",
        "expert_imbalance",
    )
)


def _numerators(settings: Settings, layout: Layout) -> int:
    """Bound the numerators of factors, which multiply values before their division.

    Their denominators are products of those of the bytes of a value, of the ways of the layout,
    and of the groups of layers; and of 2, for half of the values.
    """
    training = settings.training
    sizes = (
        training.weight_bytes,
        training.gradient_bytes,
        training.optimizer_bytes,
        training.activation_bytes,
        training.logit_bytes,
        training.expert_imbalance,
    )
    divided = math.prod(exact(size).denominator for size in sizes)
    return 4 * max(1, layout.accelerators) * training.interleave * divided


ROWS = (
    Quantity(
        "training_memory",
        "bytes",
        "states, activations and logits of an accelerator",
        Cost(
            lambda of: stages(of.settings.training, of.trunk, of.kinds, of.layout, of.present),
            reads=_READS,
            branches=("first_stage", "last_stage"),
            many_layouts=True,
            within=_numerators,
        ),
        only="max",
        axis="training memory per accelerator",
        heading="train",
        bare=MEMORY,
        example="70 GB",
    ),
)
