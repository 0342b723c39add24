"""Completion by a shell: what is offered, by the protocol of each shell and in bash itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer.cli import COMMANDS, app
from modelsizer.commands.completion import keys, values
from modelsizer.commands.views.view import VIEWS
from modelsizer.plots.drawing.style import SIZES
from modelsizer.problems.architecture.configs.exports.export import EXPORTERS
from modelsizer.problems.architecture.models import models
from modelsizer.problems.laws.published import TOKEN_LAWS
from modelsizer.problems.reading import library
from modelsizer.problems.schema import described_keys

CODE = "import sys; sys.argv = ['modelsizer']; from modelsizer.__main__ import main; main()"


def offered(line: str, *, shell: str = "bash", folder: Path | None = None) -> list[str]:
    """What is offered for the last word of a command line, after what bash makes of it."""
    words = line.split(" ")
    last = words[-1].replace("=", " = ").split(" ") if shell == "bash" else [words[-1]]
    words = [*words[:-1], *(last if last[-1] or len(last) == 1 else last[:-1])]
    asked = {
        "_MODELSIZER_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    with pytest.MonkeyPatch.context() as patch:
        if folder is not None:
            patch.chdir(folder)
        answer = CliRunner().invoke(app, [], env=asked, prog_name="modelsizer")
    assert answer.exit_code == 0
    assert answer.stderr == ""
    return answer.stdout.split("\n")[:-1] if answer.stdout.strip() else []


def test_commands_and_options() -> None:
    assert offered("modelsizer ") == list(COMMANDS)
    assert offered("modelsizer so") == ["solve"]
    assert offered("modelsizer solve one-h100-1e24 --wi") == ["--without", "--within"]
    assert offered("modelsizer nothing x") == []


def test_problems_and_files(tmp_path: Path) -> None:
    for name in ("one.toml", "one.txt", ".one.toml"):
        (tmp_path / name).write_text("")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "two.toml").write_text("")
    assert offered("modelsizer solve one", folder=tmp_path) == ["one-h100-1e24", "one.toml"]
    assert offered("modelsizer check ow", folder=tmp_path) == ["own/", "own/two.toml"]
    assert offered("modelsizer problems pho", folder=tmp_path) == ["phone-2gb"]
    assert set(library()) < set(offered("modelsizer solve ", folder=tmp_path))


def test_keys_and_values_of_settings() -> None:
    assert offered("modelsizer solve x --set budgets.decode_th") == [
        "budgets.decode_throughput=",
        "budgets.decode_throughput=VALUE",
    ]
    # bash takes what follows the sign for a word of its own; other shells do not
    assert offered("modelsizer solve x --set serving.accelerator=H100-P") == ["H100-PCIe"]
    assert offered("modelsizer solve x --set serving.accelerator=H100-P", shell="fish") == [
        "serving.accelerator=H100-PCIe"
    ]
    assert offered("modelsizer solve x --set training.recompute=") == [
        "none", "selective", "half", "full",
    ]  # fmt: skip
    assert offered("modelsizer sweep x --set serving.accelerator=L4,L40S", shell="fish") == [
        "serving.accelerator=L4,L40S"
    ]
    assert offered("modelsizer solve x --without budgets.kv_c") == ["budgets.kv_cache"]
    assert offered("modelsizer solve x --export h") == ["hf:", "hf:config.json"]
    assert offered("modelsizer solve x --fix tied") == [
        "tied_embeddings=", "tied_embeddings=true", "tied_embeddings=false",
    ]  # fmt: skip


def test_names_of_catalogues() -> None:
    assert offered("modelsizer describe llama-3-8") == ["llama-3-8b"]
    assert offered("modelsizer accelerators H200") == ["H200-SXM", "H200-NVL"]
    assert offered("modelsizer laws kap") == ["kaplan-2020"]
    assert offered("modelsizer solve x --law hoffmann-2022-r") == ["hoffmann-2022-rounded"]
    assert "kaplan-2020,muennighoff-2023" in offered("modelsizer solve x --laws kaplan-2020,mue")
    assert set(values("serving.speculation.model")) == set(models())
    assert {row.name for row in TOKEN_LAWS.values()} <= set(values("objective.law"))


def test_words_that_are_listed_are_those_of_the_code() -> None:
    assert offered("modelsizer export x --to ") == list(EXPORTERS)
    assert set(offered("modelsizer describe x --view ")) == set(VIEWS)
    assert set(offered("modelsizer solve x --plot-size ")) == set(SIZES)
    assert {"bound", "scipy", "exhaustive"} < set(offered("modelsizer solve x --solver "))


def test_every_key_of_the_file_is_offered() -> None:
    wanted = {key.key for key in described_keys() if "NAME" not in key.key}
    tables = {key.partition(".")[0] for key in wanted if "." in key} | {
        "laws",
        "scenarios",
        "prices",
    }
    assert wanted - tables <= set(keys())


def test_other_shells_are_told_what_a_command_does() -> None:
    (zsh,) = offered("modelsizer so", shell="zsh")
    assert '"solve":"Find the best design' in zsh


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_of_shells_are_made(shell: str) -> None:
    asked = os.environ | {"_MODELSIZER_COMPLETE": f"source_{shell}"}
    answer = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, env=asked)
    assert "_MODELSIZER_COMPLETE=complete_" + shell in answer.stdout
    if found := shutil.which(shell):
        flag = {"fish": "--no-execute"}.get(shell, "-n")
        subprocess.run([found, flag], input=answer.stdout, text=True, check=True)


@pytest.mark.parametrize(
    ("name", "plain", "double", "single"),
    [
        ("my file.toml", r"my\ file.toml", "my file.toml", "my file.toml"),
        ("my;rm $x.toml", r"my\;rm\ \$x.toml", r"my;rm \$x.toml", "my;rm $x.toml"),
        ("my'q'.toml", r"my\'q\'.toml", "my'q'.toml", None),
        ("my\nline.toml", None, None, None),
        ("myé.toml", "myé.toml", "myé.toml", "myé.toml"),
    ],
)
def test_bash_inserts_names_of_files_quoted(
    name: str, plain: str | None, double: str | None, single: str | None, tmp_path: Path
) -> None:
    (tmp_path / name).touch()
    for opening, found in (("", plain), ('"', double), ("'", single)):
        assert offered(f"modelsizer check {opening}my", folder=tmp_path) == (
            [] if found is None else [found]
        )


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_by_its_script(tmp_path: Path) -> None:
    program = tmp_path / "modelsizer"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{CODE}"\n')
    program.chmod(0o755)
    script = f"""
PATH="{tmp_path}:$PATH"
eval "$(_MODELSIZER_COMPLETE=source_bash modelsizer)"
COMP_WORDS=(modelsizer solve one-h100-1e24 --set serving.accelerator = H100-N) COMP_CWORD=6
_modelsizer_completion modelsizer
echo "${{COMPREPLY[*]}}"
complete -p modelsizer
"""
    answer = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True)
    assert answer.stdout.splitlines()[0] == "H100-NVL"
    assert "_modelsizer_completion modelsizer" in answer.stdout


def test_completion_computes_nothing() -> None:
    code = (
        "import sys; sys.argv = ['modelsizer']\n"
        "from modelsizer.__main__ import main\n"
        "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    )
    asked = {"_MODELSIZER_COMPLETE": "complete_bash", "COMP_CWORD": "4"}
    asked["COMP_WORDS"] = "modelsizer\nsolve\nx\n--set\nserv"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | asked
    )
    assert "serving.accelerator=" in answer.stdout
    assert not {"numpy", "scipy", "rich", "matplotlib"} & set(answer.stderr.split())
