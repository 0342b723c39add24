"""Identify the columns of a table, by common names or as the user states, and read numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelsizer.optimizer.fitting.tables import Table
from modelsizer.optimizer.fitting.terms import Array, Form
from modelsizer.problems.errors import ModelsizerError, did_you_mean, short
from modelsizer.problems.key_values import split_pair
from modelsizer.problems.laws.laws import ParameterKind
from modelsizer.problems.units import parse_quantity

NAMES: dict[str, tuple[str, ...]] = {
    "N": ("n", "params", "parameters", "n_params", "num_params", "num_parameters", "n_parameters",
          "param_count", "parameter_count", "model_size", "size", "total_params", "params_total",
          "total_parameters", "params_active_precise", "params_active", "active_params",
          "active_parameters", "non_embedding_params", "non_embedding_parameters",
          "params_non_embedding", "non_embedding", "nonembedding_params", "non_emb_params"),
    "D": ("d", "tokens", "training_tokens", "train_tokens", "n_tokens", "num_tokens",
          "tokens_seen", "seen_tokens", "total_tokens", "tokens_trained", "token_count",
          "dataset_size", "data"),
    "C": ("c", "flops", "training_flops", "training_flop", "train_flops", "total_flops", "flop",
          "compute", "training_compute", "train_compute", "compute_flops"),
    "width": ("width", "d_model", "hidden_size", "n_embd", "dim", "hidden_dim", "dmodel"),
    "depth": ("depth", "layers", "n_layers", "num_layers", "n_layer", "num_hidden_layers"),
    "heads": ("heads", "n_heads", "num_heads", "n_head", "num_attention_heads"),
    "kv_heads": ("kv_heads", "n_kv_heads", "num_kv_heads", "num_key_value_heads", "n_kv_head"),
    "head_dim": ("head_dim", "d_head", "head_size"),
    "d_ff": ("d_ff", "intermediate_size", "ffn_dim", "ffn_hidden_size", "d_ffn", "n_inner"),
    "vocab_size": ("vocab_size", "vocab", "vocabulary", "vocabulary_size", "n_vocab"),
    "loss": ("loss", "final_loss", "val_loss", "valid_loss", "validation_loss", "eval_loss",
             "test_loss", "final_val_loss", "train_loss", "training_loss", "final_train_loss"),
    "run": ("run", "run_name", "run_id", "name", "model", "model_name"),
}  # fmt: skip
"""What each column may be called; capitals, spaces, signs and a unit do not matter."""
WORDS = {"N": "parameters", "D": "tokens", "C": "training FLOPs", "width": "d_model",
         "depth": "layers", "loss": "the loss"}  # fmt: skip
_DIMENSIONS = {"N": "parameters", "D": "tokens", "C": "FLOPs"}
_MISSING = ("", "na", "n/a", "nan", "none", "null", "-", "#n/a")
_BRACKETED = re.compile(r"(.+?)[\s_]*[(\[]\s*(.+?)\s*[)\]]\s*$")
_SPELT = re.compile(r"(.+?)[\s_]+(?:in[\s_]+)?(thousand|million|billion|trillion)s?$", re.I)
_SUFFIXED = re.compile(r"(.+?)[\s_]([KMBT])$")
_SPELT_OUT = {"thousand": "K", "million": "M", "billion": "B", "trillion": "T"}
_LEAST = {"N": 1e4, "D": 1e6}  # a smaller median suggests that the values are not counts
_NOT_FINITE = tuple(f"{sign}{word}" for sign in ("", "+", "-") for word in ("inf", "infinity"))
"""Losses of runs that diverged."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table.

    Parameters
    ----------
    name : str
        Name in the table.
    factor : float
        Multiplier of each value, from the unit in the name.
    """

    name: str
    factor: float = 1.0


def parse_columns(text: str | None) -> dict[str, str]:
    """Parse ``"N=Model Size,loss=loss"`` into a mapping.

    Raises
    ------
    ModelsizerError
        If a piece is not of the form ``KEY=NAME``, or the key is unknown.
    """
    found: dict[str, str] = {}
    for piece in (text or "").split(","):
        if not piece.strip():
            continue
        pair = split_pair(piece)
        if pair is None:
            raise ModelsizerError(
                f"--columns: {short(piece.strip())} is not KEY=NAME, such as D=tokens"
            )
        key, name = pair
        if key not in NAMES:
            hint = did_you_mean(key, NAMES)
            raise ModelsizerError(
                f"--columns: unknown key {short(key)}{hint}; keys: {', '.join(NAMES)}"
            )
        if key in found:
            raise ModelsizerError(f"--columns: {key} is given twice")
        found[key] = name
    return found


def mapped(
    path: Path, there: Sequence[str], told: Mapping[str, str], form: Form
) -> dict[str, Column]:
    """Find the column for each required key, and for the optional keys that are present.

    Raises
    ------
    ModelsizerError
        If a required or stated column is missing.
    """
    listed = ", ".join(there)
    for key, name in told.items():
        if name not in there:
            hint = did_you_mean(name, there)
            raise ModelsizerError(
                f"--columns: {path} has no column {short(name)} for {key}{hint}; it has: {listed}"
            )
    names = dict(told)
    taken = set(told.values())
    for key, known in NAMES.items():
        if key in names:
            continue
        free = [name for name in _called(key, known, there) if name not in taken]
        if free:
            names[key] = free[0]
            taken.add(free[0])
    wanted = [*form.columns, "loss"]
    if "D" not in names and {"C", "N"} <= set(names):
        wanted.remove("D")
    for key in wanted:
        if key not in names:
            also = " (or C, training FLOPs)" if key == "D" else ""
            word = f", {WORDS[key]}" if key in WORDS else ""
            raise ModelsizerError(
                f"{path} has no column for {key}{word}{also}: name it by --columns "
                f"{key}=NAME; it has: {listed}"
            )
    needed = {*form.columns, "loss", "C", "run"}
    return {
        key: Column(name, _unit(key, name)[1] or 1.0)
        for key, name in names.items()
        if key in needed
    }


def _called(key: str, known: Sequence[str], there: Sequence[str]) -> list[str]:
    """Columns with a known name: an exact match first, then without units, then nested names."""
    found: dict[str, None] = {}
    wholes: dict[str, str] = {}
    bares: dict[str, str] = {}
    nested: dict[str, str] = {}
    for name in there:
        wholes.setdefault(_plain(name), name)
        bares.setdefault(_plain(_unit(key, name)[0]), name)
        nested.setdefault(_plain(_unit(key, name.rpartition(".")[2])[0]), name)
    if key in there:
        found[key] = None
    for of in (wholes, bares, nested):
        found |= dict.fromkeys(of[name] for name in known if name in of)
    return list(found)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name).strip("_").lower()


def _unit(key: str, name: str) -> tuple[str, float | None]:
    """Split a name into name and multiplier of its unit, None if unknown; (B) is 1e9."""
    bracketed = _BRACKETED.match(name)
    if key not in _DIMENSIONS:
        return (bracketed[1] if bracketed else name), 1.0
    for match in (bracketed, _SPELT.match(name), _SUFFIXED.match(name)):
        if match is None:
            continue
        unit = re.sub(r"^(in\s+|x\s*)", "", match[2], flags=re.I).replace("10^", "1e")
        unit = re.sub(r"^P(eta)?F-?day", "PFLOP/s-day", unit, flags=re.I)
        unit = re.sub(r"^(thousand|million|billion|trillion)s?\b",
                      lambda m: _SPELT_OUT[m[1].lower()], unit, flags=re.I)  # fmt: skip
        for text in (unit, f"1 {unit}"):
            try:
                return match[1], float(parse_quantity(text, _DIMENSIONS[key]))
            except ValueError:
                continue
    return (bracketed[1], None) if bracketed else (name, 1.0)


def numbers(table: Table, column: Column, key: str | None = None) -> Array:
    """Read a column as numbers, NaN for missing values.

    Raises
    ------
    ModelsizerError
        If a value is not a number.
    """
    values = table.columns[column.name]
    found = np.full(len(values), np.nan)
    for i, value in enumerate(values):
        if value is None or (isinstance(value, str) and value.strip().lower() in _MISSING):
            continue
        try:
            found[i] = _number(value, _DIMENSIONS.get(key or "", "count")) * column.factor
        except (TypeError, ValueError, OverflowError):
            where = f"{table.path}: {table.where(i)}"
            raise ModelsizerError(
                f"{where}: {short(value)} in column {column.name!r} is not a number{_remedy(value)}"
            ) from None
    return found


def _number(value: Any, dimension: str) -> float:
    """Convert a number or its text: 1.3e9, "1,300,000,000", "1.3B"."""
    if isinstance(value, bool):
        raise ValueError
    if not isinstance(value, str):
        return float(value)
    text = value.strip()
    if text.lower() in _NOT_FINITE:
        return float(text)
    if dimension == "count" and text[-1:].isalpha():
        raise ValueError
    return float(parse_quantity(text, dimension))


def _remedy(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+,\d+", value.strip()):
        return f"; if its comma is a decimal point, write {value.strip().replace(',', '.')}"
    return "; leave the cell empty to leave the run out"


def counts_of(name: str) -> ParameterKind:
    """Which parameters a column called N counts, judged by its name."""
    return "non_embedding" if re.search(r"non_?emb", _plain(name)) else "total"


def notes(table: Table, columns: Mapping[str, Column], taken: Mapping[str, Array]) -> list[str]:
    """Notes for the user on how a table was read."""
    said = [
        f"column {column.name!r} is read in units of {column.factor:g}, by its name"
        for column in columns.values()
        if column.factor != 1
    ]
    for key, least in _LEAST.items():
        if key in columns and float(np.median(taken[key])) < least:
            name = columns[key].name
            low, high = float(taken[key].min()), float(taken[key].max())
            said.append(
                f"{WORDS[key]} lie within {low:.3g} and {high:.3g}: if they are in millions or "
                f"billions, call the column '{name} (M)' or '{name} (B)', for a law is of counts"
            )
    if copies := table.copies():
        rows = (
            "1 row is a copy of another" if copies == 1 else f"{copies} rows are copies of others"
        )
        said.append(f"{rows}; each counts")
    for key in _DIMENSIONS:
        bracketed = _BRACKETED.match(columns[key].name) if key in columns else None
        if bracketed is None or counts_of(bracketed[2]) != "total":
            continue
        if _unit(key, bracketed[0])[1] is None:
            said.append(f"({bracketed[2]}) in the name of column {bracketed[0]!r} is no unit of "
                        f"{WORDS[key]}: its values are taken as they are")  # fmt: skip
    if counts_of(columns["N"].name) != "total":
        said.append(f"N counts parameters outside embeddings, as column {columns['N'].name!r} "
                    "says; --parameters total would say otherwise")  # fmt: skip
    unit = _BRACKETED.match(columns["loss"].name)
    if unit is not None and "bit" in unit[2].lower():
        said.append(f"the loss is in {unit[2]}, and so is the law; those that come with "
                    "modelsizer are in nats a token")  # fmt: skip
    return said
