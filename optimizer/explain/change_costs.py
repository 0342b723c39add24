"""The cost of each change that a repair may make: one table, with the reason of each weight.

A change from a to b costs ``weight x |ln(b / a)|``; what has no ratio costs what `STEPS` says. So
10 % more of a budget costs 0.095, a ninth accelerator beside eight 0.118, a second beside one 0.69.
The weights are judgements, which ``--weight KEY=W`` replaces.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from modelsizer.optimizer.constraints import base_of
from modelsizer.optimizer.explain.repairs import Repair
from modelsizer.problems.units import Number, exact

WEIGHTS: Mapping[str, float] = {
    "budgets": 1.0,  # a promise of so much: money, memory and time are worth their ratio
    "training.tokens": 1.0,  # data that must be gathered, or that was asked for
    # Along the optimum at 1e24 FLOPs ln C of compute is worth 0.020 of 1.98 nats (`prices
    # one-h100-1e24`): 1 % of the loss is as dear as e times the FLOPs.
    "budgets.loss": 100.0,
    "serving.batch_size": 1.0,  # a token served costs as much more
    "serving.context_length": 1.0,  # a promise to users
    "training.sequence_length": 1.0,
    "serving.accelerators": 1.0,  # money in proportion, as time is
    "training.accelerators": 1.0,
    # Published quality at 8 bits is that of 16 within noise, at 4 bits a little less (GPTQ, arXiv
    # 2210.17323, table 3; KIVI, arXiv 2402.02750, table 3): half of the bytes, at half of the cost.
    "serving.weight_bits": 0.5,
    "serving.weight_bytes": 0.5,
    "serving.kv_bits": 0.5,
    "serving.kv_bytes": 0.5,
    # Layouts buy nothing: a bit of communication, and of efficiency of the kernels.
    "serving.tensor_parallel": 0.1,
    "training.tensor_parallel": 0.1,
    "training.pipeline_parallel": 0.1,
    "training.data_parallel": 0.1,
    "training.microbatch_size": 0.1,
    # As dear as so many more accelerators of the same kind: the ratio of their prices, where both
    # are given, or that of their bandwidth in serving, of their FLOP/s in training.
    "serving.accelerator": 1.0,
    "training.accelerator": 1.0,
    "space": 1.0,  # what may be built is written down as a promise is
}
"""Weight of a change by key, by its first word where the key itself is not there."""

OF_DEVICES = 100.0
"""Weight of a limit that the memory of an accelerator sets: more of it is another accelerator."""

STEPS: Mapping[str, Mapping[object, float]] = {
    # Scores alone cost some 2 % more FLOPs; every second product half of a forward pass's; all a
    # whole forward pass: ln(4/3) (Korthikanti et al. 2022, arXiv 2205.05198, section 5).
    "training.recompute": {"none": 0.0, "selective": 0.02, "half": 0.15, "full": math.log(4 / 3)},
    # Stages 1 and 2 add no communication; stage 3 half as much again (Rajbhandari et al. 2020,
    # arXiv 1910.02054, section 7), of the tenth of a step that it commonly takes.
    "training.zero_stage": {0: 0.0, 1: 0.005, 2: 0.01, 3: 0.05},
}
"""Cost of each value of a setting that has no ratio, from its first on."""

FAR = math.log(4)
"""Cost above which a change is offered only if nothing else makes the problem feasible: that of
four times a budget."""


def weight_of(key: str, weights: Mapping[str, float] | None = None) -> float:
    """Weight of a change of a limit or a setting.

    Parameters
    ----------
    key : str
    weights : mapping, optional
        Weights of the user, which stand in place of the table's.

    Examples
    --------
    >>> weight_of("budgets.serving_memory"), weight_of("serving.kv_bits")
    (1.0, 0.5)
    """
    base = base_of(key)
    for held in (weights or {}, WEIGHTS):
        for name in (key, base, key.partition(".")[0]):
            if name in held:
                return held[name]
    return 1.0


def cost_of(
    key: str,
    before: Number | str,
    after: Number | str,
    weights: Mapping[str, float] | None = None,
) -> float:
    """Cost of a change of one limit or setting; infinite where there is no ratio."""
    if key in STEPS:
        scale = weight_of(key, weights) if weights and key in weights else 1.0
        return scale * abs(STEPS[key][after] - STEPS[key][before])
    if isinstance(before, str) or isinstance(after, str):
        return math.inf
    low, high = sorted((exact(before), exact(after)))
    return math.inf if low <= 0 else weight_of(key, weights) * _log(Fraction(high) / low)


def _log(ratio: Fraction) -> float:
    """Logarithm of a ratio of any size."""
    return math.log(ratio.numerator) - math.log(ratio.denominator) if ratio > 2 else math.log(ratio)


def priced(repair: Repair, weights: Mapping[str, float] | None = None) -> Repair:
    """The repair with its cost; one that has a cost already, with the user's weight of it."""
    if repair.cost is None:
        return replace(repair, cost=cost_of(repair.key, repair.before, repair.value, weights))
    scale = weight_of(repair.key, weights) / weight_of(repair.key)
    return replace(repair, cost=scale * repair.cost)
