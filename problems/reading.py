"""Read and write TOML, with errors that name file, line, key, value and remedy."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from modelsizer.problems.errors import Fault, ProblemError, did_you_mean, short
from modelsizer.problems.plain_values import MOST_DEPTH, NO_LIMIT, PlainValueError, from_toml
from modelsizer.problems.registry import loosely
from modelsizer.problems.text_files import NO_FILE, UnreadableError, exists, read_text
from modelsizer.problems.typed_keys import TableError
from modelsizer.problems.typed_tables import Table
from modelsizer.problems.units import exact

LARGEST_TOML_INTEGER = 2**63 - 1  # largest that TOML guarantees; larger ones become floats

BY_PART = ("weight_bytes", "weight_bits")
"""Keys of serving that hold one number, or a table of numbers by part."""
SPACE_TABLES = ("latent", "experts", "linear")
"""Keys of the space that are tables."""
PRICES = "prices"
"""The table whose keys are names of accelerators."""

Raw = dict[str, Any]


# Files


def library() -> dict[str, Path]:
    """Files of the library problems by name."""
    folder = Path(__file__).parent / "library"
    files = (f for f in folder.iterdir() if f.name.endswith(".toml"))
    return {f.name.removesuffix(".toml"): f for f in sorted(files, key=lambda f: f.name)}


def schema_file() -> Path:
    """The JSON Schema of the problem file, as it is installed; `modelsizer.problems.schema`."""
    return Path(__file__).parent / "problem.schema.json"


def schema_line(where: str) -> str:
    """The first line of a problem file, by which editors find its schema."""
    return f"#:schema {where}"


def read_source(source: str | Path) -> tuple[str, str]:
    """Read a file, or a library problem by its name; return the text and a label.

    Raises
    ------
    ProblemError
        If neither exists, or the file is not UTF-8 text.
    """
    label, path = str(source), Path(source)
    try:
        if not exists(path):
            if label in library():
                return library()[label].read_text("utf-8"), label
            from modelsizer.problems.near_files import problem_files_near

            hint = did_you_mean(label, [*problem_files_near(path), *library()])
            raise UnreadableError(
                f"{NO_FILE}, and no problem of that name{hint}; `modelsizer problems` lists them"
            )
        return read_text(path), label
    except UnreadableError as error:
        raise ProblemError.of("", str(error), label) from None


def parse_toml(text: str, source: str) -> Raw:
    """Parse TOML.

    Raises
    ------
    ProblemError
        With the line and the reason, for invalid syntax, duplicate keys, and values that are nested
        too deep or too large.
    """
    try:
        return from_toml(text)
    except PlainValueError as error:
        key = error.key or (_key_at(text, error.line) if error.line else "")
        fault = Fault(key, error.message, error.line) if error.line else None
        raise ProblemError([fault or _Lines(text).fault(key, error.message)], source) from None
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        found = re.search(r"\(at line (\d+), column \d+\)", message)
        line = int(found[1]) if found else None
        reason = message.split(" (at ")[0]
        if "overwrite" in reason or "twice" in reason or "Cannot declare" in reason:
            key = _key_at(text, line) if line else ""
            raise ProblemError(
                [Fault(key, "this key or table is given twice; keep one of them", line)], source
            ) from None
        raise ProblemError([Fault("", f"not valid TOML: {reason}", line)], source) from None


def write_toml(tables: Mapping[str, Any]) -> str:
    """Format plain tables as TOML."""
    import tomli_w

    return tomli_w.dumps(_portable(tables))


def _portable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _portable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_portable(v) for v in value]
    if isinstance(value, int) and abs(value) > LARGEST_TOML_INTEGER:
        # A string keeps a large integer exactly if a float does not.
        return float(value) if exact(float(value)) == value else str(value)
    return value


# Lines of keys


_TABLE = re.compile(r"\s*+\[\[?([^\]]+)\]\]?\s*+(?:#.*)?$")
_ASSIGNMENT = re.compile(r"\s*+([A-Za-z0-9_\-.\"' \t]++)=")


def _clean(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))


def key_lines(text: str) -> dict[str, int]:
    """First line of each dotted key, if the file has one key a line."""
    lines: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _TABLE.match(line):
            table = _clean(match[1])
            lines.setdefault(table, number)
        elif match := _ASSIGNMENT.match(line):
            key = _clean(match[1])
            lines.setdefault(f"{table}.{key}" if table else key, number)
    return lines


def _key_at(text: str, line: int) -> str:
    table = ""
    for number, content in enumerate(text.splitlines(), start=1):
        header, assignment = _TABLE.match(content), _ASSIGNMENT.match(content)
        if header:
            table = _clean(header[1])
        if number == line:
            key = _clean(assignment[1]) if assignment and not header else ""
            return ".".join(part for part in (table, key) if part)
    return ""


class _Lines:
    """Lines of the keys of a text, found at the first fault."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: dict[str, int] | None = None

    def fault(self, key: str, message: str) -> Fault:
        """A fault with the line of its key, or of the nearest table around it."""
        if self._found is None:
            self._found = key_lines(self._text)
        at = key
        while at:
            if (line := self._found.get(at)) is not None:
                return Fault(key, message, line)
            at = at.rpartition(".")[0]
        return Fault(key, message)


# Settings over tables


def flattened(tables: Mapping[str, Any]) -> Raw:
    """Flatten ``{table: {key: value}}`` to ``{"table.key": value}``, and tables in ``[space]`` too.

    Other deeper tables stay values: a limit ``{min, max}`` is one.
    """
    flat: Raw = {}
    for table, content in tables.items():
        if not isinstance(content, Mapping):
            flat[table] = content
            continue
        for key, value in content.items():
            if table == "space" and key in SPACE_TABLES and isinstance(value, Mapping):
                flat.update({f"{table}.{key}.{name}": each for name, each in value.items()})
            else:
                flat[f"{table}.{key}"] = value
    return flat


def overlaid(raw: Mapping[str, Any], settings: Mapping[str, object]) -> Raw:
    """Return tables with the values of some dotted keys replaced.

    Raises
    ------
    ProblemError
        If a key is none.
    """
    merged: Raw = {k: dict(v) if isinstance(v, Mapping) else v for k, v in raw.items()}
    for key, value in settings.items():
        parts = _parts(key)
        if len(parts) == 1:
            merged[key] = value
            continue
        at: Raw = merged
        for part in parts[:-1]:
            below = at.get(part, {})
            if not isinstance(below, Mapping):
                below = _as_table(parts, below)
            at[part] = dict(below)
            at = at[part]
        if parts[0] == PRICES:  # a name may be written in several ways
            own = loosely(parts[-1])
            for name in [name for name in at if loosely(name) == own]:
                del at[name]
        at[parts[-1]] = value
    return merged


def _as_table(parts: list[str], value: object) -> Raw:
    """A value that a key below is set of, as the table that it stands for."""
    if parts[0] in ("budgets", "training"):
        return {} if value == NO_LIMIT else {"max": value}  # a limit written as a number
    if parts[0] == "serving" and parts[1] in BY_PART:
        raise ProblemError.of(
            ".".join(parts),
            f"{parts[0]}.{parts[1]} = {short(value)} is one number for all parts: "
            f"write it as a table, such as {{attention = {value}, ffn = {value}}}",
        )
    return {}


def check_scenario(name: str, settings: Iterable[str]) -> None:
    """Check that a scenario has no scenarios of its own.

    Parameters
    ----------
    name : str
    settings : iterable of str
        Its dotted keys.

    Raises
    ------
    ProblemError
        With the key.
    """
    for key in settings:
        if isinstance(key, str) and key.partition(".")[0] == "scenarios":
            message = "a scenario has no scenarios of its own; set values of the problem"
            raise ProblemError.of(f"scenarios.{name}.{key}", message)


def _parts(key: str) -> list[str]:
    """The names of a dotted key."""
    if not isinstance(key, str):
        raise ProblemError.of("", f"{short(key)} is not a dotted key such as space.layers")
    named = key.startswith(f"{PRICES}.")  # after a name of which no other table follows
    parts = key.split(".", 1) if named else key.split(".")
    if not all(parts) or len(parts) > MOST_DEPTH:
        raise ProblemError.of("", f"{short(key)} is not a dotted key such as space.layers")
    return parts


def lessened(raw: Mapping[str, Any], keys: Iterable[str], lifted: Collection[str] = ()) -> Raw:
    """Return tables without the limits of some dotted keys.

    Parameters
    ----------
    raw : mapping
    keys : iterable of str
    lifted : collection of str
        Keys of limits that hold by themselves where the tables say nothing: these say "none".

    Raises
    ------
    ProblemError
        If a key is no limit of the tables; the message lists the limits.
    """
    left: Raw = {k: dict(v) if isinstance(v, Mapping) else v for k, v in raw.items()}
    for key in keys:
        limits = flattened(left)
        given = [k for k in limits if k.startswith(("budgets.", "training.tokens"))]
        named = dict.fromkeys((*given, *lifted))
        given = [k for k in named if limits.get(k) != NO_LIMIT]
        if key not in given:
            text = isinstance(key, str) and key
            hint = did_you_mean(key, given) if text else ""
            raise ProblemError.of(
                key if text else short(key),
                f"is no limit of this problem{hint}; its limits: {', '.join(given) or 'none'}",
            )
        table, _, name = key.partition(".")
        if key in lifted:
            left[table] = left.get(table, {}) | {name: NO_LIMIT}
        else:
            del left[table][name]
    return left


# Errors


def _keys(model: type[Table]) -> tuple[str, ...]:
    """Keys that a table may have: its fields; one that has none yet says them itself."""
    if fields := tuple(model.model_fields):
        return fields
    known: Callable[[], tuple[str, ...]] = getattr(model, "known_keys", tuple)
    return known()


def _known_fields(model: type[Table], path: tuple[str, ...]) -> tuple[str, ...]:
    """Keys allowed in a table of the file; those of quantities may be registered later."""
    found = _table_at(model, path)
    return () if found is None else _keys(found)


def _table_at(model: type[Table], path: tuple[str, ...]) -> type[Table] | None:
    """The table of the file under some keys; None if there is none."""
    for part in path:
        field = model.model_fields.get(part)
        found = None if field is None else field.table
        if found is None:
            return None
        model = found
    return model


def table_keys(model: type[Table]) -> dict[str, tuple[str, ...]]:
    """Keys of each table of a model that has given ones."""
    found = {name: _known_fields(model, (name,)) for name in _keys(model)}
    return {name: keys for name, keys in found.items() if keys}


def unknown_keys(model: type[Table], raw: Mapping[str, Any], text: str) -> list[Fault]:
    """A fault for each unknown key, with the table it belongs to or a similar key."""
    faults = []
    tables = table_keys(model)
    top, lines = _keys(model), _Lines(text)

    def fault(key: str, siblings: tuple[str, ...]) -> None:
        word = key.rsplit(".", 1)[-1]
        homes = [f"{table}.{word}" for table, keys in tables.items() if word in keys]
        # The same word in another table is a better guess than a similar one in this table.
        hint = f" (did you mean {homes[0]}?)" if homes else did_you_mean(word, siblings)
        message = f"unknown key{hint}; known here: {', '.join(siblings)}"
        faults.append(lines.fault(key, message))

    for name, content in raw.items():
        if name not in top:
            fault(name, top)
        elif name in tables:
            if not isinstance(content, Mapping):
                message = f"{short(content)} is not a table; write [{name}]"
                faults.append(lines.fault(name, message))
                continue
            for key, inner in content.items():
                if key not in tables[name]:
                    fault(f"{name}.{key}", tables[name])
                    continue
                known = _known_fields(model, (name, key))
                for word in inner if known and isinstance(inner, Mapping) else ():
                    if word not in known:
                        fault(f"{name}.{key}.{word}", known)
    return faults


def faults_of(error: TableError, text: str = "") -> list[Fault]:
    """Faults of a table with their lines in a text; checks of several keys name theirs by "@"."""
    faults: dict[str, Fault] = {}
    lines = _Lines(text)
    for key, message in error.faults:
        if message.startswith("@"):
            name, message = message[1:].split(" ", 1)
            key = f"{key}{name}" if name.startswith(".") else name
        faults.setdefault(key, lines.fault(key, message))
    return list(faults.values())


def under(prefix: str, error: ProblemError) -> list[Fault]:
    """Faults of an error with a prefix to their keys."""
    return [Fault(f"{prefix}.{f.key}" if f.key else prefix, f.message) for f in error.faults]


def relocated(error: ProblemError, text: str) -> list[Fault]:
    """Faults of an error with their lines in a text."""
    lines = _Lines(text)
    return [lines.fault(fault.key, fault.message) for fault in error.faults]
