"""The command laws: list published loss laws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import fail, user_errors
from modelsizer.commands.law_topics import show_topic, topics
from modelsizer.commands.options import Json, Plot, PlotSize, check_plot
from modelsizer.commands.output import emit, plot_file

if TYPE_CHECKING:
    from rich.console import Console


def laws(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Only this one, with all that is known.")
    ] = None,
    json_: Json = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """List published loss laws: form, range, what they see, and which can be solved with.

    With NAME its page: coefficients, data, source, and what is wrong with it; --plot draws it.
    NAME may be ablations, the terms that no law sees with the published figures behind each band
    (or one term, such as kv_heads), or hyperparameters, the laws of batch size and learning rate.
    """
    with user_errors():
        check_plot(plot, plot_size)
        if plot is not None and name is None:
            fail("--plot: name one law, as in `modelsizer laws besiroglu-2024 --plot law.png`")
        if name in topics():
            if plot is not None:
                fail(f"--plot: {name} has no picture; laws have")
            show_topic(name, json_)
            return
        from modelsizer.problems.laws.pages import LAW_PAGES
        from modelsizer.text.laws import print_law, print_laws

        try:
            pages = list(LAW_PAGES.values()) if name is None else [LAW_PAGES.look_up(name)]
        except ValueError as error:
            fail(str(error))

        def show(console: Console) -> None:
            if name is None:
                print_laws(console, pages)
            else:
                print_law(console, pages[0])

        picture = plot_file(plot, "law", pages[0], size=plot_size)
        emit({"laws": [page.to_dict() for page in pages]}, json_, show, picture)
