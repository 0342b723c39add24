"""A control of the live page, and what its key is."""

from __future__ import annotations

from functools import cache
from typing import Literal

from modelsizer.live.stops import Stop, amount_text, place
from modelsizer.live.typed_text import typed
from modelsizer.optimizer.constraints import base_of
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.schema import DescribedKey, described_keys
from modelsizer.problems.units import UNITS, Number

Group = Literal["limits", "training", "serving", "space", "evidence"]
Kind = Literal["slider", "menu", "text"]


@dataclass(frozen=True, slots=True)
class Control:
    """Something that may be moved.

    Parameters
    ----------
    key : str
        Dotted key of the problem file, or ``"corner"`` or ``"scenario"``.
    label : str
    group : str
    kind : {"slider", "menu", "text"}
    stops : tuple of Stop
        What it offers; a text field beside it takes any value that the file takes.
    at : int or None
        The stop that the file has; None if it says nothing, or something else.
    text : str
        The file's own value, or the default; empty if there is none.
    unit, help, section : str
    given : bool
        Whether the file gives it. Of a limit: whether there is one.
    rare : bool
        Whether it stands behind a disclosure.
    needs : str
        What the file must say before it can be given; empty if nothing.
    fixed : bool
        Whether the stops are all there is.
    """

    key: str
    label: str
    group: Group
    kind: Kind
    stops: tuple[Stop, ...] = ()
    at: int | None = None
    text: str = ""
    unit: str = ""
    help: str = ""
    section: str = ""
    given: bool = True
    rare: bool = False
    needs: str = ""
    fixed: bool = False

    def to_dict(self) -> dict[str, object]:
        """The keys of the page."""
        found: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        return found | {"stops": [stop.to_dict() for stop in self.stops]}

    def moved(self, value: object, number: Number | None) -> dict[str, object]:
        """Where it stands at another value, and the text of that.

        Parameters
        ----------
        value : object
            As it was set.
        number : int or float, optional
            The value in base units, if it is a number of this control's dimension.
        """
        at: float | None = next((i for i, s in enumerate(self.stops) if s.value == value), None)
        if at is None and number is not None and self.kind == "slider":
            at = place(number, self.stops)
        text = self.stops[int(at)].text if at is not None and at == int(at) else ""
        if number is not None and text and self.stops[int(at or 0)].number != number:
            text = ""
        if not text:
            text = value if isinstance(value, str) else typed(value)
            if number is not None and self.unit and not isinstance(value, str):
                text = amount_text(number, self.unit)
        return {"at": at, "text": text}


@cache
def _described() -> dict[str, DescribedKey]:
    """Each key of the problem file."""
    return {each.key: each for each in described_keys()}


def help_of(key: str) -> str:
    """What a key of the problem file is, without the marks of Markdown."""
    found = _described().get(base_of(key))
    return "" if found is None else found.about.partition("\n\n")[0].replace("`", "")


def unit_of(key: str) -> str:
    """The dimension of a key that takes amounts with their unit, such as ``"80 GB"``."""
    found = _described().get(key)
    if found is None or not isinstance(found.example, str) or found.unit not in UNITS:
        return ""
    return found.unit


def words_of(name: str) -> str:
    """A limit in words.

    Parameters
    ----------
    name : str
        Its key without the side, or the name that answers give it.
    """
    return QUANTITIES[name.rpartition(".")[2]].words
