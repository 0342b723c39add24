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


def begin(asked: Asked) -> Callable[[Clock], Shown]:
    """Check the picture, and return what compares the kinds of layer."""
    picture = asked.picture or PICTURES[0]
    if picture not in PICTURES:
        fail_choice("--picture", picture, PICTURES)

    def answer(clock: Clock) -> Shown:
        from modelsizer.text.layers import print_layers
        from modelsizer.views.layers import layers_of

        chosen = asked.design(clock)
        problem = chosen.problem
        of_kinds = picture in _OF_KINDS
        if not of_kinds and not chosen.trained:
            fail(f"--picture: {picture} is of the loss, which needs --problem or training.tokens")
        beside = None if asked.beside is None else asked.designs_beside()
        found, title = layers_of(asked.viewed(chosen), beside), asked.title(chosen)
        notes = list(chosen.note)
        if problem.training.flops == "6ND":
            notes.append('The problem itself counts training FLOPs as "6ND".')
        return Shown(
            found.to_dict(),
            lambda console: print_layers(console, title, found.found, notes, found.of.rows()),
            Picture(
                picture,
                found.found if of_kinds else (problem, chosen.design),
                "" if of_kinds and not is_problem(asked.source) else title,
            ),
            chosen.stop,
        )

    return answer
