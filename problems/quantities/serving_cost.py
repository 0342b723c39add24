"""Money for a million output tokens, at the throughput that a decode step reaches.

The accelerators are paid for by the hour, whatever they do; a step gives a token to each sequence
of the batch. With ``serving.output_length`` the prompts are paid for too: a prompt is prefilled for
every `output_length` tokens, by the same accelerators, in time that no step is run in.
"""

from __future__ import annotations

from fractions import Fraction

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.costs.latency import decode_branches, prefill_branches
from modelsizer.problems.quantities.latency import (
    BRANCHES,
    PROMPTS,
    STEP,
    TOKENS_A_STEP,
    counted,
    needs_prompts,
    needs_step,
    tokens_a_step,
)
from modelsizer.problems.quantities.quantity import Candidate, Cost, Quantity, Settings
from modelsizer.problems.quantities.serving_memory import WAYS
from modelsizer.problems.quantities.training_cost import SECONDS_AN_HOUR
from modelsizer.problems.tables.prices import price_needed
from modelsizer.problems.units import Number, exact

TOKENS = 10**6
"""Output tokens that the cost is of."""
SERVING_PRICE = (
    "serving.accelerator",
    "serving.custom_accelerator",
    "lifetime.price_per_hour",
    "training.price_per_hour",
    "prices",
)
"""Settings that determine the price of an hour of a serving accelerator."""


def serving_price(settings: Settings) -> Number | None:
    """Return the dollars for an hour of a serving accelerator; None if no price is given."""
    device = settings.serving.device
    return settings.prices.serving(device, settings.lifetime, settings.training)


def needs_serving_price(settings: Settings) -> str:
    """Return the request for the price of the serving accelerator, if missing."""
    if serving_price(settings) is None:
        return price_needed(settings.serving.device, "lifetime.price_per_hour")
    return ""


def _needs(settings: Settings) -> str:
    answers = settings.serving.output_length is not None
    needs = needs_prompts(settings) if answers else needs_step(settings)
    return needs or needs_serving_price(settings)


def _dollars(of: Candidate) -> tuple[Affine, ...]:
    """Dollars of a million output tokens, for each branch of a step with each of a prefill."""
    settings, serving = of.settings, of.settings.serving
    price = serving_price(settings)
    assert price is not None
    second = TOKENS * serving.devices * exact(price) / SECONDS_AN_HOUR  # for each token of it
    context = settings.context_length
    steps = [
        step.times(second / tokens_a_step(settings))
        for step in decode_branches(serving, context, of.trunk, of.kinds)
    ]
    if serving.output_length is None:
        return tuple(step for step in steps for _ in BRANCHES)
    answers = Fraction(1, serving.prompts * serving.output_length)
    prefills = [
        prefill.times(second * answers)
        for prefill in prefill_branches(serving, context, of.trunk, of.kinds)
    ]
    return tuple(step.plus(prefill) for step in steps for prefill in prefills)


ROWS = (
    Quantity(
        "serving_cost",
        "dollars",
        "money for a million output tokens",
        Cost(
            _dollars,
            reads=tuple(
                dict.fromkeys(
                    (
                        *STEP,
                        *TOKENS_A_STEP,
                        *PROMPTS,
                        *SERVING_PRICE,
                        "serving.output_length",
                        *WAYS,
                    )
                )
            ),
            branches=tuple(f"{step}_{prefill}" for step in BRANCHES for prefill in BRANCHES),
            by_layout=False,
            within=counted,
        ),
        only="max",
        needs=_needs,
        axis="serving cost of a million tokens",
        heading="$/Mtok",
    ),
)
