"""Every model of the catalogue against the library's model of its configuration, by component."""

from __future__ import annotations

import pytest

from modelsizer.problems.architecture.models import models
from tests.support.library.counting import COMPONENTS
from tests.support.library.published import library_row, stored_rows

STORED = stored_rows()


def test_every_model_has_stored_counts() -> None:
    # Rows for new models: python -m tests.support.library.published
    assert list(STORED) == list(models())


def test_stored_counts_by_component() -> None:
    for name, row in STORED.items():
        found, want = models()[name].parameters, row["parameters"]
        for component in ("total", *COMPONENTS):
            assert getattr(found, component) == want.get(component, 0), (name, component)
        assert found.active == want.get("active", found.active), name


def test_catalogue_says_where_it_is_from() -> None:
    for name, model in models().items():
        assert model.source, name
        assert 2019 <= model.year <= 2026, name
        assert model.tokens is None or 1e9 < model.tokens < 1e14, name


@pytest.mark.reference
@pytest.mark.parametrize("name", sorted(STORED))
def test_against_transformers(name: str) -> None:
    pytest.importorskip("transformers")
    assert library_row(name) == STORED[name]
