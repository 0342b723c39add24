"""Files: links, permissions, devices, pipes and open files of this process."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from modelsizer.problems.files import FileError, check_writable, write_text

pytestmark = pytest.mark.skipif(os.name == "nt", reason="devices, pipes, permissions of POSIX")


def test_links_are_followed_and_permissions_kept(tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "folder" / "target"
    target.parent.mkdir()
    link.symlink_to("folder/target")
    write_text(link, "new")  # there was none yet
    target.chmod(0o640)
    write_text(link, "newer")
    assert link.is_symlink() and target.read_text() == "newer"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    other = tmp_path / "other"
    other.hardlink_to(target)
    write_text(target, "newest")
    assert other.read_text() == "newer"
    assert [p.name for p in target.parent.iterdir()] == ["target"]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_permissions_of_the_process(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        write_text(tmp_path / "x", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o666 & ~mask


def test_a_device_is_written_into(tmp_path: Path) -> None:
    link = tmp_path / "link.png"
    link.symlink_to("/dev/null")
    for path in (Path("/dev/null"), link):
        write_text(path, "new")
        assert stat.S_ISCHR(path.stat().st_mode)
    assert link.is_symlink()
    if Path("/dev/full").exists():
        with pytest.raises(FileError, match=r"/dev/full cannot be written: No space left on dev"):
            write_text(Path("/dev/full"), "new")
        assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_pipe_is_written_into_and_a_reader_that_goes_is_an_error(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_text(pipe, "new" * 100_000)
    reader.join()
    assert read == ["new" * 100_000] and stat.S_ISFIFO(pipe.stat().st_mode)
    reader = threading.Thread(target=lambda: pipe.open().close())
    reader.start()
    with pytest.raises(FileError, match="Broken pipe"):
        write_text(pipe, "new" * 1_000_000)
    reader.join()


def test_an_open_file_of_this_process_is_written_into(tmp_path: Path) -> None:
    with (tmp_path / "x").open("w+") as file:
        file.write("before ")
        file.flush()
        write_text(Path(f"/dev/fd/{file.fileno()}"), "new")
        file.seek(0)
        assert file.read() == "before new"
        file.close()
    with (tmp_path / "x").open() as file, pytest.raises(FileError, match="is read-only"):
        check_writable(Path(f"/dev/fd/{file.fileno()}"))
    with pytest.raises(FileError, match="Bad file descriptor"):
        check_writable(Path("/dev/fd/987"))
    with pytest.raises(FileError, match="is no path of a file"):
        check_writable(Path(f"/dev/fd/{2**99}"))
