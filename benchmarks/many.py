"""Time what asks many questions at once, beside another version of this program.

`python -m benchmarks.many [--beside CHECKOUT] [NAME ...]` runs each command of `QUESTIONS` as a
whole process, with this program and, between, with that of another checkout (which needs a .venv
of its own), and says whether the two wrote the same: every number to its last digit. Results go to
benchmarks/results/many.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import families
from benchmarks.points import MEGABYTE

# The parent imports nothing large, for the reason given in `benchmarks.points`.

RESULTS = Path("benchmarks/results/many.json")
RUNS, SHORT = 5, 3.0
"""A command is repeated if it takes less than this many seconds."""
LIMIT = 600.0  # seconds of CPU after which a process is stopped
VARIES = ("seconds", "statistics", "date", "version", "provenance", "written")
"""Keys of JSON that are about the run and not about the answer."""

_CLUSTER = {
    "name": "90 days on 1,024 H100",
    "training": {
        "sequence_length": 8192,
        "accelerator": "H100-SXM",
        "accelerators": 1024,
        "tensor_parallel": [1, 2, 4, 8],
        "pipeline_parallel": [1, 2, 4, 8, 16],
        "zero_stage": 1,
        "recompute": "selective",
        "price_per_hour": 2.5,
        "pue": 1.2,
    },
    "serving": {
        "accelerator": "H100-SXM",
        "accelerators": 8,
        "tensor_parallel": 8,
        "weight_bytes": 1,
        "batch_size": 32,
        "context_length": 16384,
    },
    "budgets": {
        "training_time": "90 days",
        "training_memory": "70 GB",
        "serving_memory": "64 GB",
        "decode_latency": "25 ms",
    },
    "objective": {"ablations": "none"},
}
FEW = {
    "layers": families.steps(24, 128, 1),
    "d_model": families.steps(4096, 16384, 256),
    "kv_heads": [8, 16],
    "ffn_ratio": [3.5, 4.0],
    "vocab_size": 131072,
}
_FINER = FEW | {
    "d_model": families.steps(4096, 16384, 128),
    "kv_heads": [1, 2, 4, 8, 16],
    "ffn_ratio": families.steps(2.5, 4, 0.125),
}
_MANY = {"pipeline_parallel": families.steps(1, 24, 1)}
"""With four degrees of tensor parallelism 96 layouts."""
_RANKED = {
    "layers": families.steps(8, 160, 1),
    "d_model": families.steps(1024, 16384, 64),
    "head_dim": [64, 80, 96, 112, 128, 160, 192, 256],
    "kv_heads": [1, 2, 4, 8, 16],
    "ffn_ratio": families.steps(2.5, 4, 0.0175),
    "ffn_multiple": 64,
    "aspect_ratio": {"min": 40, "max": 200},
}


def cluster(space: dict[str, Any], more: dict[str, Any] | None = None) -> dict[str, Any]:
    """Tables of a problem of training on a cluster in one of many layouts."""
    return _CLUSTER | {"space": space, "training": _CLUSTER["training"] | (more or {})}  # type: ignore[operator]


_SIX = ["A100-80GB-SXM", "H100-SXM", "H200-SXM", "B200-SXM", "MI300X", "GB200"]
_BITS = {key: value for key, value in _CLUSTER["serving"].items() if key != "weight_bytes"}  # type: ignore[attr-defined]
_BITS |= {"weight_bits": [16, 8, 4]}

PROBLEMS: dict[str, dict[str, Any]] = {
    "trained20x6x3": cluster(FEW, {"accelerator": _SIX}) | {"serving": _BITS},
    "served20x6x3": cluster(FEW) | {"serving": _BITS | {"accelerator": _SIX}},
    "few20": cluster(FEW),
    "few96": cluster(FEW, _MANY),
    "finer96": cluster(_FINER, _MANY),
    "dense1e6": families.tables("1e6"),
    "dense1e7": families.tables("1e7"),
    "dense1e8": families.tables("1e8"),
    "alone1e7": families.tables("1e7") | {"objective": {"ablations": "none"}},
    "alone1e8": families.tables("1e8") | {"objective": {"ablations": "none"}},
    "mixed1e7": families.tables("1e7", "mixed"),
    "mixed1e8": families.tables("1e8", "mixed"),
    "ranked": families.tables("1e6") | {
        "space": _RANKED | {"vocab_size": 128256},
        "budgets": {"training_flops": 1e24},
    },
}  # fmt: skip

THREE = "parameters,layers,loss"
_THREE = ("--objectives", THREE, "--json", "{out}.json")
_TOO_LOW = ("--set", "budgets.loss=1.95")
_TOO_LOW_MIXED = ("--set", "budgets.loss=1.87")
"""Losses in nats that no design reaches."""
QUESTIONS: dict[str, tuple[str, ...]] = {
    "help": ("--help",),
    "solve": ("solve", "one-h100-1e24", "--json", "{out}.json"),
    **{
        f"solve by {solver}": (
            "solve",
            "one-h100-1e24",
            "--quick",
            "--solver",
            solver,
            "--json",
            "{out}.json",
        )
        for solver in ("exhaustive", "scipy", "pulp", "pulp:HiGHS")
    },
    "solve quick": ("solve", "one-h100-1e24", "--quick", "--json", "{out}.json"),
    "solve 96 layouts": ("solve", "finer96", "--quick", "--json", "{out}.json"),
    **{
        f"solve {name}": ("solve", name, "--quick", "--json", "{out}.json")
        for name in ("trained20x6x3", "served20x6x3")
    },
    "machines trained20x6x3": ("solve", "trained20x6x3", "--json", "{out}.json"),
    "prices 20 layouts": ("prices", "few20", "--json", "{out}.json"),
    "prices 96 layouts": ("prices", "few96", "--json", "{out}.json"),
    "prices 8e6": ("prices", "dense1e7", "--json", "{out}.json"),
    "compare-laws 8e6": ("compare-laws", "dense1e7", "--json", "{out}.json"),
    "compare-laws mixed": ("compare-laws", "mixed1e7", "--json", "{out}.json"),
    "explain 8e6": ("explain", "dense1e7", *_TOO_LOW, "--json", "{out}.json"),
    "explain 1e8": ("explain", "dense1e8", *_TOO_LOW, "--json", "{out}.json"),
    "explain mixed 1e8": ("explain", "mixed1e8", *_TOO_LOW_MIXED, "--json", "{out}.json"),
    "frontier": ("frontier", "one-h100-1e24", "--points", "41", "--json", "{out}.json"),
    "pareto two 1e8": (
        "pareto",
        "dense1e8",
        "--objectives",
        "loss,serving_memory",
        "--json",
        "{out}.json",
    ),
    "pareto 1e8": ("pareto", "dense1e8", *_THREE),
    "pareto mixed 1e8": ("pareto", "mixed1e8", *_THREE),
    "pareto many 1e8": ("pareto", "alone1e8", *_THREE),
    "pareto many 1e7": (
        "pareto",
        "alone1e7",
        "--objectives",
        THREE,
        "--csv",
        "{out}.csv",
        "--parquet",
        "{out}.parquet",
    ),
    "pareto mixed 1e7": ("pareto", "mixed1e7", *_THREE),
    "rank best 1e7": ("rank", "ranked", "--json", "{out}.json"),
    "rank 1e7": ("rank", "ranked", "--parquet", "{out}.parquet", "--json", "{out}.json"),
    "prices mixed 1e8": ("prices", "mixed1e8", "--json", "{out}.json"),
    "prices 1e8": ("prices", "dense1e8", "--json", "{out}.json"),
    "solve mixed 1e8": ("solve", "mixed1e8", "--json", "{out}.json"),
    "solve 1e8": ("solve", "dense1e8", "--json", "{out}.json"),
    "compare-laws 1e8": ("compare-laws", "dense1e8", "--json", "{out}.json"),
    "compare-laws mixed 1e8": ("compare-laws", "mixed1e8", "--json", "{out}.json"),
}
"""Commands by name. ``{out}`` begins the path of what is written."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a process took, and a digest of what it answered."""

    seconds: float
    cpu: float
    megabytes: float
    status: int
    answer: str


def _pruned(value: Any) -> Any:
    """Leave out what is about the run and not about the answer."""
    if isinstance(value, dict):
        if "within" in value and value.get("complete") is False:
            return {}  # near-ties as far as a fixed time allowed
        return {key: _pruned(inner) for key, inner in value.items() if key not in VARIES}
    return [_pruned(inner) for inner in value] if isinstance(value, list) else value


def digest(folder: Path) -> str:
    """Digest of the answers in a folder: the values of JSON, and the rows of Parquet."""
    found = hashlib.sha256()
    for path in sorted(folder.glob("out*")):
        if path.suffix == ".json":
            text = json.dumps(_pruned(json.loads(path.read_text())), sort_keys=True)
            found.update(text.encode())
        elif path.suffix == ".csv":
            found.update(path.read_bytes())
        else:
            found.update(rows(str(path)).encode())
    return found.hexdigest()[:16]


def rows(path: str) -> str:
    """Digest of the rows of a Parquet file, whatever the types of its columns and its groups."""
    import numpy as np
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    hashes = {name: hashlib.sha256() for name in file.schema_arrow.names}
    for batch in file.iter_batches(1 << 16):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            values = column.to_numpy(zero_copy_only=False)
            if values.dtype.kind in "iuf":
                hashes[name].update(np.asarray(values, dtype=np.float64).tobytes())
            else:
                hashes[name].update("\n".join(map(str, values)).encode())
    return json.dumps({name: found.hexdigest() for name, found in hashes.items()})


def run(program: Path, arguments: tuple[str, ...], folder: Path) -> Seen:
    """Run a command of a program in a process of its own."""
    out = folder / "out"
    out.unlink(missing_ok=True)
    for path in folder.glob("out*"):
        path.unlink()
    command = [str(program), *(part.format(out=out) for part in arguments)]
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder, env=environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (int(LIMIT), int(LIMIT))),
    )  # fmt: skip
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        print(said.decode()[-500:], file=sys.stderr)
    return Seen(
        time.perf_counter() - start,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / MEGABYTE,
        process.returncode,
        # In a process of its own, as the memory of this one counts towards the next peak.
        _own_process("--digest", str(folder)),
    )


def _own_process(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.many", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.strip()


def environment() -> dict[str, str]:
    """The environment of a process: with compiled modules kept, as users have it."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def program(checkout: Path) -> Path:
    """The command of a checkout."""
    return checkout.resolve() / ".venv" / "bin" / "modelsizer"


def measured(names: list[str], beside: Path | None) -> Iterator[dict[str, Any]]:
    """Measure commands with both programs by turns; the least CPU time of each is given."""
    programs = {"now": program(Path())} | ({} if beside is None else {"before": program(beside)})
    with tempfile.TemporaryDirectory() as folder:
        for name, content in PROBLEMS.items():
            Path(folder, f"{name}.toml").write_text(as_toml(content))
        for name in names:
            arguments = tuple(f"{part}.toml" if part in PROBLEMS else part
                              for part in QUESTIONS[name])  # fmt: skip
            runs: dict[str, list[Seen]] = {label: [] for label in programs}
            for _ in range(RUNS):
                for label, path in programs.items():
                    runs[label].append(run(path, arguments, Path(folder)))
                if max(seen[0].cpu for seen in runs.values()) > SHORT:
                    break
            best = {label: min(seen, key=lambda one: one.cpu) for label, seen in runs.items()}
            yield {"name": name, "command": " ".join(arguments)} | {
                label: asdict(one) for label, one in best.items()
            }


def as_toml(content: dict[str, Any]) -> str:
    """A problem file."""
    import tomli_w

    return tomli_w.dumps(content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--digest", type=Path, help="print the digest of a folder")
    asked = parser.parse_args()
    if asked.digest:
        print(digest(asked.digest))
        return
    stored = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    print(f"{'':24}{'before s':>9}{'CPU s':>8}{'MB':>7}{'now s':>9}{'CPU s':>8}{'MB':>7}  same")
    for row in measured(asked.names or list(QUESTIONS), asked.beside):
        stored[row["name"]] = row
        shown = f"{row['name']:24}"
        for label in ("before", "now"):
            one = row.get(label)
            shown += (
                f"{'':24}" if one is None
                else f"{one['seconds']:9.2f}{one['cpu']:8.2f}{one['megabytes']:7.0f}"
            )  # fmt: skip
        if "before" in row:
            same = row["before"]["answer"] == row["now"]["answer"]
            shown += "  yes" if same else "  NO"
        print(shown, flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(stored, indent=2) + "\n")


if __name__ == "__main__":
    main()
