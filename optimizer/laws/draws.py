"""Draws of a fitted law as arrays, to compute the loss of many designs under all draws at once.

Every draw is a sum of power terms (`modelsizer.problems.laws.terms`; Chinchilla's form has two,
which may have an outer power), with the same terms and different numbers in each draw. The values
of a term, for all designs and draws, are the exponential of a matrix product of exponents and
logarithms of features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.laws.ablations import Ablations
from modelsizer.problems.laws.features import Seen
from modelsizer.problems.laws.laws import ParameterKind, PowerLaw, PowerTerm, TokenLaw
from modelsizer.problems.laws.quality import Quality, scaled
from modelsizer.problems.laws.terms import TermLaw
from modelsizer.problems.records import dataclass

Floats = NDArray[np.float64]

SUMS = "E + (A/N^alpha + B/D^beta)^outer, or a sum of power terms"


@dataclass(frozen=True, slots=True)
class DrawnTerm:
    """One term of all K draws.

    Parameters
    ----------
    features : tuple of str
        F features, from `modelsizer.problems.laws.features.FEATURES`.
    coefficient : array of shape (K,)
    exponents : array of shape (K, F)
    """

    features: tuple[str, ...]
    coefficient: Floats
    exponents: Floats

    def at(self, logs: Mapping[str, Floats]) -> Floats:
        """Value of the term for each design under each draw; shape (K, B).

        Parameters
        ----------
        logs : mapping of array of shape (B,)
            Logarithms of the features.
        """
        power = self.exponents @ np.stack([logs[name] for name in self.features])
        size: Floats = np.exp(np.log(np.abs(self.coefficient))[:, None] + power)
        if (self.coefficient < 0).any():
            size *= np.sign(self.coefficient)[:, None]
        return size


@dataclass(frozen=True, slots=True)
class Draws:
    """K laws of the same form, perhaps each with several readings of what they cannot see.

    Parameters
    ----------
    laws : tuple of TokenLaw
    E : array of shape (K,)
    terms : tuple of DrawnTerm
    outer : array of shape (K,)
        Power of the sum of the terms, positive, so that the loss rises with each term.
    readings : tuple of Ablations or None
        Readings of what the laws cannot see of an architecture, each combined with each law: all
        laws under the first, then all under the second, and so on. None leaves it out. If empty,
        that of the problem.
    """

    laws: tuple[TokenLaw, ...]
    E: Floats
    terms: tuple[DrawnTerm, ...]
    outer: Floats
    readings: tuple[Ablations | None, ...] = ()

    @classmethod
    def of(cls, laws: Sequence[TokenLaw], readings: Sequence[Ablations | None] = ()) -> Draws:
        """Collect the coefficients of laws.

        Raises
        ------
        ValueError
            If there is no law, one is of another form, or they differ in their terms or in
            the parameters that N counts.
        """
        if not laws:
            raise ValueError("at least one draw of the law is needed")
        sums = [sum_of_powers(law) for law in laws]
        shape = [tuple(term.exponents) for term in sums[0][1]]
        if any([tuple(term.exponents) for term in terms] != shape for _, terms in sums):
            raise ValueError("draws must have the same terms")
        if len({law.parameter_kind for law in laws}) > 1:
            raise ValueError("draws must count the same parameters as N")
        terms = tuple(
            DrawnTerm(
                features,
                np.array([drawn[i].coefficient for _, drawn in sums]),
                np.array([[drawn[i].exponents[name] for name in features] for _, drawn in sums]),
            )
            for i, features in enumerate(shape)
        )
        outer = np.array([law.outer if isinstance(law, PowerLaw) else 1.0 for law in laws])
        return cls(tuple(laws), np.array([E for E, _ in sums]), terms, outer, tuple(readings))

    def __len__(self) -> int:
        return len(self.laws) * max(len(self.readings), 1)

    def quality(self, number: int, own: Quality) -> Quality:
        """How one of the draws judges designs, like a problem's own quality in all else."""
        reading, law = divmod(number, len(self.laws))
        ablations = self.readings[reading] if self.readings else own.ablations
        return replace(own, law=self.laws[law], ablations=ablations)

    @property
    def parameter_kind(self) -> ParameterKind:
        """Parameters that N counts."""
        return self.laws[0].parameter_kind

    @property
    def features(self) -> tuple[str, ...]:
        """Features of the terms, parameters and tokens first."""
        seen = (name for term in self.terms for name in term.features)
        return tuple(dict.fromkeys(("parameters", "tokens", *seen)))

    @property
    def directions(self) -> dict[str, tuple[int, ...]]:
        """For each feature, the signs of the derivative of some term in some draw."""
        found: dict[str, set[int]] = {name: set() for name in self.features}
        for term in self.terms:
            for i, name in enumerate(term.features):
                signs = np.sign(term.coefficient * term.exponents[:, i])
                found[name] |= {int(sign) for sign in np.unique(signs)}
        return {name: tuple(sorted(signs)) for name, signs in found.items()}

    def losses(self, values: Mapping[Seen, Floats], excess: Floats) -> Floats:
        """Loss of each design under each draw and reading; shape (K, B).

        Parameters
        ----------
        values : mapping of array of shape (B,)
            Values of `features`, and the sum of the terms of each of `readings`; of one where there
            are none of these.
        excess : array of shape (B,)
            Excess of the shape law.
        """
        logs = {name: np.log(values[name]) for name in self.features}
        readings: Sequence[Seen | None] = self.readings
        if not readings:
            readings = [name for name in values if not isinstance(name, str)] or [None]
        raised = bool((self.outer != 1.0).any())
        total: Floats = (0.0 if raised else self.E[:, None]) + np.zeros(np.shape(excess))
        for term in self.terms:
            total = total + term.at(logs)
        if raised:
            total = self.E[:, None] + np.power(total, self.outer[:, None])
        least = np.array([law.irreducible for law in self.laws])[:, None]
        found = [
            (total if reading is None else scaled(total, values[reading], least)) + excess
            for reading in readings
        ]
        return found[0] if len(found) == 1 else np.concatenate(found)


def sum_of_powers(law: TokenLaw) -> tuple[float, tuple[PowerTerm, ...]]:
    """The constant and the terms of a law, whose sum a `PowerLaw` raises to its outer power.

    Raises
    ------
    ValueError
        If the law is of another form.
    """
    if isinstance(law, TermLaw | PowerLaw):
        return law.E, law.terms
    raise ValueError(f"{law.name!r} is not of the form {SUMS}, of which draws are taken")
