"""Every command that takes --time-limit ends by then, whatever the problem, and says what it knows.

Time is the CPU time of a process of its own, which other work on the machine does not lengthen.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

START, MARGIN = 1.5, 1.5
"""Seconds of the start of Python on a slow machine, and those allowed after the limit."""

LARGE = """
name = "large"
[space]
layers = {min = 2, max = 128}
d_model = {min = 256, max = 16384, step = 64}
head_dim = [32, 64, 96, 128, 192, 256]
kv_heads = [1, 2, 4, 8, 16, 32]
ffn_ratio = {min = 1.0, max = 8.0, step = 0.25}
ffn_multiple = 64
vocab_size = [32000, 128256]
tied_embeddings = [true, false]
[training]
accelerator = "H100-SXM"
accelerators = 512
tensor_parallel = [1, 2, 4, 8]
pipeline_parallel = [1, 2, 4, 8, 16]
[serving]
accelerator = "H100-SXM"
batch_size = 32
context_length = 16384
[budgets]
training_time = "30 days"
training_memory = "60 GB"
serving_memory = "60 GB"
decode_latency = "15 ms"
kv_cache = "20 GB"
"""
"""Some 1e8 pairs of design and layout: a solve takes a minute."""
MIDDLE = """
name = "middle"
[space]
layers = {min = 2, max = 128}
d_model = {min = 256, max = 16384, step = 128}
head_dim = [64, 128]
kv_heads = [1, 2, 4, 8, 16]
ffn_ratio = {min = 1.0, max = 8.0, step = 0.25}
ffn_multiple = 128
vocab_size = 32000
[serving]
accelerator = "H100-SXM"
context_length = 16384
[budgets]
training_flops = 1e23
serving_memory = "60 GB"
decode_latency = "15 ms"
kv_cache = "20 GB"
"""
"""Some 1e7 designs: a solve takes a second, and what else is asked takes longer."""
IMPOSSIBLE = ("--set", "budgets.decode_latency=2 ms", "--set", "budgets.loss=1.9")

COMMANDS: dict[str, tuple[str, ...]] = {
    "explain": ("explain", "FILE", *IMPOSSIBLE),
    "prices": ("prices", "FILE"),
    "whatif": ("whatif", "FILE", "--set", "serving.batch_size=1,2,4,8,16,32,64,128"),
    "compare-laws": ("compare-laws", "FILE", "--over", "budgets.serving_memory"),
    "uncertainty": ("uncertainty", "FILE", "--law", "docs/mylaw.toml"),
    "audit": ("audit", "llama-3-8b", "--problem", "FILE"),
    "verify": ("solve", "FILE", "--verify"),
    "best": ("solve", "FILE", "--best", "20000"),
    "within": ("solve", "FILE", "--within", "0.1", "--diverse"),
    "near": ("solve", "FILE", "--near", "llama-3-8b"),
    "fix": ("solve", "FILE", "--fix", "layers=30"),
    "laws": ("solve", "FILE", "--laws", "kaplan-2020,hoffmann-2022"),
    "write": ("solve", "FILE", "--write", "FILE.lp"),
    "scipy": ("solve", "FILE", "--solver", "scipy"),
    "exhaustive": ("solve", "FILE", "--solver", "exhaustive"),
}
FAST = ("explain", "best")
"""Commands that the default tests run."""


def check(folder: Path, name: str, problem: str, limit: float) -> None:
    path, answer = folder / "x.toml", folder / "a.json"
    path.write_text(problem)
    args = [word.replace("FILE", str(path)) for word in COMMANDS[name]]
    command = [sys.executable, "-m", "modelsizer", *args, "--json", str(answer)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [*command, "--time-limit", str(limit)], capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used <= limit + START + MARGIN
    assert done.returncode in (0, 3), done.stderr
    found = json.loads(answer.read_text())
    assert found["complete"] == (done.returncode == 0)
    if not found["complete"]:
        text = " ".join(done.stdout.split())
        assert "the time limit was reached" in text or "Not verified" in text, done.stdout


@pytest.mark.parametrize("name", FAST)
def test_a_short_limit_is_kept(name: str, tmp_path: Path) -> None:
    check(tmp_path, name, MIDDLE, 0.1)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0.1, 1.0, 4.0])
@pytest.mark.parametrize("problem", [MIDDLE, LARGE], ids=["middle", "large"])
@pytest.mark.parametrize("name", COMMANDS)
def test_limits_are_kept(name: str, problem: str, limit: float, tmp_path: Path) -> None:
    check(tmp_path, name, problem, limit)
