"""Limits on training tokens, gathered from [training] and [budgets].

Training time, money and energy are proportional to the training FLOPs, so each of their budgets
is a limit on them: with f model FLOP/s of an accelerator and n accelerators at work, C FLOPs take
C / (f n) seconds, cost C / f x price and draw C / f x watts x PUE, whatever n.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from modelsizer.problems.architecture.accounting import TRAINING_PASSES
from modelsizer.problems.tables.lifetime import LIFETIME, Lifetime
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.settings import Budgets
from modelsizer.problems.tables.training import Training
from modelsizer.problems.units import Number, exact

SECONDS_AN_HOUR = 3600
WATTS_A_KILOWATT = 1000
TIMED = ("training_time", "training_cost", "training_energy")
"""Quantities that are proportional to the training FLOPs."""


@dataclass(frozen=True, slots=True)
class Charge:
    """A limit on training FLOPs that inference takes its part of.

    Training FLOPs are at most ``limit - each x inference FLOPs a token``.

    Parameters
    ----------
    key : str
        The budget behind it.
    limit, each : Fraction
        In training FLOPs, and in training FLOPs for each inference FLOP a token.
    """

    key: str
    limit: Fraction
    each: Fraction

    def left(self, inference_flops: Fraction) -> Fraction:
        """What is left for training; zero where inference takes it all."""
        return max(self.limit - self.each * inference_flops, Fraction(0))


@dataclass(frozen=True, slots=True)
class TokenLimits:
    """What bounds the training tokens of a design, whatever the budget asks of loss.

    Tokens lie between ``max(least, least_flops / F)`` and ``min(most, most_flops / F)`` for a
    design of F training FLOPs a token; on n accelerators at work also below
    ``most_flops_each * n / F``, and below what each of `charges` leaves. `most_flops_key` names the
    budget behind `most_flops`.
    """

    least: Fraction
    most: Fraction | None
    least_flops: Fraction
    most_flops: Fraction | None
    most_flops_each: Fraction | None = None
    most_flops_key: str = "budgets.training_flops"
    charges: tuple[Charge, ...] = ()

    @property
    def bounded(self) -> bool:
        """Whether anything keeps tokens finite."""
        return self.most is not None or self.flops_on(1) is not None or bool(self.charges)

    def flops_on(self, accelerators: int) -> Fraction | None:
        """The most training FLOPs on some accelerators at work; None for no limit."""
        each = self.most_flops_each
        ends = [self.most_flops, None if each is None else each * accelerators]
        known = [end for end in ends if end is not None]
        return min(known) if known else None


def _bound(ends: list[Number | None], largest: bool) -> Fraction | None:
    known = [exact(end) for end in ends if end is not None]
    return (max(known) if largest else min(known)) if known else None


def rate(training: Training, quantity: str) -> Fraction:
    """How much of a quantity of `TIMED` one training FLOP costs; of time, on one accelerator.

    The accelerator, and a price for the cost, must be there:
    `modelsizer.problems.costs.needs.lacking` tells.

    Raises
    ------
    UnknownFigureError
        If a figure of the accelerator is needed that is not known.
    """
    per_second = training.flops_per_second
    # MFU is of model FLOPs: those of recomputation are counted in training FLOPs, not in it.
    recomputed = TRAINING_PASSES + (training.recompute == "full")
    seconds = Fraction(TRAINING_PASSES, recomputed) / per_second
    if quantity == "training_time":
        return seconds
    if quantity == "training_cost":
        assert training.price_per_hour is not None
        return seconds / SECONDS_AN_HOUR * exact(training.price_per_hour)
    watts = training.watts if training.watts is not None else training.named.figure("watts")
    return seconds / SECONDS_AN_HOUR * exact(watts) / WATTS_A_KILOWATT * exact(training.pue)


def inference_charge(
    training: Training, serving: Serving, lifetime: Lifetime, quantity: str
) -> Fraction:
    """How much of a quantity of `LIFETIME` one inference FLOP a token costs over the lifetime.

    What the quantity needs must be there: `modelsizer.problems.costs.needs.lacking` tells.
    """
    if quantity == "lifetime_flops":
        return lifetime.tokens
    peak = Fraction(serving.named.figure(f"{serving.compute}_flops"))
    return lifetime.tokens * lifetime.dollars_a_flop(training, peak)


def lifetime_rate(training: Training, quantity: str) -> Fraction:
    """How much of a quantity of `LIFETIME` one training FLOP costs."""
    return rate(training, "training_cost") if quantity == "lifetime_cost" else Fraction(1)


def _charges(
    training: Training, serving: Serving, lifetime: Lifetime, budgets: Budgets
) -> tuple[Charge, ...]:
    found = []
    for name in LIFETIME:
        limit: Interval | None = getattr(budgets, name)
        if limit is not None and limit.max is not None:
            each = lifetime_rate(training, name)
            inference = inference_charge(training, serving, lifetime, name)
            found.append(Charge(f"budgets.{name}", exact(limit.max) / each, inference / each))
    return tuple(found)


def token_limits(
    training: Training, serving: Serving, lifetime: Lifetime, budgets: Budgets
) -> TokenLimits:
    """Limits on tokens from [training] and [budgets] together."""
    empty = Interval()
    tokens, budget = training.tokens or empty, budgets.tokens or empty
    flops = budgets.training_flops or empty
    most = {} if flops.max is None else {"budgets.training_flops": exact(flops.max)}
    each = None
    for name in TIMED:
        limit: Interval | None = getattr(budgets, name)
        if limit is None or limit.max is None:
            continue
        flops_bought = exact(limit.max) / rate(training, name)
        if name == "training_time":
            each = flops_bought
        else:
            most[f"budgets.{name}"] = flops_bought
    return TokenLimits(
        _bound([tokens.min, budget.min, 0], largest=True) or Fraction(0),
        _bound([tokens.max, budget.max], largest=False),
        exact(flops.min or 0),
        min(most.values()) if most else None,
        each,
        min(most, key=lambda key: most[key]) if most else "budgets.training_flops",
        _charges(training, serving, lifetime, budgets),
    )
