"""Hold the engines to the oracle: `python -m tests.support.layers_oracle --seeds 0:300`.

Prints a row for each difference, then problems, differences, seconds and peak memory of each engine.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time

from modelsizer import Problem
from tests.support.layers_oracle import drawing
from tests.support.layers_oracle.engines import answered, ranked
from tests.support.layers_oracle.search import Oracle

MIB = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0:300")
    parser.add_argument("--engines", default="auto,boxes,scipy,pulp,exhaustive,rank")
    asked = parser.parse_args()
    first, last = (int(n) for n in asked.seeds.split(":"))
    wrong = 0
    for engine in asked.engines.split(","):
        wrong += _in_a_process(engine, range(first, last))
    sys.exit(wrong > 0)


def _in_a_process(engine: str, seeds: range) -> bool:
    """Each engine in a process of its own, so that its peak of memory is its own."""
    child = os.fork()
    if not child:
        os._exit(_run(engine, seeds))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def _run(engine: str, seeds: range) -> int:
    spent, wrong, infeasible = 0.0, 0, 0
    for seed in seeds:
        tables = drawing.tables(seed)
        oracle = Oracle(tables)
        infeasible += not oracle.points
        start = time.perf_counter()
        try:
            problem = Problem.from_tables(tables)
            found = (
                ranked(problem, oracle) if engine == "rank" else answered(problem, engine, oracle)
            )
        except Exception as error:  # a crash is one more difference
            found = [f"{type(error).__name__}: {error}"]
        spent += time.perf_counter() - start
        wrong += bool(found)
        for text in found:
            print(f"{engine} {tables['name']}: {text}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    print(f"{engine}: {len(seeds)} problems ({infeasible} infeasible), {wrong} differ, "
          f"{spent:.1f} s, peak {peak:.0f} MiB", flush=True)  # fmt: skip
    return int(wrong > 0)


if __name__ == "__main__":
    main()
