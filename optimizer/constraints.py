"""One-sided constraints of a problem: listed, named, moved, tightened and dropped.

A limit of the problem file, a budget or ``training.tokens``, has a lower side, an upper side or
both, and each is one `Constraint`. ``training.tokens = N`` is a single equality. `constraints`
reads them from a problem and `constrained` writes them back; problems with some of them dropped or
moved are made between the two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from modelsizer.optimizer.result import Side
from modelsizer.problems.plain_values import NO_LIMIT
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.budgets import written
from modelsizer.problems.requirements.device_limits import given_as
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import Number, as_double, exact, format_quantity, plain

TOKENS = "training.tokens"
"""The one limit outside of ``[budgets]``."""
WHOLE = frozenset({"count", "parameters", "tokens", "FLOPs", "bytes"})
"""Dimensions that are counted in whole units."""
RATIO = "aspect_ratio"
"""The one constrained quantity that no budget limits: d_model / layers, a rule of the space."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """A quantity is at most, at least or exactly a limit.

    Parameters
    ----------
    key : str
        Dotted key of the problem file, ``"budgets.kv_cache"``; with the side where the problem
        gives both, ``"budgets.parameters.min"``. Unique within a problem.
    quantity : str
        A name of `modelsizer.problems.quantities.rows.QUANTITIES`, or `RATIO`.
    side : {"max", "min"}
        "max" of an equality.
    limit : int or float
        In base units.
    equality : bool
        The quantity is exactly the limit: ``training.tokens = 2e12``.
    reference : str
        ``"as MODEL [at TOKENS]"``, where the problem file has that in place of the limit.
    device : str
        Name of the accelerator whose memory is the limit, where the problem file gives none
        (`modelsizer.problems.requirements.device_limits`).
    """

    key: str
    quantity: str
    side: Side
    limit: Number
    equality: bool = False
    reference: str = ""
    device: str = ""

    @property
    def base(self) -> str:
        """The key without the side."""
        return self.key.removesuffix(f".{self.side}")

    @property
    def name(self) -> str:
        """The name that answers give it; both sides of a limit share it."""
        return name_of(self.key)

    @property
    def dimension(self) -> str:
        """Key of `modelsizer.problems.units.UNITS`."""
        return "count" if self.quantity == RATIO else QUANTITIES[self.quantity].dimension

    @property
    def whole(self) -> bool:
        """Whether limits are whole numbers of units."""
        return self.dimension in WHOLE and self.quantity != RATIO

    @property
    def of_space(self) -> bool:
        """Whether it constrains the space, and is no budget or token limit."""
        return self.base.startswith("space.")

    @property
    def sign(self) -> str:
        """Relation of quantity and limit: ``<=``, ``>=`` or ``=``."""
        return "=" if self.equality else {"min": ">=", "max": "<="}[self.side]

    @property
    def given_as(self) -> str:
        """How it was given, if not as a number in a common unit; see `given_as`."""
        return given_as(self.limit, self.reference, self.device)

    @property
    def written(self) -> Number | str:
        """The limit as a problem file has it."""
        number = written(self.quantity, self.limit) if self.side == "max" else self.limit
        return self.reference or number

    def at(self, limit: Number) -> Constraint:
        """The same constraint at another limit, a number."""
        return replace(self, limit=limit, reference="", device="")

    def one_sided(self, side: Side, limit: Number | None = None) -> Constraint:
        """One side of an equality, at the same limit unless one is given."""
        same = self if limit is None else self.at(limit)
        return replace(same, key=f"{self.base}.{side}", side=side, equality=False)

    def scaled(self, factor: Fraction) -> Number:
        """The limit times a factor: exact, or in whole units and no looser than it."""
        value = exact(self.limit) * factor
        if not self.whole:
            return plain(value)
        return math.floor(value) if self.side == "max" else math.ceil(value)

    def interval(self, other: Interval | None = None) -> Interval:
        """The interval of this side, and of the other side of another interval."""
        if self.equality:
            return Interval(self.limit, self.limit)
        low, high = (None, None) if other is None else (other.min, other.max)
        return Interval(self.limit, high) if self.side == "min" else Interval(low, self.limit)

    def violation(self, used: Number | Fraction) -> float:
        """Excess of a quantity over the limit, relative to the limit; 0 where it is kept."""
        finite = math.isfinite(used)
        ratio = as_double(Fraction(used) / exact(self.limit)) if finite else math.inf
        over, under = max(0.0, ratio - 1), max(0.0, 1 - ratio)
        if self.equality:
            return max(over, under)
        return over if self.side == "max" else under


def base_of(key: str) -> str:
    """A dotted key without the side of a limit."""
    return key.removesuffix(".min").removesuffix(".max")


def name_of(key: str) -> str:
    """A dotted key as answers give it: without side, and without the table if it is implied.

    Examples
    --------
    >>> name_of("budgets.parameters.min"), name_of("space.layers.max"), name_of("training.tokens")
    ('parameters', 'layers', 'training.tokens')
    """
    table, _, rest = base_of(key).partition(".")
    return rest if table in ("budgets", "space") else f"{table}.{rest}"


def is_limit(key: str) -> bool:
    """Whether a dotted key is that of a limit or of one side of it."""
    return key == TOKENS or key.startswith(("budgets.", f"{TOKENS}."))


def value_text(key: str, value: object) -> str:
    """A value of a problem file as people write it: ``80 GB``, ``1e24``, ``131072``."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ", ".join(f"{end} {value_text(key, v)}" for end, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(value_text(key, v) for v in value)
    name = name_of(key).rpartition(".")[2]
    if is_limit(key) and isinstance(value, int | float) and name in QUANTITIES:
        return format_quantity(value, QUANTITIES[name].dimension)
    return str(value)


def written_settings(settings: Mapping[str, object]) -> dict[str, object]:
    """Settings as a problem file has them: limits with their unit where a number needs one.

    Parameters
    ----------
    settings : mapping of str to value
        By dotted key; numbers in base units.
    """
    found = dict(settings)
    for key, value in settings.items():
        name = key.removesuffix(".max").rpartition(".")[2]
        if is_limit(key) and name in QUANTITIES and isinstance(value, int | float):
            found[key] = written(name, value)
    return found


def constraints(problem: Problem) -> tuple[Constraint, ...]:
    """The one-sided constraints of a problem, token limits first, then budgets.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> [c.key for c in constraints(Problem.load("fixed-2t-tokens"))]
    ['training.tokens', 'budgets.training_flops']
    """
    given = {} if problem.training.tokens is None else {TOKENS: problem.training.tokens}
    given |= {f"budgets.{name}": limit for name, limit in problem.limits.items()}
    found = tuple(c for base, interval in given.items() for c in _of(base, interval))
    if not (devices := devices_of(problem)):
        return found
    return tuple(replace(c, device=devices.get(c.base, "")) for c in found)


def devices_of(problem: Problem) -> dict[str, str]:
    """Names of the accelerators whose memory is a limit by itself, by key of the limit."""
    memories = problem.device_memories if (known := problem.device_limits) else {}
    return {f"budgets.{name}": memories[name].device for name in known}


def _of(base: str, interval: Interval) -> Iterator[Constraint]:
    """The constraints of one limit."""
    quantity, low, high = base.partition(".")[2], interval.min, interval.max
    if high is not None and low == high and base == TOKENS:
        yield Constraint(base, quantity, "max", high, equality=True, reference=interval.max_as)
        return
    both = low is not None and high is not None
    if low is not None:
        key = f"{base}.min" if both else base
        yield Constraint(key, quantity, "min", low, reference=interval.min_as)
    if high is not None:
        key = f"{base}.max" if both else base
        yield Constraint(key, quantity, "max", high, reference=interval.max_as)


def constrained(
    problem: Problem, held: Iterable[Constraint], tables: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Tables of a problem file with exactly these token limits and budgets.

    Parameters
    ----------
    problem : Problem
    held : iterable of Constraint
        Constraints of the space are skipped. Of two with the same base and side the last counts.
    tables : mapping, optional
        Of the problem, `Problem.bare` by default; their own budgets and token limits are dropped.
    """
    tables = problem.bare() if tables is None else tables
    limits: dict[str, dict[str, Any]] = {"budgets": {}, "training": {}}
    by_itself = {}
    for constraint in held:
        if constraint.of_space:
            continue
        table, _, name = constraint.base.partition(".")
        if constraint.equality:
            limits[table][name] = constraint.written
        else:
            limits[table].setdefault(name, {})[constraint.side] = constraint.written
        if constraint.device:
            by_itself[name] = {constraint.side: constraint.written}
    budgets = dict.fromkeys(problem.device_memories, NO_LIMIT) | limits["budgets"]
    budgets = {k: v for k, v in budgets.items() if k not in by_itself or by_itself[k] != v}
    training = {k: v for k, v in tables.get("training", {}).items() if k != "tokens"}
    return {**tables, "training": training | limits["training"], "budgets": budgets}


def with_constraints(problem: Problem, held: Iterable[Constraint]) -> Problem:
    """The problem, without scenarios, with exactly these token limits and budgets.

    Raises
    ------
    ProblemError
        If they contradict one another, or the problem makes no sense without the others.
    """
    tables = constrained(problem, held, problem.to_dict(["training"]))
    return problem.with_tables(tables, without=["scenarios"])


def moved(problem: Problem, *changed: Constraint) -> Problem:
    """The problem with some constraints at other limits, each in place of the one of its key.

    Raises
    ------
    ProblemError
        If they contradict another constraint.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> problem = Problem.load("phone-2gb")
    >>> memory = next(c for c in constraints(problem) if c.quantity == "serving_memory")
    >>> moved(problem, memory.at(10**9)).budgets.serving_memory.max
    1000000000
    """
    by_key = {constraint.key: constraint for constraint in changed}
    return with_constraints(problem, (by_key.get(c.key, c) for c in constraints(problem)))


def moved_unchecked(problem: Problem, changed: Constraint) -> Problem:
    """As `moved`, but fast and not validated: to evaluate designs at limits known to be sound."""
    table, _, name = changed.base.partition(".")
    given = getattr(getattr(problem, table), name)
    part = getattr(problem, table).model_copy(update={name: changed.interval(given)})
    return problem.model_copy(update={table: part})


def dropped(problem: Problem, *out: Constraint) -> Problem:
    """The problem without some of its constraints.

    Raises
    ------
    ProblemError
        If it makes no sense without them.
    """
    keys = {c.key for c in out}
    return with_constraints(problem, (c for c in constraints(problem) if c.key not in keys))


def tightened(held: Iterable[Constraint], extra: Constraint) -> tuple[Constraint, ...]:
    """Constraints and one more: of two with the same base and side the tighter counts."""
    known = tuple(held)
    limits = [c.limit for c in known if (c.base, c.side) == (extra.base, extra.side)]
    tightest = min if extra.side == "max" else max
    return (*known, extra.at(tightest([extra.limit, *limits])))


def changes_batches(problem: Problem, quantity: str) -> bool:
    """Whether a limit on a quantity also bounds a largest batch, which the problem asks for."""
    asked = (*problem.limits, problem.objective.quantity)
    several = any(QUANTITIES[name].form == "batch" for name in asked)
    return several and quantity in dict(problem.settings.ceilings)


def setting_of(problem: Problem, base: str) -> str:
    """Dotted key that sets the limit of a budget, or of the training tokens, named without a side.

    It is that of the only side that the quantity may have; otherwise of the only side that the
    problem gives; otherwise of the upper side. An equality is set as a whole.
    """
    given = [c for c in constraints(problem) if c.base == base]
    if any(c.equality for c in given):
        return base
    only = QUANTITIES[base.partition(".")[2]].only
    sides = [c.side for c in given]
    return f"{base}.{only or (sides[0] if len(sides) == 1 else 'max')}"
