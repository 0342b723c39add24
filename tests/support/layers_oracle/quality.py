"""Loss of a design: law on effective parameters, terms the law does not see, excess of the shape."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from tests.support.layers_oracle.counts import ffn_matrices, layer, mixer, parameters
from tests.support.layers_oracle.laws import Law, Loss, activation, excess
from tests.support.layers_oracle.space import LINEAR, Design, Experts, Grouped, Latent, is_full
from tests.support.layers_oracle.tables import Tables, exact, limits

ENDS = ("low", "middle", "high")
TERMS = ("kv_heads", "ffn", "window", "sparse", "linear", "latent")
KAPPA = (0.001, 0.007, 0.015)  # of a halving of kv heads, and of a latent's rank below 512
Fit = tuple[float, float, float]
FITS: tuple[Fit, ...] = ((0.5104, 0.0051, 0.0062), (0.3870, 0.0063, 0.0065))
WINDOWS = ((0, 0, 0.005), (0, 0.003, 0.010), (0.002, 0.006, 0.014))  # at 2048, 1024, 512 tokens
SPARSE, LINEAR_SHARE, LATENT = (0, 0.005, 0.02), (-0.01, 0, 0.006), (-0.006, 0, 0.006)
KNEE, FLAT = 5, 4  # f(r) is straight beyond; the ratio up to which experts cost nothing
EDGE = 3e20  # FLOPs, of the runs behind the leverage


@cache
def leverage(experts: Experts, d: int, flops: float) -> float:
    """Efficiency leverage over a dense layer (arXiv 2507.17702, equation 13)."""
    share = max(activation(experts), 0.008)
    log_g = math.log2(2 * d / experts.d_ff)
    most = 1 / 5.28e16
    effective = 1 / (1 / (share + 1 / (1 / 0.0163 - most)) + most)
    power = 1.23 - 0.0761 * math.log10(flops) - 0.117 * log_g + 0.0167 * log_g**2
    return min(max(effective**power, 1.0), 6.0)


class Quality:
    """The law, its conventions and the terms of a problem."""

    def __init__(self, tables: Tables) -> None:
        objective = tables.get("objective", {})
        self.law = Law(tables)
        self.shape = objective.get("shape", "gemstones-2025") != "none"
        self.ablations = objective.get("ablations", "middle")
        self.experts = objective.get("experts", "tian-2025")
        self.trained = tables.get("training", {}).get("sequence_length", 4096)
        flops = objective.get("leverage_flops", EDGE)
        if flops == "budget":
            highs = [x.high for x in limits(tables) if x.quantity == "training_flops"]
            flops = next(high for high in highs if high is not None)
        self.flops = float(exact(flops))

    def n(self, a: Design) -> float:
        """Parameters that the law is asked about."""
        total, active, inner = parameters(a)
        outer = total - inner if self.law.counts == "non_embedding" else 0
        if self.law.counts == "active":
            return float(active)
        if self.experts == "total":
            return float(total - outer)
        found = float(active - outer)
        for g in a.groups:
            if isinstance(g.ffn, Experts) and self.experts != "active":
                everything, used = layer(g, a.d_model)
                worth = min(leverage(g.ffn, a.d_model, self.flops) * used, everything)
                found += g.count * (worth - used)
        return found

    def terms(self, a: Design, end: str) -> dict[str, float]:
        """Each term as a share of the reducible loss."""
        if end == "none":
            return dict.fromkeys(TERMS, 0.0)
        i, n = ENDS.index(end), a.layers
        full = next(g.mixer for g in a.groups if is_full(g.mixer))
        grouped = sum(g.count for g in a.groups if isinstance(g.mixer, Grouped))
        kv = math.log2(full.heads / full.kv_heads) if isinstance(full, Grouped) else 0.0
        windows = sum(g.count for g in a.groups if getattr(g.mixer, "window", 0))
        linear = sum(g.count for g in a.groups if isinstance(g.mixer, LINEAR))
        weights = mixer(full, a.d_model).matrices
        every = n / a.full
        fits = [
            sum(g.count * _feed(fit, g.ffn, a.d_model, weights) for g in a.groups) / n
            for fit in FITS
        ]
        rank = math.log2(512 / full.kv_lora_rank) if isinstance(full, Latent) else 0.0
        found = {
            "kv_heads": KAPPA[i] * kv * grouped / n,
            "ffn": (min(fits), sum(fits) / len(fits), max(fits))[i],
            "window": windows / n / 0.75 * _window(a.window, self.trained, i) if windows else 0.0,
            "sparse": SPARSE[i] * math.log2(every / 8) if n > 8 * a.full else 0.0,
            "linear": LINEAR_SHARE[i] * min(1.0, linear / n / 0.75),
            "latent": LATENT[i] + KAPPA[i] * max(0.0, rank) if isinstance(full, Latent) else 0.0,
        }
        return found | dict.fromkeys(self.law.drops, 0.0)

    def at(self, a: Design) -> Loss:
        """Loss of a design as a function of its tokens."""
        q = sum(self.terms(a, self.ablations).values())
        shape = excess(a.d_model, a.layers) if self.shape else 0.0
        return self.law.at(a, self.n(a), q, shape)

    def shown(self, a: Design, tokens: float) -> dict[str, Any]:
        """`choices` and `loss_band` of an answer."""
        loss = self.at(a)
        reducible = loss.reducible(tokens)
        ends = ENDS if self.ablations != "none" else ("none",) * 3
        found = [self.terms(a, end) for end in ends]
        base = loss.e + loss.shape + reducible
        band = [base + sum(terms.values()) * reducible for terms in found]
        choices = {
            name: {end: terms[name] * reducible for end, terms in zip(ENDS, found, strict=True)}
            for name in TERMS
        }
        return {"choices": choices, "loss_band": {"low": band[0], "high": band[2]}}


def _feed(fit: Fit, ffn: Any, d: int, attention: int) -> float:
    """The term of one layer by its ratio of feed-forward to attention weights."""
    if not isinstance(ffn, Experts):
        return _dense(fit, ffn_matrices(ffn, d)[0] / attention)
    ratio = 3 * d * ffn.d_ff * (ffn.active + ffn.shared) / attention
    mixed = min(max(1 + math.log2(activation(ffn)), 0.0), 1.0)
    return mixed * _dense(fit, ratio) + (1 - mixed) * _sparse(fit, ratio)


def _f(fit: Fit, r: float) -> float:
    b0, b1, b2 = fit
    if r <= KNEE:
        return b0 + b1 * math.log(r) + b2 / r
    return _f(fit, KNEE) + (r - KNEE) * (b1 / KNEE - b2 / KNEE**2)


def _best(fit: Fit) -> float:
    return fit[2] / fit[1]


def _dense(fit: Fit, r: float) -> float:
    return 3 * (_f(fit, r) / _f(fit, _best(fit)) - 1)


def _sparse(fit: Fit, r: float) -> float:
    """Of experts: nothing up to a ratio of 4, then above what it is there."""
    if r < _best(fit):
        return _dense(fit, r)
    return 3 * (_f(fit, r) / _f(fit, FLAT) - 1) if r > FLAT else 0.0


def _window(window: int, trained: int, i: int) -> float:
    """Share lost with three of four layers behind a window, linear in log2 of it."""
    if window >= trained:
        return 0.0
    at_2048, at_1024, at_512 = WINDOWS[i]
    x = math.log2(2048 / window)
    if x <= 0:
        return at_2048
    if x <= 1:
        return at_2048 + x * (at_1024 - at_2048)
    return at_1024 + (x - 1) * (at_512 - at_1024)
