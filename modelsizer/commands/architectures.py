"""Commands about architectures: describe, audit, export and models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import Json, Settings, app, emit, fail, told

if TYPE_CHECKING:
    from rich.console import Console

_SOURCE = typer.Argument(
    metavar="SOURCE",
    help="A Hugging Face config.json or the JSON of an answer (a path, or - for standard input), "
    "or a name that `models` lists.",
)
Source = Annotated[str, _SOURCE]


@app.command()
def describe(
    source: Annotated[str | None, _SOURCE] = None,
    batch: Annotated[int, typer.Option(help="Sequences.")] = 1,
    sequence: Annotated[int, typer.Option(help="Tokens of each.")] = 4096,
    weight_bytes: Annotated[float, typer.Option(help="Bytes of a weight.")] = 2.0,
    kv_bytes: Annotated[float, typer.Option(help="Bytes of a cached value.")] = 2.0,
    problem: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Evaluate it as a design of a problem: every cost and limit."
        ),
    ] = None,
    set_: Settings = None,
    not_modelled: Annotated[
        bool, typer.Option("--not-modelled", help="List what no figure counts, with its size.")
    ] = False,
    json_: Json = None,
) -> None:
    """Count what an architecture holds and costs, to the unit.

    With --problem or --set also what it costs to train and to serve: memory, time, money, latency.
    """
    with told():
        if not_modelled:
            from modelsizer.text.not_modelled import print_not_modelled, rows

            emit({"not_modelled": rows()}, json_, print_not_modelled)
            return
        if source is None:
            fail("SOURCE: name a config.json, an answer or a model of the catalogue")
        from modelsizer.problems.architecture.describing import describe as count
        from modelsizer.problems.architecture.sources import load_architecture

        architecture = load_architecture(source)
        try:
            found = count(
                architecture,
                batch=batch,
                sequence=sequence,
                weight_bytes=weight_bytes,
                kv_bytes=kv_bytes,
            )
        except ValueError as error:
            fail(str(error))

        content, design = found.to_dict(), None
        if problem is not None or set_:
            from modelsizer.evaluating import evaluated

            design = evaluated(architecture, problem, set_ or [])
            content["design"] = design.to_dict()

        def show(console: Console) -> None:
            from modelsizer.text.architecture import print_description, print_design

            print_description(console, source, found)
            if design is not None:
                print_design(console, design)

        emit(content, json_, show)


@app.command()
def audit(
    source: Source,
    tokens: Annotated[
        str | None,
        typer.Option(help='Tokens trained on, such as "15T"; by default the catalogue\'s.'),
    ] = None,
    sequence: Annotated[
        int | None,
        typer.Option(help="Training sequence length; the learned positions, or 4096."),
    ] = None,
    law: Annotated[str, typer.Option(help="The loss law.")] = "besiroglu-2024",
    shape: Annotated[
        str | None, typer.Option(help="The shape law, where the law does not price it itself.")
    ] = None,
    solver: Annotated[str, typer.Option(help="As of solve.")] = "scipy",
    problem: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Menus, settings, law and further budgets of a problem file."
        ),
    ] = None,
    set_: Settings = None,
    json_: Json = None,
) -> None:
    """Compare a published model with the best design within its own budgets."""
    with told():
        from modelsizer.commands.many_laws import law_setting
        from modelsizer.optimizer.audit import audit as compare
        from modelsizer.problems.architecture.sources import load_architecture
        from modelsizer.text.audit import print_audit, trained_tokens

        architecture = load_architecture(source)
        try:
            number = trained_tokens(source, tokens)
            base = None
            if problem is not None:
                from modelsizer.problems.problem import Problem
                from modelsizer.settings import parse_settings

                base = Problem.load(problem, parse_settings(set_ or []))
            elif set_:
                fail("--set: needs --problem FILE")
            found = compare(
                architecture,
                number,
                sequence=sequence,
                law=law_setting(law),
                shape=shape,
                solver=solver,
                problem=base,
            )
        except ValueError as error:
            fail(str(error))
        emit(found.to_dict(), json_, lambda console: print_audit(console, source, found))


@app.command()
def export(
    source: Source,
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


@app.command()
def models(
    match: Annotated[
        str | None, typer.Option(help="Only models with this text in name or type.")
    ] = None,
    sort: Annotated[str, typer.Option(help="name, parameters, tokens or year.")] = "parameters",
    csv: Annotated[bool, typer.Option("--csv", help="CSV to standard output.")] = False,
    json_: Json = None,
) -> None:
    """List published models; their parameters are counted, not typed."""
    with told():
        from modelsizer.text.architecture import SORT_KEYS, model_rows, print_models, write_csv

        if sort not in SORT_KEYS:
            fail(f"--sort: {sort!r} is not one of {', '.join(SORT_KEYS)}")
        rows = model_rows(match, sort)
        if csv:
            write_csv(rows)
            return
        emit({"models": rows}, json_, lambda console: print_models(console, rows))
