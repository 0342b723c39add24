"""Time, cost and energy of training.

Each is proportional to the training FLOPs: with f model FLOP/s per accelerator and n accelerators
working, C FLOPs take C / (f n) seconds. They cost C / f x price and use C / f x watts x PUE,
independently of n.
"""

from __future__ import annotations

import math
from fractions import Fraction

from modelsizer.problems.architecture.accounting import TRAINING_PASSES
from modelsizer.problems.quantities.quantity import OfFlops, Quantity, Settings
from modelsizer.problems.tables.limits import Bare
from modelsizer.problems.tables.prices import price_needed
from modelsizer.problems.units import exact

ACCELERATOR = 'an accelerator: write {table}.accelerator = "H100-SXM", or define one'
SECONDS_AN_HOUR = 3600
WATTS_A_KILOWATT = 1000

MONEY = Bare(((math.inf, "{}M USD"),), least=1)
"""Less than a dollar buys no training; a few dollars buy that of a small model."""

TIME = (
    *(
        f"training.{name}"
        for name in (
            "accelerator", "custom_accelerator", "precision", "framework", "mfu",
            "sequence_length", "recompute",
        )
    ),
    "mixture",
)  # fmt: skip
PRICE = (*TIME, "training.price_per_hour", "prices")
"""Settings that determine time and cost of training."""


def seconds(settings: Settings) -> Fraction:
    """Return the seconds per training FLOP on one accelerator."""
    training = settings.training
    # MFU refers to model FLOPs; training FLOPs also include those of recomputation.
    recomputed = TRAINING_PASSES + (training.recompute == "full")
    rate = training.flops_per_second(mixture=settings.mixture)
    return Fraction(TRAINING_PASSES, recomputed) / rate


def dollars(settings: Settings) -> Fraction:
    """Return the dollars per training FLOP."""
    price = settings.prices.training(settings.training)
    assert price is not None
    return seconds(settings) / SECONDS_AN_HOUR * exact(price)


def kilowatt_hours(settings: Settings) -> Fraction:
    """Return the kilowatt-hours per training FLOP."""
    training = settings.training
    watts = training.watts if training.watts is not None else training.named.figure("watts")
    hours = seconds(settings) / SECONDS_AN_HOUR
    return hours * exact(watts) / WATTS_A_KILOWATT * exact(training.pue)


def needs_device(settings: Settings) -> str:
    """Return the request for a training accelerator, if none is named."""
    return ACCELERATOR.format(table="training") if settings.training.device is None else ""


def needs_price(settings: Settings) -> str:
    """Return the request for a training accelerator or its price, if missing."""
    if needs := needs_device(settings):
        return needs
    if settings.prices.training(settings.training) is None:
        return price_needed(settings.training.device, "training.price_per_hour")
    return ""


ROWS = (
    Quantity(
        "training_time",
        "seconds",
        "training FLOPs at the MFU of the accelerators",
        OfFlops(seconds, shared=True, reads=TIME),
        only="max",
        needs=needs_device,
        # No run of which the time matters takes less than an hour.
        bare=Bare(((1000, "{} days"), (math.inf, "{} h")), least=SECONDS_AN_HOUR),
        example="30 days",
    ),
    Quantity(
        "training_cost",
        "dollars",
        "accelerator hours x price",
        OfFlops(dollars, reads=PRICE),
        only="max",
        needs=needs_price,
        bare=MONEY,
        example="5M USD",
    ),
    Quantity(
        "training_energy",
        "kWh",
        "accelerator hours x watts x pue",
        OfFlops(kilowatt_hours, reads=(*TIME, "training.watts", "training.pue")),
        only="max",
        needs=needs_device,
        heading="energy",
        bare=Bare(((math.inf, "{} GWh"),), least=1),  # an accelerator takes that in two hours
        example="2 GWh",
    ),
)
