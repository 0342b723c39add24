"""Every design of a problem under every layout, its tokens, and the best of them.

Numbers that a law determines, tokens for a loss among them, are known up to rounding, so each is
an interval here; all else is exact. A point whose feasibility hangs on rounding is not `sure`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.support.oracle.counts import serving_costs, training_flops_of_a_token
from tests.support.oracle.data import Tables
from tests.support.oracle.laws import DesignLoss, Law
from tests.support.oracle.limits import OF_TOKENS, Limit, limits, usable_memory
from tests.support.oracle.serving import Latencies, at_once
from tests.support.oracle.space import Design, all_designs
from tests.support.oracle.text import Text
from tests.support.oracle.training import Layout, Memory, layouts, rates, splits

Number = Any  # a Fraction, or a float that a law gave; infinite without a limit
REQUESTS = "concurrency"
ENDLESS = 10**150  # tokens
ROUNDING = 1e-14  # relative error of a loss that is computed in doubles


@dataclass(frozen=True)
class Interval:
    """A number known up to rounding; `law` where a law has a part in it."""

    low: Number
    high: Number
    law: bool = False

    def times(self, factor: Fraction, plus: Fraction = Fraction(0)) -> Interval:
        ends = (v if math.isinf(v) else v * factor + plus for v in (self.low, self.high))
        return Interval(*ends, self.law)


def fixed(value: Number) -> Interval:
    return Interval(value, value)


@dataclass(frozen=True)
class Point:
    """A design under a layout, trained on the tokens that the limits give it."""

    option: Option
    sure: bool
    tokens: Interval
    loss: Interval
    value: Interval
    """The objective, negative if it is maximised."""
    same: tuple[Any, ...]
    """Equal for points whose objective is equal without rounding."""

    def quantity(self, name: str) -> Interval:
        if name == "loss":
            return self.loss
        if name == "tokens":
            return self.tokens
        option = self.option
        if name in option.costs:
            return fixed(option.costs[name])
        rate, charge = option.rates[name]
        return self.tokens.times(option.f * rate, charge * option.inference)


class Costs(dict[str, Any]):
    """Costs by name, and the requests at once, which take long, when they are asked for."""

    def __init__(
        self, known: dict[str, Any],
        served: Callable[[tuple[Limit, ...] | None], Fraction] | None,
    ) -> None:  # fmt: skip
        super().__init__(known if served is None else known | {REQUESTS: None})
        self.served = served

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(name) if name != REQUESTS else self.served(None)

    def items(self) -> Any:
        return [(name, self[name]) for name in self]


class Option:
    """A design under a layout, and all of its costs that do not depend on tokens."""

    def __init__(
        self, a: Design, layout: Layout, costs: Costs, f: int, loss: DesignLoss,
        per_flop: dict[str, tuple[Fraction, Fraction]], rate: Fraction = Fraction(1),
    ) -> None:  # fmt: skip
        served = costs.pop("served", costs["inference_flops_per_token"])
        self.design, self.layout, self.costs, self.loss = a, layout, costs, loss
        self.own_f, self.rate, self.f = f, rate, f * rate  # tokens are of the law's tokenizer
        self.inference = served * rate  # FLOPs, or dollars by the steps of serving
        seconds, none = per_flop.get("training_time", (None, None))
        self.rates = per_flop
        if seconds is not None:
            self.rates = per_flop | {"training_time": (seconds / layout.working, none)}

    @property
    def tie(self) -> tuple[Any, ...]:
        """The tie rule."""
        a = self.design
        return (
            int(self.costs["parameters"]), a.layers, a.d_model, a.head_dim, a.kv_heads, a.d_ff,
            a.heads, a.vocab_size, int(a.tied), a.full, a.window, a.block,
        )  # fmt: skip

    def tokens_for(self, loss: float) -> Interval:
        """Tokens at which the loss is this."""
        error = ROUNDING * abs(loss)
        fewer, more = (self.loss.tokens_for(loss + e) for e in (error, -error))
        return Interval(fewer * (1 - ROUNDING), more * (1 + ROUNDING), law=True)

    def point(self, limited: Iterable[Limit], sense: str, quantity: str) -> Point | None:
        """Tokens, loss and objective within limits; None if it breaks one for sure."""
        limited = tuple(limited)
        least, most = Fraction(0), math.inf
        low_loss, high_loss = None, None
        for limit in limited:
            name, (low, high) = limit.quantity, limit.ends()
            if name in self.costs:
                used = self.costs[name] if name != REQUESTS else self.costs.served(limited)
                if (low is not None and used < low) or (high is not None and used > high):
                    return None
            elif name == "tokens":
                least = max(least, low or 0)
                most = most if high is None else min(most, high)
            elif name == "loss":
                low_loss = low_loss if low is None else float(low)
                high_loss = high_loss if high is None else float(high)
            else:
                rate, charge = self.rates[name]
                least = max(least, (low or 0) / rate / self.f)
                if high is not None:
                    left = high / rate - charge / rate * self.inference
                    if left < 0:
                        return None
                    most = min(most, left / self.f)
        if least > most:
            return None
        begin, end = fixed(least), fixed(most)
        if high_loss is not None:
            need = self.tokens_for(high_loss)
            begin = Interval(max(least, need.low), max(least, need.high), need.high > least)
        if low_loss is not None:
            cap = self.tokens_for(low_loss)
            end = Interval(min(most, cap.low), min(most, cap.high), cap.low < most)
        if begin.low > end.high or begin.low > ENDLESS or end.high == 0:
            return None
        sure = begin.high <= end.low and not math.isinf(begin.high)
        few = sense == "minimize" and quantity in OF_TOKENS
        tokens = begin if few else end
        return self._point(sure, tokens, low_loss, sense, quantity, limited)

    def _point(
        self,
        sure: bool,
        tokens: Interval,
        low_loss: float | None,
        sense: str,
        quantity: str,
        limited: tuple[Limit, ...],
    ) -> Point:
        at_least_loss = tokens.law and not (sense == "minimize" and quantity in OF_TOKENS)
        if at_least_loss and low_loss is not None:
            loss = Interval(low_loss, low_loss)  # tokens are cut where the loss is the limit
        else:
            ends = self.loss.at(float(tokens.high)), self.loss.at(float(tokens.low))
            loss = Interval(*ends, law=True)
        point = Point(self, sure, tokens, loss, loss, ())
        # As many requests as these limits leave, of which one may have been lifted.
        value = point.quantity(quantity)
        if quantity == REQUESTS:
            value = fixed(self.costs.served(limited))
        if sense == "maximize":
            value = Interval(-value.high, -value.low, value.law)
        if value.law:
            same = (self.loss.same, self.f, self.inference, self.layout.working,
                    None if tokens.law else tokens.low)  # fmt: skip
        else:
            same = (value.low,)
        return Point(self, sure, tokens, loss, value, same)


class Settings:
    """What the settings of a problem mean, for all of its designs."""

    def __init__(self, tables: Tables) -> None:
        training = tables.get("training", {})
        self.tables, self.law, self.memory = tables, Law.of(tables), Memory(training)
        self.sequence = training.get("sequence_length", 4096)
        self.latencies, self.rates = Latencies(tables), rates(tables)
        self.layouts = list(layouts(training))
        self.text = Text(tables)

    def options(self, a: Design) -> Iterator[Option]:
        """A design under each layout that can split it."""
        fits = [layout for layout in self.layouts if splits(a, layout, self.tables)]
        if fits:
            costs = serving_costs(a, self.tables) | self.latencies.of(a)
            served = self._served(a)
            loss = self.law.of_design(a, self.sequence, self.text.counted(a.vocab_size))
            rate = self.text.rate(a.vocab_size)
            f = training_flops_of_a_token(a, self.tables.get("training", {}))
            for layout in fits:
                memory = {"training_memory": Fraction(self.memory.of(a, layout))}
                yield Option(a, layout, Costs(costs | memory, served), f, loss, self.rates, rate)

    def _served(self, a: Design) -> Callable[[tuple[Limit, ...] | None], Fraction] | None:
        """Requests at once within limits, by default all of the problem."""
        if usable_memory(self.tables.get("serving", {})) is None:
            return None
        known: dict[object, Fraction] = {}

        def served(limited: tuple[Limit, ...] | None) -> Fraction:
            limited = limits(self.tables) if limited is None else limited
            if limited not in known:
                known[limited] = at_once(a, self.tables, limited) or Fraction(0)
            return known[limited]

        return served


class Oracle:
    """All designs and layouts of a problem."""

    def __init__(self, tables: Tables) -> None:
        self.tables, self.limits = tables, limits(tables)
        objective = tables.get("objective", {})
        self.sense = "maximize" if "maximize" in objective else "minimize"
        self.quantity = objective.get("maximize") or objective.get("minimize", "loss")
        settings = Settings(tables)
        self.options = [o for a in all_designs(tables) for o in settings.options(a)]
        self.designs = {option.design for option in self.options}

    def points(self, limited: Iterable[Limit] | None = None) -> list[Point]:
        """Every feasible point, and those that rounding may make feasible."""
        limited = self.limits if limited is None else tuple(limited)
        found = (option.point(limited, self.sense, self.quantity) for option in self.options)
        return [point for point in found if point is not None]


def answered(limited: tuple[Limit, ...], sense: str, quantity: str) -> bool:
    """Whether limits leave the objective a finite optimum, as far as tokens are concerned."""
    sides = {(limit.quantity, limit.side) for limit in limited}
    sides |= {(limit.quantity, "min") for limit in limited if limit.fixed}
    if sense == "minimize" and quantity in OF_TOKENS:
        return bool(sides & {("loss", "max"), ("tokens", "min"), ("training_flops", "min")})
    bounded = any((name, "max") in sides for name in OF_TOKENS)
    endless = quantity in ("loss", "tokens") or ("loss", "max") in sides
    return bounded or not endless
