"""A plan of small runs, as a person reads it at 80 columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from modelsizer.optimizer.planning.plan import Plan
from modelsizer.optimizer.planning.prediction import Prediction, Simulated
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.units import format_quantity

if TYPE_CHECKING:
    from rich.console import Console

# What stands for "; 3.41 s" while lines are broken, which happens nowhere within it.
_KEPT = ";" + "\u00a0" * len(" 00.00 s")
_COMMON = ("kv_heads", "head_dim", "vocab_size", "tied_embeddings", "block")
"""Columns that are said once where all configs share them."""
_OWN = ("heads", "kv_heads", "head_dim", "d_ff", "vocab_size")
_WITH_SHARE = 3  # columns of these, beside which there is room for the share of the budget


def print_plan(console: Console, found: Plan) -> None:
    """Print the runs, what they would tell beside the best grid, the proof, and what to mind."""
    console.print(Text(found.problem.name or "unnamed problem", style="bold"))
    console.print(Text(_question(found, console.width)))
    console.print()
    _runs(console, found)
    _tells(console, found)
    _certificate(console, found)
    console.print("\nWarnings")
    for warning in found.warnings:
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_row("-", Text(warning))
        _put(console, table)


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if heading or i else "left", no_wrap=True)
    return table


def _put(console: Console, item: Table | Text) -> None:
    console.print(Padding(item, (0, 0, 0, 2), expand=False))


def _count(value: float) -> str:
    return format_quantity(value, "parameters", 3)


def _flops(value: float) -> str:
    return format_quantity(value, "FLOPs", 3)


def percent(share: float) -> str:
    """A share, with the digits that tell: 0.62 %, 4.1 %, 51 %."""
    value = 100 * share
    digits = 0 if abs(value) >= 10 else 1 if abs(value) >= 1 else 2
    return f"{value:.{digits}f} %"


def _question(found: Plan, width: int) -> str:
    """What was asked, with the seconds at the end of its last line."""
    wishes, target, point = found.wishes, found.target, found.point
    whose = "given" if target.given else "the optimum"
    made = f" beside {found.have} made" if found.have else ""
    on = f"{len(point.draws)} draws of {point.name}" if point.drawn else point.name
    words = (
        f"{len(found.runs)} runs within {_flops(wishes.budget)} FLOPs{made}, to learn "
        f"{point.form.text} ({on}) at N = {_count(target.n)}, D = {_count(target.tokens)}, "
        f"{whose}"
    )
    # Of any length they take the same room, so that lines end where they did.
    lines = wrap(words + _KEPT, width, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).removesuffix(_KEPT) + f"; {found.seconds:.2f} s"


def _runs(console: Console, found: Plan) -> None:
    configs = [architecture_dict(one) for one in found.runs.architectures]
    shared = [k for k in _COMMON if len({str(c[k]) for c in configs}) == 1]
    own = [k for k in _OWN if k in configs[0] and k not in shared]
    rest = ["N", "tokens", "FLOPs", *(["share"] if len(own) <= _WITH_SHARE else []), "D/N"]
    table = _table("run", "layers", "d_model", *(_short(k) for k in own), *rest)
    for i, (row, config) in enumerate(zip(found.rows(), configs, strict=True), start=1):
        table.add_row(
            str(i),
            str(config["layers"]),
            str(config["d_model"]),
            *(str(config[k]) for k in own),
            _count(row["parameters"]),
            _count(row["tokens"]),
            _flops(row["training_flops"]),
            *([percent(row["share_of_budget"])] if "share" in rest else []),
            f"{row['tokens_per_parameter']:.3g}",
        )
    console.print(table)
    total = float(found.runs.flops.sum())
    words = ", ".join(f"{k} {str(configs[0][k]).lower()}" for k in shared)
    console.print(
        Text(
            f"\n{len(set(found.runs.architectures))} architectures, {_flops(total)} FLOPs "
            f"({percent(total / found.wishes.budget)} of the budget, by the problem's count: "
            f"{found.problem.training.flops}). All: {words}."
        )
    )


def _short(key: str) -> str:
    return {"kv_heads": "kv", "head_dim": "head", "vocab_size": "vocab"}.get(key, key)


def _tells(console: Console, found: Plan) -> None:
    point, grid = found.point, found.grid_prediction
    console.print("\nWhat the runs would tell, and what the best isoFLOP grid would")
    table = _table("", "plan", *(["grid"] if grid is not None else []))
    both: list[Prediction] = [p for p in (found.prediction, grid) if p is not None]
    table.add_row("sd of the loss at the target", *(percent(p.sd) for p in both))
    table.add_row("  in nats a token", *(f"{p.nats:.4f}" for p in both))
    if point.drawn:
        table.add_row(
            "  over the draws, 5 to 95 %",
            *(f"{percent(p.drawn_ends[0])[:-2]} to {percent(p.drawn_ends[1])}" for p in both),
        )
    factors = [f"{math.exp(p.best_size_sd):.3g}" for p in both if p.best_size_sd is not None]
    if factors:
        table.add_row("sd of the best N at its FLOPs, a factor", *factors)
    simulated = [s for s in (found.simulated, found.grid_simulated) if s is not None]
    if simulated:
        table.add_row(
            f"sd of the loss over {simulated[0].repetitions} fits", *map(_scatter, simulated)
        )
        table.add_row("  their mean error", *(_bias(s) for s in simulated))
    for name in point.form.free:
        value = point.values[point.form.position(name)]
        errors = [f"{p.standard_errors[name]:.3g}" for p in both]
        table.add_row(f"standard error of {name} = {float(value):.4g}", *errors)
    _put(console, table)
    words = f"Noise of a run: sd {percent(point.noise)} of its loss ({point.noise_from})."
    console.print(Text("\n" + words))
    console.print(Text(_grid_words(found)))


def _scatter(found: Simulated) -> str:
    return percent(found.sd)


def _bias(found: Simulated) -> str:
    return percent(found.bias)


def _grid_words(found: Plan) -> str:
    grid, excess = found.grid, found.grid_excess
    if grid is None or excess is None:
        return "No isoFLOP grid of so many runs can be launched within these limits."
    what = (
        "Its mean standard error"
        if found.wishes.criterion == "determinant"
        else "The sd of its predictions"
    )
    times = (1 + excess) ** 2
    pattern = f", {grid.pattern}" if grid.pattern and found.point.own else ""
    spread = (
        f"The grid: {grid.budgets} budgets {grid.apart:.2g} times apart, {grid.sizes} sizes each "
        f"over a factor of {grid.span:.3g} where limits allow{pattern}, the best of {grid.tried} "
        "grids. "
    )
    if excess <= 0:
        return spread + f"{what} is {percent(-excess)} below the plan's."
    return (
        spread + f"{what} is {percent(excess)} above the plan's: it would take "
        f"{times:.3g} times the runs and the FLOPs to tell as much."
    )


def _certificate(console: Console, found: Plan) -> None:
    wishes = found.wishes
    console.print("\nCertificate")
    sd, least = found.sd_of(found.value), found.sd_of(found.bound)
    many = f"{len(found.candidates)} candidates"
    if sd is None or least is None:
        text = (
            f"No plan of {wishes.runs} runs of the {many} within the budget has a mean standard "
            f"error more than {percent(found.gap)} below (D-optimal: the root of the determinant "
            "by coefficient), proven by convex relaxation."
        )
    else:
        text = (
            f"No plan of {wishes.runs} runs of the {many} within the budget has an sd of predicted "
            f"loss below {100 * least:.3f} %; this one has {100 * sd:.3f} %, within "
            f"{percent(found.gap)}, proven by convex relaxation. {_mean_of(found)}"
        )
    _put(console, Text(text))


def _mean_of(found: Plan) -> str:
    parts: Sequence[str] = [
        *(
            [f"the target and sizes {found.wishes.around:g} times smaller and larger at its FLOPs"]
            if found.wishes.around > 1
            else []
        ),
        *([f"{len(found.point.draws)} draws of the law"] if found.point.drawn else []),
    ]
    return f"It is the geometric mean over {', and over '.join(parts)}." if parts else ""
