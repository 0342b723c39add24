"""Limits of random problems (`tests.support.every_setting`), put where they matter to the designs."""

from __future__ import annotations

import copy
import random
from fractions import Fraction
from typing import Any

from tests.support.oracle.data import exact
from tests.support.oracle.limits import OF_TOKENS, limits
from tests.support.oracle.search import Option, Oracle

BOTH_ENDS = ("training_flops", "layers", "d_model", "parameters", "non_embedding_parameters",
             "tokens", "kv_cache", "kv_bytes_per_token", "serving_memory",
             "inference_flops_per_token", "active_parameters", "loss")  # fmt: skip
MOST_ONLY = ("training_memory", "training_time", "training_cost", "training_energy",
             "lifetime_flops", "lifetime_cost", "decode_latency", "prefill_latency",
             "serving_cost")  # fmt: skip
LEAST_ONLY = ("decode_throughput", "concurrency", "tokens_per_second_per_user")
USERS = LEAST_ONLY[1:]
"""Drawn apart, so that the problems of the seeds stay as they were."""
BUDGETS = (*BOTH_ENDS, *MOST_ONLY, *LEAST_ONLY)


def exclude(r: random.Random, tables: dict[str, Any], oracle: Oracle) -> None:
    """Leave out all designs by a limit just below the least that any of them uses."""
    points = oracle.points(limits(tables))
    names = [name for name in points[0].option.costs if name in BUDGETS] if points else []
    names = [name for name in names if name not in tables["budgets"]]
    if not names:
        return
    name = r.choice(names)
    used = [point.option.costs[name] for point in points]
    if name in LEAST_ONLY:
        tables["budgets"][name] = {"min": float(f"{float(max(used)) * 1.00001:.8g}")}
    elif all(value.denominator == 1 for value in used):
        tables["budgets"][name] = max(int(min(used)) - 1, 1)
    else:
        tables["budgets"][name] = float(f"{float(min(used)) * 0.99999:.8g}")


def computed(option: Option) -> list[str]:
    """Quantities that the settings suffice for."""
    known = {*option.costs, *option.rates, "tokens", "loss"}
    return [name for name in BUDGETS if name in known]


def limited(r: random.Random, tables: dict[str, Any], oracle: Oracle, mode: str) -> dict[str, Any]:
    """The tables with limits where they matter to the designs of the space."""
    tables = copy.deepcopy(tables)
    x = 10 ** r.uniform(8.5, 12.5)
    tokens = r.choice([Fraction(round(x)), exact(x)])
    if r.random() < 0.35:
        tables["training"]["unique_tokens"] = float(f"{float(tokens) / r.choice([1, 5, 60]):.3g}")
    if r.random() < 0.3:
        given = float(f"{float(tokens):.5g}") / r.choice([1, 3])
        tables["training"]["tokens"] = r.choice(
            [given, {"max": given}, {"min": given / 4}, {"min": given / 2, "max": given * 3}]
        )
        tokens = exact(given)
    objective = tables["objective"]
    quantity = objective.get("maximize") or objective["minimize"]
    option = r.choice(oracle.options)
    drawn = [name for name in BUDGETS if name not in USERS]
    known = [n for n in drawn if n in option.costs or n in option.rates or n in ("tokens", "loss")]
    names = r.sample(known, r.randint(1, min(5, len(known))))
    if "minimize" in objective and quantity in OF_TOKENS:
        names.append(r.choice(["loss", "loss", "loss", "min tokens", "min training_flops"]))
    elif r.random() < 0.85:
        names.append(r.choice([n for n in known if n in OF_TOKENS]))
    for i, name in enumerate(names):
        if mode == "between" and i % 2:
            option = r.choice(oracle.options)
        _put(r, tables, option, tokens, name, mode)
    own = random.Random(repr(tables))
    for name in USERS:
        if name in option.costs and own.random() < 0.2:
            _put(own, tables, option, tokens, name, mode)
    return tables


def _put(
    r: random.Random, tables: dict[str, Any], option: Option, tokens: Fraction, name: str, mode: str
) -> None:
    chance = 0.25 if name in BOTH_ENDS else 0
    at_least = name in LEAST_ONLY or name.startswith("min ") or r.random() < chance
    end, name = "min" if at_least else "max", name.removeprefix("min ")
    if name in tables["budgets"]:
        return
    value: float | Fraction
    if name == "loss":
        room = 0.0 if mode == "at" else r.uniform(0, 0.02)
        loss = option.loss.at(float(tokens))
        limit: Any = round(loss * (1 + room if end == "max" else 1 - room), 5)
        tables["budgets"]["loss"] = limit if end == "max" else {"min": limit}
        return
    if name == "tokens":
        value = tokens
    elif name in option.costs:
        value = option.costs[name]
    else:
        rate, charge = option.rates[name]
        value = tokens * option.f * rate + charge * option.inference
    room = 1.0 if mode == "at" else 10 ** r.uniform(0, r.choice([0.02, 0.3, 1]))
    limit = _decimal(value, end, room, exactly=mode == "at")
    tables["budgets"][name] = limit if end == "max" and r.random() < 0.9 else {end: limit}


def _decimal(value: Fraction, end: str, room: float, *, exactly: bool) -> Any:
    """The value, or a rounder number at or beyond it."""
    if exactly and value.denominator == 1:
        return value.numerator
    number = float(value) * (room if end == "max" else 1 / room)
    if exactly and exact(number) == value:
        return number
    found = float(f"{number:.6g}")
    short = found < number if end == "max" else found > number
    return found * (1 + (1e-5 if end == "max" else -1e-5)) if short else found
