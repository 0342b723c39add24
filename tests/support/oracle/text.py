"""Bytes of text a token holds, by vocabulary."""

from __future__ import annotations

import math
from fractions import Fraction

from tests.support.oracle.data import Tables, exact


class Text:
    """How many tokens of a vocabulary hold the text of one token of the law's."""

    def __init__(self, tables: Tables) -> None:
        tokenizer = tables.get("tokenizer", {})
        given = tokenizer.get("bytes_per_token", {})
        self.given = {int(size): exact(held) for size, held in given.items()}
        self.law = tokenizer.get("law_vocab_size", min(self.given, default=0))

    def held(self, size: int) -> Fraction:
        """Bytes of a token: given, or on the line of least squares in the logarithm."""
        if size in self.given:
            return self.given[size]
        x, y = [math.log(v) for v in self.given], [float(b) for b in self.given.values()]
        n, sx, sy = len(x), sum(x), sum(y)
        xx, xy = sum(v * v for v in x), sum(v * b for v, b in zip(x, y, strict=True))
        slope = (n * xy - sx * sy) / (n * xx - sx * sx)
        return Fraction(round(10_000 * ((sy - slope * sx) / n + slope * math.log(size))), 10_000)

    def rate(self, size: int) -> Fraction:
        return self.held(self.law) / self.held(size) if self.given else Fraction(1)

    def counted(self, size: int) -> int:
        """Vocabulary whose embeddings are part of N."""
        return min(size, self.law) if self.given else size
