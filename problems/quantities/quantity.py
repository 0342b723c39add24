"""What a row of a quantity is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from operator import attrgetter
from typing import Literal

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.laws.laws import ParameterKind
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.lifetime import Lifetime
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.training import Training
from modelsizer.problems.units import Number

Sense = Literal["minimize", "maximize"]
End = Literal["max", "min"]
Form = Literal["affine", "flops", "tokens", "loss", "inverse", "lifetime"]
LAYOUT_KEYS = tuple(
    f"training.{name}"
    for name in ("accelerators", "data_parallel", "tensor_parallel", "pipeline_parallel")
)
"""Settings that say which parallel layouts there are."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a problem says that quantities are computed from, beside architecture and layout.

    Parameters
    ----------
    training : Training
    serving : Serving
    lifetime : Lifetime
    context_length : int
        Serving context, with the default filled in.
    parameter_kind : {"total", "non_embedding", "active"}
        Which parameters the loss law counts.
    """

    training: Training
    serving: Serving
    lifetime: Lifetime
    context_length: int
    parameter_kind: ParameterKind


@dataclass(frozen=True, slots=True)
class Candidate:
    """What an affine cost is computed from.

    Parameters
    ----------
    settings : Settings
    trunk : Trunk
    kinds : sequence of Layer
        With `trunk` an architecture without its numbers of layers; integers, or arrays of shape
        (W,) for as many architectures.
    layout : Layout
        How its training is split.
    """

    settings: Settings
    trunk: Trunk
    kinds: Sequence[Layer]
    layout: Layout


Formula = Callable[[Candidate], Affine | tuple[Affine, ...]]
Reads = tuple[str, ...] | None
"""Attributes of `Settings`, ``"serving.batch_size"`` or ``"context_length"``; None for all."""


def values_of(settings: Settings, reads: Reads) -> tuple[object, ...]:
    """The values of what is read: equal ones give equal figures."""
    if reads is None:
        return (settings,)
    return (attrgetter(*reads)(settings),) if reads else ()


def as_large(settings: Settings, layout: Layout) -> int:  # noqa: ARG001 - a function of both
    """No number on the way to a cost is larger than the cost: for `Cost.within`."""
    return 1


@dataclass(frozen=True, slots=True)
class Cost:
    """A constant plus a coefficient for each layer, or the most of several such.

    All but `formula` may be left out: what is not said is taken to be the worst, which costs time
    and no answer.

    Parameters
    ----------
    formula : callable
        Of a `Candidate`: an `Affine`, or one for each branch. The widths may be arrays, so it may
        not branch on them. No coefficient may be negative, and a wider or deeper architecture may
        not cost less: the solvers bound a set of designs by its smallest and its largest.
    reads : tuple of str or None
        What of `Settings` the formula reads. None stands for everything: a table of the cost is
        then computed again whenever any setting changes.
    branches : tuple of str
        Names of the branches, where the cost is the most of several.
    by_layout : bool
        Whether it depends on the parallel layout.
    within : callable or None
        Of (settings, layout): by which factor numbers on the way to the cost may exceed it.
        `as_large` where none does. None computes the cost in Python's integers, slowly, instead of
        64 bits.
    """

    formula: Formula
    reads: Reads = None
    branches: tuple[str, ...] = ()
    by_layout: bool = True
    within: Callable[[Settings, Layout], int] | None = None

    def parts(self, name: str) -> tuple[str, ...]:
        """Names of the affine quantities that it is the most of, where it is called `name`."""
        return tuple(f"{name}.{branch}" for branch in self.branches) or (name,)


@dataclass(frozen=True, slots=True)
class OfFlops:
    """Proportional to the training FLOPs, and to the inference FLOPs of a lifetime beside them.

    Parameters
    ----------
    rate : callable
        Of `Settings`: how much of it one training FLOP is.
    charge : callable or None
        Of `Settings`: how much of it one inference FLOP a token is, over the lifetime.
    shared : bool
        Whether the accelerators at work in training share it, as they do the time: `rate` is then
        that of one accelerator.
    reads : tuple of str or None
        What of `Settings` rate and charge read; see `Cost`.
    """

    rate: Callable[[Settings], Fraction]
    charge: Callable[[Settings], Fraction] | None = None
    shared: bool = False
    reads: Reads = None


@dataclass(frozen=True, slots=True)
class Inverse:
    """A number over an affine quantity.

    Parameters
    ----------
    of : str
        Name of the affine quantity.
    numerator : callable
        Of `Settings`.
    numerator_key : str
        The numerator in words.
    reads : tuple of str or None
        What of `Settings` the numerator reads; see `Cost`.
    """

    of: str
    numerator: Callable[[Settings], Number]
    numerator_key: str
    reads: Reads = None


def nothing(settings: Settings) -> str:  # noqa: ARG001 - a function of the settings
    """A quantity needs nothing that has no default."""
    return ""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity of a design: all that the program knows of it.

    Parameters
    ----------
    name : str
        Key of the problem file, of JSON and of tables.
    dimension : str
        Key of `modelsizer.problems.units.UNITS`.
    about : str
        What it is, for people.
    how : Cost, OfFlops, Inverse, or "tokens" or "loss"
        What it is computed from.
    only : {"max", "min"} or None
        The one end that a budget of it may have.
    needs : callable
        Of `Settings`: what it is computed from and they do not say, with the remedy
        (``'a price: write training.price_per_hour = 2.5'``); empty if nothing. A figure that an
        accelerator lacks raises `UnknownFigureError`.
    axis : str
        Words on an axis; those of the name by default.
    short : str
        The name where there is little room; the name itself by default.
    heading : str
        Heading of a narrow column; the name by default.

    Attributes
    ----------
    parts : tuple of str
        Names of the affine quantities that it is the most of.

    Raises
    ------
    ValueError
        If a budget could have an end that is no linear row.
    """

    name: str
    dimension: str
    about: str
    how: Cost | OfFlops | Inverse | Literal["tokens", "loss"]
    only: End | None = None
    needs: Callable[[Settings], str] = nothing
    axis: str = ""
    short: str = ""
    heading: str = ""
    parts: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = self.how.parts(self.name) if isinstance(self.how, Cost) else (self.name,)
        object.__setattr__(self, "parts", parts)
        wanted: End | None = None
        if isinstance(self.how, Inverse):
            wanted = "min"
        elif self.branches or (isinstance(self.how, OfFlops) and self.name != "training_flops"):
            wanted = "max"
        if wanted is not None and self.only != wanted:
            end = {"max": "most", "min": "least"}[wanted]
            raise ValueError(f"{self.name}: a budget can only be the {end}: write only={wanted!r}")

    @property
    def form(self) -> Form:
        """How it follows from a design and its tokens."""
        if isinstance(self.how, str):
            return self.how
        if isinstance(self.how, Cost):
            return "affine"
        if isinstance(self.how, Inverse):
            return "inverse"
        return "flops" if self.how.charge is None else "lifetime"

    @property
    def words(self) -> str:
        """It in words, for the label of an axis or a title."""
        return self.axis or self.name.replace("_", " ")

    @property
    def affine(self) -> bool:
        """Whether it is affine in the layers, or the most of several such."""
        return isinstance(self.how, Cost)

    @property
    def base(self) -> str:
        """The affine quantity that it is, or is a number over; empty where there is none."""
        if isinstance(self.how, Inverse):
            return self.how.of
        return self.name if self.affine else ""

    @property
    def of_tokens(self) -> bool:
        """Whether it grows with the tokens that a design is trained on."""
        return self.how == "tokens" or isinstance(self.how, OfFlops)

    @property
    def shared(self) -> bool:
        """Whether the accelerators at work in training share it."""
        return isinstance(self.how, OfFlops) and self.how.shared

    @property
    def by_layout(self) -> bool:
        """Whether it depends on the parallel layout, at the same tokens."""
        return self.shared or (isinstance(self.how, Cost) and self.how.by_layout)

    @property
    def branches(self) -> tuple[str, ...]:
        """Where it is the most of several affine quantities, their names."""
        return self.how.branches if isinstance(self.how, Cost) else ()

    @property
    def senses(self) -> tuple[Sense, ...]:
        """What an objective may seek of it."""
        if self.form == "inverse":
            return ()
        free = self.only is None and self.form in ("affine", "tokens")
        return ("minimize", "maximize") if free else ("minimize",)
