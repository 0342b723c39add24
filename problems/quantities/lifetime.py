"""FLOPs and cost of training and inference together."""

from __future__ import annotations

from fractions import Fraction

from modelsizer.problems.quantities.quantity import OfFlops, Quantity, Settings
from modelsizer.problems.quantities.serving_cost import (
    NEEDS_SHARE,
    SERVING_PRICE,
    needs_serving_price,
    needs_steps,
    serving_price,
)
from modelsizer.problems.quantities.training_cost import (
    ACCELERATOR,
    MONEY,
    PRICE,
    SECONDS_AN_HOUR,
    dollars,
    needs_price,
)
from modelsizer.problems.quantities.training_flops import MANY_FLOPS, ONE
from modelsizer.problems.units import exact

_SERVED_ON = ("serving.accelerator", "serving.custom_accelerator", "serving.compute")

_MONEY = tuple(dict.fromkeys((*PRICE, *_SERVED_ON, *SERVING_PRICE, "lifetime")))


def _served(settings: Settings) -> Fraction:
    """Return the number of inference tokens over the lifetime."""
    return settings.lifetime.tokens


def _dollars_served(settings: Settings) -> Fraction:
    """Return dollars over the lifetime for each FLOP per inference token.

    By steps it is those for each dollar per token, of which `SERVED_FLOPS_PER_TOKEN` is then.
    """
    serving, lifetime = settings.serving, settings.lifetime
    if lifetime.stepped:
        return lifetime.tokens
    peak = exact(serving.named.figure(f"{serving.compute}_flops"))
    price = serving_price(settings)
    assert price is not None
    return lifetime.tokens * lifetime.work / peak / SECONDS_AN_HOUR * exact(price)


def _needs_tokens(settings: Settings) -> str:
    if settings.lifetime.inference_tokens is None:
        return 'lifetime.inference_tokens: write "10T tokens"'
    return ""


def _needs_flops(settings: Settings) -> str:
    if settings.lifetime.stepped:
        return 'lifetime.throughput = "mfu": by steps a lifetime is counted in money'
    return _needs_tokens(settings)


def _needs_money(settings: Settings) -> str:
    if needs := _needs_tokens(settings):
        return needs
    if settings.lifetime.prefill_share is None:
        return NEEDS_SHARE
    if settings.lifetime.stepped:
        return needs_price(settings) or needs_steps(settings)
    if settings.serving.device is None:
        return ACCELERATOR.format(table="serving")
    return needs_price(settings) or needs_serving_price(settings)


ROWS = (
    Quantity(
        "lifetime_flops",
        "FLOPs",
        "FLOPs of training and inference",
        OfFlops(lambda _: ONE, charge=_served, reads=("lifetime.inference_tokens",)),
        only="max",
        needs=_needs_flops,
        bare=MANY_FLOPS,
        axis="lifetime FLOPs",
        example=2e24,
    ),
    Quantity(
        "lifetime_cost",
        "dollars",
        "money of training and inference",
        OfFlops(dollars, charge=_dollars_served, reads=_MONEY),
        only="max",
        needs=_needs_money,
        bare=MONEY,
        example="20M USD",
    ),
)
