"""The command export: an architecture as the configuration of a framework."""

from __future__ import annotations

from typing import Annotated

import typer

from modelsizer.commands.app import told
from modelsizer.commands.options import ArchitectureSource


def export(
    source: ArchitectureSource,
    to: Annotated[
        str,
        typer.Option("--to", help="The framework: hf, megatron, torchtitan, nanogpt or litgpt."),
    ] = "hf",
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="PATH", help="Where to write; - prints.")
    ] = "-",
) -> None:
    """Write the architecture of an answer as a configuration that a framework accepts."""
    with told():
        from modelsizer.exporting import write_config
        from modelsizer.problems.architecture.sources import load_architecture

        write_config(load_architecture(source), to, output)
