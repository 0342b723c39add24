"""What a design takes of the memory of each of several accelerators, and what it leaves."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

from modelsizer.problems.designs.capacity import serving_room
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.designs.memory_parts import serving_parts
from modelsizer.problems.errors import ArgumentError
from modelsizer.problems.hardware.accelerators import Accelerator, accelerator, accelerators
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.device_limits import engine_memory
from modelsizer.problems.units import Number, exact

ALL, SERVER = "all", "server"
"""Words for every accelerator of the catalogue, and for those of data centres."""
RESERVE = "engine's reserve"
_CACHE, _STATES, _WEIGHTS = "KV cache", "states", "weights"


@dataclass(frozen=True, slots=True)
class FilledDevice:
    """The memory of one accelerator, filled by its share of a design.

    Parameters
    ----------
    device : str
    memory : number
        Bytes that the accelerator reports.
    parts : tuple of (str, Fraction)
        Bytes of weights, cache, states, and of the engine's reserve; no part is empty.
    usable : Fraction
        Bytes that the engine may take: memory x memory_utilization.
    requests : int or None
        Sequences of the context that fit at once; None if they take no memory.
    """

    device: str
    memory: Number
    parts: tuple[tuple[str, Fraction], ...]
    usable: Fraction
    requests: int | None

    @property
    def room(self) -> Fraction:
        """Bytes left to the engine; negative if the design does not fit."""
        return self.usable - sum((size for _, size in self.parts), Fraction(0))


@dataclass(frozen=True, slots=True)
class FilledDevices:
    """A design on several accelerators.

    Parameters
    ----------
    rows : tuple of FilledDevice
        Those whose memory is known, the smallest first.
    unknown : tuple of str
        Names of those whose memory is unknown.
    accelerators : int
        Number of accelerators that together hold the design.
    """

    rows: tuple[FilledDevice, ...]
    unknown: tuple[str, ...]
    accelerators: int


def devices_named(words: Iterable[str]) -> tuple[Accelerator, ...]:
    """Accelerators by name, by vendor, and by the words "all" and "server".

    Raises
    ------
    ArgumentError
        If a word is none of these.
    """
    found: dict[str, Accelerator] = {}
    for word in words:
        lower = word.strip().lower()
        group = [
            each
            for each in accelerators().values()
            if lower in (ALL, each.vendor.lower()) or (lower == SERVER and each.server)
        ]
        try:
            found |= {each.name: each for each in group or [accelerator(word)]}
        except ValueError as error:
            raise ArgumentError(
                "devices", f"{error}, and {ALL}, {SERVER} and vendors are words for several"
            ) from None
    return tuple(found.values())


def filled_devices(
    problem: Problem, design: Evaluation, devices: Iterable[Accelerator]
) -> FilledDevices:
    """Fill the memory of each of several accelerators, as if the design were served from it.

    Parameters
    ----------
    problem : Problem
        With the number of accelerators, the load and the formats.
    design : Evaluation
        The architecture evaluated under this problem.
    devices : iterable of Accelerator

    Raises
    ------
    ArgumentError
        If the problem does not say enough of serving.
    """
    filled = serving_parts(problem, design)
    if filled is None:
        raise ArgumentError("devices", problem.lacks("serving_memory"))
    held: dict[str, Fraction] = {}
    for name, size in filled.parts:
        key = name if name in (_CACHE, _STATES) else _WEIGHTS
        held[key] = held.get(key, Fraction(0)) + size
    rows, unknown = [], []
    for device in devices:
        if device.memory is None:
            unknown.append(device.name)
            continue
        served = problem.serving.on(device)
        parts = held | {RESERVE: exact(served.reserve)}
        usable = engine_memory(device.memory, served)
        room = serving_room(problem, design, served)
        assert room is not None, "the memory is known"
        rows.append(
            FilledDevice(
                device.name,
                device.memory,
                tuple((name, size) for name, size in parts.items() if size),
                Fraction(math.floor(usable)),
                room.requests,
            )
        )
    rows.sort(key=lambda row: row.memory)
    return FilledDevices(tuple(rows), tuple(unknown), problem.serving.devices)
