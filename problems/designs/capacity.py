"""What fits an accelerator, and the time of a step on it: figures that are not budgets."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import get_args

from modelsizer.problems.architecture.accounting import serving_weights
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.caching import copied, held_values, serving_states
from modelsizer.problems.architecture.mixers import mixers
from modelsizer.problems.costs.latency import decode_branches, prefill_branches
from modelsizer.problems.costs.speculation import draft_cache, draft_weights
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.amounts import affine_cost, batches
from modelsizer.problems.quantities.batches import at_batch, in_layers
from modelsizer.problems.quantities.concurrency import MOST_REQUESTS
from modelsizer.problems.quantities.quantity import Candidate, LargestBatch
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.budgets import SERVING
from modelsizer.problems.requirements.device_limits import usable_for_serving
from modelsizer.problems.tables.serving import Estimate, Serving
from modelsizer.problems.units import Number, plain

LATENCIES = ("decode_latency", "prefill_latency")


@dataclass(frozen=True, slots=True)
class ServingRoom:
    """Memory of one accelerator available to a serving engine.

    Parameters
    ----------
    usable_memory : int
        Bytes: see `modelsizer.problems.requirements.device_limits.usable_for_serving`.
    weights : int
        Bytes of weights on each accelerator.
    kv_pool : int
        Bytes left for cache and states; 0 if the weights do not fit.
    kv_tokens : int or None
        Tokens that the pool holds, ignoring windows and states; engines log this number. None if
        tokens take no cache.
    requests : int or None
        Number of sequences of the serving context that fit at once, a million at most; None if they
        take no memory.
    """

    usable_memory: int
    weights: int
    kv_pool: int
    kv_tokens: int | None
    requests: int | None


def serving_room(
    problem: Problem, design: Evaluation, served: Serving | None = None
) -> ServingRoom | None:
    """Serving memory of a design's accelerators; None if their memory is unknown.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
    served : Serving, optional
        The problem's own by default, or the same on other accelerators.
    """
    problem = problem.under(design.layout)
    serving = served or problem.serving
    if (usable := usable_for_serving(serving)) is None:
        return None
    architecture = design.architecture
    kinds = architecture.kinds
    counts = architecture.counts
    held = serving_weights(architecture.trunk, kinds, serving.weights, serving.groups).at(counts)
    held += draft_weights(serving, architecture.trunk, kinds).at(counts)
    weights = math.ceil(held / serving.devices)
    values = sum(
        g.count * copied(part, held_values(part, serving.latent_multiple), serving.tensor_parallel)
        for g in architecture.groups
        for part in mixers(g.layer.attention)
    )
    one, two = (
        draft_cache(serving, tokens, architecture.trunk, kinds, batch=1).at(counts)
        for tokens in (1, 2)
    )
    a_token = (values * serving.exact_kv_bytes + two - one) / serving.devices
    pool = max(0, usable - weights)
    tokens = math.floor(pool / a_token) if a_token else None
    fitting = replace(problem.settings, serving=serving, ceilings=((SERVING, Fraction(usable)),))
    of = Candidate(fitting, architecture.trunk, kinds, design.layout)
    requests = int(batches(of, LargestBatch(MOST_REQUESTS), in_layers(counts))[0])
    one, many = (
        affine_cost(at_batch(fitting, batch), architecture, design.layout, SERVING)
        for batch in (1, MOST_REQUESTS)
    )
    endless = requests == MOST_REQUESTS and one == many
    return ServingRoom(usable, weights, pool, tokens, None if endless else requests)


def state_bytes(problem: Problem, architecture: Architecture) -> Number:
    """Bytes of the states that layers hold in place of a cache, of all sequences of the batch."""
    serving = problem.serving
    kinds = architecture.kinds
    counts = architecture.counts
    states = serving_states(kinds, serving.exact_state_bytes, serving.batch_size)
    return plain(states.at(counts))


def latency_estimates(
    problem: Problem, architecture: Architecture
) -> dict[str, dict[str, float]] | None:
    """Decode and prefill seconds, low, expected and high; None without an accelerator.

    Prefill is left out where the accelerator's peak is unknown.
    """
    if problem.lacks("decode_latency"):
        return None
    kinds = architecture.kinds
    counts = architecture.counts
    found: dict[str, dict[str, float]] = {}
    for name, branches in zip(LATENCIES, (decode_branches, prefill_branches), strict=True):
        if problem.lacks(name):
            continue
        found[name] = {
            estimate: float(
                max(
                    part.at(counts)
                    for part in branches(
                        problem.serving, problem.context_length, architecture.trunk, kinds, estimate
                    )
                )
            )
            for estimate in get_args(Estimate)
        }
    return found
