"""Values on the command line: text, paths, and numbers of ASCII digits that are finite."""

from __future__ import annotations

import inspect
import math
import os
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, cast, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand

from modelsizer.problems.visible import shortened

_WHOLE = re.compile(r"[+-]?[0-9]+")
_REAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MOST_DIGITS = 40
_HARD = object()
"""A value that is left to typer."""


class NumberCommand(TyperCommand):
    """A command whose options of int and float read only what a number is to everyone.

    Python's own conversion, which typer uses, also takes digits of other scripts, underscores,
    ``nan`` and ``inf``.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters of the command, which convert by `simply_converted`."""
        return simply_converted(super().get_params(ctx), self._types)

    @cached_property
    def _types(self) -> dict[str, Any]:
        return get_type_hints(inspect.unwrap(cast("Any", self.callback)))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the options, and check those that are numbers."""
        if ctx.resilient_parsing:  # of a line that a shell completes
            return super().parse_args(ctx, args)
        given, _, _ = self.make_parser(ctx).parse_args(args=list(args))
        for parameter in self.get_params(ctx):
            text, kind = given.get(parameter.name), self._types.get(parameter.name or "")
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


def simply_converted(parameters: Iterable[Any], types: Mapping[str, Any]) -> list[Any]:
    """Parameters of typer that convert what Python itself converts without pydantic.

    Recent versions of typer convert by pydantic, whose import takes longer than a solve.

    Parameters
    ----------
    parameters : iterable
        Of a command.
    types : mapping
        Of some of them by name; the others are flags.
    """
    found = [*parameters]  # of click, or of typer's copy
    for parameter in found:
        if getattr(parameter, "_runtime_param", "") is None:
            parameter._runtime_param = _Simple(types.get(parameter.name, bool), parameter)
    return found


class _Simple:
    """Converts a value; what Python does not convert, and every error, is left to typer.

    Parameters
    ----------
    kind : type
        Such as ``int`` or ``list[str] | None``.
    parameter
        With the range of a number.
    """

    def __init__(self, kind: Any, parameter: Any) -> None:
        alone = [each for each in (get_args(kind) or (kind,)) if each is not type(None)]
        self._many = list in (get_origin(kind), get_origin(alone[0]))
        (self._kind,) = get_args(alone[0]) or alone[:1]
        self._least, self._most = (getattr(parameter, name, math.nan) for name in ("min", "max"))

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """As of typer's class of this method."""
        if not self._many:
            found = self._one(value)
        elif isinstance(value, list | tuple | None):
            found = [self._one(each) for each in value] if value else ()
            found = _HARD if _HARD in found else found
        else:
            found = _HARD
        if found is _HARD:
            param._runtime_param = None
            return param.get_runtime_param().coerce(value, param=param, ctx=ctx)
        return found

    def _one(self, value: Any) -> Any:
        if value is None or self._kind is str:
            return value if isinstance(value, str | None) else _HARD
        if self._kind is Path and isinstance(value, str | Path):
            unreadable = "\0" in str(value) or os.access(value, os.F_OK) > os.access(value, os.R_OK)
            return _HARD if unreadable else Path(value)
        if self._kind in (int, float) and isinstance(value, str | int | float):
            if isinstance(value, str) and _wrong(value, self._kind is int):
                return _HARD
            number = self._kind(value)
            low = self._least is None or number >= self._least
            return number if low and (self._most is None or number <= self._most) else _HARD
        return _HARD


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
