"""Writing configurations for other frameworks."""

from __future__ import annotations

import sys
from pathlib import Path

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.configs.export import EXPORTERS
from modelsizer.problems.errors import ModelsizerError, did_you_mean
from modelsizer.problems.files import write_text


def check_framework(name: str) -> None:
    """Refuse a framework that there is no exporter for.

    Raises
    ------
    ModelsizerError
        Naming those that there are.
    """
    if name not in EXPORTERS:
        hint = did_you_mean(name, EXPORTERS)
        raise ModelsizerError(
            f"cannot export to {name!r}{hint}; known frameworks: {', '.join(EXPORTERS)}"
        )


def write_config(architecture: Architecture, framework: str, target: str) -> None:
    """Write an architecture for a framework to a path, or to standard output if it is ``-``."""
    check_framework(framework)
    text = EXPORTERS[framework](architecture)
    if target == "-":
        sys.stdout.write(text)
    else:
        write_text(Path(target), text)
