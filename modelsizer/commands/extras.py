"""What a command finds besides its answer, as far as the time allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from modelsizer.optimizer.tables.clock import Clock, Stop

T = TypeVar("T")


class Extras:
    """Further questions about an answer, each asked unless one before it was stopped.

    Parameters
    ----------
    clock : Clock
        Of the whole command.
    stop : Stop
        Why the answer itself ended.

    Attributes
    ----------
    unfinished : list of str
        Names of those that are not known, or only in part.
    stop : Stop
        Why the first of these ended; ``"proven"`` if there are none.
    """

    def __init__(self, clock: Clock, stop: Stop) -> None:
        self.clock = clock
        self.stop: Stop = "interrupted" if stop == "interrupted" else "proven"
        self.unfinished: list[str] = []

    def find(self, name: str, ask: Callable[[], T]) -> T | None:
        """Return the answer of a question, perhaps in part; None if there is none.

        Parameters
        ----------
        name : str
            As in `unfinished`.
        ask : callable
            Its answer may have an attribute `stop`, ``"proven"`` if it is complete.
        """
        from modelsizer.optimizer.tables.clock import Ending

        ending = Ending(self.stop)
        found: Any = None
        if ending.complete:
            with ending:
                self.clock.check()
                found = ask()
                ending.stop = getattr(found, "stop", "proven")
        if not ending.complete:
            self.unfinished.append(name)
            self.stop = ending.stop
        return found  # type: ignore[no-any-return]
