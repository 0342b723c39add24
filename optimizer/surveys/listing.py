"""Columns of designs for tables and files."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.surveys.kept_designs import KeptDesigns, table_of
from modelsizer.optimizer.tables.largest_batches import largest_of
from modelsizer.optimizer.tables.table import Ints, Table, to_floats
from modelsizer.problems.architecture.choices import SHOWN, WIDE
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.designs.costs import computable, inverse_numerator
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ProblemError, did_you_mean
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import (
    AUXILIARY,
    SERVED_FLOPS_PER_TOKEN,
    TRAINING_FLOPS_PER_TOKEN,
)
from modelsizer.problems.quantities.needs import costs_of
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.requirements.setups import distinct
from modelsizer.problems.space.left_open import left_open
from modelsizer.problems.units import Number

DERIVED = ("rank", "aspect_ratio", "tokens_per_parameter", "shape_excess",
           "training_flops_per_token")  # fmt: skip
LAYOUT_COLUMNS = ("data_parallel", "tensor_parallel", "pipeline_parallel")


def default_columns(problem: Problem) -> list[str]:
    """Columns of a file of designs, unless others are asked for."""
    chosen = [*WIDE, *left_open(problem.space), *problem.menus]
    return ["rank", "loss", "parameters", "tokens", *chosen]


def known_columns(problem: Problem) -> list[str]:
    """Columns that the problem has the data to compute."""
    quantities = [name for name in QUANTITIES if not problem.lacks(name)]
    fixed = (*DERIVED, *SHOWN, *LAYOUT_COLUMNS, *problem.menus)
    return list(dict.fromkeys([*fixed, *quantities]))


def check_columns(problem: Problem, columns: list[str]) -> list[str]:
    """Affine quantities needed to compute some columns.

    Raises
    ------
    ProblemError
        If a column is unknown, or the problem lacks the data to compute it.
    """
    known = known_columns(problem)
    needs = {TRAINING_FLOPS_PER_TOKEN}
    if any(limits.charges for limits in distinct(problem.setups)):
        needs.add(SERVED_FLOPS_PER_TOKEN)
    for name in columns:
        if name in QUANTITIES and (lack := problem.lacks(name)):
            raise ProblemError.of("--columns", lack)
        if name not in known:
            hint = did_you_mean(name, known)
            raise ProblemError.of(
                "--columns", f"unknown column {name!r}{hint}; known: {', '.join(known)}"
            )
        if name == "tokens_per_parameter":
            needs.add("parameters")
        if name in QUANTITIES:
            for one in problem.setups:
                needs.update(costs_of(one.settings, name))
        if name in QUANTITIES and QUANTITIES[name].form == "lifetime":
            needs.add(SERVED_FLOPS_PER_TOKEN)
    return sorted(needs & {*computable(problem), *AUXILIARY})


def design_columns(
    scorer: Scorer,
    held: KeptDesigns,
    columns: list[str],
    names: list[str],
    first_rank: int,
    *,
    evaluated: bool = False,
) -> dict[str, np.ndarray[Any, Any]]:
    """Compute columns of designs, each of shape (B,).

    Parameters
    ----------
    scorer : Scorer
        Determines how many tokens designs take.
    held : KeptDesigns
        The designs, in order.
    columns : list of str
    names : list of str
        From `check_columns`.
    first_rank : int
        Rank of the first design.
    evaluated : bool
        Whether the values of the designs are those of `Scorer.columns`, none replaced by an exact
        one; a loss is then not computed again.
    """
    problem = scorer.problem
    known = evaluated and scorer.model.kind == "loss"
    table = table_of(problem, held, sorted({*names, *(() if known else scorer.names)}))
    row, j = np.arange(len(held)), np.zeros((len(held), 1), dtype=np.int64)
    value = held.value
    if not known:
        keeps, value = scorer.feasible(table, row, j)
        assert keeps.all()
    tokens, loss = scorer.tokens_and_loss(table, row, j, value)
    found: dict[str, np.ndarray[Any, Any]] = {}
    for name in columns:
        if name == "rank":
            found[name] = np.arange(first_rank, first_rank + len(held))
        elif name in ("loss", "tokens"):
            found[name] = loss if name == "loss" else tokens * _own(problem, table, row)
        elif name == "tied_embeddings":
            found[name] = held.column(name).astype(bool)
        elif name in SHOWN:
            found[name] = held.column(name)
        else:
            found[name] = _column(scorer, table, row, j, tokens, value, name)
    return found


def _column(
    scorer: Scorer, table: Table, row: Ints, j: Ints, tokens: Any, value: Any, name: str
) -> np.ndarray[Any, Any]:
    problem = scorer.problem
    layers = table.layers(row, j)
    if name in LAYOUT_COLUMNS:
        return np.array([getattr(lay, name) for lay in table.layout])[table.layout_id[row]]
    if name in problem.menus:
        return _of_machines(problem, table, name)[table.layout_id[row]]
    if name == "aspect_ratio":
        return np.asarray(table["d_model"][row] / layers)
    if name == "shape_excess":
        quality = problem.quality
        excess = quality.shape_excess(table.features(row, j, quality.features))
        return np.asarray(np.broadcast_to(excess, layers.shape), float)
    if name == "tokens_per_parameter":
        own = np.asarray(tokens) * _own(problem, table, row)
        return np.asarray(own / to_floats(table.linear["parameters"].at(row, j)))
    if name == TRAINING_FLOPS_PER_TOKEN:
        if problem.settings.tokenizer is None:
            return np.asarray(table.linear[name].at(row, j))
        each = table.linear[name].values(row, j) / _own(problem, table, row)
        return np.asarray(np.rint(each).astype(np.int64))
    return _quantity(scorer, table, row, j, value, name)


def _of_machines(problem: Problem, table: Table, name: str) -> np.ndarray[Any, Any]:
    """What each layout has of a setting that offers several values, as text if they are mixed."""
    head, _, key = name.partition(".")
    values = [problem.machine(layout)[head][key] for layout in table.layout]
    if len({type(value) for value in values}) > 1 or isinstance(values[0], list | dict):
        values = [value if isinstance(value, str) else json.dumps(value) for value in values]
    return np.array(values)


def _own(problem: Problem, table: Table, row: Ints) -> Any:
    """Tokens of each design for one that the law counts; 1 without bytes a token."""
    rates = problem.settings.tokenizer
    return 1 if rates is None else rates.doubles(table["vocab_size"][row])


def _quantity(
    scorer: Scorer, table: Table, row: Ints, j: Ints, value: Any, name: str
) -> np.ndarray[Any, Any]:
    kind = QUANTITIES[name]
    if kind.form == "inverse":
        under = _quantity(scorer, table, row, j, value, kind.base)
        return np.asarray(float(inverse_numerator(scorer.problem, name)) / under)
    if kind.form == "batch":
        return largest_of(scorer.problem, name, table, row, j)
    if not kind.affine:
        return scorer.of_tokens(name, table, row, j, value)
    parts = [table.linear[part] for part in kind.parts]
    if len(parts) == 1 and parts[0].denominator == 1:
        return np.asarray(parts[0].at(row, j))
    return np.asarray(np.max([to_floats(p.at(row, j)) / p.denominator for p in parts], axis=0))


def cell(design: Evaluation, name: str) -> Number | bool | str | None:
    """Value of one column for an evaluated design, None if it has none; any but the rank."""
    architecture = design.architecture
    widths: dict[str, Number | bool | str | None] = {
        **architecture_dict(architecture),
        "aspect_ratio": architecture.trunk.d_model / architecture.layers,
        "shape_excess": design.shape_excess,
        "tokens_per_parameter": design.tokens / design.parameters.total,
        TRAINING_FLOPS_PER_TOKEN: design.training_flops_per_token,
        "tokens": float(design.tokens),
    }
    if name in widths:
        return widths[name]
    if name in LAYOUT_COLUMNS:
        ways: int = getattr(design.layout, name)
        return ways
    return design.quantity(name)
