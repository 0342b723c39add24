"""The help of a command: its options in groups, in plain words, and an example."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from modelsizer.commands.numbers import NumberCommand

OWN = "Options"
SECTIONS: Mapping[str, Sequence[str]] = {
    "Problem": ("--set", "--without", "--problem", "--download"),
    "Search": (
        *("--solver", "--time-limit", "--point-time-limit", "--gap", "--node-limit"),
        *("--jobs", "--dask", "--resume", "--seed"),
    ),
    "Output": (
        *("--verbose", "--quick", "--output", "--json", "--csv", "--parquet", "--export"),
        *("--export-dir", "--write", "--plot", "--picture", "--figure", "--plot-size"),
        *("--no-title", "--date"),
    ),
}
"""Options that several commands share, in the order of their help, by the group that it shows them
in after the options of the command itself."""
FEW = 7
"""Up to so many options are one list, in the same order."""
_RANGES = (
    (
        re.compile(r"\b(\d+)<=x<=(\d+)"),
        lambda found: f"from {_count(found[1])} to {_count(found[2])}",
    ),
    (re.compile(r"\bx>=(\d+)"), lambda found: f"{_count(found[1])} or more"),
)


class HelpfulCommand(NumberCommand):
    """A command whose help groups its options, and ends with an example."""

    example: str | None = None
    """Arguments of a run that works."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As of the base class; errors know the command that they are of."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            if getattr(error, "ctx", ctx) is None:
                error.ctx = ctx  # type: ignore[attr-defined]
            raise

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options of the command itself, then those of many."""
        given = [_record(p, ctx) for p in self.get_params(ctx) if _is_argument(p)]
        if given:
            with formatter.section("Arguments"):
                formatter.write_dl(given)
        grouped = options_in_groups([p for p in self.get_params(ctx) if not _is_argument(p)])
        kinds = self._types
        rows_of = {
            title: [_record(p, ctx, kinds.get(p.name)) for p in part]
            for title, part in grouped.items()
        }
        pad = min(_ALIGNED, max(len(name) for rows in rows_of.values() for name, _ in rows))
        for title, rows in rows_of.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(pad), words) for name, words in rows], _ALIGNED)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the example, on a line of its own."""
        if self.example is not None:
            with formatter.section("Example"):
                formatter.write(f"  {ctx.command_path} {self.example}".rstrip() + "\n")


_ALIGNED = 26
"""Characters of the longest names of options that stand in one column."""


def options_in_groups(parameters: Sequence[Any]) -> dict[str, list[Any]]:
    """The options by the title of their group, in the order of the help.

    Parameters
    ----------
    parameters : sequence
        Options of a command, hidden ones too, which are left out.
    """
    shown = [p for p in parameters if not p.hidden]
    grouped: dict[str, list[Any]] = {title: [] for title in (OWN, *SECTIONS)}
    for parameter in sorted(shown, key=_place):
        grouped[_group(parameter.opts)].append(parameter)
    asks_help = [p for p in grouped[OWN] if "--help" in p.opts]
    grouped[OWN] = [p for p in grouped[OWN] if p not in asks_help]
    found = {title: part for title, part in grouped.items() if part}
    if len(shown) <= FEW or not found:
        return {OWN: [*(p for part in found.values() for p in part), *asks_help]}
    found[next(reversed(found))] += asks_help
    return found


def _group(names: Sequence[str]) -> str:
    return next((title for title, own in SECTIONS.items() if {*own} & {*names}), OWN)


def _place(parameter: Any) -> int:
    """Where an option stands in its group."""
    order = [name for own in SECTIONS.values() for name in own]
    return next((order.index(name) for name in parameter.opts if name in order), len(order))


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _record(parameter: Any, ctx: Any, kind: Any = None) -> tuple[str, str]:
    """How a parameter of a type is written, and what it is."""
    _, words = parameter.get_help_record(ctx)
    for pattern, said in _RANGES:
        words = pattern.sub(said, words)
    if _is_argument(parameter):
        return str(parameter.metavar or parameter.name.upper()), words
    short_first = sorted(parameter.opts, key=lambda name: name.startswith("--"))
    name = " / ".join(filter(None, (", ".join(short_first), ", ".join(parameter.secondary_opts))))
    return (name if parameter.is_flag else f"{name} {_value(parameter, kind)}"), words


def _value(parameter: Any, kind: Any) -> str:
    """What stands for the value of an option: its metavar, or the last word of its name."""
    if parameter.metavar:
        return str(parameter.metavar)
    if {int, float} & {kind, *get_args(kind)}:
        return "N"
    return str(parameter.name).rstrip("_").rpartition("_")[2].upper()


def _count(digits: str) -> str:
    return f"{int(digits):,}"
