"""How long tests may take: a minute, ten for the slow ones, and how many examples are drawn."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
import typer.testing
from hypothesis import settings

SLOW_SECONDS = 600

os.environ["MODELSIZER_TRACEBACK"] = "1"  # an unexpected error fails a test with its traceback

# Compiled modules are kept whatever the environment says: each process that a test starts would
# compile all of ours anew, and each run would rewrite 5,000 asserts.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# The tree of commands takes 50 ms to build, and would be built anew for every command that is run.
typer.testing._get_command = cache(typer.testing._get_command)

settings.register_profile("default run", max_examples=40, deadline=None)
settings.load_profile("default run")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Share out the first import of the files of tests, whose asserts are rewritten and kept.

    Every worker imports all of them, and would otherwise rewrite all of them at the same time.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None or session.config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    root = Path(__file__).parent
    files = sorted(root.rglob("test_*.py"))
    number, count = int(worker.removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for path in files[number::count]:
        # A file that cannot be imported says so when it is collected.
        with suppress(Exception, pytest.skip.Exception):
            import_module(".".join(path.relative_to(root.parent).with_suffix("").parts))


def pytest_collection_finish() -> None:
    """Leave what was collected out of the sight of the collector, and let it look seldom."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the slow tests, and those against transformers, a longer limit of time."""
    for item in items:
        if any(item.get_closest_marker(name) for name in ("slow", "reference")):
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS), append=False)
