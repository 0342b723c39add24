"""The command line as its users meet it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from typer.testing import CliRunner

import modelsizer
from modelsizer.cli import app, main
from modelsizer.problems.reading import library
from tests.support.problem_text import GOOD
from tests.support.shared import SOLVERS

KEYS = {"status", "solver", "seconds", "objective", "lower_bound", "gap", "loss", "architecture",
        "parameters", "tokens", "training_flops", "budgets", "warnings"}  # fmt: skip


def run(*args: str, code: int = 0) -> Any:
    answer = CliRunner().invoke(app, list(args))
    assert answer.exit_code == code, answer.output + answer.stderr
    return answer


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.toml"
    path.write_text(GOOD)
    return path


@pytest.mark.parametrize("name", sorted(library()))
def test_library_problems_are_solved_by_name(name: str) -> None:
    out = json.loads(run("solve", name, "--json", "-").stdout)
    assert set(out) >= KEYS
    assert out["status"] == "optimal"
    for use in out["budgets"]:
        assert use["used"] <= use["limit"] if use["side"] == "max" else use["used"] >= use["limit"]
    assert out["gap"] == 0
    assert out["lower_bound"] == out["upper_bound"] == out["objective"]["value"]


def test_problems_lists_them() -> None:
    text = run("problems").stdout
    listed = json.loads(run("problems", "--json", "-").stdout)["problems"]
    assert len(listed) >= 6
    assert [p["name"] for p in listed] == sorted(library())
    assert all(p["name"] in text and p["designs"] > 0 for p in listed)


def test_text_of_an_answer(good: Path) -> None:
    text = run("solve", str(good)).stdout
    for word in ("optimal", "d_model", "heads", "tokens", "besiroglu-2024", "gemstones-2025",
                 "training_flops", "binds", "Proven optimal", "Gap 0"):  # fmt: skip
        assert word in text
    assert max(map(len, text.splitlines())) <= 80


def test_json_to_a_file_and_text_to_people(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    text = run("solve", str(good), "--json", str(path)).stdout
    assert "Proven optimal" in text
    assert json.loads(path.read_text())["status"] == "optimal"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["good.toml", "out.json"]


def test_json_that_cannot_be_written(good: Path, tmp_path: Path) -> None:
    answer = run("solve", str(good), "--json", str(tmp_path / "none" / "x.json"), code=2)
    assert "cannot be written" in answer.stderr


@pytest.mark.parametrize(
    ("setting", "code", "word"),
    [
        ("budgets.training_flops=2e21", 0, ""),
        ("budgets.kv_cache=80 GB", 0, ""),
        ("budgets.parameters={max = 1e9}", 0, ""),
        ("space.kv_heads=[4]", 0, ""),
        ("budgets.parameters=1e6", 1, ""),
        ("budgets.training_flop=1", 2, "training_flops"),
        ("space.layers=[]", 2, "empty"),
        ("nonsense", 2, "key=value"),
        ("=3", 2, "key=value"),
        ("training=3", 2, "not a table"),
        ("space.layers.min.x=3", 2, "space.layers"),
    ],
)
def test_set(good: Path, setting: str, code: int, word: str) -> None:
    assert word in run("solve", str(good), "--set", setting, "--json", "-", code=code).stderr


def test_infeasible_names_the_budget_no_design_meets(good: Path) -> None:
    text = run("solve", str(good), "--set", "budgets.serving_memory=1 MB", code=1).stdout
    assert "Proven infeasible" in text
    assert "budgets.serving_memory <= 1 MB: the least of any design of the space is" in text
    out = json.loads(
        run("solve", str(good), "--set", "budgets.loss=1.9", "--json", "-", code=1).stdout
    )
    assert out["status"] == "infeasible" and out["objective"]["value"] is None
    assert "budgets.loss <= 1.9" in out["warnings"][0]


@pytest.mark.parametrize("solver", ["auto", "bound", "scipy", "pulp", "exhaustive"])
def test_limits_exit_with_3(solver: str) -> None:
    args = ("solve", "one-h100-1e24", "--solver", solver, "--time-limit", "0", "--set",
            "space.vocab_size={min = 120000, max = 128192, step = 256}", "--json", "-")  # fmt: skip
    out = json.loads(run(*args, code=3).stdout)
    assert out["status"] == "limit"
    assert out["objective"]["value"] is not None
    assert out["lower_bound"] <= out["objective"]["value"]


@pytest.mark.parametrize(
    "args",
    [
        ("solve", "one-h100-1e24", "--solver", "gurobi"),
        ("solve", "one-h100-1e24", "--time-limit", "-1"),
        ("solve", "one-h100-1e24", "--gap", "nan"),
        ("solve", "one-h100-1e24", "--write", "x.txt"),
        ("solve",),
        ("sovle", "x"),
    ],
)
def test_bad_arguments_exit_with_2(args: tuple[str, ...]) -> None:
    assert "Traceback" not in run(*args, code=2).stderr


@pytest.mark.parametrize("ending", ["lp", "mps"])
def test_write(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"model.{ending}"
    run("solve", "one-h100-1e24", "--write", str(path))
    text = path.read_text()
    assert "one_design" in text
    assert "budgets_serving_memory" in text


def test_shape_none_picks_the_absurd_and_is_warned_about() -> None:
    settings = ("--set", "objective.shape=none", "--set", "space.aspect_ratio={min=1}")
    blind = json.loads(run("solve", "one-h100-1e24", *settings, "--json", "-").stdout)
    seeing = json.loads(run("solve", "one-h100-1e24", *settings[2:], "--json", "-").stdout)
    a, b = blind["architecture"], seeing["architecture"]
    assert a["layers"] <= 12 and a["d_model"] / a["layers"] > 1000
    assert any("blind to depth" in warning for warning in blind["warnings"])
    assert b["layers"] >= 40
    assert not any("blind to depth" in warning for warning in seeing["warnings"])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"space.layers": "{min=8, max=40}"}, "layers = 40 (most)"),
        ({"space.d_model": "{min=1024, max=4096}"}, "d_model = 4096 (most)"),
        ({"training.unique_tokens": "500B"}, "epochs"),
        ({"objective.law": "kaplan-2020"}, "non-embedding parameters (fitted to 1.5B)"),
        ({"budgets.kv_cache": "900 GB"}, "kv_cache 900 GB (at most"),
        (
            {"serving": "{tensor_parallel = 4}", "space.kv_heads": "2"},
            "each kv head is held 2 times",
        ),
        ({"objective.ablations": "none"}, "blind to kv_heads"),
        ({"objective.ablations": "none"}, "ffn_ratio = "),
    ],
)
def test_warnings(settings: dict[str, str], words: str) -> None:
    args = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    out = json.loads(run("solve", "one-h100-1e24", *args, "--json", "-").stdout)
    assert any(words in warning for warning in out["warnings"]), out["warnings"]


def test_check(good: Path) -> None:
    text = run("check", str(good)).stdout
    out = json.loads(run("check", str(good), "--json", "-").stdout)
    assert "valid" in text
    assert out["designs"] == 9 * out["width_options"]


def test_maximum_has_its_bound_above(good: Path) -> None:
    args = ("--set", "objective={maximize = \"parameters\"}", "--set", "budgets.serving_memory=4 GB",
            "--node-limit", "0", "--json", "-")  # fmt: skip
    answer = CliRunner().invoke(app, ["solve", str(good), *args])
    out = json.loads(answer.stdout)
    assert out["objective"]["sense"] == "maximize"
    assert out["lower_bound"] == out["objective"]["value"] <= out["upper_bound"]


def module(*args: str) -> list[str]:
    return [sys.executable, "-m", "modelsizer", *args]


def test_as_a_module() -> None:
    args = module("solve", "one-h100-1e24", "--json", "-")
    answer = subprocess.run(args, capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout)["status"] == "optimal"
    assert answer.stderr == ""


@pytest.mark.parametrize("solver", SOLVERS)
def test_nothing_but_json_on_standard_output(
    solver: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What a library writes to the file itself would stand in it, too."""
    for name in ("install", "finished"):  # the process of the tests goes on, and keeps its signals
        monkeypatch.setattr(f"modelsizer.cli.{name}", lambda *_: None)
    command = ["modelsizer", "solve", "one-h100-1e24", "--solver", solver, "--json", "-"]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    out, err = capfd.readouterr()
    assert json.loads(out)["status"] == "optimal"
    assert err == ""


def test_verify_says_what_a_second_proof_says(good: Path) -> None:
    out = json.loads(run("solve", str(good), "--verify", "--json", "-").stdout)
    assert out["verification"]["agrees"] is True
    assert out["verification"]["solver"] == "exhaustive"
    text = run("solve", str(good), "--verify").stdout
    assert "Verified: exhaustive, in " in text
    text = run(
        "solve", str(good), "--verify", "--set", "budgets.serving_memory=1 MB", code=1
    ).stdout
    assert "proves that no design keeps every limit" in text


def test_proofs_that_disagree_are_no_success(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelsizer.optimizer.verification import Verification

    other = Verification("scipy", "optimal", 1.0, False, False, 0.1)
    monkeypatch.setattr("modelsizer.optimizer.verification.verify", lambda *_, **__: other)
    text = run("solve", str(good), "--verify", code=3).stdout
    assert "The proofs disagree: scipy" in text


def test_version_and_help() -> None:
    assert modelsizer.__version__ in run("--version").stdout
    text = run("--help").stdout
    assert "..." not in text.partition("Options:")[2]
    assert all(command in text for command in ("solve", "problems", "check"))


WATCHED = (
    "from modelsizer.commands import progress_lines; progress_lines.AFTER = 0.0;"
    "from modelsizer.cli import main; main()"
)
"""The command with a progress line from the first incumbent on."""


def rest_of(screen: BinaryIO) -> bytes:
    """What a terminal still shows of a process that has ended."""
    found = b""
    try:
        while more := screen.read(1024):
            found += more
    except OSError:  # Linux reports the end of a terminal so
        pass
    return found


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_hands_over_what_is_known() -> None:
    """A menu of 3e7 designs, enumerated, interrupted from outside."""
    settings = ["space.layers={min=8, max=700}", "space.vocab_size={min=100096, max=128256, step=128}",
                "space.aspect_ratio={min=0.5}"]  # fmt: skip
    args = [part for s in settings for part in ("--set", s)]
    command = [sys.executable, "-c", WATCHED, "solve", "one-h100-1e24", "--solver", "exhaustive"]
    terminal, err = os.openpty()
    with os.fdopen(terminal, "rb", buffering=0) as screen:
        process = subprocess.Popen(
            [*command, *args, "--json", "-"],
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
            # A job in the background of a script inherits SIGINT ignored, and would never hear it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        os.close(err)
        shown = b""
        while b"incumbent" not in shown:
            shown += screen.read(1024)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate()
        shown += rest_of(screen)
    assert process.returncode == 3, shown
    found = json.loads(out)
    assert found["stop"] == "interrupted"
    assert found["architecture"] is not None
    assert b"Traceback" not in shown
