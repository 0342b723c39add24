"""The command machines: which machine is chosen, and what insisting on another costs."""

from __future__ import annotations

import typer

from modelsizer.commands.app import EXIT, STOPPED, fail, say, user_errors
from modelsizer.commands.options import (
    Csv,
    File,
    Json,
    Settings,
    TimeLimit,
    Without,
    check_tables,
    load,
)
from modelsizer.commands.output import emit, text_file


def machines(
    file: File,
    set_: Settings = None,
    without: Without = None,
    time_limit: TimeLimit = None,
    json_: Json = None,
    csv: Csv = None,
) -> None:
    """Say which machine is best, and what insisting on others costs.

    Of every setting of training and serving that offers several values, each other value is forced
    in turn, and the problem solved again, with proof.

    Exit status: 0 all proven, 1 proven infeasible, 2 bad input, 3 stopped by a limit.
    """
    with user_errors():
        check_tables(csv)
        problem = load(file, set_, without)
        if not problem.menus:
            fail(
                "no setting of training or serving offers several values: list them, such as "
                '--set \'serving.accelerator=["H100-SXM", "L40S"]\''
            )
        from modelsizer.optimizer.solver import Solver
        from modelsizer.optimizer.surveys.machines import machines_of
        from modelsizer.optimizer.tables.clock import Clock
        from modelsizer.text.machines import machines_csv, print_all_machines

        clock = Clock.of(time_limit)
        solver = Solver(problem, clock=clock)
        result = solver.solve(details=False)
        if result.status != "optimal":
            why = "proven infeasible" if result.status == "infeasible" else "not proven in time"
            say(f"{file}: {why}, so there is no machine to compare with")
            raise typer.Exit(EXIT[result.status])
        found = machines_of(result, solver, clock, at_length=True)
        assert found is not None
        emit(
            found.to_dict(),
            json_,
            lambda console: print_all_machines(console, found),
            text_file("--csv", csv, lambda: machines_csv(found)),
        )
    if not found.complete:
        raise typer.Exit(STOPPED)
