"""The error of a source that cannot be read."""

from __future__ import annotations

from modelsizer.problems.errors import ModelsizerError


class SourceError(ModelsizerError):
    """Raised if a source does not exist or is not a valid one."""
