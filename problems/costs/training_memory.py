"""Training memory of one accelerator: states, activations, logits.

States of N parameters with t x p-way tensor and pipeline and d-way data parallelism, with ZeRO
(Rajbhandari et al. 2020, arXiv 1910.02054, section 5): each accelerator holds N / (t p) times the
weight, gradient and optimizer bytes; stage 1 divides the optimizer's by d, stage 2 also the
gradients', stage 3 also the weights'.

Activations of a layer for one microbatch of b sequences of s tokens (Korthikanti et al. 2022,
arXiv 2205.05198, section 4): what each operation keeps for its backward pass. For a layer with
multi-head attention and a plain feed-forward of 4 h with dropout and without flash attention,
these are the paper's s b h (10 + 24 / t + 5 a s / (h t)) bytes (equation 2), or
s b h (34 / t + 5 a s / (h t)) with sequence parallelism (equation 4); every other kind of layer is
counted by the same operations. Selective recomputation keeps no scores (equation 6); full
recomputation keeps the input of each layer (section 5) and all values of the current layer. In
between, torchtitan's per-op selective checkpointing keeps every second matrix product: the inputs
of attention and feed-forward and half of the values within them.

The first pipeline stage holds p microbatches of its L / p layers, hence L layers in total
(section 4.2.3), times 1 + (p - 1) / (p m) with m interleaved groups of layers per stage; the last
stage holds one microbatch, the head and the logits. The memory is that of the larger stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from modelsizer.problems.architecture.accounting import Affine, layer_parameters, parts_outside
from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.architecture.mixers import mixers
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.training import Training
from modelsizer.problems.units import exact

MASK_BYTES = 1  # a dropout mask, Korthikanti et al. 2022, section 4.1
FP32_BYTES = 4
HALF = Fraction(1, 2)


def state_bytes(training: Training, layout: Layout) -> Fraction:
    """Bytes of states per parameter of the model, on each accelerator.

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
    """Values times a factor, rounded up to whole bytes."""
    return -(-values * factor.numerator // factor.denominator)


def layer_activations(
    layer: Layer, trunk: Trunk, training: Training, tensor_parallel: int, recompute: str
) -> Any:
    """Bytes that one layer keeps of one microbatch, on each tensor-parallel accelerator.

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
    # Inputs of normalisations, mixer and feed-forward; a normalisation without a fused kernel
    # keeps its input in fp32 and its result.
    norm = size if fused else FP32_BYTES + size
    share = Fraction(1)
    if recompute == "half":
        share, norm = HALF, Fraction(0)  # normalisations are recomputed
    total = _scaled(h, tokens * outside * (layer.norms * norm + layer.inputs * size))
    kept = attention.kept_values(repeated=not fused) + ffn.kept_values(trunk.d_model, fused=fused)
    total = total + _scaled(kept, tokens * size * share / tensor_parallel)
    if training.dropout:
        total = total + _scaled(h, tokens * outside * layer.inputs * MASK_BYTES)
    heads = sum(part.heads for part in mixers(attention))
    if training.flash_attention:
        # Logarithm of each row's sum (Dao et al. 2022, arXiv 2205.14135, algorithm 1).
        total = total + _scaled(heads, Fraction(tokens * FP32_BYTES, tensor_parallel))
    elif recompute == "none":
        score = size + (size + MASK_BYTES if training.dropout else 0)
        rows = Fraction(tokens * training.sequence_length, tensor_parallel)
        total = total + _scaled(heads, rows * score)
    return total


def stages(
    training: Training,
    trunk: Trunk,
    kinds: Sequence[Layer],
    layout: Layout,
    present: Sequence[Any] = (),
) -> tuple[Affine, Affine]:
    """Bytes per accelerator of the first and of the last pipeline stage.

    Parameters
    ----------
    training : Training
    trunk, kinds
        An architecture without its numbers of layers; integers or arrays of shape (W,).
    layout : Layout
    present : sequence of (bool or array of shape (W,))
        Whether there are layers of each kind; empty if there are of all.
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
        # The current layer is recomputed entirely; of several kinds, the one that keeps most.
        for kind, there in zip(kinds, present or [True] * len(kinds), strict=True):
            more = layer_activations(kind, trunk, training, t, "none")
            working = working + (more - working) * ((more > working) & there)
    # Outside the layers nothing is divided by p; those states are divided by t only.
    alone = states * p
    masks = _scaled(h, tokens * outside * MASK_BYTES * p) if training.dropout else 0 * h
    # Inputs of the final norm and of the head, and the logits (section 4.3).
    ending = _scaled(h, tokens * outside * 2 * size) + _scaled(
        trunk.outputs() + 0 * h, tokens * exact(training.logit_bytes) / t
    )
    if p == 1:
        base = _scaled(embedding + head, alone) + working + masks + ending
        whole = Affine(base, tuple(w + a for w, a in zip(weights, first, strict=True)))
        return whole, whole
    tied = trunk.tied_embeddings * 1  # the last stage then holds a copy of the embedding
    entry = _scaled(embedding, alone) + working + masks
    end = _scaled(head + tied * trunk.embedding_size(), alone) + working + ending
    return (
        Affine(entry, tuple(w + a for w, a in zip(weights, first, strict=True))),
        Affine(end, tuple(w + a for w, a in zip(weights, last, strict=True))),
    )
