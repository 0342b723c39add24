"""Exact accounting: parameters, FLOPs, cache and memory of an architecture.

Conventions (each tested against counted models):

- parameters as the reference implementation holds them, tied weights once;
- forward FLOPs per token = 2 x (matmul weights that a token passes, including the output head,
  tied or not) + the scores and values of attention at the context, full and not causally
  halved (Kaplan et al. 2020, arXiv 2001.08361, section 2.1, with the head counted as in
  Hoffmann et al. 2022, arXiv 2203.15556, appendix F);
- training = 3 x forward: the backward pass costs two forward passes (ibid.);
- "6ND": 6 x all parameters; "causal": scores and values halved.

Counts are affine in the numbers of layers: `affine` functions return a constant and a
coefficient for each kind of layer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Literal

from modelsizer.problems.architecture.architecture import Architecture, Count, Layer, Trunk
from modelsizer.problems.architecture.weight_formats import WeightFormat

FlopsConvention = Literal["exact", "causal", "6ND"]
KvPolicy = Literal["windowed", "full"]

FLOPS_PER_WEIGHT = 2  # one multiplication and one addition
TRAINING_PASSES = 3  # a forward pass, and a backward pass of twice its FLOPs
SIX_ND = FLOPS_PER_WEIGHT * TRAINING_PASSES  # Kaplan et al. 2020, C = 6ND


@dataclass(frozen=True, slots=True)
class Affine:
    """``(base + sum of per_layer[k] * layers of kind k) / denominator``, in integers.

    Parameters
    ----------
    base : int or array of shape (W,)
        The part that does not depend on the layers.
    per_layer : tuple of (int or array of shape (W,))
        Coefficient of each kind of layer.
    denominator : int
        Common denominator, so that half-byte weights stay exact.
    """

    base: Count
    per_layer: tuple[Count, ...]
    denominator: int = 1

    def at(self, counts: Sequence[int]) -> Fraction:
        """Exact value for the given numbers of layers of each kind."""
        total = self.base + sum(a * n for a, n in zip(self.per_layer, counts, strict=True))
        return Fraction(int(total), self.denominator)

    def times(self, factor: Fraction) -> Affine:
        """The quantity multiplied by a factor, such as a change of unit."""
        common = math.gcd(factor.numerator, self.denominator)
        by = factor.numerator // common
        return Affine(
            self.base * by,
            tuple(a * by for a in self.per_layer),
            self.denominator // common * factor.denominator,
        )

    def plus(self, other: Affine) -> Affine:
        """Sum of two quantities."""
        denominator = math.lcm(self.denominator, other.denominator)
        mine, theirs = denominator // self.denominator, denominator // other.denominator
        return Affine(
            self.base * mine + other.base * theirs,
            tuple(
                a * mine + b * theirs for a, b in zip(self.per_layer, other.per_layer, strict=True)
            ),
            denominator,
        )


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of an architecture by component.

    `embedding` includes learned positions; a tied `lm_head` is 0; `ffn` includes routers and
    experts, and `experts` is its part in routed experts; `norm` includes every normalisation, also
    those of queries and keys; `other` projects an embedding of another width. `non_embedding`
    excludes the embedding and an untied head, as Qwen's model cards do.
    """

    embedding: int
    lm_head: int
    attention: int
    ffn: int
    norm: int
    active: int
    experts: int = 0
    other: int = 0

    @property
    def total(self) -> int:
        """All parameters, tied weights once."""
        return self.embedding + self.lm_head + self.non_embedding

    @property
    def non_embedding(self) -> int:
        """Total minus embedding and head."""
        return self.attention + self.ffn + self.norm + self.other


def _embedding(trunk: Trunk) -> Count:
    return trunk.embedding_size() + trunk.positions * trunk.d_model


def _lm_head(trunk: Trunk) -> Count:
    # Arrays of booleans multiply too; `not` would not work on them.
    weights = trunk.embedding_size() * (1 - trunk.tied_embeddings * 1)
    return weights + trunk.vocab_size if trunk.head_bias else weights  # a bias is never tied


def _layer_norms(layer: Layer, trunk: Trunk) -> Count:
    return layer.norms * trunk.norm_width() + layer.attention.norm_parameters()


def layer_parameters(layer: Layer, trunk: Trunk) -> Count:
    """All parameters of one layer."""
    weights = layer.attention.parameters(trunk.d_model) + layer.ffn.parameters(trunk.d_model)
    return weights + _layer_norms(layer, trunk)


def parts_outside(trunk: Trunk) -> tuple[Count, Count]:
    """Parameters before the layers, and after them: the final norms and an untied head."""
    return (
        _embedding(trunk) + trunk.projections(),
        _lm_head(trunk) + trunk.norms * trunk.norm_width(),
    )


def count_parameters(architecture: Architecture) -> Parameters:
    """Count the parameters of an architecture, by component and to the unit."""
    trunk, groups = architecture.trunk, architecture.groups
    d = trunk.d_model
    embedding, lm_head = _embedding(trunk), _lm_head(trunk)
    attention = sum(g.count * g.layer.attention.parameters(d) for g in groups)
    norm = trunk.norms * trunk.norm_width() + sum(
        g.count * _layer_norms(g.layer, trunk) for g in groups
    )
    ffn = sum(g.count * g.layer.ffn.parameters(d) for g in groups)
    idle = ffn - sum(g.count * g.layer.ffn.active_parameters(d) for g in groups)
    experts = sum(g.count * g.layer.ffn.expert_parameters(d) for g in groups)
    other = trunk.projections()
    active = embedding + lm_head + attention + ffn + norm + other - idle
    return Parameters(embedding, lm_head, attention, ffn, norm, active, experts, other)


def parameters(trunk: Trunk, kinds: Sequence[Layer]) -> Affine:
    """All parameters, tied weights once."""
    inner = non_embedding_parameters(trunk, kinds)
    return Affine(_embedding(trunk) + _lm_head(trunk) + inner.base, inner.per_layer)


def non_embedding_parameters(trunk: Trunk, kinds: Sequence[Layer]) -> Affine:
    """All parameters except those of the embedding and the head."""
    shared = trunk.norms * trunk.norm_width() + trunk.projections()
    return Affine(shared, tuple(layer_parameters(k, trunk) for k in kinds))


def active_parameters(trunk: Trunk, kinds: Sequence[Layer]) -> Affine:
    """Parameters that one token uses."""
    held = parameters(trunk, kinds)
    d = trunk.d_model
    idle = tuple(k.ffn.parameters(d) - k.ffn.active_parameters(d) for k in kinds)
    return Affine(held.base, tuple(a - i for a, i in zip(held.per_layer, idle, strict=True)))


def forward_flops(
    trunk: Trunk,
    kinds: Sequence[Layer],
    context: int,
    convention: FlopsConvention = "exact",
    *,
    ignore_windows: bool = False,
) -> Affine:
    """Forward FLOPs per token at a context.

    Parameters
    ----------
    trunk, kinds
        The architecture without its numbers of layers.
    context : int
        Tokens that a token attends to.
    convention : {"exact", "causal", "6ND"}
        "causal" halves the scores; "6ND" gives 2 x all parameters.
    ignore_windows : bool
        Count scores over the whole context in windowed layers too, as kernels with masks do.
    """
    if convention == "6ND":
        return parameters(trunk, kinds).times(Fraction(FLOPS_PER_WEIGHT))
    d = trunk.d_model
    per_layer = []
    for kind in kinds:
        seen = context if ignore_windows else kind.attention.visible(context)
        scores = kind.attention.score_flops(seen)
        weights = kind.attention.matmul_weights(d) + kind.ffn.matmul_weights(d)
        # 4 x context x ... is even, so halving stays an integer.
        per_layer.append(
            FLOPS_PER_WEIGHT * weights + (scores // 2 if convention == "causal" else scores)
        )
    head = trunk.embedding_size() + trunk.projections()
    return Affine(FLOPS_PER_WEIGHT * head, tuple(per_layer))


def training_flops_per_token(
    trunk: Trunk,
    kinds: Sequence[Layer],
    sequence_length: int,
    convention: FlopsConvention,
    *,
    full_recompute: bool = False,
) -> Affine:
    """Training FLOPs per token: forward, backward, and forward again if recomputed."""
    forward = forward_flops(trunk, kinds, sequence_length, convention)
    return forward.times(Fraction(TRAINING_PASSES + full_recompute))


def kv_bytes_per_token(kinds: Sequence[Layer], kv_bytes: Fraction) -> Affine:
    """Bytes of KV cache per token."""
    values = tuple(kind.attention.kv_values() for kind in kinds)
    return Affine(0 * values[0], values).times(kv_bytes)


def _cached(kind: Layer, context: int, policy: KvPolicy) -> int:
    """Number of a sequence's tokens that a layer's cache holds."""
    return context if policy == "full" else kind.attention.visible(context)


def kv_cache(
    kinds: Sequence[Layer],
    kv_bytes: Fraction,
    batch: int,
    context: int,
    policy: KvPolicy = "windowed",
) -> Affine:
    """Bytes of the whole cache for a batch of contexts.

    Windowed layers hold their window, or the whole context under the policy "full".
    """
    values = tuple(
        kind.attention.kv_values() * (batch * _cached(kind, context, policy)) for kind in kinds
    )
    return Affine(0 * values[0], values).times(kv_bytes)


def weights_by_part(trunk: Trunk, kinds: Sequence[Layer]) -> dict[str, Affine]:
    """All parameters, by the parts of `modelsizer.problems.architecture.weight_formats.PARTS`."""
    d = trunk.d_model
    before, after = parts_outside(trunk)
    norms = trunk.norms * trunk.norm_width()
    none = 0 * d
    attention = tuple(k.attention.matmul_weights(d) for k in kinds)
    experts = tuple(k.ffn.expert_matrices(d) for k in kinds)
    ffn = tuple(k.ffn.matrix_parameters(d) - e for k, e in zip(kinds, experts, strict=True))
    rest = tuple(
        layer_parameters(k, trunk) - sum(matrices)
        for k, *matrices in zip(kinds, attention, experts, ffn, strict=True)
    )
    outside = tuple(none for _ in kinds)
    return {
        "attention": Affine(none, attention),
        "ffn": Affine(none, ffn),
        "experts": Affine(none, experts),
        "embedding": Affine(before, outside),
        "head": Affine(after - norms, outside),
        "other": Affine(norms, rest),
    }


def serving_weights(trunk: Trunk, kinds: Sequence[Layer], formats: WeightFormat) -> Affine:
    """Bytes of all weights."""
    parts = weights_by_part(trunk, kinds)
    held = [weights.times(getattr(formats, part)) for part, weights in parts.items()]
    return reduce(Affine.plus, held)


def serving_cache(
    trunk: Trunk,
    kinds: Sequence[Layer],
    *,
    kv_bytes: Fraction,
    batch: int,
    context: int,
    policy: KvPolicy,
    tensor_parallel: int,
) -> Affine:
    """Bytes of the cache over all accelerators.

    If tensor parallelism exceeds kv_heads, each kv head is held ``tensor_parallel / kv_heads``
    times, as in serving engines, and counted so.
    """
    per_layer = []
    for kind in kinds:
        kv_heads = kind.attention.kv_heads
        copies = (tensor_parallel + kv_heads - 1) // kv_heads
        held = batch * _cached(kind, context, policy)
        per_layer.append(kind.attention.kv_values() * copies * held)
    return Affine(0 * trunk.d_model, tuple(per_layer)).times(kv_bytes)
