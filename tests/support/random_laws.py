"""Random laws that see everything, the same for a seed everywhere."""

from __future__ import annotations

import random
from typing import Any

from modelsizer import Problem
from modelsizer.problems.laws.terms import TermLaw, read_terms

TYPICAL = {
    "parameters": 3e9,
    "tokens": 6e10,
    "layers": 32.0,
    "d_model": 3072.0,
    "aspect_ratio": 96.0,
    "heads": 24.0,
    "kv_heads": 4.0,
    "kv_group": 4.0,
    "head_dim": 96.0,
    "d_ff": 9000.0,
    "ffn_ratio": 3.0,
    "vocab_size": 5e4,
}
"""Where each term of a law is about as large as it was drawn."""


def random_law(seed: int) -> dict[str, Any]:
    """A table ``[laws.NAME]``: a few terms of any features, signs and exponents."""
    r = random.Random(seed)
    shape = [name for name in TYPICAL if name not in ("parameters", "tokens")]

    def term(exponents: dict[str, float], size: float) -> dict[str, float]:
        at = 1.0
        for name, exponent in exponents.items():
            at *= TYPICAL[name] ** exponent
        return {"coefficient": size / at, **exponents}

    terms = [
        term({"parameters": -r.uniform(0.2, 0.5)}, 0.2),
        term({"tokens": -r.uniform(0.2, 0.5)}, 0.2),
    ]
    if r.random() < 0.5:  # tokens worth more or less by the shape
        terms.append(
            term({"tokens": -r.uniform(0.2, 0.6), r.choice(shape): r.uniform(-0.4, 0.4)}, 0.03)
        )
    for _ in range(r.randint(1, 4)):
        names = r.sample([*shape, "parameters"], r.randint(1, 3))
        exponents = {name: r.choice([-1, 1]) * r.uniform(0.1, 1.2) for name in names}
        terms.append(term(exponents, r.choice([-0.01, 0.01, 0.02, 0.03])))
    ratio, power = r.choice(["ffn_ratio", "aspect_ratio", "kv_group"]), r.uniform(0.3, 1.5)
    terms += [term({ratio: power}, 0.02), term({ratio: -power}, 0.02)]  # least in between
    kind = r.choice(["total", "total", "non_embedding", "active"])
    return {"E": r.choice([1.7, 1.5, 0.0]), "terms": terms, "parameters": kind}


def law_of(seed: int) -> TermLaw:
    """The same as a law."""
    table = random_law(seed)
    return TermLaw("own", table["E"], read_terms(table["terms"]), table["parameters"])


def loss(table: dict[str, Any], values: dict[str, float]) -> float:
    """The loss, written out again."""
    total = table["E"]
    for row in table["terms"]:
        size = row["coefficient"]
        for name, exponent in row.items():
            if name not in ("coefficient", "name"):
                size *= values[name] ** exponent
        total += size
    return total


def with_law(tables: dict[str, Any], seed: int) -> dict[str, Any]:
    """A random problem under a random law; limits on the loss are about what it reaches."""
    law = random_law(seed)
    found = {**tables, "laws": {"own": law}}
    objective = {k: v for k, v in tables["objective"].items() if k not in ("law", "shape")}
    found["objective"] = {**objective, "law": "own"}
    seen = {name for row in law["terms"] for name in row}
    if random.Random(seed).random() < 0.3 or seen & {"layers", "d_model", "aspect_ratio"}:
        found["objective"]["shape"] = "none"
    budgets = dict(tables["budgets"])
    if "loss" in budgets:
        budgets["loss"] = round(law["E"] + random.Random(seed).uniform(0.4, 0.9), 3)
    found["budgets"] = budgets
    return found


def u_shaped(**settings: object) -> Problem:
    """A law that likes feed-forwards of 3 x d_model and 8 kv heads best."""
    terms = [
        {"coefficient": 482.01, "parameters": -0.3478},
        {"coefficient": 2085.43, "tokens": -0.3658},
        {"coefficient": 0.05 / 3, "ffn_ratio": 1.0},
        {"coefficient": 0.05 * 3, "ffn_ratio": -1.0},
        {"coefficient": 0.05 / 8, "kv_heads": 1.0},
        {"coefficient": 0.05 * 8, "kv_heads": -1.0},
    ]
    return Problem.load("one-h100-1e24").with_settings(
        {
            "space.ffn_ratio": [2.0, 2.5, 3.0, 3.5, 4.0],
            "laws.mine": {"E": 1.6172, "terms": terms},
            "objective.law": "mine",
            **settings,
        }
    )
