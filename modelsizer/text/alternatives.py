"""What else `solve` is asked: the next best, the nearly as good, the price of a choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from modelsizer.optimizer.result import Result
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.surveys.near_optimal import (
    NearOptimal,
    diverse,
    k_best,
    near_optimal,
    tolerance_of,
)
from modelsizer.optimizer.surveys.nearest_model import Nearest
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.narrowing import fixed, forbidden
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities import QUANTITIES
from modelsizer.problems.units import format_quantity
from modelsizer.text.columns import print_columns
from modelsizer.text.rank import SHORT, show

DEFAULT_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Pinned:
    """What pinned or forbidden choices cost against the problem as it was.

    Parameters
    ----------
    choices : tuple of str
        As the user wrote them.
    free : Result
        Without them.
    """

    choices: tuple[str, ...]
    free: Result

    def cost(self, result: Result) -> float | None:
        """How much worse the objective is; None where either has no optimum."""
        mine, theirs = result.objective.value, self.free.objective.value
        if mine is None or theirs is None:
            return None
        sign = -1 if result.objective.sense == "maximize" else 1
        return sign * (float(mine) - float(theirs))

    def to_dict(self, result: Result) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "choices": list(self.choices),
            "free": {"status": self.free.status, "objective": self.free.objective.value},
            "cost": self.cost(result),
        }


def _choices(texts: list[str], option: str) -> dict[str, list[object]]:
    """Values by choice from ``choice=value`` texts; a choice's table may be left out."""
    from modelsizer.problems.key_values import read_pairs

    found: dict[str, list[object]] = {}
    for text in texts:
        for key, value in read_pairs([text], option).items():
            name = key.removeprefix("space.")
            values = value if isinstance(value, list) else [value]
            found.setdefault(name, []).extend(values)
    for name, values in found.items():
        if option == "--fix" and len(values) > 1:
            raise ProblemError.of(option, f"{name} can be pinned to one value, not {values}")
    return found


def narrowed(problem: Problem, fix: list[str], forbid: list[str]) -> Problem:
    """The problem with choices pinned and values forbidden, as the command line has them.

    Raises
    ------
    ProblemError
        If a text is no ``choice=value``, or the problem offers no such choice or value.
    """
    if pins := _choices(fix, "--fix"):
        problem = fixed(problem, {name: values[0] for name, values in pins.items()})
    if out := _choices(forbid, "--forbid"):
        problem = forbidden(problem, out)
    return problem


def pinned(free: Problem, fix: list[str], forbid: list[str], solver: str) -> Pinned | None:
    """The optimum without the pins, to say what they cost; None without pins."""
    if not fix and not forbid:
        return None
    texts = [*fix, *(f"not {text}" for text in forbid)]
    return Pinned(tuple(texts), Solver(free, solver=solver).solve(details=False))


def alternatives(
    result: Result, best: int | None, within: str | None, spread: bool
) -> NearOptimal | None:
    """The next best designs, or those within a tolerance; None where neither is asked.

    Raises
    ------
    ProblemError
        If a number is wrong, or the problem was not solved to the end.
    """
    if best is None and within is None:
        if spread:
            raise ProblemError.of("--diverse", "needs --within, such as --within 0.001")
        return None
    if result.status == "infeasible":
        return None
    count = DEFAULT_SHOWN if best is None else best
    option = "--best" if within is None else "--within"
    try:
        if within is None:
            return k_best(result, count)
        if count < 1:
            raise ProblemError.of("--best", f"must be 1 or more, not {count}")
        assert result.objective.value is not None
        tolerance = tolerance_of(within, result.objective.name, result.objective.value)
        return (diverse if spread else near_optimal)(result, tolerance, count)
    except ValueError as error:
        raise ProblemError.of(option, str(error)) from None


def print_alternatives(console: Console, result: Result, found: NearOptimal) -> None:
    """Print the next best designs and what the nearly as good would save."""
    objective = result.objective.name
    console.print(Text(f"\n{_heading(found)}", style="bold"))
    columns = list(dict.fromkeys([objective, *SHORT]))
    ranks = [str(rank) for rank in range(1, len(found.best) + 1)]
    cells = [(name, [show(design, name) for design in found.best]) for name in columns]
    print_columns(console, ("", ranks), cells, indent=2)
    if found.savings:
        _print_savings(console, result, found)


def _heading(found: NearOptimal) -> str:
    many = len(found.best)
    if found.within is None:
        return f"The {many} best, proven" if many > 1 else "The only design that fits"
    name = found.goal.name
    unit = QUANTITIES[name].dimension
    assert found.tolerance is not None
    reach = (
        f"{found.tolerance:g} nats" if name == "loss" else format_quantity(found.tolerance, unit)
    )
    which = "is the only design" if found.within == 1 else f"and {found.within - 1:,} more"
    shown = "" if many == found.within else f"; {many} shown"
    return f"Within {reach} of the optimum: it {which}{shown}"


def _print_savings(console: Console, result: Result, found: NearOptimal) -> None:
    """For each quantity the design of those counted that needs least of it."""
    console.print(Text("\nOf these, the least", style="bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    headings = ("", "least", "saved", found.goal.name, "design")
    for heading, justify in zip(headings, ("left", *["right"] * 3, "left"), strict=True):
        table.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for name, design in found.savings:
        mine, theirs = float(design.quantity(name)), float(result.best.quantity(name))
        saved = f"{100 * (1 - mine / theirs):.1f} %" if mine < theirs else "nothing"
        shape = f"{design.architecture.layers} x {design.architecture.trunk.d_model}"
        table.add_row(name, show(design, name), saved, show(design, found.goal.name), shape)
    console.print(Padding(table, (0, 0, 0, 2), expand=False))


def print_cost(console: Console, result: Result, pins: Pinned) -> None:
    """Say what pinned choices cost."""
    cost = pins.cost(result)
    what = ", ".join(pins.choices)
    console.print(Text("\nWhat it costs", style="bold"))
    if cost is None:
        words = f"{what}: no design keeps every limit; without it the problem is {pins.free.status}"
    elif cost == 0:
        words = f"{what} costs nothing: the optimum without it is as good"
    else:
        words = f"{what} costs {_amount(result, cost)}; {_free(pins.free.best)} would be free of it"
    console.print(Padding(Text(words), (0, 0, 0, 2)))


def _amount(result: Result, cost: float) -> str:
    name = result.objective.name
    if name == "loss":
        return f"{cost:.6f} nats a token"
    assert result.objective.value is not None
    share = cost / float(result.objective.value)
    return f"{format_quantity(cost, QUANTITIES[name].dimension)} of {name} ({100 * share:.2g} %)"


def _free(design: Evaluation) -> str:
    return f"{design.architecture.layers} x {design.architecture.trunk.d_model}"


def print_nearest(console: Console, name: str, found: Nearest | None) -> None:
    """Print the design least unlike a known model."""
    console.print(Text(f"\nNearest to {name}", style="bold"))
    if found is None:
        console.print(Padding(Text("no design keeps every limit"), (0, 0, 0, 2)))
        return
    design = found.design
    if not found.changed:
        lines = ["the model itself keeps every limit"]
    else:
        many = len(found.changed)
        changes = "setting changes" if many == 1 else "settings change"
        lines = [f"{many} {changes}, no fewer would do:"]
        lines += [f"  {n}: {was:,} -> {now:,}" for n, (was, now) in found.changed.items()]
    lines.append(f"loss {design.loss:.6f}, {show(design, 'parameters')} parameters, "
                 f"{show(design, 'tokens')} tokens")  # fmt: skip
    console.print(Padding(Text("\n".join(lines)), (0, 0, 0, 2)))
