"""Whether a design fits the accelerators that are named, and the memory that it leaves."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import Number, plain


@dataclass(frozen=True, slots=True)
class DeviceRoom:
    """Memory of one accelerator beside what a design takes of it.

    Parameters
    ----------
    quantity : {"serving_memory", "training_memory"}
    device : str
    usable : int
        Bytes; see `modelsizer.problems.requirements.device_limits`.
    used : int or float
        Bytes.
    """

    quantity: str
    device: str
    usable: int
    used: Number

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
        }


def device_rooms(problem: Problem, design: Evaluation) -> tuple[DeviceRoom, ...]:
    """Room of a design on its accelerators, of those whose memory is known.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
        Evaluated under it.
    """
    memories = problem.under(design.layout).device_memories
    return tuple(
        DeviceRoom(name, memory.device, memory.usable, plain(Fraction(design.exact[name])))
        for name, memory in memories.items()
    )
