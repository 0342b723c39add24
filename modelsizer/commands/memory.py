"""The command memory: parts of the memory of one accelerator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import STOPPED, user_errors
from modelsizer.commands.design_source import Source, Under, design_of
from modelsizer.commands.options import (
    Download,
    Json,
    Plot,
    PlotSize,
    Settings,
    TimeLimit,
    Verbose,
    check_plot,
)
from modelsizer.commands.output import before_drawing, emit, plot_file

if TYPE_CHECKING:
    from rich.console import Console


def memory(
    source: Source,
    problem: Under = None,
    devices: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Also the memory of each of these, drawn by --plot: H100-SXM,L4, a vendor, server "
            "or all.",
        ),
    ] = None,
    time_limit: TimeLimit = None,
    set_: Settings = None,
    download: Download = False,
    json_: Json = None,
    verbose: Verbose = False,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Show what fills the memory of one accelerator.

    Exit status: 0 done, 1 proven infeasible, 2 bad input, 3 stopped by a limit: the design is the
    best found, if there is one.
    """
    with user_errors():
        from modelsizer.problems.designs.assumptions import Assumptions
        from modelsizer.problems.designs.memory_parts import (
            missing_training_settings,
            serving_parts,
            training_parts,
        )
        from modelsizer.problems.designs.unknown_figures import unknown_memory

        check_plot(plot, plot_size)
        wanted = None
        if devices is not None:
            from modelsizer.problems.designs.filled_devices import devices_named, filled_devices

            wanted = devices_named(devices.split(","))
        from modelsizer.optimizer.tables.clock import Clock, Ending

        clock = Clock.of(time_limit)
        chosen = design_of(source, problem, set_, before_drawing(clock, plot), download=download)
        asked, design, ending = chosen.problem, chosen.design, Ending(chosen.stop)
        trained = chosen.asks_training
        found = {
            "serving_memory": serving_parts(asked, design),
            "training_memory": training_parts(asked, design, asked=trained),
        }
        known = [parts for parts in found.values() if parts is not None]
        others = None if wanted is None else filled_devices(asked, design, wanted)
        from modelsizer.text.assumptions import serving_rows, training_row
        from modelsizer.text.device_memory import devices_dict, print_devices
        from modelsizer.text.memory import parts_dict, print_memory

        assumed = Assumptions.of(asked)
        content = (
            chosen.to_dict()
            | {"assumptions": assumed.to_dict()}
            | {name: None if parts is None else parts_dict(parts) for name, parts in found.items()}
        )
        if others is not None:
            content["on_devices"] = devices_dict(others)
        warned = (*chosen.idle, *unknown_memory(asked))
        if warned:
            content["warnings"] = list(warned)
        rows = serving_rows(assumed, design.architecture)
        rows += [] if found["training_memory"] is None else [training_row(asked.training)]
        title = source if problem is not None else asked.name or source
        lack = missing_training_settings(asked, asked=trained)

        def show(console: Console) -> None:
            print_memory(console, title, known, lack, chosen.note, rows, warned, verbose=verbose)
            if others is not None:
                print_devices(console, others)

        emit(
            content,
            json_,
            show,
            plot_file(
                plot,
                "memory" if others is None else "devices",
                known if others is None else others,
                title="" if others is None else f"{title} on each accelerator",
                size=plot_size,
                clock=clock,
                ending=ending,
            ),
        )
    if not ending.complete:
        raise typer.Exit(STOPPED)
