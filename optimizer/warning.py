"""A warning about an answer, and the order in which warnings are told."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from modelsizer.problems.records import dataclass


class Consequence(IntEnum):
    """What a warning means for the answer, the most consequential first.

    This is the order in which warnings are told, everywhere.
    """

    REASON = 0
    """There is no design, and this is why."""
    WRONG = 1
    """The answer is wrong or compares what does not compare: a loss below 0, a law with a caution,
    a choice that nothing prices."""
    MENU_END = 2
    """The optimum is at the end of a menu: a better design may lie beyond."""
    EVIDENCE = 3
    """The design is outside the data behind its figures; the farthest first."""
    HYGIENE = 4
    """Worth knowing, and without effect on which design is best."""
    LIMITS = 5
    """About limits and proofs, which takes more than the design to know."""


@dataclass(frozen=True, slots=True)
class AnswerWarning:
    """One warning about an answer.

    Parameters
    ----------
    consequence : Consequence
    text : str
        One sentence without a full stop, that names what to change.
    key : str
        Dotted key of the problem file that it is about, the first if there are several.
    factor : float
        How far outside of the evidence, as a ratio above 1; orders warnings of one consequence.
    """

    consequence: Consequence
    text: str
    key: str = ""
    factor: float = 1.0

    def __str__(self) -> str:
        """The text."""
        return self.text


def ordered(warnings: Iterable[AnswerWarning]) -> list[AnswerWarning]:
    """Sort by consequence, then the farthest outside of the evidence first; ties keep their order.

    Parameters
    ----------
    warnings : iterable of AnswerWarning

    Returns
    -------
    list of AnswerWarning
        Without repeated texts.
    """
    distinct = {warning.text: warning for warning in reversed(list(warnings))}
    kept = reversed(distinct.values())
    return sorted(kept, key=lambda warning: (warning.consequence, -warning.factor))
