"""Files that a problem names: laws, terms of ablations, and models that limits refer to.

They are read again when they change, as the problem file is. A page names none of its own: a link
that someone sends could make it read any file of this computer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from modelsizer.problems import reading
from modelsizer.problems.errors import ModelsizerError, ProblemError, short
from modelsizer.problems.laws.own_terms import file_and_end
from modelsizer.problems.laws.reading import PREFIX
from modelsizer.problems.tables.limits import is_reference, read_reference

Stamp = tuple[str, int, int]
"""A path, and when the file there was changed and its size; -1 where there is none."""


def stamps(text: str, folder: Path) -> tuple[Stamp, ...]:
    """The state of each file that a problem names.

    Parameters
    ----------
    text : str
        Of the problem file.
    folder : Path
        That it is in.
    """
    return tuple(_stamp(path) for path in sorted(paths_named(text, folder)))


@lru_cache(maxsize=8)
def paths_named(text: str, folder: Path) -> frozenset[str]:
    """Paths of the files that a problem names, as they are written and as seen from its folder."""
    try:
        tables = reading.parse_toml(text, "")
    except ProblemError:
        return frozenset()
    written = {path for _, value in _texts("", tables) for path in _paths(value)}
    return frozenset(written | {str(folder / path) for path in written})


def check_named(settings: Mapping[str, object], text: str, folder: Path) -> None:
    """Refuse settings that name another file than the problem does.

    Parameters
    ----------
    settings : mapping of str to value
        By dotted key.
    text : str
        Of the problem file.
    folder : Path
        That it is in.

    Raises
    ------
    ProblemError
        With the key.
    """
    for key, value in _texts("", settings):
        paths = _paths(value) if key != "name" else ()
        if paths and paths_named(text, folder).isdisjoint(paths):
            raise ProblemError.of(
                key,
                f"{short(value)} names a file that the problem file does not name; a page "
                "reads no others: write it there",
            )


def _texts(key: str, value: object) -> Iterator[tuple[str, str]]:
    """Texts among plain values, with their dotted keys."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(f"{key}.{name}" if key else str(name), inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(key, inner)


def _paths(value: str) -> tuple[str, ...]:
    """The paths that a text may stand for: of a law, of terms with an end, or of a model."""
    from modelsizer.problems.architecture.models import models

    text = value.strip()
    if text.startswith(PREFIX):
        return tuple(dict.fromkeys((text.removeprefix(PREFIX), file_and_end(text)[0])))
    if is_reference(text):
        try:
            source, _ = read_reference(text)
        except ValueError:
            return ()
        return () if source in models() else (source,)
    return ()


def _stamp(path: str) -> Stamp:
    from modelsizer.problems.architecture.checkpoints.folders import described_by

    try:
        place = Path(path)
        state = (described_by(place) if place.is_dir() else place).stat()
    except (OSError, ValueError, ModelsizerError):
        return path, -1, -1
    return path, state.st_mtime_ns, state.st_size
