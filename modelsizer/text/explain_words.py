"""Amounts and conflicts in words."""

from __future__ import annotations

from collections.abc import Sequence

from modelsizer.optimizer.constraints import Constraint
from modelsizer.optimizer.explain.conflicts import Conflict
from modelsizer.optimizer.explain.repairs import Repair
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.needs import affected_by
from modelsizer.problems.quantities.rows import QUANTITIES, names_of
from modelsizer.problems.tables.by_part import ByPart
from modelsizer.problems.units import Number, exact, format_quantity, parse_quantity, plain
from modelsizer.text.kit.words import joined


def amount(value: Number, unit: str, digits: int = 6) -> str:
    """A value with its unit."""
    if unit == "count":
        return f"{value:.{digits}g}" if isinstance(value, float) else str(value)
    return format_quantity(value, unit, digits)


def limit_words(limit: Constraint) -> str:
    """``serving_memory <= 80 GB``, and how it was given, if not as a number."""
    of = f" ({limit.given_as})" if limit.given_as else ""
    of = f", {limit.given_as}" if limit.device else of
    return f"{limit.name} {limit.sign} {amount(limit.limit, limit.dimension)}{of}"


_NUDGES = (0, 0.1, 0.2, 0.5, 1, 2, 5, 10)  # in units of the last digit shown, until feasible


def round_to_feasible(value: Number, unit: str, side: str, digits: int = 4) -> str:
    """A value rounded to the feasible side: up for a maximum, down for a minimum."""
    away = 10.0**-digits if side == "max" else -(10.0**-digits)
    text = amount(value, unit, digits)
    for step in _NUDGES:
        text = amount(value * (1 + away * step) if step else value, unit, digits)
        try:
            read = exact(parse_quantity(text, unit))
        except ValueError:
            return text  # a unit that cannot be parsed
        if read >= exact(value) if side == "max" else read <= exact(value):
            return text
    return text


_FORMS = {
    "latency": ("the fastest such design takes", "the slowest such design takes"),
    "loss": ("the best such design reaches", "the most that such a design may have is"),
    "throughput": ("", "the fastest such design reaches"),
    "batch": ("", "the most that such a design serves at once is"),
    "size": ("the smallest such design needs", "the largest such design has"),
    "spent": ("the least that such a design takes is", "the most that such a design may take is"),
}


def _form(quantity: str) -> str:
    if quantity in names_of("inverse"):
        return "throughput"
    if quantity in names_of("batch"):
        return "batch"
    if quantity == "loss" or quantity.endswith("_latency"):
        return quantity.rpartition("_")[2]
    return "size" if QUANTITIES[quantity].affine else "spent"


def sentence(problem: Problem, repairs: Sequence[Repair], conflict: Conflict) -> str:
    """A conflict as a sentence, with the settings it depends on.

    Parameters
    ----------
    problem : Problem
    repairs : sequence of Repair
        Repairs of single limits: what the conflict also needs within the other limits.
    conflict : Conflict
    """
    lead = conflict.lead
    others = [limit_words(limit) for limit in conflict.limits if limit is not lead]
    given = settings_words(problem, {limit.quantity for limit in conflict.limits})
    settings = f" ({', '.join(given)})" if given else ""
    if others:
        text = f"{limit_words(lead)} conflicts with {joined(others)}{settings}"
    else:
        text = f"{limit_words(lead)} is kept by no design, of whatever depth and width{settings}"
    if conflict.needs is None:
        return text + "."
    value = conflict.needs if isinstance(conflict.needs, float) else plain(conflict.needs)
    such = _FORMS[_form(lead.quantity)][lead.side == "min"]
    such = such if others else such.replace("such design", "of all")
    unit = " FLOPs" if lead.quantity in ("training_flops", "lifetime_flops") else ""
    text = f"{text}: {such} {amount(value, lead.dimension)}{unit}"
    ends = [r.value for r in repairs if r.key == lead.key]
    if ends and not isinstance(ends[0], str) and abs(ends[0] / value - 1) > 1e-6:
        text += f" ({amount(ends[0], lead.dimension)} within the other limits too)"
    return text + "."


def settings_words(problem: Problem, quantities: set[str]) -> list[str]:
    """Settings that quantities depend on, in words."""
    serving = problem.serving
    words = []

    def turned(key: str) -> frozenset[str]:
        return affected_by(key) & quantities

    shapes = {n for n in quantities if n in QUANTITIES and QUANTITIES[n].base}  # not of tokens
    if turned("serving.batch_size"):
        words.append(f"batch_size {serving.batch_size} at context {problem.context_length}")
    elif turned("serving.context_length") & shapes:
        words.append(f"context {serving.prompt_length or problem.context_length}")
    if problem.menus:
        words.append(f"the best of {len(problem.layouts):,} machines and layouts")
    else:
        words += _machine_words(problem, quantities)
    if quantities.intersection(names_of("lifetime")):
        served = format_quantity(plain(problem.lifetime.tokens), "tokens")
        words.append(f"{served} tokens served at context {problem.context_length}")
    if "loss" in quantities:
        words.append(problem.law.name)
    return words


def _machine_words(problem: Problem, quantities: set[str]) -> list[str]:
    """Settings of machines that quantities depend on, in words."""
    serving, training = problem.serving, problem.training
    words = []

    def turned(key: str) -> frozenset[str]:
        return affected_by(key) & quantities

    shapes = {n for n in quantities if n in QUANTITIES and QUANTITIES[n].base}  # not of tokens
    weights = _bytes(serving.weight_bytes, serving.weight_bits)
    cache = _bytes(serving.kv_bytes, serving.kv_bits)
    weighed, cached = turned("serving.weight_bytes"), turned("serving.kv_bytes")
    if weighed & cached:
        words.append(f"{weights} a value" if weights == cache
                     else f"{weights} a weight and {cache} a cached value")  # fmt: skip
    elif cached:
        words.append(f"{cache} a cached value")
    elif weighed:
        words.append(f"{weights} a weight")
    timed = turned("serving.accelerator") & shapes if serving.device is not None else None
    if timed or (turned("serving.accelerators") and serving.devices > 1):
        device = f" {serving.named.name}" if timed else " accelerators"
        words.append(f"{serving.devices}{device}")
    if serving.tensor_parallel > 1 and turned("serving.tensor_parallel"):
        words.append(f"tensor_parallel {serving.tensor_parallel}")
    if turned("training.zero_stage"):
        words.append(f"sequences of {training.sequence_length}")
        words.append(f"ZeRO stage {training.zero_stage}, recompute = {training.recompute}")
        many = problem.layouts_each
        words.append(f"the best of {many} layouts" if many > 1 else _layout(problem))
    if turned("training.mfu").intersection(names_of("flops")):
        count = "" if training.accelerators is None else f"{training.accelerators} "
        mfu = training.expected_mfu(mixture=bool(problem.mixture))
        words.append(f"{count}{training.named.name} at an MFU of {mfu:.3g}")
    return words


def _layout(problem: Problem) -> str:
    only = problem.layouts[0]
    return (
        f"data x tensor x pipeline parallel = {only.data_parallel} x {only.tensor_parallel} x "
        f"{only.pipeline_parallel}"
    )


def _bytes(each: Number | ByPart, bits: int | ByPart | None) -> str:
    if bits is not None:
        return f"{bits} bits"
    if isinstance(each, ByPart):
        return f"{each} bytes"
    return "1 byte" if each == 1 else f"{each:g} bytes"
