"""Laws that are sums of power terms of any features.

``loss = E + sum over terms of coefficient x product of feature ^ exponent``. Products of sums, such
as the law of Bian et al., are expanded into sums of terms. Over a box, each term attains its
minimum at one end of the range of each of its features, which gives a lower bound on the sum for
any signs. Only a term in the tokens must decrease with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace

import numpy as np

from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.laws.features import FEATURES, Features, Floats
from modelsizer.problems.laws.laws import (
    ANYWHERE,
    DesignLaw,
    Experts,
    ParameterKind,
    PowerTerm,
    Range,
    TokenLaw,
)
from modelsizer.problems.laws.stack_values import WINDOW, base_name, is_stack_value, trained_on
from modelsizer.problems.records import dataclass
from modelsizer.problems.value_forms import Schema

_SIZE, _DATA = "parameters", "tokens"


@dataclass(frozen=True)
class TermLaw(DesignLaw):
    """A sum of power terms.

    Parameters
    ----------
    name : str
    E : float
        Constant term, of any sign.
    terms : sequence of PowerTerm
        Coefficients may be negative, except that a term in the tokens must decrease with them.

    Raises
    ------
    ValueError
        If a term has no feature, an unknown feature or a number that is not finite, or if the loss
        does not decrease with the tokens.
    """

    name: str
    E: float
    terms: tuple[PowerTerm, ...]
    parameter_kind: ParameterKind = "total"
    parameter_range: Range = ANYWHERE
    token_range: Range = ANYWHERE
    source: str = ""
    form: str = "E + sum of power terms"
    ranges: Mapping[str, Range] = field(default_factory=dict)
    caution: str = ""
    experts: Experts | None = None
    rms: float | None = None
    features: tuple[str, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        if not math.isfinite(self.E):
            raise ValueError(f"E must be a finite number, got {self.E!r}")
        for i, term in enumerate(self.terms, start=1):
            check_term(term, term.name or str(i))
        seen = dict.fromkeys(name for term in self.terms for name in term.exponents)
        features = tuple(name for name in seen if name not in (_SIZE, _DATA))
        object.__setattr__(self, "features", features)
        if not any(_DATA in term.exponents for term in self.terms):
            raise ValueError(
                "no term has tokens: the loss would not depend on them, and every design would "
                "be trained on none"
            )

    def on_sequences(self, length: int) -> TokenLaw:
        """The law for training on sequences of so many tokens, which a full layer attends to."""
        if WINDOW not in self.features:
            return self
        terms = tuple(
            replace(term, exponents={trained_on(k, length): x for k, x in term.exponents.items()})
            for term in self.terms
        )
        ranges = {trained_on(name, length): ends for name, ends in self.ranges.items()}
        return replace(self, terms=terms, ranges=ranges)

    @property
    def irreducible(self) -> float:
        """The constant E; 0 if a term is negative, so that losses below E are possible."""
        return self.E if all(term.coefficient > 0 for term in self.terms) else 0.0

    def loss_of(self, n: Floats, d: Floats, features: Features) -> Floats:
        """Predicted loss in nats a token."""
        return self.of(features).loss(n, d)

    def least_of(
        self, n: tuple[Floats, Floats], d: Floats, low: Features, high: Features
    ) -> Floats:
        """Lower bound on the loss at D tokens over boxes of designs."""
        return self.over(*n, low, high).loss(n[1], d)

    def loss(self, n: Floats, d: Floats) -> Floats:
        """Predicted loss of a law of N and D alone.

        Raises
        ------
        TypeError
            If the law has other features.
        """
        return super().loss(n, d) if self.features else self.of({}).loss(n, d)

    def tokens_for(self, n: Floats, loss: Floats) -> Floats:
        """Fewest tokens that reach a loss, for a law of N and D alone."""
        return super().tokens_for(n, loss) if self.features else self.of({}).tokens_for(n, loss)

    def of(self, features: Features) -> TokenLaw:
        """The law of N and D for designs with these features."""
        found = []
        for term in self.terms:
            exponents = term.exponents.get(_SIZE, 0.0), term.exponents.get(_DATA, 0.0)
            found.append(_OfSizeAndData(term.at(features, without=(_SIZE, _DATA)), *exponents))
        return PowerSum(self.name, self.E, found)

    def over(self, n_low: Floats, n_high: Floats, low: Features, high: Features) -> TokenLaw:
        """Lower bound on the loss over boxes of designs, as a law of D alone."""
        least, most = {_SIZE: n_low, **low}, {_SIZE: n_high, **high}
        found = []
        for term in self.terms:
            factor: Floats = term.coefficient
            # In the order of `of`, so that what overflows here overflows there.
            for name, exponent in sorted(term.exponents.items(), key=lambda each: each[0] == _SIZE):
                if name != _DATA:
                    # All factors are positive, so each end minimises its factor by itself.
                    at = least if (exponent > 0) == (term.coefficient > 0) else most
                    factor = factor * np.power(at[name], exponent)
            found.append(_OfSizeAndData(factor, 0.0, term.exponents.get(_DATA, 0.0)))
        return PowerSum(self.name, self.E, found)

    def shape_part(self, features: Features) -> Floats:
        """Sum of the terms without parameters and tokens."""
        return sum((term.at(features) for term in self._own), start=0.0)

    @property
    def shape_part_of(self) -> str:
        """``"architecture"`` where some such term is of experts or windows."""
        named = (name for term in self._own for name in term.exponents)
        return "architecture" if any(map(is_stack_value, named)) else "shape"

    @property
    def _own(self) -> tuple[PowerTerm, ...]:
        """The terms without parameters and tokens."""
        return tuple(t for t in self.terms if t.exponents.keys().isdisjoint((_SIZE, _DATA)))


@dataclass(frozen=True, slots=True)
class _OfSizeAndData:
    """``factor x N ^ size x D ^ data``."""

    factor: Floats
    size: float
    data: float


class PowerSum(TokenLaw):
    """``constant + sum of factor x N ^ size x D ^ data`` with arrays of factors."""

    def __init__(self, name: str, constant: float, terms: Sequence[_OfSizeAndData]) -> None:
        self.name, self._constant = name, constant
        self._fixed = [term for term in terms if term.data == 0]
        self._falling = [term for term in terms if term.data != 0]

    def _without_data(self, n: Floats) -> Floats:
        return self._constant + sum(
            (term.factor * _power(n, term.size) for term in self._fixed), start=0.0
        )

    def loss(self, n: Floats, d: Floats) -> Floats:
        """Predicted loss in nats a token."""
        with np.errstate(divide="ignore"):  # no parameters or no tokens: an infinite loss
            total = self._without_data(n)
            for term in self._falling:
                total = total + term.factor * _power(n, term.size) * np.power(d, term.data)
            return total

    def tokens_for(self, n: Floats, loss: Floats) -> Floats:
        """Fewest tokens that reach a loss; infinite if no number does."""
        exponents = {term.data for term in self._falling}
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            left = np.subtract(loss, self._without_data(n))
            scale = sum(term.factor * _power(n, term.size) for term in self._falling)
            if len(exponents) > 1:
                shape = np.broadcast_shapes(np.shape(left), np.shape(scale))
                sizes = np.broadcast_to(n, shape)
                return super().tokens_for(sizes, np.broadcast_to(loss, shape))
            tokens = np.power(scale / np.where(left > 0, left, np.nan), -1 / exponents.pop())
        return np.where(left > 0, tokens, np.inf)


def _power(n: Floats, exponent: float) -> Floats:
    return 1.0 if exponent == 0 else np.power(n, exponent)


def check_term(term: PowerTerm, name: str) -> None:
    """Validate a term.

    Raises
    ------
    ValueError
        If a number is zero or not finite, the term has no feature or an unknown one, or it does
        not decrease with the tokens.
    """
    if not (math.isfinite(term.coefficient) and term.coefficient != 0):
        raise ValueError(
            f"term {name}: the coefficient must be a finite number and not 0, "
            f"got {term.coefficient!r}"
        )
    if not term.exponents:
        raise ValueError(f"term {name}: names no feature; add its coefficient to E")
    for feature, exponent in term.exponents.items():
        if base_name(feature) not in FEATURES:
            hint = did_you_mean(feature, FEATURES)
            raise ValueError(
                f"term {name}: unknown feature {short(feature)}{hint}; known: {', '.join(FEATURES)}"
            )
        if not (math.isfinite(exponent) and exponent != 0):
            raise ValueError(
                f"term {name}: the exponent of {feature} must be a finite number and not 0, "
                f"got {short(exponent)}"
            )
    tokens = term.exponents.get(_DATA)
    if tokens is not None and not (tokens < 0 < term.coefficient):
        raise ValueError(
            f"term {name}: a loss must fall with the tokens, or no bound on it can be proven: give "
            "the term in tokens a positive coefficient and a negative exponent of tokens"
        )


def multiplied(first: Iterable[PowerTerm], second: Iterable[PowerTerm]) -> tuple[PowerTerm, ...]:
    """Terms of the product of two sums; a constant is a term without features."""
    second = tuple(second)
    found = []
    for a in first:
        for b in second:
            exponents: dict[str, float] = dict(a.exponents)
            for name, exponent in b.exponents.items():
                exponents[name] = exponents.get(name, 0.0) + exponent
            kept = {name: power for name, power in exponents.items() if power != 0}
            found.append(PowerTerm(a.coefficient * b.coefficient, kept))
    return tuple(found)


def sum_of(terms: Iterable[PowerTerm]) -> tuple[float, tuple[PowerTerm, ...]]:
    """Sum of the terms without features, and the other terms."""
    terms = tuple(terms)
    constant = math.fsum(term.coefficient for term in terms if not term.exponents)
    return constant, tuple(term for term in terms if term.exponents)


def read_terms(value: object) -> tuple[PowerTerm, ...]:
    """Read terms of a file: ``[{name = "A", coefficient = 482.0, parameters = -0.35}, ...]``.

    The name of a term defaults to its number.

    Raises
    ------
    ValueError
        If the value has another structure, two terms have the same name, or `check_term` fails.
    """
    example = "terms = [{coefficient = 482.0, parameters = -0.35}, ...]"
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"{short(value)} is not a list of terms; write {example}")
    found: list[PowerTerm] = []
    for i, row in enumerate(value, start=1):
        if isinstance(row, PowerTerm):
            found.append(row)
            continue
        if not isinstance(row, Mapping):
            raise ValueError(f"term {i}: {short(row)} is not a term; write {example}")
        name = str(row.get("name", i))
        if "coefficient" not in row:
            raise ValueError(f"term {name}: has no coefficient; write {example}")
        numbers = {key: number for key, number in row.items() if key != "name"}
        for key, number in numbers.items():
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise ValueError(f"term {name}: {key} = {short(number)} is not a number")
        coefficient = float(numbers.pop("coefficient"))
        term = PowerTerm(coefficient, {key: float(x) for key, x in numbers.items()}, name)
        check_term(term, name)
        found.append(term)
    names = [term.name for term in found]
    for name in names:
        if names.count(name) > 1 or name == "E" or "." in name:
            why = "is taken" if name == "E" or names.count(name) > 1 else "has a dot"
            raise ValueError(f"term {name}: the name {short(name)} {why}; give each term its own")
    return tuple(found)


def terms_schema() -> Schema:
    """What `read_terms` takes, as JSON Schema; signs of exponents are not in it."""
    number: Schema = {"type": "number"}
    named: Schema = {"name": {}} | dict.fromkeys(("coefficient", *FEATURES), number)
    term = {
        "type": "object",
        "properties": named,
        "patternProperties": {f"^(?:{'|'.join(FEATURES)})@": number},
        "required": ["coefficient"],
        "additionalProperties": False,
    }
    return {"type": "array", "items": term, "minItems": 1}


def write_terms(terms: Iterable[PowerTerm]) -> list[dict[str, str | float]]:
    """Terms as plain values, the inverse of `read_terms`."""
    return [
        {
            "name": term.name,
            "coefficient": term.coefficient,
            **{base_name(feature): power for feature, power in term.exponents.items()},
        }
        for term in terms
    ]


def gemstones_terms(c: Mapping[str, float]) -> tuple[float, tuple[PowerTerm, ...]]:
    """``E + A/d_model^a + B/layers^b + G/N^g + T/D^t`` (McLeish et al. 2025, arXiv 2502.06857)."""
    return c["E"], (
        PowerTerm(c["A"], {"d_model": -c["a"]}, "A"),
        PowerTerm(c["B"], {"layers": -c["b"]}, "B"),
        PowerTerm(c["G"], {_SIZE: -c["g"]}, "G"),
        PowerTerm(c["T"], {_DATA: -c["t"]}, "T"),
    )


def bian_terms(c: Mapping[str, float]) -> tuple[float, tuple[PowerTerm, ...]]:
    """``(E + A/N^alpha + B/D^alpha) (1 + gamma aspect_ratio^alpha)``.

    Bian et al. 2025, arXiv 2501.18107, multiplied out.
    """
    alpha = c["alpha"]
    law = (
        PowerTerm(c["E"], {}),
        PowerTerm(c["A"], {_SIZE: -alpha}),
        PowerTerm(c["B"], {_DATA: -alpha}),
    )
    shape = (PowerTerm(1.0, {}), PowerTerm(c["gamma"], {"aspect_ratio": alpha}))
    return sum_of(multiplied(law, shape))
