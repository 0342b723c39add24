"""The command audit: compare a published model with the best design of the same budgets."""

from __future__ import annotations

from typing import Annotated

import typer

from modelsizer.commands.app import STOPPED, fail, say, user_errors
from modelsizer.commands.options import (
    ArchitectureSource,
    Download,
    Json,
    Settings,
    TimeLimit,
    load,
)
from modelsizer.commands.output import emit


def audit(
    source: ArchitectureSource,
    tokens: Annotated[
        str | None,
        typer.Option(help='Tokens trained on, such as "15T"; by default the catalogue\'s.'),
    ] = None,
    sequence: Annotated[
        int | None,
        typer.Option(help="Training sequence length; the learned positions, or 4096."),
    ] = None,
    law: Annotated[
        str | None, typer.Option(help="The loss law, besiroglu-2024 by default.")
    ] = None,
    shape: Annotated[
        str | None, typer.Option(help="The shape law, where the law does not price it itself.")
    ] = None,
    solver: Annotated[str, typer.Option(help="As of solve.")] = "scipy",
    problem: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Menus, settings, law and further budgets of a problem file.",
        ),
    ] = None,
    set_: Settings = None,
    time_limit: TimeLimit = None,
    download: Download = False,
    json_: Json = None,
) -> None:
    """Compare a published model with the best design within its own budgets.

    Exit status: 0 compared, 2 bad input, 3 stopped by a limit.
    """
    with user_errors():
        from modelsizer.optimizer.audit import audit as compare
        from modelsizer.problems.architecture.sources import load_architecture
        from modelsizer.problems.interrupts import held
        from modelsizer.problems.laws.reading import law_setting
        from modelsizer.text.audit import print_audit

        architecture = load_architecture(source, say, download=download)
        with user_errors(ValueError):
            number = _trained_tokens(source, tokens)
            base = None
            if problem is not None:
                base = load(problem, set_)
            elif set_:
                fail("--set: needs --problem FILE")
            with held():
                found = compare(
                    architecture,
                    number,
                    sequence=sequence,
                    law=None if law is None else law_setting(law),
                    shape=shape,
                    solver=solver,
                    problem=base,
                    time_limit=time_limit,
                )
        emit(found.to_dict(), json_, lambda console: print_audit(console, source, found))
    if not found.complete:
        raise typer.Exit(STOPPED)


def _trained_tokens(source: str, text: str | None) -> float:
    """Return the given tokens, or those in the catalogue."""
    from modelsizer.problems.architecture.models import models
    from modelsizer.problems.units import parse_quantity

    if text is not None:
        try:
            return float(parse_quantity(text, "tokens"))
        except ValueError as error:
            fail(f"--tokens: {error}")
    model = models().get(source)
    if model is None or model.tokens is None:
        fail(f"{source}: tokens trained on are not known; give --tokens")
    return model.tokens
