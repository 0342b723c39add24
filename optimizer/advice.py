"""Warnings about a solved design, with remedies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from modelsizer.optimizer.evidence import beyond_evidence
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.designs.evaluation import Evaluation, architecture_features
from modelsizer.problems.laws.features import Seen, parts_of
from modelsizer.problems.laws.laws import Range
from modelsizer.problems.laws.reach import caution
from modelsizer.problems.problem import Problem
from modelsizer.problems.units import format_quantity

GOOD_EPOCHS = 4
"""Repeating data up to four times is nearly as good as new data (Muennighoff et al. 2023,
arXiv 2305.16264, abstract)."""


def advice(problem: Problem, design: Evaluation) -> list[str]:
    """Warnings about a design, each with a remedy.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
        The best design found.

    Returns
    -------
    list of str
    """
    return [
        *_cautions(problem),
        *_outside_ranges(problem, design),
        *beyond_evidence(problem, design),
        *_blind_choices(problem, design),
        *_vocabularies(problem, design),
        *_menu_ends(problem, design),
        *_epochs(problem, design),
        *_replicas(problem, design),
    ]


def loss_advice(problem: Problem, design: Evaluation) -> list[str]:
    """Warnings about the loss of a given architecture: how far the law and the data reach."""
    if design.unjudged:
        return _epochs(problem, design)
    said = caution(problem.quality, design.architecture)
    return [
        *_cautions(problem),
        *([said] if said else []),
        *_outside_ranges(problem, design),
        *beyond_evidence(problem, design),
        *_epochs(problem, design),
    ]


def _cautions(problem: Problem) -> list[str]:
    """Warnings that apply to a law itself."""
    law = problem.law
    return [f"take {law.name} with caution: {law.caution}"] if law.caution else []


def _limits(range_: Range, write: Callable[[float], str]) -> str:
    if range_.low is None:
        return f"up to {write(range_.high)}" if range_.high is not None else "any"
    if range_.high is None:
        return f"from {write(range_.low)}"
    return f"{write(range_.low)} to {write(range_.high)}"


def _outside_ranges(problem: Problem, design: Evaluation) -> list[str]:
    law, shape = problem.law, problem.shape
    trunk = design.architecture.trunk

    def parameters(n: float) -> str:
        return format_quantity(n, "parameters", 3)

    def plain(n: float) -> str:
        return f"{n:g}"

    kind = law.parameter_kind.replace("_", "-")
    if design.loss <= 0:
        return [
            f"{law.name} predicts a loss of {design.loss:g}, and no loss is below 0: far outside "
            "its data it means nothing. Narrow the space, or mend the law"
        ]
    seen = architecture_features(design.architecture, law.ranges)

    def counted(n: float) -> str:
        as_experts = design.parameters.experts and n == float(design.law_parameters)
        return parameters(n) + (" as objective.experts counts them" if as_experts else "")

    checks = (
        (law.name, law.parameter_range, design.law_parameters, f"{kind} parameters", counted),
        (law.name, law.token_range, design.tokens, "tokens", parameters),
        (shape.name, shape.d_model_range, trunk.d_model, "d_model", plain),
        (shape.name, shape.layers_range, design.architecture.layers, "layers", plain),
        *((law.name, law.ranges[name], float(seen[name]), name, plain) for name in seen),
    )
    return [
        f"{name} was fitted on {_limits(range_, write)} {what}; the design has {write(value)}. "
        "Its loss is an extrapolation: rank designs by it, and check it against runs of your own"
        for name, range_, value, what, write in checks
        if math.isfinite(value) and not range_.holds(value)
    ]


def _edge(value: Any, menu: Sequence[Any]) -> str | None:
    if len(menu) < 2:
        return None
    return "smallest" if value == menu[0] else "largest" if value == menu[-1] else None


_TOLD_BY = {
    "kv_heads": ("kv_heads",),
    "kv_group": ("kv_heads",),
    "head_dim": ("head_dim",),
    "heads": ("heads",),
    "d_ff": ("d_ff",),
}
"""Widths that determine a choice's effect: a law that depends on none of them is blind to it."""


def _blind_choices(problem: Problem, design: Evaluation) -> list[str]:
    """Warnings for choices that no law depends on, which take the cheapest value of the menu."""
    space = problem.space
    widths = architecture_dict(design.architecture)
    heads, kv_heads, d_ff = (widths[name] or 0 for name in ("heads", "kv_heads", "d_ff"))
    trunk = design.architecture.trunk
    found: list[tuple[str, str]] = []
    seen = _seen(problem)

    def look(key: str, value: Any, menu: Any) -> None:
        known = not value or not seen.isdisjoint(_TOLD_BY[key])
        if menu is not None and not known and (edge := _edge(value, menu.numbers)) is not None:
            found.append((key, f"{edge} of its menu, {value}"))

    look("kv_heads", kv_heads, space.kv_heads)
    look("kv_group", heads // kv_heads if kv_heads else 0, space.kv_group)
    look("head_dim", widths["head_dim"] or 0, space.head_dim)
    look("heads", heads, space.heads)
    look("d_ff", d_ff, space.d_ff)
    if (
        d_ff
        and "d_ff" not in seen
        and space.ffn_ratio is not None
        and len(space.ffn_ratio.numbers) > 1
    ):
        ratios = space.ffn_ratio.numbers
        nearest = min(ratios, key=lambda ratio: abs(ratio * trunk.d_model - d_ff))
        if (edge := _edge(nearest, ratios)) is not None:
            found.append(("ffn_ratio", f"{edge} of its menu, {nearest:g}"))
    warnings = [
        f"the loss law is blind to {key}, so the optimum took the {what}. Fix it, or offer only "
        "values whose quality you know"
        for key, what in found
    ]
    if not problem.quality.prices_shape and len(space.layers.numbers) > 1:
        warnings.append(
            f'shape = "none" leaves the law blind to depth and width: {design.architecture.layers} '
            f"layers of width {trunk.d_model} is what costs least, not what trains well. Take "
            'shape = "gemstones-2025", or limit aspect_ratio'
        )
    return warnings


def _seen(problem: Problem) -> set[Seen]:
    """Widths that change the loss by the law or by the terms of ablations."""
    judged = problem.quality.ablations
    told = {"kv_heads": "kv_heads", "ffn": "d_ff"}
    unseen = () if judged is None else judged.unseen
    return {*parts_of(problem.law.features), *(told[term] for term in unseen if term in told)}


def _vocabularies(problem: Problem, design: Evaluation) -> list[str]:
    """A warning if vocabularies were compared by a law that does not see them.

    A token of a larger vocabulary holds more text, so that losses in nats a token do not compare
    (Tao et al. 2024, arXiv 2407.13623, section 2.2).
    """
    menu = problem.space.vocab_size
    if menu.size < 2 or "vocab_size" in _seen(problem):
        return []
    return [
        f"nats a token of two vocabularies do not compare, and {problem.law.name} prices none: "
        f"vocab_size = {design.architecture.trunk.vocab_size} of {menu.size} is what the limits "
        "leave room for. Fix it to that of your tokenizer"
    ]


def _menu_ends(problem: Problem, design: Evaluation) -> list[str]:
    space = problem.space
    found = []
    widths = architecture_dict(design.architecture)
    heads, kv_heads, d_ff = (widths[name] or 0 for name in ("heads", "kv_heads", "d_ff"))
    seen = _seen(problem)
    ends: list[tuple[str, Any, Any]] = [
        ("layers", design.architecture.layers, space.layers),
        ("d_model", design.architecture.trunk.d_model, space.d_model),
    ]
    if "kv_heads" in seen and kv_heads:
        ends += [("kv_heads", kv_heads, space.kv_heads)]
        ends += [("kv_group", heads // kv_heads, space.kv_group)]
    if "d_ff" in seen and d_ff:
        ends.append(("d_ff", d_ff, space.d_ff))
    for key, value, menu in ends:
        if menu is not None and (edge := _edge(value, menu.numbers)) is not None:
            found.append(
                f"{key} = {value} is the {edge} that space.{key} offers; widen it, since a better "
                "design may lie beyond"
            )
    return found


def _epochs(problem: Problem, design: Evaluation) -> list[str]:
    unique, seen = problem.training.unique_tokens, problem.law.most_epochs
    good = GOOD_EPOCHS if seen is None else seen
    if unique is None or design.tokens <= good * unique:
        return []
    return [
        f"{format_quantity(design.tokens, 'tokens', 3)} tokens are {design.tokens / unique:.1f} "
        f"epochs of training.unique_tokens = {format_quantity(unique, 'tokens', 3)}; past "
        f"{good:g} epochs repeated tokens are worth less than {problem.law.name} says. Limit "
        "training.tokens, or find more data"
    ]


def _replicas(problem: Problem, design: Evaluation) -> list[str]:
    kv_heads = architecture_dict(design.architecture)["kv_heads"] or 0
    ways = problem.serving.tensor_parallel
    if not kv_heads or kv_heads >= ways:
        return []
    return [
        f"kv_heads = {kv_heads} is below serving.tensor_parallel = {ways}: each kv head is held "
        f"{ways // kv_heads} times, and serving_memory counts it so"
    ]
