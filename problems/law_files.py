"""Files of fitted laws: what `modelsizer fit` writes and ``law = "file:PATH"`` reads.

``[law]`` has the form, the coefficients and where they hold; ``[law.standard_errors]``,
``[provenance]`` and ``[bootstrap]`` say how sure they are and where they come from.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from problems import reading
from problems.errors import Fault, ProblemError, did_you_mean
from problems.laws import ANYWHERE, ParameterKind, PowerLaw, Range

PREFIX = "file:"
"""What a law's name starts with where it is a file."""
COEFFICIENTS: Mapping[str, tuple[str, ...]] = {
    "chinchilla": ("E", "A", "alpha", "B", "beta"),
    "gemstones": ("E", "A", "a", "B", "b", "G", "g", "T", "t"),
    "bian": ("E", "A", "B", "alpha", "gamma"),
}
"""Coefficients of each form, in the order in which they are written."""
_FORM_TEXT = "E + A/N^alpha + B/D^beta"
_DIGITS = 12  # of the numbers of a file; standard errors are far larger


@dataclass(frozen=True, slots=True)
class LawFile:
    """A fitted law.

    Parameters
    ----------
    name : str
    form : str
        A key of `COEFFICIENTS`.
    coefficients : mapping
    parameters : {"total", "non_embedding", "active"}
        What N counts.
    parameter_range, token_range : Range
        Of the runs.
    source : str
    standard_errors : mapping
        By coefficient; may lack some.
    draws : tuple of tuple of float
        Coefficients, in the form's order, of each bootstrap sample.
    seed : int or None
        Of the bootstrap.
    provenance : mapping
    path : str
        Where it was read from.
    """

    name: str
    form: str
    coefficients: Mapping[str, float]
    parameters: ParameterKind = "total"
    parameter_range: Range = ANYWHERE
    token_range: Range = ANYWHERE
    source: str = ""
    standard_errors: Mapping[str, float] = field(default_factory=dict)
    draws: tuple[tuple[float, ...], ...] = ()
    seed: int | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""

    @property
    def law(self) -> PowerLaw:
        """As a law of parameters and tokens.

        Raises
        ------
        ProblemError
            If its form sees more than these.
        """
        return self._law([self.coefficients[name] for name in COEFFICIENTS[self.form]])

    @property
    def drawn_laws(self) -> tuple[PowerLaw, ...]:
        """The law of each bootstrap sample; see `law`."""
        return tuple(self._law(row, f", draw {i}") for i, row in enumerate(self.draws, start=1))

    def _law(self, values: Sequence[float], which: str = "") -> PowerLaw:
        if self.form != "chinchilla":
            raise ProblemError.of(
                "law.form",
                f"{self.form!r} sees the shape; a law of parameters and tokens is needed here, "
                "of form 'chinchilla'",
                self.path,
            )
        E, A, alpha, B, beta = values
        return PowerLaw(
            self.name + which,
            E,
            A,
            alpha,
            B,
            beta,
            parameter_kind=self.parameters,
            parameter_range=self.parameter_range,
            token_range=self.token_range,
            source=self.source,
            form=_FORM_TEXT,
        )


# Writing


def _text(value: Any) -> str:
    """A value of TOML on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
        text = f"{value:.{_DIGITS}g}"
        return text if any(c in text for c in ".e") else f"{text}.0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {_text(v)}" for k, v in value.items()) + "}"
    return "[" + ", ".join(_text(v) for v in value) + "]"


def _key(name: str) -> str:
    return name if name.replace("_", "a").replace("-", "a").isalnum() else json.dumps(name)


def _range(ends: Range) -> dict[str, float]:
    return {k: v for k, v in (("min", ends.low), ("max", ends.high)) if v is not None}


def law_text(law: LawFile) -> str:
    """The file of a law, as TOML."""
    names = COEFFICIENTS[law.form]
    head: dict[str, Any] = {"name": law.name, "form": law.form, "parameters": law.parameters}
    head |= {name: float(law.coefficients[name]) for name in names}
    for key, ends in (("parameter_range", law.parameter_range), ("token_range", law.token_range)):
        if _range(ends):
            head[key] = _range(ends)
    if law.source:
        head["source"] = law.source
    tables: dict[str, Mapping[str, Any]] = {"law": head}
    if law.standard_errors:
        tables["law.standard_errors"] = {k: float(v) for k, v in law.standard_errors.items()}
    if law.provenance:
        tables["provenance"] = law.provenance
    lines = []
    for table, content in tables.items():
        lines += [f"[{table}]", *(f"{_key(k)} = {_text(v)}" for k, v in content.items()), ""]
    if law.draws:
        lines += ["[bootstrap]"]
        lines += [f"seed = {law.seed}"] if law.seed is not None else []
        lines += [f"coefficients = {_text(names)}", "draws = ["]
        lines += [f"    {_text([float(v) for v in row])}," for row in law.draws]
        lines += ["]", ""]
    return "\n".join(lines)


# Reading


def load_law(path: str | Path) -> LawFile:
    """Read the file of a law.

    Raises
    ------
    ProblemError
        If there is no such file, or anything in it is wrong.
    """
    label = str(path)
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ProblemError.of("", f"{label}: cannot be read: {reason}") from None
    raw = reading.parse_toml(text, label)
    reader = _Reader(raw, text)
    found = reader.law(label)
    if reader.faults:
        raise ProblemError(reader.faults, label)
    assert found is not None
    return found


def law_named(name: str) -> PowerLaw:
    """The law of ``file:PATH``, a path from the working directory; read again when it changes.

    Raises
    ------
    ProblemError
        As `load_law`, and if the law sees more than parameters and tokens.
    """
    path = Path(name.removeprefix(PREFIX))
    try:
        state = path.stat()
    except OSError:
        return load_law(path).law  # says what is wrong
    return _kept(str(path.resolve()), str(path), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=64)
def _kept(_: str, path: str, __: int, ___: int) -> PowerLaw:
    return load_law(path).law


class _Reader:
    """Takes a law out of plain tables and keeps what is wrong."""

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
        self.wrong(key, f"{value!r} is not a table")
        return {}

    def number(self, key: str, value: Any, *, zero: bool = False) -> float:
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        if plain and math.isfinite(value) and (value > 0 or (zero and value == 0)):
            return float(value)
        self.wrong(key, f"{value!r} is not {'zero or ' if zero else ''}a positive number")
        return 1.0

    def law(self, path: str) -> LawFile | None:
        for name in self.raw:
            if name not in self._TABLES:
                hint = did_you_mean(name, self._TABLES)
                self.wrong(name, f"unknown table{hint}; known: {', '.join(self._TABLES)}")
        head = self.table("law", self.raw, "law")
        form = head.get("form", "chinchilla")
        if form not in COEFFICIENTS:
            known = ", ".join(COEFFICIENTS)
            hint = did_you_mean(str(form), COEFFICIENTS)
            self.wrong("law.form", f"{form!r} is no form{hint}; known: {known}")
            return None
        names = COEFFICIENTS[form]
        rest = ("name", "form", "parameters", "parameter_range", "token_range", "source",
                "standard_errors")  # fmt: skip
        for key in head:
            if key not in (*rest, *names):
                hint = did_you_mean(key, (*rest, *names))
                self.wrong(f"law.{key}", f"unknown key{hint}; known: {', '.join((*names, *rest))}")
        values = {}
        for name in names:
            if name not in head:
                self.wrong(f"law.{name}", f"this key is required for the form {form!r}")
            else:
                values[name] = self.number(f"law.{name}", head[name], zero=name == "E")
        kind = head.get("parameters", "total")
        if kind not in get_args(ParameterKind):
            self.wrong(
                "law.parameters", f"{kind!r} is not one of {', '.join(get_args(ParameterKind))}"
            )
        errors = self.table("law.standard_errors", head, "standard_errors")
        seed, draws = self.draws(names)
        ends = self.range("parameter_range", head), self.range("token_range", head)
        if self.faults:
            return None
        return LawFile(
            str(head.get("name") or Path(path).stem),
            form,
            values,
            kind,
            *ends,
            str(head.get("source", "")),
            {str(k): float(v) for k, v in errors.items() if isinstance(v, int | float)},
            draws,
            seed,
            self.table("provenance", self.raw, "provenance"),
            path,
        )

    def range(self, name: str, head: Mapping[str, Any]) -> Range:
        key = f"law.{name}"
        ends = self.table(key, head, name)
        low, high = (
            self.number(key, ends[end], zero=True) if end in ends else None
            for end in ("min", "max")
        )
        if set(ends) - {"min", "max"} or (low is not None and high is not None and low > high):
            self.wrong(key, f"{dict(ends)!r} is no range; write {{min = 7e7, max = 1.6e10}}")
        return Range(low, high)

    def draws(self, names: tuple[str, ...]) -> tuple[int | None, tuple[tuple[float, ...], ...]]:
        content = self.table("bootstrap", self.raw, "bootstrap")
        rows = content.get("draws", [])
        order = content.get("coefficients", list(names))
        if not isinstance(order, list) or sorted(map(str, order)) != sorted(names):
            self.wrong("bootstrap.coefficients", f"{order!r} are not {', '.join(names)}")
            return None, ()
        at = [order.index(name) for name in names]
        found = []
        for i, row in enumerate(rows if isinstance(rows, list) else [rows], start=1):
            if not isinstance(row, list) or len(row) != len(names):
                self.wrong("bootstrap.draws", f"row {i} is not {len(names)} numbers")
                break
            values = [
                self.number("bootstrap.draws", row[k], zero=names[j] == "E")
                for j, k in enumerate(at)
            ]
            found.append(tuple(values))
        seed = content.get("seed")
        return (seed if isinstance(seed, int) else None), tuple(found)
