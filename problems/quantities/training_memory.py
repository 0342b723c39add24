"""Memory per accelerator in training."""

from __future__ import annotations

from modelsizer.problems.costs.training_memory import stages
from modelsizer.problems.quantities.quantity import Cost, Quantity, Settings
from modelsizer.problems.space.layouts import Layout

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
    )
)


def _numerators(settings: Settings, layout: Layout) -> int:
    """Return the numerators of bytes per parameter, before division by the layout."""
    return 4 * max(1, layout.accelerators) * settings.training.sequence_length


ROWS = (
    Quantity(
        "training_memory",
        "bytes",
        "states, activations and logits of an accelerator",
        Cost(
            lambda of: stages(of.settings.training, of.trunk, of.kinds, of.layout),
            reads=_READS,
            branches=("first_stage", "last_stage"),
            within=_numerators,
        ),
        only="max",
        axis="training memory per accelerator",
        heading="train",
    ),
)
