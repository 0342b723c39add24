"""The functions and classes of `modelsizer`, from their docstrings."""

from __future__ import annotations

import inspect
import re
from typing import Any

import modelsizer
from docs.building.markup import cell, plain
from modelsizer import plots

_UNDERLINE = re.compile(r"^(?P<title>[A-Z][A-Za-z ]+)\n-{3,}$", re.MULTILINE)
_LISTS = ("Parameters", "Returns", "Yields", "Raises", "Attributes")


def sections() -> str:
    """A section for each public name: functions, then classes."""
    public = {name: getattr(modelsizer, name) for name in modelsizer.__all__}
    functions = [_function(name, f, 3) for name, f in public.items() if inspect.isfunction(f)]
    classes = [_class(name, c) for name, c in public.items() if inspect.isclass(c)]
    parts = ["## Functions", *functions, "## Classes", *classes, "## Pictures", _pictures()]
    return "\n\n".join(parts)


def _pictures() -> str:
    """A row for each figure; `help` says what it takes."""
    rows = [f"| `{name}` | {_first_sentence(getattr(plots, name))} |" for name in plots.__all__]
    intro = "Functions of `modelsizer.plots`, from the value of an answer to a matplotlib figure:"
    return "\n".join([intro, "", "| | |", "|---|---|", *rows])


def _first_sentence(of: Any) -> str:
    return plain(cell(inspect.cleandoc(of.__doc__).partition("\n\n")[0]))


def _function(name: str, function: Any, level: int) -> str:
    return "\n\n".join([f"{'#' * level} {name}", _signature(name, function), _documented(function)])


def _class(name: str, cls: type) -> str:
    parts = [f"### {name}", _documented(cls)]
    if (rows := _members(cls)) and not issubclass(cls, BaseException):
        parts.append("| | |\n|---|---|\n" + "\n".join(rows))
    return "\n\n".join(parts)


def _members(cls: type) -> list[str]:
    rows = []
    for name in dir(cls):
        member = inspect.getattr_static(cls, name)
        function = getattr(member, "__func__", getattr(member, "fget", member))
        if name.startswith("_") or not inspect.isfunction(function) or not function.__doc__:
            continue
        if not function.__module__.startswith("modelsizer"):
            continue
        call = "" if isinstance(member, property) else "()"
        rows.append(f"| `{name}{call}` | {_first_sentence(function)} |")
    return rows


def _signature(name: str, function: Any) -> str:
    lines = [f"{name}("]
    lines += [f"    {each}," for each in _parameters(function)]
    return "```python\n" + "\n".join([*lines, ")"]) + "\n```"


def _parameters(function: Any) -> list[str]:
    shown, keywords = [], False
    for each in inspect.signature(function).parameters.values():
        starred = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
        if each.kind is each.KEYWORD_ONLY and not keywords:
            shown.append("*")
        keywords = keywords or each.kind in (each.VAR_POSITIONAL, each.KEYWORD_ONLY)
        kind = "" if each.annotation is each.empty else f": {_kind(each.annotation)}"
        default = "" if each.default is each.empty else f" = {each.default!r}"
        shown.append(f"{starred}{each.name}{kind}{default}")
    return shown


def _kind(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _documented(of: Any) -> str:
    """The docstring, whose sections are those of NumPy's style."""
    text = inspect.getdoc(of) or ""
    parts = _UNDERLINE.split(text)
    told = [_prose(parts[0])]
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        body = body.strip("\n")
        if title == "Examples":
            told.append(f"```python\n{body.strip()}\n```")
        elif title in _LISTS:
            told.append(f"**{title}**\n\n{_entries(body)}")
        else:
            told.append(f"**{title}**\n\n{_prose(body)}")
    return "\n\n".join(told)


def _prose(text: str) -> str:
    return "\n\n".join(plain(" ".join(each.split())) for each in text.strip().split("\n\n"))


def _entries(body: str) -> str:
    """A list of the entries of a section, each with what is indented below it."""
    rows = []
    for entry in re.split(r"\n(?=\S)", body):
        head, _, below = entry.partition("\n")
        names, colon, kind = head.partition(" : ")
        about = plain(" ".join(below.split()))
        code = ", ".join(f"`{each.strip()}`" for each in names.split(","))
        shown = f"{code} ({plain(kind)})" if colon else plain(head) if " " in head else code
        rows.append(f"- {shown}{': ' if about else ''}{about}")
    return "\n".join(rows)
