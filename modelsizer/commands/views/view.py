"""What a view of a design is asked and shows, and how the command line runs one."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from modelsizer.commands.app import STOPPED, fail, fail_choice, say, user_errors
from modelsizer.commands.design_source import Chosen, design_of, is_problem, labels
from modelsizer.commands.options import check_plot, check_tables
from modelsizer.commands.output import before_drawing, emit, plot_file, text_file
from modelsizer.problems.records import dataclass

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.tables.clock import Clock, Stop
    from modelsizer.problems.architecture.architecture import Architecture
    from modelsizer.views.view import Viewed

VIEWS = {
    "memory": ("memory", frozenset({"devices"})),
    "users": ("users", frozenset({"context", "each", "csv"})),
    "roofline": ("roofline", frozenset({"beside"})),
    "layers": ("layers", frozenset({"beside", "picture"})),
    "allocation": ("allocate", frozenset({"context", "csv"})),
}
"""Views by name: the command that shows the same, and the options that not every view takes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks of a view.

    Parameters
    ----------
    source : str
        A problem, or an architecture.
    problem : str or None
        That an architecture is evaluated under.
    settings : list of str
        ``"key=value"`` over those of the problem.
    time_limit : float or None
        In seconds.
    download, verbose : bool
    json : str or None
    csv, plot : Path or None
    plot_size : str
    context, devices, each, beside, picture
        Of some views, as the options of these names; None where they are not given.
    """

    source: str
    problem: str | None = None
    settings: tuple[str, ...] = ()
    time_limit: float | None = None
    download: bool = False
    verbose: bool = False
    json: str | None = None
    csv: Path | None = None
    plot: Path | None = None
    plot_size: str = "wide"
    context: str | None = None
    devices: str | None = None
    each: tuple[str, ...] = ()
    beside: tuple[str, ...] | None = None
    picture: str | None = None

    def design(self, clock: Clock, *first: str) -> Chosen:
        """The optimum of the problem, or the architecture as a design.

        Parameters
        ----------
        clock : Clock
            Of the search.
        *first : str
            Settings before those that are given.
        """
        settings = [*first, *self.settings]
        return design_of(self.source, self.problem, settings, clock, download=self.download)

    def title(self, chosen: Chosen) -> str:
        """What the report is headed by."""
        return self.source if self.problem is not None else chosen.problem.name or self.source

    def viewed(self, chosen: Chosen) -> Viewed:
        """The design with its name."""
        from modelsizer.views.view import Viewed

        return Viewed(
            self.names()[0],
            chosen.problem,
            chosen.design,
            chosen.stop,
            chosen.asks_training,
            chosen.idle,
        )

    def names(self) -> list[str]:
        """Short names of the design and of those beside it."""
        from modelsizer.views.view import OPTIMUM

        own = OPTIMUM if is_problem(self.source) else self.source
        return labels([own, *(self.beside or ())])

    def designs_beside(self) -> dict[str, Architecture]:
        """The designs beside it, by short name."""
        from modelsizer.problems.architecture.sources import load_architecture

        return {
            name: load_architecture(other, say, download=self.download)
            for name, other in zip(self.names()[1:], self.beside or (), strict=True)
        }


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the registry, with its data and its title."""

    name: str
    data: Any
    title: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a view shows.

    Parameters
    ----------
    content : dict
        Of the JSON.
    text : callable
        Prints the report.
    picture : Picture
    stop : Stop
        Why the search for the design ended.
    table : callable, optional
        Returns the text of the .csv file.
    """

    content: dict[str, Any]
    text: Callable[[Console], None]
    picture: Picture
    stop: Stop = "proven"
    table: Callable[[], str] | None = None


View = Callable[[Asked], Callable[["Clock"], Shown]]
"""Checks what is asked, and returns what finds the answer within the time of a clock."""


def show_view(name: str, asked: Asked, *, former: bool = False) -> None:
    """Print a view of a design, write its files, and exit as `solve` does.

    Parameters
    ----------
    name : str
        Of `VIEWS`.
    asked : Asked
    former : bool
        Whether it is asked by the name of its command, which the user is told of.
    """
    with user_errors():
        check_tables(asked.csv)
        check_plot(asked.plot, asked.plot_size)
        begin: View = import_module(f"modelsizer.commands.views.{name}").begin
        answer = begin(asked)
        from modelsizer.optimizer.tables.clock import Clock, Ending

        clock = Clock.of(asked.time_limit)
        found = answer(before_drawing(clock, asked.plot))
        ending = Ending(found.stop)
        if former:
            command, _ = VIEWS[name]
            now = f"`modelsizer describe SOURCE --view {name}`"
            say(f"note: `modelsizer {command}` is a former name of {now}")
        table = found.table
        emit(
            found.content,
            asked.json,
            found.text,
            *([] if table is None else [text_file("--csv", asked.csv, table)]),
            plot_file(
                asked.plot,
                found.picture.name,
                found.picture.data,
                title=found.picture.title,
                size=asked.plot_size,
                clock=clock,
                ending=ending,
            ),
        )
    if not ending.complete:
        raise typer.Exit(STOPPED)


def on_the_command_line(lack: str) -> str:
    """What a problem lacks, with the option that gives it if it is an accelerator."""
    of_device = 'serving.accelerator = "H100-SXM"'
    return lack.replace(of_device, "--set serving.accelerator=H100-SXM", 1)


def check_view(name: str | None, given: set[str]) -> None:
    """Reject a view that there is not, and options that it does not take.

    Parameters
    ----------
    name : str or None
        None for the description itself.
    given : set of str
        Options that are given, of those that some view takes.
    """
    if name is not None and name not in VIEWS:
        former = {command: view for view, (command, _) in VIEWS.items()}
        if name in former:
            fail(f"--view: {name!r} is the name of the command; the view is {former[name]}")
        fail_choice("--view", name, VIEWS)
    own = frozenset() if name is None else VIEWS[name][1] | {"plot"}
    for option in sorted(given - own):
        views = [view for view, (_, taken) in VIEWS.items() if option in taken]
        need = " or ".join(f"--view {view}" for view in views or ["memory, for example"])
        fail(
            f"--{option}: needs {need}" if name is None else f"--{option}: is of {need}, not {name}"
        )
