"""Reading ``--set key=value`` as the problem file would read it."""

from __future__ import annotations

import tomllib

from modelsizer.problems.errors import ProblemError


def parse_settings(texts: list[str]) -> dict[str, object]:
    """Values by dotted key.

    Parameters
    ----------
    texts : list of str
        ``key=value``; the value is TOML (a number, true, a list, a table), or plain text.

    Raises
    ------
    ProblemError
        If a text has no key or no value.
    """
    settings: dict[str, object] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        key, value = key.strip(), value.strip()
        if not sign or not key or not value:
            raise ProblemError.of("--set", f"{text!r} is not key=value")
        settings[key] = _value(value)
    return settings


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text  # "80 GB" needs no quotes here
