"""Limits that are those of a model, ``"as llama-3-8b at 15T tokens"``, and their numbers.

The number of a reference is what the model would have as a design of the problem: the same
accounting under the same settings, layouts, laws and conventions. A model whose limit is its own
keeps it to the last digit, since an upper limit is rounded up, and a lower one down, where no
double is the exact value.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choice_values import is_mixture
from modelsizer.problems.errors import ModelsizerError, short
from modelsizer.problems.laws.features import architecture_features
from modelsizer.problems.laws.quality import Quality
from modelsizer.problems.laws.reach import why_unjudged
from modelsizer.problems.quantities.amounts import affine_cost, amount
from modelsizer.problems.quantities.auxiliary import LAW_PARAMETERS
from modelsizer.problems.quantities.needs import reads_of
from modelsizer.problems.quantities.quantity import Settings
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.budgets import Budgets
from modelsizer.problems.requirements.objective import Objective
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.space.splits import Split, why_unsplit
from modelsizer.problems.tables.limits import EXAMPLE, is_reference, read_reference
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.tables.training import Training
from modelsizer.problems.text_files import exists
from modelsizer.problems.units import Number, exact, plain

_LATER = ("loss", "concurrency")


class Asked(Protocol):
    """What a reference is evaluated under: a `modelsizer.problems.problem.Problem`."""

    @property
    def training(self) -> Training:
        """Its token limits may be references."""

    @property
    def budgets(self) -> Budgets:
        """Its limits."""

    @property
    def limits(self) -> dict[str, Interval]:
        """Its budgets, and limits that follow from its accelerators."""

    @property
    def objective(self) -> Objective:
        """What is sought, and the laws."""

    @property
    def settings(self) -> Settings:
        """Inputs of quantities."""

    @property
    def quality(self) -> Quality:
        """The law, what it cannot see and the shape law."""

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """Parallel layouts, the preferred ones first."""

    def split(self, layout: Layout) -> Split:
        """What a layout asks of an architecture."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model that references name.

    Parameters
    ----------
    source : str
        A name of the catalogue, or a path.
    architecture : Architecture
    tokens : int, float or None
        Its own training tokens, where the source has them.
    listed : bool
        Whether it is of the catalogue.
    """

    source: str
    architecture: Architecture
    tokens: Number | None
    listed: bool


def model_of(source: str) -> Model:
    """Find a model by what `modelsizer.problems.architecture.sources.load_architecture` reads.

    Raises
    ------
    ValueError
        If there is none, or it cannot be counted.
    """
    # Readers of configurations are imported where there are references.
    from modelsizer.problems.architecture.checkpoints.folders import described_by

    if source == "-":
        raise ValueError(f"standard input cannot be read for a limit; write {EXAMPLE}")
    try:
        if exists(path := Path(source)):
            state = (described_by(path) if path.is_dir() else path).stat()
            return _read(source, state.st_mtime_ns, state.st_size)
        return _read(source, 0, 0)
    except (ModelsizerError, OSError) as error:
        raise ValueError(" ".join(str(error).split())) from None


@lru_cache(maxsize=64)  # a problem is validated many times; a file is read again when it changes
def _read(source: str, _: int, __: int) -> Model:
    from modelsizer.problems.architecture.models import models
    from modelsizer.problems.architecture.sources import find_source

    found = find_source(source)
    tokens = found.content.get("tokens") if found.is_answer else None
    listed = found.file is None and source in models()
    tokens = models()[source].tokens if listed else tokens
    known = tokens if isinstance(tokens, int | float) and tokens > 0 else None
    return Model(source, found.architecture(), known, listed)


def beside(raw: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Tables of a problem file with the paths of references seen from the working folder.

    A relative path in a problem file is one beside that file; where there is none, it stays as it
    is, as for laws (`modelsizer.problems.laws.reading.laws_beside`).

    Parameters
    ----------
    raw : mapping
        Plain tables; what has another shape is left to the checks.
    folder : Path
        Of the problem file.
    """

    def moved(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: moved(each) for key, each in value.items()}
        if not is_reference(value):
            return value
        try:
            source, _ = read_reference(value)
        except ValueError:
            return value
        path = Path(source)
        there = not path.is_absolute() and exists(folder / path)
        return value.replace(source, str(folder / path), 1) if there else value

    tables = ("budgets", "training", "scenarios")
    return {key: moved(value) if key in tables else value for key, value in raw.items()}


def resolved(asked: Asked, *, later: bool) -> dict[str, Any]:
    """The tables of a problem whose references get their numbers, by name.

    Parameters
    ----------
    asked : Problem
    later : bool
        Whether those are filled in that depend on the others, or all others: the loss may through
        ``objective.leverage_flops = "budget"``, and requests at once keep the other limits.

    Raises
    ------
    ValueError
        ``"@key message"``, if a model cannot be found, or has no number of that kind.
    """
    found: dict[str, Any] = {}
    judge: _Judge | None = None
    for key, name, limit in _limits(asked):
        if (name in _LATER) != later or not (limit.min_as or limit.max_as):
            continue
        judge = _Judge(asked) if judge is None else judge
        table, _, field = key.partition(".")
        try:
            filled = judge.filled(name, limit)
        except ValueError as error:
            raise ValueError(f"@{key} {error}") from None
        part = found.get(table, getattr(asked, table))
        found[table] = part.model_copy(update={field: filled})
    return found


def sized(asked: Asked, text: str) -> Sized:
    """The model of a reference to a loss, as laws see it under the settings of a problem.

    Raises
    ------
    ValueError
        See `resolved`.
    """
    return _Judge(asked).sized(text)


def _limits(asked: Asked) -> Iterator[tuple[str, str, Interval]]:
    """Key, quantity and limit of each limit of a problem."""
    if asked.training.tokens is not None:
        yield "training.tokens", "tokens", asked.training.tokens
    for name, limit in asked.budgets.limits.items():
        yield f"budgets.{name}", name, limit


@dataclass(frozen=True, slots=True)
class Sized:
    """A model as laws see it.

    Parameters
    ----------
    architecture : Architecture
    size : float
        N, as the law counts it.
    tokens : float
        Tokens that the law counts.
    """

    architecture: Architecture
    size: float
    tokens: float

    def loss(self, quality: Quality) -> float:
        """Its loss in nats a token.

        Raises
        ------
        ValueError
            If the law cannot judge it, or gives no finite loss.
        """
        if why := why_unjudged(quality, self.architecture):
            raise ValueError(f"it has no loss: {why}")
        judged = quality.of(architecture_features(self.architecture, quality.features))
        loss = float(judged.loss(self.size, self.tokens))
        if not math.isfinite(loss):
            raise ValueError(f"{quality.name} gives no finite loss of it")
        return loss


class _Judge:
    """Evaluates models as designs of a problem."""

    def __init__(self, asked: Asked) -> None:
        self._settings, self._quality = asked.settings, asked.quality
        self._splits = [(layout, asked.split(layout)) for layout in asked.layouts]
        self._limits = asked.limits
        self._sought = asked.objective.quantity
        self._sign = -1 if asked.objective.sense == "maximize" else 1

    def filled(self, name: str, limit: Interval) -> Interval:
        """A limit with the numbers of its references."""
        low, high = limit.min, limit.max
        if limit.min_as:
            low = self._number(limit.min_as, name, up=False)
        if limit.max_as:
            high = self._number(limit.max_as, name, up=True)
        if low is not None and high is not None and low > high:
            said = f"{limit.min_as or low} is above max {limit.max_as or high}"
            raise ValueError(f"min {said}: {low} and {high}")
        return replace(limit, min=low, max=high)

    def _number(self, text: str, name: str, *, up: bool) -> Number:
        """The number of a reference as a limit, which the model itself keeps."""
        try:
            value = self._value(text, name)
        except ValueError as error:
            raise ValueError(f"{short(text)}: {error}") from None
        if value <= 0:
            raise ValueError(f"{short(text)}: its {name} is {float(value):g}, which is no limit")
        return value if isinstance(value, float) else _double(value, up=up)

    def _value(self, text: str, name: str) -> Fraction | float:
        if name == "loss":
            return self.sized(text).loss(self._quality)
        architecture, layout, trained = self._model(text, name)
        return amount(self._of(architecture), architecture, layout, name, trained)

    def _of(self, architecture: Architecture) -> Settings:
        """Settings of a model, which trains at the MFU of its own kind."""
        return replace(self._settings, mixture=is_mixture(architecture))

    def sized(self, text: str) -> Sized:
        """The model of a reference as laws see it."""
        architecture, layout, trained = self._model(text, "loss")
        assert trained is not None
        size = plain(affine_cost(self._settings, architecture, layout, LAW_PARAMETERS))
        return Sized(architecture, float(size), float(trained))

    def _model(self, text: str, name: str) -> tuple[Architecture, Layout, Fraction | None]:
        """The model of a reference, its layout, and its tokens, which some quantities need."""
        source, given = read_reference(text)
        model = model_of(source)
        architecture = model.architecture
        tokens = model.tokens if given is None else given
        trained = None if tokens is None else exact(tokens)
        if trained is not None and (rates := self._settings.tokenizer) is not None:
            trained /= rates.of(int(architecture.trunk.vocab_size))
        if trained is not None:  # whole, and a double, as those of a design are
            trained = Fraction(float(round(trained)))
        if trained is None and (name == "loss" or QUANTITIES[name].of_tokens):
            what = "the catalogue has" if model.listed else "the file says"
            raise ValueError(
                f'{what} no training tokens of it; write "as {source} at 15T tokens" with its own'
            )
        return architecture, self._layout(architecture, name, trained), trained

    def _layout(self, architecture: Architecture, name: str, tokens: Fraction | None) -> Layout:
        """The layout that the model would have as a design: one that keeps the limits, if any."""
        fitting = [layout for layout, split in self._splits if split.fits(architecture)]
        if not fitting:
            reads = reads_of(name)
            split = reads is None or "serving.tensor_parallel" in reads
            if split or QUANTITIES[name].by_layout:
                why = why_unsplit([split for _, split in self._splits], architecture)
                assert why is not None, "no layout fits"
                raise ValueError(f"it has no {name} under these layouts: {why[1]}")
            return self._splits[0][0]

        settings = self._of(architecture)

        def value(layout: Layout, quantity: str) -> Fraction:
            return amount(settings, architecture, layout, quantity, tokens)

        def known(quantity: str) -> bool:
            row = QUANTITIES[quantity]
            return row.by_layout and not (row.of_tokens and tokens is None)

        limits = {n: limit for n, limit in self._limits.items() if known(n)}

        def rank(layout: Layout) -> tuple[bool, Fraction]:
            kept = all(
                limit.max_as or limit.max is None or value(layout, n) <= exact(limit.max)
                for n, limit in limits.items()
            )
            sought = value(layout, self._sought) if known(self._sought) else Fraction(0)
            return not kept, self._sign * sought

        return min(fitting, key=rank) if len(fitting) > 1 else fitting[0]


def _double(value: Fraction, *, up: bool) -> Number:
    """A whole number, or the nearest one of a limit on its side of an exact value."""
    if value.denominator == 1:
        return value.numerator
    near = float(value)
    away = math.inf if up else -math.inf
    while (exact(near) < value) if up else (exact(near) > value):
        near = math.nextafter(near, away)
    return near
