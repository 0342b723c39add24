"""Why nothing is feasible and what would have to give: gathered, as data, and for a person."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from optimizer.conflicts import Conflict, Keys, Oracle, all_conflicts, measured, promised_conflicts
from optimizer.named_limits import AFFECTS, NamedLimit, Repair
from optimizer.repairs import JointRepair, can_help, joint_repair, limit_repairs, setting_repairs
from optimizer.result import design_dict
from problems.errors import ProblemError, did_you_mean
from problems.lifetime import LIFETIME
from problems.problem import Problem
from problems.quantities import QUANTITIES
from problems.units import Number, exact, format_quantity, parse_quantity

MOST_SHOWN = 12  # conflicts in text; JSON has them all


@dataclass(frozen=True, slots=True)
class Why:
    """What relaxing one limit, or turning one setting, does.

    Parameters
    ----------
    key : str
    repairs : tuple of Repair
        How far it must go; empty where it cannot help.
    remaining : tuple of Conflict
        Conflicts that it leaves.
    """

    key: str
    repairs: tuple[Repair, ...]
    remaining: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a problem is infeasible, and what would make it feasible.

    Parameters
    ----------
    problem : Problem
    feasible : bool
        Nothing else is filled in if it is.
    seconds : float
    limits : tuple of NamedLimit
    conflicts : tuple of tuple of str
        Every minimal conflict among budgets and token limits, with the space as it is.
    with_space : tuple of Conflict
        Every minimal conflict where ends of the space may be relaxed as well.
    repairs : tuple of Repair
        Of single limits, then of single settings.
    joint : JointRepair or None
        None where the space is too large to list.
    weights : mapping of str to float
        Other than 1.
    whys : tuple of Why
    """

    problem: Problem
    feasible: bool
    seconds: float
    limits: tuple[NamedLimit, ...] = ()
    conflicts: tuple[tuple[str, ...], ...] = ()
    with_space: tuple[Conflict, ...] = ()
    repairs: tuple[Repair, ...] = ()
    joint: JointRepair | None = None
    weights: Mapping[str, float] | None = None
    whys: tuple[Why, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The keys of the JSON contract."""
        joint = self.joint
        return {
            "name": self.problem.name,
            "feasible": self.feasible,
            "seconds": self.seconds,
            "conflicts": [list(keys) for keys in self.conflicts],
            "with_space": [list(conflict.keys) for conflict in self.with_space],
            "reasons": [_reason(self, conflict) for conflict in self.with_space],
            "repairs": [repair.to_dict() for repair in self.repairs],
            "joint": None if joint is None else {
                "cost": joint.cost,
                "weights": dict(self.weights or {}),
                "repairs": [repair.to_dict() for repair in joint.repairs],
                "design": design_dict(self.problem, joint.design),
            },
            "why": [
                {
                    "key": why.key,
                    "helps": bool(why.repairs),
                    "repairs": [repair.to_dict() for repair in why.repairs],
                    "remaining": [list(conflict.keys) for conflict in why.remaining],
                }
                for why in self.whys
            ],
        }  # fmt: skip


def _reason(found: Explanation, conflict: Conflict) -> dict[str, object]:
    needs = conflict.needs
    return {
        "keys": list(conflict.keys),
        "lead": conflict.lead.key,
        "needs": needs if needs is None or isinstance(needs, float) else _plain(needs),
        "unit": conflict.lead.unit,
        "text": sentence(found, conflict),
    }


def _plain(value: Fraction) -> Number:
    return int(value) if value.denominator == 1 else float(value)


def explain(
    problem: Problem,
    *,
    why: Sequence[str] = (),
    weights: Mapping[str, object] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Explanation:
    """Explain why no design keeps every limit of a problem, and what would have to give.

    Parameters
    ----------
    problem : Problem
    why : sequence of str
        Limits or settings to say more about.
    weights : mapping of str to float, optional
        What relative excess of a budget or token limit costs in the joint repair; 1 by default.
    progress : callable, optional
        Called with the number of conflicts known and of sets of limits searched.

    Raises
    ------
    ProblemError
        If a limit is none of the problem's, or a weight is not positive.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> problem = Problem.load("phone-2gb").with_settings({"budgets.serving_memory": "100 MB"})
    >>> explain(problem).conflicts
    (('budgets.serving_memory',),)
    """
    started = time.perf_counter()
    oracle = Oracle(problem, progress)
    limits = oracle.relaxer.limits
    costs = _weights(limits, weights or {})
    asked = list(dict.fromkeys(key for name in why for key in _resolved(limits, name)))
    if oracle.feasible(oracle.all):
        return Explanation(problem, True, time.perf_counter() - started, limits)
    conflicts = _ordered(oracle, promised_conflicts(oracle))
    oracle.conflicts = len(conflicts)
    every = tuple(measured(oracle, keys) for keys in _ordered(oracle, all_conflicts(oracle)))
    repairs = (*limit_repairs(oracle), *setting_repairs(oracle, conflicts))
    return Explanation(
        problem,
        False,
        time.perf_counter() - started,
        limits,
        tuple(tuple(key for key in oracle.relaxer.keys if key in keys) for keys in conflicts),
        every,
        repairs,
        joint_repair(oracle, costs),
        costs,
        tuple(_why(oracle, key, repairs, every) for key in asked),
    )


def _ordered(oracle: Oracle, conflicts: Sequence[Keys]) -> list[Keys]:
    """The fewest limits first, then in the order of the file format."""
    place = oracle.relaxer.keys.index
    return sorted(conflicts, key=lambda keys: (len(keys), sorted(place(key) for key in keys)))


def _resolved(limits: Sequence[NamedLimit], name: str, option: str = "--why") -> list[str]:
    """Keys that a name may mean: a key, a key without its end, or its last word."""
    keys = [limit.key for limit in limits] + (list(AFFECTS) if option == "--why" else [])
    bases = {key: key for key in keys} | {limit.key: limit.base for limit in limits}
    words = {key: base.partition(".")[2] for key, base in bases.items()}
    ends = {key: key.partition(".")[2] for key in keys}
    for spelt in ({key: key for key in keys}, bases, words, ends):
        if found := [key for key in keys if spelt[key] == name]:
            return found
    hint = did_you_mean(name, keys)
    raise ProblemError.of(
        option, f"{name!r} is no limit of this problem{hint}; its limits: {', '.join(keys)}"
    )


def _weights(limits: Sequence[NamedLimit], given: Mapping[str, object]) -> dict[str, float]:
    promised = [limit for limit in limits if not limit.of_space]
    found: dict[str, float] = {}
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e100:
            raise ProblemError.of("--weight", f"{name} = {value!r} is not a positive number")
        found |= dict.fromkeys(_resolved(promised, name, "--weight"), float(value))
    return found


def _why(oracle: Oracle, key: str, repairs: Sequence[Repair], every: Sequence[Conflict]) -> Why:
    mine = tuple(repair for repair in repairs if repair.key == key)
    if mine:
        return Why(key, mine, ())
    if key in AFFECTS:
        return Why(
            key, (), tuple(c for c in every if not can_help(oracle, key, [frozenset(c.keys)]))
        )
    return Why(key, (), tuple(conflict for conflict in every if key not in conflict.keys))


# Words


def name_of(key: str) -> str:
    """A limit or setting as people call it: no table, no end; settings keep their table."""
    for table in ("budgets.", "space."):
        if key.startswith(table):
            return key.removeprefix(table).removesuffix(".min").removesuffix(".max")
    return key.removesuffix(".min").removesuffix(".max")


def amount(value: Number, unit: str, digits: int = 6) -> str:
    """A value with its unit."""
    if unit == "count":
        return f"{value:.{digits}g}" if isinstance(value, float) else str(value)
    return format_quantity(value, unit, digits)


def limit_words(limit: NamedLimit) -> str:
    """``serving_memory <= 80 GB``."""
    return f"{name_of(limit.key)} {limit.sign} {amount(limit.value, limit.unit)}"


_NUDGES = (0, 0.1, 0.2, 0.5, 1, 2, 5, 10)  # of the last digit shown, until it is enough


def loosely(value: Number, unit: str, side: str, digits: int = 4) -> str:
    """A value rounded to where it is still enough: up for a most, down for a least amount."""
    away = 10.0**-digits if side == "max" else -(10.0**-digits)
    text = amount(value, unit, digits)
    for step in _NUDGES:
        text = amount(value * (1 + away * step) if step else value, unit, digits)
        try:
            read = exact(parse_quantity(text, unit))
        except ValueError:
            return text  # a unit that is written and not read
        if read >= exact(value) if side == "max" else read <= exact(value):
            return text
    return text


_FORMS = {
    "latency": ("the fastest such design takes", "the slowest such design takes"),
    "loss": ("the best such design reaches", "the most that such a design may have is"),
    "throughput": ("", "the fastest such design reaches"),
    "size": ("the smallest such design needs", "the largest such design has"),
    "spent": ("the least that such a design takes is", "the most that such a design may take is"),
}


def _form(quantity: str) -> str:
    if quantity == "decode_throughput":
        return "throughput"
    if quantity == "loss" or quantity.endswith("_latency"):
        return quantity.rpartition("_")[2]
    return "size" if QUANTITIES[quantity].affine else "spent"


def _joined(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def sentence(found: Explanation, conflict: Conflict) -> str:
    """A conflict in a sentence, with the settings that it is held in."""
    lead = conflict.lead
    others = [limit_words(limit) for limit in conflict.limits if limit is not lead]
    given = situation(found.problem, {limit.quantity for limit in conflict.limits})
    settings = f" ({', '.join(given)})" if given else ""
    if others:
        text = f"{limit_words(lead)} conflicts with {_joined(others)}{settings}"
    else:
        text = f"{limit_words(lead)} is kept by no design, of whatever depth and width{settings}"
    if conflict.needs is None:
        return text + "."
    value = conflict.needs if isinstance(conflict.needs, float) else _plain(conflict.needs)
    such = _FORMS[_form(lead.quantity)][lead.side == "min"]
    such = such if others else such.replace("such design", "of all")
    unit = " FLOPs" if lead.quantity in ("training_flops", "lifetime_flops") else ""
    text = f"{text}: {such} {amount(value, lead.unit)}{unit}"
    ends = [r.value for r in found.repairs if r.key == lead.key]
    if ends and not isinstance(ends[0], str) and abs(ends[0] / value - 1) > 1e-6:
        text += f" ({amount(ends[0], lead.unit)} within the other limits too)"
    return text + "."


def situation(problem: Problem, quantities: set[str]) -> list[str]:
    """Settings that quantities depend on, as people say them."""
    serving, training = problem.serving, problem.training
    words = []
    cached = {"kv_cache", "serving_memory", "decode_latency", "decode_throughput"} & quantities
    if cached:
        words.append(f"batch_size {serving.batch_size} at context {problem.context_length}")
    elif quantities & {"inference_flops_per_token", "prefill_latency"}:
        words.append(f"context {serving.prompt_length or problem.context_length}")
    weights = _bytes(serving.weight_bytes, serving.weight_bits)
    cache = _bytes(serving.kv_bytes, serving.kv_bits)
    if quantities & {"serving_memory", "decode_latency", "decode_throughput"}:
        words.append(f"{weights} a value" if weights == cache
                     else f"{weights} a weight and {cache} a cached value")  # fmt: skip
    elif cached or "kv_bytes_per_token" in quantities:
        words.append(f"{cache} a cached value")
    elif "prefill_latency" in quantities:
        words.append(f"{weights} a weight")
    timed = {"decode_latency", "decode_throughput", "prefill_latency"} & quantities
    if timed or ("serving_memory" in quantities and serving.devices > 1):
        device = f" {serving.named.name}" if timed else " accelerators"
        words.append(f"{serving.devices}{device}")
    if "training_memory" in quantities:
        words.append(f"sequences of {training.sequence_length}")
        words.append(f"ZeRO stage {training.zero_stage}, recompute = {training.recompute}")
        many = len(problem.layouts)
        words.append(f"the best of {many} layouts" if many > 1 else _layout(problem))
    if {"training_time", "training_cost", "training_energy"} & quantities:
        count = "" if training.accelerators is None else f"{training.accelerators} "
        words.append(f"{count}{training.named.name} at an MFU of {training.expected_mfu:.3g}")
    if quantities & {*LIFETIME}:
        served = format_quantity(_plain(problem.lifetime.tokens), "tokens")
        words.append(f"{served} tokens served at context {problem.context_length}")
    if "loss" in quantities:
        words.append(problem.law.name)
    return words


def _layout(problem: Problem) -> str:
    only = problem.layouts[0]
    return (
        f"data x tensor x pipeline parallel = {only.data_parallel} x {only.tensor_parallel} x "
        f"{only.pipeline_parallel}"
    )


def _bytes(each: Number, bits: int | None) -> str:
    if bits is not None:
        return f"{bits} bits"
    return "1 byte" if each == 1 else f"{each:g} bytes"


# For a person


def print_explanation(console: Console, found: Explanation) -> None:
    """Print an explanation, at 80 columns or more."""
    console.print(Text(found.problem.name or "unnamed problem", style="bold"))
    if found.feasible:
        console.print(
            f"Some design keeps every limit: there is nothing to explain; {found.seconds:.2f} s.\n"
            "`modelsizer solve` finds the best."
        )
        return
    console.print(f"No design keeps every limit, proven; {found.seconds:.2f} s.")
    _print_conflicts(console, found)
    _print_repairs(console, found)
    _print_joint(console, found)
    for why in found.whys:
        _print_why(console, found, why)


def _heading(console: Console, text: str) -> None:
    console.print(Text(f"\n{text}", style="bold"))


def _indented(console: Console, text: str) -> None:
    console.print(Padding(Text(text), (0, 0, 0, 2)))


def _listed(console: Console, lines: Sequence[str], numbered: bool = True) -> None:
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for number, line in enumerate(lines[:MOST_SHOWN], start=1):
        table.add_row(f"{number}." if numbered else "-", Text(line))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
    if (more := len(lines) - MOST_SHOWN) > 0:
        console.print(f"  and {more} more, which --json lists")


def _print_conflicts(console: Console, found: Explanation) -> None:
    now = [c for c in found.with_space if c.promised in found.conflicts]
    later = [c for c in found.with_space if c.promised not in found.conflicts]
    _heading(console, "Why")
    _listed(console, [sentence(found, conflict) for conflict in now])
    if later:
        _heading(console, "Were ends of the space relaxed, these would still conflict")
        _listed(console, [sentence(found, conflict) for conflict in later])


def _row(repair: Repair) -> tuple[str, str, str, str, str]:
    """A repair as cells: what, before, after, by how much, exactly."""
    name = name_of(repair.key)
    if repair.side is None or isinstance(repair.value, str) or isinstance(repair.before, str):
        return name, str(repair.before), str(repair.value), "", ""
    sign = "<=" if repair.side == "max" else ">="
    before = amount(repair.before, repair.unit)
    after = loosely(repair.value, repair.unit, repair.side)
    text = f"{sign} {after}"
    exactly = "" if after == str(repair.value) else str(repair.value)
    share = 100 * (repair.excess or 0.0)
    change = f"{'+' if repair.side == 'max' else '-'}{share:.3g} %"
    return name, f"{sign} {before}", text, change, exactly


def _table(rows: Sequence[Repair]) -> Padding:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for heading in ("is", "must be", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("exactly", overflow="fold")
    for repair in rows:
        table.add_row(*_row(repair))
    return Padding(table, (0, 0, 0, 2), expand=False)


def _print_repairs(console: Console, found: Explanation) -> None:
    if found.repairs:
        _heading(console, "Any one of these changes alone makes it feasible, and no smaller one")
        console.print(_table(found.repairs))
    else:
        _heading(console, "No single change makes it feasible")
    helpful = {repair.key for repair in found.repairs}
    idle = [limit.key for limit in found.limits if limit.key not in helpful and not limit.of_space]
    if idle:
        names = ", ".join(key.removeprefix("budgets.") for key in idle)
        console.print()
        _indented(console, f"Relaxing {names} alone does not help: --why KEY says why.")


def _print_joint(console: Console, found: Explanation) -> None:
    joint = found.joint
    if joint is None:
        _heading(console, "The cheapest joint repair is not sought: the space is too large to list")
        return
    weights = ", ".join(f"{key} {weight:g}" for key, weight in (found.weights or {}).items())
    costs = f"weights: {weights}, else 1" if weights else "every limit weighing the same"
    if len(joint.repairs) == 1:
        only = joint.repairs[0]
        _heading(console, "Relaxing several limits together is not cheaper")
        _indented(
            console, f"than {name_of(only.key)} alone: relative excess {joint.cost:.4g} ({costs})."
        )
        return
    _heading(console, "Relaxing several limits together, the cheapest way")
    console.print(_table(joint.repairs))
    console.print()
    _indented(
        console, f"Total relative excess {joint.cost:.4g} ({costs}; --weight KEY=W changes it)."
    )


def _print_why(console: Console, found: Explanation, why: Why) -> None:
    _heading(console, f"What {name_of(why.key)} does")
    if why.repairs:
        rows = [_row(repair) for repair in why.repairs]
        console.print(f"  It helps: {' or '.join(f'{r[1]} must become {r[2]}' for r in rows)}.")
    elif why.remaining:
        count = len(why.remaining)
        console.print(
            "  It cannot help: without it "
            + ("this conflict is left" if count == 1 else f"these {count} conflicts are left")
        )
        _listed(console, [sentence(found, conflict) for conflict in why.remaining], False)
    else:
        console.print("  It touches every conflict, but no value that it may take is enough.")
