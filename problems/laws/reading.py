"""Read files of laws; see `modelsizer.problems.laws.files`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from modelsizer.problems import reading
from modelsizer.problems.errors import Fault, ProblemError, did_you_mean, short
from modelsizer.problems.laws.features import FEATURES
from modelsizer.problems.laws.files import COEFFICIENTS, TERMS, LawFile, term_names, term_values
from modelsizer.problems.laws.laws import ParameterKind, PowerTerm, Range, TokenLaw
from modelsizer.problems.laws.terms import read_terms
from modelsizer.problems.text_files import UnreadableError, exists, read_text

PREFIX = "file:"
"""Prefix of the name of a law in a file."""
_ENDING = ".toml"
_REST = ("name", "form", "parameters", "parameter_range", "token_range", "ranges", "source",
         "standard_errors", "rms")  # fmt: skip


def law_setting(typed: str) -> str:
    """The value of ``objective.law`` for a law as it is typed.

    Parameters
    ----------
    typed : str
        A name, or the path of a ``.toml`` file with or without ``file:`` before it.

    Examples
    --------
    >>> law_setting("mylaw.toml"), law_setting("kaplan-2020")
    ('file:mylaw.toml', 'kaplan-2020')
    """
    text = typed.strip()
    return PREFIX + text if text.endswith(_ENDING) and not text.startswith(PREFIX) else text


def laws_beside(raw: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Tables of a problem file with the paths of its files seen from the working folder.

    These are laws (``objective.law``) and terms (``objective.ablations``).

    A relative path in a problem file is one beside that file; where there is none, it stays as it
    is, a path from the working folder.

    Parameters
    ----------
    raw : mapping
        Plain tables; what has another shape is left to the checks.
    folder : Path
        Of the problem file.
    """
    found = dict(raw)
    for key in ("law", "ablations"):
        objective = found.get("objective")
        if isinstance(objective, Mapping) and isinstance(name := objective.get(key), str):
            found["objective"] = {**objective, key: _beside(name, folder)}
        if isinstance(name := found.get(f"objective.{key}"), str):  # of a scenario
            found[f"objective.{key}"] = _beside(name, folder)
    scenarios = found.get("scenarios")
    if isinstance(scenarios, Mapping):
        found["scenarios"] = {
            name: laws_beside(one, folder) if isinstance(one, Mapping) else one
            for name, one in scenarios.items()
        }
    return found


def _beside(name: str, folder: Path) -> str:
    """``file:PATH`` of a law, or of terms and perhaps their end, seen from the working folder."""
    if not name.startswith(PREFIX):
        return name
    whole = name.removeprefix(PREFIX)
    for text, end in ((whole, ""), whole.rpartition(":")[::2]):
        path = Path(text)
        if text and not path.is_absolute() and exists(folder / path):
            return f"{PREFIX}{folder / path}{end and ':' + end}"
    return name


def load_law(path: str | Path) -> LawFile:
    """Read the file of a law.

    Raises
    ------
    ProblemError
        If the file does not exist or is invalid.
    """
    label = str(path)
    try:
        text = read_text(Path(path))
    except UnreadableError as error:
        raise ProblemError.of("", f"{label}: {error}") from None
    raw = reading.parse_toml(text, label)
    reader = _Reader(raw, text)
    found = reader.law(label)
    if reader.faults:
        raise ProblemError(reader.faults, label)
    assert found is not None
    return found


def law_named(name: str) -> TokenLaw:
    """Law in the file of ``file:PATH``, which is read again when it changes.

    Raises
    ------
    ProblemError
        See `load_law`.
    """
    path = Path(name.removeprefix(PREFIX))
    try:
        state = path.stat()
    except (OSError, ValueError):
        return load_law(path).law  # raises the error
    return _cached_law(str(path.resolve()), str(path), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=64)
def _cached_law(_: str, path: str, __: int, ___: int) -> TokenLaw:
    return load_law(path).law


class _Reader:
    """Builds a law from plain tables and collects the errors."""

    _TABLES = ("law", "provenance", "bootstrap")

    def __init__(self, raw: Mapping[str, Any], text: str) -> None:
        self.raw, self.lines = raw, reading.key_lines(text)
        self.faults: list[Fault] = []

    def wrong(self, key: str, message: str) -> None:
        self.faults.append(Fault(key, message, self.lines.get(key)))

    def table(self, key: str, content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        value = content.get(name, {})
        if isinstance(value, Mapping):
            return value
        self.wrong(key, f"{short(value)} is not a table")
        return {}

    def number(self, key: str, value: Any, *, zero: bool = False) -> float:
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        if plain and math.isfinite(value) and (value > 0 or (zero and value == 0)):
            return float(value)
        self.wrong(key, f"{short(value)} is not {'zero or ' if zero else ''}a positive number")
        return 1.0

    def finite(self, key: str, value: Any) -> float:
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        if plain and math.isfinite(value):
            return float(value)
        self.wrong(key, f"{short(value)} is not a number")
        return 1.0

    def text(self, head: Mapping[str, Any], name: str) -> str:
        value = head.get(name, "")
        if isinstance(value, str):
            return value
        self.wrong(f"law.{name}", f"{short(value)} is not text")
        return ""

    def law(self, path: str) -> LawFile | None:
        for name in self.raw:
            if name not in self._TABLES:
                hint = did_you_mean(name, self._TABLES)
                self.wrong(name, f"unknown table{hint}; known: {', '.join(self._TABLES)}")
        head = self.table("law", self.raw, "law")
        form = head.get("form", TERMS if TERMS in head else "chinchilla")
        forms = (*COEFFICIENTS, TERMS)
        if form not in forms:
            hint = did_you_mean(str(form), forms)
            self.wrong("law.form", f"{short(form)} is no form{hint}; known: {', '.join(forms)}")
            return None
        keys = ("E", TERMS, "fixed") if form == TERMS else COEFFICIENTS[form]
        for key in head:
            if key not in (*_REST, *keys):
                hint = did_you_mean(key, (*_REST, *keys))
                self.wrong(f"law.{key}", f"unknown key{hint}; known: {', '.join((*keys, *_REST))}")
        for name in keys:
            if name not in head and name != "fixed":
                self.wrong(f"law.{name}", f"this key is required for the form {short(form)}")
        terms: tuple[PowerTerm, ...] = ()
        if form == TERMS:
            terms = self.terms(head)
            names = term_names(terms)
            values = term_values(self.finite("law.E", head.get("E", 0.0)), terms)
        else:
            names = COEFFICIENTS[form]
            values = {
                name: self.number(f"law.{name}", head[name], zero=name == "E")
                for name in names
                if name in head
            }
        fixed = self.fixed(head, names)
        kind = head.get("parameters", "total")
        if kind not in get_args(ParameterKind):
            self.wrong(
                "law.parameters",
                f"{short(kind)} is not one of {', '.join(get_args(ParameterKind))}",
            )
        errors = self.table("law.standard_errors", head, "standard_errors")
        for name, value in errors.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                self.wrong("law.standard_errors", f"{name} = {short(value)} is not a number")
        seed, draws = self.draws(names, any_sign=form == TERMS)
        ends = self.range("parameter_range", head), self.range("token_range", head)
        ranges = self.ranges(head)
        found = LawFile(
            self.text(head, "name") or Path(path).stem,
            form,
            values,
            kind,
            *ends,
            self.text(head, "source"),
            {k: float(v) for k, v in errors.items() if isinstance(v, int | float)},
            draws,
            seed,
            self.table("provenance", self.raw, "provenance"),
            path,
            terms,
            ranges,
            fixed,
            self.number("law.rms", head["rms"]) if "rms" in head else None,
        )
        if self.faults:
            return None
        for key, laws in (
            ("law", lambda: found.law),
            ("bootstrap.draws", lambda: found.drawn_laws),
        ):
            try:
                laws()
            except ValueError as error:
                self.wrong(key, str(error))
        return found

    def terms(self, head: Mapping[str, Any]) -> tuple[PowerTerm, ...]:
        try:
            return read_terms(head.get(TERMS))
        except ValueError as error:
            self.wrong(f"law.{TERMS}", str(error))
            return ()

    def fixed(self, head: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
        wanted = head.get("fixed", [])
        if not isinstance(wanted, list) or any(name not in names for name in wanted):
            known = ", ".join(names)
            self.wrong("law.fixed", f"{short(wanted)} is no list of coefficients; known: {known}")
            return ()
        return tuple(wanted)

    def ranges(self, head: Mapping[str, Any]) -> dict[str, Range]:
        found = {}
        content = self.table("law.ranges", head, "ranges")
        for name in content:
            if name not in FEATURES[2:]:  # all but parameters and tokens
                hint = did_you_mean(str(name), FEATURES[2:])
                known = ", ".join(FEATURES[2:])
                self.wrong("law.ranges", f"unknown feature {short(name)}{hint}; known: {known}")
            else:
                found[name] = self.range(name, content)
        return found

    def range(self, name: str, head: Mapping[str, Any]) -> Range:
        key = f"law.{name}"
        ends = self.table(key, head, name)
        low, high = (
            self.number(key, ends[end], zero=True) if end in ends else None
            for end in ("min", "max")
        )
        if set(ends) - {"min", "max"} or (low is not None and high is not None and low > high):
            self.wrong(key, f"{short(dict(ends))} is no range; write {{min = 7e7, max = 1.6e10}}")
        return Range(low, high)

    def draws(
        self, names: tuple[str, ...], *, any_sign: bool
    ) -> tuple[int | None, tuple[tuple[float, ...], ...]]:
        content = self.table("bootstrap", self.raw, "bootstrap")
        rows = content.get("draws", [])
        order = content.get("coefficients", list(names))
        if not isinstance(order, list) or sorted(map(str, order)) != sorted(names):
            self.wrong("bootstrap.coefficients", f"{short(order)} are not {', '.join(names)}")
            return None, ()
        at = [order.index(name) for name in names]
        found = []
        for i, row in enumerate(rows if isinstance(rows, list) else [rows], start=1):
            if not isinstance(row, list) or len(row) != len(names):
                self.wrong("bootstrap.draws", f"row {i} is not {len(names)} numbers")
                break
            values = [
                self.finite("bootstrap.draws", row[k])
                if any_sign
                else self.number("bootstrap.draws", row[k], zero=names[j] == "E")
                for j, k in enumerate(at)
            ]
            found.append(tuple(values))
        seed = content.get("seed")
        if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool)):
            self.wrong("bootstrap.seed", f"{short(seed)} is not a whole number")
        return seed, tuple(found)
