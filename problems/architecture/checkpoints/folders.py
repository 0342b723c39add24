"""Find the file of a folder that describes its model."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from modelsizer.problems.architecture.checkpoints.errors import SourceError
from modelsizer.problems.visible import shortened

CONFIG, PARAMS, ADAPTER = "config.json", "params.json", "adapter_config.json"
"""Of Hugging Face; as Meta and Mistral publish their models; of an adapter, which is no model."""
QUANTISATION = "hf_quant_config.json"
"""Of ModelOpt's checkpoints, whose config.json may not say how their weights are stored."""
WEIGHTS = (".safetensors", ".bin", ".pt", ".pth")
GGUF, MAGIC = ".gguf", b"GGUF"
"""Suffix and first bytes of a GGUF file."""
_SNAPSHOTS = "snapshots"  # in the hub's cache, a folder for each commit
_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
_SHOWN = 3  # names of files in a message


def is_gguf(path: Path) -> bool:
    """Whether a file begins as GGUF does."""
    try:
        if not path.is_file():  # a pipe is read once
            return False
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):
        return False


def shards(path: Path) -> list[Path]:
    """Files of a GGUF model, which may be split: ``NAME-00001-of-00003.gguf`` and the others.

    Raises
    ------
    SourceError
        If one of them is missing.
    """
    found = _SHARD.fullmatch(path.name)
    if found is None:
        return [path]
    count = int(found["count"])
    names = [
        f"{found['stem']}-{n:05}-of-{found['count']}{path.suffix}" for n in range(1, count + 1)
    ]
    missing = [name for name in names if not (path.parent / name).is_file()]
    if missing:
        raise SourceError(f"is a part of {count}, and {_listed(missing)} is not beside it")
    return [path.parent / name for name in names]


def snapshot_in(home: Path, revision: str = "main") -> Path | None:
    """Folder of the files of a model in its folder of the hub's cache; None if it is not there."""
    commit = revision
    with suppress(OSError, ValueError):  # a commit itself, or not there
        commit = (home / "refs" / revision).read_text("ascii").strip()
    found = home / _SNAPSHOTS / commit
    return found if commit and found.is_dir() else None


def described_by(folder: Path) -> Path:
    """File of a folder that describes its model: config.json, params.json or the one GGUF file.

    Raises
    ------
    SourceError
        If there is none, or several GGUF files; the message lists what was looked for.
    """
    folder = snapshot_in(folder) or folder
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        raise SourceError(f"is a folder that cannot be read: {error.strerror or error}") from None
    for name in (CONFIG, PARAMS):
        if name in names:
            return folder / name
    models = [name for name in names if name.lower().endswith(GGUF) and _is_first(name)]
    if len(models) == 1:
        return folder / models[0]
    looked = f"is a folder without {CONFIG} or {PARAMS}"
    if models:
        raise SourceError(f"{looked}, and with {len(models)} {GGUF} models: name one, such as "
                          f"{shortened(str(folder / models[0]), 200)}")  # fmt: skip
    if ADAPTER in names:
        raise SourceError(f"{looked}; it holds {ADAPTER}: name the model that it adapts")
    inside = f"it holds {_listed(names)}" if names else "it is empty"
    raise SourceError(f"{looked} or a {GGUF} file; {inside}")


def _is_first(name: str) -> bool:
    """Whether a file is a whole model, or the first part of one that is split."""
    found = _SHARD.fullmatch(name)
    return found is None or int(found["number"]) == 1


def _listed(names: list[str]) -> str:
    shown = ", ".join(shortened(name, 60) for name in names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else shown
