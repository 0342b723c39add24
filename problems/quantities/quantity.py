"""Definition of a quantity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from fractions import Fraction
from operator import attrgetter
from typing import Any, Literal

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.costs.text_rates import TextRates
from modelsizer.problems.laws.laws import Experts, ParameterKind
from modelsizer.problems.laws.leverage import DEFAULT_LEVERAGE_FLOPS
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.lifetime import Lifetime
from modelsizer.problems.tables.limits import ANY, Bare
from modelsizer.problems.tables.prices import NO_PRICES, Prices
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.training import Training
from modelsizer.problems.units import Number

Sense = Literal["minimize", "maximize"]
End = Literal["max", "min"]
Form = Literal["affine", "flops", "tokens", "loss", "inverse", "lifetime", "batch"]
LAYOUT_KEYS = tuple(
    f"training.{name}"
    for name in (
        "accelerators",
        "data_parallel",
        "tensor_parallel",
        "pipeline_parallel",
        "expert_parallel",
        "expert_tensor_parallel",
    )
)
"""Settings that determine the parallel layouts."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Inputs of quantities from a problem, besides architecture and layout.

    Parameters
    ----------
    training : Training
    serving : Serving
    lifetime : Lifetime
    context_length : int
        Context length of serving, with the default filled in.
    parameter_kind : {"total", "non_embedding", "active"}
        Which parameters the loss law counts.
    experts : {"tian-2025", "active", "total"}
        What it counts of layers of experts.
    leverage_flops : float
        Training FLOPs at which the leverage of experts is taken.
    tokenizer : TextRates or None
        Tokens of each vocabulary for one of the law's, if the problem gives bytes a token.
    prices : Prices
        Of accelerators.
    mixture : bool
        Whether designs have layers of experts, which train at another MFU.
    ceilings : tuple of (str, Fraction)
        Upper limits on costs that the batch raises, by name: what bounds `LargestBatch`.
    requests : int
        The least that a budget asks of a `LargestBatch`; 1 without one.
    """

    training: Training
    serving: Serving
    lifetime: Lifetime
    context_length: int
    parameter_kind: ParameterKind
    experts: Experts = "tian-2025"
    leverage_flops: float = DEFAULT_LEVERAGE_FLOPS
    tokenizer: TextRates | None = None
    prices: Prices = NO_PRICES
    mixture: bool = False
    ceilings: tuple[tuple[str, Fraction], ...] = ()
    requests: int = 1

    @property
    def prefix(self) -> int:
        """Tokens of the serving context that all sequences share."""
        return self.serving.prefix_of(self.context_length)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Inputs of an affine cost.

    Parameters
    ----------
    settings : Settings
    trunk : Trunk
    kinds : sequence of Layer
        Together with `trunk` an architecture without its numbers of layers; fields are integers,
        or arrays of shape (W,) for W architectures.
    layout : Layout
        Parallel layout of training.
    present : sequence of (bool or array of shape (W,))
        Whether there are layers of each kind, for costs that are not sums over layers; empty if
        there are of all.
    """

    settings: Settings
    trunk: Trunk
    kinds: Sequence[Layer]
    layout: Layout
    present: Sequence[Any] = ()


Formula = Callable[[Candidate], Affine | tuple[Affine, ...]]
Reads = tuple[str, ...] | None
"""Attributes of `Settings` (``"serving.batch_size"`` or ``"context_length"``); None for all."""


def values_of(settings: Settings, reads: Reads) -> tuple[object, ...]:
    """Return the values of the settings read; equal values give equal costs."""
    if reads is None:
        return (settings,)
    return (attrgetter(*reads)(settings),) if reads else ()


def as_large(settings: Settings, layout: Layout) -> int:  # noqa: ARG001 - a function of both
    """Return 1, for `Cost.within`: no intermediate result exceeds the cost."""
    return 1


@dataclass(frozen=True, slots=True)
class Cost:
    """A constant plus a coefficient per layer, or the maximum of several such sums.

    Only `formula` is required: the defaults of the others are the most conservative, which affects
    speed but not answers.

    Parameters
    ----------
    formula : callable
        From a `Candidate` to an `Affine`, or one for each branch. Widths may be arrays, so it must
        not branch on them. Coefficients must be non-negative, and a wider or deeper architecture
        must not cost less: the solvers bound a set of designs by its smallest and largest member.
        Two things are apart: a width of which 0 is another kind of layer
        (`modelsizer.problems.architecture.choices.ZERO_APART`), and what a law counts of experts,
        whose leverage falls with their width (`modelsizer.problems.laws.leverage`).
    reads : tuple of str or None
        Settings that the formula reads. None means all: tables of the cost are then recomputed
        whenever any setting changes.
    branches : tuple of str
        Names of the branches, if the cost is the maximum of several.
    by_layout : bool
        Whether the cost depends on the parallel layout.
    many_layouts : bool
        Whether the formula also takes a layout whose degrees are arrays of shape (W,), one for each
        of W architectures; otherwise it is computed for one layout after another.
    by_batch : bool
        Whether it grows with ``serving.batch_size``, and falls at no batch; its limit is then one
        of `Settings.ceilings`.
    within : callable or None
        From (settings, layout) to the factor by which intermediate results may exceed the cost;
        `as_large` if none does. With None the cost is computed in Python integers, which are
        slower than 64-bit ones.
    """

    formula: Formula
    reads: Reads = None
    branches: tuple[str, ...] = ()
    by_layout: bool = True
    many_layouts: bool = False
    by_batch: bool = False
    within: Callable[[Settings, Layout], int] | None = None

    def parts(self, name: str) -> tuple[str, ...]:
        """Return the names of the affine quantities whose maximum is the cost called `name`."""
        return tuple(f"{name}.{branch}" for branch in self.branches) or (name,)


@dataclass(frozen=True, slots=True)
class OfFlops:
    """Proportional to training FLOPs, plus a term in the inference FLOPs over the lifetime.

    Parameters
    ----------
    rate : callable
        From `Settings` to the quantity per training FLOP.
    charge : callable or None
        From `Settings` to the quantity over the lifetime per inference FLOP a token.
    shared : bool
        Whether it is divided among the accelerators working in training, as the time is: `rate` is
        then that of a single accelerator.
    reads : tuple of str or None
        Settings that `rate` and `charge` read; see `Cost`.
    """

    rate: Callable[[Settings], Fraction]
    charge: Callable[[Settings], Fraction] | None = None
    shared: bool = False
    reads: Reads = None


@dataclass(frozen=True, slots=True)
class Inverse:
    """A number divided by an affine quantity.

    Parameters
    ----------
    of : str
        Name of the affine quantity.
    numerator : callable
        From `Settings` to the numerator.
    numerator_key : str
        The numerator in words.
    reads : tuple of str or None
        Settings that the numerator reads; see `Cost`.
    """

    of: str
    numerator: Callable[[Settings], Number]
    numerator_key: str
    reads: Reads = None


@dataclass(frozen=True, slots=True)
class LargestBatch:
    """The largest batch at which every cost that it raises keeps its limit (`Settings.ceilings`).

    A budget of at least c is one linear constraint for each of these costs: its value at a batch of
    c is within its limit, since none falls as the batch grows.

    Parameters
    ----------
    most : int
        The largest number that is told apart from an endless one.
    """

    most: int


def nothing(settings: Settings) -> str:  # noqa: ARG001 - a function of the settings
    """Return an empty text: every input of the quantity has a default."""
    return ""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity of a design, with everything that the program knows about it.

    Parameters
    ----------
    name : str
        Key of the problem file, of JSON and of tables.
    dimension : str
        Key of `modelsizer.problems.units.UNITS`.
    about : str
        Description for users.
    how : Cost, OfFlops, Inverse, LargestBatch, or "tokens" or "loss"
        How it is computed.
    only : {"max", "min"} or None
        The only end that a budget may have, if just one is allowed.
    needs : callable
        From `Settings` to the missing input, with the remedy
        (``'a price: write training.price_per_hour = 2.5'``); empty if none is missing. A figure
        that an accelerator lacks raises `UnknownFigureError`.
    axis : str
        Axis label; by default the words of the name.
    short : str
        Abbreviated name; by default the name.
    heading : str
        Heading of a narrow column; by default the name.
    bare : Bare
        Upper limits that a number without a unit can mean; all by default.
    example : int, float or str
        A limit as a file has it; None for no example.

    Attributes
    ----------
    parts : tuple of str
        Names of the affine quantities whose maximum it is.

    Raises
    ------
    ValueError
        If a budget could have an end that is not a linear constraint.
    """

    name: str
    dimension: str
    about: str
    how: Cost | OfFlops | Inverse | LargestBatch | Literal["tokens", "loss"]
    only: End | None = None
    needs: Callable[[Settings], str] = nothing
    axis: str = ""
    short: str = ""
    heading: str = ""
    bare: Bare = ANY
    example: Number | str | None = None
    parts: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = self.how.parts(self.name) if isinstance(self.how, Cost) else (self.name,)
        object.__setattr__(self, "parts", parts)
        wanted: End | None = None
        if isinstance(self.how, Inverse | LargestBatch):
            wanted = "min"
        elif self.branches or (isinstance(self.how, OfFlops) and self.name != "training_flops"):
            wanted = "max"
        if wanted is not None and self.only != wanted:
            end = {"max": "most", "min": "least"}[wanted]
            raise ValueError(f"{self.name}: a budget can only be the {end}: write only={wanted!r}")

    @property
    def form(self) -> Form:
        """How the quantity depends on a design and its tokens."""
        if isinstance(self.how, str):
            return self.how
        if isinstance(self.how, Cost):
            return "affine"
        if isinstance(self.how, Inverse):
            return "inverse"
        if isinstance(self.how, LargestBatch):
            return "batch"
        return "flops" if self.how.charge is None else "lifetime"

    @property
    def words(self) -> str:
        """The name in words, for the label of an axis or a title."""
        return self.axis or self.name.replace("_", " ")

    @property
    def affine(self) -> bool:
        """Whether it is affine in the layers, or the maximum of several affine quantities."""
        return isinstance(self.how, Cost)

    @property
    def base(self) -> str:
        """The affine quantity that it equals or is inverse to; empty if there is none."""
        if isinstance(self.how, Inverse):
            return self.how.of
        return self.name if self.affine else ""

    @property
    def of_tokens(self) -> bool:
        """Whether it increases with the training tokens of a design."""
        return self.how == "tokens" or isinstance(self.how, OfFlops)

    @property
    def shared(self) -> bool:
        """Whether it is divided among the accelerators working in training."""
        return isinstance(self.how, OfFlops) and self.how.shared

    @property
    def by_layout(self) -> bool:
        """Whether it depends on the parallel layout, at fixed tokens."""
        return self.shared or (isinstance(self.how, Cost) and self.how.by_layout)

    @property
    def branches(self) -> tuple[str, ...]:
        """Names of the affine quantities of which it is the maximum, if there are several."""
        return self.how.branches if isinstance(self.how, Cost) else ()

    @property
    def senses(self) -> tuple[Sense, ...]:
        """Senses that an objective may have."""
        if self.form == "inverse":
            return ()
        if self.form == "batch":
            return ("maximize",)
        free = self.only is None and self.form in ("affine", "tokens")
        return ("minimize", "maximize") if free else ("minimize",)
