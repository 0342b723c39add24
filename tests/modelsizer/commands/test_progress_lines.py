"""Progress lines on standard error: only on a terminal, rate-limited, and cleared at the end."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest

from modelsizer.commands import progress_lines

WIPED = "\r\x1b[K"


class Terminal(io.StringIO):
    """What a person is looking at."""

    def isatty(self) -> bool:
        return True


def watched(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard error from here on; a fixture would lose it to pytest's own capture."""
    monkeypatch.setattr("sys.stderr", found := Terminal())
    return found


@pytest.mark.parametrize(
    ("line", "known", "words"),
    [
        (progress_lines.counter("points"), (12345, 10**6), "12,345 points, 1,000,000 looked at"),
        (progress_lines.steps("scenario"), (3, 21), "scenario 3 of 21"),
        (progress_lines.gaps(), (2.5, 2.25, 7), "incumbent 2.5  bound 2.25  gap 0.25  left 7"),
    ],
)
def test_what_is_known_stands_behind_the_seconds(
    monkeypatch: pytest.MonkeyPatch, line: Any, known: Any, words: str
) -> None:
    terminal = watched(monkeypatch)
    monkeypatch.setattr(progress_lines, "AFTER", 0.0)
    monkeypatch.setattr(progress_lines, "EVERY", 0.0)
    with line as show:
        show(*known)
    assert terminal.getvalue() == f"\r   0.0 s  {words}\x1b[K{WIPED}"


def test_short_searches_show_nothing_and_long_ones_not_every_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal, now = watched(monkeypatch), 100.0
    monkeypatch.setattr(progress_lines, "time", SimpleNamespace(perf_counter=lambda: now))
    with progress_lines.steps("point") as show:
        assert show is not None
        for now in (100.5, 101.1, 101.2, 101.29, 101.4):
            show(round(10 * now), 2000)
    assert terminal.getvalue().count("point") == 2
    assert "point 1,011 of" in terminal.getvalue() and "point 1,014 of" in terminal.getvalue()
    assert terminal.getvalue().endswith(WIPED)


def test_it_is_wiped_where_the_search_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    with pytest.raises(KeyboardInterrupt), progress_lines.gaps():
        raise KeyboardInterrupt
    assert terminal.getvalue() == WIPED


def test_nothing_is_written_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", found := io.StringIO())
    with progress_lines.counter("points") as show:
        assert show is None
    assert not found.getvalue()
