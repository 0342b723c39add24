"""Limits on training tokens, gathered from [training] and [budgets]."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from problems.menus import Interval
from problems.settings import Budgets, Training
from problems.units import Number, exact


@dataclass(frozen=True, slots=True)
class TokenLimits:
    """What bounds the training tokens of a design, whatever the budget asks of loss.

    Tokens lie between ``max(least, least_flops / F)`` and ``min(most, most_flops / F)`` for a
    design of F training FLOPs a token.
    """

    least: Fraction
    most: Fraction | None
    least_flops: Fraction
    most_flops: Fraction | None

    @property
    def bounded(self) -> bool:
        """Whether anything keeps tokens finite."""
        return self.most is not None or self.most_flops is not None


def _bound(ends: list[Number | None], largest: bool) -> Fraction | None:
    known = [exact(end) for end in ends if end is not None]
    return (max(known) if largest else min(known)) if known else None


def token_limits(training: Training, budgets: Budgets) -> TokenLimits:
    """Limits on tokens from [training] and [budgets] together."""
    empty = Interval()
    tokens, budget = training.tokens or empty, budgets.tokens or empty
    flops = budgets.training_flops or empty
    return TokenLimits(
        _bound([tokens.min, budget.min, 0], largest=True) or Fraction(0),
        _bound([tokens.max, budget.max], largest=False),
        exact(flops.min or 0),
        _bound([flops.max], largest=False),
    )
