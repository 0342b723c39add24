"""How long tests may take: a minute, ten for the slow ones, and how many examples are drawn."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

SLOW_SECONDS = 600

os.environ["MODELSIZER_TRACEBACK"] = "1"  # an unexpected error fails a test with its traceback

settings.register_profile("default run", max_examples=40, deadline=None)
settings.load_profile("default run")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the slow tests, and those against transformers, a longer limit of time."""
    for item in items:
        if any(item.get_closest_marker(name) for name in ("slow", "reference")):
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS), append=False)
