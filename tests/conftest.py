"""How long tests may take: a minute, ten for the slow ones, and how many examples are drawn."""

from __future__ import annotations

import os
from functools import cache

import pytest
import typer.testing
from hypothesis import settings

SLOW_SECONDS = 600

os.environ["MODELSIZER_TRACEBACK"] = "1"  # an unexpected error fails a test with its traceback

# The tree of commands takes 50 ms to build, and would be built anew for every command that is run.
typer.testing._get_command = cache(typer.testing._get_command)

settings.register_profile("default run", max_examples=40, deadline=None)
settings.load_profile("default run")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the slow tests, and those against transformers, a longer limit of time."""
    for item in items:
        if any(item.get_closest_marker(name) for name in ("slow", "reference")):
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS), append=False)
