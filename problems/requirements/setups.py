"""Machines and settings that a problem offers: one single-valued setting for each choice of menus.

A setup is an additional column of a parallel layout (`modelsizer.problems.space.layouts.Layout`):
the machine that a design is trained and served on is chosen together with the layout. Formulas of
costs see the settings of one setup, never a menu.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from fractions import Fraction
from itertools import product
from typing import Any

from modelsizer.problems.architecture.accounting import TRAINING_PASSES
from modelsizer.problems.hardware.accelerators import UnknownFigureError
from modelsizer.problems.quantities.needs import is_for_user, lacking, reads_of
from modelsizer.problems.quantities.quantity import OfFlops, Reads, Settings, values_of
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.quantities.serving_cost import (
    dollars_an_hour,
    prefill_price,
    serving_price,
)
from modelsizer.problems.quantities.training_cost import dollars, needs_price
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.token_limits import TokenLimits, token_limits
from modelsizer.problems.space.layouts import layouts
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.training import Training
from modelsizer.problems.typed_tables import Table

MAX_SETUPS = 100_000
"""Combinations of the menus of settings, also with parallel layouts: some 15 s of a solve."""


HELD = tuple(field.name for field in fields(Settings))
"""What settings hold, as opposed to what they compute."""


@dataclass(frozen=True, slots=True)
class Setup:
    """One choice of all menus of settings.

    Parameters
    ----------
    number : int
        Position among the setups, of which the first is preferred.
    settings : Settings
        Single-valued.
    limits : mapping of str to Interval
        Budgets, by quantity.
    token_limits : TokenLimits
    """

    number: int
    settings: Settings
    limits: Mapping[str, Interval]
    token_limits: TokenLimits

    @property
    def training(self) -> Training:
        """Single-valued settings of training."""
        return self.settings.training

    @property
    def serving(self) -> Serving:
        """Single-valued settings of serving."""
        return self.settings.serving


def offered(training: Training, serving: Serving) -> dict[str, Any]:
    """Menus of settings by dotted key, in the order of preference of their keys."""
    tables: dict[str, Table] = {"training": training, "serving": serving}
    return {f"{name}.{key}": menu for name, t in tables.items() for key, menu in t.offered.items()}


def check_offered(training: Training, serving: Serving) -> None:
    """Refuse menus that multiply to too many setups.

    Raises
    ------
    ValueError
        ``"@key message"``, with the key of the longest menu.
    """
    menus = offered(training, serving).values()
    _refuse_many(training, serving, math.prod(len(menu.values) for menu in menus), "setups")


def _refuse_many(training: Training, serving: Serving, number: int, what: str) -> None:
    sizes = {key: len(menu.values) for key, menu in offered(training, serving).items()}
    if sizes and number > MAX_SETUPS:
        longest = max(sizes, key=lambda key: sizes[key])
        raise ValueError(
            f"@{longest} has {sizes[longest]:,} values; the menus of training and serving make "
            f"{number:,} {what}, and at most {MAX_SETUPS:,} are allowed. List fewer"
        )


def setups(
    settings: Settings,
    limits_of: Callable[[Settings], Mapping[str, Interval]],
    asked: Mapping[str, str],
    mixtures: Sequence[bool] = (False,),
) -> tuple[Setup, ...]:
    """List the setups that a problem offers; combinations that make no sense are left out.

    Those that take less money come first, where prices are known, and then in the order of the
    menus: of setups that are as good for a design the first one is taken.

    Parameters
    ----------
    settings : Settings
        With the menus.
    limits_of : callable
        From single-valued settings to limits by quantity.
    asked : mapping of str to str
        Quantities that are needed, by the key that asks for each.
    mixtures : sequence of bool
        Whether designs have layers of experts; each setup is for designs of one kind.

    Raises
    ------
    ValueError
        ``"@key message"``, if none is left: what is wrong with the first; or if one lacks what only
        the user knows, such as a price: it is not left out for that.
    """
    check_offered(settings.training, settings.serving)
    known: dict[object, TokenLimits] = {}
    found: list[Setup] = []
    wrong = ""
    lacks = _Lacks()
    trainings, problem = _trainable(settings.training)
    wrong = problem
    servings = settings.serving.each()
    pairs = sum(len(layouts(one)) for one in trainings) * len(servings) * len(mixtures)
    _refuse_many(settings.training, settings.serving, pairs, "setups with their layouts")
    paid = _paid([replace(settings, training=one) for one in trainings])
    hourly = _paid_an_hour([replace(settings, serving=one) for one in servings])
    tables = product(
        zip(paid, trainings, strict=True), zip(hourly, servings, strict=True), mixtures
    )
    for (_, training), (_, serving), mixture in sorted(
        tables, key=lambda found: (found[0][0], found[1][0])
    ):
        one = replace(settings, training=training, serving=serving, mixture=mixture)
        if fault := lacks.first(one, asked):
            wrong = wrong or fault
            continue
        try:
            limits = limits_of(one)
        except ValueError as error:  # a model that a limit refers to has no such number
            wrong = wrong or str(error)
            continue
        key = (tuple(limits.items()), _rates_key(one, limits))
        if key not in known:
            known[key] = token_limits(one, limits)
        found.append(Setup(len(found), one, limits, known[key]))
    if not found:
        raise ValueError(wrong)
    return tuple(found)


def _paid(every: Sequence[Settings]) -> list[Fraction]:
    """Dollars for a model FLOP under each setting; zeros if those of one are unknown."""
    none = [Fraction(0)] * len(every)
    try:
        # Training FLOPs also include those of recomputation, which take no longer by the MFU.
        return (
            none
            if any(map(needs_price, every))
            else [
                dollars(one) * (TRAINING_PASSES + (one.training.recompute == "full"))
                for one in every
            ]
        )
    except UnknownFigureError:
        return none


def _paid_an_hour(every: Sequence[Settings]) -> list[Fraction]:
    """Dollars for an hour of the serving accelerators; zeros if those of one are unknown."""
    if any(serving_price(one) is None or prefill_price(one) is None for one in every):
        return [Fraction(0)] * len(every)
    return [dollars_an_hour(one) for one in every]


def _trainable(training: Training) -> tuple[list[Training], str]:
    """Settings of training that have a parallel layout, and what is wrong with the first other."""
    found, wrong = [], ""
    for one in training.each():
        try:
            layouts(one)
        except ValueError as error:
            wrong = wrong or str(error)
        else:
            found.append(one)
    return found, wrong


class _Lacks:
    """What setups lack of the quantities asked for, looked at once for what each reads."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, object], str] = {}

    def first(self, settings: Settings, asked: Mapping[str, str]) -> str:
        """Return the fault of the first quantity that lacks something; empty if none does.

        Raises
        ------
        ValueError
            If it lacks what the user has to give.
        """
        for key, quantity in asked.items():
            at = quantity, _tables_read(settings, quantity)
            if at not in self._known:
                self._known[at] = lacking(settings, quantity)
            if lacks := self._known[at]:
                if is_for_user(quantity, lacks):
                    raise ValueError(f"@{key} {lacks}")
                return f"@{key} {lacks}"
        return ""


def _tables_read(settings: Settings, quantity: str) -> tuple[object, ...]:
    """The tables of settings that a quantity reads."""
    reads = reads_of(quantity)
    tables = ("training", "serving")
    used = [
        name
        for name in tables
        if reads is None or any(key.partition(".")[0] == name for key in reads)
    ]
    return tuple(id(getattr(settings, name)) for name in used)


def _rates_key(settings: Settings, limits: Iterable[str]) -> tuple[object, ...]:
    """Values of the settings that limits on tokens depend on."""
    rows = [how for name in limits if isinstance(how := QUANTITIES[name].how, OfFlops)]
    return tuple(values_of(settings, how.reads) for how in rows)


def classes(setups: Sequence[Setup], reads: Reads) -> list[int]:
    """Number setups such that those with equal values of some settings have equal numbers.

    Parameters
    ----------
    setups : sequence of Setup
    reads : tuple of str or None
        See `modelsizer.problems.quantities.quantity.values_of`.
    """
    numbers: dict[object, int] = {}
    read = {key.partition(".")[0] for key in reads or ()}
    held = [name for name in HELD if reads is None or name in read]
    others = tuple(key for key in reads or () if key.partition(".")[0] not in HELD)
    known: dict[object, int] = {}  # by the tables that are read, which setups share
    found = []
    for one in setups:
        tables = tuple([id(getattr(one.settings, name)) for name in held])
        key = tables, values_of(one.settings, others)
        if key not in known:
            known[key] = numbers.setdefault(values_of(one.settings, reads), len(numbers))
        found.append(known[key])
    return found


def distinct(setups: Sequence[Setup]) -> Iterator[TokenLimits]:
    """Yield the limits on tokens of some setups, each once."""
    yield from dict.fromkeys({id(one.token_limits): one.token_limits for one in setups}.values())


def first_of_tables(setups: Sequence[Setup]) -> list[Setup]:
    """Return the setups whose table of training or of serving none before them has."""
    every = [{id(one.training): one for one in reversed(setups)},
             {id(one.serving): one for one in reversed(setups)}]  # fmt: skip
    numbers = {one.number: one for each in every for one in each.values()}
    return [numbers[number] for number in sorted(numbers)]
