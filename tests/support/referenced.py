"""Random problems whose limits are those of one of their own designs."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelsizer import Problem
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.describing import design_architecture
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.quantities.rows import QUANTITIES
from tests.support.architectures import listed
from tests.support.layers_oracle.drawing import shrunk

TOKENS = (1e12, 15e12, 123456789012345, 7.3e11, 31415926535.5)
BOUNDED = frozenset({"training_flops", "tokens", "training_time", "training_cost"})
SOUGHT = ("loss", "loss", "loss", "parameters", "training_flops", "serving_memory", "tokens")
MOST = 60  # designs among which the model is

UNASKED = ("lifetime_cost", "prefill_memory", "request_time", "requests_per_second")
"""Quantities that such problems do not say enough for."""


@dataclass(frozen=True)
class Referenced:
    """A problem, the model that its limits are of, and the reference to it."""

    problem: Problem
    model: Architecture
    reference: str
    sought: str


def drawn(seed: int, folder: Path) -> Referenced | None:
    """The problem of a seed, with the model in a file of a folder; None if it makes no sense."""
    r = random.Random(f"referenced {seed}")
    tables = shrunk(r, seed)
    if tables is None:
        return None
    machine = {"accelerator": "H100-SXM", "price_per_hour": 2.3, "accelerators": 64}
    tables["serving"]["accelerator"] = "H100-SXM"
    tables["training"] = {k: v for k, v in tables["training"].items() if k != "tokens"} | machine
    tables["lifetime"] = {"inference_tokens": 1e12}
    try:
        space = Problem.from_tables(tables | {"budgets": {"training_flops": 1e24}})
        model = r.choice(list(itertools.islice(listed(space), MOST)))
    except (ProblemError, IndexError):
        return None
    path = folder / f"{seed}.json"
    path.write_text(json.dumps({"architecture": design_architecture(model)}))
    reference = f"as {path} at {r.choice(TOKENS)!r} tokens"
    sought = r.choice(SOUGHT)
    names = set(r.sample([n for n in QUANTITIES if n not in UNASKED], r.randint(1, 7)))
    names |= {"loss"} if sought != "loss" else {"tokens"} - names if not names & BOUNDED else set()
    tables["budgets"] = {name: _limit(r, name, reference) for name in sorted(names)}
    if r.random() < 0.5:
        tables["training"]["tokens"] = reference
    # An objective may ask for the most FLOPs or the most loss.
    for name in ("training_flops", *(["loss"] if sought != "loss" else [])):
        limit = tables["budgets"].get(name)
        if limit is None or "max" not in limit:
            both = {"min": reference, "max": reference}
            tables["budgets"][name] = reference if limit is None else both
    tables["objective"] |= {"minimize": sought}
    return Referenced(Problem.from_tables(tables), model, reference, sought)


def _limit(r: random.Random, name: str, reference: str) -> Any:
    ends = QUANTITIES[name].only or r.choice(["max", "max", "min", "both"])
    both = {"min": reference, "max": reference}
    return {"max": reference, "min": {"min": reference}, "both": both}[ends]
