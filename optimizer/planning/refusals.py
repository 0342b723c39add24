"""Errors for plans that cannot exist: which option or key prevents them, and what would help."""

from __future__ import annotations

from modelsizer.optimizer.fitting.runs import Runs as Made
from modelsizer.optimizer.planning.candidates import Runs
from modelsizer.optimizer.planning.exchange import cheapest_of
from modelsizer.optimizer.planning.law_point import LawPoint
from modelsizer.optimizer.planning.plan import PlanOptions
from modelsizer.optimizer.planning.target import Target
from modelsizer.optimizer.planning.unidentified import UnidentifiedError
from modelsizer.problems.architecture.accounting import SIX_ND
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.feedforward import DenseFeedForward
from modelsizer.problems.errors import Fault, ModelsizerError, ProblemError
from modelsizer.problems.tables.space import Space
from modelsizer.problems.units import format_number

_KEYS = {
    "head_dim": ("head_dim", "heads"),
    "heads": ("head_dim", "heads"),
    "kv_heads": ("kv_heads", "kv_group"),
    "kv_group": ("kv_group", "kv_heads"),
    "d_ff": ("d_ff", "ffn_ratio"),
    "ffn_ratio": ("ffn_ratio", "d_ff"),
    "vocab_size": ("vocab_size",),
    "depth": ("aspect_ratio",),
    "aspect": ("aspect_ratio",),
}
"""Keys of the space that vary a feature of a form: the first one given, or the first. Width, N and
D depend on the cost of runs, not on the space."""


def check_question(
    point: LawPoint, target: Target, options: PlanOptions, have: Made | None, made: int
) -> None:
    """Raise if no runs can answer the question.

    Parameters
    ----------
    made : int
        Number of runs already made, counting checkpoints of one model as one.

    Raises
    ------
    ModelsizerError
    """
    layer = target.family.groups[0].layer
    uniform = len(target.family.groups) == 1
    if not (uniform and isinstance(layer.attention, FullAttention)
            and isinstance(layer.ffn, DenseFeedForward)):  # fmt: skip
        raise ProblemError.of("space", "runs are planned for dense models of one kind of layer")
    needed = len(point.form.free) + 1
    if options.runs + made < needed:
        raise ModelsizerError(
            f"--runs {options.runs}: {point.form.name} has {needed - 1} coefficients and needs "
            f"{needed} runs or more" + (f" beside the {made} made" if made else "")
        )
    if target.flops <= options.largest_flops:
        raise ModelsizerError(
            f"--largest {format_number(options.largest_flops)} FLOPs: the target takes "
            f"{format_number(target.flops)}, no "
            "more than one run may; train it, or allow less to a run"
        )
    if have is not None and float(have.columns["C"].max()) >= target.flops:
        raise ModelsizerError(
            f"--have: {have.labels[int(have.columns['C'].argmax())]} took "
            f"{format_number(float(have.columns['C'].max()), 4)} FLOPs, no less than the target's "
            f"{format_number(target.flops, 4)}: the target is within the data"
        )


def check_room(some: Runs, options: PlanOptions, smallest: float) -> None:
    """Raise if the limits do not admit so many runs.

    Raises
    ------
    ModelsizerError
    """
    low, high = options.tokens_per_parameter
    if len(some) * options.repeats < options.runs:
        cheapest = SIX_ND * smallest * smallest * low
        many = f"only {len(some)}" if len(some) else "no"
        raise ModelsizerError(
            f"--runs {options.runs}: {many} runs of {format_number(smallest)} parameters or "
            "more, at "
            f"{format_number(low)} to {format_number(high)} tokens a parameter, cost at most "
            f"{format_number(options.largest_flops)} FLOPs each (one of "
            f"{format_number(smallest)} parameters takes about "
            f"{format_number(cheapest, 2)} or more): raise --budget or --largest, or lower "
            "--smallest or --runs"
        )
    cheapest = float(cheapest_of(some.flops, options.runs, options.repeats).sum())
    if cheapest > options.budget:
        raise ModelsizerError(
            f"--budget {format_number(options.budget)}: the {options.runs} cheapest runs take "
            f"{format_number(cheapest, 4)} "
            "FLOPs; raise it, or lower --runs, --smallest or --tokens-per-parameter"
        )


def unidentified_error(
    error: UnidentifiedError, point: LawPoint, space: Space, options: PlanOptions
) -> ModelsizerError:
    """The error if candidates do not identify every coefficient: which, why, and the remedy."""
    few = {column: values for column, values in error.few.items() if column in _KEYS}
    if not few:
        return ModelsizerError(
            f"--budget {format_number(options.budget)}: {error}; "
            + ("make one term of those alike, hold some (law.fixed), " if point.own else "")
            + "allow larger runs (--largest), or other tokens (--tokens-per-parameter)"
        )
    names = ", ".join(error.names)
    faults = []
    for column, values in few.items():
        feature = point.feature(column)
        key = next((k for k in _KEYS[column] if getattr(space, k) is not None), _KEYS[column][0])
        words = " or ".join(format_number(value) for value in values)
        more = "several" if len(values) == 1 else "more"
        faults.append(
            Fault(
                f"space.{key}",
                f"{names} of {point.name} cannot be learnt: {feature} is {words} in every run that "
                f"could be made; give space.{key} {more} values, or take terms of {feature} out of "
                "the law, or hold them (law.fixed)",
            )
        )
    return ProblemError(faults)
