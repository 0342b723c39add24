"""What a law of N and D cannot see of an architecture, from published ablations.

Each term is a share of the reducible loss, with a low, a middle and a high reading: a judgement
from ablations with a band, and no law. The bands and constants are in `ablations.toml`, the
published figures behind them, with their sources, in `ablation_rows.toml`; formulas are here.

One formula gives the terms of designs, whose integers may be arrays, and their least over boxes of
designs: a design is the box whose ends are both that design.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.attention import FullAttention, LatentAttention
from modelsizer.problems.architecture.feedforward import FeedForward, NoFeedForward
from modelsizer.problems.architecture.mixers import (
    Count,
    Mixer,
    WithoutScores,
)
from modelsizer.problems.laws.bands import (
    CONSTANTS,
    PUBLISHED,
    TERMS,
    Bands,
    End,
    EndOfBands,
)
from modelsizer.problems.laws.features import Floats, parts_of
from modelsizer.problems.laws.laws import TokenLaw
from modelsizer.problems.laws.layer_means import Ends, layer_shares
from modelsizer.problems.laws.mixtures import activation_between, doubles, mixture_of
from modelsizer.problems.laws.stack_values import WINDOW, attention, base_name, is_linear, window
from modelsizer.problems.records import dataclass

_FFN_PARTS = ("ffn of 1B", "ffn of smaller")
PARTS = ("kv_heads", *_FFN_PARTS, "window", "sparse", "linear", "latent")
"""What terms are computed from: the feed-forward share has one part for each fit."""

FITS: tuple[tuple[float, float, float], ...] = tuple(map(tuple, CONSTANTS["ffn"]["fits"]))
"""b0, b1 and b2 of ``f(r) = b0 + b1 ln r + b2 / r``, of the 1B runs and of the smaller ones."""
OF_REDUCIBLE: float = CONSTANTS["ffn"]["of_reducible"]
STRAIGHT_FROM: float = CONSTANTS["ffn"]["straight_from"]
FLAT_TO: float = CONSTANTS["ffn"]["flat_to"]
FFN_RANGE: tuple[float, float] = tuple(CONSTANTS["ffn"]["range"])
"""Range of r in the fits."""
LEAST_WINDOW: int = CONSTANTS["window"]["least"]
FULL_EVERY: float = CONSTANTS["sparse"]["full_every"]
RANK: float = CONSTANTS["latent"]["rank"]
_WINDOWED: float = CONSTANTS["window"]["share"]
_LINEAR: float = CONSTANTS["linear"]["share"]


@dataclass(frozen=True, slots=True)
class Ablations:
    """One reading of the terms.

    Parameters
    ----------
    end : {"low", "middle", "high"}
    sequence_length : int
        Tokens of a training sequence; a window as long has no term.
    unseen : tuple of str
        Of `TERMS`, those that the law does not see itself.
    bands : Bands
    """

    end: End
    sequence_length: int
    unseen: tuple[str, ...] = TERMS
    bands: Bands = PUBLISHED

    @property
    def _at(self) -> EndOfBands:
        return self.bands.at(self.end)

    def terms(self, designs: Architecture) -> dict[str, Floats]:
        """Terms of designs, by name; zero for what the law sees itself."""
        return self.combined(self.parts(designs, designs))

    def of(self, designs: Architecture) -> Floats:
        """Sum of the terms of designs."""
        return sum(self.terms(designs).values(), start=0.0)

    def combined(self, parts: Sequence[Floats]) -> dict[str, Floats]:
        """Terms from `parts`, in each of which they rise: bounds on parts give bounds on terms."""
        found = dict(zip(PARTS, parts, strict=True))
        first, second = (found.pop(name) for name in _FFN_PARTS)
        ffn = self._at.ffn
        if isinstance(ffn, str):
            found["ffn"] = _READ[ffn](first, second)
        else:
            found["ffn"] = ffn * _mean(first, second)
        return {name: found[name] if name in self.unseen else 0.0 * found[name] for name in TERMS}

    def parts(
        self,
        low: Architecture,
        high: Architecture,
        weights: tuple[Architecture, Architecture] | None = None,
    ) -> list[Floats]:
        """Lower bound on each of `PARTS` over boxes of designs; exact where both ends are one.

        Parameters
        ----------
        low, high : Architecture
            The same kinds of layer in the same order, with the least and the greatest value of each
            integer over a box, each by itself.
        weights : (Architecture, Architecture), optional
            The same with ends that bound weights only, where those of integers by themselves are
            far apart.
        """
        shares = layer_shares(low, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            found: list[Floats] = [
                self._kv_heads(low, high, shares),
                *_ffn(*(weights or (low, high))),
                self._window(high, shares),
                self._sparse(low, high),
                self._linear(low, shares),
                self._latent(low, high),
            ]
        return list(np.broadcast_arrays(*found, np.asarray(low.layers))[:-1])

    def _kv_heads(self, low: Architecture, high: Architecture, shares: list[Ends]) -> Floats:
        each, found = self._at.kv_heads, np.float64(0.0)
        for few, many, (least, most) in zip(low.groups, high.groups, shares, strict=True):
            if isinstance(attention(few), FullAttention):
                share, over, under = (least, few, many) if each >= 0 else (most, many, few)
                ratio = doubles(attention(over).heads) / doubles(attention(under).kv_heads)
                found = found + share * np.where(share > 0, np.log2(np.maximum(ratio, 1.0)), 0.0)
        return each * found

    def _window(self, high: Architecture, shares: list[Ends]) -> Floats:
        found: Floats = 0.0
        for group, (share, _) in zip(high.groups, shares, strict=True):
            width = window(group)
            if width is not None:
                wide = np.where(width > 0, width, self.sequence_length)
                term = np.where(wide < self.sequence_length, self._of_window(wide), 0.0)
                found = found + share / _WINDOWED * term
        return found

    def _of_window(self, width: Floats) -> Floats:
        """Straight lines in log2 of the window, the last one continued below 512."""
        at_2048, at_1024, at_512 = self._at.window
        log = np.log2(doubles(np.maximum(width, 1)))
        first = np.clip(11.0 - log, 0.0, 1.0)
        return (
            at_2048 + (at_1024 - at_2048) * first + (at_512 - at_1024) * np.maximum(10.0 - log, 0.0)
        )

    def _sparse(self, low: Architecture, high: Architecture) -> Floats:
        each = self._at.sparse
        many, few = (high, low) if each >= 0 else (low, high)
        full, other = full_layers(many), few.layers - full_layers(few)
        ratio = (full + doubles(other)) / np.maximum(doubles(full), 1.0)
        return each * np.maximum(np.log2(ratio / FULL_EVERY), 0.0)

    def _linear(self, low: Architecture, shares: list[Ends]) -> Floats:
        least: Floats = 0.0
        most: Floats = 0.0
        for group, (share, greatest) in zip(low.groups, shares, strict=True):
            if is_linear(group):
                least, most = least + share, most + greatest
        share = most if self._at.linear < 0 else least
        return self._at.linear * np.minimum(1.0, share / _LINEAR)

    def _latent(self, low: Architecture, high: Architecture) -> Floats:
        """Term of designs with latent attention: over a box, of the rank that costs least."""
        each = self._at.kv_heads
        sure: Floats = 0.0
        may: Floats = 0.0
        rank: Floats = 0.0 if each >= 0 else np.inf
        for few, many in zip(low.groups, high.groups, strict=True):
            first, last = attention(few), attention(many)
            if isinstance(first, LatentAttention) and isinstance(last, LatentAttention):
                held = np.asarray(many.count) > 0
                sure = np.maximum(sure, np.where(np.asarray(few.count) > 0, 1.0, 0.0))
                may = np.maximum(may, np.where(held, 1.0, 0.0))
                if each >= 0:
                    rank = np.maximum(rank, np.where(held, doubles(last.kv_lora_rank), 0.0))
                else:
                    rank = np.minimum(rank, np.where(held, doubles(first.kv_lora_rank), np.inf))
        lost = np.maximum(np.log2(RANK / np.maximum(rank, 1.0)), 0.0)
        term = self._at.latent + each * lost
        return np.where(term >= 0, sure, may) * term


def unseen_by(law: TokenLaw) -> tuple[str, ...]:
    """Return the terms that a law does not see itself."""
    seen = {base_name(str(part)) for part in parts_of(law.features)}
    told = {"kv_heads": "kv_heads", "ffn": "d_ff", "window": WINDOW, "sparse": "full_share"}
    return tuple(name for name in TERMS if told.get(name) not in seen)


def full_layers(designs: Architecture) -> Count:
    """Layers whose attention sees the whole context."""
    found: Count = 0
    for group in designs.groups:
        if not isinstance(attention(group), WithoutScores):
            width = window(group)
            found = found + group.count * (1 if width is None else 1 * (np.asarray(width) == 0))
    return found


def ffn_ratios(low: Architecture, high: Architecture) -> list[Ends]:
    """Range of r of each group: feed-forward weights over attention weights of a full layer.

    The weights of active and shared experts count, those of the router do not. Layers of linear
    attention take the attention of the first group that has any. Over a box, feed-forward weights
    are a multiple of d_model and attention weights a multiple and a constant, so that r at given
    other widths is monotone in d_model.
    """
    widths = [low.trunk.d_model, high.trunk.d_model]
    found = []
    for i in range(len(low.groups)):
        few, many = low.groups[i].layer.ffn, high.groups[i].layer.ffn
        if low is high:
            scored = _scored(low, i).matmul_weights(low.trunk.d_model)
            ratio = _ffn_weights(few, low.trunk.d_model) / doubles(scored)
            found.append((ratio, ratio))
            continue
        ends = []
        for d in widths:
            least, most = _attention_weights(low, high, i, d)
            ends.append((_ffn_weights(few, d) / most, _ffn_weights(many, d) / least))
        leasts, mosts = zip(*ends, strict=True)
        found.append((reduce(np.minimum, leasts), reduce(np.maximum, mosts)))
    return found


def _ffn_weights(ffn: FeedForward, d_model: Count) -> Floats:
    experts = mixture_of(ffn)
    router = 0 if experts is None else d_model * (experts.experts + experts.idle_experts)
    return doubles(ffn.matmul_weights(d_model) - router)


def _attention_weights(
    low: Architecture, high: Architecture, group: int, d_model: Count
) -> tuple[Floats, Floats]:
    """Least and greatest attention weights of a full layer over a box, at a width."""
    fewest, widest = (_scored(designs, group) for designs in (low, high))
    least, most = (doubles(mixer.matmul_weights(d_model)) for mixer in (fewest, widest))
    if not isinstance(fewest, LatentAttention):
        return least, most
    # Queries without a latent, of rank 0, may weigh more than those with one.
    assert isinstance(widest, LatentAttention)
    given = (fewest.q_lora_rank, widest.q_lora_rank)
    ranks = [np.asarray(0 if rank is None else rank) for rank in given]
    both = (ranks[0] == 0) & (ranks[1] > 0)
    narrow = replace(fewest, q_lora_rank=np.where(both, 1, ranks[0]))
    direct = replace(widest, q_lora_rank=np.where(both, 0, ranks[1]))
    return (
        np.minimum(least, doubles(narrow.matmul_weights(d_model))),
        np.maximum(most, doubles(direct.matmul_weights(d_model))),
    )


def _scored(designs: Architecture, group: int) -> Mixer:
    """The attention of a group's layers, or that of the first group that has any."""
    own = attention(designs.groups[group])
    if not isinstance(own, WithoutScores):
        return own
    every = (attention(other) for other in designs.groups)
    return next((mixer for mixer in every if not isinstance(mixer, WithoutScores)), own)


def _penalty_of(
    fit: tuple[float, float, float], ratio: tuple[Floats, Floats], dense: Floats
) -> Floats:
    """Least penalty over a range of r; `dense` is the weight of the reading of a dense layer.

    Both readings fall up to the best r and never fall beyond it, and that of a dense layer is never
    the smaller one.
    """
    best = fit[2] / fit[1]
    at = np.clip(best, ratio[0], ratio[1])
    factor = _factor(fit, at)
    of_dense = OF_REDUCIBLE * (factor / _factor(fit, best) - 1.0)
    if isinstance(dense, float) and dense == 1.0:
        return of_dense
    beyond = OF_REDUCIBLE * np.maximum(factor / _factor(fit, FLAT_TO) - 1.0, 0.0)
    of_experts = np.where(at <= best, of_dense, beyond)
    return dense * of_dense + (1.0 - dense) * of_experts


def _ffn(low: Architecture, high: Architecture) -> list[Floats]:
    """Lower bound on the mean of the penalty of each fit over the layers with a feed-forward.

    Over a box, each kind has its least share, and what is left goes to the kind of the least
    penalty.
    """
    kinds = [not isinstance(group.layer.ffn, NoFeedForward) for group in low.groups]
    shares, ratios = layer_shares(low, high, kinds), ffn_ratios(low, high)
    dense = [
        _dense_weight(few.layer.ffn, many.layer.ffn)
        for few, many in zip(low.groups, high.groups, strict=True)
    ]
    found: list[Floats] = []
    for fit in FITS:
        mean: Floats = 0.0
        left: Floats = 1.0
        cheapest: Floats = np.inf
        for i, (least, most) in enumerate(shares):
            if kinds[i]:
                penalty = np.where(most > 0, _penalty_of(fit, ratios[i], dense[i]), 0.0)
                mean, left = mean + least * penalty, left - least
                cheapest = np.minimum(cheapest, np.where(most > 0, penalty, np.inf))
        cheapest = np.where(np.isfinite(cheapest), cheapest, 0.0)
        found.append(mean + np.maximum(left, 0.0) * cheapest)
    return found


def _dense_weight(low: FeedForward, high: FeedForward) -> Floats:
    """Least weight of the reading of a dense layer: by the least activation of a box."""
    few, many = mixture_of(low), mixture_of(high)
    if few is None or many is None:
        return 1.0
    return np.clip(1.0 + np.log2(activation_between(few, many)[0]), 0.0, 1.0)


def _mean(first: Floats, second: Floats) -> Floats:
    return (first + second) / 2


_READ: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "smaller": np.minimum,
    "mean": _mean,
    "larger": np.maximum,
}


def _factor(fit: tuple[float, float, float], r: Floats) -> Floats:
    b0, b1, b2 = fit
    near = np.minimum(r, STRAIGHT_FROM)
    slope = b1 / STRAIGHT_FROM - b2 / STRAIGHT_FROM**2
    straight = slope * np.maximum(np.subtract(r, STRAIGHT_FROM), 0.0)
    return b0 + b1 * np.log(near) + b2 / near + straight
