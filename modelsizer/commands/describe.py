"""The command describe: parameter counts and costs of an architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import fail, say, user_errors
from modelsizer.commands.options import ARCHITECTURE_SOURCE, Download, Json, Settings
from modelsizer.commands.output import emit

if TYPE_CHECKING:
    from rich.console import Console


def describe(
    source: Annotated[str | None, ARCHITECTURE_SOURCE] = None,
    batch: Annotated[int, typer.Option(help="Sequences.")] = 1,
    sequence: Annotated[int, typer.Option(help="Tokens of each.")] = 4096,
    weight_bytes: Annotated[
        float | None,
        typer.Option(help="Bytes of a weight: 2, or those of the quantization_config, by default."),
    ] = None,
    kv_bytes: Annotated[float, typer.Option(help="Bytes of a cached value.")] = 2.0,
    problem: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Evaluate it as a design of a problem: every cost and limit.",
        ),
    ] = None,
    set_: Settings = None,
    not_modelled: Annotated[
        bool, typer.Option("--not-modelled", help="List what no figure counts, with its size.")
    ] = False,
    download: Download = False,
    json_: Json = None,
) -> None:
    """Count what an architecture holds and costs, to the unit.

    With --problem or --set also what it costs to train and to serve: memory, time, money, latency.
    """
    with user_errors():
        if not_modelled:
            from modelsizer.problems.costs.omissions import OMISSIONS
            from modelsizer.text.not_modelled import print_not_modelled

            content = {"not_modelled": [omission.to_dict() for omission in OMISSIONS]}
            emit(content, json_, print_not_modelled)
            return
        if source is None:
            fail("SOURCE: name a config.json, an answer or a model of the catalogue")
        from modelsizer.problems.architecture.describing import describe as count
        from modelsizer.problems.architecture.sources import load_architecture

        architecture = load_architecture(source, say, download=download)
        found = count(
            architecture,
            batch=batch,
            sequence=sequence,
            weight_bytes=weight_bytes,
            kv_bytes=kv_bytes,
        )

        counts, design = found.to_dict(), None
        if problem is not None or set_:
            from modelsizer.optimizer.one_design import one_design
            from modelsizer.problems.key_values import read_pairs

            design = one_design(architecture, problem, read_pairs(set_ or []))
            counts["design"] = design.to_dict()

        def show(console: Console) -> None:
            from modelsizer.text.describe import print_description, print_design

            print_description(console, source, found)
            if design is not None:
                print_design(console, design)

        emit(counts, json_, show)
