"""The option `--context`: contexts in tokens."""

from __future__ import annotations

from modelsizer.commands.app import fail


def read_contexts(text: str) -> tuple[int, ...]:
    """Parse distinct contexts such as ``"4096,32768"``."""
    from modelsizer.problems.units import parse_quantity

    found = []
    for part in text.split(","):
        try:
            value = parse_quantity(part, "count")
        except ValueError as error:
            fail(f"--context: {error}")
        if not isinstance(value, int) or value < 1:
            fail(f"--context: {part.strip()!r} is not a whole number of tokens, 1 or more")
        found.append(value)
    return tuple(dict.fromkeys(found))
