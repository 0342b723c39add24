"""Money for a million output tokens, at the throughput that a decode step reaches.

The accelerators are paid for by the hour, whatever they do; a step gives a token to each sequence
of the batch. With ``serving.output_length`` the prompts are paid for too: a prompt is prefilled for
every `output_length` tokens, by the same accelerators, in time that no step is run in.
"""

from __future__ import annotations

from fractions import Fraction
from functools import reduce

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.costs.latency import (
    decode_branches,
    decoding,
    prefill_branches,
    prefill_factor,
    prefill_step,
    step_machine,
)
from modelsizer.problems.costs.pools import decoding_devices, prefilling_devices
from modelsizer.problems.hardware.accelerators import UnknownFigureError
from modelsizer.problems.quantities.latency import (
    BRANCHES,
    DECODE,
    PREFILL,
    PROMPTS,
    TOKENS_A_STEP,
    counted_tokens,
    needs_prompts,
    needs_step,
    tokens_a_step,
)
from modelsizer.problems.quantities.quantity import Candidate, Cost, Quantity, Settings
from modelsizer.problems.quantities.requests import needs_requests, request_branches
from modelsizer.problems.quantities.serving_memory import WAYS
from modelsizer.problems.quantities.training_cost import SECONDS_AN_HOUR
from modelsizer.problems.tables.prices import price_needed
from modelsizer.problems.units import Number, exact

NEEDS_SHARE = "lifetime.prefill_share, the share of prompts: write 0.8"
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


def prefill_price(settings: Settings) -> Number | None:
    """Return the dollars for an hour of an accelerator that prefills; None if none is given."""
    device = settings.serving.prefilling.device
    return settings.prices.serving(device, settings.lifetime, settings.training)


def dollars_an_hour(settings: Settings) -> Fraction:
    """Return the dollars for an hour of all serving accelerators, whose prices are known."""
    serving = settings.serving
    price, of_prefill = serving_price(settings), prefill_price(settings)
    assert price is not None and of_prefill is not None
    if serving.prefill is None:
        return serving.devices * exact(price)
    return decoding_devices(serving) * exact(price) + prefilling_devices(serving) * exact(
        of_prefill
    )


def needs_serving_price(settings: Settings) -> str:
    """Return the request for the price of the serving accelerator, if missing."""
    if serving_price(settings) is None:
        return price_needed(settings.serving.device, "lifetime.price_per_hour")
    if prefill_price(settings) is None:
        return price_needed(settings.serving.prefilling.device, "lifetime.price_per_hour")
    return ""


def _needs(settings: Settings) -> str:
    if settings.serving.prefill is not None:
        return needs_requests(settings) or needs_serving_price(settings)
    answers = settings.serving.output_length is not None
    needs = needs_prompts(settings) if answers else needs_step(settings)
    return needs or needs_serving_price(settings)


def _dollars(of: Candidate) -> tuple[Affine, ...]:
    """Dollars of a million output tokens, for each branch of a step with each of a prefill."""
    settings, serving = of.settings, of.settings.serving
    price = serving_price(settings)
    assert price is not None
    if serving.prefill is not None:
        assert serving.output_length is not None
        paid = TOKENS * dollars_an_hour(settings) / SECONDS_AN_HOUR / serving.output_length
        return tuple(each.times(paid) for each in request_branches(of))
    second = TOKENS * serving.devices * exact(price) / SECONDS_AN_HOUR  # for each token of it
    context = settings.context_length
    # Prompts that are paid for by themselves are not paid for as a part of the steps too.
    branches = decode_branches if serving.output_length is None else decoding
    steps = [
        step.times(second / tokens_a_step(settings))
        for step in branches(serving, context, of.trunk, of.kinds, present=of.present)
    ]
    if serving.output_length is None:
        return tuple(step for step in steps for _ in BRANCHES)
    answers = Fraction(1, serving.prompts * serving.output_length)
    prefills = [
        prefill.times(second * answers)
        for prefill in prefill_branches(serving, context, of.trunk, of.kinds)
    ]
    return tuple(step.plus(prefill) for step in steps for prefill in prefills)


STEPPED = tuple(
    dict.fromkeys(
        (
            *DECODE,
            *TOKENS_A_STEP,
            *PROMPTS,
            *SERVING_PRICE,
            *WAYS,
            "serving.prefill",
            "lifetime.throughput",
            "lifetime.prefill_share",
        )
    )
)
"""Settings that determine the dollars of a token by the steps of [serving]."""


def needs_steps(settings: Settings) -> str:
    """Return the request for what the money of a token by steps lacks, if missing."""
    if needs := needs_prompts(settings) or needs_serving_price(settings):
        return needs
    if settings.lifetime.prefill_share is None:
        return NEEDS_SHARE
    if not step_machine(settings.serving).adds:
        return (
            "an engine whose steps are measured: leave serving.engine out, or lifetime.throughput"
        )
    return ""


def stepped(settings: Settings) -> bool:
    """Whether inference over the lifetime is counted in dollars, by the steps of [serving]."""
    return settings.lifetime.stepped and not _lacks_steps(settings)


def _lacks_steps(settings: Settings) -> bool:
    try:
        return bool(needs_steps(settings))
    except UnknownFigureError:
        return True


def dollars_a_token(of: Candidate) -> Affine:
    """Dollars of a token, of a prompt or of an answer, by the share of each.

    A prompt takes the sum of the time that its bytes and its FLOPs take, which is a little more
    than `prefill_latency`, the longer of the two.
    """
    settings, serving = of.settings, of.settings.serving
    price, share = serving_price(settings), settings.lifetime.prefill_share
    assert price is not None and share is not None
    second = serving.devices * exact(price) / SECONDS_AN_HOUR
    of_prefill = prefill_price(settings)
    assert of_prefill is not None
    prefilling = serving.prefilling.devices * exact(of_prefill) / SECONDS_AN_HOUR
    context = settings.context_length
    parts = []
    if share < 1:
        step, _ = decoding(serving, context, of.trunk, of.kinds, present=of.present)
        parts.append(step.times(second * (1 - exact(share)) / tokens_a_step(settings)))
    if share > 0:
        prefill, _ = prefill_step(serving, context, of.trunk, of.kinds).branches(adds=True)
        each = exact(share) * exact(prefill_factor(serving))
        tokens = serving.prompts * (serving.prompt_length or context)
        parts.append(prefill.times(prefilling * each / tokens))
    return reduce(Affine.plus, parts)


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
                        *DECODE,
                        "serving.interference",
                        *TOKENS_A_STEP,
                        *PREFILL,
                        *SERVING_PRICE,
                        "serving.output_length",
                        "serving.decode",
                        *WAYS,
                    )
                )
            ),
            branches=tuple(f"{step}_{prefill}" for step in BRANCHES for prefill in BRANCHES),
            by_layout=False,
            within=counted_tokens,
        ),
        only="max",
        needs=_needs,
        axis="serving cost of a million tokens",
        heading="$/Mtok",
        example="1.2 USD",
    ),
)
