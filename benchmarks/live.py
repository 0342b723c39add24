"""Time round trips of the live page: a limit is moved, and the answer comes back over HTTP.

`python -m benchmarks.live` serves each problem by the command line, asks for the view at the stops
of the slider of one limit over one connection, as the page does: without what is asked for after
it in a space too large to list (`modelsizer.live.worker`). It prints median and 95th
percentile, and writes benchmarks/results/live.json. Wall time is that of the client; CPU time is
that of the server for each request.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import tomli_w

from benchmarks import families
from modelsizer import Problem

RESULTS = Path("benchmarks/results/live.json")
SOURCES = {
    "one-h100-1e24": "budgets.training_flops",
    "million-dollars": "budgets.training_cost",
    "mixture-30b-a3b:1e9": "budgets.training_flops",
    "mixed:1e9": "budgets.training_flops",
}
"""Key of the limit that is moved, by problem: of the library, of a family (`benchmarks.families`),
or the mixture of the library with menus for 1e9 designs."""
FINER = {
    "space.layers": {"min": 24, "max": 80},
    "space.d_model": {"min": 1536, "max": 4096, "step": 64},
    "space.heads": [8, 16, 32, 48, 64],
    "space.kv_heads": [1, 2, 4, 8],
    "space.vocab_size": [32000, 64000, 100256, 128256, 151936, 176000, 200064, 224000, 256000,
                         262144],
    "space.experts.routed": [16, 32, 64, 96, 128, 192, 256],
    "space.experts.active": [2, 4, 6, 8, 12],
    "space.experts.granularity": [1, 2, 3, 4, 6, 8],
    "space.experts.shared": [0, 1, 2],
    "space.experts.dense_layers": [0, 1, 2, 3],
}  # fmt: skip
MOVES = 41
TICK = os.sysconf("SC_CLK_TCK")


def path_of(source: str, folder: Path) -> str:
    """The file of a problem of a family, or the name of a library problem."""
    family, _, size = source.partition(":")
    if not size:
        return source
    path = folder / f"{family}-{size}.toml"
    if family in families.SOURCES:
        path.write_text(tomli_w.dumps(families.tables(size, family)))
    else:
        path.write_text(Problem.load(family, FINER).to_toml())
    return str(path)


def cpu(pid: int) -> float:
    """CPU seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def moves(source: str, key: str, folder: Path) -> dict[str, Any]:
    """Milliseconds of the round trips of one problem."""
    command = [sys.executable, "-m", "modelsizer", "serve", path_of(source, folder)]
    command += ["--port", "0", "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().split()[0].rpartition(":")[2].strip("/"))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

        def ask(method: str, path: str, body: object = None) -> bytes:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            return connection.getresponse().read()

        page = ask("GET", "/").decode()
        start = page.index('id="data">') + len('id="data">')
        data = json.loads(page[start : page.index("</script>", start)])
        control = next(c for c in data["controls"] if c["key"].removesuffix(".max") == key)
        middle = control["at"]
        stops = control["stops"][middle - MOVES // 4 :][:MOVES]
        wall, spent = [], []
        for stop in stops:  # each once: answers are kept
            before, begin = cpu(server.pid), time.perf_counter()
            state = {"settings": {control["key"]: stop["value"]}, "quick": True}
            found = json.loads(ask("POST", "/view", state))
            wall.append(1000 * (time.perf_counter() - begin))
            spent.append(1000 * (cpu(server.pid) - before))
            assert found["status"] in ("optimal", "infeasible"), found
        server.send_signal(signal.SIGINT)
    return {
        "problem": source,
        "key": key,
        "moves": len(wall),
        "median": statistics.median(wall),
        "p95": statistics.quantiles(wall, n=20)[-1],
        "cpu": statistics.mean(spent),
    }


def main() -> None:
    rows = []
    print(f"{'problem':22}{'what moves':26}{'median ms':>10}{'p95 ms':>9}{'CPU ms':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for source, key in SOURCES.items():
            row = moves(source, key, Path(folder))
            rows.append(row)
            print(f"{source:22}{key:26}{row['median']:10.1f}{row['p95']:9.1f}{row['cpu']:9.1f}")
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
