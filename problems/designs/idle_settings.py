"""Settings that change no figure of an architecture for want of another."""

from __future__ import annotations

from collections.abc import Iterable

from modelsizer.problems.architecture.accounting import weights_by_part
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.weight_formats import PARTS
from modelsizer.problems.hardware.accelerators import NOT_KNOWN
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.needs import affected_by
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.quantities.training_cost import ACCELERATOR
from modelsizer.problems.reading import PRICES
from modelsizer.problems.registry import loosely
from modelsizer.problems.requirements.device_limits import OF_TABLES

TOKENS = "tokens of training: write training.tokens = 15e12"
_OF_MEMORY = (
    "accelerator",
    "custom_accelerator",
    "custom_accelerator.memory",
    "memory_utilization",
    "memory_reserve",
)
"""Settings of serving and training that say what fits an accelerator."""
_COUNT = "a number of accelerators: write training.accelerators = 8"
_DEVICES = ("accelerator", "custom_accelerator")
"""Keys of a table whose unknown figures `unknown_figures` tells."""


def idle_settings(problem: Problem, keys: Iterable[str], *, trained: bool) -> tuple[str, ...]:
    """Return what settings lack that change no figure.

    Parameters
    ----------
    problem : Problem
    keys : iterable of str
        Dotted keys that a user gave.
    trained : bool
        Whether the tokens of training are known.

    Returns
    -------
    tuple of str
        A sentence without a full stop for each such key.
    """
    lacks = {key: _lack(problem, key, trained) for key in keys}
    return tuple(
        f"{key} changes no figure{':' if NOT_KNOWN in lack else ' without'} {lack}"
        for key, lack in lacks.items()
        if lack
    )


def _lack(problem: Problem, key: str, trained: bool) -> str:
    """What every figure that a setting would change lacks; empty if one has a value."""
    table, _, rest = key.partition(".")
    if table == PRICES and loosely(rest) not in {loosely(one.name) for one in problem.devices}:
        return f'that accelerator: write serving.accelerator = "{rest}"'
    fits = table in OF_TABLES and rest in _OF_MEMORY
    if fits and OF_TABLES[table] in problem.device_memories:
        return ""  # it says what fits
    affected = affected_by(f"{table}.{rest.partition('.')[0]}")
    if affected:
        lacks = [_of_quantity(problem, name, trained) for name in QUANTITIES if name in affected]
        if not all(lacks):
            return ""
        unknown = [lack for lack in lacks if NOT_KNOWN in lack]  # what the accelerator itself lacks
        if unknown and rest.partition(".")[0] in _DEVICES:
            return ""
        served = [lack for lack in lacks if "serving." in lack and table == "serving"]
        return next(iter([*unknown, *served]), lacks[0])
    if fits:
        known = {"serving": problem.serving, "training": problem.training}[table].device
        return ACCELERATOR.format(table=table) if known is None else _COUNT
    return TOKENS if table == "objective" and not trained else ""


def _of_quantity(problem: Problem, name: str, trained: bool) -> str:
    """What a quantity lacks; empty if it has a value."""
    if lacks := problem.lacks(name):
        return lacks.removeprefix(f"{name} needs ")
    return "" if trained or not QUANTITIES[name].of_tokens else TOKENS


def idle_in_model(architecture: Architecture, keys: Iterable[str]) -> tuple[str, ...]:
    """Return settings of parts that a model does not have, as `idle_settings` does."""
    groups = architecture.groups
    by_part = weights_by_part(architecture.trunk, [group.layer for group in groups])
    counts = [group.count for group in groups]
    mixers = [group.layer.attention for group in groups]
    lacks = {
        **{
            f"serving.{unit}.{part}": f"weights of {part}"
            for unit in ("weight_bits", "weight_bytes")
            for part in PARTS
            if not by_part[part].at(counts)
        },
        **dict.fromkeys(
            ("serving.kv_bits", "serving.kv_bytes", "serving.kv_policy"),
            "" if any(mixer.kv_values() for mixer in mixers) else "cache",
        ),
        "serving.state_bytes": "" if any(mixer.state_values() for mixer in mixers) else "states",
    }
    return tuple(
        f"{key} changes no figure: the model has no {what}"
        for key in keys
        if (what := lacks.get(key))
    )
