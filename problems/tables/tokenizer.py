"""``[tokenizer]``: bytes of text that a token holds, so that losses compare by the byte.

A law of the loss is a statement about text, in tokens of the tokenizer that it was fitted with: b0
bytes each. A design whose tokens hold b(V) bytes has seen ``D b(V) / b0`` of the law's after D of
its own. The law then gives nats a token of the law's, and over b0 nats a byte, which compare
between vocabularies.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Any

from modelsizer.problems.by_byte import ByByte, by_token
from modelsizer.problems.errors import short
from modelsizer.problems.tables.menus import MAX_VALUE, Interval
from modelsizer.problems.tables.tables import Table, count
from modelsizer.problems.typed_keys import Kind
from modelsizer.problems.units import Number, exact, parse_quantity, plain
from modelsizer.problems.value_forms import Amount, Entries, Within, text_pattern

TABLES_OF_TEXT = ("training", "lifetime", "budgets")
"""Tables of a problem with amounts that may be given by the byte."""
MOST_VOCABULARIES = 4096
"""Vocabularies of a menu, each of which is searched by itself."""
MOST_BYTES = 16
"""Bytes a token; a larger number is a mistake: tokenizers that are known hold 2 to 7."""
DEFAULT_LAW_VOCABULARY = 32_000
"""That of the runs behind the default law: SentencePiece of 32,000 (Rae et al. 2021, arXiv
2112.11446, section 3.1; Hoffmann et al. 2022, arXiv 2203.15556, section 4.1, nearly the same)."""
_LEAST_POINTS = 2  # of a curve
PLACES = 4
"""Decimal places of a byte to which a curve is rounded, so that every machine has the same."""
FAR = 2
"""Factor beyond the vocabularies given at which the curve ends above, and warns on either side."""


_BYTES = Within(above=0, most=MOST_BYTES)
_POINTS = Entries(
    "bytes",
    {"32000": 3.2, "128256": 3.9},
    Amount(dimension="bytes", range=_BYTES),
    others=text_pattern("count"),
    least=1,
)


def _read_points(value: object) -> dict[str, Number]:
    if not isinstance(value, Mapping):
        raise ValueError(
            f"{short(value)} is not a table: write the bytes of each vocabulary, such as "
            "{32000 = 3.2, 128256 = 3.9}"
        )
    if not value:
        raise ValueError("the table is empty: write {32000 = 3.2}")
    points: dict[int, Number] = {}
    for key, given in value.items():
        vocab_size, held = _number(key, "count"), _number(given, "bytes")
        if not isinstance(vocab_size, int) or not 1 < vocab_size <= MAX_VALUE:
            raise ValueError(f"@.{key} is not a vocabulary: write a number of tokens, as 32000")
        if not _BYTES.holds(held):
            raise ValueError(
                f"@.{key} {short(given)} is not a number of bytes of text a token holds, such as "
                "3.9"
            )
        if vocab_size in points:
            raise ValueError(f"@.{key} the vocabulary {vocab_size} is given twice")
        points[vocab_size] = held
    return {str(vocab_size): points[vocab_size] for vocab_size in sorted(points)}


def _number(value: object, dimension: str) -> Number:
    """A number, or 0 for what is none."""
    try:
        return parse_quantity(value, dimension)
    except ValueError:
        return 0


class Tokenizer(Table):
    """``[tokenizer]``.

    Parameters
    ----------
    bytes_per_token : dict of str to number
        By vocabulary, bytes of text (UTF-8) of a token, counted on the training data; those of
        other vocabularies are on the curve ``a + c ln V`` through those given.
    law_vocab_size : int, optional
        Vocabulary of the tokens that the law counts; by default that given nearest to 32,000.
    """

    bytes_per_token: Annotated[dict[str, int | float], Kind(_read_points, form=_POINTS)]
    law_vocab_size: Annotated[int, count("tokens", 32000)] | None = None

    def _check(self) -> None:
        if self.why_unknown(self.law):
            raise ValueError(
                f"@.law_vocab_size {self.law} is not in bytes_per_token: give its bytes, or those "
                "of two vocabularies at least, through which a curve is drawn"
            )

    def __hash__(self) -> int:
        """Hash of what is given: tables of costs are kept by it."""
        return hash((tuple(self.bytes_per_token.items()), self.law_vocab_size))

    @property
    def points(self) -> dict[int, Fraction]:
        """Bytes a token by vocabulary, as given."""
        return {int(size): exact(held) for size, held in self.bytes_per_token.items()}

    @property
    def law(self) -> int:
        """Vocabulary of the tokens that the law counts."""
        given = self.points

        def apart(size: int) -> float:
            return abs(math.log(size / DEFAULT_LAW_VOCABULARY))

        return self.law_vocab_size or min(given, key=apart)

    @property
    def law_bytes(self) -> Fraction:
        """Bytes of text of a token that the law counts."""
        return self.bytes_of(self.law)

    def why_unknown(self, vocab_size: int) -> str:
        """Why a vocabulary has no bytes a token; empty if it has."""
        points = self.points
        if vocab_size in points:
            return ""
        if len(points) < _LEAST_POINTS:
            return f"bytes_per_token has {next(iter(points))} alone, and a curve takes two points"
        if self._drawn(vocab_size) <= 0:
            return f"the curve through bytes_per_token gives {vocab_size} less than a byte"
        return ""

    def _drawn(self, vocab_size: int) -> Fraction:
        """Bytes a token on ``a + c ln V`` through the two vocabularies given next to it.

        Bytes a token rise less than that for large vocabularies (Tao et al. 2024, arXiv
        2407.13623, fit tokens a character by a parabola in ln V with its least at 236,000), so the
        curve ends at `FAR` times the largest vocabulary given: no larger one holds more.
        """
        points = self.points
        sizes = list(points)
        above = bisect.bisect_left(sizes, vocab_size)
        right = min(max(above, 1), len(sizes) - 1)
        low, high = sizes[right - 1], sizes[right]
        at = math.log(min(vocab_size, FAR * sizes[-1]) / low) / math.log(high / low)
        drawn = float(points[low]) + at * float(points[high] - points[low])
        return Fraction(round(drawn * 10**PLACES), 10**PLACES)

    def bytes_of(self, vocab_size: int) -> Fraction:
        """Bytes of text a token of a vocabulary holds; given, or by the curve.

        Raises
        ------
        ValueError
            See `why_unknown`.
        """
        if vocab_size in (points := self.points):
            return points[vocab_size]
        if why := self.why_unknown(vocab_size):
            raise ValueError(f"tokenizer.{why}: give the bytes of {vocab_size}")
        return self._drawn(vocab_size)

    def how(self, vocab_size: int) -> str:
        """Where the bytes a token of a vocabulary come from, in words; empty where given."""
        points = self.points
        if vocab_size in points:
            return ""
        ended = f", which ends at {FAR * max(points):,}" if vocab_size > FAR * max(points) else ""
        return f"by a curve through {len(points)} points{ended}"

    @property
    def ends(self) -> tuple[int, int]:
        """The smallest and the largest vocabulary given."""
        points = self.points
        return min(points), max(points)

    def far_from(self, vocab_size: int) -> bool:
        """Whether a vocabulary is far beyond those given."""
        low, high = self.ends
        return vocab_size * FAR < low or vocab_size > high * FAR

    def to_dict(self, vocab_size: int) -> dict[str, Any]:
        """Plain values for JSON, of a design's vocabulary."""
        return {
            "vocab_size": vocab_size,
            "bytes_per_token": plain(self.bytes_of(vocab_size)),
            "source": self.how(vocab_size) or "given",
            "law_vocab_size": self.law,
            "law_bytes_per_token": plain(self.law_bytes),
        }


def check_menu(tokenizer: Tokenizer, menu: Sequence[int]) -> None:
    """Refuse vocabularies whose bytes a token nothing gives, and menus too long to tell apart.

    Raises
    ------
    ValueError
        ``"@key message"``, as those of `modelsizer.problems.checks`.
    """
    if len(menu) > MOST_VOCABULARIES:
        raise ValueError(
            f"@space.vocab_size has {len(menu):,} values; with [tokenizer] at most "
            f"{MOST_VOCABULARIES:,} can be searched. Take a larger step"
        )
    if (unknown := next(filter(tokenizer.why_unknown, menu), None)) is not None:
        why = tokenizer.why_unknown(unknown)
        raise ValueError(
            f"@tokenizer.bytes_per_token space.vocab_size offers {unknown}, and {why}: give its "
            "bytes a token"
        )


def in_tokens(tables: Mapping[str, Any], tokenizer: Tokenizer | None) -> dict[str, Table]:
    """Return tables whose amounts by the byte are amounts by the token that the law counts.

    Parameters
    ----------
    tables : mapping of str to Table
        The tables of a problem by their keys.
    tokenizer : Tokenizer or None

    Returns
    -------
    dict of str to Table
        Those of `TABLES_OF_TEXT` that have any.

    Raises
    ------
    ValueError
        If there are any and no tokenizer, or limits contradict each other.
    """
    found: dict[str, Table] = {}
    for name in TABLES_OF_TEXT:
        amounts = {
            key: _in_tokens(f"{name}.{key}", value, tokenizer)
            for key, value in vars(tables[name]).items()
            if (value.by_byte if isinstance(value, Interval) else isinstance(value, ByByte))
        }
        if amounts:
            found[name] = tables[name].model_copy()
            found[name].__dict__.update(amounts)
    return found


def _in_tokens(key: str, value: Any, tokenizer: Tokenizer | None) -> Any:
    limited = isinstance(value, Interval)
    if tokenizer is None:
        written = value.by_byte if limited else value.text
        raise ValueError(
            f"@{key} {written} is by the byte, and nothing says how many bytes a token holds: "
            "give tokenizer.bytes_per_token, such as {32000 = 3.2}"
        )
    try:
        each = tokenizer.law_bytes
        return value.by_token(each) if limited else by_token(value, each)
    except ValueError as error:
        raise ValueError(f"@{key} {error}") from None
