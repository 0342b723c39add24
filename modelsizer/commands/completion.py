"""Words that a shell completes: commands, problems, files, keys and values of settings, and names.

Keys, their values and the names of catalogues are read from the JSON Schema that is installed, so
that nothing is computed for a word. Only imported while a shell asks.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from modelsizer.problems.reading import library, schema_file
from modelsizer.problems.records import dataclass

_WORDS, _NUMBER = "COMP_WORDS", "COMP_CWORD"  # what bash says: all words, and which is completed
_BREAKS = "=:"  # at which bash breaks words, unlike the command line
_ENDS = dict.fromkeys(("min", "max", "step"))
"""Keys of ranges and limits, which are values and no tables."""
_SOLVERS = ("auto", "bound", "scipy", "pulp", "pulp:HiGHS", "exhaustive")
_FRAMEWORKS = ("hf", "megatron", "torchtitan", "nanogpt", "litgpt")

_QUOTED = {
    "": re.compile(r"[^\w@%+=:,./~-]"),
    '"': re.compile(r'["$`\\]'),
    "'": re.compile(r"(?!)"),
}
"""What bash would not take as it stands, by the quote that opens a word."""

Complete = Callable[[str], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Word:
    """A completed word, as typer prints it."""

    value: str
    help: str = ""
    type: str = "plain"


# Words of bash, which breaks them at = and :


def join_words() -> None:
    """Join what bash broke at ``=`` and ``:``, in the variables by which it tells its words."""
    if _WORDS not in os.environ or not os.environ.get(_NUMBER, "").isdigit():
        return
    words = os.environ[_WORDS].split("\n")
    words = words if len(words) > 1 else os.environ[_WORDS].split()
    joined: list[str] = []
    place: list[int] = []  # of each word among those that are joined
    for word in words:
        broken = word[:1] in tuple(_BREAKS) or (joined and joined[-1][-1:] in tuple(_BREAKS))
        if broken and joined:
            joined[-1] += word
        else:
            joined.append(word)
        place.append(len(joined) - 1)
    number = int(os.environ[_NUMBER])
    os.environ[_WORDS] = "\n".join(joined)
    os.environ[_NUMBER] = str(place[number] if number < len(place) else len(joined))


def _shown(words: Iterable[str], typed: str) -> list[Word]:
    """Words that begin as what is typed, as the shell needs them.

    Bash inserts a word as it is, so that what it would read otherwise is quoted here, and reads one
    a line; what stands before its last break is left out.
    """
    found = [word for word in words if word.startswith(typed) and "\n" not in word]
    if not os.environ.get("_MODELSIZER_COMPLETE", "").endswith("_bash"):
        return [Word(word) for word in found]
    quote = _opening_quote()
    before = 0 if quote else max(typed.rfind(sign) + 1 for sign in _BREAKS)
    return [
        Word(_QUOTED[quote].sub(r"\\\g<0>", w[before:]))
        for w in found
        if quote != "'" or "'" not in w
    ]


def _opening_quote() -> str:
    """The quote that opens the word of bash that is completed, if one does."""
    words, number = os.environ.get(_WORDS, "").split("\n"), os.environ.get(_NUMBER, "")
    word = words[int(number)] if number.isdigit() and int(number) < len(words) else ""
    return word[:1] if word[:1] in ("'", '"') else ""


# Of the schema


@cache
def _schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(schema_file().read_text("utf-8"))
    return found


def _branches(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and all that it may be."""
    while isinstance(schema, dict) and "$ref" in schema:
        schema = _schema()["definitions"][schema["$ref"].rpartition("/")[2]]
    if isinstance(schema, dict):
        yield schema
        for branch in schema.get("anyOf", ()):
            yield from _branches(branch)


def _walk(schema: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Dotted keys with the schema of each; of tables those within."""
    for branch in _branches(schema):
        for name, below in branch.get("properties", {}).items():
            key = f"{prefix}{name}"
            table = any(each.get("properties", _ENDS).keys() - _ENDS for each in _branches(below))
            if name == "scenarios":
                continue
            if table:
                yield from _walk(below, f"{key}.")
            if not table or prefix:
                yield key, below


@cache
def keys() -> dict[str, Any]:
    """Schemas of all keys of a problem file, by dotted key."""
    return dict(_walk(_schema(), ""))


def values(key: str) -> list[str]:
    """Words that a key takes."""
    found: dict[str, None] = {}
    for branch in _branches(keys().get(key, {})):
        if "boolean" in branch.get("type", ()):
            found |= {"true": None, "false": None}
        found |= {str(each): None for each in branch.get("enum", ())}
    return list(found)


def _names(key: str) -> Complete:
    return lambda _: values(key)


def _settings(typed: str) -> list[str]:
    """``KEY=VALUE``: keys, or the values of one that is typed."""
    key, sign, said = typed.partition("=")
    if not sign:
        found = [known for known in keys() if known.startswith(typed)]
        words = [f"{known}=" for known in found]
        if len(found) == 1:  # so that no shell puts a space behind it
            words += [f"{words[0]}{value}" for value in values(found[0]) or ["VALUE"]]
        return words
    listed, comma, _ = said.rpartition(",")
    return [f"{key}={listed}{comma}{value}" for value in values(key)]


def _limits(_: str) -> list[str]:
    return [key for key in keys() if key.startswith("budgets.")] + ["training.tokens"]


def _choices(typed: str) -> list[str]:
    """``CHOICE=VALUE`` of the space."""
    return [word.removeprefix("space.") for word in _settings(f"space.{typed}")]


def _exports(typed: str) -> list[str]:
    found = [f"{name}:" for name in _FRAMEWORKS if name.startswith(typed)]
    return [*found, f"{found[0]}config.json"] if len(found) == 1 else found


# Files


def _files(*endings: str) -> Complete:
    """Folders, and files with some endings."""

    def find(typed: str) -> list[str]:
        above, _, name = typed.rpartition("/")
        folder = Path(f"{above}/" if "/" in typed else ".").expanduser()
        prefix = f"{above}/" if "/" in typed else ""
        try:
            entries = sorted(folder.iterdir())
        except OSError:
            return []
        hidden = name.startswith(".")
        seen = [e for e in entries if e.name.startswith(name) and hidden == e.name.startswith(".")]
        found = [f"{prefix}{e.name}" for e in seen if e.suffix in endings and e.is_file()]
        folders = [f"{prefix}{e.name}/" for e in seen if e.is_dir()]
        if len(folders) == 1 and not found:  # so that no shell puts a space behind it
            folders += find(folders[0])
        return [*found, *folders]

    return find


def _either(*ways: Complete) -> Complete:
    return lambda typed: [word for way in ways for word in way(typed)]


def _listed(way: Complete) -> Complete:
    """Several with commas between."""

    def find(typed: str) -> list[str]:
        before, comma, last = typed.rpartition(",")
        return [f"{before}{comma}{word}" for word in way(last)]

    return find


def _views(_: str) -> Iterable[str]:
    from modelsizer.commands.views.view import VIEWS  # loaded with the command that asks

    return VIEWS


def _problems(_: str) -> list[str]:
    return list(library())


_TOML = _files(".toml")
_MODELS = _names("serving.speculation.model")
_LAWS = _either(_names("objective.law"), _TOML)
_WAYS: dict[str, Complete] = {
    "FILE": _either(_problems, _TOML),
    "SOURCE": _either(_problems, _MODELS, _files(".toml", ".json", ".gguf")),
    "MODEL": _either(_MODELS, _files(".json", ".gguf")),
    "ANSWER": _files(".json"),
    "RUNS": _files(".csv", ".parquet", ".json"),
    "LAW": _LAWS,
    "LAW.toml": _TOML,
    "NAME|FILE": _LAWS,
    "NAME|PATH": _LAWS,
    "KEY": _limits,
    "KEY=VALUE": _settings,
    "KEY=VALUES": _settings,
    "KEY=A,B,...": _settings,
    "CHOICE=VALUE": _choices,
    "FRAMEWORK:PATH": _exports,
}
"""What completes a value, by the word that help shows for it."""
_OF_COMMANDS: dict[tuple[str, str], Complete] = {
    ("problems", "name"): _problems,
    ("accelerators", "names"): _names("serving.accelerator"),
    ("compare-laws", "laws"): _listed(_LAWS),
    ("solve", "laws"): _listed(_LAWS),
    ("export", "to"): lambda _: _FRAMEWORKS,
    ("describe", "view"): _views,
}
_OF_OPTIONS: dict[str, Complete] = {
    "solver": lambda _: _SOLVERS,
    "plot_size": lambda _: ("wide", "column"),
}


def completed(command: Any) -> None:
    """Give the parameters of a command what completes their values."""
    for parameter in command.params:
        way = (
            _OF_COMMANDS.get((command.name, parameter.name))
            or _OF_OPTIONS.get(parameter.name)
            or _WAYS.get(parameter.metavar or "")
        )
        if way is not None:
            parameter._custom_shell_complete = _found_by(way)


def _found_by(way: Complete) -> Callable[[Any, Any, str], list[Word]]:
    return lambda _, __, typed: _shown(dict.fromkeys(way(typed)), typed)
