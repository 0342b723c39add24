"""What an answer was computed from: the problem as tables, and hashes to recognise it by.

An answer that holds both can be checked later, without any file
(`modelsizer.optimizer.answers.verify`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.laws.laws import PowerLaw, TokenLaw
from modelsizer.problems.laws.own_terms import OwnTerms, file_and_end, terms_of
from modelsizer.problems.laws.published import TOKEN_LAWS
from modelsizer.problems.laws.reading import PREFIX, law_named
from modelsizer.problems.laws.stack_values import base_name
from modelsizer.problems.laws.terms import TermLaw, write_terms
from modelsizer.problems.problem import Problem
from modelsizer.problems.tables.own_laws import LawTable
from modelsizer.problems.version import __version__

_FILES = {
    "laws": "laws/catalogue.toml",
    "ablations": "laws/ablations.toml",
    "models": "architecture/models.toml",
    "accelerators": "hardware/accelerators.toml",
    "efficiencies": "hardware/efficiencies.toml",
    "training_efficiencies": "hardware/training_efficiencies.toml",
}
"""Catalogues that are files of this package."""


def sources(problem: Problem) -> dict[str, Any]:
    """The keys ``problem`` and ``provenance`` of an answer, as plain values for JSON.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    dict
        ``problem`` holds plain tables, from which `Problem.from_tables` makes the same problem; a
        law in a file is among them as a law of the problem's own, and terms of a file as a table
        ``[objective.ablations]``. ``provenance`` holds the version
        (``modelsizer``), the hash of each catalogue, of the law and the shape law (``law``), and
        of each table of the problem (``problem``); where a law was read from a file, also its path
        and hash (``law_files``). The hashes are SHA-256.
    """
    tables, files = _inlined(problem)
    found: dict[str, Any] = {
        "modelsizer": __version__,
        "catalogues": catalogues(),
        "law": law_hash(Problem.from_tables(tables, like=problem) if files else problem),
        "problem": table_hashes(tables),
    }
    return {"problem": tables, "provenance": found | ({"law_files": files} if files else {})}


def catalogues() -> dict[str, str]:
    """The hash of each catalogue that figures may come from, by its name."""
    blocks = "\n".join(map(repr, BLOCKS.values()))
    return {**_file_hashes(), "blocks": _hash(blocks.encode())}


def table_hashes(tables: Mapping[str, Any]) -> dict[str, str]:
    """The hash of each table of a problem; tables that JSON has read back have the same."""
    return {
        name: _hash(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())
        for name, content in tables.items()
    }


def law_hash(problem: Problem) -> str:
    """The hash of the law and the shape law of a problem, with all their numbers."""
    return _hash(f"{_written(problem.law)}\n{_written(problem.shape)}".encode())


def _written(law: Any) -> str:
    """A law with its numbers; of one whose class does not show them, its name."""
    return repr(law) if is_dataclass(law) else f"{type(law).__qualname__}({law.name!r})"


def _hash(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


@cache
def _file_hashes() -> Mapping[str, str]:
    folder = Path(__file__).parent
    # A checkout may have other ends of lines than a wheel.
    return {
        name: _hash((folder / path).read_bytes().replace(b"\r\n", b"\n"))
        for name, path in _FILES.items()
    }


def _inlined(problem: Problem) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tables of a problem with the laws of files among them, and where these were read."""
    tables = _plain(problem.to_dict())
    files: dict[str, Any] = {}
    names: dict[str, str] = {}
    for part in (tables, *tables.get("scenarios", {}).values()):
        objective = part.get("objective", {})
        _inline_terms(objective, files)
        law = objective.get("law", "")
        if not law.startswith(PREFIX):
            continue
        if law not in names:
            own = tables.setdefault("laws", {})
            found = law_named(law)
            names[law] = _free_name(found.name, own)
            own[names[law]] = _plain(law_table(found))
            path = Path(law.removeprefix(PREFIX))
            files[names[law]] = {"path": str(path), "sha256": _hash(path.read_bytes())}
        objective["law"] = names[law]
    return tables, files


def _inline_terms(objective: dict[str, Any], files: dict[str, Any]) -> None:
    """Put the terms of a file into the table that names it, and note where they were read."""
    setting = objective.get("ablations", "")
    if isinstance(setting, str) and setting.startswith(PREFIX):
        path, end = file_and_end(setting)
        objective["ablations"] = _plain(OwnTerms.of(terms_of(path), end).to_table())
        files[f"ablations {path}"] = {"path": path, "sha256": _hash(Path(path).read_bytes())}


def _plain(tables: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of tables, as JSON gives them back: lists for tuples."""
    copy: dict[str, Any] = json.loads(json.dumps(tables))
    return copy


def _free_name(name: str, own: Mapping[str, Any]) -> str:
    while name in TOKEN_LAWS or name in own or name.startswith(PREFIX):
        name = f"own {name}"
    return name


def law_table(law: TokenLaw) -> dict[str, Any]:
    """A law as a table ``[laws.NAME]``, exactly.

    Raises
    ------
    TypeError
        If it is neither of N and D by power terms, nor a sum of terms.
    """
    if isinstance(law, TermLaw):
        own: dict[str, Any] = {"E": law.E, "terms": write_terms(law.terms)}
        own["ranges"] = {base_name(name): ends for name, ends in law.ranges.items()}
    elif isinstance(law, PowerLaw):
        own = {name: getattr(law, name) for name in ("E", "A", "alpha", "B", "beta")}
        own |= {"outer": law.outer} if law.outer != 1 else {}
    else:
        raise TypeError(f"{law.name}: a law of the class {type(law).__name__} has no table")
    own |= {
        "parameters": law.parameter_kind,
        "parameter_range": law.parameter_range,
        "token_range": law.token_range,
        "source": law.source,
        "rms": law.rms,
    }
    table = LawTable.model_validate(own)
    return table.written(
        name
        for name, field in table.model_fields.items()
        if field.required or getattr(table, name) != field.initial
    )
