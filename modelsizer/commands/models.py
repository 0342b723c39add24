"""The command models: list the catalogue of published models."""

from __future__ import annotations

from typing import Annotated

import typer

from modelsizer.commands.app import fail, fail_choice, user_errors
from modelsizer.commands.options import Json
from modelsizer.commands.output import emit, print_text


def models(
    match: Annotated[
        str | None, typer.Option(help="List models with this text in their name or type.")
    ] = None,
    sort: Annotated[
        str, typer.Option(help="Sort by name, parameters, tokens or year.")
    ] = "parameters",
    types: Annotated[
        bool, typer.Option("--types", help="List the model types of a config.json that are read.")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the table as CSV.")] = False,
    json_: Json = None,
) -> None:
    """List published models, with counted parameters."""
    with user_errors():
        from modelsizer.text.models import (
            SORT_KEYS,
            model_rows,
            models_csv,
            print_models,
            print_types,
            type_rows,
        )

        if types:
            if csv:
                fail("--types: has no CSV; --json lists them")
            known = type_rows(match)
            emit({"types": known}, json_, lambda console: print_types(console, known))
            return
        if sort not in SORT_KEYS:
            fail_choice("--sort", sort, SORT_KEYS)
        rows = model_rows(match, sort)
        if csv:
            print_text(models_csv(rows), "models.csv")
            return
        emit({"models": rows}, json_, lambda console: print_models(console, rows))
