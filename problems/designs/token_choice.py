"""Training tokens of a design: as many as the constraints allow, or as few as they require."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

from modelsizer.problems.laws.features import Features
from modelsizer.problems.laws.quality import Judged, Quality
from modelsizer.problems.requirements.token_limits import ENDLESS, TokenLimits
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import Number

_NONE = Fraction(0)


def rounded_down(value: Fraction) -> float:
    """The largest double not above an exact number."""
    return quotient_down(value.numerator, value.denominator)


def quotient_down(over: int, by: int) -> float:
    """The largest double not above a quotient of integers, of which the second is positive."""
    near = over / by
    n, d = near.as_integer_ratio()
    return near if n * by <= over * d else math.nextafter(near, 0.0)


def rounded_up(value: Fraction) -> float:
    """The smallest double not below an exact number."""
    near = float(value)
    return near if Fraction(near) >= value else math.nextafter(near, math.inf)


class TokenChoice:
    """Tokens of one design: the feasible interval, and the choice within it.

    Tokens are real numbers, to which doubles are only approximations. If a limit on FLOPs or on the
    loss determines them, FLOPs or loss equal that limit exactly, so that ties are recognised.

    Parameters
    ----------
    quality : Judged
        The loss of the design.
    limits : TokenLimits
    target : Interval
        Limits on the loss.
    n : int or float
        Parameters as counted by the law.
    flops : Fraction
        Training FLOPs per token that the law counts.
    accelerators : int
        Number of accelerators in training.
    inference_flops : Fraction
        FLOPs per inference token.

    Attributes
    ----------
    low, high : float
        Least and greatest tokens; the interval is empty (low > high) if a limit on loss is missed.
    possible : bool
        Whether limits on tokens and FLOPs leave any tokens, in exact arithmetic.
    reachable : bool
        Whether a loss asked for needs fewer than endless tokens, and some loss is finite.
    """

    def __init__(
        self,
        quality: Judged,
        limits: TokenLimits,
        target: Interval,
        *,
        n: Number,
        flops: Fraction,
        accelerators: int,
        inference_flops: Fraction = _NONE,
    ) -> None:
        self._quality, self._n = quality, float(n)
        low = max(limits.least, limits.least_flops / flops)
        ends = [limits.most] if limits.most is not None else []
        if (most_flops := limits.flops_on(accelerators)) is not None:
            ends.append(most_flops / flops)
        ends += [charge.left(inference_flops) / flops for charge in limits.charges]
        self.low, self.high = rounded_up(low), math.inf
        self._least_flops = limits.least_flops if limits.least < low else None
        self._cut_at: float | None = None
        self.possible = not ends or low <= min(ends)
        if ends:
            self.high = rounded_down(min(ends))
            if self.high < self.low and low <= min(ends):
                self.low = self.high  # an interval narrower than the spacing of doubles
        self._asked = self.low
        if target.min is not None and self.loss(self.high) < float(target.min):
            edge = self._edge(float(target.min), above=True)
            if edge < self.high:
                self.high, self._cut_at = edge, float(target.min)
        if target.max is not None and self.low <= self.high:
            # If even the most tokens miss the loss, the interval is empty, as `low` shows.
            need = self._edge(float(target.max), above=False)
            reached = self.loss(self.high) <= float(target.max)
            self.low = max(self.low, min(need, self.high) if reached else need)
        self.reachable = self.low <= ENDLESS or self.high < math.inf

    def flops(self, tokens: float, flops: Fraction) -> Fraction:
        """Training FLOPs at the chosen tokens."""
        if tokens == self.low and self._least_flops is not None and self.low == self._asked:
            return self._least_flops
        return Fraction(tokens) * flops

    def loss_at(self, tokens: float) -> float:
        """Loss at the chosen tokens."""
        if self._cut_at is not None and tokens == self.high:
            return self._cut_at
        return self.loss(tokens)

    def loss(self, tokens: float) -> float:
        """Loss at given tokens; infinite where the law gives no number."""
        loss = float(self._quality.loss(self._n, tokens))
        return math.inf if math.isnan(loss) else loss

    def _edge(self, target: float, *, above: bool) -> float:
        """The least tokens with loss <= target, or (`above`) the most with loss >= target."""
        tokens = float(self._quality.tokens_for(self._n, target))
        if not math.isfinite(tokens):
            return math.inf
        # The inverse carries rounding errors; step away from it until the loss itself satisfies it.
        step, away = 2.0**-52, -1.0 if above else 1.0
        while (self.loss(tokens) < target) if above else (self.loss(tokens) > target):
            tokens *= 1.0 + away * min(step, 0.5)
            step *= 2.0
            if not 0 < tokens < math.inf:
                break  # no number of tokens has the loss, in doubles
        return tokens


def most_tokens_losses(
    quality: Quality,
    limits: TokenLimits,
    target: Interval,
    features: Iterable[Features],
    n: Iterable[Number],
    flops: Iterable[Fraction],
) -> list[float]:
    """Losses of feasible designs at the most tokens, which no layout and no inference lessens.

    Parameters
    ----------
    quality, limits, target
        See `TokenChoice`.
    features : iterable of mapping
        See `modelsizer.problems.laws.features.architecture_features`.
    n : iterable of int or float
    flops : iterable of Fraction
    """
    found = []
    for seen, size, each in zip(features, n, flops, strict=True):
        choice = TokenChoice(quality.of(seen), limits, target, n=size, flops=each, accelerators=1)
        found.append(choice.loss_at(choice.high))
    return found
