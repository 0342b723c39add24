"""Time limits of tests: a minute, and ten for the slow ones."""

from __future__ import annotations

import pytest

SLOW_SECONDS = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the slow tests, and those against transformers, a longer limit of time."""
    for item in items:
        if any(item.get_closest_marker(name) for name in ("slow", "reference")):
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS), append=False)
