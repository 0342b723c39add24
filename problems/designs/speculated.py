"""What speculation gives a design, over a range of its acceptance."""

from __future__ import annotations

from typing import Any

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.costs.latency import decode_branches
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.speculation import Speculation

EITHER_WAY = 0.1
"""Acceptance more or less that is shown: it differs so much between prompts, as DeepSeek-V3's of 85
to 90 % between topics (arXiv 2412.19437, section 5.4.3), and more between models."""


@dataclass(frozen=True, slots=True)
class Speculated:
    """Decoding with speculation.

    Parameters
    ----------
    given : Speculation
    tokens : float
        Tokens that a sequence gets of a step, in expectation.
    step : float
        Seconds of a step.
    alone : float
        Seconds of an output token without speculation.
    range : tuple of (float, float)
        Acceptances, and seconds of an output token at each, in ascending acceptance.
    """

    given: Speculation
    tokens: float
    step: float
    alone: float
    range: tuple[tuple[float, float], ...]

    @property
    def gain(self) -> float:
        """Output tokens a second for one without speculation."""
        return self.alone * self.tokens / self.step

    def to_dict(self) -> dict[str, Any]:
        """Convert to a mapping for JSON."""
        return self.given.given() | {
            "tokens_per_step": self.tokens,
            "step_seconds": self.step,
            "decode_latency_without": self.alone,
            "range": [{"acceptance": a, "decode_latency": seconds} for a, seconds in self.range],
        }


def speculated(problem: Problem, architecture: Architecture) -> Speculated | None:
    """What speculation gives a design; None without any, or without an accelerator."""
    serving = problem.serving
    given = serving.drafting
    if given is None or problem.lacks("decode_latency"):
        return None

    def latency(serving: Serving) -> float:
        kinds = architecture.kinds
        counts = architecture.counts
        model = architecture.trunk, kinds
        branches = decode_branches(serving, problem.context_length, *model)
        return float(max(part.at(counts) for part in branches))

    def at(acceptance: float) -> float:
        other = given.model_copy({"acceptance": acceptance})
        return latency(serving.model_copy({"speculation": other}))

    ends = (max(0.0, given.acceptance - EITHER_WAY), min(1.0, given.acceptance + EITHER_WAY))
    tokens = float(given.expected_tokens)
    return Speculated(
        given,
        tokens,
        latency(serving) * tokens,
        latency(serving.model_copy({"speculation": None})),
        tuple((round(each, 6), at(round(each, 6))) for each in ends),
    )
