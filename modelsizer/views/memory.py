"""What fills the memory of one accelerator, in serving and in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelsizer.optimizer.result import Result
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.brief import named
from modelsizer.problems.designs.filled_devices import (
    FilledDevices,
    devices_named,
    filled_devices,
)
from modelsizer.problems.designs.memory_parts import (
    MemoryParts,
    missing_training_settings,
    serving_parts,
    training_parts,
)
from modelsizer.problems.designs.unknown_figures import unknown_memory
from modelsizer.problems.hardware.accelerators import Accelerator
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn, Tabled
from modelsizer.text.assumptions import training_row
from modelsizer.text.device_memory import devices_dict
from modelsizer.text.memory import parts_dict
from modelsizer.views.view import Viewed, viewed

SERVING, TRAINING = "serving_memory", "training_memory"


@dataclass(frozen=True, slots=True)
class Memory(Tabled, Drawn):
    """The memory of one accelerator.

    Parameters
    ----------
    of : Viewed
        The design.
    serving, training : MemoryParts or None
        None where settings do not say enough.
    devices : FilledDevices or None
        The design on several accelerators, if asked for.
    """

    of: Viewed
    serving: MemoryParts | None
    training: MemoryParts | None
    devices: FilledDevices | None = None

    def _words(self) -> str:
        sizes = [f"{p.quantity} {float(p.total) / 1e9:.4g} GB" for p in self.panels]
        return f"of {named(self.of.title)}: {', '.join(sizes) or 'nothing known'}"

    @property
    def panels(self) -> list[MemoryParts]:
        """What is known."""
        return [parts for parts in (self.serving, self.training) if parts is not None]

    @property
    def lack(self) -> str:
        """Why nothing is known of training; empty if something is."""
        return missing_training_settings(self.of.problem, asked=self.of.asks_training)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Settings that change no figure, and memory that is not known."""
        return (*self.of.idle, *unknown_memory(self.of.problem))

    def rows(self) -> list[tuple[str, str]]:
        """The settings that figures hold for, in words."""
        trained = [] if self.training is None else [training_row(self.of.problem.training)]
        return [*self.of.rows(), *trained]

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        found = self.of.assuming()
        for name, parts in ((SERVING, self.serving), (TRAINING, self.training)):
            found[name] = None if parts is None else parts_dict(parts)
        if self.devices is not None:
            found["on_devices"] = devices_dict(self.devices)
        return found | ({"warnings": list(self.warnings)} if self.warnings else {})


def memory(
    design: Result | Architecture,
    *,
    devices: Sequence[str] | None = None,
    problem: Problem | None = None,
    settings: Mapping[str, object] | None = None,
) -> Memory:
    """Show what fills the memory of one accelerator, in serving and in training.

    Parameters
    ----------
    design : Result or Architecture
    devices : sequence of str, optional
        Accelerators whose memory is filled as well: names, vendors, ``"server"`` or ``"all"``.
    problem : Problem, optional
        That an architecture is evaluated under.
    settings : mapping, optional
        Values by dotted key, over those of the problem or by themselves.

    Returns
    -------
    Memory

    Raises
    ------
    ArgumentError
        If there is no such accelerator.
    ProblemError
        If a setting is wrong.

    Examples
    --------
    >>> from modelsizer import load_architecture, memory
    >>> found = memory(load_architecture("llama-3-8b"), settings={"serving.batch_size": 4})
    >>> [name for name, _ in found.serving.parts]
    ['weight matrices', 'embedding and head', 'other weights', 'KV cache']
    """
    wanted = None if devices is None else devices_named(devices)
    return memory_of(viewed(design, problem, settings), wanted)


def memory_of(of: Viewed, devices: Sequence[Accelerator] | None = None) -> Memory:
    """The memory of a design, and on several accelerators if they are given."""
    return Memory(
        of,
        serving_parts(of.problem, of.design),
        training_parts(of.problem, of.design, asked=of.asks_training),
        None if devices is None else filled_devices(of.problem, of.design, devices),
    )
