"""Exact accounting: parameters, FLOPs and bytes of the weights of an architecture.

Conventions (each tested against counted models):

- parameters as the reference implementation holds them, tied weights once;
- forward FLOPs per token = 2 x (matmul weights that a token passes, including the output head,
  tied or not) + the scores and values of attention at the context, full and not causally
  halved (Kaplan et al. 2020, arXiv 2001.08361, section 2.1, with the head counted as in
  Hoffmann et al. 2022, arXiv 2203.15556, appendix F), and the convolutions and recurrences of
  layers that hold a state (`modelsizer.problems.architecture.state_space`), never halved;
- training = 3 x forward: the backward pass costs two forward passes (ibid.);
- "6ND": 6 x all parameters, of mixtures the active ones; "causal": scores and values halved.

Counts are affine in the numbers of layers: `affine` functions return a constant and a
coefficient for each kind of layer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from typing import Literal

from modelsizer.problems.architecture.architecture import Architecture, Count, Layer, Trunk
from modelsizer.problems.architecture.weight_formats import WeightFormat
from modelsizer.problems.records import dataclass

FlopsConvention = Literal["exact", "causal", "6ND"]

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
    those inside a mixer; `other` projects an embedding of another width, and holds what is outside
    all of these. `attention` is of every mixer. `non_embedding`
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
    return trunk.embedding_size() + trunk.positions * trunk.d_model + trunk.extra_embedding


def _lm_head(trunk: Trunk) -> Count:
    if trunk.head != "lm":
        return trunk.head_weights() + (trunk.outputs() if trunk.head_bias else 0)
    # Arrays of booleans multiply too; `not` would not work on them.
    weights = trunk.head_weights() * (1 - trunk.tied_embeddings * 1)
    return weights + trunk.vocab_size if trunk.head_bias else weights  # a bias is never tied


def _other(trunk: Trunk) -> Count:
    return trunk.projections() + trunk.extra_weights + trunk.extra_parameters


def layer_parts(layer: Layer, trunk: Trunk) -> Parameters:
    """Parameters that one layer holds, by component."""
    d, other = trunk.d_model, layer.extra_weights + layer.extra_parameters
    if layer.shared:
        none = 0 * d
        return Parameters(none, none, none, none, none, none + other, none, none + other)
    attention, ffn = layer.attention.parameters(d), layer.ffn.parameters(d)
    norm = layer.norms * trunk.norm_width() + layer.attention.norm_parameters()
    active = attention + layer.ffn.active_parameters(d) + norm + other
    experts = layer.ffn.expert_parameters(d)
    return Parameters(0 * d, 0 * d, attention, ffn, norm, active, experts, other)


def layer_parameters(layer: Layer, trunk: Trunk) -> Count:
    """All parameters that one layer holds."""
    return layer_parts(layer, trunk).total


def layer_weights(layer: Layer, d_model: Count) -> Count:
    """Weights of a layer that multiply each token."""
    parts = layer.attention.matmul_weights(d_model) + layer.ffn.matmul_weights(d_model)
    return parts + layer.extra_weights


def score_flops(layer: Layer, context: int, *, masked: bool = False, cached: bool = False) -> Count:
    """FLOPs per token of a layer's scores and values.

    With `masked`, over the whole context in windowed layers too, as in eager kernels; with
    `cached`, those of a decode step.
    """
    attention = layer.attention
    if cached:
        return attention.cached_score_flops(attention.visible(context))
    seen = context if masked else attention.visible(context)
    return attention.score_flops(seen, masked=masked)


def parts_outside(trunk: Trunk) -> tuple[Count, Count]:
    """Parameters before the layers, and after them: the final norms and an untied head."""
    return (
        _embedding(trunk) + _other(trunk),
        _lm_head(trunk) + trunk.norms * trunk.norm_width(),
    )


def count_parameters(architecture: Architecture) -> Parameters:
    """Count the parameters of an architecture, by component and to the unit."""
    trunk = architecture.trunk
    parts = [(group.count, layer_parts(group.layer, trunk)) for group in architecture.groups]

    def of_layers(name: str) -> Count:
        return sum(count * getattr(part, name) for count, part in parts)

    embedding, lm_head = _embedding(trunk), _lm_head(trunk)
    norm, other = trunk.norms * trunk.norm_width(), _other(trunk)
    return Parameters(
        embedding,
        lm_head,
        of_layers("attention"),
        of_layers("ffn"),
        norm + of_layers("norm"),
        embedding + lm_head + norm + other + of_layers("active"),
        of_layers("experts"),
        other + of_layers("other"),
    )


def parameters(trunk: Trunk, kinds: Sequence[Layer]) -> Affine:
    """All parameters, tied weights once."""
    inner = non_embedding_parameters(trunk, kinds)
    return Affine(_embedding(trunk) + _lm_head(trunk) + inner.base, inner.per_layer)


def non_embedding_parameters(trunk: Trunk, kinds: Sequence[Layer]) -> Affine:
    """All parameters except those of the embedding and the head."""
    shared = trunk.norms * trunk.norm_width() + _other(trunk)
    return Affine(shared, tuple(layer_parameters(k, trunk) for k in kinds))


def active_parameters(trunk: Trunk, kinds: Sequence[Layer]) -> Affine:
    """Parameters that one token uses."""
    outside = parameters(trunk, ()).base
    return Affine(outside, tuple(layer_parts(kind, trunk).active for kind in kinds))


def forward_flops(
    trunk: Trunk,
    kinds: Sequence[Layer],
    context: int,
    convention: FlopsConvention = "exact",
    *,
    ignore_windows: bool = False,
    cached: bool = False,
) -> Affine:
    """Forward FLOPs per token at a context.

    Parameters
    ----------
    trunk, kinds
        The architecture without its numbers of layers.
    context : int
        Tokens that a token attends to.
    convention : {"exact", "causal", "6ND"}
        "causal" halves the scores; "6ND" gives 2 x the parameters that a token uses.
    ignore_windows : bool
        Count scores over the whole context in windowed layers too, as kernels with masks do.
    cached : bool
        Whether the context is in the cache, as in a decode step: latents are then not expanded to
        keys and values (`modelsizer.problems.architecture.attention.LatentAttention`).
    """
    if convention == "6ND":
        return active_parameters(trunk, kinds).times(Fraction(FLOPS_PER_WEIGHT))
    per_layer = []
    for kind in kinds:
        scores = score_flops(kind, context, masked=ignore_windows, cached=cached)
        weights = FLOPS_PER_WEIGHT * layer_weights(kind, trunk.d_model)
        # Scores are even, so halving stays an integer; it does not concern a recurrence.
        halved = scores // 2 if convention == "causal" else scores
        per_layer.append(weights + halved + kind.attention.state_flops() + kind.extra_flops)
    head = trunk.head_weights() + trunk.projections() + trunk.extra_weights
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


def weights_by_part(trunk: Trunk, kinds: Sequence[Layer]) -> dict[str, Affine]:
    """All parameters, by the parts of `modelsizer.problems.architecture.weight_formats.PARTS`."""
    d = trunk.d_model
    before, after = parts_outside(trunk)
    norms = trunk.norms * trunk.norm_width()
    further = trunk.extra_weights + trunk.extra_parameters
    none = 0 * d
    matrices = [_matrices(kind, d) for kind in kinds]
    rest = tuple(
        layer_parameters(kind, trunk) - sum(parts)
        for kind, parts in zip(kinds, matrices, strict=True)
    )
    outside = tuple(none for _ in kinds)
    return {
        "attention": Affine(none, tuple(attention for attention, *_ in matrices)),
        "ffn": Affine(none, tuple(ffn for _, ffn, *_ in matrices)),
        "experts": Affine(none, tuple(experts for _, _, experts, _ in matrices)),
        "router": Affine(none, tuple(router for *_, router in matrices)),
        "embedding": Affine(before - further, outside),
        "head": Affine(after - norms, outside),
        "other": Affine(norms + further, rest),
    }


def weight_bytes_by_part(
    trunk: Trunk, kinds: Sequence[Layer], formats: WeightFormat, copies: int = 1
) -> dict[str, Affine]:
    """Bytes of all weights, by part, of which all but the routed experts are held several times.

    Parameters
    ----------
    trunk, kinds
        An architecture without its numbers of layers; integers or arrays of shape (W,).
    formats : WeightFormat
        Bytes per weight.
    copies : int
        Groups of accelerators with attention of their own, which share the routed experts.
    """
    parts = weights_by_part(trunk, kinds)
    held = {part: weights.times(getattr(formats, part)) for part, weights in parts.items()}
    if copies > 1:
        many = Fraction(copies)
        held = {p: size if p == "experts" else size.times(many) for p, size in held.items()}
        # Biases of routed experts, which are among the others, are held once.
        once = tuple(
            layer_parts(kind, trunk).experts - matrices
            for kind, matrices in zip(kinds, parts["experts"].per_layer, strict=True)
        )
        other = parts["other"]
        rest = tuple(a - b for a, b in zip(other.per_layer, once, strict=True))
        held["other"] = (Affine(other.base, rest).times(formats.other * copies)).plus(
            Affine(0 * other.base, once).times(formats.other)
        )
    return held


def serving_weights(
    trunk: Trunk, kinds: Sequence[Layer], formats: WeightFormat, copies: int = 1
) -> Affine:
    """Bytes of all weights; see `weight_bytes_by_part`."""
    return reduce(Affine.plus, weight_bytes_by_part(trunk, kinds, formats, copies).values())


def _matrices(kind: Layer, d_model: Count) -> tuple[Count, Count, Count, Count]:
    """Weights of the matrices of a layer: mixer, feed-forward, routed experts and router."""
    if kind.shared:
        return 0 * d_model, 0 * d_model, 0 * d_model, 0 * d_model
    experts = kind.ffn.expert_matrices(d_model)
    ffn = kind.ffn.matrix_parameters(d_model) - experts
    return kind.attention.matmul_weights(d_model), ffn, experts, kind.ffn.router_weights(d_model)
