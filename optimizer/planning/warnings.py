"""Warnings about a plan."""

from __future__ import annotations

from modelsizer.optimizer.fitting.runs import Runs as Made
from modelsizer.optimizer.planning.candidates import Runs
from modelsizer.optimizer.planning.law_point import LawPoint
from modelsizer.optimizer.planning.plan import PlanOptions
from modelsizer.optimizer.planning.prediction import Prediction
from modelsizer.optimizer.planning.target import Target
from modelsizer.problems.units import format_number, format_quantity

_NEAR_END = 1.03  # ratio to a limit of tokens per parameter, as tokens are rounded


def warnings(
    point: LawPoint,
    target: Target,
    runs: Runs,
    prediction: Prediction,
    options: PlanOptions,
    have: Made | None,
) -> list[str]:
    """Warnings about a plan, as sentences."""
    size = format_quantity(float(runs.n.max()), "parameters", 3)
    said = [
        f"the target is {format_number(target.n / runs.n.max(), 3)} x the largest run ({size}), "
        f"{format_number(target.flops / runs.flops.max(), 3)} x the FLOPs of the dearest: the "
        "error is of noise alone, with the law's form as true"
    ]
    if not point.drawn:
        said.append(
            f"the plan stands on one point, {point.name}: a law of `fit --bootstrap` has draws"
        )
    values = dict(zip(point.form.coefficients, point.values, strict=True))
    vague = [
        name
        for name in (point.form.free if point.own else point.form.exponents)
        if prediction.standard_errors.get(name, 0.0) > abs(values[name])
    ]
    if vague:
        said.append(
            f"so few runs hardly tell {', '.join(vague)} (standard error above the value): "
            + (
                "take more, or give the space more values of what their terms see"
                if point.own
                else "take more, or a law of fewer terms"
            )
        )
    each = runs.tokens / runs.parameters
    ends = [
        f"{int(held.sum())} at {format_number(end)}"
        for held, end in (
            (each <= options.tokens_per_parameter[0] * _NEAR_END, options.tokens_per_parameter[0]),
            (each >= options.tokens_per_parameter[1] / _NEAR_END, options.tokens_per_parameter[1]),
        )
        if held.any()
    ]
    if ends and options.tokens_per_parameter[0] < options.tokens_per_parameter[1]:
        said.append(
            f"runs at an end of --tokens-per-parameter: {', '.join(ends)}; widen it as far as you "
            "trust the form"
        )
    if have is not None and have.models is not None:
        said.append(
            f"the {len(have.loss)} runs of {have.source} are checkpoints: those of one model count "
            "as one run together"
        )
    if have is not None and have.read_as and have.counts != point.kind:
        said.append(
            f"N of {have.source} is {have.read_as['N'].meaning('N')}, column "
            f"{have.read_as['N'].name!r}, but {point.name} counts {point.kind} parameters"
        )
    if have is not None:
        said += [f"{have.source}: {note}" for note in have.notes]
    return said
