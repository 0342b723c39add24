"""``objective.ablations``: a reading of the published terms, or a table of the user's own.

A table replaces the terms that it names; the others stay as published. It stands in the problem, or
in a file: ``"file:mine.toml"`` reads its middle, ``"file:mine.toml:low"`` its low end.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from modelsizer.problems import reading
from modelsizer.problems.errors import Fault, ProblemError, did_you_mean, short
from modelsizer.problems.laws.bands import (
    ENDS,
    PUBLISHED,
    Bands,
    End,
    Term,
    bands_schema,
    read_bands,
)
from modelsizer.problems.laws.reading import PREFIX
from modelsizer.problems.records import dataclass
from modelsizer.problems.text_files import UnreadableError, read_text
from modelsizer.problems.value_forms import Schema, any_of

NONE = "none"
"""Value of ``objective.ablations`` that leaves the terms out."""
END = "end"
"""Key of the end that a table in a problem is read at."""
_READINGS = (*ENDS, NONE)
_REST = ("provenance",)  # tables of a file that are no terms


@dataclass(frozen=True, slots=True)
class OwnTerms:
    """A table ``[objective.ablations]``.

    Parameters
    ----------
    given : tuple
        Names of terms with the low, middle and high end of each.
    end : {"low", "middle", "high"}
        The end that is read.
    """

    given: tuple[tuple[str, tuple[Term, Term, Term]], ...]
    end: End = "middle"

    @classmethod
    def of(cls, terms: Mapping[str, Mapping[End, Term]], end: End = "middle") -> OwnTerms:
        """A table of bands by term."""
        return cls(
            tuple((name, (of["low"], of["middle"], of["high"])) for name, of in terms.items()), end
        )

    @property
    def terms(self) -> dict[str, dict[End, Term]]:
        """The bands by term."""
        return {name: dict(zip(ENDS, band, strict=True)) for name, band in self.given}

    def to_table(self) -> dict[str, Any]:
        """Plain values, as a problem file writes them."""
        found: dict[str, Any] = {} if self.end == "middle" else {END: self.end}
        for name, band in self.terms.items():
            found[name] = {k: list(v) if isinstance(v, tuple) else v for k, v in band.items()}
        return found


Setting = str | OwnTerms
"""A value of ``objective.ablations``."""


def read_setting(value: object) -> Setting:
    """Read ``objective.ablations``; whether a file holds terms is checked by `bands_of`.

    Raises
    ------
    ValueError
        If it is neither a reading, nor ``file:PATH``, nor a table of terms.
    """
    if isinstance(value, OwnTerms):
        return value
    if isinstance(value, Mapping):
        end = value.get(END, "middle")
        if end not in ENDS:
            hint = did_you_mean(str(end), ENDS)
            raise ValueError(f"@.{END} {short(end)} is none of {', '.join(ENDS)}{hint}")
        terms = read_bands({k: v for k, v in value.items() if k != END})
        if not terms:
            raise ValueError("give at least one term, such as kv_heads = {low, middle, high}")
        return OwnTerms.of(terms, end)
    if isinstance(value, str) and (value in _READINGS or value.startswith(PREFIX)):
        return value
    hint = did_you_mean(str(value), _READINGS) if isinstance(value, str) else ""
    if isinstance(value, str) and value.partition(":")[0].endswith(".toml"):
        hint = f" (did you mean {PREFIX}{value}?)"
    raise ValueError(
        f"{short(value)} is not a reading of ablations{hint}; write one of "
        f'{", ".join(_READINGS)}, "{PREFIX}mine.toml" for a table of your own, or a table of terms'
    )


def setting_schema() -> Schema:
    """What `read_setting` takes, as JSON Schema."""
    table = bands_schema()
    table["properties"] = {END: {"enum": list(ENDS)}} | table["properties"]
    file = {"type": "string", "pattern": f"^{PREFIX}"}
    return any_of({"enum": list(_READINGS)}, file, table)


def file_and_end(setting: str) -> tuple[str, End]:
    """Path and end of ``file:PATH`` or ``file:PATH:END``.

    Examples
    --------
    >>> file_and_end("file:mine.toml"), file_and_end("file:mine.toml:low")
    (('mine.toml', 'middle'), ('mine.toml', 'low'))
    """
    path, _, last = setting.removeprefix(PREFIX).rpartition(":")
    for end in ENDS:
        if path and last == end:
            return path, end
    return setting.removeprefix(PREFIX), "middle"


def ablation_ends(setting: Setting) -> dict[End, Setting]:
    """Values of ``objective.ablations`` for the ends of the terms of a problem, by end.

    Those of the published terms, also where a problem leaves them out; of its own file or table
    where it has one.

    Examples
    --------
    >>> ablation_ends("file:mine.toml")["high"], ablation_ends("none")["low"]
    ('file:mine.toml:high', 'low')
    """
    if isinstance(setting, OwnTerms):
        return {end: OwnTerms(setting.given, end) for end in ENDS}
    if setting.startswith(PREFIX):
        path, _ = file_and_end(setting)
        return {end: f"{PREFIX}{path}:{end}" for end in ENDS}
    return {end: end for end in ENDS}


def bands_of(setting: Setting) -> tuple[Bands, End] | None:
    """The bands of the terms and the end that is read; None where terms are left out.

    Raises
    ------
    ProblemError
        See `load_terms`.
    """
    if isinstance(setting, OwnTerms):
        return PUBLISHED.with_terms(setting.terms), setting.end
    if setting.startswith(PREFIX):
        path, end = file_and_end(setting)
        return PUBLISHED.with_terms(terms_of(path)), end
    found: dict[str, End | Literal["none"]] = {end: end for end in ENDS} | {NONE: "none"}
    end_ = found[setting]
    return None if end_ == "none" else (PUBLISHED, end_)


def terms_of(path: str) -> Mapping[str, dict[End, Term]]:
    """The terms of a file, which is read again when it changes; see `load_terms`."""
    try:
        state = Path(path).stat()
    except (OSError, ValueError):
        return load_terms(path)  # raises the error
    return _cached_terms(str(Path(path).resolve()), path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=64)
def _cached_terms(_: str, path: str, __: int, ___: int) -> Mapping[str, dict[End, Term]]:
    return load_terms(path)


def load_terms(path: str | Path) -> dict[str, dict[End, Term]]:
    """Read a file of terms: a table with low, middle and high for each that it replaces.

    Raises
    ------
    ProblemError
        If the file does not exist or is invalid; it names the key.
    """
    label = str(path)
    try:
        text = read_text(Path(path))
    except UnreadableError as error:
        raise ProblemError.of("", f"{label}: {error}") from None
    raw = reading.parse_toml(text, label)
    try:
        found = read_bands({k: v for k, v in raw.items() if k not in _REST})
    except ValueError as error:
        key, _, message = str(error).removeprefix("@.").partition(" ")
        raise ProblemError([_located(key, message, text)], label) from None
    if not found:
        raise ProblemError.of("", "has no term: write one such as [kv_heads]", label)
    return found


def _located(key: str, message: str, text: str) -> Fault:
    (fault,) = reading.relocated(ProblemError.of(key, message), text)
    return fault
