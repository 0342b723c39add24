"""Models of the Hugging Face hub by their id, from the local cache, or downloaded if asked.

The layout of the cache is that of huggingface_hub ("Understand caching" in its documentation), so
that reading it needs no package: ``models--ORG--NAME/refs/REVISION`` holds the commit whose files
are in ``models--ORG--NAME/snapshots/COMMIT``.
"""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path

from modelsizer.problems.architecture.checkpoints.errors import SourceError
from modelsizer.problems.architecture.checkpoints.folders import CONFIG, described_by, snapshot_in
from modelsizer.problems.architecture.checkpoints.separate import SeparateError, run_separate
from modelsizer.problems.errors import MissingExtraError
from modelsizer.problems.records import dataclass
from modelsizer.problems.visible import shortened

_ID = re.compile(
    r"(?P<org>\w[\w.-]{0,95})/(?P<name>\w[\w.-]{0,95})(?:@(?P<revision>\w[\w./-]{0,200}))?",
    re.ASCII,
)
_PAGE = re.compile(
    r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(?P<model>[^/?#]+/[^/?#@]+)"
    r"(?:/(?:tree|blob|resolve)/(?P<revision>[^/?#]+)(?:/[^?#]*)?)?/?(?:[?#].*)?"
)
"""Address of the page of a model or of one of its files."""
_FILES = re.compile(r"\.(json|gguf|toml|safetensors|bin|pth?|txt|csv|ya?ml)$", re.IGNORECASE)
"""Endings of files: a path that is missing, not an id."""
_TRUE = frozenset({"1", "on", "yes", "true"})
_ANSWER_SECONDS, _WHOLE_SECONDS = 5, 15
"""Time limits of a download: of each answer of the network, and of all."""


@dataclass(frozen=True, slots=True)
class HubId:
    """A model of the hub.

    Parameters
    ----------
    repository : str
        ``"org/name"``.
    revision : str
        A branch, a tag or a commit.
    """

    repository: str
    revision: str = "main"

    @classmethod
    def parse(cls, text: str) -> HubId | None:
        """Read ``org/name``, ``org/name@revision`` or the address of a model's page.

        Returns
        -------
        HubId or None
            None if the text is none of them.
        """
        if page := _PAGE.fullmatch(text):
            text = page["model"] + (f"@{page['revision']}" if page["revision"] else "")
        found = _ID.fullmatch(text)
        if found is None or "--" in text or ".." in text or _FILES.search(text):
            return None
        return cls(f"{found['org']}/{found['name']}", found["revision"] or "main")


def cache_folder() -> Path:
    """Folder of the cache, by the environment variables that huggingface_hub reads."""
    asked = os.environ
    given = asked.get("HF_HUB_CACHE") or asked.get("HUGGINGFACE_HUB_CACHE")
    if not given:
        home = asked.get("HF_HOME") or Path(
            asked.get("XDG_CACHE_HOME") or "~/.cache", "huggingface"
        )
        given = str(Path(home, "hub"))
    return Path(os.path.expandvars(given)).expanduser()


def snapshot(model: HubId) -> Path | None:
    """Folder of a model's files in the local cache; None if its revision is not there."""
    return snapshot_in(_home(model), model.revision)


def hub_file(model: HubId, *, download: bool = False) -> Path:
    """File that describes a model of the hub.

    Parameters
    ----------
    model : HubId
    download : bool
        Whether the network may be asked for what the cache does not have.

    Raises
    ------
    SourceError
        If it is not in the cache, and may not or cannot be downloaded.
    MissingExtraError
        If it should be downloaded, and huggingface_hub is not installed.
    """
    found = snapshot(model)
    lack = f"not in the local cache, {shortened(str(cache_folder()), 200)}{_others(model)}"
    if found is not None:
        try:
            return described_by(found)
        except SourceError as error:
            lack = f"its folder in the local cache {error}"
    if download:
        return _downloaded(model)
    needs = "" if find_spec("huggingface_hub") else " (needs pip install 'modelsizer[hub]')"
    raise SourceError(
        f"no such file, and as a model of the hub {lack}; --download (in Python download=True) "
        f"fetches its {CONFIG}{needs}"
    )


def _home(model: HubId) -> Path:
    return cache_folder() / f"models--{model.repository.replace('/', '--')}"


def _others(model: HubId) -> str:
    """Revisions of a model that are in the cache, where another one is asked for."""
    try:
        refs = sorted(entry.name for entry in (_home(model) / "refs").iterdir())
    except OSError:
        return ""
    return f" (of its revisions only {', '.join(refs[:3])})" if refs else ""


def _downloaded(model: HubId) -> Path:
    """Fetch the configuration of a model into the cache; return its path."""
    if find_spec("huggingface_hub") is None:
        raise MissingExtraError(f"downloading {model.repository}", "huggingface_hub", "hub")
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in _TRUE:
        raise SourceError("not in the local cache, and HF_HUB_OFFLINE forbids to download it")
    given = {"repository": model.repository, "revision": model.revision, "file": CONFIG,
             "seconds": _ANSWER_SECONDS}  # fmt: skip
    settings = {"HF_HUB_DOWNLOAD_TIMEOUT": str(_ANSWER_SECONDS), "HF_HUB_DISABLE_TELEMETRY": "1",
                "HF_HUB_DISABLE_PROGRESS_BARS": "1"}  # fmt: skip
    try:
        answer = run_separate("download_config.py", given, _WHOLE_SECONDS, settings)
    except SeparateError as error:
        raise SourceError(f"the download of its {CONFIG} {error}") from None
    if "path" in answer:
        return Path(answer["path"])
    raise SourceError(f"its {CONFIG} cannot be downloaded: {_reason(answer, model)}")


def _reason(answer: dict[str, str], model: HubId) -> str:
    known = {
        "GatedRepoError": "access to it is restricted; ask for it on its page, then set HF_TOKEN",
        "RepositoryNotFoundError": "the hub has no such model, or it is private and needs HF_TOKEN",
        "RevisionNotFoundError": f"the hub has no revision {model.revision!r} of it",
        "RemoteEntryNotFoundError": "it has no such file",
        "EntryNotFoundError": "it has no such file",
        "LocalEntryNotFoundError": "the hub cannot be reached",
        "ConnectError": "the hub cannot be reached",
        "ConnectionError": "the hub cannot be reached",
        "ConnectTimeout": "the hub does not answer",
        "ReadTimeout": "the hub does not answer",
    }
    error = str(answer.get("error"))
    return known.get(error) or f"{error}: {shortened(str(answer.get('message')), 200)}"
