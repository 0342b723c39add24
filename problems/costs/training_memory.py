"""Training memory of one accelerator: states, activations, logits.

States of N parameters with t x p-way tensor and pipeline and d-way data parallelism, with ZeRO
(Rajbhandari et al. 2020, arXiv 1910.02054, section 5): each accelerator holds N / (t p) times the
weight, gradient and optimizer bytes; stage 1 divides the optimizer's by d, stage 2 also the
gradients', stage 3 also the weights'.

Routed experts are divided over e ways of expert parallelism, taken from the data-parallel ways, and
each expert over x tensor-parallel ways (t unless `training.expert_tensor_parallel` says otherwise),
as in Megatron Core (docs.nvidia.com/megatron-core, "Mixture of Experts") and DeepSeek-V3
(arXiv 2412.19437, section 3.2: 64 ways over 8 nodes, with ZeRO stage 1). Each accelerator holds
1 / (e x p) of the experts' weights; t d / (e x) accelerators hold the same ones and divide among
themselves what ZeRO divides, 1 / (d t p) for each, as of all other parameters.

Activations of a layer for one microbatch of b sequences of s tokens (Korthikanti et al. 2022,
arXiv 2205.05198, section 4): what each operation keeps for its backward pass. For a layer with
multi-head attention and a plain feed-forward of 4 h with dropout and without flash attention,
these are the paper's s b h (10 + 24 / t + 5 a s / (h t)) bytes (equation 2), or
s b h (34 / t + 5 a s / (h t)) with sequence parallelism (equation 4); every other kind of layer is
counted by the same operations. The busiest way of expert parallelism receives
`training.expert_imbalance` times the mean of its tokens. Selective recomputation keeps no scores
(equation 6); full recomputation keeps the input of each layer (section 5) and all values of the
current layer. In between, torchtitan's per-op selective checkpointing keeps every second matrix
product: the inputs of attention and feed-forward and half of the values within them.

The first pipeline stage holds p microbatches of its L / p layers, hence L layers in total
(section 4.2.3), times 1 + (p - 1) / (p m) with m interleaved groups of layers per stage; the last
stage holds one microbatch, the head and the logits. The memory is that of the larger stage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from modelsizer.problems.architecture.accounting import Affine, layer_parts, parts_outside
from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.architecture.mixers import mixers
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.training import Training
from modelsizer.problems.units import exact

MASK_BYTES = 1  # a dropout mask, Korthikanti et al. 2022, section 4.1
FP32_BYTES = 4
HALF = Fraction(1, 2)


def _held(training: Training) -> tuple[Fraction, Fraction]:
    """Bytes of states per parameter that data parallelism leaves whole, and that it divides."""
    parts = (
        (exact(training.optimizer_bytes), 1),
        (exact(training.gradient_bytes), 2),
        (exact(training.weight_bytes), 3),
    )
    divided = sum((size for size, stage in parts if training.zero_stage >= stage), Fraction(0))
    return sum((size for size, _ in parts), Fraction(0)) - divided, divided


def state_bytes(training: Training, layout: Layout) -> Fraction:
    """Bytes of states per parameter of the model, on each accelerator.

    The paper's 7.5B example on 64 accelerators: 120, 31.4, 16.6 and 1.9 GB for stages 0 to 3.
    """
    whole, divided = _held(training)
    held = whole + divided / layout.data_parallel
    return held / (layout.tensor_parallel * layout.pipeline_parallel)


def expert_state_bytes(training: Training, layout: Layout) -> Fraction:
    """Bytes of states per parameter of all routed experts, on each accelerator."""
    whole, divided = _held(training)
    held = whole * int(expert_copies(training, layout)) + divided
    return held / (layout.data_parallel * layout.tensor_parallel * layout.pipeline_parallel)


def expert_copies(training: Training, layout: Layout) -> Any:
    """Number of accelerators of a pipeline stage that hold the same part of the experts.

    It is the degree of data parallelism of the experts: t d / (e x).
    """
    slices = training.expert_tensor_parallel
    if slices is None:
        return layout.data_parallel // training.expert_parallel
    ways = layout.data_parallel * layout.tensor_parallel
    return ways // (training.expert_parallel * slices)


def _scaled(values: Any, factor: Fraction | int, times: Any = 1, over: Any = 1) -> Any:
    """Values times ``factor * times / over``, rounded up to whole bytes.

    `values`, `times` and `over` are integers or arrays of shape (W,).
    """
    return -(-values * (factor.numerator * times) // (factor.denominator * over))


def layer_activations(
    layer: Layer, trunk: Trunk, training: Training, tensor_parallel: Any, recompute: str
) -> Any:
    """Bytes that one layer keeps of one microbatch, on each tensor-parallel accelerator.

    Parameters
    ----------
    layer, trunk
        Integers or arrays of shape (W,).
    training : Training
    tensor_parallel : int or array of shape (W,)
    recompute : {"none", "selective", "half", "full"}

    Returns
    -------
    int or array of shape (W,)
    """
    size = exact(training.activation_bytes)
    tokens = training.sequence_length * training.microbatch_size
    outside = tensor_parallel if training.sequence_parallel else 1
    h = trunk.d_model
    if recompute == "full":
        return _scaled(h, tokens * size, over=outside)
    attention, ffn, fused = layer.attention, layer.ffn, training.fused_kernels
    # Inputs of normalisations, mixer and feed-forward; a normalisation without a fused kernel
    # keeps its input in fp32 and its result.
    norm = size if fused else FP32_BYTES + size
    share = Fraction(1)
    if recompute == "half":
        share, norm = HALF, Fraction(0)  # normalisations are recomputed
    total = _scaled(h, tokens * (layer.norms * norm + layer.inputs * size), over=outside)
    kept = attention.kept_values(repeated=not fused) + ffn.kept_values(trunk.d_model, fused=fused)
    total = total + _scaled(kept, tokens * size * share, over=tensor_parallel)
    if training.expert_parallel > 1 and training.expert_imbalance != 1:
        routed = ffn.routed_values(trunk.d_model, fused=fused)
        more = exact(training.expert_imbalance) - 1
        total = total + _scaled(routed, tokens * size * share * more, over=tensor_parallel)
    if training.dropout:
        total = total + _scaled(h, tokens * layer.inputs * MASK_BYTES, over=outside)
    heads = sum(part.heads for part in mixers(attention))
    if training.flash_attention:
        # Logarithm of each row's sum (Dao et al. 2022, arXiv 2205.14135, algorithm 1).
        total = total + _scaled(heads, tokens * FP32_BYTES, over=tensor_parallel)
    elif recompute == "none":
        score = size + (size + MASK_BYTES if training.dropout else 0)
        rows = tokens * training.sequence_length
        total = total + _scaled(heads, rows * score, over=tensor_parallel)
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
        Its degrees may be arrays of shape (W,) too.
    present : sequence of (bool or array of shape (W,))
        Whether there are layers of each kind; empty if there are of all.
    """
    d, t, p = layout.data_parallel, layout.tensor_parallel, layout.pipeline_parallel
    whole, divided = _held(training)
    states = math.lcm(whole.denominator, divided.denominator)
    left, shared = int(whole * states), int(divided * states)
    each_parameter = left * d + shared  # over states * d * t * p
    of_experts = left * expert_copies(training, layout) + shared
    tokens = training.sequence_length * training.microbatch_size
    size = exact(training.activation_bytes)
    outside = t if training.sequence_parallel else 1
    m = training.interleave
    in_flight, of_flights = (1, 1) if m == 1 else (p * m + p - 1, p * m)
    embedding, head = parts_outside(trunk)
    h = trunk.d_model
    weights, first, last = [], [], []
    for kind in kinds:
        each = layer_activations(kind, trunk, training, t, training.recompute)
        parts = layer_parts(kind, trunk)
        held = (parts.total - parts.experts) * each_parameter + parts.experts * of_experts
        weights.append(_scaled(held, 1, over=states * d * t * p))
        first.append(_scaled(each, 1, in_flight, of_flights))
        last.append(_scaled(each, 1, over=p))
    working = 0 * h
    if training.recompute == "full":
        # The current layer is recomputed entirely; of several kinds, the one that keeps most.
        for kind, there in zip(kinds, present or [True] * len(kinds), strict=True):
            more = layer_activations(kind, trunk, training, t, "none")
            working = working + (more - working) * ((more > working) & there)
    # Outside the layers nothing is divided by p; those states are divided by t only.
    alone = each_parameter, states * d * t
    masks = _scaled(h, tokens * MASK_BYTES, p, outside) if training.dropout else 0 * h
    # Inputs of the final norm and of the head, and the logits (section 4.3).
    ending = _scaled(h, tokens * 2 * size, over=outside) + _scaled(
        trunk.outputs() + 0 * h, tokens * exact(training.logit_bytes), over=t
    )
    tied = trunk.tied_embeddings * 1  # the last stage then holds a copy of the embedding
    only = p == 1  # stage, which then holds everything
    entry = _scaled(embedding + head * only, 1, *alone) + working + masks + ending * only
    end = _scaled(head + tied * trunk.embedding_size(), 1, *alone) + working + ending
    end = end + (entry - end) * only
    return (
        Affine(entry, tuple(w + a for w, a in zip(weights, first, strict=True))),
        Affine(end, tuple(w + a for w, a in zip(weights, last, strict=True))),
    )
