"""Reading of texts: a largest size, and UTF-8 only."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from modelsizer.problems.text_files import (
    MOST_BYTES,
    UnreadableError,
    decoded,
    exists,
    read_bytes,
    read_text,
)


def test_no_more_is_read_than_the_most(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert read_bytes(path, 5) == b"12345"
    with pytest.raises(UnreadableError, match="is larger than"):
        read_bytes(path, 4)
    with path.open("wb") as file:
        file.truncate(10 * 2**30)
    with pytest.raises(UnreadableError, match=f"larger than {MOST_BYTES // 2**20} MiB"):
        read_text(path)
    with pytest.raises(UnreadableError, match="larger than"):
        read_text(Path("/dev/zero"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_read_to_its_end_or_to_the_most(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write(content: bytes) -> threading.Thread:
        def fill() -> None:
            with suppress(BrokenPipeError):  # the reader has enough
                pipe.write_bytes(content)

        writer = threading.Thread(target=fill)
        writer.start()
        return writer

    writer = write(b"name = 1")
    assert read_text(pipe) == "name = 1"
    writer.join()
    writer = write(bytes(MOST_BYTES + 2**20))
    with pytest.raises(UnreadableError, match="larger than"):
        read_text(pipe)
    writer.join()


@pytest.mark.parametrize(
    ("content", "words"),
    [("a".encode("utf-16"), "UTF-16"), (b"ab\xff", "see byte 3"), (b"\xc0\xaf", "see byte 1")],
)
def test_only_utf_8_is_text(content: bytes, words: str) -> None:
    with pytest.raises(UnreadableError, match=words):
        decoded(content)
    assert decoded(b"\xef\xbb\xbfa\xc3\xa9") == "a\u00e9"


def test_folders_and_names_that_no_file_has(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="is a folder"):
        read_text(tmp_path)
    for name in ("x" * 5000, "a\x00b", str(tmp_path / "nothing")):
        assert not exists(Path(name))
        with pytest.raises(UnreadableError, match="cannot be read"):
            read_text(Path(name))
