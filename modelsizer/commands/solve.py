"""The command solve: the best design of a problem."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelsizer.commands.alternatives import alternatives, are_alternatives_asked
from modelsizer.commands.app import EXIT, STOPPED, fail, say, user_errors
from modelsizer.commands.choice_options import narrowed
from modelsizer.commands.extras import Extras
from modelsizer.commands.law_options import (
    Corners,
    at_corners,
    check_together,
    law_settings,
    load_under,
    under_laws,
)
from modelsizer.commands.options import (
    Download,
    File,
    Json,
    Plot,
    PlotSize,
    Quick,
    Settings,
    TimeLimit,
    Without,
    check_ending,
    check_framework,
    check_plot,
)
from modelsizer.commands.output import (
    STANDARD_OUTPUT,
    Output,
    before_drawing,
    emit,
    plot_file,
    text_file,
)
from modelsizer.commands.progress_lines import gaps

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.milp.program import Program
    from modelsizer.optimizer.tables.clock import Clock
    from modelsizer.problems.errors import ProblemError
    from modelsizer.problems.problem import Problem


def solve(
    file: File,
    set_: Settings = None,
    without: Without = None,
    law: Annotated[
        str | None,
        typer.Option(
            metavar="LAW",
            help="Judge by this loss law: a name that `laws` lists, or LAW.toml as "
            "`fit -o` writes it.",
        ),
    ] = None,
    uncertainty: Annotated[
        bool,
        typer.Option("--uncertainty", help="Solve under every bootstrap draw of LAW.toml too."),
    ] = False,
    draws: Annotated[
        int | None, typer.Option(min=1, help="Use the first N draws; 500 by default.")
    ] = None,
    laws: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Solve under each of these laws too, side by side."),
    ] = None,
    corners: Corners = False,
    solver: Annotated[
        str,
        typer.Option(
            help="Solve by auto, bound, scipy, pulp (CBC), pulp:NAME (pulp:HiGHS) or exhaustive."
        ),
    ] = "auto",
    json_: Json = None,
    gap: Annotated[
        float | None,
        typer.Option(
            help="Stop this near to the best: in nats of loss, or as a fraction of "
            "another objective."
        ),
    ] = None,
    time_limit: TimeLimit = None,
    node_limit: Annotated[
        int | None, typer.Option(help="Stop after so many branch-and-bound nodes.")
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Write the mixed-integer program to a .lp or .mps file.",
        ),
    ] = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
    export: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FRAMEWORK:PATH",
            help="Write the design for hf, megatron, torchtitan, nanogpt or litgpt; repeatable.",
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Prove it once more by another solver, and compare.")
    ] = False,
    best: Annotated[
        int | None, typer.Option(metavar="K", help="List the K best designs, proven.")
    ] = None,
    within: Annotated[
        str | None,
        typer.Option(
            metavar="TOLERANCE",
            help="Count all designs this near to the best (as --gap, or '0.1 %'), and show what "
            "they would save.",
        ),
    ] = None,
    diverse: Annotated[
        bool,
        typer.Option("--diverse", help="Of the designs of --within, show those furthest apart."),
    ] = False,
    fix: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHOICE=VALUE",
            help="Pin a choice, such as kv_heads=8, and say what that costs; repeatable.",
        ),
    ] = None,
    forbid: Annotated[
        list[str] | None,
        typer.Option(metavar="CHOICE=VALUE", help="Take a value of a choice away; repeatable."),
    ] = None,
    near: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Find the least change to a known model that keeps the limits."
        ),
    ] = None,
    download: Download = False,
    quick: Quick = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show all warnings, and the steps of the proof.")
    ] = False,
) -> None:
    """Find the best design of a problem, with proof.

    The picture is of loss over layers and d_model, by the law itself; those of `uncertainty` and
    `compare-laws` are of many laws.

    Exit status: 0 solved, 1 proven infeasible, 2 bad input, 3 stopped by a limit.
    """
    with user_errors():
        check_ending("--write", write, ".lp", ".mps")
        from modelsizer.optimizer.tables.clock import Clock, Ending

        whole = Clock.of(time_limit)
        clock = before_drawing(whole, plot)
        limits = {"--gap": gap, "--node-limit": node_limit}
        check_together(
            uncertainty=uncertainty,
            laws=laws,
            corners=corners,
            draws=draws,
            write=write,
            limits=limits,
        )
        targets = [_export_target(text) for text in export or ()]
        check_plot(plot, plot_size)
        free = load_under(file, set_, without, law)
        problem = narrowed(free, fix or [], forbid or [])
        model = None
        if near is not None:
            from modelsizer.problems.architecture.sources import load_architecture

            model = load_architecture(near, say, download=download)
        from modelsizer.optimizer.solver import Solver

        with user_errors(ValueError), gaps() as progress:
            solving = Solver(problem, solver=solver)
            result = solving.solve(
                gap=gap,
                time_limit=clock.left.seconds,
                node_limit=node_limit,
                progress=progress,
            )
        extras = Extras(clock, result.stop)
        ties = insisted = None
        if not quick:
            from modelsizer.optimizer.surveys.near_ties import ties_of

            ties = ties_of(result, solving, clock)
            if problem.menus:
                from modelsizer.optimizer.surveys.machines import machines_of

                insisted = machines_of(result, solving, clock)
        drawn_all = Ending(result.stop if result.status == "limit" else "proven")
        checked, others, pins, closest, drawn, compared, cornered = (None,) * 7
        if verify:
            from modelsizer.optimizer.verification import verify as prove_again

            checked = extras.find(
                "verification", lambda: prove_again(result, time_limit=clock.left.seconds)
            )
        if are_alternatives_asked(best, within, diverse=diverse):
            others = extras.find(
                "designs", lambda: alternatives(result, best, within, clock, diverse=diverse)
            )
        if fix or forbid:
            from modelsizer.optimizer.surveys.pinned_choices import PinnedChoices

            choices = (*(fix or ()), *(f"not {text}" for text in forbid or ()))
            pins = extras.find(
                "pinned", lambda: PinnedChoices.of(choices, result, free, solver, clock)
            )
        if model is not None:
            from modelsizer.optimizer.surveys.nearest_model import nearest

            closest = extras.find("nearest", lambda: nearest(problem, model, clock))
        if uncertainty:
            from modelsizer.optimizer.laws.drawn_answer import DRAWS
            from modelsizer.optimizer.laws.drawn_answer import uncertainty as solve_draws

            drawn = extras.find(
                "uncertainty",
                lambda: solve_draws(
                    problem, draws or DRAWS, corners=corners, time_limit=clock.left.seconds
                ),
            )
        if laws is not None:
            names = law_settings(problem, laws)
            compared = extras.find("laws", lambda: under_laws(problem, names, clock.left.seconds))
        if corners:
            given = law_settings(problem, laws)
            cornered = extras.find(
                "corners",
                lambda: at_corners(
                    problem,
                    laws=given,
                    solver=solver,
                    time_limit=clock.left.seconds,
                    answer=result,
                ),
            )
        program = None
        if write is not None:
            program = extras.find("program", lambda: _program(problem, clock))

        def show(console: Console) -> None:
            from modelsizer.text.answer import print_result

            print_result(console, result, checked, verbose=verbose)
            if insisted is not None:
                from modelsizer.text.machines import print_machines

                print_machines(console, insisted)
            if ties is not None:
                from modelsizer.text.near_ties import print_near_ties

                print_near_ties(console, result, ties)
            if others is not None or pins is not None or near is not None:
                from modelsizer.text import alternatives as more

                if others is not None:
                    more.print_alternatives(console, others)
                if pins is not None:
                    more.print_cost(console, pins)
                if near is not None and "nearest" not in extras.unfinished:
                    more.print_nearest(console, near, closest, problem.law.rms)
            if drawn is not None and drawn.found is not None:
                from modelsizer.text.uncertainty import print_uncertainty

                print_uncertainty(
                    console,
                    drawn.found,
                    drawn.winners,
                    drawn.notes,
                    below=True,
                    verbose=verbose,
                )
            if compared is not None:
                from modelsizer.text.compare_laws import print_comparison

                print_comparison(console, compared, below=True)
            if cornered is not None:
                from modelsizer.text.corners import print_corners

                print_corners(console, cornered)
            if extras.unfinished:
                from modelsizer.text.alternatives import print_unfinished

                print_unfinished(console, extras.unfinished, extras.stop)

        def content() -> dict[str, Any]:
            made = result.to_dict()
            if ties is not None:
                made["near_ties"] = ties.to_dict()
            if insisted is not None:
                made["machine"] |= insisted.others_dict()
            if others is not None:
                made |= others.to_dict()
            for key, asked, found in (
                ("pinned", bool(fix or forbid), pins),
                ("nearest", near is not None, closest),
                ("verification", verify, checked),
                ("uncertainty", uncertainty, drawn),
                ("laws", laws is not None, compared),
            ):
                if asked:
                    made[key] = None if found is None else found.to_dict()
            if corners:
                made |= {"corners": None} if cornered is None else cornered.figures()
            if extras.unfinished:
                made |= {"complete": False, "unfinished": extras.unfinished}
            return made

        def config(framework: str) -> str:
            from modelsizer.problems.architecture.configs.exports.export import export as exported
            from modelsizer.problems.architecture.configs.exports.training import settings_of

            training = settings_of(
                result.figures()["hyperparameters"], result.problem.training.sequence_length
            )
            return exported(result.best.architecture, framework, training)

        def written(path: Path) -> None:
            from modelsizer.optimizer.milp.backends.pulp_adapter import write_program
            from modelsizer.problems.files import write_whole

            if isinstance(program, Exception):
                raise program
            assert program is not None
            write_whole(path, lambda file: write_program(program, file, path.suffix))

        emit(
            content,
            json_,
            show,
            *(
                text_file("--export", path, partial(config, framework))
                for framework, path in (targets if result.design is not None else ())
            ),
            Output("--write", write if program is not None else None, written),
            plot_file(
                plot,
                "landscape",
                result,
                title=problem.name,
                size=plot_size,
                clock=whole,
                ending=drawn_all,
            ),
        )
    if extras.unfinished or not drawn_all.complete or (checked is not None and not checked.agrees):
        raise typer.Exit(STOPPED)
    raise typer.Exit(EXIT[result.status])


def _export_target(text: str) -> tuple[str, Path]:
    """Parse framework and path from ``FRAMEWORK:PATH``."""
    framework, _, path = text.partition(":")
    if path:
        check_framework("--export", framework)
    if not path or path == STANDARD_OUTPUT:
        fail(f"--export: {text!r} is not FRAMEWORK:PATH, such as hf:config.json")
    return framework, Path(path)


def _program(problem: Problem, clock: Clock) -> Program | ProblemError:
    """Return the mixed-integer program of a problem, or why it has none."""
    from modelsizer.optimizer.milp.export import program_of
    from modelsizer.problems.errors import ProblemError

    try:
        return program_of(problem, clock)
    except ProblemError as error:
        return error
