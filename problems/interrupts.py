"""Signals that end the command line: Ctrl-C, SIGTERM and SIGHUP.

`install` is called by the command line before anything else is imported; importing modelsizer as a
library installs nothing. From then on a first Ctrl-C

- ends the process at once, with status 130, where there is nothing to hand over: while modules are
  imported, a problem is read, a page is made;
- ends the work within `held`, which hands over what is known by then: clocks are out of time from
  then on (`count`), and a KeyboardInterrupt is raised where none is looked at;
- waits for the end of `whole`, where something is half written otherwise.

A second one ends the process at once. SIGTERM and SIGHUP do so too, but for `whole`. Unfinished
files are removed (`unfinished`) and processes started by this one are ended before.

The module imports next to nothing, since whatever it needs is imported without a handler.
"""

from __future__ import annotations

# `signal` itself imports enum: 4 ms without a handler.
import _signal as signals  # type: ignore[import-not-found]
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from types import FrameType, TracebackType
    from typing import Any

INTERRUPTED = 130
"""Exit status: 128 + SIGINT, where there is nothing to hand over."""
_PATIENCE, _AGAIN = 1.0, 0.05
"""Seconds until a KeyboardInterrupt is raised where no clock is looked at, and until the next try
where it may not be raised."""
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_KILL = 9
_CLEAR = b"\r\x1b[K\x1b[?25h"  # on a terminal: away with a progress line, and the cursor is back


class _State:
    installed = False
    count = 0  # of Ctrl-C
    held = 0  # how many `held` there are around
    pressed_in = 0  # how many there were around at Ctrl-C
    whole = 0
    threads_left = False
    waiting = 0  # exit status to end with once `whole` is over
    unfinished: set[str]


_state = _State()
_state.unfinished = set()


def install() -> None:
    """Handle the signals of this process; those that it was started to ignore stay ignored."""
    if _state.installed:
        return
    _state.installed = True
    for name in _NAMES:
        number = getattr(signals, name, None)
        if number is not None and signals.getsignal(number) != signals.SIG_IGN:
            handler = _interrupted if name == "SIGINT" else _ended
            signals.signal(number, handler)
    if hasattr(signals, "SIGALRM"):
        signals.signal(signals.SIGALRM, _late)
    sys.unraisablehook = _unraisable


def finished(status: int) -> None:
    """Ignore signals from here on: all is printed and written, and the process ends.

    Parameters
    ----------
    status : int
        Exit status that it ends with.
    """
    if _state.installed:
        for name in _NAMES:
            if hasattr(signals, name):
                signals.signal(getattr(signals, name), signals.SIG_IGN)
        _raise_after(0)
        if _state.threads_left:
            os._exit(status)


def leave_threads() -> None:
    """Say that a thread was left in C code: the process then ends without waiting for it."""
    _state.threads_left = True


def count() -> int:
    """How many times Ctrl-C was pressed; after the first, what is known is handed over."""
    return _state.count


class _Tried:
    """As `contextlib.suppress(OSError)`, whose module would be imported."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> bool:
        return isinstance(error, OSError | ValueError)


_tried = _Tried()


class held:  # noqa: N801 - a context, used like a function
    """Work of which what is known is handed over at Ctrl-C, by whoever catches the error."""

    def __enter__(self) -> None:
        hold()

    def __exit__(self, *_: object) -> None:
        release()


def hold() -> None:
    """Begin what `held` does, where a context is written otherwise."""
    _state.held += 1


def release() -> None:
    """End what `hold` began."""
    _state.held -= 1
    if _state.count and _state.held < _state.pressed_in:
        _raise_after(0)  # it ended by itself


class whole:  # noqa: N801
    """What must not be cut: Ctrl-C and SIGTERM end the process after it."""

    def __enter__(self) -> None:
        _state.whole += 1

    def __exit__(self, *_: object) -> None:
        _state.whole -= 1
        if not _state.whole and _state.waiting:
            _end(_state.waiting)


class unfinished:  # noqa: N801
    """A file that is removed if the process ends within."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        _state.unfinished.add(self._path)

    def __exit__(self, *_: object) -> None:
        _state.unfinished.discard(self._path)


def children() -> set[int]:
    """Processes that this one started; empty where the system does not tell."""
    found: set[int] = set()
    folder = "/proc/self/task"
    with _tried:
        for thread in os.listdir(folder):  # noqa: PTH208 - pathlib would be imported
            with open(f"{folder}/{thread}/children") as file:  # noqa: PTH123
                found |= set(map(int, file.read().split()))
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is not None:
        found |= {child.pid for child in multiprocessing.active_children() if child.pid}
    return found


def end_children(but: AbstractSet[int] = frozenset()) -> None:
    """Kill the processes that this one started, but for some."""
    for child in children() - but:
        with _tried:
            os.kill(child, _KILL)


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    _state.count += 1
    if _state.count > 1:
        _end(INTERRUPTED)
    elif _state.whole:
        _state.waiting = INTERRUPTED
    elif not _state.held:
        _end(INTERRUPTED)
    else:
        _state.pressed_in = _state.held
        _raise_after(_PATIENCE)


def _ended(number: int, _frame: FrameType | None) -> None:
    if _state.whole and not _state.waiting:
        _state.waiting = 128 + number
    else:
        _end(128 + number)


def _raise_after(seconds: float) -> None:
    """Raise a KeyboardInterrupt after some time, unless the work has ended by then; 0: never."""
    if hasattr(signals, "setitimer"):
        signals.setitimer(signals.ITIMER_REAL, seconds)
    elif seconds and not _importing(sys._getframe()):
        raise KeyboardInterrupt


def _late(_number: int, frame: FrameType | None) -> None:
    if not _state.held:
        return
    if _state.whole or _importing(frame):
        _raise_after(_AGAIN)
        return
    raise KeyboardInterrupt


def _importing(frame: FrameType | None) -> bool:
    """Whether a module is being imported: it must not stay half imported."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _unraisable(what: Any) -> None:
    """Raise an interrupt again later that came where nothing can be raised, as in ``__del__``."""
    if isinstance(what.exc_value, KeyboardInterrupt):
        _raise_after(_AGAIN)
    else:
        sys.__unraisablehook__(what)


def _end(status: int) -> None:
    """End the process at once, without unfinished files and without processes left."""
    try:
        for path in _state.unfinished:
            with _tried:
                os.unlink(path)  # noqa: PTH108
        end_children()
        words = b"interrupted\n" if status == INTERRUPTED else b"terminated\n"
        with _tried:
            os.write(2, (_CLEAR if os.isatty(2) else b"") + words)
    finally:
        os._exit(status)
