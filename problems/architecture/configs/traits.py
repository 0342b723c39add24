"""Values of the traits of a type: as they are, or as fields of a configuration say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer.problems.architecture.configs.fields import Fields
from modelsizer.problems.architecture.configs.model_types import Trait


def flag(f: Fields, trait: Trait) -> bool:
    """Value of a trait: as it is, or that of the boolean field that it names."""
    if isinstance(trait, bool):
        return trait
    if isinstance(trait, str):
        return f.flag(trait, False)
    return bool(choice(f, trait))


def choice(f: Fields, value: Any) -> Any:
    """Value of a trait that is no boolean: as it is, or chosen by a boolean field."""
    if not isinstance(value, Mapping):
        return value
    return value["then" if f.flag(value["when"], False) else "else"]


def size(f: Fields, named: str | int) -> int:
    """A size: as it is, or that of the field that a row names."""
    return named if isinstance(named, int) else f.count(named)
