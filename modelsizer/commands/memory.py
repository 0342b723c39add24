"""The command memory: parts of the memory of one accelerator."""

from __future__ import annotations

from modelsizer.commands.app import user_errors
from modelsizer.commands.design_source import Source, Under, design_of
from modelsizer.commands.options import Json, Plot, PlotSize, Settings, check_plot
from modelsizer.commands.output import emit, plot_file


def memory(
    source: Source,
    problem: Under = None,
    set_: Settings = None,
    json_: Json = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Show what fills the memory of one accelerator, in serving and in training."""
    with user_errors():
        from modelsizer.problems.designs.memory_parts import (
            missing_training_settings,
            serving_parts,
            training_parts,
        )

        check_plot(plot, plot_size)
        asked, design = design_of(source, problem, set_)
        found = {
            "serving_memory": serving_parts(asked, design),
            "training_memory": training_parts(asked, design),
        }
        known = [parts for parts in found.values() if parts is not None]
        from modelsizer.text.memory import parts_dict, print_memory

        content = {
            name: None if parts is None else parts_dict(parts) for name, parts in found.items()
        }
        title, lack = asked.name or source, missing_training_settings(asked)
        emit(
            content,
            json_,
            lambda console: print_memory(console, title, known, lack),
            plot_file(plot, "memory", known, size=plot_size),
        )
