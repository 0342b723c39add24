"""Signals of the command line: when the process ends, and what is handed over before."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

BEGIN = """
import os, signal, sys, time
from modelsizer.problems import interrupts
interrupts.install()
interrupts._PATIENCE = 0.4  # seconds, a second in earnest

def press(number=signal.SIGINT):
    signal.raise_signal(number)  # to this thread, so that it is there when this returns
"""


def _unhandled() -> None:
    """What a test before this one ignores is not ignored here."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def run(code: str, folder: Path | None = None) -> tuple[int, str, str, float]:
    """Exit status, what was printed, and seconds after the imports."""
    started = time.perf_counter()
    told = subprocess.run(
        [sys.executable, "-c", BEGIN + code],
        capture_output=True,
        text=True,
        cwd=folder,
        preexec_fn=_unhandled,
    )
    return told.returncode, told.stdout, told.stderr, time.perf_counter() - started


def test_it_ends_at_once_where_nothing_is_known() -> None:
    status, out, err, _ = run("press(); print('after', flush=True)")
    assert (status, out, err) == (130, "", "interrupted\n")


def test_what_must_be_whole_is() -> None:
    code = "with interrupts.whole():\n    press(); print('whole', flush=True)\nprint('after')"
    assert run(code)[:3] == (130, "whole\n", "interrupted\n")
    status, out, err, _ = run(code.replace("press()", "press(signal.SIGTERM)"))
    assert (status, out, err) == (128 + signal.SIGTERM, "whole\n", "terminated\n")


def test_a_second_one_ends_at_once() -> None:
    code = "with interrupts.whole():\n    press(); press(); print('whole', flush=True)"
    assert run(code)[:3] == (130, "", "interrupted\n")


def test_an_unfinished_file_is_removed(tmp_path: Path) -> None:
    code = """
with interrupts.unfinished("part"), open("part", "w") as file:
    file.write("half")
    file.flush()
    press()
"""
    assert run(code, tmp_path)[0] == 130
    assert not list(tmp_path.iterdir())


def test_processes_do_not_outlive_it() -> None:
    code = """
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
press()
"""
    status, out, _, _ = run(code)
    assert status == 130
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            os.kill(int(out), 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{int(out)}/stat").read_text().split()[2] == "Z":  # nobody waits for it
            return
        time.sleep(0.01)
    pytest.fail("the child lives on")


CLOCKS = """
from modelsizer.optimizer.tables.clock import Clock, Ending
first, ending = Clock(), Ending()
with ending:
    press()
    while True:
        first.check()
other = Clock()
print(ending.stop, first.interrupted, first.stop, other.out_of_time, first.left.seconds < 0.01)
"""


def test_clocks_are_out_of_time_but_for_new_ones() -> None:
    assert run(CLOCKS)[:3] == (0, "interrupted True interrupted False True\n", "")


def test_work_that_looks_at_no_clock_is_ended() -> None:
    code = """
from modelsizer.optimizer.tables.clock import Ending
ending, started = Ending(), time.perf_counter()
with ending:
    press()
    time.sleep(30)
print(ending.stop, time.perf_counter() - started < 5)
with ending:
    time.sleep(0.6)  # nothing is raised again
print("handed over")
"""
    assert run(code)[:3] == (0, "interrupted True\nhanded over\n", "")


def test_no_import_is_cut(tmp_path: Path) -> None:
    (tmp_path / "slow_module.py").write_text("import time\ntime.sleep(0.7)\nWHOLE = True\n")
    code = """
sys.path.insert(0, "")
try:
    with interrupts.held():
        press()
        import slow_module
        time.sleep(30)
except KeyboardInterrupt:
    print(slow_module.WHOLE)
"""
    assert run(code, tmp_path)[:3] == (0, "True\n", "")


def test_an_interrupt_that_cannot_be_raised_is_raised_later() -> None:
    code = """
class Ends:
    def __del__(self):
        time.sleep(0.7)
try:
    with interrupts.held():
        press()
        Ends()
        time.sleep(30)
except KeyboardInterrupt:
    print("raised")
"""
    assert run(code)[:3] == (0, "raised\n", "")


def test_the_last_phase_hears_nothing() -> None:
    code = "import atexit; atexit.register(press); interrupts.finished(0); print('done')"
    assert run(code)[:3] == (0, "done\n", "")


def test_a_thread_that_was_left_is_not_waited_for() -> None:
    code = """
import threading
threading.Thread(target=time.sleep, args=(60,)).start()
interrupts.leave_threads()
print("done", flush=True)
interrupts.finished(3)
"""
    status, out, _, seconds = run(code)
    assert (status, out) == (3, "done\n") and seconds < 30
