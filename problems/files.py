"""Write files: the one way by which any file of an answer reaches the disk.

A regular file is replaced as a whole by a finished one, a link is followed, and what is no regular
file (a device, a pipe, an open file of this process such as ``/dev/stdout``) is written into.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, BinaryIO

from modelsizer.problems.errors import ModelsizerError
from modelsizer.problems.interrupts import unfinished

_HELD = 2**24  # bytes kept in memory on their way into a device or pipe; more wait on the disk
_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class FileError(ModelsizerError):
    """A file that cannot be written.

    Parameters
    ----------
    path : Path
    reason : str
        Continues the path to a sentence.
    """

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path} {reason}")


def write_whole(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Write a file whole or not at all.

    A regular file is written under another name in its folder, synchronised with the disk, closed
    and renamed; until then the old file stands, and after an error or an interrupt nothing else is
    left. It keeps the permissions of the old file, and its owner where that is allowed. Other
    names of the old file (hard links) keep the old content. Through a symbolic link the file is
    written that it points to, even if there is none yet. A device, a pipe or an open file of this
    process is written into once the content is complete.

    Parameters
    ----------
    path : Path
    write : callable
        Writes the content to a binary file.

    Raises
    ------
    FileError
        If the path cannot be written, see `check_writable`, or writing fails.
    """
    check_writable(path)
    number = _descriptor(path)
    try:
        if number is not None or (path.exists() and not path.is_file()):
            _write_into(path if number is None else os.dup(number), write)
        else:
            _replace(Path(os.path.realpath(path)), write)
    except OSError as error:
        raise FileError(path, f"cannot be written: {error.strerror or error}") from None


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file of known content; see `write_whole`."""

    def write(file: IO[bytes]) -> None:
        file.write(content)

    write_whole(path, write)


def write_text(path: Path, text: str | Iterable[str]) -> None:
    """Write a UTF-8 text file, whole or in pieces; see `write_whole`."""
    pieces = (text,) if isinstance(text, str) else text
    write_whole(path, lambda file: file.writelines(map(encoded, pieces)))


def encoded(text: str) -> bytes:
    """Text as UTF-8; what has no code there, such as a byte of a path that is no text, is ``?``."""
    return text.encode("utf-8", "replace")


def check_writable(path: Path) -> None:
    """Check that a file can be written, as far as that is known without touching anything.

    Raises
    ------
    FileError
        If the path is a folder, is read-only, or its folder does not exist or cannot be written.
        Without a permission to write for anyone a file is read-only, for the superuser too.
    """
    try:
        reason = _fault(path)
    except OSError as error:
        reason = f"cannot be written: {error.strerror or error}"
    except (
        ValueError,
        OverflowError,
    ):  # a NUL, no code in the file system's encoding, /dev/fd/1e99
        raise FileError(Path(repr(str(path))), "is no path of a file") from None
    if reason:
        raise FileError(path, reason)


def check_folder(folder: Path) -> None:
    """Check that a folder is there and can be written, or can be made.

    Raises
    ------
    FileError
    """
    try:
        with suppress(FileNotFoundError, NotADirectoryError):
            folder.stat()
        known = next(one for one in (folder, *folder.parents, Path()) if os.path.lexists(one))
        reason = _fault_of_folder(known)
    except OSError as error:
        reason = f"cannot be written: {error.strerror or error}"
    except ValueError:
        raise FileError(Path(repr(str(folder))), "is no path of a folder") from None
    if reason:
        raise FileError(folder, reason)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, if it is not there.

    Raises
    ------
    FileError
    """
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(folder, f"cannot be made: {error.strerror or error}") from None


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths name one regular file, or would once it is written."""
    try:
        if one.exists() and other.exists():
            return one.is_file() and one.samefile(other)
        return os.path.realpath(one) == os.path.realpath(other)
    except (OSError, ValueError):
        return False


def _fault(path: Path) -> str:
    number = _descriptor(path)
    if number is not None:
        import fcntl  # there are such paths only where there is this

        only_read = fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
        return "is read-only" if only_read else ""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return _fault_of_folder(Path(os.path.realpath(path)).parent)
    if stat.S_ISDIR(mode):
        return "is a folder, not a file"
    if not mode & _ANY_WRITE or not os.access(path, os.W_OK):
        return "is read-only"
    return _fault_of_folder(Path(os.path.realpath(path)).parent) if stat.S_ISREG(mode) else ""


def _fault_of_folder(folder: Path) -> str:
    if not folder.exists():
        return f"cannot be written: there is no folder {folder}"
    if not folder.is_dir():
        return f"cannot be written: {folder} is not a folder"
    if not folder.stat().st_mode & _ANY_WRITE or not os.access(folder, os.W_OK | os.X_OK):
        return f"cannot be written: no permission to write into the folder {folder}"
    return ""


def _descriptor(path: Path) -> int | None:
    """Number of the open file of this process that a path names, as ``/dev/stdout`` does."""
    folder = os.path.realpath("/dev/fd")
    for _ in range(40):  # as many links as Linux follows
        if path.name.isdecimal() and os.path.realpath(path.parent) == folder:
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return None


def _create(path: Path) -> BinaryIO:
    return path.open("xb")


def _replace(target: Path, write: Callable[[IO[bytes]], None]) -> None:
    part = target.with_name(f".modelsizer-{os.urandom(8).hex()}")
    with unfinished(str(part)):
        try:
            with _create(part) as file:
                _keep_permissions(target, part)
                write(file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise


def _keep_permissions(old: Path, new: Path) -> None:
    try:
        was = old.stat()
    except FileNotFoundError:
        return
    now = new.stat()
    if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
        with suppress(PermissionError):
            os.chown(new, was.st_uid, was.st_gid)
    new.chmod(stat.S_IMODE(was.st_mode))


def _write_into(place: Path | int, write: Callable[[IO[bytes]], None]) -> None:
    """Write complete content into what is no regular file, or into a descriptor, then closed."""
    import shutil
    import tempfile

    with tempfile.SpooledTemporaryFile(_HELD) as held:
        write(held)
        held.seek(0)
        with open(place, "wb") as device:  # noqa: PTH123  # a descriptor has no path
            shutil.copyfileobj(held, device)
