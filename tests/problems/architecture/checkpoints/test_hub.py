"""Models of the hub: ids, the local cache, and downloads, which ask a made-up library here."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer import ModelsizerError, describe, load_architecture
from modelsizer.cli import app
from modelsizer.problems.architecture.checkpoints import hub
from modelsizer.problems.architecture.checkpoints.errors import SourceError
from modelsizer.problems.architecture.checkpoints.folders import described_by
from modelsizer.problems.architecture.checkpoints.hub import HubId

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONFIG = {
    "model_type": "llama", "hidden_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "intermediate_size": 512, "vocab_size": 512,
}  # fmt: skip


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no other."""
    for name in ("HF_HOME", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def cached(
    cache: Path, name: str, revision: str = "main", config: Any = CONFIG, commit: str = COMMIT
) -> Path:
    """A model in the cache, as huggingface_hub lays it out."""
    home = cache / f"models--{name.replace('/', '--')}"
    snapshot = home / "snapshots" / commit
    snapshot.mkdir(parents=True, exist_ok=True)
    (home / "refs" / revision).parent.mkdir(parents=True, exist_ok=True)
    (home / "refs" / revision).write_text(commit)
    if config is not None:
        (snapshot / "config.json").write_text(json.dumps(config))
    return snapshot


@pytest.mark.parametrize(
    ("text", "repository", "revision"),
    [
        ("meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B", "main"),
        ("Qwen/Qwen3-0.6B@refs/pr/1", "Qwen/Qwen3-0.6B", "refs/pr/1"),
        (f"a/b@{COMMIT}", "a/b", COMMIT),
        ("https://huggingface.co/Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B", "main"),
        ("hf.co/Qwen/Qwen3-0.6B/", "Qwen/Qwen3-0.6B", "main"),
        ("https://huggingface.co/a/b/blob/v1/config.json", "a/b", "v1"),
        ("https://huggingface.co/a/b/tree/main?not-for-all=true", "a/b", "main"),
    ],
)
def test_ids(text: str, repository: str, revision: str) -> None:
    assert HubId.parse(text) == HubId(repository, revision)


@pytest.mark.parametrize("text", [
    "gpt2", "a/b/c", "./a", "../a", "/a/b", "a/b.json", "a/config.JSON", "a/x.gguf", "a--b/c", "a/b@",
    "https://example.com/a/b", "https://huggingface.co/a", "a/..", "a/b c", "a/b@../../x", "\uff21/b", "a/" + "b" * 97, "",
])  # fmt: skip
def test_what_is_no_id(text: str) -> None:
    assert HubId.parse(text) is None


def test_the_cache_is_read_without_any_package(cache: Path) -> None:
    cached(cache, "org/name")
    cached(cache, "org/name", "v2", CONFIG | {"num_hidden_layers": 3}, "f" * 40)
    depths = {
        source: load_architecture(source).layers
        for source in ("org/name", "org/name@main", "org/name@v2", f"org/name@{COMMIT}")
    }
    assert list(depths.values()) == [2, 2, 3, 2]
    answer = CliRunner().invoke(app, ["describe", "org/name", "--json", "-"])
    assert json.loads(answer.stdout)["parameters"]["total"] == 1_443_072


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    assert hub.cache_folder() == tmp_path / "hub"
    monkeypatch.delenv("HF_HUB_CACHE")
    assert hub.cache_folder() == tmp_path / "home" / "hub"
    monkeypatch.delenv("HF_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert hub.cache_folder() == tmp_path / "x" / "huggingface" / "hub"
    monkeypatch.setenv("HUGGINGFACE_HUB_CACHE", "~/models")
    assert hub.cache_folder() == Path("~/models").expanduser()


def test_the_model_of_the_catalogue_of_like_name_is_named() -> None:
    with pytest.raises(ModelsizerError, match=r"`modelsizer models`: llama-3-8b$"):
        load_architecture("meta-llama/Meta-Llama-3-8B")


def test_what_is_not_in_the_cache_is_said_at_once(cache: Path) -> None:
    start = time.perf_counter()
    with pytest.raises(ModelsizerError, match=r"^org/name: no such file.*not in the local cache"):
        load_architecture("org/name")
    assert time.perf_counter() - start < 2
    cached(cache, "org/name")
    with pytest.raises(ModelsizerError, match=r"of its revisions only main.*--download"):
        load_architecture("org/name@v3")
    cached(cache, "org/empty", config=None)
    with pytest.raises(ModelsizerError, match=r"its folder in the local cache .* it is empty"):
        load_architecture("org/empty")


LIBRARY = """
import json, os, pathlib, time
class RepositoryNotFoundError(Exception): pass
def hf_hub_download(repository, file, *, revision, etag_timeout):
    assert etag_timeout <= 10 and os.environ["HF_HUB_DOWNLOAD_TIMEOUT"]
    print("a line that some library prints")
    if repository == "org/none":
        raise RepositoryNotFoundError("404 Client Error\\nfor url")
    if repository == "org/slow":
        time.sleep(60)
    if repository == "org/odd":
        raise KeyError(revision)
    path = pathlib.Path(os.environ["HF_HUB_CACHE"]) / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(%s))
    return path
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A made-up huggingface_hub, for this process and those that it starts, and a hub to reach."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "huggingface_hub.py").write_text(LIBRARY % repr(CONFIG))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        yield


@pytest.mark.usefixtures("library")
def test_a_download_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert describe(load_architecture("org/name", download=True)).parameters.total == 1_443_072
    answer = CliRunner().invoke(app, ["describe", "org/name", "--download", "--json", "-"])
    assert json.loads(answer.stdout)["parameters"]["total"] == 1_443_072
    with pytest.raises(ModelsizerError, match=r"--download .* fetches its config\.json$"):
        load_architecture("org/name")  # never unless asked
    with pytest.raises(ModelsizerError, match=r"^org/none: .* the hub has no such model"):
        load_architecture("org/none", download=True)
    with pytest.raises(ModelsizerError, match="cannot be downloaded: KeyError: 'main'"):
        load_architecture("org/odd", download=True)
    monkeypatch.setattr(hub, "_WHOLE_SECONDS", 1)
    with pytest.raises(ModelsizerError, match="took more than 1 s"):
        load_architecture("org/slow", download=True)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        place = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("HF_ENDPOINT", place)
    with pytest.raises(ModelsizerError, match="the hub cannot be reached"):
        load_architecture("org/name", download=True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelsizerError, match="HF_HUB_OFFLINE forbids"):
        load_architecture("org/name", download=True)


def test_a_download_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.setattr(hub, "find_spec", lambda _: None)
    with pytest.raises(ModelsizerError, match=r"pip install 'modelsizer\[hub\]'\)$"):
        load_architecture("org/name")
    with pytest.raises(ModelsizerError, match=r"needs huggingface_hub: pip install"):
        load_architecture("org/name", download=True)


def test_what_is_cached_is_not_downloaded(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached(cache, "org/name")
    monkeypatch.setattr(hub, "_downloaded", lambda _: pytest.fail("the network was asked"))
    assert load_architecture("org/name", download=True).layers == 2


def test_a_folder_of_the_cache_is_the_model_of_its_main_revision(tmp_path: Path) -> None:
    inner = cached(tmp_path, "org/name")
    assert described_by(inner.parents[1]) == inner / "config.json"
    (tmp_path / "loop").mkdir()
    (tmp_path / "loop" / "snapshots").mkdir()
    (tmp_path / "loop" / "snapshots" / "main").symlink_to(tmp_path / "loop")
    with pytest.raises(SourceError, match="without config"):
        described_by(tmp_path / "loop")
