"""Fit terms of ablations to runs in which choices were varied: the function `fit_terms`.

A run of a base g has the loss ``E + (1 + x c) (L_g - E)``: x are what the coefficients c of the
terms are multiplied by in it, L_g is what the base would have without any term. ``ln(loss - E)`` is
fitted by least squares, with one free constant for each base; where the table has N and D, the
law's own difference between the runs of a base is taken out first, so that more kv heads are not
credited with the parameters that they add.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelsizer.optimizer.fitting.ablation_runs import AblationRun, read_ablation_runs
from modelsizer.optimizer.fitting.forms import Array
from modelsizer.optimizer.fitting.magnitudes import implausible
from modelsizer.problems.brief import counted
from modelsizer.problems.errors import ModelsizerError, require_type
from modelsizer.problems.laws.ablated import UNITS
from modelsizer.problems.laws.bands import ENDS, LEAST, MOST, TERMS, End, Term, read_bands
from modelsizer.problems.laws.laws import TokenLaw
from modelsizer.problems.laws.own_terms import OwnTerms
from modelsizer.problems.laws.published import token_law
from modelsizer.problems.laws.reading import PREFIX, law_named, law_setting
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Tabled
from modelsizer.problems.version import __version__

_WINDOWS = ("window 2048", "window 1024", "window 512")
_LEVEL = 0.95  # of the interval whose ends are low and high
_SAME = 1e-4  # part of a term below which a choice counts as not varied within a base
_DIGITS = 6  # significant digits of a file
_ROUNDS = 50


@dataclass(frozen=True)
class FittedTerms(Tabled):
    """Terms fitted to runs.

    Parameters
    ----------
    terms : mapping
        Low, middle and high of each term that was varied.
    varied : mapping of tuple of str
        Labels of the runs whose base varied each of these terms.
    left : mapping of str to str
        Why each other term is not among them.
    law : str
        The law whose irreducible loss the shares are above.
    irreducible : float
    runs, bases : int
        Runs that were used, and the number of their bases.
    alone : tuple of str
        Labels of runs without another one of the same base.
    corrected : bool
        Whether the difference of the law between the runs of a base was taken out.
    residual : float
        Root mean square of ln(loss - E), per degree of freedom.
    notes : tuple of str
    source, sha256 : str
    skipped : mapping of int
    """

    terms: Mapping[str, Mapping[End, Term]]
    varied: Mapping[str, tuple[str, ...]]
    left: Mapping[str, str]
    law: str
    irreducible: float
    runs: int
    bases: int
    alone: tuple[str, ...]
    corrected: bool
    residual: float
    notes: tuple[str, ...]
    source: str
    sha256: str
    skipped: Mapping[str, int]

    def _words(self) -> str:
        return f"of {counted(self.runs, 'run')}: {', '.join(self.terms) or 'none'}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "terms": self._table(),
            "varied": {name: list(labels) for name, labels in self.varied.items()},
            "left_out": dict(self.left),
            "law": self.law,
            "irreducible": self.irreducible,
            "runs": self.runs,
            "bases": self.bases,
            "alone": list(self.alone),
            "law_taken_out": self.corrected,
            "residual": self.residual,
            "notes": list(self.notes),
            "source": self.source,
            "sha256": self.sha256,
            "skipped": dict(self.skipped),
        }

    def _table(self) -> dict[str, Any]:
        return OwnTerms.of({name: dict(band) for name, band in self.terms.items()}).to_table()

    def to_toml(self, command: str = "") -> str:
        """Text of the file that ``objective.ablations = "file:PATH"`` takes.

        Parameters
        ----------
        command : str
            How it was made, for its provenance.
        """
        from modelsizer.problems.reading import write_toml

        tables: dict[str, Any] = {}
        for name, band in self._table().items():
            count = len(self.varied[name])
            tables[name] = band | {"source": f"{count} runs of {self.source}"}
        tables["provenance"] = {
            "runs": self.source,
            "sha256": self.sha256,
            "law": self.law,
            "irreducible": self.irreducible,
            "law_taken_out": self.corrected,
            "band": f"least squares, {_LEVEL:.0%} interval",
            "modelsizer": __version__,
        } | ({"command": command} if command else {})
        return write_toml(tables)


def fit_terms(
    runs: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    where: Sequence[str] = (),
    law: str = "besiroglu-2024",
) -> FittedTerms:
    """Fit terms of ablations to runs in which choices were varied.

    Parameters
    ----------
    runs : str or Path
        A table with a loss, the base of each run (a column ``base``, or N and D), and choices:
        ``heads``, ``kv_heads``, ``r``, ``full_every``, ``between``, ``window``, ``kv_lora_rank``.
    columns : mapping of str to str, optional
        Names of the table's columns by key.
    where : sequence of str
        Conditions that rows must satisfy.
    law : str
        A law of N and D: the terms are shares of the loss above its E.

    Returns
    -------
    FittedTerms
        Of the terms that were varied; the middle by least squares, low and high the ends of its
        95 % interval.

    Raises
    ------
    ModelsizerError
        If nothing was varied, terms cannot be told apart, no run is left for the band, or a loss
        is not above E.
    """
    require_type("runs", runs, str | Path)
    found = read_ablation_runs(Path(runs), columns, where)
    named = _law(law)
    together = _together(found.runs)
    alone = tuple(run.label for run in found.runs if run not in together)
    names, notes = _varied(together)
    corrected = all(run.n is not None and run.d is not None for run in together)
    doubts = implausible(found.columns, _counts(together)) if corrected else []
    y = _logs(together, named, corrected=corrected)
    x = np.array([[run.units[name] for name in names] for run in together])
    fitted = _least_squares(x, y, _groups(together), names)
    bands, more = _bands(names, fitted)
    return FittedTerms(
        bands,
        {name: _labels(together, name) for name in bands},
        _left(names, bands),
        named.name,
        named.irreducible,
        len(together),
        len({run.base for run in together}),
        alone,
        corrected,
        fitted.residual,
        (*doubts, *notes, *more),
        found.source,
        found.sha256,
        found.skipped,
    )


@dataclass(frozen=True, slots=True)
class _Fitted:
    values: Array
    halves: Array
    residual: float


def _law(name: str) -> TokenLaw:
    setting = law_setting(name)
    try:
        law = law_named(setting) if setting.startswith(PREFIX) else token_law(setting)
    except ValueError as error:
        raise ModelsizerError(f"law: {error}") from None
    if law.features:
        raise ModelsizerError(f"law: {law.name} sees more than N and D; take a law of these alone")
    return law


def _together(runs: Sequence[AblationRun]) -> list[AblationRun]:
    """Runs of a base that has another one."""
    bases = [run.base for run in runs]
    found = [run for run in runs if bases.count(run.base) > 1]
    if not found:
        raise ModelsizerError(
            "no two runs have the same base, so no choice was varied alone: runs of the same N and "
            "D are, or those of one value in a column base (--columns base=NAME)"
        )
    return found


def _counts(runs: Sequence[AblationRun]) -> dict[str, Array]:
    """N and D of runs that have both, each of shape (runs,)."""
    return {"N": np.array([run.n for run in runs], float),
            "D": np.array([run.d for run in runs], float)}  # fmt: skip


def _groups(runs: Sequence[AblationRun]) -> Array:
    return np.unique([run.base for run in runs], return_inverse=True)[1]


def _spread(runs: Sequence[AblationRun], names: Sequence[str]) -> Array:
    """What coefficients are multiplied by, less its mean over each base."""
    x = np.array([[run.units[name] for name in names] for run in runs])
    return _less_means(x, _groups(runs))


def _less_means(values: Array, groups: Array) -> Array:
    found = np.array(values, float)
    for group in np.unique(groups):
        found[groups == group] -= found[groups == group].mean(axis=0)
    return found


def _varied(runs: Sequence[AblationRun]) -> tuple[list[str], list[str]]:
    """Coefficients that were varied within some base, and notes about them.

    Raises
    ------
    ModelsizerError
        If there is none, or some change together in every run.
    """
    notes = []
    every = list(UNITS)
    moved = np.abs(_spread(runs, every)).max(axis=0) > _SAME
    names = [name for name, is_so in zip(every, moved, strict=True) if is_so]
    if not names:
        raise ModelsizerError("no choice that a term sees was varied within a base")
    if _WINDOWS[0] in names and _rank(runs, names) < len(names):
        names.remove(_WINDOWS[0])
        notes.append("windows were compared with one another: one of 2048 tokens counts as free")
    if _rank(runs, names) < len(names):
        whole = _rank(runs, names)
        tied = [n for n in names if _rank(runs, [m for m in names if m != n]) == whole]
        raise ModelsizerError(
            f"{' and '.join(tied)} change together in these runs, so that their terms cannot be "
            "told apart: vary one of them alone, or leave runs out by --where"
        )
    return names, notes


def _rank(runs: Sequence[AblationRun], names: Sequence[str]) -> int:
    return int(np.linalg.matrix_rank(_spread(runs, names), tol=_SAME)) if names else 0


def _logs(runs: Sequence[AblationRun], law: TokenLaw, *, corrected: bool) -> Array:
    """``ln(loss - E)`` of runs, without what the law itself says of their N and D.

    Raises
    ------
    ModelsizerError
        If a loss is not above E.
    """
    found = []
    for run in runs:
        excess = run.loss - law.irreducible
        if excess <= 0:
            raise ModelsizerError(
                f"{run.label}: a loss of {run.loss:g} is not above E = {law.irreducible:g} of "
                f"{law.name}; name the law of these runs by --base-law"
            )
        predicted = 1.0
        if corrected:
            assert run.n is not None
            assert run.d is not None
            predicted = float(law.loss(run.n, run.d)) - law.irreducible
        found.append(math.log(excess / predicted))
    return np.array(found)


def _least_squares(x: Array, y: Array, groups: Array, names: Sequence[str]) -> _Fitted:
    """Gauss-Newton of ``y = a_g + ln(1 + x c)``, and the interval of each coefficient.

    Raises
    ------
    ModelsizerError
        If no run is left for the interval.
    """
    from scipy.special import stdtrit

    bases = len(np.unique(groups))
    free = len(y) - bases - len(names)
    if free < 1:
        raise ModelsizerError(
            f"{len(y)} runs of {bases} bases determine {', '.join(names)} exactly, and none is "
            "left for a band: add another base, a repeat or another value"
        )
    c = np.zeros(len(names))
    for _ in range(_ROUNDS):
        scale = np.maximum(1.0 + x @ c, 0.05)
        slope = _less_means(x / scale[:, None], groups)
        step = np.linalg.lstsq(slope, _less_means(y - np.log(scale), groups), rcond=None)[0]
        c = c + step
        if np.abs(step).max() < 1e-12:
            break
    scale = np.maximum(1.0 + x @ c, 0.05)
    slope = _less_means(x / scale[:, None], groups)
    left = _less_means(y - np.log(scale), groups)
    variance = float(left @ left) / free
    spread = np.sqrt(variance * np.diag(np.linalg.inv(slope.T @ slope)))
    return _Fitted(c, float(stdtrit(free, (1 + _LEVEL) / 2)) * spread, math.sqrt(variance))


def _bands(
    names: Sequence[str], fitted: _Fitted
) -> tuple[dict[str, dict[End, Term]], tuple[str, ...]]:
    """Bands of the terms whose coefficients are all known, and notes on what was cut."""
    signs = dict(zip(ENDS, (-1.0, 0.0, 1.0), strict=True))
    values = {
        name: {end: float(c + sign * half) for end, sign in signs.items()}
        for name, c, half in zip(names, fitted.values, fitted.halves, strict=True)
    }
    found: dict[str, dict[End, Any]] = {}
    cut = []
    for name in TERMS:
        if name == "window":
            if not set(_WINDOWS[1:]) <= values.keys():
                continue
            free = dict.fromkeys(ENDS, 0.0)
            three = [values.get(part, free) for part in _WINDOWS]
            raw = {end: [part[end] for part in three] for end in ENDS}
            band: dict[End, Any] = {
                end: np.maximum.accumulate(np.clip(raw[end], 0.0, MOST)).tolist() for end in ENDS
            }
            changed = any(not np.allclose(raw[end], band[end], atol=1e-12) for end in ENDS)
        elif name in values:
            least, most = (0.0, 10.0) if name == "ffn" else (LEAST, MOST)
            band = {end: min(max(values[name][end], least), most) for end in ENDS}
            changed = any(band[end] != values[name][end] for end in ENDS)
        else:
            continue
        found[name] = {end: _rounded(band[end]) for end in ENDS}
        if changed:
            cut.append(name)
    notes = (f"cut to what a term may be: {', '.join(cut)}",) if cut else ()
    return read_bands(found), notes


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return float(f"{value:.{_DIGITS}g}")


def _labels(runs: Sequence[AblationRun], term: str) -> tuple[str, ...]:
    """Runs whose base varied a term."""
    names = _WINDOWS if term == "window" else (term,)
    moved = np.abs(_spread(runs, names)).max(axis=1).tolist()
    bases = {run.base for run, most in zip(runs, moved, strict=True) if most > _SAME}
    return tuple(run.label for run in runs if run.base in bases)


def _left(names: Sequence[str], bands: Mapping[str, Any]) -> dict[str, str]:
    why = {}
    for term in TERMS:
        if term not in bands:
            some = term == "window" and any(name in names for name in _WINDOWS)
            why[term] = (
                "needs windows of 512 or fewer tokens and of some 1024" if some else "not varied"
            )
    return why
