"""What figures hold for, as rows of a report."""

from __future__ import annotations

from fractions import Fraction

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.mixers import mixers
from modelsizer.problems.designs.assumptions import Assumptions
from modelsizer.problems.tables.training import Training
from modelsizer.problems.units import format_number
from modelsizer.text.kit.words import counted

_BITS = 8
_KEPT = {
    "windowed": ", no more than the window in layers with one",
    "full": ", the whole context in layers with a window too",
}


def serving_rows(found: Assumptions, architecture: Architecture) -> list[tuple[str, str]]:
    """What serving is assumed to be: load, formats of weights and cache, accelerators."""
    kept = _KEPT[found.kv_policy] if has_windows(architecture) else ""
    rows = [
        ("load", _sequences(found.batch_size, found.context_length)),
        ("weights", _weights(found, architecture)),
        ("KV cache", f"{_bits(found.kv_bytes)} a value{kept}"),
        ("served by", _accelerators(found)),
    ]
    if any(group.layer.attention.state_values() for group in architecture.groups):
        rows.insert(3, ("states", f"{_bits(found.state_bytes)} a value"))
    if (found.prompts, found.prompt_length) != (1, found.context_length):
        rows.insert(1, ("prefill", _sequences(found.prompts, found.prompt_length)))
    return rows


def has_windows(architecture: Architecture) -> bool:
    """Whether a token sees only a part of a long context in some layer."""
    parts = (part for group in architecture.groups for part in mixers(group.layer.attention))
    return any(getattr(part, "window", None) is not None for part in parts)


def training_row(training: Training) -> tuple[str, str]:
    """What training memory is assumed to be of."""
    states = (training.weight_bytes, training.gradient_bytes, training.optimizer_bytes)
    each = " + ".join(format_number(size, 4) for size in states)
    return (
        "trained with",
        f"{_sequences(training.microbatch_size, training.sequence_length)} at once; "
        f"{each} bytes of states a parameter, ZeRO stage {training.zero_stage}; "
        f"recompute {training.recompute}",
    )


def _sequences(batch: int, tokens: int) -> str:
    return f"{counted(batch, 'sequence')} of {tokens:,} tokens"


def _weights(found: Assumptions, architecture: Architecture) -> str:
    stored = found.weights == architecture.stored
    return f"{found.weights}{', as the checkpoint stores them' if stored else ''}"


def _bits(size: Fraction) -> str:
    return f"{format_number(float(size) * _BITS, 4)} bits"


def _accelerators(found: Assumptions) -> str:
    number, shared = found.accelerators, found.tensor_parallel
    name = found.accelerator or "accelerator" + ("s" if number > 1 else "")
    words = f"{number:,} {'x ' if found.accelerator else ''}{name}"
    return words if shared == number else f"{words}, {shared:,} to a step"
