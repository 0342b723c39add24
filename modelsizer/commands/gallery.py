"""The command gallery: draw one figure of each kind."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelsizer.commands.app import STOPPED, fail, say, user_errors
from modelsizer.commands.options import PlotSize, TimeLimit, check_plot
from modelsizer.commands.paths import of_option
from modelsizer.problems.visible import visible


def gallery(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="The folder to write to, which is made if it is not there."
        ),
    ] = Path("gallery"),
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Draw this picture; repeatable.")
    ] = None,
    time_limit: TimeLimit = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Draw an example of each kind of picture.

    Exit status: 0 all drawn, 2 bad input, 3 stopped by a limit, with those drawn.
    """
    with user_errors():
        from modelsizer.optimizer.tables.clock import Clock
        from modelsizer.pictures.gallery import SHOWN, draw_gallery
        from modelsizer.problems.errors import did_you_mean
        from modelsizer.text.kit.words import STOPS

        check_plot(None, plot_size)
        for name in only or []:
            if name not in SHOWN:
                hint = did_you_mean(name, SHOWN)
                fail(f"--only: no picture {name!r}{hint}; there are {', '.join(SHOWN)}")
        with of_option("FOLDER"):
            drawn = draw_gallery(folder, plot_size, only, Clock.of(time_limit))
        for path in drawn:
            print(visible(str(path)))
        if len(drawn) < len(only or SHOWN):
            say(f"{len(drawn)} of {len(only or SHOWN)} pictures: {STOPS['time']}")
            raise typer.Exit(STOPPED)
