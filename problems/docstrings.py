"""Descriptions of parameters in NumPy docstrings."""

from __future__ import annotations

import inspect
import re

_SECTION = re.compile(r"^-{3,}$")


def parameters_of(cls: type) -> dict[str, str]:
    """The descriptions in the section "Parameters" of a class and its bases, by name.

    Names that share a description each have it; several descriptions of one name are paragraphs.
    Code is between single backticks, as in Markdown.

    Examples
    --------
    >>> class Point:
    ...     '''A point.
    ...
    ...     Parameters
    ...     ----------
    ...     x, y : float
    ...         A coordinate.
    ...     '''
    >>> parameters_of(Point)
    {'x': 'A coordinate.', 'y': 'A coordinate.'}
    """
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        found |= _parameters(vars(base).get("__doc__") or "")
    return found


def _parameters(text: str) -> dict[str, str]:
    """The descriptions of one docstring."""
    lines = inspect.cleandoc(text).splitlines()
    if "Parameters" not in lines:
        return {}
    found: dict[str, list[list[str]]] = {}
    names: list[str] = []
    for line in lines[lines.index("Parameters") + 2 :]:
        if _SECTION.match(line):  # the line before it is the title of the next section
            for name in names:
                del found[name]
            break
        if line and not line.startswith(" "):
            names = [name.strip() for name in line.partition(" : ")[0].split(",")]
            for name in names:
                found.setdefault(name, []).append([])
        elif line:
            for name in names:
                found[name][-1].append(line.strip())
    return {
        name: "\n\n".join(" ".join(part) for part in parts if part).replace("``", "`")
        for name, parts in found.items()
    }
