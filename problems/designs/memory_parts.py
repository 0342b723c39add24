"""Breakdown of the memory of one accelerator, in serving and in training.

The parts sum exactly to the quantities that budgets limit. Serving memory is linear in the bytes
of each kind of value, so a part is the total with every other kind at zero bytes. Training memory
is that of the largest pipeline stage; each part is the decrease of
`modelsizer.problems.costs.training_memory.stages` when it is counted at zero bytes, so the
formulas are defined only there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from modelsizer.problems.architecture import accounting
from modelsizer.problems.architecture.architecture import Layer, Trunk
from modelsizer.problems.costs.held import held_cache, held_states
from modelsizer.problems.costs.speculation import draft_cache, draft_weights
from modelsizer.problems.costs.training_memory import (
    expert_state_bytes,
    layer_activations,
    stages,
    state_bytes,
)
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.hardware.accelerators import Accelerator
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.training import Training
from modelsizer.problems.units import Number, exact

STATES = {
    "weights": "weight_bytes",
    "gradients": "gradient_bytes",
    "optimizer states": "optimizer_bytes",
}
"""Parts of the training states, with the key of `[training]` that sets their size. Optimizer states
include master weights: Adam's 12 bytes are 4 for them and 4 for each moment (arXiv 1910.02054,
section 3.1)."""
MATRICES = {"attention": "attention", "ffn": "feed-forward", "experts": "experts"}
"""Parts of serving memory in place of "weight matrices": of mixtures, and of several formats."""
_STAGES = ("first pipeline stage", "last pipeline stage")


@dataclass(frozen=True, slots=True)
class MemoryParts:
    """Breakdown of the memory of one accelerator.

    Parameters
    ----------
    quantity : {"serving_memory", "training_memory"}
    parts : tuple of (str, Fraction)
        Names and bytes in stacking order; no part is empty.
    limit : int or float or None
        Upper limit in bytes.
    device : str
        Name of the accelerator; empty if none is set.
    device_memory : int or None
        Bytes that the accelerator reports.
    accelerators : int
        Number of accelerators that together hold the model (and its copies).
    stage : str
        The largest pipeline stage, if there are several.
    default : bool
        Whether the limit is what fits the accelerator, and no budget.
    """

    quantity: str
    parts: tuple[tuple[str, Fraction], ...]
    limit: Number | None
    device: str
    device_memory: Number | None
    accelerators: int
    stage: str = ""
    default: bool = False

    @property
    def where(self) -> str:
        """Which accelerator: ``one of 8 accelerators``, or ``one H100-SXM``."""
        if self.accelerators > 1:
            return f"one of {self.accelerators:,} {self.device or 'accelerators'}"
        return f"one {self.device or 'accelerator'}"

    @property
    def total(self) -> Fraction:
        """Total bytes: the quantity that the budget limits."""
        return sum((size for _, size in self.parts), Fraction(0))

    @property
    def room(self) -> Fraction | None:
        """Bytes left below the limit, negative if it is violated; None without a limit."""
        return None if self.limit is None else exact(self.limit) - self.total

    @property
    def device_room(self) -> Fraction | None:
        """Bytes left in the accelerator's own memory; None if that is unknown."""
        return None if self.device_memory is None else exact(self.device_memory) - self.total


def _parts(
    problem: Problem,
    quantity: str,
    parts: dict[str, Fraction],
    device: Accelerator | None,
    accelerators: int,
    stage: str = "",
) -> MemoryParts:
    budget = problem.limits.get(quantity)
    return MemoryParts(
        quantity,
        tuple((name, size) for name, size in parts.items() if size),
        None if budget is None else budget.max,
        "" if device is None else device.name,
        None if device is None else device.memory,
        accelerators,
        stage,
        quantity in problem.device_limits,
    )


def _groups(design: Evaluation) -> tuple[Trunk, list[Layer], list[int]]:
    groups = design.architecture.groups
    return design.architecture.trunk, [g.layer for g in groups], [g.count for g in groups]


def serving_parts(problem: Problem, design: Evaluation) -> MemoryParts | None:
    """Weights, cache and states on one accelerator.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
        The architecture evaluated under this problem.

    Returns
    -------
    MemoryParts or None
        None if the problem lacks the data.
    """
    problem = problem.under(design.layout)
    if problem.lacks("serving_memory"):
        return None
    serving = problem.serving
    trunk, kinds, counts = _groups(design)
    formats = serving.weights
    by_part = accounting.weight_bytes_by_part(trunk, kinds, formats, serving.groups)
    held = {part: size.at(counts) / serving.devices for part, size in by_part.items()}
    matrices = {name: held[part] for part, name in MATRICES.items()}
    if formats.attention == formats.ffn == formats.experts and not held["experts"]:
        matrices = {"weight matrices": sum(matrices.values(), Fraction(0))}
    prefix = serving.prefix_of(problem.context_length)
    cache = held_cache(serving, kinds, problem.context_length, prefix)
    states = held_states(serving, kinds)
    parts = matrices | {
        "embedding and head": held["embedding"] + held["head"],
        "other weights": held["router"] + held["other"],
        "KV cache": cache.at(counts) / serving.devices,
        "states": states.at(counts) / serving.devices,
    }
    if serving.drafting is not None:
        prefix = serving.prefix_of(problem.context_length)
        cached = draft_cache(serving, problem.context_length, trunk, kinds, prefix=prefix)
        parts["draft's weights"] = draft_weights(serving, trunk, kinds).at(counts) / serving.devices
        parts["draft's cache"] = cached.at(counts) / serving.devices
    return _parts(problem, "serving_memory", parts, serving.device, serving.devices)


_OF_THE_DATA = frozenset({"tokens", "unique_tokens", "flops", "sequence_length"})
"""Keys of ``[training]`` that say nothing of what it is trained on. Most problems give the length
of a sequence for the FLOPs alone."""


def missing_training_settings(problem: Problem, *, asked: bool = False) -> str:
    """Settings that the problem lacks for a breakdown of training memory; empty if none.

    The quantity has a value without them, as if one accelerator held everything, which nobody
    asked for who says nothing of what it is trained on.

    Parameters
    ----------
    problem : Problem
    asked : bool
        Whether it is asked for by other means than the problem's.
    """
    if lack := problem.lacks("training_memory"):
        return lack
    if asked or problem.training.model_fields_set - _OF_THE_DATA:
        return ""
    if "training_memory" in {*problem.limits, problem.objective.quantity}:
        return ""
    return "training_memory needs what it is trained on: write training.accelerators = 1"


def asks_for_training(keys: Iterable[str]) -> bool:
    """Whether settings of one architecture ask for its training memory.

    Parameters
    ----------
    keys : iterable of str
        Dotted keys that a user gave, of whom the length of a sequence is reason enough.
    """
    tables = (key.split(".") for key in keys)
    of_the_data = _OF_THE_DATA - {"sequence_length"}
    return any(t[0] == "training" and t[1:2] and t[1] not in of_the_data for t in tables)


def training_parts(
    problem: Problem, design: Evaluation, *, asked: bool = False
) -> MemoryParts | None:
    """States, activations and logits on one accelerator of the largest stage.

    "recomputed layer" is the current layer under full recomputation. If states round up to whole
    bytes, the rounding is divided proportionally.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
        The architecture evaluated under this problem; uses its layout.
    asked : bool
        See `missing_training_settings`.

    Returns
    -------
    MemoryParts or None
        None if `missing_training_settings` is not empty.
    """
    problem = problem.under(design.layout)
    if missing_training_settings(problem, asked=asked):
        return None
    training, layout = problem.training, design.layout
    trunk, kinds, counts = _groups(design)

    def held(**bytes_each: int) -> list[Fraction]:
        """Bytes of both stages, with other sizes for some kinds of value."""
        changed = training.model_copy(update=bytes_each)
        return [stage.at(counts) for stage in stages(changed, trunk, kinds, layout)]

    whole = held()
    at = max(range(len(whole)), key=lambda stage: whole[stage])
    states = whole[at] - held(**dict.fromkeys(STATES.values(), 0))[at]
    logits = whole[at] - held(logit_bytes=0)[at]
    working = _recomputed(training, trunk, kinds, layout)
    parts = _states(training, layout, states, design.parameters.experts) | {
        "activations": whole[at] - states - logits - working,
        "recomputed layer": working,
        "logits": logits,
    }
    stage = _STAGES[at] if layout.pipeline_parallel > 1 else ""
    return _parts(problem, "training_memory", parts, training.device, layout.accelerators, stage)


def _states(
    training: Training, layout: Layout, states: Fraction, experts: int
) -> dict[str, Fraction]:
    """Bytes of each of `STATES` under its ZeRO stage: of routed experts, and of all the rest."""
    of_experts = experts * expert_state_bytes(training, layout)
    found = {}
    for part in STATES:
        others = {key: 0 for name, key in STATES.items() if name != part}
        alone = training.model_copy(update=others)
        share = state_bytes(alone, layout) / state_bytes(training, layout)
        found[part] = (states - of_experts) * share + experts * expert_state_bytes(alone, layout)
    return found


def _recomputed(
    training: Training, trunk: Trunk, kinds: Sequence[Layer], layout: Layout
) -> Fraction:
    """Bytes of the current layer (the largest kind), if it is recomputed entirely."""
    if training.recompute != "full":
        return Fraction(0)
    ways = layout.tensor_parallel
    return Fraction(max(layer_activations(k, trunk, training, ways, "none") for k in kinds))
