"""Published models against the optimum of their own budgets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer import Problem, solve
from modelsizer.cli import app
from modelsizer.optimizer.audit import Audit, AuditError, audit
from modelsizer.problems.architecture.models import models
from tests.support.clocks import SECONDS, runs_out_after
from tests.support.mixed_blocks import PATTERNS


def audited(name: str) -> Audit:
    model = models()[name]
    assert model.tokens is not None
    return audit(model.architecture, model.tokens)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("gpt-3-175b", 0.01, 0.03),  # 1.7 tokens a parameter: far too large for its FLOPs
        ("gopher-280b", 0.01, 0.04),
        ("chinchilla-70b", 0.0, 0.001),  # sized by this very law's data
        ("llama-3.1-405b", 0.0, 0.001),
    ],
)
def test_published_models_read_sensibly(name: str, least: float, most: float) -> None:
    found = audited(name)
    assert found.optimum.status == found.cheapest.status == "optimal"
    assert found.loss_gained is not None and found.compute_needed is not None
    assert least <= found.loss_gained <= most
    assert 0.2 < found.compute_needed <= 1.0
    # Every budget is the model's own, and kept.
    for key in ("training_flops", "serving_memory", "kv_bytes_per_token"):
        assert found.optimum.best.exact[key] <= found.model.exact[key]
    assert found.cheapest.best.loss <= found.model.loss


def test_undertrained_models_shrink() -> None:
    found = audited("gpt-3-175b")
    assert found.optimum.best.parameters.total < found.model.parameters.total / 2
    assert found.optimum.best.tokens > 2 * found.model.tokens


def test_what_cannot_be_searched_is_refused() -> None:
    with pytest.raises(AuditError, match="falcon_mamba"):
        audit(models()["falcon-mamba-7b"].architecture, 1e12)
    dense = models()["llama-3-8b"].architecture
    with pytest.raises(AuditError, match="no language head"):
        audit(replace(dense, trunk=replace(dense.trunk, head=1)), 1e12)


@pytest.mark.parametrize(
    ("option", "value", "key"),
    [
        ("--sequence", "2048", "training.sequence_length"),
        ("--law", "hoffmann-2022", "objective.law"),
        ("--shape", "none", "objective.shape"),
    ],
)
def test_an_option_that_a_problem_would_silence(option: str, value: str, key: str) -> None:
    args = ["audit", "llama-3-8b", "--problem", "one-h100-1e24", option, value]
    answer = CliRunner().invoke(app, args)
    assert answer.exit_code == 2
    assert f"{option}: {value} is beside a problem; set {key}" in answer.stderr


def test_command() -> None:
    text = CliRunner().invoke(app, ["audit", "llama-3-8b"]).stdout
    assert "tokens a parameter" in text
    assert max(map(len, text.splitlines())) <= 80
    out = json.loads(CliRunner().invoke(app, ["audit", "llama-3-8b", "--json", "-"]).stdout)
    assert out["loss_gained"] > 0 and out["optimum"]["status"] == "optimal"
    unknown = CliRunner().invoke(app, ["audit", "gpt2"])
    assert unknown.exit_code == 2 and "give --tokens" in unknown.stderr
    bad = CliRunner().invoke(app, ["audit", "gpt2", "--tokens", "lots"])
    assert bad.exit_code == 2 and "not a number" in bad.stderr


def test_loss_that_no_tokens_reach_is_no_warning() -> None:
    """Of some designs the least training FLOPs are infinite: they are no designs, and no NaN."""
    tables = {
        "name": "two kinds of layer",
        "space": {
            "layers": {"min": 4, "max": 20},
            "d_model": {"min": 1024, "max": 2048},
            "vocab_size": 32_000,
            **PATTERNS["every"],
        },
        "budgets": {"training_flops": 1e21},
    }
    best = solve(Problem.from_tables(tables)).best
    assert (audit(best.architecture, tokens=1e11).loss_gained or 0) >= 0


@pytest.mark.parametrize("looks", [0, 2, 4, 6, 8, 10_000])
def test_an_audit_that_is_stopped_gives_no_verdict_that_is_not_proven(
    looks: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "a.json"
    runs_out_after(looks, monkeypatch)
    args = ["audit", "gpt2-xl", "--tokens", "1e11", "--solver", "bound", "--json", str(path)]
    answer = CliRunner().invoke(app, [*args, "--time-limit", str(SECONDS)])
    found = json.loads(path.read_text())
    assert answer.exit_code == (0 if found["complete"] else 3)
    assert found["complete"] or looks < 10_000
    assert not (found["complete"] and looks == 0)
    assert ("Not complete" in answer.output) == (not found["complete"])
    for part, verdict in (("optimum", "loss_gained"), ("cheapest", "compute_needed")):
        assert (found[part]["status"] == "optimal") == (found[verdict] is not None)
