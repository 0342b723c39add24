"""Bands of the terms of ablations, as `ablations.toml` has them or a table of the user's own.

`modelsizer.problems.laws.ablations` has the formulas that they go into.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from modelsizer.problems.errors import did_you_mean, short
from modelsizer.problems.records import dataclass
from modelsizer.problems.value_forms import Schema, Within, any_of

End = Literal["low", "middle", "high"]
ENDS: tuple[End, ...] = ("low", "middle", "high")
TERMS = ("kv_heads", "ffn", "window", "sparse", "linear", "latent")
FIT_WORDS = ("smaller", "mean", "larger")
"""Which penalty of the two fits of the feed-forward share is read."""
LEAST, MOST = -0.03, 1.0
"""Within of a share of the reducible loss: far beyond any ablation, and 1 + q stays positive."""
_MOST_FFN = 10.0  # multiples of the mean of the fits
_SOURCE = "source"

Term = float | str | tuple[float, float, float]
"""One end of a band: a share, windows of three lengths, or a word of `FIT_WORDS`."""


@dataclass(frozen=True, slots=True)
class EndOfBands:
    """Every term at one end of its band.

    Parameters
    ----------
    kv_heads, sparse, linear, latent : float
        Shares of the reducible loss.
    ffn : str or float
        One of `FIT_WORDS`, or a multiple of the mean of the two fits, at least 0.
    window : tuple of float
        At windows of 2048 tokens and above, of 1024 and of 512: at least 0, and rising.
    """

    kv_heads: float
    ffn: str | float
    window: tuple[float, float, float]
    sparse: float
    linear: float
    latent: float


@dataclass(frozen=True, slots=True)
class Bands:
    """The three ends of the bands of all terms."""

    low: EndOfBands
    middle: EndOfBands
    high: EndOfBands

    def at(self, end: End) -> EndOfBands:
        """The terms at one end."""
        return {"low": self.low, "middle": self.middle, "high": self.high}[end]

    def term(self, name: str) -> dict[End, Term]:
        """The band of one term."""
        return {end: getattr(self.at(end), name) for end in ENDS}

    def with_terms(self, given: Mapping[str, Mapping[End, Term]]) -> Bands:
        """These bands with some terms replaced."""

        def replaced(end: End) -> EndOfBands:
            changes: dict[str, Any] = {name: of[end] for name, of in given.items()}
            return replace(self.at(end), **changes)

        return Bands(*map(replaced, ENDS))


def read_bands(tables: Mapping[str, Any]) -> dict[str, dict[End, Term]]:
    """Read tables of terms.

    Parameters
    ----------
    tables : mapping
        By term of `TERMS`, ``{low, middle, high}`` and perhaps ``source``, or one number for all
        three.

    Returns
    -------
    dict
        By term, its band; in the order of `TERMS`.

    Raises
    ------
    ValueError
        ``"@.key message"``.
    """
    for name in tables:
        if name not in TERMS:
            raise ValueError(
                f"@.{name} unknown term{did_you_mean(str(name), TERMS)}; known: {', '.join(TERMS)}"
            )
    return {name: _band(name, tables[name]) for name in TERMS if name in tables}


def bands_schema() -> Schema:
    """What `read_bands` takes, as JSON Schema; that bands rise is not in it."""
    share = Within(least=LEAST, most=MOST).keywords | {"type": "number"}
    rising = Within(least=0, most=MOST).keywords | {"type": "number"}
    fits = Within(least=0, most=_MOST_FFN).keywords | {"type": "number"}
    value = dict.fromkeys(TERMS, share) | {
        "ffn": any_of({"enum": list(FIT_WORDS)}, fits),
        "window": {"type": "array", "items": rising, "minItems": 3, "maxItems": 3},
    }

    def band(each: Schema) -> Schema:
        known: Schema = dict.fromkeys(ENDS, each)
        ends = {
            "type": "object",
            "properties": known | {_SOURCE: {}},
            "required": list(ENDS),
            "additionalProperties": False,
        }
        return any_of(each, ends)

    return {
        "type": "object",
        "properties": {name: band(each) for name, each in value.items()},
        "additionalProperties": False,
        "minProperties": 1,
    }


def _band(name: str, table: Any) -> dict[End, Term]:
    if not isinstance(table, Mapping):
        value = _value(name, name, table)
        return dict.fromkeys(ENDS, value)
    for key in table:
        if key not in (*ENDS, _SOURCE):
            known = (*ENDS, _SOURCE)
            hint = did_you_mean(str(key), known)
            raise ValueError(f"@.{name}.{key} unknown key{hint}; known: {', '.join(known)}")
    for end in ENDS:
        if end not in table:
            raise ValueError(f"@.{name}.{end} this key is required: a band is low, middle and high")
    found = {end: _value(name, f"{name}.{end}", table[end]) for end in ENDS}
    numbers = [_numbers(found[end]) for end in ENDS]
    for few, many, end in zip(numbers, numbers[1:], ENDS[1:], strict=False):
        if few and many and any(a > b for a, b in zip(few, many, strict=False)):
            before = ENDS[ENDS.index(end) - 1]
            raise ValueError(
                f"@.{name}.{end} {short(table[end])} is below {before} = {short(table[before])}"
            )
    return found


def _numbers(value: Term) -> tuple[float, ...]:
    if isinstance(value, str):
        return ()
    return value if isinstance(value, tuple) else (value,)


def _value(name: str, key: str, value: Any) -> Term:
    if name == "ffn":
        return _ffn(key, value)
    if name == "window":
        return _windows(key, value)
    return _share(key, value, LEAST)


def _share(key: str, value: Any, least: float, most: float = MOST, what: str = "") -> float:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    if not plain or not math.isfinite(value) or not least <= value <= most:
        what = what or "a share of the reducible loss"
        raise ValueError(f"@.{key} {short(value)} is not {what} from {least:g} to {most:g}")
    return float(value)


def _ffn(key: str, value: Any) -> str | float:
    if isinstance(value, str):
        if value not in FIT_WORDS:
            hint = did_you_mean(value, FIT_WORDS)
            raise ValueError(
                f"@.{key} {short(value)} is none of {', '.join(FIT_WORDS)}{hint}, nor a number"
            )
        return value
    what = "a multiple of the mean of the two fits"
    return _share(key, value, 0.0, _MOST_FFN, what)


def _windows(key: str, value: Any) -> tuple[float, float, float]:
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise ValueError(
            f"@.{key} {short(value)} is not three shares: at windows of 2048 tokens, 1024 and 512"
        )
    first, second, third = (_share(key, each, 0.0) for each in value)
    if not first <= second <= third:
        raise ValueError(f"@.{key} {short(value)} must not fall as the window shrinks")
    return first, second, third


def _published() -> tuple[Bands, dict[str, dict[str, Any]]]:
    """The bands of `ablations.toml`, and what else it has of each term."""
    text = (Path(__file__).parent / "ablations.toml").read_text("utf-8")
    tables = tomllib.loads(text)
    bands = {name: {k: table[k] for k in ENDS} for name, table in tables.items()}
    found = read_bands(bands)

    def at(end: End) -> EndOfBands:
        terms: dict[str, Any] = {name: of[end] for name, of in found.items()}
        return EndOfBands(**terms)

    others = {
        name: {k: v for k, v in table.items() if k not in ENDS} for name, table in tables.items()
    }
    return Bands(*map(at, ENDS)), others


PUBLISHED, CONSTANTS = _published()
"""The bands of published ablations, and the constants of the formulas, by term."""
