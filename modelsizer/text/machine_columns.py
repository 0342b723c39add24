"""The machines of several designs in a table: what differs as columns, the rest in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelsizer.optimizer.constraints import value_text
from modelsizer.text.kit.words import NONE, short_keys

Machine = Mapping[str, Any]
"""What was chosen of settings that offer several values, by dotted key."""


def keys_apart(machines: Sequence[Machine]) -> list[str]:
    """Settings of which the machines have more than one value, in order."""
    keys = dict.fromkeys(key for machine in machines for key in machine)
    return [key for key in keys if any(m.get(key) != machines[0].get(key) for m in machines)]


def machine_columns(
    machines: Sequence[Machine | None], keys: Sequence[str] | None = None
) -> list[tuple[str, list[str]]]:
    """A column of each setting in which the machines differ, or of the given ones.

    Parameters
    ----------
    machines : sequence of mapping or None
        Of the rows of a table; None where there is no design.
    keys : sequence of str, optional
    """
    known = [machine for machine in machines if machine is not None]
    keys = keys_apart(known) if keys is None else keys
    return [
        (name, [_cell(machine, key) for machine in machines])
        for key, name in zip(keys, short_keys(keys), strict=True)
    ]


def _cell(machine: Machine | None, key: str) -> str:
    if machine is None:
        return ""
    return value_text(key, machine[key]) if key in machine else NONE


def same_machine(machines: Sequence[Machine]) -> str:
    """What all machines have, in a sentence; empty if nothing chosen is the same."""
    apart = keys_apart(machines)
    same = [key for key in (machines[0] if machines else {}) if key not in apart]
    if not same:
        return ""
    words = (
        f"{name} {value_text(key, machines[0][key])}"
        for key, name in zip(same, short_keys(same), strict=True)
    )
    return f"{'Each' if len(machines) > 1 else 'It'} has {', '.join(words)}."
