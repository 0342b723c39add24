"""The view users: how many requests a design serves at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from modelsizer.commands.app import fail
from modelsizer.commands.contexts import read_contexts
from modelsizer.commands.design_source import is_problem
from modelsizer.commands.views.view import Asked, Picture, Shown, on_the_command_line
from modelsizer.views.defaults import USERS_AT

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.tables.clock import Clock


def begin(asked: Asked) -> Callable[[Clock], Shown]:
    """Check the contexts and the menus, and return what counts the users."""
    contexts = USERS_AT if asked.context is None else read_contexts(asked.context)
    menus = _menus(asked.each)
    machines, key = _machines(menus), ", ".join(menus)

    def answer(clock: Clock) -> Shown:
        from modelsizer.text.users import print_users, users_csv
        from modelsizer.views.users import users_of

        of_problem = is_problem(asked.source)
        first = [] if of_problem else [f"{name}={texts[0]}" for name, texts in menus.items()]
        chosen = asked.design(clock, *first)
        found = users_of(asked.viewed(chosen), contexts, tuple(menus), machines)
        if found.lack:
            fail(on_the_command_line(found.lack))
        problem, servers = chosen.problem, found.servers
        title = asked.source if asked.problem is not None else problem.name or asked.source

        def text(console: Console) -> None:
            print_users(console, title, servers, chosen.note, found.rows(), key, found.memory_alone)

        return Shown(
            found.to_dict(),
            text,
            Picture("users", servers, title),
            chosen.stop,
            lambda: users_csv(servers),
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
