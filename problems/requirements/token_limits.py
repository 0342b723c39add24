"""Limits on training tokens from [training] and [budgets].

A budget of a quantity proportional to the training FLOPs, such as the cost of training, limits the
training FLOPs of every design equally. If the quantity is divided among the working accelerators,
as the time is, it limits the FLOPs per accelerator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction

from modelsizer.problems.quantities.quantity import OfFlops, Settings
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import Number, exact

TRAINING_FLOPS = "budgets.training_flops"
ENDLESS = 10**150
"""So many tokens that no law tells them from infinitely many, and yet all their costs are doubles.
A design that needs more to reach a loss is infeasible."""


@dataclass(frozen=True, slots=True)
class Charge:
    """A limit on training FLOPs that is reduced by inference.

    Training FLOPs are at most ``limit - each x inference FLOPs per token``.

    Parameters
    ----------
    key : str
        The budget that gives the limit.
    limit, each : Fraction
        In training FLOPs, and in training FLOPs for each inference FLOP per token.
    """

    key: str
    limit: Fraction
    each: Fraction

    def left(self, inference_flops: Fraction) -> Fraction:
        """Return the training FLOPs left by inference; zero if there are none."""
        return max(self.limit - self.each * inference_flops, Fraction(0))


@dataclass(frozen=True, slots=True)
class TokenLimits:
    """Limits on the training tokens of a design, apart from limits on the loss.

    Tokens lie between ``max(least, least_flops / F)`` and ``min(most, most_flops / F)`` for a
    design of F training FLOPs per token. With n working accelerators they are also at most
    ``most_flops_each * n / F``, and at most what each of `charges` leaves. `most_flops_key` and
    `most_flops_each_key` are the budgets that give `most_flops` and `most_flops_each`.
    """

    least: Fraction
    most: Fraction | None
    least_flops: Fraction
    most_flops: Fraction | None
    most_flops_each: Fraction | None = None
    most_flops_key: str = TRAINING_FLOPS
    most_flops_each_key: str = ""
    charges: tuple[Charge, ...] = ()

    @property
    def bounded(self) -> bool:
        """Whether there is an upper limit on tokens."""
        return self.most is not None or self.flops_on(1) is not None or bool(self.charges)

    def flops_on(self, accelerators: int) -> Fraction | None:
        """Return the limit on training FLOPs with n working accelerators; None for no limit."""
        each = self.most_flops_each
        ends = [self.most_flops, None if each is None else each * accelerators]
        known = [end for end in ends if end is not None]
        return min(known) if known else None


def _bound(ends: list[Number | None], largest: bool) -> Fraction | None:
    known = [exact(end) for end in ends if end is not None]
    return (max(known) if largest else min(known)) if known else None


def _least(limits: dict[str, Fraction]) -> tuple[str, Fraction | None]:
    """Return key and value of the tightest upper limit, the first of equals."""
    if not limits:
        return "", None
    key = min(limits, key=lambda name: limits[name])
    return key, limits[key]


def token_limits(settings: Settings, limits: Mapping[str, Interval]) -> TokenLimits:
    """Combine the limits on tokens from [training] and of quantities, by name."""
    empty = Interval()
    tokens, budget = settings.training.tokens or empty, limits.get("tokens", empty)
    flops = limits.get("training_flops", empty)
    most: dict[str, Fraction] = {}
    each: dict[str, Fraction] = {}
    charges = []
    for name, limit in limits.items():
        how = QUANTITIES[name].how
        if not isinstance(how, OfFlops) or limit.max is None:
            continue
        key, rate = f"budgets.{name}", how.rate(settings)
        bought = exact(limit.max) if rate == 1 else exact(limit.max) / rate
        if how.charge is not None:
            charges.append(Charge(key, bought, how.charge(settings) / rate))
        elif how.shared:
            each[key] = bought
        else:
            most[key] = bought
    most_key, most_flops = _least(most)
    each_key, most_each = _least(each)
    return TokenLimits(
        _bound([tokens.min, budget.min, 0], largest=True) or Fraction(0),
        _bound([tokens.max, budget.max], largest=False),
        exact(flops.min or 0),
        most_flops,
        most_each,
        most_key or TRAINING_FLOPS,
        each_key,
        tuple(charges),
    )


def loosest(every: Iterable[TokenLimits]) -> TokenLimits:
    """Limits on tokens that hold under each of several setups, which share those on tokens."""
    first, *others = every
    if not others:
        return first
    all_ = (first, *others)
    most, each = (
        _largest([getattr(one, name) for one in all_]) for name in ("most_flops", "most_flops_each")
    )
    charges = []
    for charge in first.charges:
        same = [c for one in all_ for c in one.charges if c.key == charge.key]
        if len(same) == len(all_):
            limit, share = max(c.limit for c in same), min(c.each for c in same)
            charges.append(Charge(charge.key, limit, share))
    return replace(first, most_flops=most, most_flops_each=each, charges=tuple(charges))


def _largest(ends: list[Fraction | None]) -> Fraction | None:
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None
