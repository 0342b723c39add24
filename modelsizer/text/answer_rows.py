"""Rows of a result, for the terminal and the HTML page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from modelsizer.optimizer.result import BudgetUse, Result
from modelsizer.problems.architecture.describing import (
    architecture_dict,
    groups_list,
    telling_choices,
)
from modelsizer.problems.by_byte import bits
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.designs.text import nats_a_byte
from modelsizer.problems.designs.worth import worth
from modelsizer.problems.laws.digits import loss_text, nats_text
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import format_number, format_quantity
from modelsizer.text.kit.tables import GAP, Styled, Table
from modelsizer.text.kit.words import percent


def architecture_rows(result: Result) -> list[tuple[str, str]]:
    """Names and values of the architecture in TOML notation."""

    def toml(value: object) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return f'"{value}"' if isinstance(value, str) else str(value)

    rows = [(k, toml(v)) for k, v in telling_choices(result.best.architecture).items()]
    groups = groups_list(result.best.architecture)
    if len(groups) > 1:
        tables = (
            {"count": group["count"]}
            | _apart(group, groups, "attention")
            | _apart(group, groups, "ffn")
            for group in groups
        )
        inline = (", ".join(f"{k} = {toml(v)}" for k, v in table.items()) for table in tables)
        rows.append(("groups", f"[{', '.join(f'{{{text}}}' for text in inline)}]"))
    return rows


def _apart(
    group: Mapping[str, Any], groups: Sequence[Mapping[str, Any]], part: str
) -> dict[str, Any]:
    """The kind of a part of a layer, and what of it is not the same in all groups."""
    return {part: group[part]["kind"]} | {
        key: value
        for key, value in group[part].items()
        if key != "kind" and any(other[part].get(key) != value for other in groups)
    }


def prediction_rows(result: Result) -> list[tuple[str, str]]:
    """Size, tokens, FLOPs and loss of the design; parts of the row above are indented."""
    design, problem = result.best, result.problem
    parameters = design.parameters
    count = f"{format_quantity(parameters.total, 'parameters')} ({parameters.total:,})"
    rows = [("parameters", count)]
    if parameters.active != parameters.total:
        rows.append(("active", format_quantity(parameters.active, "parameters")))
    if parameters.non_embedding != parameters.total:
        inner = format_quantity(parameters.non_embedding, "parameters")
        rows.append(("non-embedding", inner))
    if math.isfinite(design.tokens):
        each = design.tokens / parameters.total
        seen = format_quantity(design.tokens, "tokens")
        rows.append(("tokens", f"{seen} ({format_number(each, 3)} a parameter)"))
        rows += text_rows(problem, design)
        flops = format_quantity(design.training_flops, "FLOPs")
        rows.append(("training FLOPs", f"{flops} ({problem.training.flops})"))
    else:
        rows.append(("tokens", "unlimited"))
    quality, rms = problem.quality, problem.law.rms
    rows.append(("loss", f"{loss_words(problem, design.loss)} ({quality.name})"))
    if quality.prices_shape:
        rows.append((f"  of it {problem.law.shape_part_of}", nats_text(design.shape_excess, rms)))
    return [*rows, *worth_rows(problem, design)]


def loss_words(problem: Problem, loss: float) -> str:
    """A loss with its unit, by the token and where bytes a token are given by the byte."""
    rms, each = problem.law.rms, nats_a_byte(problem, loss)
    if problem.tokenizer is None or each is None:
        return f"{loss_text(loss, rms)} nats a token"
    token = f"nats a token of {problem.tokenizer.law:,}"
    error = None if rms is None else bits(rms * each / loss)
    return f"{loss_text(loss, rms)} {token}, {loss_text(bits(each), error)} bits a byte"


def text_rows(problem: Problem, design: Evaluation) -> list[tuple[str, str]]:
    """Text of the tokens of a design, where bytes a token are given."""
    tokenizer = problem.tokenizer
    if tokenizer is None:
        return []
    own, law = int(design.architecture.trunk.vocab_size), tokenizer.law
    held = format_quantity(design.text * float(tokenizer.law_bytes), "bytes")
    each = f"{float(tokenizer.bytes_of(own)):g} bytes a token of {own:,}"
    rows = [("  of text", ", ".join(filter(None, (held, each, tokenizer.how(own)))))]
    if own != law:
        seen = format_quantity(design.text, "tokens")
        held = f"{float(tokenizer.law_bytes):g} bytes"
        rows.append(("  as limits count", f"{seen} of {law:,}, {held} each"))
    return rows


def worth_rows(problem: Problem, design: Evaluation) -> list[tuple[str, str]]:
    """What no law sees of the design, with the band of published ablations."""
    found = worth(problem, design)
    if found is None or problem.quality.ablations is None:
        return []
    end, rms, rows = problem.quality.ablations.end, problem.law.rms, []
    words = _choice_words(architecture_dict(design.architecture))
    for name, ends in found.choices.items():
        if any(ends.values()):
            low, high = nats_text(ends["low"], rms), nats_text(ends["high"], rms)
            band = f" ({low} to {high} by ablations)" if low != high else " by ablations"
            value = f"{nats_text(ends[end], rms)}{band}"
            rows.append((f"  of it {name}", ", ".join(filter(None, (value, words.get(name))))))
    if rows:
        low, high = loss_text(found.low, rms), loss_text(found.high, rms)
        errs = "" if rms is None else f"; the law errs by {rms:.2g}"
        rows.append(("  band", f"{low} to {high} by ablations{errs}"))
    return rows


def _choice_words(of: Mapping[str, Any]) -> dict[str, str]:
    """What each term of ablations is about in a design, from its `architecture_dict`."""
    layers, full = of["layers"], of["full_layers"]
    return {
        "kv_heads": f"{of['kv_heads']} of {of['heads']}",
        "window": f"{of['window']} tokens in {layers - full} of {layers} layers",
        "sparse": f"{full} of {layers} layers see the whole context",
        "linear": f"in {layers - full} of {layers} layers",
        "latent": f"rank {of['kv_lora_rank']}",
    }


_FOLDED = 12
"""Letters to which the last column of limits may be folded."""


def limits_table(
    uses: Sequence[BudgetUse], headings: Sequence[str], width: int | None = None
) -> Table:
    """Name, use, limit, share and binding status of each constraint, and how it was given.

    That is the model that a limit is of, an amount by the byte, or the accelerator that it fits.
    Quantities have their short names where the table would not fit a width beside the long ones.
    """
    rows, told = [], any(use.given_as for use in uses)
    for use in uses:
        used, limit, share = amounts(use)
        sign = "<=" if use.side == "max" else ">="
        said = ", ".join(filter(None, ("binds" if use.binding else "", use.given_as)))
        mark = Styled(said, "bold yellow") if use.binding else said
        rows.append((use.name, used, f"{sign} {limit}", share, mark))
    table = Table(headings, rows, words=frozenset({0, 4}), folds={4: None} if told else {})
    folded = replace(table, folds={4: _FOLDED} if told else {})
    if width is None or sum(folded.widths) + GAP * (len(headings) - 1) <= width:
        return table
    short = {use.name: QUANTITIES[use.name].short for use in uses if use.name in QUANTITIES}
    return replace(table, rows=[(short.get(name) or name, *rest) for name, *rest in rows])


def amounts(use: BudgetUse) -> tuple[str, str, str]:
    """Use, limit and share as text, with enough digits to tell use from limit.

    Returns
    -------
    used, limit, share : str
    """
    for digits in range(4, 16):
        used = format_quantity(use.used, use.unit, digits)
        limit = format_quantity(use.limit, use.unit, digits)
        if used != limit or math.isclose(float(use.used), float(use.limit), rel_tol=1e-9):
            break
    share = float(use.used) / float(use.limit)
    text = percent(share)
    if text == "100.0 %" and not math.isclose(float(use.used), float(use.limit), rel_tol=1e-9):
        text = "> 99.9 %" if share < 1 else "> 100 %"
    return used, limit, text
