"""Report of how many users a design serves, as text and CSV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from modelsizer.problems.designs.users import Load, Server
from modelsizer.problems.table_files import csv_text
from modelsizer.problems.units import format_quantity
from modelsizer.text.kit.lines import INDENT, line, pairs, paragraph, section
from modelsizer.text.kit.lines import title as print_title
from modelsizer.text.kit.tables import Heading, Table, print_table
from modelsizer.text.kit.words import NONE, UNKNOWN, joined

if TYPE_CHECKING:
    from rich.console import Console

_COLUMNS = ("machine", "context_length", "requests", "decode_latency", "tokens_per_second",
            "tokens_per_second_per_user", "serving_cost")  # fmt: skip


def users_csv(servers: Sequence[Server]) -> str:
    """CSV with a line for each machine and context."""
    rows = [{"machine": each.name, **load.to_dict()} for each in servers for load in each.loads]
    return csv_text(rows, _COLUMNS)


def print_users(
    console: Console,
    title: str,
    servers: Sequence[Server],
    notes: Sequence[str] = (),
    assumptions: Sequence[tuple[str, str]] = (),
    key: str = "",
    memory_alone: Sequence[str] = (),
) -> None:
    """Print requests at once by context: for one machine all figures, for several side by side.

    Parameters
    ----------
    console : Console
    title : str
    servers : sequence of Server
    notes : sequence of str
        On the design.
    assumptions : sequence of (str, str)
        What the figures hold for.
    key : str
        The settings in which machines differ, between commas.
    memory_alone : sequence of str
        Machines whose steps count what they move and not what they compute.
    """
    print_title(console, title)
    for note in notes:
        line(console, note)
    section(console, "Assumptions")
    pairs(console, assumptions)
    if len(servers) == 1:
        section(console, "Requests at once")
        print_table(console, _of_one(servers[0]), indent=INDENT)
    else:
        differ = joined(["tokens of each", *(_last(each) for each in key.split(", "))])
        section(console, f"Requests at once, by {differ}")
        print_table(console, _side_by_side(servers, _requests), indent=INDENT)
        for words, cell in (
            ("Tokens a second of each of them", _each),
            ("Dollars a million output tokens", _dollars),
        ):
            if any(cell(load) not in (NONE, UNKNOWN) for each in servers for load in each.loads):
                section(console, words)
                print_table(console, _side_by_side(servers, cell), indent=INDENT)
    for each in servers:
        if each.lack:
            text = f"{each.name}: {each.lack}" if each.name else each.lack
            paragraph(console, text, above=1, expand=False)
    if memory_alone:
        text = "a step counts what it moves and not what it computes, as the FLOP/s are not known"
        names = ", ".join(memory_alone)
        paragraph(
            console, f"{names}: {text}; many requests at once take longer", above=1, expand=False
        )


def _last(key: str) -> str:
    """What a setting is called where its table goes without saying."""
    return key.partition(".")[2] or key


def _of_one(server: Server) -> Table:
    headings: list[Heading] = ["context", "requests", ("a step",), ("tokens/s", "each"),
                               ("tokens/s", "of all"), ("a million", "tokens")]  # fmt: skip
    rows = [
        [
            f"{load.context:,}",
            _requests(load),
            NONE if load.latency is None else format_quantity(load.latency, "seconds", 3),
            _each(load),
            NONE if load.throughput is None else format_quantity(load.throughput, "count", 3),
            _dollars(load),
        ]
        for load in server.loads
    ]
    return Table(headings, rows, words=frozenset())


def _side_by_side(servers: Sequence[Server], cell: Callable[[Load], str]) -> Table:
    headings: list[Heading] = ["context", *(each.name for each in servers)]
    contexts = [load.context for load in servers[0].loads]
    rows = [
        [f"{context:,}", *(cell(each.loads[at]) for each in servers)]
        for at, context in enumerate(contexts)
    ]
    return Table(headings, rows, words=frozenset())


def _requests(load: Load) -> str:
    return UNKNOWN if load.requests is None else f"{load.requests:,}"


def _each(load: Load) -> str:
    return NONE if load.each is None else format_quantity(load.each, "count", 3)


def _dollars(load: Load) -> str:
    return NONE if load.cost is None else format_quantity(load.cost, "dollars", 3)
