"""Published models against the optimum of their own budgets."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer import Problem, solve
from modelsizer.cli import app
from modelsizer.optimizer.audit import Audit, AuditError, audit
from modelsizer.optimizer.audit_block import block_of, left_out
from modelsizer.problems.architecture.models import models
from modelsizer.problems.units import exact
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


FEW = ("gpt2", "opt-350m", "pythia-2.8b", "qwen3-0.6b")
UNSEARCHABLE = {
    "falcon-h1-0.5b", "falcon-mamba-7b", "falcon3-mamba-7b", "gemma-4-26b-a4b", "jamba-v0.1",
    "lfm2-350m", "lfm2-1.2b", "lfm2-2.6b", "lfm2-8b-a1b", "mamba-130m", "mamba-codestral-7b",
    "minimax-text-01-456b", "recurrentgemma-2b",
}  # fmt: skip


def assert_no_worse_than_the_model(name: str, tokens: float | None = None) -> Audit:
    model = models()[name]
    found = audit(model.architecture, tokens or model.tokens or 2e12)
    assert found.complete and not found.model.violated
    # To the last digit: the model's own loss, at its own tokens, is never beaten by the optimum.
    assert found.optimum.best.loss <= found.model.loss
    assert found.cheapest.best.loss <= found.model.loss
    assert found.cheapest.best.exact["training_flops"] <= found.model.exact["training_flops"]
    for result in (found.optimum, found.cheapest):
        assert result.bound is not None and result.gap is not None and result.gap >= 0
    return found


@pytest.mark.parametrize("name", FEW)
def test_no_optimum_is_worse_than_the_model(name: str) -> None:
    assert_no_worse_than_the_model(name)


def test_tokens_that_are_no_whole_number_are_kept_to_the_last_digit() -> None:
    tokens = 3712614294821.027
    assert Fraction(tokens) != exact(tokens)  # the FLOPs of either fit the budget
    assert assert_no_worse_than_the_model("gpt2", tokens).model.tokens == tokens


@pytest.mark.slow
@pytest.mark.parametrize("name", models())
def test_no_model_of_the_catalogue_has_a_worse_optimum(name: str) -> None:
    if name in UNSEARCHABLE:
        with pytest.raises(AuditError, match="no space offers"):
            assert_no_worse_than_the_model(name)
    else:
        assert_no_worse_than_the_model(name)


def test_a_model_stands_where_no_design_is_better() -> None:
    tables = {
        "space": {"layers": 2, "d_model": 256, "vocab_size": 128256, "heads": 2},
        "budgets": {"training_flops": 1e21},
    }
    model = models()["llama-3-8b"].architecture
    found = audit(model, 15e12, problem=Problem.from_tables(tables))
    assert found.stands == (True, True) and found.loss_gained == 0
    assert found.compute_needed == pytest.approx(1, rel=1e-12)
    assert found.optimum.best.architecture is model and found.optimum.status == "optimal"
    assert {use.name for use in found.optimum.budgets if use.binding} >= {"training_flops"}
    assert found.to_dict()["stands"] == {"optimum": True, "cheapest": True}
    # A limit that the model breaks leaves the space alone.
    short = Problem.from_tables(tables | {"training": {"tokens": {"max": 1e12}}})
    with pytest.raises(AuditError, match=r"the model itself breaks training\.tokens"):
        audit(model, 15e12, problem=short)


def test_parts_that_no_block_has_are_named() -> None:
    catalogue = models()
    found = {name: left_out(catalogue[name].architecture, block_of(catalogue[name].architecture))
             for name in ("llama-3-8b", "gpt-oss-20b", "qwen3-30b-a3b", "opt-350m", "nemotron-h-8b",
                          "mistral-7b", "mimo-v2-flash")}  # fmt: skip
    assert not (found["llama-3-8b"] or found["gpt-oss-20b"] or found["qwen3-30b-a3b"])
    assert found["opt-350m"] == ("trunk.norms", "trunk.embedding_width")
    assert found["nemotron-h-8b"] == ("layer.halves",) and found["mistral-7b"] == ("layer.full",)
    assert {"attention.sinks", "attention.value_dim"} <= {*found["mimo-v2-flash"]}


def test_an_answer_has_tokens_of_its_own(tmp_path: Path) -> None:
    answer, told = tmp_path / "a.json", tmp_path / "b.json"
    CliRunner().invoke(app, ["solve", "phone-2gb", "--json", str(answer)])
    said = CliRunner().invoke(app, ["audit", str(answer), "--json", str(told)])
    assert said.exit_code == 0
    tokens = json.loads(answer.read_text())["tokens"]
    assert json.loads(told.read_text())["model"]["tokens"] == tokens
    assert "a.json against" in said.stdout


def test_the_picture_has_the_model_beside_the_optimum(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    args = ["audit", "gpt2-xl", "--tokens", "1e11", "--plot", str(path)]
    assert CliRunner().invoke(app, args).exit_code == 0
    assert all(name in path.read_text() for name in ("gpt2-xl", "least loss", "least FLOPs"))
    assert CliRunner().invoke(app, [*args, "--picture", "roofline"]).exit_code == 2


def test_undertrained_models_shrink() -> None:
    found = audited("gpt-3-175b")
    assert found.optimum.best.parameters.total < found.model.parameters.total / 2
    assert found.optimum.best.tokens > 2 * found.model.tokens


def test_what_cannot_be_searched_is_refused() -> None:
    with pytest.raises(AuditError, match=r"falcon_mamba.*mixers"):
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


def test_an_answer_is_judged_as_its_problem_judges(tmp_path: Path) -> None:
    rates = {"65536": 4.4}
    settings = {"objective.ablations": "none", "tokenizer": {"bytes_per_token": rates}}
    problem = Problem.load("phone-2gb", settings | {"objective.law": "hoffmann-2022"})
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps(solve(problem).to_dict()))
    found = CliRunner().invoke(app, ["audit", str(answer), "--json", "-"])
    assert found.exit_code == 0, found.output
    told = json.loads(found.stdout)
    tables = told["optimum"]["problem"]
    assert (
        tables["objective"]["ablations"] == "none"
        and tables["objective"]["law"] == problem.law.name
    )
    assert tables["tokenizer"]["bytes_per_token"] == rates
    assert told["model"]["loss"] == json.loads(answer.read_text())["loss"]
    other = CliRunner().invoke(app, ["audit", str(answer), "--json", "-", "--law", "kaplan-2020"])
    other_tables = json.loads(other.stdout)["optimum"]["problem"]
    assert other_tables["objective"]["law"] == "kaplan-2020" and "tokenizer" in other_tables
