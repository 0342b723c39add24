"""Where the points of a sweep are solved: here, in worker processes, or on a Dask cluster.

Runs of neighbours are handed out, and a worker keeps its tables from one run to the next. It hands
back what it has after a moment and the rest of its run goes on as another, so little is lost when a
sweep is killed. Which worker solves a point changes nothing of its row.
"""

from __future__ import annotations

import importlib.metadata
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from modelsizer.optimizer.sweeps.files import Question
from modelsizer.optimizer.sweeps.grids import Axis, SweepGrid
from modelsizer.optimizer.sweeps.points import PointSolver, Row, runs
from modelsizer.problems.errors import ModelsizerError
from modelsizer.problems.problem import Problem
from modelsizer.problems.version import __version__

LOCAL = "local"
"""In place of a scheduler's address: a cluster of one's own on this machine."""
_LEASE = 0.25  # seconds after which a worker hands back what it has
_LONGEST_RUN, _RUNS_A_WORKER = 64, 4
_AHEAD = 2  # runs handed out for each worker, so that none waits for the next
_PATIENCE, _WORTH = 1.0, 2.0
"""Seconds of solving here, and seconds left then, from which worker processes pay: they take about
a second to start."""
_CONNECT = 10  # seconds for a scheduler to answer, and for a worker to be there


class LostWorkerError(ModelsizerError):
    """A worker, or the cluster, is gone in the midst of the work."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What a worker must know, small and plain enough to be sent with every run.

    Parameters
    ----------
    tables : dict
        The problem's.
    axes : tuple of (str, tuple)
        Keys and their values.
    solver : str
    time_limit : float or None
    version : str
        Of modelsizer.
    """

    tables: dict[str, Any]
    axes: tuple[tuple[str, tuple[Any, ...]], ...]
    solver: str
    time_limit: float | None
    version: str

    @classmethod
    def of(cls, question: Question) -> Spec:
        """The same of a question."""
        axes = tuple((axis.key, axis.values) for axis in question.grid.axes)
        tables = question.problem.to_dict()
        return cls(tables, axes, question.solver, question.time_limit, __version__)

    def point_solver(self) -> PointSolver:
        """A solver of its points."""
        grid = SweepGrid(tuple(Axis(key, values) for key, values in self.axes))
        problem = Problem.from_tables(self.tables)
        return PointSolver(problem, grid, self.solver, self.time_limit)


_kept = threading.local()  # a thread's own solver: tables are no thread's but one's


def solve_run(spec: Spec, indices: tuple[int, ...]) -> tuple[list[Row], tuple[int, ...]]:
    """Solve points in turn until a moment has passed; return their rows and what is left.

    Raises
    ------
    ModelsizerError
        If this process runs another version of modelsizer than the one that asks.
    """
    if spec.version != __version__:
        raise ModelsizerError(
            f"a worker runs modelsizer {__version__}, this is {spec.version}: install the same"
        )
    if getattr(_kept, "spec", None) != spec:
        _kept.spec, _kept.solver = spec, spec.point_solver()
    rows: list[Row] = []
    end = time.monotonic() + _LEASE
    for index in indices:
        rows.append(_kept.solver.row(index))
        if time.monotonic() >= end:
            break
    return rows, indices[len(rows) :]


def results(
    question: Question, missing: Sequence[int], jobs: int | None = None, dask: str | None = None
) -> Generator[Row, None, None]:
    """Rows of points, in the order in which they are solved.

    Parameters
    ----------
    question : Question
    missing : sequence of int
        The points to solve.
    jobs : int, optional
        Processes; 1 solves here. By default as many as this machine has cores, once solving here
        has shown that they pay.
    dask : str, optional
        Address of a Dask scheduler, or ``"local"``.

    Raises
    ------
    ModelsizerError
        If Dask is asked for and not installed, or no scheduler answers.
    LostWorkerError
        If a worker dies.
    """
    order = question.grid.neighbours(missing)
    spec = Spec.of(question)
    if not order:
        return
    if dask is not None:
        yield from _on_dask(spec, order, dask, jobs or cores())
    elif jobs == 1 or (jobs is None and cores() == 1):
        yield from spec.point_solver().rows(order)
    elif jobs is not None:
        yield from _in_processes(spec, order, jobs)
    else:
        yield from _where_it_pays(spec, order)


def cores() -> int:
    """Cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _where_it_pays(spec: Spec, order: Sequence[int]) -> Iterator[Row]:
    """Solve here, and in processes what would take longer than they take to start."""
    solver, started = spec.point_solver(), time.monotonic()
    for done, index in enumerate(order, start=1):
        yield solver.row(index)
        spent, left = time.monotonic() - started, len(order) - done
        if spent >= _PATIENCE and spent / done * left >= _WORTH:
            yield from _in_processes(spec, order[done:], min(cores(), left))
            return


def _handed_out(
    executor: Executor, spec: Spec, order: Sequence[int], workers: int
) -> Iterator[Row]:
    """Rows as the workers hand them back."""
    size = min(_LONGEST_RUN, -(-len(order) // (workers * _RUNS_A_WORKER)))
    waiting = deque(runs(order, size))
    pending: set[Future[tuple[list[Row], tuple[int, ...]]]] = set()
    while waiting or pending:
        with _deaf():
            while waiting and len(pending) < workers * _AHEAD:
                pending.add(executor.submit(solve_run, spec, waiting.popleft()))
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            rows, rest = future.result()
            if rest:
                waiting.appendleft(rest)
            yield from rows


# Processes


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that start meanwhile do not hear Ctrl-C: this one tells them when to stop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _begin() -> None:
    """Set up a worker: deaf to Ctrl-C, and gone with its parent, were that killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.join,), daemon=True).start()


def _end_with(join: Callable[[], None]) -> None:
    join()
    os._exit(1)


def _in_processes(spec: Spec, order: Sequence[int], workers: int) -> Iterator[Row]:
    others = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
    )
    try:
        yield from _handed_out(executor, spec, order, workers)
    except BrokenProcessPool:
        raise LostWorkerError("a worker process died, perhaps for want of memory") from None
    except BaseException:
        for child in multiprocessing.active_children():
            if child not in others:
                child.terminate()  # it may be in the midst of a long solve
        raise
    finally:
        executor.shutdown(cancel_futures=True)


# Dask


def _distributed() -> Any:
    try:
        found = import_module("distributed")
    except ImportError:
        raise ModelsizerError(
            "--dask needs the package distributed: pip install 'modelsizer[dask]'"
        ) from None
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("distributed", "tornado"):
            # What goes wrong is told in a sentence, not in a log of tracebacks.
            logging.getLogger(name).setLevel(logging.CRITICAL)
    return found


def check_dask(address: str) -> None:
    """Refuse an address that is none, and Dask where it is not installed.

    Raises
    ------
    ModelsizerError
        With what to install or to write.
    """
    if address != LOCAL and "://" not in address:
        raise ModelsizerError(f"--dask: {address!r} is not tcp://HOST:PORT or {LOCAL}")
    _distributed()


@contextmanager
def _client(address: str, workers: int) -> Iterator[Any]:
    distributed = _distributed()
    if address != LOCAL:
        try:
            client = distributed.Client(address, timeout=_CONNECT)
            client.wait_for_workers(1, timeout=_CONNECT)
        except (OSError, ValueError) as error:
            raise ModelsizerError(f"--dask {address}: no scheduler with workers: {error}") from None
        with client:
            _check_versions(client)
            yield client
        return
    with ExitStack() as stack:
        with _deaf():
            cluster = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    dashboard_address=None,
                    silence_logs="CRITICAL",
                )
            )
            client = stack.enter_context(distributed.Client(cluster))
        yield client


def _check_versions(client: Any) -> None:
    """Refuse a cluster whose workers would answer otherwise, or cannot answer."""
    try:
        found = set(client.run(importlib.metadata.version, "modelsizer").values())
    except importlib.metadata.PackageNotFoundError:
        raise ModelsizerError("--dask: install modelsizer on the workers, too") from None
    if found - {__version__}:
        other = ", ".join(sorted(found - {__version__}))
        raise ModelsizerError(
            f"--dask: workers run modelsizer {other}, this is {__version__}: install the same"
        )


def _on_dask(spec: Spec, order: Sequence[int], address: str, workers: int) -> Iterator[Row]:
    with _client(address, workers) as client:
        threads = sum(client.nthreads().values()) or workers
        executor = client.get_executor()
        try:
            yield from _handed_out(executor, spec, order, threads)
        except (OSError, CancelledError, _distributed().KilledWorker) as error:
            raise LostWorkerError(
                f"--dask: the cluster is gone: {str(error) or 'no answer'}"
            ) from None
        finally:
            executor.shutdown(wait=False)
