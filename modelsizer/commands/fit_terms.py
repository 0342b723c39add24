"""The command fit with ``--law terms``: fit terms of ablations to runs that vary a choice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from modelsizer.commands.app import fail, user_errors
from modelsizer.commands.options import check_ending
from modelsizer.commands.output import emit, text_file

TERMS = "terms"
"""Value of ``--law`` for terms of ablations."""
BASE_LAW = "besiroglu-2024"
"""The law above whose E the terms are shares, by default."""
_OF_BOTH = ("context", "runs", "law", "columns", "where", "base_law", "output", "json_")


def fit_table(
    context: typer.Context,
    runs: Path,
    columns: str | None,
    where: Sequence[str],
    base_law: str,
    output: Path | None,
    json_: str | None,
) -> None:
    """Fit terms, print them and write their file; see `modelsizer.commands.fit.fit`."""
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "")
        if parameter.name not in _OF_BOTH and given is not None and given.name == "COMMANDLINE":
            fail(f"{parameter.opts[0]}: --law terms takes no such option")
    with user_errors():
        from modelsizer.optimizer.fitting.ablation_runs import parse_ablation_columns
        from modelsizer.optimizer.fitting.ablation_terms import fit_terms
        from modelsizer.text.fit_terms import print_terms

        check_ending("--output", output, ".toml")
        told = parse_ablation_columns(columns)
        found = fit_terms(runs, columns=told, where=where, law=base_law)
        words = [f"modelsizer fit {found.source} --law terms --base-law {base_law}"]
        words += [f'--columns "{columns}"'] if columns else []
        words += [f'--where "{condition}"' for condition in where]
        text = found.to_toml(" ".join(words))
        written = None if output is None else str(output)
        file = text_file("--output", output, lambda: text)
        emit(found.to_dict(), json_, lambda console: print_terms(console, found, written), file)
