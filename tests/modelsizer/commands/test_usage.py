"""Mistakes in a command line are said in one line, with what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer.cli import app

P = "one-h100-1e24"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("slove x", "no such command slove (did you mean solve?); see `modelsizer --help`"),
        ("memroy x", "no such command memroy (did you mean memory?); see"),
        ("zzzz", "no such command zzzz; see"),
        (
            f"solve {P} --sett a=b",
            "no such option --sett (did you mean --set?); see `modelsizer solve",
        ),
        (
            f"solve {P} --timelimit 3",
            "no such option --timelimit (did you mean --time-limit?); see",
        ),
        (f"solve {P} --zzz", "no such option --zzz; see"),
        ("--versoin", "no such option --versoin (did you mean --version?)"),
        ("solve", "FILE is missing: a problem file, or a name that `problems` lists; see"),
        ("solve --law", "--law needs a value: judge by this loss law: a name"),
        (f"plan-runs {P}", "--budget is missing: training FLOPs"),
        (f"solve {P} more", "more: this argument is too many; see"),
        (f"solve {P} more most", "more most: these arguments are too many; see"),
        (
            f"check {P} --set serving.accelerator=H100-SXM,L40S",
            """a list: --set 'serving.accelerator=["H100-SXM", "L40S"]'""",
        ),
        (f"check {P} --set space.kv_heads=4,x", "is not a number; write 64, 0.5"),
        (f"solve {P} --best x", "--best: 'x' is not a whole number such as 10; see"),
        ("fit runs.csv --drop-worst -1", "--drop-worst: must be 0 or more, not -1; see"),
        (f"compare-laws {P} --points 1", "--points: must be 2 or more, not 1; see"),
        (f"rank {P} --group-by layer", "'layer' is no choice of a design (did you mean layers?)"),
        (f"frontier {P} --over budgets.flops", "(did you mean budgets.training_flops?)"),
        (
            "models --sort nmae",
            "--sort: 'nmae' is not name, parameters, tokens or year (did you mean name?)",
        ),
        (f"solve {P} --plot-size colum", "'colum' is not wide or column (did you mean column?)"),
        ("users llama-3.1-8b", "write --set serving.accelerator=H100-SXM, or"),
    ],
)
def test_a_mistake_is_one_line(line: str, said: str) -> None:
    found = CliRunner().invoke(app, line.split())
    assert found.exit_code == 2 and not found.stdout
    assert said in found.stderr and found.stderr.count("\n") == 1, found.stderr


def test_files_of_the_folder_are_what_may_be_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("cluster.toml", "mylaw.toml"):
        (tmp_path / name).write_text("name = 'a file'\n")
    for line, said in (
        ("check cluster", "(did you mean cluster.toml?)"),
        ("check clutser.toml", "(did you mean cluster.toml?)"),
        ("check nowhere/x", "and no problem of that name; `modelsizer problems`"),
        (f"solve {P} --law mylaw", "(did you mean mylaw.toml?)"),
        (f"solve {P} --export config.json", "such as hf:config.json"),
        ("export cluster.toml --to hf", "`modelsizer solve` with --export hf:config.json"),
    ):
        found = CliRunner().invoke(app, line.split())
        assert found.exit_code == 2 and said in found.stderr, found.stderr


def test_a_design_is_written_for_several_frameworks(tmp_path: Path) -> None:
    files = [tmp_path / "config.json", tmp_path / "design.sh"]
    given = [f"--export=hf:{files[0]}", f"--export=megatron:{files[1]}"]
    found = CliRunner().invoke(app, ["solve", "phone-2gb", "--quick", *given])
    assert found.exit_code == 0 and all(file.is_file() for file in files), found.stderr
    twice = [given[0], f"--export=megatron:{files[0]}"]
    found = CliRunner().invoke(app, ["solve", "phone-2gb", "--quick", *twice])
    assert found.exit_code == 2 and "is the file that --export writes" in found.stderr
