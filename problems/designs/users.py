"""How many users a design serves: requests at once by context, on one machine and on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass

CONTEXT, BATCH = "serving.context_length", "serving.batch_size"
REQUESTS = "concurrency"


@dataclass(frozen=True, slots=True)
class Load:
    """The most requests at once at a context, and what they see and cost.

    Parameters
    ----------
    context : int
        Tokens of each request.
    requests : int or None
        Those that fit and keep the limits of the problem; None if the accelerator lacks a figure.
    latency : float or None
        Seconds of a decode step of so many.
    throughput : float or None
        Tokens a second of all together.
    cost : float or None
        Dollars of a million output tokens.
    """

    context: int
    requests: int | None
    latency: float | None = None
    throughput: float | None = None
    cost: float | None = None

    @property
    def each(self) -> float | None:
        """Tokens a second of each request."""
        return None if self.latency is None else 1 / self.latency

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        return {
            "context_length": self.context,
            "requests": self.requests,
            "decode_latency": self.latency,
            "tokens_per_second": self.throughput,
            "tokens_per_second_per_user": self.each,
            "serving_cost": self.cost,
        }


@dataclass(frozen=True, slots=True)
class Server:
    """The loads of a design on one machine.

    Parameters
    ----------
    name : str
        Of the machine; empty for that of the problem.
    loads : tuple of Load
        By context.
    lack : str
        Why nothing is known; empty if something is.
    """

    name: str
    loads: tuple[Load, ...]
    lack: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        return {
            "machine": self.name or None,
            "lack": self.lack or None,
            "loads": [load.to_dict() for load in self.loads],
        }


def server(
    problem: Problem,
    architecture: Architecture,
    contexts: Sequence[int],
    settings: Mapping[str, object] | None = None,
    name: str = "",
) -> Server:
    """Count the requests that a design serves at once, at several contexts.

    Parameters
    ----------
    problem : Problem
        Its machine, formats and limits.
    architecture : Architecture
    contexts : sequence of int
    settings : mapping, optional
        What another machine changes, by dotted key.
    name : str
        Of that machine.

    Raises
    ------
    ProblemError
        If a setting is wrong.
    """
    problem = problem.with_settings(settings) if settings else problem
    if lack := problem.lacks(REQUESTS):
        return Server(name, tuple(Load(context, None) for context in contexts), lack)
    return Server(name, tuple(_load(problem, architecture, context) for context in contexts))


def _load(problem: Problem, architecture: Architecture, context: int) -> Load:
    problem = problem.with_settings({CONTEXT: context})
    requests = int(evaluate(problem, architecture).exact[REQUESTS])
    if not requests:
        return Load(context, 0)
    full = evaluate(problem.with_settings({BATCH: requests}), architecture).exact
    latency, throughput, cost = (
        _known(full.get(name)) for name in ("decode_latency", "decode_throughput", "serving_cost")
    )
    return Load(context, requests, latency, throughput, cost)


def _known(value: Fraction | float | None) -> float | None:
    return None if value is None else float(value)
