"""Report of stacks of layers and of their costs by kind, as text and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.describing import whole_architecture
from modelsizer.problems.architecture.families import FEED_FORWARDS, MIXERS, families, runs
from modelsizer.problems.designs.by_kind import GROWS, WORDS
from modelsizer.problems.units import format_quantity, plain
from modelsizer.text.kit.lines import line, pairs, section
from modelsizer.text.kit.lines import title as print_title
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import percent

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.problems.architecture.architecture import Architecture
    from modelsizer.problems.designs.by_kind import ByKind, Compared

_ROWS = {**MIXERS, **FEED_FORWARDS, **WORDS}
_LONGEST = 60  # characters of a pattern; one without a short period is told by its counts


def compared_dict(found: Compared) -> dict[str, Any]:
    """Values for JSON."""
    return {
        "batch_size": found.batch,
        "context_length": found.context,
        "sequence_length": found.sequence,
        "accelerators": found.accelerators,
        "models": [_model_dict(model) for model in found.models],
    }


def _model_dict(model: ByKind) -> dict[str, Any]:
    architecture, counted = model.architecture, count_parameters(model.architecture)
    layers = architecture.stack()
    return {
        "name": model.name,
        "architecture": whole_architecture(architecture),
        "parameters": int(counted.total),
        "active_parameters": int(counted.active),
        "order": None if layers is None else [_names(*families(layer)) for layer in layers],
        "serving_memory": {name: plain(size) for name, size in model.memory.items()},
        "training_flops_per_token": dict(model.flops),
    }


def _names(mixer: tuple[str, ...], ffn: tuple[str, ...]) -> dict[str, str | None]:
    return {"mixer": "+".join(mixer) or None, "ffn": "+".join(ffn) or None}


def print_layers(
    console: Console,
    title: str,
    found: Compared,
    notes: Sequence[str] = (),
    assumptions: Sequence[tuple[str, str]] = (),
) -> None:
    """Print the pattern and the costs by kind of the first model, and the others beside it.

    Parameters
    ----------
    console : Console
    title : str
    found : Compared
    notes : sequence of str
        On the design.
    assumptions : sequence of (str, str)
        What the figures hold for.
    """
    print_title(console, title)
    for note in notes:
        line(console, note)
    section(console, "Assumptions")
    pairs(console, assumptions)
    first, *others = found.models
    section(console, "Layers")
    pairs(console, [_counts(first.architecture), *_patterns(first.architecture)])
    line(console)
    print_table(console, _costs(first))
    if others:
        section(console, "Beside it")
        print_table(console, _beside(found.models))


def _counts(architecture: Architecture) -> tuple[str, str]:
    return "layers", f"{architecture.layers} of d_model {architecture.trunk.d_model}"


def _patterns(architecture: Architecture) -> list[tuple[str, str]]:
    """Patterns of the mixers and of the feed-forwards."""
    return [("mixers", _pattern(architecture, 0)), ("feed-forwards", _pattern(architecture, 1))]


def _pattern(architecture: Architecture, part: int) -> str:
    """The layers' mixers (0) or feed-forwards (1) in words."""
    layers = architecture.stack()
    if layers is not None:
        words = runs(["+".join(families(layer)[part]) or "none" for layer in layers])
        if len(words) <= _LONGEST:
            return words
    counts: dict[str, int] = {}
    for group in architecture.groups:
        name = "+".join(families(group.layer)[part]) or "none"
        counts[name] = counts.get(name, 0) + group.count
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _costs(model: ByKind) -> Table:
    """A row for each family, with what its weights and its context cost."""
    memory, flops = model.memory, model.flops
    headings = (
        "", ("weights", ""), ("cache,", "states"), ("share", ""),
        ("FLOPs of", "weights"), ("of", "scores"), ("share", ""),
    )  # fmt: skip
    all_bytes, all_flops = sum(memory.values()), sum(flops.values())
    rows = []
    for name, words in _ROWS.items():
        held, grows = memory.get(name, 0), memory.get(f"{name} {GROWS}", 0)
        spent, scores = flops.get(name, 0), flops.get(f"{name} {GROWS}", 0)
        if held or grows or spent or scores:
            shares = (float((held + grows) / all_bytes), (spent + scores) / all_flops)
            rows.append(_row(words, (held, grows), (spent, scores), shares))
    sums = [[_total(costs, grows=grows) for grows in (False, True)] for costs in (memory, flops)]
    rows.append(_row("total", sums[0], sums[1], (1.0, 1.0)))
    return Table(headings, rows, marked=frozenset({len(rows) - 1}))


def _row(
    words: str,
    memory: Sequence[int | Fraction],
    flops: Sequence[int | Fraction],
    shares: Sequence[float],
) -> tuple[str, ...]:
    of_memory, of_flops = (percent(share, 0) for share in shares)
    return (words, *map(_bytes, memory), of_memory, *map(_flops, flops), of_flops)


def _total(costs: Mapping[str, int | Fraction], *, grows: bool) -> int | Fraction:
    return sum(value for name, value in costs.items() if name.endswith(GROWS) == grows)


def _bytes(size: int | Fraction) -> str:
    return format_quantity(float(size), "bytes", 3) if size else ""


def _flops(count: int | Fraction) -> str:
    return format_quantity(float(count), "FLOPs", 3) if count else ""


def _beside(models: Sequence[ByKind]) -> Table:
    """A row for each model: its shape, its pattern, and what it costs altogether."""
    headings = ("", "layers", "parameters", "active", "memory", "FLOPs", "mixers")
    rows = []
    for model in models:
        architecture, counted = model.architecture, count_parameters(model.architecture)
        rows.append(
            (
                model.name,
                str(architecture.layers),
                *(format_quantity(n, "parameters", 3) for n in (counted.total, counted.active)),
                _bytes(sum(model.memory.values())),
                _flops(sum(model.flops.values())),
                _pattern(architecture, 0),
            )
        )
    return Table(headings, rows, words=frozenset({0, 6}), folds={6: None},
                 marked=frozenset({0}))  # fmt: skip
