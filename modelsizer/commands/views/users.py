"""The view users: how many requests a design serves at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from modelsizer.commands.app import fail
from modelsizer.commands.contexts import read_contexts
from modelsizer.commands.design_source import is_problem
from modelsizer.commands.views.view import Asked, Picture, Shown, on_the_command_line

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.tables.clock import Clock

_CONTEXTS = (4096, 8192, 16384, 32768, 65536, 131072)


def begin(asked: Asked) -> Callable[[Clock], Shown]:
    """Check the contexts and the menus, and return what counts the users."""
    contexts = _CONTEXTS if asked.context is None else read_contexts(asked.context)
    menus = _menus(asked.each)
    machines, key = _machines(menus), ", ".join(menus)

    def answer(clock: Clock) -> Shown:
        from modelsizer.problems.designs.assumptions import Assumptions
        from modelsizer.problems.designs.users import server
        from modelsizer.text.assumptions import serving_rows
        from modelsizer.text.users import print_users, users_csv

        of_problem = is_problem(asked.source)
        first = [] if of_problem else [f"{name}={texts[0]}" for name, texts in menus.items()]
        chosen = asked.design(clock, *first)
        problem = chosen.problem.under(chosen.design.layout)
        architecture = chosen.design.architecture
        found = [server(problem, architecture, contexts, so, name) for name, so in machines]
        if all(one.lack for one in found):
            fail(on_the_command_line(found[0].lack))
        assumed = [Assumptions.of(problem.with_settings(so)) for _, so in machines]
        rows, *others = (serving_rows(one, architecture) for one in assumed)
        rows = [row for row in rows if row[0] != "load" and all(row in other for other in others)]
        alone = [one.name for one, so in zip(found, assumed, strict=True)
                 if one.name and not one.lack and so.memory_alone]  # fmt: skip
        title = asked.source if asked.problem is not None else problem.name or asked.source

        def text(console: Console) -> None:
            print_users(console, title, found, chosen.note, rows, key, alone)

        return Shown(
            chosen.to_dict() | {"each": key or None, "servers": [one.to_dict() for one in found]},
            text,
            Picture("users", found, title),
            chosen.stop,
            lambda: users_csv(found),
        )

    return answer


def _menus(each: Sequence[str]) -> dict[str, list[str]]:
    """Values, as text, of each ``KEY=A,B,...``."""
    from modelsizer.problems.key_values import split_list, split_pairs

    found: dict[str, list[str]] = {}
    for key, listed in split_pairs(list(each), "--each"):
        if key in found:
            fail(f"--each {key} is given twice; write all of its values in one")
        found[key] = split_list(listed)
    return found


def _machines(menus: dict[str, list[str]]) -> list[tuple[str, dict[str, Any]]]:
    """Name and settings of each combination of values; one without a name if there are no menus."""
    from itertools import product

    from modelsizer.problems.key_values import read_value

    return [
        (", ".join(texts), dict(zip(menus, map(read_value, texts), strict=True)))
        for texts in product(*menus.values())
    ]
