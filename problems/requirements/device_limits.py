"""Limits that accelerators set by themselves: what does not fit their memory cannot be run.

Where a problem names an accelerator and gives no limit on its memory, what fits it is the limit.
A budget of the problem stands in place of it, and so does ``"none"``, which lifts it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from modelsizer.problems.by_byte import by_byte_text
from modelsizer.problems.quantities.quantity import Settings
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.budgets import PREFILL, SERVING, TRAINING, Budgets
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.training import Training
from modelsizer.problems.units import Number, exact

OF_TABLES = {"serving": SERVING, "training": TRAINING}
"""Quantities that accelerators limit, by the table that names the accelerator."""


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """Memory of one accelerator.

    Parameters
    ----------
    device : str
        Name of the accelerator.
    usable : int
        Bytes that are left for a model; not below 0.
    """

    device: str
    usable: int

    @property
    def most(self) -> int:
        """The upper limit that it is: an upper limit is above 0."""
        return max(1, self.usable)


def usable_for_serving(serving: Serving) -> int | None:
    """Bytes of an accelerator for weights, cache and states; None if its memory is unknown.

    Memory as the device reports it x memory_utilization - the reserve of the engine, not below 0:
    what vLLM shares out (its ``gpu_memory_utilization``; docs/explanation/costs.md).
    """
    device = serving.device
    if device is None or device.memory is None:
        return None
    return _whole(engine_memory(device.memory, serving) - serving.reserve)


def engine_memory(memory: Number, serving: Serving) -> Fraction:
    """Bytes of an accelerator of so much memory that the engine may take, with its reserve."""
    return exact(memory) * exact(serving.memory_utilization)


def prefill_pool(serving: Serving) -> Serving | None:
    """A replica of the accelerators that only prefill; None without a pool of them."""
    return None if serving.prefill is None else serving.prefilling


def usable_for_training(training: Training) -> int | None:
    """Bytes of an accelerator for states, activations and logits; None if its memory is unknown.

    Memory as the device reports it - `Training.reserve`, not below 0.
    """
    device = training.device
    if device is None or device.memory is None:
        return None
    memory = exact(device.memory)
    return _whole(memory - training.reserve(memory))


def usable_memory(table: Serving | Training) -> int | None:
    """Bytes of an accelerator for a model that is served or trained; None if not known."""
    if isinstance(table, Serving):
        return usable_for_serving(table)
    return usable_for_training(table)


def _whole(left: Fraction) -> int:
    return max(0, math.floor(left))


def device_memories(settings: Settings) -> dict[str, DeviceMemory]:
    """Memory that limits each quantity, of the accelerators that are named and whose is known.

    Training memory is not limited where neither a number of accelerators nor a parallel layout is
    given: nobody then said that one accelerator holds everything.
    """
    found = {}
    serving, training = settings.serving, settings.training
    if (usable := usable_for_serving(serving)) is not None:
        found[SERVING] = DeviceMemory(serving.named.name, usable)
    pool = prefill_pool(serving)
    if pool is not None and (usable := usable_for_serving(pool)) is not None:
        found[PREFILL] = DeviceMemory(pool.named.name, usable)
    if training.laid_out and (usable := usable_for_training(training)) is not None:
        found[TRAINING] = DeviceMemory(training.named.name, usable)
    return found


def unknown_memories(settings: Settings, budgets: Budgets) -> Iterator[tuple[str, str]]:
    """Yield quantities that nothing limits as the memory of a named accelerator is not known.

    Yields
    ------
    quantity, device : str
    """
    tables: list[tuple[Serving | Training, str]] = [
        (settings.serving, SERVING),
        (settings.training, TRAINING),
    ]
    if (pool := prefill_pool(settings.serving)) is not None:
        tables.append((pool, PREFILL))
    for table, quantity in tables:
        device = table.device
        if device is not None and device.memory is None and quantity not in budgets.said:
            yield quantity, device.name


def check_offered_devices(training: Training, serving: Serving, budgets: Budgets) -> None:
    """Refuse to choose between accelerators of which only some are limited to what fits them.

    Raises
    ------
    ValueError
        ``"@key message"``, with an accelerator whose memory is not known.
    """
    tables: dict[str, Training | Serving] = {"serving": serving}
    if training.laid_out:
        tables["training"] = training
    for name, table in tables.items():
        devices, quantity = table.every_device, OF_TABLES[name]
        if len(devices) < 2 or quantity in budgets.said:
            continue
        if unknown := [device.name for device in devices if device.memory is None]:
            raise ValueError(
                f"@{name}.accelerator offers {unknown[0]}, whose memory is not known: it would be "
                "chosen as nothing limits it to what fits; leave it out, or give "
                f'budgets.{quantity}, "none" for no limit at all'
            )


def device_limits(settings: Settings, budgets: Budgets) -> dict[str, Interval]:
    """Limits by quantity that accelerators set where the budgets say nothing.

    Parameters
    ----------
    settings : Settings
        Only `training` and `serving` are read.
    budgets : Budgets

    Returns
    -------
    dict of str to Interval
        Upper limits on memory in bytes: `modelsizer.problems.requirements.budgets.OF_DEVICES`.
    """
    found: dict[str, Interval] = {}
    if not settings.serving.every_device and settings.training.device is None:
        return found
    for name, memory in device_memories(settings).items():
        given: Interval | None = getattr(budgets, name)
        if given is None:
            found[name] = Interval(max=memory.most)
        elif given.on_device:
            most = memory.most if given.max is None else min(memory.most, given.max)
            found[name] = Interval(given.min, most)
    return found


def fits(device: str) -> str:
    """How texts name the limit that an accelerator sets: ``fits H100-SXM (default)``."""
    return f"fits {device} (default)"


def given_as(limit: Number, reference: str, device: str) -> str:
    """How a limit was given, if not as a number in a common unit; empty if it was.

    A model that has it, an amount by the byte, or the accelerator that it fits.
    """
    return reference or (fits(device) if device else by_byte_text(limit))
