"""Run a program of this package in a process of its own, with a time limit.

What imports large libraries, or asks the network, may hang, print, warn and set globals: here it
can be ended, and nothing of it stays.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelsizer.problems.visible import shortened

_SHOWN = 300  # characters of the last line of a program that failed


class SeparateError(Exception):
    """Raised if a program gives no answer in time; the message is the reason, without a name."""


def run_separate(
    program: str, given: Mapping[str, Any], seconds: float, settings: Mapping[str, str]
) -> dict[str, Any]:
    """Answer of a program beside this module, which reads JSON and prints JSON in its last line.

    Parameters
    ----------
    program : str
        Name of its file.
    given : mapping
        What it reads from standard input.
    seconds : float
        Time limit.
    settings : mapping of str to str
        Environment variables over those of this process.

    Raises
    ------
    SeparateError
        If it cannot run, fails, or takes longer.
    """
    import subprocess

    path = Path(__file__).with_name(program)
    try:
        ran = subprocess.run(  # -P: no module of the current folder, nor of this one
            [sys.executable, "-P", str(path)],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            env={**os.environ, **settings},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SeparateError(f"took more than {seconds:g} s") from None
    except (OSError, ValueError) as error:
        raise SeparateError(f"cannot run: {error}") from None
    lines = ran.stdout.strip().splitlines()
    try:
        answer = json.loads(lines[-1]) if lines else None
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        return answer
    last = (ran.stderr.strip().splitlines() or [f"exit status {ran.returncode}"])[-1]
    raise SeparateError(f"failed: {shortened(last.strip(), _SHOWN)}")
