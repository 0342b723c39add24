"""Numbers on the command line: ASCII digits, and finite."""

from __future__ import annotations

import inspect
import math
import re
from typing import Any, cast, get_args, get_type_hints

import typer
from typer.core import TyperCommand

from modelsizer.problems.visible import shortened

_WHOLE = re.compile(r"[+-]?[0-9]+")
_REAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MOST_DIGITS = 40


class NumberCommand(TyperCommand):
    """A command whose options of int and float read only what a number is to everyone.

    Python's own conversion, which typer uses, also takes digits of other scripts, underscores,
    ``nan`` and ``inf``.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the options, and check those that are numbers."""
        given, _, _ = self.make_parser(ctx).parse_args(args=list(args))
        assert self.callback is not None
        types = get_type_hints(inspect.unwrap(self.callback))
        parameters: list[Any] = [*self.get_params(ctx)]  # of click, or of typer's copy
        for parameter in parameters:
            text, kind = given.get(parameter.name), types.get(parameter.name or "")
            number = next((one for one in (kind, *get_args(kind)) if one in (int, float)), None)
            if isinstance(text, str) and number and (reason := _wrong(text, number is int)):
                raise typer.BadParameter(reason, ctx=ctx, param=cast("Any", parameter))
        try:
            found: list[str] = super().parse_args(ctx, args)
        except typer.BadParameter as error:
            text = given.get(error.param.name) if error.param else None
            if isinstance(text, str) and text not in error.message:
                error.message += f", not {text}"  # pydantic's messages lack the value
            raise
        return found


def amount(option: str, text: str, dimension: str) -> float:
    """Read the positive quantity that an option gives, such as ``1e21`` or ``15T tokens``.

    Parameters
    ----------
    option : str
        As typed, for the message.
    text : str
    dimension : str
        Of `modelsizer.problems.units`.
    """
    from modelsizer.commands.app import fail
    from modelsizer.problems.units import parse_quantity

    try:
        value = float(parse_quantity(text.strip(), dimension))
    except ValueError as error:
        fail(f"{option}: {error}")
    if not value > 0:
        fail(f"{option}: {text} is not above 0")
    return value


def _wrong(text: str, whole: bool) -> str:
    """Why a text is no number; empty if it is one."""
    shown = shortened(repr(text), _MOST_DIGITS)
    if not (_WHOLE if whole else _REAL).fullmatch(text):
        return f"{shown} is not a {'whole ' if whole else ''}number such as {10 if whole else 0.1}"
    if len(text) > _MOST_DIGITS:
        return f"{shown} has more than {_MOST_DIGITS} digits"
    return "" if whole or math.isfinite(float(text)) else f"{shown} is too large for a number"
