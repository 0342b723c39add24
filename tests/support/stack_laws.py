"""Random laws of features of whole stacks, on small mixed spaces, and the features in plain loops."""

from __future__ import annotations

import random
from typing import Any

from modelsizer import Problem
from modelsizer.problems.architecture.architecture import Architecture, LayerGroup
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.feedforward import MixtureOfExperts
from modelsizer.problems.laws.stack_values import OWN

TYPICAL = {
    "active_parameters": 5e8,
    "routed": 8.0,
    "active": 3.0,
    "granularity": 2.0,
    "activation": 0.4,
    "window": 1500.0,
    "full_share": 0.4,
}
"""Where each term of a law is about as large as it was drawn."""
SEQUENCE = 2048


def random_terms(r: random.Random) -> list[dict[str, Any]]:
    """Terms of parameters and tokens, and a few of any features of stacks, signs and exponents."""

    def term(exponents: dict[str, float], size: float) -> dict[str, Any]:
        at = 1.0
        for name, exponent in exponents.items():
            at *= ({"parameters": 1e9, "tokens": 2e10} | TYPICAL)[name] ** exponent
        return {"coefficient": size / at, **exponents}

    found = [
        term({"parameters": -0.34}, 0.3),
        term({"tokens": -0.36, r.choice(OWN): r.uniform(-0.3, 0.3)}, 0.3),
    ]
    for _ in range(r.randint(1, 3)):
        names = r.sample([*OWN, "parameters"], r.randint(1, 2))
        powers = {name: r.choice([-1, 1]) * r.uniform(0.1, 1.0) for name in names}
        found.append(term(powers, r.choice([-0.02, 0.02, 0.04])))
    name, power = r.choice(OWN), r.uniform(0.3, 1.2)
    return [*found, term({name: power}, 0.03), term({name: -power}, 0.03)]  # least in between


def random_problem(seed: int) -> Problem:
    """A space of some hundreds of designs of every kind of layer, under a law of their features."""
    r = random.Random(seed)
    low = r.choice([4, 8])
    space: dict[str, Any] = {
        "layers": {"min": low, "max": low + r.choice([2, 4])},
        "d_model": r.sample([512, 768, 1024], 2),
        "head_dim": 64,
        "kv_heads": [2],
        "ffn_ratio": r.sample([2, 3, 4], 2),
        "vocab_size": 32000,
        "full_every": r.sample([1, 2, 3, 5], 2),
        "window": r.sample([256, 1024, 4096], 2),
        "attention": r.choice(["grouped", ["grouped", "latent"]]),
        "latent": {"heads": [8], "kv_lora_rank": [128, 512], "q_lora_rank": [0, 512]},
    }
    if r.random() < 0.8:
        space["experts"] = {
            "routed": [0, *r.sample([4, 8, 16], 2)],
            "active": r.sample([1, 2, 4], 2),
            "granularity": r.sample([1, 2, 4], 2),
            "shared": r.choice([0, [0, 1]]),
            "dense_layers": r.choice([0, [0, 1, 2]]),
        }
    if "latent" not in space["attention"]:
        del space["latent"]
    counts = r.choice(["total", "active", "non_embedding"])
    return Problem.from_tables(
        {
            "space": space,
            "training": {"sequence_length": SEQUENCE},
            "budgets": {"training_flops": 1e20, "active_parameters": 2e9},
            "laws": {"own": {"E": 1.7, "terms": random_terms(r), "parameters": counts}},
            "objective": {
                "law": "own",
                "experts": r.choice(["total", "active", "tian-2025"]),
                "ablations": r.choice(["none", "middle"]),
                "shape": "none",
            },
        }
    )


def features(a: Architecture, active_parameters: float) -> dict[str, float]:
    """Features of stacks as docs/how-to/own-laws.md gives them."""
    layers = [group for group in a.groups for _ in range(group.count)]
    found = {
        name: sum(_layer(group, a.trunk.d_model)[name] for group in layers) / len(layers)
        for name in ("routed", "active", "granularity", "window", "full_share")
    }
    used, held = (sum(_units(group)[i] for group in layers) for i in (0, 1))
    return found | {"activation": used / held, "active_parameters": active_parameters}


def _units(group: LayerGroup) -> tuple[int, int]:
    """Hidden units that a token uses, and all of them."""
    ffn: Any = group.layer.ffn
    if not isinstance(ffn, MixtureOfExperts):
        return ffn.d_ff, ffn.d_ff
    return tuple(n * ffn.d_ff + ffn.shared_d_ff for n in (ffn.active, ffn.experts))  # type: ignore


def _layer(group: LayerGroup, d_model: int) -> dict[str, float]:
    ffn, mixer = group.layer.ffn, group.layer.attention
    window = (mixer.window or 0) if isinstance(mixer, FullAttention) else 0
    found = {
        "window": float(min(window or SEQUENCE, SEQUENCE)),
        "full_share": 0.0 if window else 1.0,
        "granularity": 2 * d_model / ffn.d_ff,
        "routed": 1.0,
        "active": 1.0,
    }
    if isinstance(ffn, MixtureOfExperts):
        found |= {"routed": float(ffn.experts), "active": float(ffn.active)}
    return found
