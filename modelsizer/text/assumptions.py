"""What figures hold for, as rows of a report."""

from __future__ import annotations

from fractions import Fraction

from modelsizer.problems.architecture.accounting import weights_by_part
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choice_values import is_mixture
from modelsizer.problems.architecture.mixers import Mixer, mixers
from modelsizer.problems.designs.assumptions import Assumptions
from modelsizer.problems.tables.training import Training
from modelsizer.problems.units import format_number
from modelsizer.text.kit.words import counted, joined

_BITS = 8
_COUNTED = {"exact": "", "causal": "half of the scores", "6ND": "6 for each parameter in use"}
_KEPT = {
    "windowed": ", no more than the window in layers with one",
    "full": ", the whole context in layers with a window too",
}


def serving_rows(found: Assumptions, architecture: Architecture) -> list[tuple[str, str]]:
    """What is served, and how: part of a model, load, formats, accelerators."""
    whole, head = architecture.whole, architecture.trunk.head
    rows = []
    if whole is not None:
        beside = joined([part.name for part in whole.parts])
        rows.append(("model", f"text part of {whole.model_type}, without {beside}"))
    if head != "lm":
        rows.append(("head", "none" if head == "none" else counted(head, "label")))
    kept = _KEPT[found.kv_policy] if has_windows(architecture) else ""
    cached = [part for part in _mixers(architecture) if part.kv_values()]
    times = max((found.tensor_parallel // part.kv_heads for part in cached), default=1)
    kept += f"; held {times} times for tensor parallelism" if times > 1 else ""
    if (found.prompts, found.prompt_length) != (1, found.context_length):
        rows.append(("prefill", _sequences(found.prompts, found.prompt_length)))
    rows += [
        ("load", _sequences(found.batch_size, found.context_length) + _shared(found)),
        ("weights", _weights(found, architecture)),
        ("KV cache", f"{_bits(found.kv_bytes)} a value{kept}"),
    ]
    if any(group.layer.attention.state_values() for group in architecture.groups):
        rows.append(("states", f"{_bits(found.state_bytes)} a value"))
    rows.append(("served by", _accelerators(found, architecture)))
    if found.prefilled_by:
        rows.append(("prefilled by", found.prefilled_by))
    counted_so = [_COUNTED[found.training_flops], "a second forward pass" * found.recomputed]
    if any(counted_so):
        rows.append(("training FLOPs", ", ".join(filter(None, counted_so))))
    return rows


def has_windows(architecture: Architecture) -> bool:
    """Whether a token sees only a part of a long context in some layer."""
    return any(getattr(part, "window", None) is not None for part in _mixers(architecture))


def spared(architecture: Architecture) -> str:
    """What spares scores of a token over a long context: windows, or a selection of tokens."""
    parts = _mixers(architecture)
    selected = any(getattr(part, "indexer", None) is not None for part in parts)
    words = ["in windows"] * has_windows(architecture) + ["of selected tokens"] * selected
    return f", scores {joined(words)}" if words else ""


def _mixers(architecture: Architecture) -> list[Mixer]:
    return [part for group in architecture.groups for part in mixers(group.layer.attention)]


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


def _shared(found: Assumptions) -> str:
    """Words on a prefix that sequences share, and on prompts computed in decode steps."""
    words = ""
    if found.shared_prefix:
        words += f", of which {found.shared_prefix:,} are shared and cached once"
    if found.interference:
        share = format_number(100 * float(found.interference), 3)
        words += f"; {share} % of a decode step is prompts of others"
    return words


def _weights(found: Assumptions, architecture: Architecture) -> str:
    """Bits of a weight in the parts that the architecture has."""
    kinds = architecture.kinds
    sizes = weights_by_part(architecture.trunk, kinds)
    counts = architecture.counts
    words = found.weights.words([part for part, size in sizes.items() if size.at(counts)])
    stored = found.weights == architecture.stored
    return f"{words}, as the checkpoint stores them" if stored else words


def _bits(size: Fraction) -> str:
    return f"{format_number(float(size) * _BITS, 4)} bits"


def _accelerators(found: Assumptions, architecture: Architecture) -> str:
    number, shared = found.accelerators, found.tensor_parallel * found.groups
    name = found.accelerator or "accelerator" + ("s" if number > 1 else "")
    words = f"{number:,} {'x ' if found.accelerator else ''}{name}"
    words += f" in {found.groups:,} groups" if found.groups > 1 else ""
    words += "" if found.engine in ("", "none") else f", {found.engine}"
    ways = found.expert_parallel
    words += f", experts over {ways:,} ways" if ways > 1 and is_mixture(architecture) else ""
    words += "" if shared == number else f", {shared:,} at work at a time"
    return words + (", whose decode step counts memory alone" if found.memory_alone else "")
