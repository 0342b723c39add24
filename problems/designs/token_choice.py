"""How many tokens a design is trained on: all that the limits allow, or as few as they ask for."""

from __future__ import annotations

import math
from fractions import Fraction

from modelsizer.problems.laws.quality import Judged
from modelsizer.problems.requirements.token_limits import TokenLimits
from modelsizer.problems.tables.menus import Interval

_NONE = Fraction(0)


def rounded_down(value: Fraction) -> float:
    """The largest double not above an exact number."""
    near = float(value)
    return near if Fraction(near) <= value else math.nextafter(near, 0.0)


def rounded_up(value: Fraction) -> float:
    """The smallest double not below an exact number."""
    near = float(value)
    return near if Fraction(near) >= value else math.nextafter(near, math.inf)


class TokenChoice:
    """Tokens of one design: the interval that the limits leave, and the choice in it.

    Tokens are real numbers of which doubles are only the nearest. Where a limit on FLOPs or on the
    loss sets them, FLOPs or loss are that limit exactly, so that designs that tie are seen to.

    Parameters
    ----------
    quality : Judged
        The loss of the design.
    limits : TokenLimits
    target : Interval
        Limits on the loss.
    n, flops : int
        Parameters that the law counts, and training FLOPs a token.
    accelerators : int
        At work in training.
    inference_flops : Fraction
        FLOPs of an inference token.

    Attributes
    ----------
    low, high : float
        Fewest and most tokens; the first above the second where a loss is missed.
    possible : bool
        Whether the limits on tokens and on FLOPs leave any tokens, in exact arithmetic.
    """

    def __init__(
        self,
        quality: Judged,
        limits: TokenLimits,
        target: Interval,
        *,
        n: int,
        flops: int,
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
        if target.min is not None:
            edge = self._edge(float(target.min), above=True)
            if edge < self.high:
                self.high, self._cut_at = edge, float(target.min)
        if target.max is not None and self.low <= self.high:
            # Where even the most tokens miss the loss the interval is empty, and `low` tells.
            need = self._edge(float(target.max), above=False)
            reached = self.loss(self.high) <= float(target.max)
            self.low = max(self.low, min(need, self.high) if reached else need)

    def flops(self, tokens: float, flops: int) -> Fraction:
        """Training FLOPs at the tokens chosen."""
        if tokens == self.low and self._least_flops is not None and self.low == self._asked:
            return self._least_flops
        return Fraction(tokens) * flops

    def loss_at(self, tokens: float) -> float:
        """The loss at the tokens chosen."""
        if self._cut_at is not None and tokens == self.high:
            return self._cut_at
        return self.loss(tokens)

    def loss(self, tokens: float) -> float:
        """The loss at some tokens."""
        return float(self._quality.loss(self._n, tokens))

    def _edge(self, target: float, *, above: bool) -> float:
        """The least tokens with loss <= target, or (`above`) the most with loss >= target."""
        tokens = float(self._quality.tokens_for(self._n, target))
        if not math.isfinite(tokens):
            return math.inf
        # The inverse carries rounding; step away from it until the loss itself agrees.
        step, away = 2.0**-52, -1.0 if above else 1.0
        while (self.loss(tokens) < target) if above else (self.loss(tokens) > target):
            tokens *= 1.0 + away * step
            step *= 2.0
        return tokens
