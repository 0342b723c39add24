"""The command laws: list published loss laws."""

from __future__ import annotations

from pathlib import Path
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
        str | None,
        typer.Argument(
            metavar="NAME|PATH", help="Show this law alone, with all that is known of it."
        ),
    ] = None,
    json_: Json = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """List published loss laws, or show one with all that is known.

    With NAME its page: coefficients, data, source, and what is wrong with it; --plot draws it. A
    PATH.toml is a law of one's own, as fit writes it. NAME may be ablations, the terms that no law
    sees with the published figures behind each band (or one term, such as kv_heads), or
    hyperparameters, the laws of batch size and learning rate.
    """
    with user_errors():
        from modelsizer.problems.laws.reading import PREFIX, law_setting

        check_plot(plot, plot_size)
        if plot is not None and name is None:
            fail("--plot: name one law, as in `modelsizer laws besiroglu-2024 --plot law.png`")
        if name in topics():
            if plot is not None:
                fail(f"--plot: {name} has no picture; laws have")
            show_topic(name, json_)
            return
        if name is not None and law_setting(name).startswith(PREFIX):
            _show_file(name.removeprefix(PREFIX), json_, plot, plot_size)
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

        picture = plot_file(plot, "law", pages[0], title=pages[0].title, size=plot_size)
        emit({"laws": [page.to_dict() for page in pages]}, json_, show, picture)


def _show_file(path: str, json_: str | None, plot: Path | None, size: str) -> None:
    """Print the law in a file, or write it as JSON."""
    from modelsizer.problems.laws.reading import load_law
    from modelsizer.text.law_file import law_file_dict, law_page, print_law_file

    law = load_law(path)
    page = law_page(law)
    picture = plot_file(plot, "law", page, title=page.title, size=size)
    found = {"laws": [law_file_dict(law)]}
    emit(found, json_, lambda console: print_law_file(console, law), picture)
