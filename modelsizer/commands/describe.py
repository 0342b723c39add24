"""The command describe: parameter counts and costs of an architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import STOPPED, fail, say, user_errors
from modelsizer.commands.design_source import SOURCE, design_of, is_problem
from modelsizer.commands.options import (
    Csv,
    Download,
    Json,
    Plot,
    PlotSize,
    Settings,
    TimeLimit,
    Verbose,
)
from modelsizer.commands.output import emit
from modelsizer.commands.views.options import Beside, Context, Devices, Each, Picture
from modelsizer.commands.views.view import VIEWS, Asked, check_view, show_view

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.tables.clock import Stop
    from modelsizer.problems.architecture.sources import Source


def describe(
    source: Annotated[str | None, SOURCE] = None,
    view: Annotated[
        str | None,
        typer.Option(
            metavar="VIEW",
            help=f"Show one side in full, with a picture: {', '.join(VIEWS)}.",
        ),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Sequences at once; short for serving.batch_size.")
    ] = None,
    sequence: Annotated[
        int | None,
        typer.Option(help="Tokens of each sequence; short for serving.context_length."),
    ] = None,
    weight_bytes: Annotated[
        float | None,
        typer.Option(
            help="Bytes of a weight; short for serving.weight_bytes. By default those "
            "that a GGUF file or the quantization_config has, or 2."
        ),
    ] = None,
    kv_bytes: Annotated[
        float | None, typer.Option(help="Bytes of a cached value; short for serving.kv_bytes.")
    ] = None,
    context: Context = None,
    devices: Devices = None,
    each: Each = None,
    beside: Beside = None,
    picture: Picture = None,
    not_modelled: Annotated[
        bool, typer.Option("--not-modelled", help="List what no figure counts, with its size.")
    ] = False,
    with_transformers: Annotated[
        bool,
        typer.Option(
            "--with-transformers",
            help="Where modelsizer cannot count a model, take the totals of transformers' classes.",
        ),
    ] = False,
    set_: Settings = None,
    problem: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Evaluate SOURCE as a design of this problem, with every cost and limit.",
        ),
    ] = None,
    download: Download = False,
    time_limit: TimeLimit = None,
    verbose: Verbose = False,
    json_: Json = None,
    csv: Csv = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Count what a design holds and costs, to the unit, or one view.

    Every figure is under one set of settings: those of --problem, over them --set, of which some
    options are short forms. With any of them also what it costs to train and to serve. Of a
    problem, the design is its optimum.

    Views: memory, what fills one accelerator in serving and in training; users, how many it serves
    at once by context, and what each sees and costs; roofline, whether memory or compute bounds
    decode and prefill; layers, the pattern of the stack and what each kind of layer costs;
    allocation, where parameters and FLOPs go by component, by layer and by context.

    Exit status: 0 done, 1 proven infeasible, 2 bad input, 3 stopped by a limit: the design is the
    best found, if there is one.
    """
    with user_errors():
        if not_modelled:
            from modelsizer.problems.costs.omissions import OMISSIONS
            from modelsizer.text.not_modelled import print_not_modelled

            content = {"not_modelled": [omission.to_dict() for omission in OMISSIONS]}
            emit(content, json_, print_not_modelled)
            return
        if source is None:
            fail("SOURCE: name a problem, a config.json, an answer or a model of the catalogue")
        from modelsizer.problems.designs.standalone import SHORT_FOR, with_short
        from modelsizer.problems.key_values import read_pairs

        given: dict[str, object] = {"context": context, "devices": devices, "each": each}
        given |= {"beside": beside, "picture": picture, "csv": csv, "plot": plot}
        check_view(view, {name for name, value in given.items() if value})
        shorts: dict[str, float | None] = {"batch": batch, "sequence": sequence}
        shorts |= {"weight_bytes": weight_bytes, "kv_bytes": kv_bytes}
        said = read_pairs(set_ or [])
        settings = with_short(said, **shorts)
        texts = [f"{key}={settings[key]}" for key in SHORT_FOR.values() if key in settings]
        texts = [*(set_ or []), *(text for text in texts if text.partition("=")[0] not in said)]
        asked = Asked(
            source=source,
            problem=problem,
            settings=tuple(texts),
            time_limit=time_limit,
            download=download,
            verbose=verbose,
            json=json_,
            csv=csv,
            plot=plot,
            plot_size=plot_size,
            context=context,
            devices=devices,
            each=tuple(each or ()),
            beside=None if beside is None else tuple(beside),
            picture=picture,
        )
    if view is None:
        _describe(asked, settings, with_transformers)
    else:
        show_view(view, asked)


def _describe(asked: Asked, settings: dict[str, object], with_transformers: bool) -> None:
    """Print what a design holds and costs."""
    source, problem = asked.source, asked.problem
    with user_errors():
        if is_problem(source):
            if problem is not None or with_transformers:
                option = "--with-transformers" if with_transformers else "--problem"
                fail(f"{option}: {source} is a problem itself; name a config, an answer or a model")
            stop = _optimum(asked)
        else:
            stop = _architecture(asked, settings, with_transformers)
    if stop != "proven":
        raise typer.Exit(STOPPED)


def _optimum(asked: Asked) -> Stop:
    """Print the optimum of a problem; return why the search for it ended."""
    from modelsizer.optimizer.one_design import OneDesign
    from modelsizer.optimizer.tables.clock import Clock
    from modelsizer.problems.designs.description import description
    from modelsizer.problems.designs.memory_parts import missing_training_settings

    clock = Clock.of(asked.time_limit)
    chosen = design_of(asked.source, None, [*asked.settings], clock)
    own = chosen.problem
    found = description(own, chosen.design.architecture)
    design = OneDesign(own, chosen.design, True, not missing_training_settings(own))
    counts = found.to_dict() | {"design": design.to_dict()} | chosen.to_dict()

    def show(console: Console) -> None:
        from modelsizer.text.describe import print_description
        from modelsizer.text.kit.lines import paragraph

        print_description(console, own.name or asked.source, found, design, verbose=asked.verbose)
        for note in chosen.note:
            paragraph(console, note)

    emit(counts, asked.json, show)
    return chosen.stop


def _architecture(asked: Asked, settings: dict[str, object], with_transformers: bool) -> Stop:
    """Print an architecture, under a problem or settings if there are any."""
    from modelsizer.problems.architecture.checkpoints.errors import SourceError
    from modelsizer.problems.architecture.sources import find_source
    from modelsizer.problems.designs.description import describe as count
    from modelsizer.problems.designs.description import description

    source, problem = asked.source, asked.problem
    read = find_source(source, download=asked.download)
    try:
        architecture = read.architecture(say)
    except SourceError:
        if not with_transformers or read.is_answer:
            raise
        if problem is not None or settings:
            fail("--with-transformers: gives totals only, which have no costs under settings")
        _count_by_transformers(source, read, asked.json)
        return "proven"
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

        print_description(console, source, found, design, verbose=asked.verbose)
        if stored is not None:
            from modelsizer.text.checkpoint import print_checkpoint

            print_checkpoint(console, stored)

    emit(counts, asked.json, show)
    return "proven"


def _count_by_transformers(source: str, read: Source, json_: str | None) -> None:
    """Print what transformers counts of a configuration that has no reader here."""
    from modelsizer.problems.architecture.sources import counted_by_library
    from modelsizer.text.checkpoint import print_library_count

    found = counted_by_library(read)
    emit(found.to_dict(), json_, lambda console: print_library_count(console, source, found))
