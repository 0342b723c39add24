"""Report of a plan of training runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from modelsizer.optimizer.planning.plan import Plan
from modelsizer.optimizer.planning.prediction import Prediction
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.units import format_number, format_quantity
from modelsizer.problems.visible import visible
from modelsizer.text.kit.lines import INDENT, line, paragraph, section, title, warnings
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import NONE, STOPS, percent, short_percent

if TYPE_CHECKING:
    from rich.console import Console

# What stands for "; 3.41 s" while lines are broken, which happens nowhere within it.
_KEPT = ";" + "\u00a0" * len(" 00.00 s")
_COMMON = ("kv_heads", "head_dim", "vocab_size", "tied_embeddings", "block")
"""Fields printed once where all configs share their value."""
_OWN = ("heads", "kv_heads", "head_dim", "d_ff", "vocab_size")
_WITH_SHARE = 3  # columns of these that leave room for the share of the budget


def print_plan(console: Console, found: Plan, *, verbose: bool = False) -> None:
    """Print the runs, their expected precision beside the best grid, the proof and warnings.

    Parameters
    ----------
    console : Console
    found : Plan
    verbose : bool
        Whether to show all warnings.
    """
    title(console, found.problem.name)
    for words in _question(found, console.width):
        line(console, words)
    if not found.complete:
        line(console, f"Not complete: {STOPS[found.stop]}. A better plan may exist within the gap")
        line(console, "below, and the grid beside it may not be the best.")
    line(console)
    _runs(console, found)
    _tells(console, found)
    _certificate(console, found)
    warnings(console, found.warnings, verbose=verbose)


def _count(value: float) -> str:
    return format_quantity(value, "parameters", 3)


def _flops(value: float) -> str:
    return format_quantity(value, "FLOPs", 3)


def _question(found: Plan, width: int) -> list[str]:
    """The question, with the elapsed seconds at the end of its last line."""
    options, target, point = found.options, found.target, found.point
    whose = "given" if target.given else "the optimum"
    made = f" beside {found.have} made" if found.have else ""
    on = f"{len(point.draws)} draws of {point.name}" if point.drawn else point.name
    words = (
        f"{len(found.runs)} runs within {_flops(options.budget)} FLOPs{made}, to learn "
        f"{point.form.text} ({on}) at N = {_count(target.n)}, D = {_count(target.tokens)}, "
        f"{whose}"
    )
    # Of any length they take the same room, so that lines end where they did.
    *lines, last = wrap(
        visible(words) + _KEPT, width, break_long_words=False, break_on_hyphens=False
    )
    return [*lines, f"{last.removesuffix(_KEPT)}; {found.seconds:.2f} s"]


def _runs(console: Console, found: Plan) -> None:
    configs = [architecture_dict(one) for one in found.runs.architectures]
    shared = [k for k in _COMMON if len({str(c[k]) for c in configs}) == 1]
    own = [k for k in _OWN if k in configs[0] and k not in shared]
    rest = ["N", "tokens", "FLOPs", *(["share"] if len(own) <= _WITH_SHARE else []), "D/N"]
    rows = []
    for i, (row, config) in enumerate(zip(found.rows(), configs, strict=True), start=1):
        cells = [
            str(i),
            str(config["layers"]),
            str(config["d_model"]),
            *(NONE if config[k] is None else str(config[k]) for k in own),
            _count(row["parameters"]),
            _count(row["tokens"]),
            _flops(row["training_flops"]),
            *([short_percent(row["share_of_budget"])] if "share" in rest else []),
            format_number(row["tokens_per_parameter"], 3),
        ]
        rows.append(cells)
    headings = ["run", "layers", "d_model", *(_short(k) for k in own), *rest]
    print_table(console, Table(headings, rows, words=frozenset()))
    total = float(found.runs.flops.sum())
    known = [k for k in shared if configs[0][k] is not None]
    words = ", ".join(f"{k} {str(configs[0][k]).lower()}" for k in known)
    line(
        console,
        f"{len(set(found.runs.architectures))} architectures, {_flops(total)} FLOPs "
        f"({short_percent(total / found.options.budget)} of the budget, by the problem's count: "
        f"{found.problem.training.flops}). All: {words}.",
        above=1,
    )


def _short(key: str) -> str:
    return {"kv_heads": "kv", "head_dim": "head", "vocab_size": "vocab"}.get(key, key)


def _tells(console: Console, found: Plan) -> None:
    point, grid = found.point, found.grid_prediction
    section(console, "What the runs would tell, and what the best isoFLOP grid would")
    rows: list[Sequence[str]] = []
    both: list[Prediction] = [p for p in (found.prediction, grid) if p is not None]
    rows.append(("sd of the loss at the target", *(short_percent(p.sd) for p in both)))
    rows.append(("  in nats a token", *(f"{p.nats:.4f}" for p in both)))
    if point.drawn:
        ends = [[short_percent(end) for end in p.drawn_ends] for p in both]
        cells = (f"{low.removesuffix(' %')} to {high}" for low, high in ends)
        rows.append(("  over the draws, 5 to 95 %", *cells))
    factors = [
        format_number(math.exp(p.best_size_sd), 3) for p in both if p.best_size_sd is not None
    ]
    if factors:
        rows.append(("sd of the best N at its FLOPs, a factor", *factors))
    simulated = [s for s in (found.simulated, found.grid_simulated) if s is not None]
    if simulated:
        fits = f"sd of the loss over {simulated[0].repetitions} fits"
        rows.append((fits, *(short_percent(s.sd) for s in simulated)))
        rows.append(("  their mean error", *(short_percent(s.bias) for s in simulated)))
    for name in point.form.free:
        value = point.values[point.form.position(name)]
        errors = [format_number(p.standard_errors[name], 3) for p in both]
        rows.append((f"standard error of {name} = {format_number(float(value), 4)}", *errors))
    headings = ("", "plan", *(["grid"] if grid is not None else []))
    print_table(console, Table(headings, rows), indent=INDENT)
    words = f"Noise of a run: sd {short_percent(point.noise)} of its loss ({point.noise_from})."
    line(console, words, above=1)
    line(console, _grid_words(found))


def _grid_words(found: Plan) -> str:
    grid, excess = found.grid, found.grid_excess
    if grid is None or excess is None:
        return "No isoFLOP grid of so many runs can be launched within these limits."
    what = (
        "Its mean standard error"
        if found.options.criterion == "determinant"
        else "The sd of its predictions"
    )
    times = (1 + excess) ** 2
    pattern = f", {grid.pattern}" if grid.pattern and found.point.own else ""
    spread = (
        f"The grid: {grid.budgets} budgets {format_number(grid.apart, 2)} times apart, "
        f"{grid.sizes} sizes each "
        f"over a factor of {format_number(grid.span, 3)} where limits allow{pattern}, the best "
        f"of {grid.tried} "
        "grids. "
    )
    if excess <= 0:
        return spread + f"{what} is {short_percent(-excess)} below the plan's."
    return (
        spread + f"{what} is {short_percent(excess)} above the plan's: it would take "
        f"{format_number(times, 3)} times the runs and the FLOPs to tell as much."
    )


def _certificate(console: Console, found: Plan) -> None:
    options = found.options
    section(console, "Certificate")
    sd, least = found.sd_of(found.value), found.sd_of(found.bound)
    many = f"{len(found.candidates)} candidates"
    if sd is None or least is None:
        text = (
            f"No plan of {options.runs} runs of the {many} within the budget has a mean standard "
            f"error more than {short_percent(found.gap)} below (D-optimal: the root of the "
            "determinant by coefficient), proven by convex relaxation."
        )
    else:
        text = (
            f"No plan of {options.runs} runs of the {many} within the budget has an sd of "
            f"predicted loss below {percent(least, 3)}; this one has {percent(sd, 3)}, within "
            f"{short_percent(found.gap)}, proven by convex relaxation. {_mean_of(found)}"
        )
    paragraph(console, text, expand=False)


def _mean_of(found: Plan) -> str:
    parts: Sequence[str] = [
        *(
            [
                f"the target and sizes {format_number(found.options.around)} times smaller and "
                "larger at its FLOPs"
            ]
            if found.options.around > 1
            else []
        ),
        *([f"{len(found.point.draws)} draws of the law"] if found.point.drawn else []),
    ]
    return f"It is the geometric mean over {', and over '.join(parts)}." if parts else ""
