"""Rows of the training and serving costs of a design."""

from __future__ import annotations

import math

from modelsizer.problems.architecture.choice_values import is_mixture
from modelsizer.problems.designs.capacity import latency_estimates, serving_room
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.designs.memory_parts import missing_training_settings
from modelsizer.problems.designs.speculated import Speculated, speculated
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES, names_of
from modelsizer.problems.units import format_number, format_quantity
from modelsizer.text.assumptions import has_windows
from modelsizer.text.kit.words import counted, percent


def expert_words(ways: int) -> str:
    """What expert parallelism adds to a layout; empty if there is none."""
    return f", experts over {ways:,} ways" if ways > 1 else ""


def cost_rows(
    problem: Problem, design: Evaluation, *, priced: bool = True, memory: bool = True
) -> list[tuple[str, str]]:
    """Layout, training and serving costs, as far as the problem defines their inputs.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
    priced : bool
        Include training time, cost and energy, which need a known number of tokens.
    memory : bool
        Include training memory, where it is asked for.
    """
    rows, problem = [], problem.under(design.layout)
    lay, training = design.layout, problem.training
    if lay.accelerators > 1 or training.device is not None:
        split = f"{lay.data_parallel} data x {lay.tensor_parallel} tensor x "
        name = training.device.name if training.device is not None else "accelerators"
        words = f"{split}{lay.pipeline_parallel} pipeline = {lay.accelerators:,} {name}"
        ways = training.expert_parallel if is_mixture(design.architecture) else 1
        rows.append(("layout", words + expert_words(ways)))
    if memory and not missing_training_settings(problem):
        rows.append(("training memory", f"{_written(design, 'training_memory')} for each"))
    for key in names_of("flops"):
        if key == "training_flops":  # stands with the tokens
            continue
        if priced and key in design.exact and math.isfinite(design.quantity(key)):
            note = _mfu(problem, design) if key == "training_time" else ""
            words = QUANTITIES[key].heading or QUANTITIES[key].words
            rows.append((words, _written(design, key) + note))
    for key in names_of("lifetime"):
        if priced and key in design.exact and math.isfinite(design.quantity(key)):
            served = format_quantity(problem.lifetime.inference_tokens or 0, "tokens", 3)
            how = ", by its own steps" if problem.lifetime.stepped else ""
            rows.append(
                (QUANTITIES[key].words, f"{_written(design, key)} with {served} served{how}")
            )
    if (estimates := latency_estimates(problem, design.architecture)) is not None:
        alone = "" if "prefill_latency" in estimates else ", memory alone"
        for key, ends in estimates.items():
            low, expected, high = (format_quantity(ends[e], "seconds", 3) for e in ends)
            rows.append((key.replace("_", " "), f"{expected} expected, {low} to {high}{alone}"))
        if alone:
            rows.append(("prefill latency", "not known"))
        estimate = problem.serving.latency
        note = "" if estimate == "expected" else f" (of the {estimate} latency)"
        rows.append(("throughput", _written(design, "decode_throughput") + note))
        rows += _request_rows(problem, design)
        rows += speculation_rows(speculated(problem, design.architecture))
        if "serving_cost" in design.exact:
            paid = ", prompts included" if problem.serving.output_length is not None else ""
            cost = _written(design, "serving_cost")
            load = counted(problem.serving.batch_size, "request")
            words = f"{cost} a million output tokens, {load} at once{paid}"
            rows.append(("serving cost", words))
    device = problem.serving.device
    if device is not None and device.memory is None:
        rows.append(("fits", f"not known: {device.name} is listed without its memory"))
    room = serving_room(problem, design)
    if room is not None and room.requests is not None:
        pool = "no cache"
        if room.kv_tokens is not None:
            pool = f"{format_quantity(room.kv_tokens, 'tokens', 3)} tokens of KV"
            pool += " without windows" if has_windows(design.architecture) else ""
        requests = counted(room.requests, "request")
        batch = problem.serving.batch_size
        fewer = f", fewer than batch_size = {batch:,}" if room.requests < batch else ""
        kept = int(design.exact.get("concurrency", room.requests))
        limited = f"; {kept:,} keep the limits" if kept < room.requests else ""
        words = f"{pool}, {requests} of {problem.context_length:,}{fewer}{limited}"
        rows.append(("fits", words))
    return rows


def _request_rows(problem: Problem, design: Evaluation) -> list[tuple[str, str]]:
    """Pools of accelerators, and the requests that they serve a second; empty without them."""
    serving = problem.serving
    if serving.prefill is None or serving.decode is None:
        return []
    rows = [("pools", f"prefill on {serving.prefill}; decode on {serving.decode}")]
    if "requests_per_second" not in design.exact:
        return rows
    rate = format_number(design.quantity("requests_per_second"), 3)
    words = f"{rate} a second, each with {serving.output_length:,} tokens of output"
    return [*rows, ("requests", words)]


def speculation_rows(found: Speculated | None) -> list[tuple[str, str]]:
    """What speculation gives, and what it would with other acceptances; empty without any."""
    if found is None:
        return []
    given = found.given
    ends = (
        f"{format_quantity(seconds, 'seconds', 3)} a token at {percent(share, 0)}"
        for share, seconds in found.range
    )
    of = "" if given.model is None else f" by {given.model}"
    return [
        (
            "speculation",
            f"{given.length} drafted{of}, {percent(given.acceptance, 0)} accepted: "
            f"{found.tokens:.2f} tokens a step, {found.gain:.2f} x as fast",
        ),
        ("acceptance", ", ".join(ends)),
    ]


def _written(design: Evaluation, name: str) -> str:
    return format_quantity(design.quantity(name), QUANTITIES[name].dimension)


def _mfu(problem: Problem, design: Evaluation) -> str:
    """Words on the MFU of a design."""
    mixture = is_mixture(design.architecture)
    return f" (MFU {problem.training.expected_mfu(mixture=mixture):.2f})"
