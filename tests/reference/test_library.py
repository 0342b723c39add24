"""Readers of every type against counts by component of the library's models, stored and live."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.architecture.configs.model_types import model_types
from tests.support.library.compare import compare
from tests.support.library.hints import LIBRARY_NAMES, UNKNOWN_TO_LIBRARY

HERE = Path(__file__).parent
COMPONENTS = ("total", "embedding", "lm_head", "attention", "ffn", "norm", "experts", "other")


def lines(name: str) -> list[dict[str, Any]]:
    """Stored configurations with the library's counts."""
    return [json.loads(line) for line in (HERE / name).read_text().splitlines()]


def check(row: dict[str, Any]) -> None:
    """Hold the count of a stored configuration to the library's."""
    found, want = count_parameters(read_config(row["config"])), row["parameters"]
    for component in COMPONENTS:
        assert getattr(found, component) == want.get(component, 0), (component, row["config"])
    assert found.active == want.get("active", found.active), row["config"]


ROWS = lines("counted_components.jsonl")
PUBLISHED = lines("published_configs.jsonl")
BY_TYPE = {
    kind: list(rows) for kind, rows in groupby(ROWS, lambda row: row["config"]["model_type"])
}

TEXT_TYPES = {name for name, row in model_types().items() if not row.text}
TEXT_TYPES -= UNKNOWN_TO_LIBRARY


@pytest.mark.parametrize("kind", sorted(BY_TYPE))
def test_stored_counts_by_component(kind: str) -> None:
    for row in BY_TYPE[kind]:
        check(row)


@pytest.mark.parametrize("kind", sorted({row["config"]["model_type"] for row in PUBLISHED}))
def test_published_configurations_by_component(kind: str) -> None:
    for row in PUBLISHED:
        if row["config"]["model_type"] == kind:
            check(row)


def test_every_type_has_stored_counts() -> None:
    # Rows for a new type: python -m tests.support.library.compare TYPE --number 4 --store
    assert set(BY_TYPE) == TEXT_TYPES - set(LIBRARY_NAMES) | set(BY_TYPE) & set(LIBRARY_NAMES)
    assert len(ROWS) == sum(map(len, BY_TYPE.values()))  # rows of a type are together


@pytest.mark.reference
@pytest.mark.parametrize("kind", sorted(TEXT_TYPES))
def test_random_configurations(kind: str) -> None:
    pytest.importorskip("transformers")
    found: Any = compare(kind, 20)
    assert found.tried >= 15, found.first
    assert (found.equal, found.caches) == (found.tried, found.caches_tried), found.first
