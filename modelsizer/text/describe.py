"""Report of an architecture: its parameters, its costs and its fit to a problem."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelsizer.optimizer.constraints import devices_of
from modelsizer.optimizer.one_design import OneDesign
from modelsizer.problems.architecture.describing import groups_list, parameters_dict
from modelsizer.problems.designs.description import Description
from modelsizer.problems.designs.device_room import DeviceRoom, device_rooms
from modelsizer.problems.units import Number, format_apart, format_flops, format_quantity
from modelsizer.text.answer_rows import loss_words, text_rows, worth_rows
from modelsizer.text.assumptions import serving_rows, spared, training_row
from modelsizer.text.costs import cost_rows
from modelsizer.text.kit.lines import line, pairs, paragraph, section, title, warnings
from modelsizer.text.kit.tables import Styled

if TYPE_CHECKING:
    from rich.console import Console

_NUMBERS = frozenset({0})
_NONE = {"kind": "none"}


def print_description(
    console: Console,
    source: str,
    found: Description,
    design: OneDesign | None = None,
    *,
    verbose: bool = False,
) -> None:
    """Print parameters and costs of an architecture, and what these hold for.

    Parameters
    ----------
    console : Console
    source : str
    found : Description
    design : OneDesign, optional
        The same architecture under the same settings, if any are given.
    verbose : bool
        Whether to show all warnings.
    """
    title(console, source)
    section(console, "Layers")
    for group in groups_list(found.architecture):
        parts = [_part(group[part]) for part in ("attention", "ffn") if group[part] != _NONE]
        paragraph(console, f"{group['count']} x {'; '.join(parts)}", expand=False)
    section(console, "Parameters")
    pairs(console, _parameters(found), words=_NUMBERS)
    trained = design if design is not None and design.asks_training else None
    section(console, "Assumptions")
    rows = serving_rows(found.assumptions, found.architecture)
    pairs(console, rows if trained is None else [*rows, training_row(trained.problem.training)])
    section(console, "FLOPs")
    pairs(console, _flops(found), words=frozenset({0, 2}))
    section(console, "Memory")
    each = ", each" if found.assumptions.accelerators > 1 else ""
    memory: list[tuple[str, Number]] = [
        ("weights", found.weight_bytes),
        *_checkpoint(found),
        ("KV cache, a token", found.kv_bytes_per_token),
        ("KV cache", found.kv_cache),
        *([("states", found.state_bytes)] if found.state_bytes else []),
        (f"serving memory{each}", found.serving_memory),
    ]
    if trained is not None:
        each = ", each" if trained.design.layout.accelerators > 1 else ""
        memory.append((f"training memory{each}", trained.design.quantity("training_memory")))
    pairs(console, [_exactly(name, size, "bytes") for name, size in memory], words=_NUMBERS)
    if design is not None:
        _print_design(console, design, verbose)


def _parameters(found: Description) -> list[tuple[str, str, str]]:
    """Parameters by component, and of the models beside a text model."""
    counts = parameters_dict(found.parameters)
    rows = [_exactly(name, n, "parameters") for name, n in counts.items() if n or name == "total"]
    if (whole := found.architecture.whole) is not None:
        sizes = {part.name: part.parameters for part in whole.parts}
        sizes[f"{whole.model_type}, whole"] = whole.parameters(found.parameters.total)
        for name, size in sizes.items():
            unknown = (name, "", "not counted")
            rows.append(unknown if size is None else _exactly(name, size, "parameters"))
    return rows


def _checkpoint(found: Description) -> list[tuple[str, Number]]:
    """The checkpoint, if it holds more than serving does."""
    size = found.checkpoint_bytes
    return [("whole checkpoint", size)] if size and found.architecture.beside else []


def _exactly(name: str, value: Number, unit: str) -> tuple[str, str, str]:
    """A name, its value to the unit where it is whole, and rounded."""
    whole = f"{value:,}" if isinstance(value, int) else ""
    return name, whole, format_quantity(value, unit)


def _flops(found: Description) -> list[tuple[str, str, str]]:
    """FLOPs of a pass, as kernels with masks spend them, and of a token, which windows spare."""
    load = f"{found.batch:,} x {found.sequence:,} tokens, full scores"
    lengths = found.sequence, found.assumptions.sequence_length
    seen = spared(found.architecture)
    token, trained = (f"at {length:,} tokens{seen}" for length in lengths)
    return [
        (name, format_flops(value), words)
        for name, value, words in (
            ("forward pass", found.forward_flops, load),
            ("forward and backward", found.forward_backward_flops, load),
            ("forward, a token", found.forward_flops_per_token, token),
            ("training, a token", found.training_flops_per_token, trained),
        )
    ]


def _print_design(console: Console, found: OneDesign, verbose: bool) -> None:
    """Print the costs under a problem or settings, and the constraints that they violate."""
    problem, design = found.problem, found.design
    rows = cost_rows(problem, design, priced=found.trained, memory=False)
    if found.trained and math.isfinite(design.tokens):
        loss = f"{loss_words(problem, design.loss)} ({problem.law.name})"
        rows = [
            ("tokens", format_quantity(design.tokens, "tokens")),
            *text_rows(problem, design),
            ("training FLOPs", format_quantity(design.training_flops, "FLOPs")),
            ("loss", f"none: {found.unjudged}" if found.unjudged else loss),
            *worth_rows(problem, design),
            *rows,
        ]
    section(console, "Costs")
    pairs(console, rows)
    if rooms := device_rooms(problem, design):
        section(console, "Memory of an accelerator")
        pairs(console, [_room(room) for room in rooms])
    if found.violated:
        devices = devices_of(problem)
        small = [
            f"does not fit {devices[k]} ({k}, default)" for k in found.violated if k in devices
        ]
        broken = [key for key in found.violated if key not in devices]
        said = small + ([f"breaks {', '.join(broken)}"] if broken else [])
        line(console, Styled(f"It {' and '.join(said)}", "red"), above=1)
    warnings(console, found.warnings, verbose=verbose)


def _room(room: DeviceRoom) -> tuple[str, str]:
    """What a design takes of an accelerator, and what it leaves."""
    used, usable = format_apart(room.used, room.usable, "bytes")
    text = f"{used} of {usable} usable on {room.device}: "
    left = format_quantity(abs(room.left), "bytes")
    said = f"{left} left" if room.fits else f"{left} too much"
    said += f"; {room.larger} holds it" if room.larger else ""
    return room.quantity.removesuffix("_memory"), text + said


def _part(part: Mapping[str, Any]) -> str:
    """A mixer or feed-forward in words: its kind, sizes and flags, and the parts of several."""
    words = [str(part["kind"])] if "kind" in part else []
    for name, value in part.items():
        if isinstance(value, Mapping):
            words.append(f"{name} ({_part(value)})")
        elif isinstance(value, list):
            words += [
                f"({_part(each)})" if isinstance(each, Mapping) else str(each) for each in value
            ]
        elif value is True:
            words.append(name)
        elif not isinstance(value, bool | str):
            words.append(f"{name} {value}")
    return ", ".join(words)
