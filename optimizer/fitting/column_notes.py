"""Notes for the user on how a table was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from modelsizer.optimizer.fitting.column_meanings import unit_of_loss
from modelsizer.optimizer.fitting.column_values import DIMENSIONS
from modelsizer.optimizer.fitting.columns import WORDS, Column, batches
from modelsizer.optimizer.fitting.tables import Table
from modelsizer.optimizer.fitting.terms import Array, Form
from modelsizer.problems.units import format_number

_BY = {
    "name": "by its name",
    "told": "as --columns says",
    "6ND": "for C = 6ND holds in that unit alone",
}
_MOST_LOSS = 8.0  # nats a token: an untrained model has ln of its vocabulary, 10 to 12
_STATES = ("state", "status")
_FINISHED = frozenset(("finished", "completed", "complete", "done", "success"))


def notes(table: Table, columns: Mapping[str, Column], form: Form) -> list[str]:
    """Notes on units, on which of several columns was taken, and on copies and states of runs."""
    said = []
    for key in DIMENSIONS:
        column = columns.get(key)
        if column is not None and column.unit_from in _BY and column.factor != 1:
            factor = format_number(column.factor, 4)
            said.append(f"column {column.name!r} is read in units of {factor}, "
                        f"{_BY[column.unit_from]}")  # fmt: skip
    for key in ("N", "loss"):
        column = columns[key]
        if column.others:
            other = column.others[0]
            said.append(f"{key} is column {column.name!r}, {column.meaning(key)}; "
                        f"--columns {key}={other} would take {other!r}")  # fmt: skip
    if keys := batches(columns):
        product = " x ".join(columns[key].name for key in keys)
        said.append(f"tokens are {product}: the batch must be that of all devices and of all "
                    "steps accumulated, else name a column by --columns D=NAME")  # fmt: skip
    if copies := table.copies():
        rows = (
            "1 row is a copy of another" if copies == 1 else f"{copies} rows are copies of others"
        )
        said.append(f"{rows}; each counts")
    said += [
        f"({columns[key].odd}) in the name of column {columns[key].name!r} is no unit of "
        f"{WORDS[key]}: its values are taken as they are"
        for key in DIMENSIONS
        if key in columns and columns[key].odd
    ]
    said += _parameters(columns["N"], form)
    if unit := unit_of_loss(columns["loss"].name):
        said.append(
            f"the loss, {columns['loss'].name!r}, is a perplexity by its name, and is taken as it "
            "is: a law is of its logarithm, nats a token"
            if unit == "perplexity"
            else f"the loss is in {unit}, and so is the law; those that come with modelsizer are "
            "in nats a token"
        )
    return said + _unfinished(table)


def high_loss(loss: Array) -> list[str]:
    """A note if losses are no nats a token."""
    if float(np.median(loss)) <= _MOST_LOSS:
        return []
    low, high = (format_number(float(f(loss)), 3) for f in (np.min, np.max))
    return [f"losses lie within {low} and {high}, too high for nats a token: if they are "
            "perplexities, take their logarithms"]  # fmt: skip


def _parameters(column: Column, form: Form) -> list[str]:
    kind = column.kind
    if (
        form.counts is not None
        and kind != form.counts
        and {kind, form.counts} != {"total", "active"}
    ):
        return [f"N of {form.name} counts {form.counts} parameters, but column {column.name!r} "
                f"is of {kind} ones"]  # fmt: skip
    if kind == "non_embedding":
        return [f"N counts parameters outside embeddings, as column {column.name!r} says; "
                "--parameters total would say otherwise"]  # fmt: skip
    if kind == "active":
        return [f"N counts active parameters, those that a token meets, as column {column.name!r} "
                "says: of a dense model all, of a mixture of experts fewer"]  # fmt: skip
    return []


def _unfinished(table: Table) -> list[str]:
    """A note if a column such as W&B's State says that runs did not finish."""
    for name, values in table.columns.items():
        if name.lower() not in _STATES:
            continue
        states = Counter(str(value).strip() for value in values if value not in (None, ""))
        others = {s: n for s, n in states.items() if s.lower() not in _FINISHED}
        finished = [state for state in states if state.lower() in _FINISHED]
        if others and finished:
            each = ", ".join(f"{n} {state}" for state, n in others.items())
            return [f"column {name!r}: {each}; these runs count too, --where "
                    f"{name}={finished[0]} leaves them out"]  # fmt: skip
    return []
