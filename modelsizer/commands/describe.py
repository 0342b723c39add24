"""The command describe: parameter counts and costs of an architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import fail, say, user_errors
from modelsizer.commands.options import ARCHITECTURE_SOURCE, Download, Json, Settings, Verbose
from modelsizer.commands.output import emit

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.problems.architecture.sources import Source


def describe(
    source: Annotated[str | None, ARCHITECTURE_SOURCE] = None,
    batch: Annotated[
        int | None, typer.Option(help="Sequences: short for serving.batch_size; 1.")
    ] = None,
    sequence: Annotated[
        int | None,
        typer.Option(help="Tokens of each: short for serving.context_length; 4096."),
    ] = None,
    weight_bytes: Annotated[
        float | None,
        typer.Option(
            help="Bytes of a weight: short for serving.weight_bytes; those that a GGUF file or the "
            "quantization_config has, or 2."
        ),
    ] = None,
    kv_bytes: Annotated[
        float | None, typer.Option(help="Bytes of a cached value: short for serving.kv_bytes; 2.")
    ] = None,
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
    with_transformers: Annotated[
        bool,
        typer.Option(
            "--with-transformers",
            help="If modelsizer cannot count it: totals by the classes of transformers.",
        ),
    ] = False,
    download: Download = False,
    json_: Json = None,
    verbose: Verbose = False,
) -> None:
    """Count what an architecture holds and costs, to the unit.

    Every figure is under one set of settings: those of --problem, over them --set, of which some
    options are short forms. With any of them also what it costs to train and to serve.
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
        from modelsizer.problems.architecture.checkpoints.errors import SourceError
        from modelsizer.problems.architecture.sources import find_source
        from modelsizer.problems.designs.description import describe as count
        from modelsizer.problems.designs.description import description
        from modelsizer.problems.designs.standalone import with_short
        from modelsizer.problems.key_values import read_pairs

        settings = with_short(
            read_pairs(set_ or []),
            batch=batch,
            sequence=sequence,
            weight_bytes=weight_bytes,
            kv_bytes=kv_bytes,
        )
        read = find_source(source, download=download)
        try:
            architecture = read.architecture(say)
        except SourceError:
            if not with_transformers or read.is_answer:
                raise
            if problem is not None or settings:
                fail("--with-transformers: gives totals only, which have no costs under settings")
            _count_by_transformers(source, read, json_)
            return
        design = None
        if problem is None and not settings:
            found = count(architecture)
            counts = found.to_dict()
        else:
            from modelsizer.optimizer.one_design import one_design

            design = one_design(architecture, problem, settings)
            found = description(design.problem, architecture)
            counts = found.to_dict() | {"design": design.to_dict()}
        if (stored := read.tensors(architecture, say)) is not None:
            counts["checkpoint"] = stored.to_dict()

        def show(console: Console) -> None:
            from modelsizer.text.describe import print_description

            print_description(console, source, found, design, verbose=verbose)
            if stored is not None:
                from modelsizer.text.checkpoint import print_checkpoint

                print_checkpoint(console, stored)

        emit(counts, json_, show)


def _count_by_transformers(source: str, read: Source, json_: str | None) -> None:
    """Print what transformers counts of a configuration that has no reader here."""
    from modelsizer.problems.architecture.sources import counted_by_library
    from modelsizer.text.checkpoint import print_library_count

    found = counted_by_library(read)
    emit(found.to_dict(), json_, lambda console: print_library_count(console, source, found))
