"""Training memory of one accelerator: states, activations, logits.

States of N parameters over t x p ways of tensor and pipeline and d of data parallelism, with ZeRO
(Rajbhandari et al. 2020, arXiv 1910.02054, section 5): each accelerator holds N / (t p) times
weight, gradient and optimizer bytes, of which stage 1 divides the optimizer's by d, stage 2 the
gradients' too, stage 3 the weights' too.

Activations of a layer for one microbatch of s tokens a sequence, b sequences (Korthikanti et al.
2022, arXiv 2205.05198, section 4): what each operation keeps for its backward pass. For a layer of
multi-head attention and a plain feed-forward of 4 h with dropout and without flash attention
that is the paper's s b h (10 + 24 / t + 5 a s / (h t)) bytes (equation 2), or
s b h (34 / t + 5 a s / (h t)) with sequence parallelism (equation 4); every other kind of layer is
counted by the same operations. Selective recomputation keeps no scores (equation 6), full
recomputation only the input of each layer (section 5), beside the one layer at work. Halfway,
torchtitan's per-op selective checkpointing keeps every second matrix product: the inputs of
attention and feed-forward and half of what lies within them.

The first pipeline stage holds p microbatches of its L / p layers, so L layers' worth
(section 4.2.3), times 1 + (p - 1) / (p m) with m interleaved stretches of layers a stage; the last
stage holds one microbatch, the head and the logits. Memory is that of the fuller one.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from modelsizer.problems.architecture.accounting import Affine, layer_parameters, parts_outside
from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.training import Training
from modelsizer.problems.units import exact

MASK_BYTES = 1  # a dropout mask, Korthikanti et al. 2022, section 4.1
FP32_BYTES = 4
HALF = Fraction(1, 2)


def state_bytes(training: Training, layout: Layout) -> Fraction:
    """Bytes of states for each parameter of the model, on each accelerator.

    The paper's 7.5B example on 64 accelerators: 120, 31.4, 16.6 and 1.9 GB for stages 0 to 3.
    """
    shared = Fraction(1, layout.data_parallel)
    parts = (
        (exact(training.optimizer_bytes), 1),
        (exact(training.gradient_bytes), 2),
        (exact(training.weight_bytes), 3),
    )
    held = sum(
        (size * (shared if training.zero_stage >= stage else 1) for size, stage in parts),
        Fraction(0),
    )
    return held / (layout.tensor_parallel * layout.pipeline_parallel)


def _scaled(values: Any, factor: Fraction) -> Any:
    """Whole bytes of some values: memory is given out in whole bytes, so rounded up."""
    return -(-values * factor.numerator // factor.denominator)


def layer_activations(
    layer: Layer, trunk: Trunk, training: Training, tensor_parallel: int, recompute: str
) -> Any:
    """Bytes that one layer keeps of one microbatch, on each accelerator of a tensor-parallel group.

    Parameters
    ----------
    layer, trunk
        Integers or arrays of shape (W,).
    training : Training
    tensor_parallel : int
    recompute : {"none", "selective", "half", "full"}

    Returns
    -------
    int or array of shape (W,)
    """
    size = exact(training.activation_bytes)
    tokens = training.sequence_length * training.microbatch_size
    outside = Fraction(1, tensor_parallel if training.sequence_parallel else 1)
    h = trunk.d_model
    if recompute == "full":
        return _scaled(h, tokens * size * outside)
    attention, ffn, fused = layer.attention, layer.ffn, training.fused_kernels
    # Inputs of normalisations, of the attention and of the feed-forward; without a fused kernel a
    # normalisation keeps its input in fp32 and its result.
    norm = size if fused else FP32_BYTES + size
    share = Fraction(1)
    if recompute == "half":
        share, norm = HALF, Fraction(0)  # normalisations are computed again
    total = _scaled(h, tokens * outside * (layer.norms * norm + 2 * size))
    kept = attention.kept_values(repeated=not fused) + ffn.kept_values(trunk.d_model, fused=fused)
    total = total + _scaled(kept, tokens * size * share / tensor_parallel)
    if training.dropout:
        total = total + _scaled(h, tokens * outside * 2 * MASK_BYTES)
    if training.flash_attention:
        # The logarithm of each row's sum (Dao et al. 2022, arXiv 2205.14135, algorithm 1).
        total = total + _scaled(attention.heads, Fraction(tokens * FP32_BYTES, tensor_parallel))
    elif recompute == "none":
        score = size + (size + MASK_BYTES if training.dropout else 0)
        rows = Fraction(tokens * training.sequence_length, tensor_parallel)
        total = total + _scaled(attention.heads, rows * score)
    return total


def stages(
    training: Training, trunk: Trunk, kinds: Sequence[Layer], layout: Layout
) -> tuple[Affine, Affine]:
    """Bytes on an accelerator of the first and of the last pipeline stage.

    Parameters
    ----------
    training : Training
    trunk, kinds
        An architecture without its numbers of layers; integers or arrays of shape (W,).
    layout : Layout
    """
    t, p = layout.tensor_parallel, layout.pipeline_parallel
    states = state_bytes(training, layout)
    tokens = training.sequence_length * training.microbatch_size
    size = exact(training.activation_bytes)
    outside = Fraction(1, t if training.sequence_parallel else 1)
    m = training.interleave
    in_flight = Fraction(1) if m == 1 else 1 + Fraction(p - 1, p * m)
    embedding, head = parts_outside(trunk)
    h = trunk.d_model
    weights, first, last = [], [], []
    for kind in kinds:
        each = layer_activations(kind, trunk, training, t, training.recompute)
        weights.append(_scaled(layer_parameters(kind, trunk), states))
        first.append(_scaled(each, in_flight))
        last.append(_scaled(each, Fraction(1, p)))
    working = 0 * h
    if training.recompute == "full":
        # The layer at work is recomputed whole; of several kinds, the one that keeps most.
        for kind in kinds:
            more = layer_activations(kind, trunk, training, t, "none")
            working = working + (more - working) * (more > working)
    # Outside the layers nothing is divided by p: its states are those of t accelerators alone.
    alone = states * p
    masks = _scaled(h, tokens * outside * MASK_BYTES * p) if training.dropout else 0 * h
    # Input of the final norm and of the head, and the logits (section 4.3).
    ending = _scaled(h, tokens * outside * 2 * size) + _scaled(
        trunk.vocab_size + 0 * h, tokens * exact(training.logit_bytes) / t
    )
    if p == 1:
        base = _scaled(embedding + head, alone) + working + masks + ending
        whole = Affine(base, tuple(w + a for w, a in zip(weights, first, strict=True)))
        return whole, whole
    tied = trunk.tied_embeddings * 1  # the last stage then holds the embedding again
    entry = _scaled(embedding, alone) + working + masks
    end = _scaled(head + tied * trunk.embedding_size(), alone) + working + ending
    return (
        Affine(entry, tuple(w + a for w, a in zip(weights, first, strict=True))),
        Affine(end, tuple(w + a for w, a in zip(weights, last, strict=True))),
    )
