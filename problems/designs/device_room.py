"""Whether a design fits the accelerators that are named, and the memory that it leaves."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.hardware.accelerators import accelerators
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.budgets import PREFILL, SERVING
from modelsizer.problems.requirements.device_limits import usable_memory
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.training import Training
from modelsizer.problems.units import Number, plain


@dataclass(frozen=True, slots=True)
class DeviceRoom:
    """Memory of one accelerator beside what a design takes of it.

    Parameters
    ----------
    quantity : {"serving_memory", "training_memory", "prefill_memory"}
    device : str
    usable : int
        Bytes; see `modelsizer.problems.requirements.device_limits`.
    used : int or float
        Bytes.
    larger : str or None
        If it does not fit, the accelerator of least memory that holds it; see `least_device`.
    """

    quantity: str
    device: str
    usable: int
    used: Number
    larger: str | None = None

    @property
    def left(self) -> Number:
        """Bytes left, negative where the design does not fit."""
        return self.usable - self.used

    @property
    def fits(self) -> bool:
        """Whether the design fits."""
        return self.left >= 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "name": self.quantity,
            "device": self.device,
            "fits": self.fits,
            "used": self.used,
            "usable": self.usable,
            "left": self.left,
            "unit": "bytes",
        } | ({} if self.fits else {"held_by": self.larger})


def device_rooms(problem: Problem, design: Evaluation) -> tuple[DeviceRoom, ...]:
    """Room of a design on its accelerators, of those whose memory is known.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
        Evaluated under it.
    """
    one, found = problem.under(design.layout), []
    for name, memory in one.device_memories.items():
        used = Fraction(design.exact[name])
        larger = least_device(one, name, used) if used > memory.usable else None
        found.append(DeviceRoom(name, memory.device, memory.usable, plain(used), larger))
    return tuple(found)


def least_device(problem: Problem, quantity: str, least: Fraction) -> str | None:
    """The accelerator of least memory in the catalogue that holds some bytes, as the problem's.

    Parameters
    ----------
    problem : Problem
    quantity : {"serving_memory", "training_memory", "prefill_memory"}
    least : Fraction
        Bytes.

    Returns
    -------
    str or None
        One for servers, if the problem's is. None if there is none.
    """
    tables = {SERVING: problem.serving, PREFILL: problem.serving.prefilling}
    table: Serving | Training = tables.get(quantity, problem.training)
    server = table.named.server
    known = [each for each in accelerators().values() if each.server == server and each.memory]
    for each in sorted(known, key=lambda one: one.memory or 0):
        usable = usable_memory(table.on(each))
        if usable is not None and usable >= least:
            return each.name
    return None
