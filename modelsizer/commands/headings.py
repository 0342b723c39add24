"""The option `--no-title`, of every command that draws a picture."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

NoTitle = Annotated[
    bool,
    typer.Option(
        "--no-title", help="Draw the picture without a heading, as for a paper with a caption."
    ),
]
_BEFORE, _AFTER = "plot", "plot_size"  # parameters of commands that draw

_left_out = False
"""Whether the running command draws without headings."""


def heading(title: str) -> str:
    """Return a title, or nothing if the running command draws without headings."""
    return "" if _left_out else title


def with_heading_option(function: Callable[..., None]) -> Callable[..., None]:
    """Return a command with the option `--no-title` after `--plot-size`, if it has `--plot`."""
    signature = inspect.signature(function, eval_str=True)
    parameters = dict(signature.parameters)
    if not {_BEFORE, _AFTER} <= parameters.keys():
        return function

    @wraps(function)
    def command(*, no_title: bool = False, **options: Any) -> None:
        global _left_out
        _left_out = no_title
        function(**options)

    own = inspect.Parameter(
        "no_title", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=NoTitle
    )
    after = [*parameters].index(_AFTER) + 1
    every = [*parameters.values()]
    every[after:after] = [own.replace(kind=every[0].kind)]
    command.__signature__ = signature.replace(parameters=every)  # type: ignore[attr-defined]
    command.__annotations__ = {name: each.annotation for name, each in signature.parameters.items()}
    command.__annotations__["no_title"] = NoTitle
    return command
