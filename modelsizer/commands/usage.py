"""Mistakes in a command line, in one line: what is wrong and what would be right."""

from __future__ import annotations

import re
from typing import Any

_QUOTED = re.compile(r"'([^']*)'")
_COMMAND = "No such command "
_NO_VALUE = "requires an argument"
_INVALID = re.compile(r"Invalid value for '([^']*)'(?: / '[^']*')*: (.*)", re.DOTALL)
_WORDS = {
    r"Input should be greater than or equal to ([-\d.]+)": r"must be \1 or more",
    r"Input should be less than or equal to ([-\d.]+)": r"must be at most \1",
}
"""Words of pydantic, by which typer converts, as this package has them."""
_MANY = re.compile(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)")


def usage_line(error: Any, commands: tuple[str, ...]) -> str:
    """What is wrong with a command line, without the full stop.

    Parameters
    ----------
    error : UsageError
        Of click, or of typer's copy of it.
    commands : tuple of str
        Names of all commands.
    """
    from modelsizer.problems.errors import did_you_mean

    text, context = error.format_message().rstrip("."), getattr(error, "ctx", None)
    known = [] if context is None else context.command.get_params(context)
    if (name := getattr(error, "option_name", None)) is not None and _NO_VALUE not in text:
        options = [opt for each in known for opt in (*each.opts, *each.secondary_opts)]
        return f"no such option {name}{did_you_mean(name, options)}"
    if text.startswith(_COMMAND) and (found := _QUOTED.search(text)):
        return f"no such command {found[1]}{did_you_mean(found[1], commands)}"
    if _NO_VALUE in text and (found := _QUOTED.search(text)):
        return f"{found[1]} needs a value{_said(found[1], known)}"
    if text.startswith("Missing ") and (missing := getattr(error, "param", None)) is not None:
        name = missing.opts[-1] if missing.param_type_name == "option" else str(missing.metavar)
        return f"{name} is missing{_said(name, [missing])}"
    if (found := _INVALID.fullmatch(text)) is not None:
        reason = found[2]
        for theirs, own in _WORDS.items():
            reason = re.sub(theirs, own, reason)
        return f"{found[1]}: {reason}"
    if (found := _MANY.fullmatch(text)) is not None:
        several = " " in found[1]
        return f"{found[1]}: {'these arguments are' if several else 'this argument is'} too many"
    return str(text)


def _said(name: str, known: list[Any]) -> str:
    """The first sentence of what an option or argument is."""
    words = next((each.help or "" for each in known if name in (*each.opts, each.metavar)), "")
    first = re.split(r"[.;] ", f"{words} ")[0].rstrip(". ")
    return f": {first[0].lower()}{first[1:]}" if first else ""
