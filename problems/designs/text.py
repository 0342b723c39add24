"""Text of a design: its tokens by the byte, and its loss."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.by_byte import bits
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.problem import Problem

_ONE = Fraction(1)


def own_rate(problem: Problem, architecture: Architecture) -> Fraction:
    """Tokens of an architecture's vocabulary for one that the law counts; 1 without bytes a token.

    Raises
    ------
    ValueError
        If the problem gives bytes a token, and none of this vocabulary.
    """
    rates = problem.settings.tokenizer
    return _ONE if rates is None else rates.of(int(architecture.trunk.vocab_size))


def text_tokens(problem: Problem, architecture: Architecture, tokens: float) -> float:
    """Tokens that the law counts in so many of an architecture's own.

    What `training.tokens` and `budgets.tokens` limit.
    """
    rate = own_rate(problem, architecture)
    return tokens if rate == 1 else float(Fraction(tokens) / rate)


def nats_a_byte(problem: Problem, loss: float) -> float | None:
    """A loss of a problem's law in nats a byte of text; None without bytes a token."""
    if problem.tokenizer is None or not math.isfinite(loss):
        return None
    return loss / float(problem.tokenizer.law_bytes)


def text_dict(problem: Problem, design: Evaluation) -> dict[str, Any]:
    """Plain values of the text of a design; empty where the problem gives no bytes a token."""
    tokenizer, each = problem.tokenizer, nats_a_byte(problem, design.loss)
    if tokenizer is None:
        return {}
    found = tokenizer.to_dict(int(design.architecture.trunk.vocab_size))
    seen = math.isfinite(design.text)
    found |= {
        "law_tokens": design.text if seen else None,
        "text_bytes": design.text * float(tokenizer.law_bytes) if seen else None,
    }
    by_byte = None if each is None else {"nats": each, "bits": bits(each)}
    return {"loss_per_byte": by_byte, "tokenizer": found}
