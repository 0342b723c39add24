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
        from modelsizer.text.device_memory import print_devices
        from modelsizer.text.memory import print_memory
        from modelsizer.views.memory import memory_of

        chosen = asked.design(clock)
        found = memory_of(asked.viewed(chosen), wanted)
        others = found.devices
        title = asked.title(chosen)

        def text(console: Console) -> None:
            print_memory(
                console,
                title,
                found.panels,
                found.lack,
                chosen.note,
                found.rows(),
                found.warnings,
                verbose=asked.verbose,
            )
            if others is not None:
                print_devices(console, others)

        drawn = (
            Picture("memory", found.panels)
            if others is None
            else Picture("devices", others, f"{title} on each accelerator")
        )
        return Shown(found.to_dict(), text, drawn, chosen.stop)

    return answer
