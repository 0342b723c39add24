"""``[serving.prefill]`` and ``[serving.decode]``: accelerators for prompts, and for answers.

Prompts are prefilled by one pool, which sends their cache to the other, where answers are decoded
(DistServe, Zhong et al. 2024, arXiv 2401.09670; Splitwise, Patel et al. 2024, arXiv 2311.18677).
"""

from __future__ import annotations

from typing import Annotated, Any

from modelsizer.problems.hardware.accelerators import PRECISIONS
from modelsizer.problems.offered import Several, SeveralTables
from modelsizer.problems.tables.tables import Devices, OnAccelerator, WayCount, one_of
from modelsizer.problems.typed_keys import Kind, TableError

POOLS = ("prefill", "decode")


class Pool(OnAccelerator):
    """Accelerators that prefill, or that decode; keys that are not given are those of [serving].

    Parameters
    ----------
    accelerator, custom_accelerator
        Accelerator of the pool: a name in the catalogue (`accelerator`), or figures of one
        that is not there (`custom_accelerator`).
    accelerators : int
        Number of accelerators in all: replicas of the model, each on tensor_parallel x
        attention_data_parallel accelerators; one replica by default.
    tensor_parallel, expert_parallel, attention_data_parallel : int
        Ways of each replica, as the keys of these names in [serving], which are the default.
    compute : {"bf16", "fp8", "fp4"}
        Precision of the matrix multiplications, by default that of [serving].
    """

    accelerators: Annotated[Devices | None, Several()] = None
    tensor_parallel: Annotated[WayCount | None, Several()] = None
    expert_parallel: Annotated[WayCount | None, Several()] = None
    attention_data_parallel: Annotated[WayCount | None, Several()] = None
    compute: Annotated[str | None, one_of("a precision", PRECISIONS), Several(numbers=False)] = None

    def __str__(self) -> str:
        name = self.device.name if self.device is not None else "accelerators"
        words = name if self.accelerators is None else f"{self.accelerators:,} x {name}"
        ways = {"tensor": self.tensor_parallel, "expert": self.expert_parallel}
        parts = [f"{n:,} {kind} ways" for kind, n in ways.items() if n is not None and n > 1]
        return ", ".join([words, *parts])


POOLED = tuple(Pool.model_fields)
"""Keys that a pool may have of its own."""


def filled_in(serving: Any) -> dict[str, Pool]:
    """Both pools, with all that they do not say themselves; none of it is a choice.

    Parameters
    ----------
    serving : Serving
        Its module imports this one.

    Raises
    ------
    TableError
        If one is not right, or both together have more accelerators than there are.
    """
    found = {name: _filled_in(serving, name) for name in POOLS}
    both = {name: pool.accelerators or 0 for name, pool in found.items()}
    if serving.accelerators is not None and sum(both.values()) > serving.accelerators:
        each = " + ".join(f"{name}.accelerators = {n}" for name, n in both.items())
        raise TableError([("accelerators", f"{serving.accelerators} are fewer than {each}")])
    return found


def _filled_in(serving: Any, name: str) -> Pool:
    said = {key: each for key, each in getattr(serving, name) or Pool() if each is not None}
    values: dict[str, Any] = {key: getattr(serving, key) for key in POOLED}
    if {"accelerator", "custom_accelerator"} & set(said):
        values |= {"accelerator": None, "custom_accelerator": None}
    values |= {"accelerators": None} | said
    served = serving.model_copy(values | dict.fromkeys(POOLS))
    try:
        served.check_accelerators()
    except TableError as error:
        raise TableError([(f"{name}.{key}", text) for key, text in error.faults]) from None
    except ValueError as error:
        raise TableError([(name, str(error))]) from None
    return Pool.model_construct(**values | {"accelerators": served.devices})


PoolValue = Annotated[
    Pool | None, Kind(Pool.model_validate, Pool.given), SeveralTables(numbers=False)
]
