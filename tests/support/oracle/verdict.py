"""What an answer says otherwise than the oracle."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

from tests.support.oracle.data import Tables
from tests.support.oracle.limits import Limit
from tests.support.oracle.search import Interval, Number, Option, Oracle, Point, answered, fixed
from tests.support.oracle.serving import estimates, room
from tests.support.oracle.space import Design

CLOSE = 1e-12  # relative, of figures that are doubles
AT_THE_LIMIT = Fraction(1, 10**9)
UNCLEAR = 1e-9  # a gain of a constraint's removal below this may be rounding
IDLE = "leave no design out"
TOGETHER = "can be kept by some design"
NAMES = {"heads": "heads", "kv_heads": "kv_heads", "head_dim": "head_dim", "d_ff": "d_ff",
         "d_model": "d_model", "vocab_size": "vocab_size", "tied_embeddings": "tied",
         "layers": "layers", "block": "block"}  # fmt: skip
APART = ("layers", "d_model", "loss", "tokens", "training_flops", "parameters",
         "non_embedding_parameters", "active_parameters")  # fmt: skip


def within(value: Number | None, interval: Interval, close: float = CLOSE) -> bool:
    """Whether a reported figure is in an interval, up to rounding."""
    if value is None:  # not finite
        return math.isinf(interval.high)
    low, high = interval.low, interval.high
    if isinstance(value, int) and not interval.law and low == high:
        return value == low
    room = close * abs(float(value))
    return float(low) - room <= float(value) <= float(high) + room


def disagreements(oracle: Oracle, answer: Tables) -> list[str]:
    """Differences of an answer's JSON from the oracle; empty if there are none.

    Parameters
    ----------
    oracle : Oracle
        Of the answer's problem.
    answer : dict
        As ``solve --json`` writes it.
    """
    points = oracle.points()
    sure = [point for point in points if point.sure]
    if answer["status"] == "infeasible":
        return ["it is feasible"] if sure else _reasons(oracle, answer["warnings"])
    if answer["status"] != "optimal":
        return [f"status {answer['status']}"]
    if not points:
        return ["no design is feasible"]
    shown = answer["architecture"]
    widths = {mine: shown[name] for name, mine in NAMES.items()}
    chosen = Design(**widths, full=shown["full_layers"], window=shown["window"] or 0)
    here = [point for point in points if point.option.design == chosen]
    if not here:
        return [f"its design {chosen} is not feasible"]
    mine = _of_layout(here, answer["layout"])
    if mine is None:
        return [f"its layout {answer['layout']} is not feasible"]
    found = _figures(mine, answer, oracle.quantity, oracle.sense)
    found += _served(chosen, oracle.tables, answer)
    found += _better(mine, sure)
    found += _binding(oracle, mine, answer)
    found += _idle(oracle, points, answer)
    if answer["gap"] != 0:
        found.append(f"a gap of {answer['gap']}")
    return found


def _of_layout(points: list[Point], shown: Tables) -> Point | None:
    names = {"d": "data_parallel", "t": "tensor_parallel", "p": "pipeline_parallel"}
    for point in points:
        if all(getattr(point.option.layout, k) == shown[name] for k, name in names.items()):
            return point
    return None


def _figures(mine: Point, answer: Tables, quantity: str, sense: str) -> list[str]:
    option = mine.option
    shown: dict[str, Any] = dict(answer["quantities"])
    shown |= {name: answer[name] for name in ("loss", "tokens", "training_flops")}
    shown["tokens"] = answer.get("tokenizer", {}).get("law_tokens", answer["tokens"])
    shown["parameters"] = answer["parameters"]["total"]
    shown["non_embedding_parameters"] = answer["parameters"]["non_embedding"]
    shown["active_parameters"] = answer["parameters"]["active"]
    shown |= {name: answer["architecture"][name] for name in ("layers", "d_model")}
    known = {*option.costs, *option.rates, "loss", "tokens"}
    found = [f"{name} is missing" for name in sorted(known - shown.keys())]
    found += [f"{name} cannot be known" for name in sorted(shown.keys() - known)]
    for name in sorted(known & shown.keys()):
        interval = mine.quantity(name)
        if not within(shown[name], interval):
            found.append(f"{name} is {shown[name]!r}, not {float(interval.low)!r}")
    found += _tokens(option, answer)
    value = answer["objective"]["value"]
    if not within(value, mine.quantity(quantity)):
        found.append(f"the objective is {value!r}, not {mine.quantity(quantity)}")
    if (quantity, sense) != (answer["objective"]["name"], answer["objective"]["sense"]):
        found.append("another objective")
    if not value == answer["lower_bound"] == answer["upper_bound"]:
        found.append("bounds apart from the objective")
    return found


def _tokens(option: Option, answer: Tables) -> list[str]:
    """Differences in the design's own tokens, their FLOPs and their text."""
    found, own, each = [], answer["tokens"], answer["training_flops_per_token"]
    if each != option.own_f:
        found.append(f"FLOPs of a token are {each}, not {option.own_f}")
    if own is not None and not math.isclose(own * each, answer["training_flops"], rel_tol=CLOSE):
        found.append(f"{own} tokens of {each} FLOPs are not {answer['training_flops']} FLOPs")
    if (tokenizer := answer.get("tokenizer")) is not None and own is not None:
        for name, vocabulary in (("tokens", ""), ("law_tokens", "law_")):
            tokens = own if name == "tokens" else tokenizer[name]
            held = tokens * tokenizer[f"{vocabulary}bytes_per_token"]
            if not math.isclose(held, tokenizer["text_bytes"], rel_tol=CLOSE):
                found.append(f"{name} hold {held} bytes, not {tokenizer['text_bytes']}")
        nats = answer["loss"] / tokenizer["law_bytes_per_token"]
        told = answer["loss_per_byte"]
        if not math.isclose(told["nats"], nats) or not math.isclose(
            told["bits"] * math.log(2), nats
        ):
            found.append(f"a loss by the byte of {told}, not {nats} nats")
    return found


def _served(chosen: Design, tables: Tables, answer: Tables) -> list[str]:
    """Differences in the estimates of latency, and in what fits an accelerator."""
    found = []
    expected = estimates(chosen, tables)
    shown = answer.get("latency")
    if (expected is None) != (shown is None):
        found.append(f"latencies {shown}")
    for name, values in (expected or {}).items():
        for estimate, value in values.items():
            if not within(shown[name][estimate], fixed(value)):
                found.append(f"{estimate} {name} is {shown[name][estimate]}, not {float(value)}")
    fits = room(chosen, tables)
    if answer.get("serving") != fits:
        found.append(f"fits {answer.get('serving')}, not {fits}")
    return found


def _better(mine: Point, sure: list[Point]) -> list[str]:
    """Points that should have been chosen instead."""
    found = []
    room = CLOSE * abs(float(mine.value.low)) if mine.value.law else 0
    least = min((float(p.value.high) if p.value.law else p.value.high for p in sure), default=None)
    if least is not None and least < mine.value.low - room:
        other = min(sure, key=lambda p: p.value.high)
        found.append(
            f"{other.option.design} {other.option.layout} is better: {float(other.value.high)!r} "
            f"against {float(mine.value.low)!r}"
        )
        return found
    tied = [point for point in sure if point.same == mine.same]
    for point in tied:
        if point.option.tie < mine.option.tie:
            return [f"{point.option.design} comes first by the tie rule"]
        same_design = point.option.design == mine.option.design
        if same_design and point.option.layout.rank < mine.option.layout.rank:
            return [f"{point.option.layout} is preferred to {mine.option.layout}"]
    return []


def binds(oracle: Oracle, mine: Point, limit: Limit) -> bool | None:
    """Whether a limit binds at a point; None if rounding decides."""
    used = mine.quantity(limit.quantity)
    if not math.isinf(used.high):
        middle = float(used.low)
        slack = float(limit.value) - middle
        slack = -slack if limit.side == "min" else slack
        room = float(AT_THE_LIMIT) * abs(float(limit.value))
        if abs(slack - room) < 1e-3 * room:
            return None
        if slack <= room:
            return True
    rest = tuple(other for other in oracle.limits if other != limit)
    if not answered(rest, oracle.sense, oracle.quantity):
        return True
    value = mine.value
    gains = [value.low - point.value.high for point in oracle.points(rest)]
    gain = max(gains, default=0)
    if not value.law and gain == 0:
        return False
    if abs(gain) <= UNCLEAR * abs(float(value.low)):
        return None if value.law or oracle.quantity == "tokens" else gain > 0
    return gain > 0


def _binding(oracle: Oracle, mine: Point, answer: Tables) -> list[str]:
    shown = {(use["name"], use["side"]): use for use in answer["budgets"]}
    found = []
    expected = {(limit.name, limit.side) for limit in oracle.limits}
    if expected != shown.keys():
        return [f"limits {sorted(shown)} instead of {sorted(expected)}"]
    for limit in oracle.limits:
        use = shown[limit.name, limit.side]
        if not within(use["used"], mine.quantity(limit.quantity)):
            found.append(f"{limit.name} uses {use['used']}")
        if Fraction(repr(use["limit"])) != limit.value:
            found.append(f"the limit of {limit.name} is {use['limit']}, not {limit.value}")
        told = binds(oracle, mine, limit)
        if told is not None and told != use["binding"]:
            words = "binds" if told else "does not bind"
            found.append(f"{limit.name} ({limit.side}) {words}")
    return found


def _idle(oracle: Oracle, points: list[Point], answer: Tables) -> list[str]:
    """Budgets that an answer calls redundant, and that leave out a design."""
    told = set(
        re.findall(r"(\w+) [^(,:]+ \(at most", " ".join(w for w in answer["warnings"] if IDLE in w))
    )
    found = []
    for limit in oracle.limits:
        if limit.side == "max" and limit.name in told:
            rest = tuple(other for other in oracle.limits if other != limit)
            freed = {point.option.design for point in oracle.points(rest)}
            if freed - {point.option.design for point in points}:
                found.append(f"{limit.name} does leave designs out")
    return found


def _reasons(oracle: Oracle, warnings: list[str]) -> list[str]:
    """Limits that no design keeps alone must be named, and no others."""
    found = []
    for limit in oracle.limits:
        key = limit.name if "." in limit.name else f"budgets.{limit.name}"
        kept = any(x.point((limit,), oracle.sense, oracle.quantity) for x in oracle.options)
        told = any(key in text for text in warnings)
        if not kept and (not told or any(TOGETHER in text for text in warnings)):
            found.append(f"no design keeps {key} alone, which is not said: {warnings}")
    return found
