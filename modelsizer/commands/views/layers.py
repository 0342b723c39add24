"""The view layers: the pattern of a stack, and what each kind of layer costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from modelsizer.commands.app import fail, fail_choice
from modelsizer.commands.design_source import is_problem
from modelsizer.commands.views.view import Asked, Picture, Shown

if TYPE_CHECKING:
    from modelsizer.optimizer.tables.clock import Clock

_OF_KINDS = ("stack", "kinds")
PICTURES = (*_OF_KINDS, "experts", "choices")
"""What it draws; the first is the default."""
NEAREST = 4
"""Published models beside a design, if none are named."""


def begin(asked: Asked) -> Callable[[Clock], Shown]:
    """Check the picture, and return what compares the kinds of layer."""
    picture = asked.picture or PICTURES[0]
    if picture not in PICTURES:
        fail_choice("--picture", picture, PICTURES)

    def answer(clock: Clock) -> Shown:
        from modelsizer.problems.architecture.nearest import nearest
        from modelsizer.problems.designs.assumptions import Assumptions
        from modelsizer.problems.designs.by_kind import by_kind
        from modelsizer.text.assumptions import serving_rows
        from modelsizer.text.layers import compared_dict, print_layers

        chosen = asked.design(clock)
        problem, own = chosen.problem, chosen.design.architecture
        of_kinds = picture in _OF_KINDS
        if not of_kinds and not chosen.trained:
            fail(f"--picture: {picture} is of the loss, which needs --problem or training.tokens")
        others = nearest(own, NEAREST) if asked.beside is None else asked.designs_beside()
        found = by_kind(problem, {asked.names()[0]: own} | others)
        title = asked.title(chosen)
        assumed = Assumptions.of(problem)
        notes = list(chosen.note)
        if problem.training.flops == "6ND":
            notes.append('The problem itself counts training FLOPs as "6ND".')
        rows = serving_rows(assumed, own)
        return Shown(
            chosen.to_dict() | {"assumptions": assumed.to_dict()} | compared_dict(found),
            lambda console: print_layers(console, title, found, notes, rows),
            Picture(
                picture,
                found if of_kinds else (problem, chosen.design),
                "" if of_kinds and not is_problem(asked.source) else title,
            ),
            chosen.stop,
        )

    return answer
