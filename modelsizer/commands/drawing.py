"""Commands about one design on its accelerators: memory, roofline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelsizer.commands.app import Json, Settings, app, check_ending, emit, fail, told

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

    from problems.architecture import Architecture
    from problems.evaluation import Evaluation
    from problems.memory_parts import MemoryParts
    from problems.problem import Problem
    from problems.roofline_points import Point, Roofline

INFEASIBLE = 1
_WHOLE = 1000  # FLOPs/byte, from which decimals say nothing

_Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A problem (a .toml file, or a name that `problems` lists), which is solved; or a "
        "config.json, an answer or a name that `models` lists.",
    ),
]
_Problem = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Of SOURCE that is no problem: evaluate it under this one."),
]
_Plot = Annotated[Path | None, typer.Option(metavar="PATH", help="Draw it: .png, .svg or .pdf.")]
_PlotSize = Annotated[
    str, typer.Option("--plot-size", help="wide, or column for a paper's column of 3.3 inches.")
]


@app.command()
def memory(
    source: _Source,
    problem: _Problem = None,
    set_: Settings = None,
    json_: Json = None,
    plot: _Plot = None,
    plot_size: _PlotSize = "wide",
) -> None:
    """Show what fills the memory of one accelerator, in serving and in training."""
    with told():
        from problems.memory_parts import serving_parts, training_parts, training_untold

        _check_plot(plot, plot_size)
        asked, design = _design(source, problem, set_ or [])
        found = {
            "serving_memory": serving_parts(asked, design),
            "training_memory": training_parts(asked, design),
        }
        known = [parts for parts in found.values() if parts is not None]

        def show(console: Console) -> None:
            from rich.text import Text

            console.print(Text(asked.name or source, style="bold"))
            for parts in known:
                _print_parts(console, parts)
            if lack := training_untold(asked):
                console.print(Text(f"\n{lack}"))

        content = {
            name: None if parts is None else _parts_dict(parts) for name, parts in found.items()
        }
        emit(content, json_, show)

        def draw() -> Figure:
            from plots.memory import memory_waterfall

            return memory_waterfall(known, size=plot_size)

        _draw(plot, draw)


@app.command()
def roofline(
    source: _Source,
    problem: _Problem = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE",
            help="Another design on the same accelerators: a config.json, an answer or a name "
            "that `models` lists; repeatable.",
        ),
    ] = None,
    set_: Settings = None,
    json_: Json = None,
    plot: _Plot = None,
    plot_size: _PlotSize = "wide",
) -> None:
    """Show whether memory or compute bounds decode at several batches, and prefill."""
    with told():
        from problems.roofline_points import roofline_points
        from problems.sources import load_architecture

        _check_plot(plot, plot_size)
        asked, design = _design(source, problem, set_ or [])
        own = "optimum" if _is_problem(source) else _short(source)
        designs: dict[str, Architecture] = {own: design.architecture}
        for other in beside or []:
            designs[_short(other)] = load_architecture(other)
        found = roofline_points(asked, designs)
        if found is None:
            fail(asked.lacks("decode_latency"))

        def show(console: Console) -> None:
            from rich.text import Text

            console.print(Text(asked.name or source, style="bold"))
            _print_roofline(console, found)

        emit(_roofline_dict(found), json_, show)

        def draw() -> Figure:
            from plots.roofline import roofline as figure

            return figure(found, size=plot_size)

        _draw(plot, draw)


def _is_problem(source: str) -> bool:
    from problems.reading import library

    return source.endswith(".toml") or source in library()


def _short(source: str) -> str:
    """A source's name without its folders."""
    return Path(source).name if "/" in source else source


def _check_plot(plot: Path | None, size: str) -> None:
    if plot is None:
        return
    from plots.saving import FORMATS
    from plots.style import SIZES

    check_ending("--plot", plot, FORMATS)
    if size not in SIZES:
        fail(f"--plot-size: {size!r} is not a size; write {' or '.join(SIZES)}")


def _draw(plot: Path | None, draw: Callable[[], Figure]) -> None:
    if plot is None:
        return
    from modelsizer.files import write_whole
    from plots.saving import save

    figure = draw()
    write_whole(plot, lambda part: save(figure, part))


def _design(source: str, problem: str | None, settings: list[str]) -> tuple[Problem, Evaluation]:
    """A solved problem and its design, or an architecture evaluated under a problem."""
    if not _is_problem(source):
        from modelsizer.evaluating import evaluated
        from problems.sources import load_architecture

        found = evaluated(load_architecture(source), problem, settings)
        return found.problem, found.design
    if problem is not None:
        fail(f"--problem: {source} is a problem itself; name a config, an answer or a model")
    from modelsizer.settings import parse_settings
    from optimizer.solve import solve
    from problems.problem import Problem

    asked = Problem.load(source, parse_settings(settings))
    try:
        result = solve(asked)
    except ValueError as error:
        fail(str(error))
    if result.design is None:
        typer.echo(f"{source}: {result.status}; `modelsizer solve {source}` says why", err=True)
        raise typer.Exit(INFEASIBLE)
    return asked, result.design


# Memory in words and in JSON


def _parts_dict(parts: MemoryParts) -> dict[str, Any]:
    from problems.units import plain

    total = parts.total
    return {
        "total": plain(total),
        "parts": [
            {"name": name, "bytes": plain(size), "share": float(size / total)}
            for name, size in parts.parts
        ],
        "limit": parts.limit,
        "room": None if parts.room is None else plain(parts.room),
        "accelerator": parts.device or None,
        "accelerator_memory": parts.device_memory,
        "accelerator_room": None if parts.device_room is None else plain(parts.device_room),
        "accelerators": parts.accelerators,
        "stage": parts.stage or None,
    }


def _print_parts(console: Console, parts: MemoryParts) -> None:
    from rich.table import Table
    from rich.text import Text

    from problems.units import format_quantity

    of = parts.device or "accelerator"
    where = f"one of {parts.accelerators:,} {of}" if parts.accelerators > 1 else f"one {of}"
    stage = f", {parts.stage}" if parts.stage else ""
    words = parts.quantity.replace("_", " ").capitalize()
    console.print(Text(f"\n{words} of {where}{stage}", style="bold"))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 2))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    total = parts.total
    for name, size in (*parts.parts, ("total", total)):
        share = f"{100 * float(size / total):.1f} %"
        style = "bold" if name == "total" else ""
        table.add_row(name, format_quantity(float(size), "bytes"), share, "", style=style)
    for name, most, room in (
        (f"limit (budgets.{parts.quantity})", parts.limit, parts.room),
        (f"memory of {of}", parts.device_memory, parts.device_room),
    ):
        if most is None or room is None:
            continue
        left = format_quantity(abs(float(room)), "bytes")
        used = f"{100 * float(total) / float(most):.1f} %"
        verdict = Text(f"{left} over", style="red") if room < 0 else Text(f"{left} left")
        table.add_row(name, format_quantity(most, "bytes"), used, verdict)
    console.print(table)


# The roofline in words and in JSON


def _point_dict(point: Point) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(point) | {
        "intensity": point.intensity,
        "attained_flops": point.attained,
        "bound": point.bound,
    }


def _roofline_dict(found: Roofline) -> dict[str, Any]:
    from dataclasses import asdict

    roof = found.roof
    return {
        "roof": asdict(roof) | {"ridge": roof.ridge, "peak_ridge": roof.peak_ridge},
        "designs": [
            {
                "name": design.name,
                "decode": _point_dict(design.decode),
                "prefill": _point_dict(design.prefill),
                "batches": [_point_dict(point) for point in design.batches],
            }
            for design in found.designs
        ],
    }


def _print_roofline(console: Console, found: Roofline) -> None:
    from rich.table import Table
    from rich.text import Text

    from problems.units import format_quantity

    roof = found.roof
    each = f"Each of {roof.ways}" if roof.ways > 1 else "One"
    flops, bandwidth = roof.flops / roof.peak_flops, roof.bandwidth / roof.peak_bandwidth
    console.print(
        Text(
            f"\n{each} {roof.device}, {roof.precision}: "
            f"{format_quantity(roof.flops, 'FLOP/s')} ({100 * flops:.0f} % of peak), "
            f"{format_quantity(roof.bandwidth, 'bytes/s')} ({100 * bandwidth:.0f} %)\n"
            f"Ridge at {roof.ridge:,.0f} FLOPs/byte"
        )
    )
    for design in found.designs:
        context, prompt = design.decode.tokens, design.prefill.tokens
        console.print(
            Text.assemble(
                (f"\n{design.name}", "bold"),
                f": decode at {context:,} tokens, prefill of {prompt:,}",
            )
        )
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("batch", no_wrap=True)
        for name in ("FLOPs/byte", "attained", "time", "overhead"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("bound by", no_wrap=True)
        table.add_column("", no_wrap=True)
        for point in (*design.batches, design.prefill):
            own = point is design.decode
            table.add_row(
                f"{point.phase}, {point.batch}",
                f"{point.intensity:,.4g}"
                if point.intensity < _WHOLE
                else f"{point.intensity:,.0f}",
                format_quantity(point.attained, "FLOP/s", 3),
                format_quantity(point.seconds, "seconds", 3),
                f"{100 * point.overhead_seconds / point.seconds:.0f} %",
                point.bound,
                "too large" if point.fits is False else "asked for" if own else "",
                style="bold" if own else "",
            )
        console.print(table)
    console.print(
        Text(
            "\nA step takes the longer of moving its bytes and computing its FLOPs, beside "
            "overheads. Too large: weights and cache of that batch break a limit on memory."
        )
    )
