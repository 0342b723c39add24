"""Bytes of text a token holds, by vocabulary."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

from tests.support.oracle.data import Tables, exact


class Text:
    """How many tokens of a vocabulary hold the text of one token of the law's."""

    def __init__(self, tables: Tables) -> None:
        tokenizer = tables.get("tokenizer", {})
        given = tokenizer.get("bytes_per_token", {})
        self.given = {int(size): exact(held) for size, held in given.items()}
        nearest = min(self.given, key=lambda v: abs(math.log(v / 32000)), default=0)
        self.law = tokenizer.get("law_vocab_size", nearest)

    def held(self, size: int) -> Fraction:
        """Bytes of a token: given, or on a line in the logarithm through the two next to it."""
        if size in self.given:
            return self.given[size]
        known = sorted(self.given)
        pairs = list(itertools.pairwise(known))
        a, b = next((pair for pair in pairs if size < pair[1]), pairs[-1])
        x, y = [math.log(v) for v in (a, b)], [float(self.given[v]) for v in (a, b)]
        slope = (y[1] - y[0]) / (x[1] - x[0])
        value = y[0] + slope * (math.log(min(size, 2 * known[-1])) - x[0])
        return Fraction(round(10_000 * value), 10_000)

    def rate(self, size: int) -> Fraction:
        return self.held(self.law) / self.held(size) if self.given else Fraction(1)

    def counted(self, size: int) -> int:
        """Vocabulary whose embeddings are part of N."""
        return min(size, self.law) if self.given else size
