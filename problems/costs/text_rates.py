"""Tokens of a design for each token of the law's tokenizer, as exact rational numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.mixers import Count
from modelsizer.problems.records import dataclass
from modelsizer.problems.tables.tokenizer import Tokenizer
from modelsizer.problems.units import Number

LARGEST_DENOMINATOR = 2**20
"""Of rates: FLOPs a token are integers of up to 3e12 in common spaces, and their multiples by this
are still below 2^63. Rates with a larger common denominator are rounded to a multiple of its
inverse, a millionth."""


@dataclass(frozen=True)
class TextRates:
    """How many tokens of each vocabulary hold the text of one token of the law's.

    Parameters
    ----------
    law_vocab_size : int
        Vocabulary of the tokens that the law counts.
    denominator : int
        Of the rates of a menu.
    rounded : bool
        Whether rates are rounded to it.
    points : tuple of (int, Fraction)
        Vocabularies of the menu and their rates, ``b0 / b(V)``.
    tokenizer : Tokenizer
    """

    law_vocab_size: int
    denominator: int
    rounded: bool
    points: tuple[tuple[int, Fraction], ...]
    tokenizer: Tokenizer

    @cached_property
    def _known(self) -> dict[int, Fraction]:
        return dict(self.points)

    @property
    def spread(self) -> Fraction:
        """The largest rate over the smallest."""
        rates = [rate for _, rate in self.points]
        return max(rates) / min(rates)

    @cached_property
    def falling(self) -> bool:
        """Whether no larger vocabulary of the menu holds less text a token."""
        rates = [rate for _, rate in sorted(self.points)]
        return all(first >= second for first, second in itertools.pairwise(rates))

    def of(self, vocab_size: int) -> Fraction:
        """Tokens of a vocabulary for one of the law's."""
        known = self._known.get(vocab_size)
        if known is not None:
            return known
        rate = self.tokenizer.law_bytes / self.tokenizer.bytes_of(vocab_size)
        return _rounded(rate, self.denominator) if self.rounded else rate

    def by_text(self, cost: Affine, vocab_size: Count) -> Affine:
        """A cost of a design's token, of the text of a token of the law's."""
        if not isinstance(vocab_size, np.ndarray):
            return cost.times(self.of(int(vocab_size)))
        rates, index = self._of_all(vocab_size)
        denominator = math.lcm(self.denominator, *(rate.denominator for rate in rates))
        numerators = [int(rate * denominator) for rate in rates]
        by = np.array(numerators, dtype=vocab_size.dtype)[index]
        return Affine(
            cost.base * by,
            tuple(each * by for each in cost.per_layer),
            cost.denominator * denominator,
        )

    def _of_all(
        self, vocab_size: np.ndarray[Any, Any]
    ) -> tuple[list[Fraction], np.ndarray[Any, Any]]:
        """Return the rates of distinct vocabularies, and the index of each one's."""
        sizes, index = np.unique(vocab_size.astype(np.int64), return_inverse=True)
        return [self.of(int(size)) for size in sizes], index.ravel()

    def doubles(self, vocab_size: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the rates of vocabularies as doubles."""
        rates, index = self._of_all(vocab_size)
        found: np.ndarray[Any, Any] = np.array([float(rate) for rate in rates])[index]
        return found

    def counted(self, vocab_size: Count) -> Count:
        """Vocabulary whose embedding and head a law of N counts: at most the law's own.

        A larger table of embeddings is no larger model: a law fitted at one vocabulary says
        nothing of what more rows are worth beyond the text that they save, and counting them would
        buy N without FLOPs.
        """
        if isinstance(vocab_size, np.ndarray):
            return np.minimum(vocab_size, self.law_vocab_size)
        return min(vocab_size, self.law_vocab_size)


def _rounded(rate: Fraction, denominator: int) -> Fraction:
    return Fraction(max(round(rate * denominator), 1), denominator)


@lru_cache(maxsize=64)
def _rates(
    given: tuple[tuple[str, float], ...], law: int | None, menu: tuple[int, ...]
) -> TextRates:
    tokenizer = Tokenizer.model_validate({"bytes_per_token": dict(given), "law_vocab_size": law})
    rates = {size: tokenizer.law_bytes / tokenizer.bytes_of(size) for size in menu}
    common = 1
    for rate in rates.values():
        common = math.lcm(common, rate.denominator)
        if common > LARGEST_DENOMINATOR:
            break
    rounded = common > LARGEST_DENOMINATOR
    if rounded:
        common = LARGEST_DENOMINATOR
        rates = {size: _rounded(rate, common) for size, rate in rates.items()}
    return TextRates(tokenizer.law, common, rounded, tuple(rates.items()), tokenizer)


def text_rates(tokenizer: Tokenizer | None, menu: Sequence[Number]) -> TextRates | None:
    """Return the rates of the vocabularies of a menu; None without a tokenizer."""
    if tokenizer is None:
        return None
    given = tuple(tokenizer.bytes_per_token.items())
    return _rates(given, tokenizer.law_vocab_size, tuple(int(size) for size in menu))
