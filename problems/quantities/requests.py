"""Requests a second: prompts that are prefilled, each with the answer that is decoded.

Where the same accelerators do both, a request takes the sum of its shares of a prefill and of the
decode steps. Two pools work at once, and the slower one sets the pace of the pair (DistServe, arXiv
2401.09670; Splitwise, arXiv 2311.18677). Whatever waits for whom beside that is not counted.
"""

from __future__ import annotations

import math
from fractions import Fraction

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.costs.latency import decoding, prefill_branches
from modelsizer.problems.costs.pools import pools_link, replicas, transfer
from modelsizer.problems.quantities.latency import (
    BRANCHES,
    DECODE,
    PREFILL,
    counted_tokens,
    needs_first_token,
)
from modelsizer.problems.quantities.quantity import Candidate, Cost, Inverse, Quantity, Settings
from modelsizer.problems.tables.limits import Bare

OUTPUT = "answers of some length: write serving.output_length = 500"


def needs_requests(settings: Settings) -> str:
    """Return the request for what the time of a request lacks, if missing."""
    if needs := needs_first_token(settings):
        return needs
    return OUTPUT if settings.serving.output_length is None else ""


def request_branches(of: Candidate) -> tuple[Affine, ...]:
    """Seconds between requests, of which the largest is taken: four branches."""
    serving, context = of.settings.serving, of.settings.context_length
    assert serving.output_length is not None
    prefilling, decodes = replicas(serving)
    answer = Fraction(serving.output_length, serving.batch_size * decodes)
    steps = [
        step.times(answer)
        for step in decoding(serving, context, of.trunk, of.kinds, present=of.present)
    ]
    prompt = Fraction(1, serving.prompts * prefilling)
    prefills = [
        prefill.times(prompt) for prefill in prefill_branches(serving, context, of.trunk, of.kinds)
    ]
    if serving.prefill is None:
        return tuple(step.plus(prefill) for step in steps for prefill in prefills)
    sent = transfer(serving, context, of.trunk, of.kinds, pools_link(serving))
    return (*steps, *(prefill.plus(sent) for prefill in prefills))


REQUEST_BRANCHES = tuple(f"{step}_{prefill}" for step in BRANCHES for prefill in BRANCHES)

ROWS = (
    Quantity(
        "request_time",
        "seconds",
        "time between requests: 1 / requests_per_second",
        Cost(
            request_branches,
            reads=tuple(
                dict.fromkeys((*DECODE, *PREFILL, "serving.output_length", "serving.decode"))
            ),
            branches=REQUEST_BRANCHES,
            by_layout=False,
            within=counted_tokens,
        ),
        only="max",
        needs=needs_requests,
        axis="time between requests",
        heading="a request",
        bare=Bare(((math.inf, "{} ms"),), most=1000),
        example="50 ms",
    ),
    Quantity(
        "requests_per_second",
        "count",
        "prompts with their answers, of both pools together",
        Inverse("request_time", lambda _: 1, "one request", reads=()),
        only="min",
        needs=needs_requests,
        axis="requests a second",
        short="requests/s",
        heading="requests/s",
        example=20,
    ),
)
