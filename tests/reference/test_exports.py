"""Configurations exported to hf, counted by the library's own models."""

from __future__ import annotations

import json

import pytest

from modelsizer.problems.architecture.configs.exports.export import EXPORTERS
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.architecture.configs.model_types import model_types
from tests.support.library.hints import UNKNOWN_TO_LIBRARY

KINDS = sorted({name for name, row in model_types().items() if not row.text} - UNKNOWN_TO_LIBRARY)


@pytest.mark.reference
@pytest.mark.parametrize("kind", KINDS)
def test_the_library_counts_the_same_of_the_exported_file(kind: str) -> None:
    pytest.importorskip("transformers")
    from tests.support.library.counting import count_config
    from tests.support.library.drawing import UndrawableError, random_config

    tried = 0
    for seed in range(6):
        try:
            config = random_config(kind, seed)
            architecture = read_config(config)
        except (UndrawableError, ConfigError):
            continue
        written = json.loads(EXPORTERS["hf"](architecture))
        assert count_config(written) == count_config(config), config
        tried += 1
    assert tried >= 3


@pytest.mark.reference
@pytest.mark.parametrize("first", range(0, 1700, 100))
def test_the_library_builds_what_a_design_has(first: int) -> None:
    pytest.importorskip("transformers")
    from tests.support.drawn_designs import compare

    found = compare(first, 100)
    assert not found.wrong, found.wrong[0]
    assert found.equal >= 15 and len(found.types) >= 10
    assert all("cannot be exported to hf: " in words for words in found.refused)
