"""From TOML to values and back, with errors that name file, line, key, value and the remedy."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from problems.errors import Fault, ProblemError, did_you_mean
from problems.laws import TOKEN_LAWS
from problems.quantities import NOT_YET
from problems.shapes import SHAPE_LAWS
from problems.units import exact

if TYPE_CHECKING:
    from problems.problem import Problem

LARGEST_TOML_INTEGER = 2**63 - 1  # what TOML promises to carry; larger ones are written as floats

Raw = dict[str, Any]


# Files


def library() -> dict[str, Traversable]:
    """Files of the problems that come with modelsizer, by name."""
    folder = resources.files("problems") / "library"
    files = (f for f in folder.iterdir() if f.name.endswith(".toml"))
    return {f.name.removesuffix(".toml"): f for f in sorted(files, key=lambda f: f.name)}


def read_source(source: str | Path) -> tuple[str, str]:
    """Text and label of a file, or of a library problem by its name.

    Raises
    ------
    ProblemError
        If there is neither, or it cannot be read as UTF-8 text.
    """
    label = str(source)
    path = Path(source)
    try:
        if not path.exists() and label in library():
            return library()[label].read_text("utf-8"), label
        return path.read_text("utf-8-sig"), label
    except FileNotFoundError:
        hint = did_you_mean(label, library())
        message = (
            f"no such file, and no problem of that name{hint}; `modelsizer problems` lists them"
        )
        raise ProblemError.of("", message, label) from None
    except IsADirectoryError:
        raise ProblemError.of("", "is a folder, not a problem file", label) from None
    except UnicodeDecodeError:
        raise ProblemError.of("", "is not UTF-8 text", label) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ProblemError.of("", f"cannot be read: {reason}", label) from None


def parse_toml(text: str, source: str) -> Raw:
    """Parse TOML.

    Raises
    ------
    ProblemError
        With the line and what is wrong; a key given twice is such an error.
    """
    try:
        return tomllib.loads(text)
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
    """Plain tables as TOML text."""
    import tomli_w

    return tomli_w.dumps(_portable(tables))


def _portable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _portable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_portable(v) for v in value]
    if isinstance(value, int) and abs(value) > LARGEST_TOML_INTEGER:
        # Text keeps a large integer that is no round decimal exactly.
        return float(value) if exact(float(value)) == value else str(value)
    return value


# Lines of keys


_TABLE = re.compile(r"\s*\[\[?([^\]]+)\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(r"\s*([A-Za-z0-9_\-.\"' ]+?)\s*=")


def _clean(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))


def key_lines(text: str) -> dict[str, int]:
    """First line of each dotted key, as far as one key a line is written."""
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


def _located(key: str, message: str, text: str) -> Fault:
    lines = key_lines(text)
    parts = key.split(".")
    for end in range(len(parts), 0, -1):
        if (line := lines.get(".".join(parts[:end]))) is not None:
            return Fault(key, message, line)
    return Fault(key, message)


# Settings over tables


def flattened(tables: Mapping[str, Any]) -> Raw:
    """``{table: {key: value}}`` as ``{"table.key": value}``; deeper tables stay values."""
    flat: Raw = {}
    for table, content in tables.items():
        if isinstance(content, Mapping):
            flat.update({f"{table}.{key}": value for key, value in content.items()})
        else:
            flat[table] = content
    return flat


def overlaid(raw: Mapping[str, Any], settings: Mapping[str, object]) -> Raw:
    """Tables with values set under dotted keys; a key's old value is replaced whole.

    Raises
    ------
    ProblemError
        If a key has no table.
    """
    merged: Raw = {k: dict(v) if isinstance(v, Mapping) else v for k, v in raw.items()}
    for key, value in settings.items():
        parts = key.split(".")
        if len(parts) == 1:
            merged[key] = value
            continue
        at: Raw = merged
        for part in parts[:-1]:
            below = at.get(part, {})
            if not isinstance(below, Mapping):
                # A limit or menu written as a number: its end is set as a table's would be.
                below = {"max": below} if parts[0] in ("budgets", "training") else {}
            at[part] = dict(below)
            at = at[part]
        at[parts[-1]] = value
    return merged


# Errors


def _known_fields(model: type[BaseModel], path: tuple[str, ...]) -> tuple[str, ...]:
    """Keys that a table of the file may have."""
    for part in path:
        field = model.model_fields.get(part)
        annotation = field.annotation if field is not None else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return ()
        model = annotation
    return tuple(model.model_fields)


def _tables(model: type[BaseModel]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name in model.model_fields:
        if keys := _known_fields(model, (name,)):
            yield name, keys


def unknown_keys(model: type[BaseModel], raw: Mapping[str, Any], text: str) -> list[Fault]:
    """Faults for every key that no table has, with where it belongs or what it resembles."""
    faults = []
    tables = dict(_tables(model))
    top = tuple(model.model_fields)

    def fault(key: str, siblings: tuple[str, ...]) -> None:
        if key in NOT_YET:
            message = f"{NOT_YET[key]} come with a later version; remove this key for now"
            faults.append(_located(key, message, text))
            return
        word = key.rsplit(".", 1)[-1]
        homes = [f"{table}.{word}" for table, keys in tables.items() if word in keys]
        # The very word in another table is a surer guess than a similar one in this.
        hint = f" (did you mean {homes[0]}?)" if homes else did_you_mean(word, siblings)
        message = f"unknown key{hint}; known here: {', '.join(siblings)}"
        faults.append(_located(key, message, text))

    for name, content in raw.items():
        if name not in top:
            fault(name, top)
        elif name in tables:
            if not isinstance(content, Mapping):
                faults.append(_located(name, f"{content!r} is not a table; write [{name}]", text))
                continue
            for key in content:
                if key not in tables[name]:
                    fault(f"{name}.{key}", tables[name])
    return faults


_PLAIN_MESSAGES = {
    "missing": "this key is required",
    "string_type": "{input!r} is not text",
    "float_type": "{input!r} is not a number",
    "float_parsing": "{input!r} is not a number",
    "int_type": "{input!r} is not a whole number",
    "dict_type": "{input!r} is not a table",
    "model_type": "{input!r} is not a table",
    "extra_forbidden": "unknown key",
    "finite_number": "{input!r} is not a finite number",
}
_BRANCHES = {"function-before", "function-plain", "is-instance", "nullable"}


def faults_of(error: ValidationError, text: str = "") -> list[Fault]:
    """Pydantic's findings in the words of the file."""
    faults: dict[str, Fault] = {}
    for found in error.errors():
        parts = [str(p) for p in found["loc"]]
        key = ".".join(p for p in parts if not any(p.startswith(b) for b in _BRANCHES))
        kind = found["type"]
        if kind == "value_error":
            message = str(found["ctx"]["error"]) if "ctx" in found else found["msg"]
            if message.startswith("@"):  # a check of the whole problem names its own key
                key, message = message[1:].split(" ", 1)
        elif kind == "literal_error":
            message = f"{found['input']!r} is not one of {found['ctx']['expected']}"
        else:
            pattern = _PLAIN_MESSAGES.get(kind)
            message = pattern.format(input=found["input"]) if pattern else found["msg"]
        faults.setdefault(key, _located(key, message, text))
    return list(faults.values())


def under(prefix: str, error: ProblemError) -> list[Fault]:
    """The faults of an error, their keys below another."""
    return [Fault(f"{prefix}.{f.key}" if f.key else prefix, f.message) for f in error.faults]


def relocated(error: ProblemError, text: str) -> list[Fault]:
    """The faults of an error with their lines in a text."""
    return [_located(fault.key, fault.message, text) for fault in error.faults]


# Checks across tables


def check_consistency(problem: Problem) -> None:
    """What no single key can see.

    Raises
    ------
    ValueError
        ``"@key message"`` of the first thing wrong; `faults_of` gives it its key.
    """
    space, objective = problem.space, problem.objective
    for first, second in (
        ("kv_heads", "kv_group"),
        ("d_ff", "ffn_ratio"),
        ("d_ff", "ffn_multiple"),
    ):
        if getattr(space, first) is not None and getattr(space, second) is not None:
            raise ValueError(f"@space.{second} give {first} or {second}, not both")
    if objective.law not in problem.laws and objective.law not in TOKEN_LAWS:
        known = [*problem.laws, *TOKEN_LAWS]
        hint = did_you_mean(objective.law, known)
        raise ValueError(
            f"@objective.law unknown law {objective.law!r}{hint}; known: {', '.join(known)}"
        )
    if objective.shape not in SHAPE_LAWS:
        hint = did_you_mean(objective.shape, SHAPE_LAWS)
        known_shapes = ", ".join(SHAPE_LAWS)
        raise ValueError(
            f"@objective.shape unknown shape law {objective.shape!r}{hint}; known: {known_shapes}"
        )
    _check_tokens(problem)


def _check_tokens(problem: Problem) -> None:
    limits, quantity = problem.token_limits, problem.objective.quantity
    if not problem.budgets.limits and problem.training.tokens is None:
        raise ValueError("@budgets give at least one budget, or training.tokens")
    if limits.most is not None and limits.least > limits.most:
        raise ValueError(
            f"@budgets.tokens at least {float(limits.least):g} and at most {float(limits.most):g} "
            "tokens are asked for, by training.tokens and budgets.tokens together"
        )
    wants_most = quantity == "tokens" and problem.objective.sense == "maximize"
    wants_least = quantity in ("tokens", "training_flops") and not wants_most
    asks_loss = problem.budgets.loss is not None and problem.budgets.loss.max is not None
    if wants_least:
        if not (asks_loss or limits.least > 0 or limits.least_flops > 0):
            raise ValueError(
                f"@objective.minimize {quantity} would be zero: "
                "ask for a loss (budgets.loss) or a least number of tokens"
            )
    elif not limits.bounded and (quantity == "loss" or wants_most or asks_loss):
        raise ValueError(
            "@budgets nothing limits the training tokens: "
            "give training_flops, tokens or training.tokens"
        )


def empty_space(problem: Problem) -> list[Fault]:
    """A fault if the rules leave no design."""
    if next(problem.options(rows_at_once=4096), None) is not None:
        return []
    space, ways = problem.space, problem.tensor_parallel
    free = space.model_copy(update={"aspect_ratio": None})
    without_aspect = problem.model_copy(update={"space": free})
    if space.aspect_ratio is not None and next(without_aspect.options(4096), None) is not None:
        message = "no d_model / layers of the space keeps this; widen it, or layers or d_model"
        return [Fault("space.aspect_ratio", message)]
    if ways:
        bad = [v for v in space.vocab_size.numbers if any(v % w for w in ways)]
        if len(bad) == len(space.vocab_size.numbers):
            way = max(ways)
            up = -(-bad[0] // way) * way
            message = f"{bad[0]} does not divide by tensor_parallel = {way}; pad it to {up}"
            return [Fault("space.vocab_size", message)]
        message = (
            f"no heads, kv_heads and d_ff of the space divide by tensor_parallel = {ways}; "
            "offer others"
        )
        return [Fault("space", message)]
    key = "space.heads" if space.heads is not None else "space.head_dim"
    if space.heads is None or space.head_dim is None:
        divides = space.model_copy(update={"kv_heads": None, "kv_group": None})
        trial = problem.model_copy(update={"space": divides})
        if next(trial.options(4096), None) is None:
            return [Fault(key, "divides no d_model of the space; offer another, or other widths")]
    kv = "space.kv_group" if space.kv_group is not None else "space.kv_heads"
    return [Fault(kv, "divides no number of heads of the space; offer another")]
