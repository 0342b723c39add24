"""Workers of a sweep: this process, worker processes, or a Dask cluster.

Runs of neighbouring points are submitted, and a worker keeps its tables from run to run. After a
fraction of a second a worker returns what it has solved and the rest of its run is submitted again,
so little is lost when a sweep is killed. Rows do not depend on the worker.
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
from importlib import import_module
from typing import Any

from modelsizer.optimizer.sweeps.files import Question
from modelsizer.optimizer.sweeps.grids import Axis, SweepGrid
from modelsizer.optimizer.sweeps.points import PointSolver, Row, runs
from modelsizer.optimizer.tables.clock import Clock, StoppedError
from modelsizer.problems.errors import ArgumentError, ModelsizerError
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.version import __version__

LOCAL = "local"
"""In place of a scheduler's address: a new cluster on this machine."""
_LEASE = 0.25  # seconds after which a worker returns what it has solved
_LONGEST_RUN, _RUNS_A_WORKER = 64, 4
_AHEAD = 2  # runs handed out for each worker, so that none waits for the next
_PATIENCE, _WORTH = 1.0, 2.0
"""Seconds of solving here, and seconds left then, from which worker processes pay: they take about
a second to start."""
_RETURN = 0.2  # seconds before a time limit at which a worker returns what it has solved
_CONNECT = 10  # seconds for a scheduler to answer, and for a worker to be there


class LostWorkerError(ModelsizerError):
    """A worker, or the cluster, has gone before its work was done."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What a worker needs, small and plain enough to be sent with every run.

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


_kept = threading.local()  # a solver for each thread: tables are not shared


def solve_run(
    spec: Spec, indices: tuple[int, ...], seconds: float | None = None
) -> tuple[list[Row], tuple[int, ...]]:
    """Solve points in turn for `_LEASE` seconds; return their rows and the points left.

    Parameters
    ----------
    spec : Spec
    indices : tuple of int
    seconds : float, optional
        Left of the time limit of the whole sweep; a point that it stops is left.

    Raises
    ------
    StoppedError
        If the memory of this machine is full.
    ModelsizerError
        If the version of modelsizer here is not that of the spec.
    """
    if spec.version != __version__:
        raise ModelsizerError(
            f"a worker runs modelsizer {__version__}, this is {spec.version}: install the same"
        )
    clock = Clock.of(seconds)
    if getattr(_kept, "spec", None) != spec:
        _kept.spec, _kept.solver = spec, spec.point_solver()
    _kept.solver.under(clock)
    rows: list[Row] = []
    end = time.monotonic() + _LEASE
    for index in indices:
        try:
            rows.append(_kept.solver.row(index))
        except StoppedError as error:
            if error.stop != "time":
                raise
            break
        if time.monotonic() >= end:
            break
    return rows, indices[len(rows) :]


def results(
    question: Question,
    missing: Sequence[int],
    jobs: int | None = None,
    dask: str | None = None,
    clock: Clock | None = None,
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
    clock : Clock, optional
        Of all points together.

    Raises
    ------
    StoppedError
        At a limit of the clock, or if the memory is full.
    ModelsizerError
        If Dask is asked for and not installed, or no scheduler answers.
    LostWorkerError
        If a worker dies.
    """
    clock = Clock() if clock is None else clock
    order = question.grid.neighbours(missing)
    spec = Spec.of(question)
    if not order:
        return
    if dask is not None:
        yield from _on_dask(spec, order, dask, jobs or cores(), clock)
    elif jobs == 1 or (jobs is None and cores() == 1):
        yield from spec.point_solver().under(clock).rows(order)
    elif jobs is not None:
        yield from _in_processes(spec, order, jobs, clock)
    else:
        yield from _where_it_pays(spec, order, clock)


def cores() -> int:
    """Cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _where_it_pays(spec: Spec, order: Sequence[int], clock: Clock) -> Iterator[Row]:
    """Solve here, and start processes once the rest would take longer than they take to start."""
    solver, started = spec.point_solver().under(clock), time.monotonic()
    for done, index in enumerate(order, start=1):
        yield solver.row(index)
        spent, left = time.monotonic() - started, len(order) - done
        rest = spent / done * left
        seconds = clock.left.seconds
        if spent >= _PATIENCE and (rest if seconds is None else min(rest, seconds)) >= _WORTH:
            yield from _in_processes(spec, order[done:], min(cores(), left), clock)
            return


def _handed_out(
    executor: Executor, spec: Spec, order: Sequence[int], workers: int, clock: Clock
) -> Iterator[Row]:
    """Rows as the workers return them."""
    size = min(_LONGEST_RUN, -(-len(order) // (workers * _RUNS_A_WORKER)))
    waiting = deque(runs(order, size))
    pending: set[Future[tuple[list[Row], tuple[int, ...]]]] = set()
    while waiting or pending:
        clock.check()
        left = clock.left.seconds
        with _ignoring_interrupts():
            while waiting and len(pending) < workers * _AHEAD:
                pending.add(executor.submit(solve_run, spec, waiting.popleft(), _before(left)))
        done, pending = wait(pending, left, return_when=FIRST_COMPLETED)
        for future in done:
            rows, rest = future.result()
            if rest:
                waiting.appendleft(rest)
            yield from rows


def _before(seconds: float | None) -> float | None:
    """Seconds for a worker, so that what it has solved arrives in time."""
    return None if seconds is None else max(seconds - _RETURN, 0.0)


# Processes


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Processes started within ignore Ctrl-C: this process stops them, after the start."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if hasattr(signal, "pthread_sigmask"):
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def _begin() -> None:
    """Set up a worker that ignores Ctrl-C, and ends with its parent even if that is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.join,), daemon=True).start()


def _end_with(join: Callable[[], None]) -> None:
    join()
    os._exit(1)


def _in_processes(spec: Spec, order: Sequence[int], workers: int, clock: Clock) -> Iterator[Row]:
    others = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
    )
    try:
        yield from _handed_out(executor, spec, order, workers, clock)
    except BrokenProcessPool:
        raise LostWorkerError("a worker process died, perhaps for want of memory") from None
    except BaseException:
        for child in multiprocessing.active_children():
            if child not in others:
                child.terminate()  # it may be in a long solve
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
            # Failures are reported in a sentence, not in a log of tracebacks.
            logging.getLogger(name).setLevel(logging.CRITICAL)
    return found


def check_dask(address: str) -> None:
    """Refuse a malformed address, and Dask where it is not installed.

    Raises
    ------
    ArgumentError
        If the address is malformed.
    ModelsizerError
        If Dask is not installed.
    """
    if address != LOCAL and "://" not in address:
        raise ArgumentError("dask", f"{address!r} is not tcp://HOST:PORT or {LOCAL}")
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
        with _ignoring_interrupts():
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
    """Refuse a cluster whose workers run another version, or have none installed."""
    try:
        found = set(client.run(importlib.metadata.version, "modelsizer").values())
    except importlib.metadata.PackageNotFoundError:
        raise ModelsizerError("--dask: install modelsizer on the workers, too") from None
    if found - {__version__}:
        other = ", ".join(sorted(found - {__version__}))
        raise ModelsizerError(
            f"--dask: workers run modelsizer {other}, this is {__version__}: install the same"
        )


def _on_dask(
    spec: Spec, order: Sequence[int], address: str, workers: int, clock: Clock
) -> Iterator[Row]:
    with _client(address, workers) as client:
        threads = sum(client.nthreads().values()) or workers
        executor = client.get_executor()
        try:
            yield from _handed_out(executor, spec, order, threads, clock)
        except (OSError, CancelledError, _distributed().KilledWorker) as error:
            raise LostWorkerError(
                f"--dask: the cluster is gone: {str(error) or 'no answer'}"
            ) from None
        finally:
            executor.shutdown(wait=False)
