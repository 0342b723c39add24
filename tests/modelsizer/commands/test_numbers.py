"""Options convert without pydantic, and as typer converts them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from modelsizer.cli import app
from modelsizer.commands.numbers import _Simple

GROUP: Any = typer.main.get_command(app)
TEXTS = ("", "x", "1", "-1", "07", "2.5", "1e3", "1_0", "nan", "inf", " 1", "0", "1000000000", "é")
HERE = (str(Path(__file__)), str(Path(__file__).parent), "no/such/file", "a\0b", "x" * 5000)


def outcome(parameter: Any, ctx: Any, value: Any) -> Any:
    try:
        found = parameter.get_runtime_param().coerce(value, param=parameter, ctx=ctx)
    except typer.BadParameter as error:
        return error.message
    return repr(found)


@pytest.mark.skipif(
    not hasattr(GROUP.params[0], "_runtime_param"), reason="this typer imports no pydantic"
)
def test_values_are_what_typer_makes_of_them() -> None:
    seen: set[Any] = set()
    simple = 0
    for command in GROUP.commands.values():
        ctx = command.context_class(command)
        for parameter in command.get_params(ctx):
            kind = (
                str(parameter.type_descriptor.annotation),
                parameter.default,
                parameter.min,
                parameter.max,
            )
            if kind in seen:
                continue
            seen.add(kind)
            many = parameter.multiple or parameter.nargs == -1
            values = [None, parameter.default, *TEXTS, *HERE]
            for value in [[each, "x"] for each in TEXTS] + [None] if many else values:
                command.get_params(ctx)  # converts simply again after a value that did not
                found = outcome(parameter, ctx, value)
                simple += isinstance(parameter._runtime_param, _Simple)
                parameter._runtime_param = None
                assert found == outcome(parameter, ctx, value), (parameter.name, value)
                parameter._runtime_param = None
    assert simple > 5 * len(seen)
