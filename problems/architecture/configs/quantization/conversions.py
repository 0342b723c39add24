"""Which matrices a quantisation converts: patterns of names as each library applies them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import translate

Matches = Callable[[str], bool]
"""Whether patterns match the full name of a module, such as ``model.layers.0.mlp.up_proj``."""

_SPECIAL = re.compile(r"[\\*+?\[\](){}|^$]")
_BOUNDARY = r"(?:(?<=\.)|(?=\.|$))"


def _prefixes(name: str) -> list[str]:
    """A name and those of the modules around it."""
    return [name, *(name[:i] for i, letter in enumerate(name) if letter == ".")]


def of_library(patterns: Sequence[str]) -> Matches:
    """Patterns of the library (``quantizers_utils.should_convert_module``).

    Each is the start of a name up to a module, as a regular expression, or the end of a name.
    """
    plain = {p for p in patterns if not _SPECIAL.search(p)}
    ends = tuple(patterns)
    special = [re.compile(f"(?:{p}){_BOUNDARY}") for p in patterns if p not in plain]

    def matches(name: str) -> bool:
        if name.endswith(ends) or not plain.isdisjoint(_prefixes(name)):
            return True
        return any(pattern.match(name) for pattern in special)

    return matches if patterns else lambda _: False


def of_modules(patterns: Sequence[str]) -> Matches:
    """Names of modules, whole words of a name (AutoAWQ takes them as parts of a name)."""
    within = [f".{pattern.strip('.')}." for pattern in patterns]
    return lambda name: any(part in f".{name}." for part in within)


def of_compressed_tensors(patterns: Sequence[str]) -> Matches:
    """A whole name, or ``re:`` and a regular expression of its start (``match.match_name``)."""
    plain = {p for p in patterns if not p.startswith("re:")}
    special = [re.compile(p.removeprefix("re:")) for p in patterns if p.startswith("re:")]
    return lambda name: name in plain or any(pattern.match(name) for pattern in special)


def of_modelopt(patterns: Sequence[str]) -> Matches:
    """Names of modules with wildcards; a module stands for all within it."""
    plain = {p for p in patterns if not _SPECIAL.search(p)}
    special = re.compile("|".join(translate(p) for p in patterns if p not in plain) or "(?!)")

    def matches(name: str) -> bool:
        around = _prefixes(name)
        return not plain.isdisjoint(around) or any(map(special.match, around))

    return matches


def of_expressions(patterns: Sequence[str]) -> Matches:
    """Regular expressions of the start of a name (GPTQModel's ``dynamic``)."""
    special = [re.compile(pattern) for pattern in patterns]
    return lambda name: any(pattern.match(name) for pattern in special)
