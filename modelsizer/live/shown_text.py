"""Texts of the page: control characters are visible in them, and none is endless."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer.problems.visible import shortened, visible

LONGEST = 2000
"""Characters of a text that is shown; of a longer one the beginning and the end are."""
_KEPT = frozenset({"settings", "without", "value", "state", "command", "source", "key"})
"""Keys whose values are sent back as they are."""


def shown(found: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values with every text in them as it is shown, but what is sent back."""
    return {key: value if key in _KEPT else _shown(value) for key, value in found.items()}


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return shortened("\n".join(map(visible, value.split("\n"))), LONGEST)
    if isinstance(value, Mapping):
        return shown(value)
    if isinstance(value, list | tuple):
        return [_shown(each) for each in value]
    return value
