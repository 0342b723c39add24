"""Problem files that are there, for a message about one that is not."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

_MOST_FILES = 1000  # of a folder, among which a name that is meant is sought


def problem_files_near(path: Path) -> list[str]:
    """Problem files in the folder of a path that does not exist, as they would be typed.

    That of the path with the ending comes first and is alone.
    """
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in islice(entries, _MOST_FILES)]
    except (OSError, ValueError):
        return []
    found = [name for name in names if name.endswith(".toml") and name.isprintable()]
    found = [f"{path.name}.toml"] if f"{path.name}.toml" in found else sorted(found)
    return [str(path.with_name(name)) for name in found]
