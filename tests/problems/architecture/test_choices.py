"""The rows of choices, and what is read from them."""

from __future__ import annotations

import numpy as np
import pytest

from modelsizer.problems.architecture.architecture import Architecture, LayerGroup
from modelsizer.problems.architecture.choices import (
    CHOICES,
    MENUS,
    NARROW,
    SHOWN,
    TIE_RULE,
    WIDE,
    WIDTHS,
    tie_key,
)
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.architecture.models import models
from modelsizer.problems.tables.space import ExpertsSpace, LatentSpace, LinearSpace, Space


def test_every_menu_is_a_key_of_the_space() -> None:
    tables = {"latent": LatentSpace, "experts": ExpertsSpace, "linear": LinearSpace}
    plain = set(Space.model_fields) - {"aspect_ratio", *tables}
    nested = {f"{table}.{key}" for table, model in tables.items() for key in model.model_fields}
    assert set(MENUS) == plain | nested


def test_names_are_there_once_and_tables_nest() -> None:
    names = [choice.name for choice in CHOICES]
    assert len(set(names)) == len(names)
    ties = [choice.tie for choice in CHOICES if choice.tie is not None]
    assert sorted(ties) == list(range(1, len(ties) + 1))
    assert set(NARROW) < set(WIDE) < set(SHOWN) < set(names)
    assert {*WIDTHS, "layers"} <= {*TIE_RULE}


@pytest.mark.parametrize("name", ["gemma-3-27b", "llama-3-8b", "deepseek-v3", "gpt-oss-20b"])
def test_choices_of_an_architecture_of_arrays(name: str) -> None:
    """A group without layers counts for nothing, wherever it stands."""
    known = models()[name].architecture
    counts = known.counts
    arrays = Architecture(
        known.trunk,
        tuple(
            LayerGroup(group.layer, np.array([n, n if i == len(counts) - 1 else 0]))
            for i, (group, n) in enumerate(zip(known.groups, counts, strict=True))
        ),
        known.block,
    )
    last = Architecture(known.trunk, known.groups[-1:], known.block)
    for at, design in enumerate((known, last)):
        keys = [np.broadcast_to(key, (2,))[at] for key in tie_key(arrays, np.array([7, 7]))]
        assert tuple(keys) == tie_key(design, 7)
    assert list(architecture_dict(known))[: len(SHOWN)] == list(SHOWN)
