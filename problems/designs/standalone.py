"""Evaluate an architecture under settings, without a space to search."""

from __future__ import annotations

from collections.abc import Mapping

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.evaluation import parallel_key
from modelsizer.problems.errors import (
    ArgumentError,
    ProblemError,
    require_count,
    require_number,
    short,
)
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import names_of
from modelsizer.problems.reading import overlaid
from modelsizer.problems.space.splits import why_unsplit
from modelsizer.problems.units import MAX_BYTES_A_VALUE, MAX_COUNT, parse_quantity

SHORT_FOR = {
    "batch": "serving.batch_size",
    "sequence": "serving.context_length",
    "weight_bytes": "serving.weight_bytes",
    "kv_bytes": "serving.kv_bytes",
}
"""Arguments, and options of the command line, that are short for a setting."""
_INSTEAD = {
    "serving.weight_bytes": "serving.weight_bits",
    "serving.kv_bytes": "serving.kv_bits",
}
"""Settings that say the same in another unit."""
_CONTEXT, _SEQUENCE = "serving.context_length", "training.sequence_length"
_WIDE = 2**10 * 3**3 * 5 * 7
"""Size of every part in a space that no ways of parallelism leave empty."""
_SPACE = {
    "d_model": 128,
    "head_dim": 1,
    **dict.fromkeys(("layers", "heads", "kv_heads", "d_ff", "vocab_size"), _WIDE),
}


def with_short(settings: Mapping[str, object], **given: float | None) -> dict[str, object]:
    """Settings, with those that arguments are short for.

    Parameters
    ----------
    settings : mapping of str to value
        By dotted key.
    **given : number or None
        Of `SHORT_FOR`; None for one that is not given.

    Raises
    ------
    ArgumentError
        If a number is none that the setting takes, or a setting says it too, with another value or
        in another unit.
    """
    found = dict(settings)
    for name, value in given.items():
        if value is None:
            continue
        key = SHORT_FOR[name]
        if name in ("batch", "sequence"):
            require_count(name, value, most=MAX_COUNT)
        else:
            require_number(name, value, above=0, most=MAX_BYTES_A_VALUE)
        for other, said in settings.items():
            same = other == key and _same(said, value, name)
            rivals = (f"{key}.", f"{_INSTEAD.get(key, key)}.")
            if f"{other}.".startswith(rivals) and not same:
                reason = f"{value:g} is short for {key}, and {other} = {short(said)} is set too"
                raise ArgumentError(name, f"{reason}; give one of them")
        found[key] = value
    return found


def _same(said: object, value: float, name: str) -> bool:
    dimension = "count" if name in ("batch", "sequence") else "bytes"
    try:
        return parse_quantity(said, dimension) == value
    except ValueError:
        return False


def trains(settings: Mapping[str, object]) -> bool:
    """Whether the settings determine the amount of training."""
    said = ("training.tokens", *(f"budgets.{name}" for name in names_of("tokens", "flops")))
    return any(key.startswith(said) for key in settings)


def served_as_stored(problem: Problem, architecture: Architecture) -> Problem:
    """A problem whose weights are those that the architecture's configuration stores.

    What the problem says of the bytes of weights is kept.
    """
    if architecture.stored is None:
        return problem
    return problem.model_copy(update={"serving": problem.serving.stored(architecture.stored)})


def standalone_problem(architecture: Architecture, settings: Mapping[str, object]) -> Problem:
    """A problem with the settings under which one architecture is evaluated.

    Training sequences are as long as the served context where every setting is of serving, so that
    one length holds for all figures; otherwise they have the length of a problem file, 4,096 tokens
    by default.

    Parameters
    ----------
    architecture : Architecture
    settings : mapping
        Dotted keys of a problem file's training, serving, budgets and objective.

    Raises
    ------
    ProblemError
        If a setting is invalid.
    """
    for key in settings:
        if f"{key}.".startswith("space."):
            raise ProblemError.of(key, "belongs to a problem; a model is described as it is")
    space = dict(_SPACE)
    if any(key.startswith("tokenizer.") for key in settings):  # of this vocabulary alone
        space["vocab_size"] = int(architecture.trunk.vocab_size)
    tables: dict[str, object] = {"space": space}
    if not trains(settings):
        tables["training"] = {"tokens": "1 token"}
    if _CONTEXT in settings and all(key.startswith("serving.") for key in settings):
        settings = {**settings, _SEQUENCE: settings[_CONTEXT]}
    try:
        problem = Problem.from_tables(overlaid(tables, settings))
    except ProblemError as error:
        ways = [key for key in settings if key.endswith("_parallel")]
        if ways and all(fault.key.startswith("space") for fault in error.faults):
            message = f"{short(settings[ways[0]])} divides no width of this model"
            raise ProblemError.of(ways[0], message) from None
        raise
    if (why := why_unsplit(problem.splits, architecture)) is not None:
        raise ProblemError.of(parallel_key(problem, why[0]), why[1])
    return served_as_stored(problem, architecture)
