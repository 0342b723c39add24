"""The command export: write an architecture as a framework's configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelsizer.commands.app import fail, say, user_errors
from modelsizer.commands.options import ArchitectureSource, Download, check_framework
from modelsizer.commands.output import STANDARD_OUTPUT, emit, print_text, text_file


def export(
    source: ArchitectureSource,
    to: Annotated[
        str,
        typer.Option(
            "--to", help="Write for this framework: hf, megatron, torchtitan, nanogpt or litgpt."
        ),
    ] = "hf",
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Write to PATH; - is standard output.",
        ),
    ] = "-",
    download: Download = False,
) -> None:
    """Write a design as the configuration of a training framework.

    Of an answer of solve, with the batch size and learning rate that it suggests, where the
    framework's file has a place for them: every one but hf.
    """
    with user_errors():
        from modelsizer.problems.architecture.configs.exports.export import export as exported
        from modelsizer.problems.architecture.configs.exports.training import settings_of_answer
        from modelsizer.problems.architecture.models import models
        from modelsizer.problems.architecture.sources import find_source

        name, of_a_file, path = to.partition(":")
        if of_a_file:
            fail(f"--to: {to!r} is a framework and a file; write --to {name} -o {path}")
        check_framework("--to", to)
        found = find_source(source, download=download)
        architecture = found.architecture(say)
        if source in models() and not Path(source).exists():
            say(f"{source}: the catalogue holds its shape; the rest is the default of its type")
        if architecture.whole is not None:
            say(f"{source}: its text model is exported, without what is beside it")
        text = exported(architecture, to, settings_of_answer(found.content))
        if output == STANDARD_OUTPUT:
            print_text(text, f"{to}.txt")
        else:
            file = text_file("--output", Path(output), lambda: text)
            emit(None, None, lambda _: None, file)
