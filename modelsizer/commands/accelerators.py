"""The command accelerators: list the catalogue of hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelsizer.commands.app import fail, fail_choice, user_errors
from modelsizer.commands.options import Json
from modelsizer.commands.output import emit, print_text

if TYPE_CHECKING:
    from rich.console import Console


def accelerators(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Show these; one alone is shown with its sources."),
    ] = None,
    match: Annotated[
        str | None, typer.Option(help="List accelerators with this text in their name or vendor.")
    ] = None,
    vendor: Annotated[str | None, typer.Option(help="List those of NVIDIA, AMD, ...")] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            "--memory-at-least",
            metavar="BYTES",
            help='List those with this memory or more: "80 GB".',
        ),
    ] = None,
    server: Annotated[
        bool | None,
        typer.Option("--server/--no-server", help="List devices of data centres, or only others."),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            help="Sort by name, memory, bandwidth, bf16, fp8, fp4, link or watts; by "
            "default in the order of the catalogue, or of NAMES."
        ),
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print the table as CSV.")] = False,
    json_: Json = None,
) -> None:
    """List accelerators, with figures that a source was seen for."""
    with user_errors():
        from modelsizer.text.accelerator_shares import shares_dict
        from modelsizer.text.accelerators import (
            SORT_KEYS,
            Selection,
            accelerator_rows,
            accelerators_csv,
            print_accelerator,
            print_accelerators,
        )

        if sort is not None and sort not in SORT_KEYS:
            fail_choice("--sort", sort, SORT_KEYS)
        if csv and json_ is not None:
            fail("--csv and --json exclude each other; write one of them")
        try:
            chosen = Selection.asked(match, vendor, memory, server)
            rows = accelerator_rows(names or (), chosen, sort)
        except ValueError as error:
            fail(getattr(error, "as_option", str(error)))
        if csv:
            print_text(accelerators_csv(rows), "accelerators.csv")
            return

        content: dict[str, Any] = {"accelerators": rows}
        if names and len(rows) == 1:
            from modelsizer.problems.hardware.accelerators import accelerator

            content["shares"] = shares_dict(accelerator(rows[0]["name"]))

        def show(console: Console) -> None:
            if "shares" in content:
                print_accelerator(console, rows[0], content["shares"])
            else:
                print_accelerators(console, rows, chosen)

        emit(content, json_, show)
