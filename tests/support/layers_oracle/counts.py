"""Parameters, FLOPs, cache, states and serving memory."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from tests.support.layers_oracle.space import (
    Dense,
    Design,
    Experts,
    Group,
    Grouped,
    Latent,
    Mamba2,
)
from tests.support.layers_oracle.tables import Tables


class Mixer(NamedTuple):
    """Counts of a token mixer; `scores` and `cached` are for each token that it sees."""

    matrices: int
    other: int
    scores: int = 0
    cached: int = 0
    recurrent: int = 0  # FLOPs of a token besides the matrices, whatever the context
    state: int = 0


@cache
def mixer(part: Any, d: int) -> Mixer:
    """Counts of a mixer in a model of width d."""
    if isinstance(part, Grouped):
        h, kv, width, _ = part
        return Mixer(2 * d * (h + kv) * width, 0, 4 * h * width, 2 * kv * width)
    if isinstance(part, Latent):
        h, rank, q_rank, rope, nope, value = part
        keys = nope + rope
        queries = q_rank * (d + h * keys) if q_rank else d * h * keys
        matrices = queries + d * (rank + rope) + rank * h * (nope + value) + h * value * d
        return Mixer(matrices, rank + q_rank, 2 * h * (keys + value), rank + rope)
    if isinstance(part, Mamba2):
        # in_proj, out_proj; conv1d with bias; A, D and the bias of dt; the gated norm.
        h, width, n, groups, taps = part
        inner, channels = h * width, h * width + 2 * groups * n
        matrices = d * (inner + channels + h) + inner * d
        state = inner * n
        return Mixer(matrices, channels * (taps + 1) + 3 * h + inner,
                     recurrent=2 * channels * taps + 5 * state, state=channels * taps + state)  # fmt: skip
    # in_proj_qkvz, in_proj_ba, out_proj; conv1d; A and the bias of dt; the gated norm.
    kh, vh, k, v, taps = part
    channels, values = 2 * kh * k + vh * v, vh * v
    matrices = d * (channels + values + 2 * vh) + values * d
    state = vh * k * v
    return Mixer(matrices, channels * taps + 2 * vh + v,
                 recurrent=2 * channels * taps + 7 * state, state=channels * taps + state)  # fmt: skip


def ffn_matrices(ffn: Dense | Experts, d: int) -> tuple[int, int]:
    """Weights of a feed-forward, all and those that a token uses."""
    if isinstance(ffn, Dense):
        return 3 * d * ffn.d_ff, 3 * d * ffn.d_ff
    expert, router = 3 * d * ffn.d_ff, d * ffn.routed
    return (
        router + (ffn.routed + ffn.shared) * expert,
        router + (ffn.active + ffn.shared) * expert,
    )


def layer(group: Group, d: int) -> tuple[int, int]:
    """Parameters of a layer: all, and those that a token uses."""
    part = mixer(group.mixer, d)
    total, active = ffn_matrices(group.ffn, d)
    rest = part.matrices + part.other + 2 * d
    return total + rest, active + rest


def parameters(a: Design) -> tuple[int, int, int]:
    """Total, active, and total without embedding and head."""
    outer = a.vocab_size * a.d_model * (1 if a.tied else 2)
    layers = [(g.count, *layer(g, a.d_model)) for g in a.groups]
    inner = a.d_model + sum(n * total for n, total, _ in layers)
    active = a.d_model + sum(n * used for n, _, used in layers)
    return inner + outer, active + outer, inner


def seen(part: Any, context: int) -> int:
    """Tokens of a context that a layer attends to."""
    window = getattr(part, "window", 0)
    return min(window, context) if window else context


def forward(a: Design, context: int, *, causal: bool = False) -> int:
    """Forward FLOPs of a token."""
    d, total = a.d_model, 2 * a.vocab_size * a.d_model
    for g in a.groups:
        part = mixer(g.mixer, d)
        scores = part.scores * seen(g.mixer, context)
        matrices = part.matrices + ffn_matrices(g.ffn, d)[1]
        scores = scores // 2 if causal else scores
        total += g.count * (2 * matrices + scores + part.recurrent)
    return total


def training_flops_of_a_token(a: Design, training: Tables) -> int:
    convention = training.get("flops", "exact")
    passes = 4 if training.get("recompute") == "full" else 3
    if convention == "6ND":
        return passes * 2 * parameters(a)[1]
    context = training.get("sequence_length", 4096)
    return passes * forward(a, context, causal=convention == "causal")
