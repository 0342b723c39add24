"""The view memory: parts of the memory of one accelerator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from modelsizer.commands.views.view import Asked, Picture, Shown

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.tables.clock import Clock


def begin(asked: Asked) -> Callable[[Clock], Shown]:
    """Check the devices, and return what finds the parts."""
    wanted = None
    if asked.devices is not None:
        from modelsizer.problems.designs.filled_devices import devices_named

        wanted = devices_named(asked.devices.split(","))

    def answer(clock: Clock) -> Shown:
        from modelsizer.problems.designs.assumptions import Assumptions
        from modelsizer.problems.designs.filled_devices import filled_devices
        from modelsizer.problems.designs.memory_parts import (
            missing_training_settings,
            serving_parts,
            training_parts,
        )
        from modelsizer.problems.designs.unknown_figures import unknown_memory
        from modelsizer.text.assumptions import serving_rows, training_row
        from modelsizer.text.device_memory import devices_dict, print_devices
        from modelsizer.text.memory import parts_dict, print_memory

        chosen = asked.design(clock)
        problem, design, trained = chosen.problem, chosen.design, chosen.asks_training
        found = {
            "serving_memory": serving_parts(problem, design),
            "training_memory": training_parts(problem, design, asked=trained),
        }
        known = [parts for parts in found.values() if parts is not None]
        others = None if wanted is None else filled_devices(problem, design, wanted)
        assumed = Assumptions.of(problem)
        content = (
            chosen.to_dict()
            | {"assumptions": assumed.to_dict()}
            | {name: None if parts is None else parts_dict(parts) for name, parts in found.items()}
        )
        if others is not None:
            content["on_devices"] = devices_dict(others)
        warned = (*chosen.idle, *unknown_memory(problem))
        if warned:
            content["warnings"] = list(warned)
        rows = serving_rows(assumed, design.architecture)
        rows += [] if found["training_memory"] is None else [training_row(problem.training)]
        title = asked.title(chosen)
        lack = missing_training_settings(problem, asked=trained)

        def text(console: Console) -> None:
            print_memory(
                console, title, known, lack, chosen.note, rows, warned, verbose=asked.verbose
            )
            if others is not None:
                print_devices(console, others)

        drawn = (
            Picture("memory", known)
            if others is None
            else Picture("devices", others, f"{title} on each accelerator")
        )
        return Shown(content, text, drawn, chosen.stop)

    return answer
