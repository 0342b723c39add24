"""Reports in narrow and wide terminals, and without the optional packages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer.cli import app

ON_H100 = ("--set", "serving.accelerator=H100-SXM")
COMMANDS = (
    ("solve", "one-h100-1e24"),
    ("solve", "phone-2gb", "--best", "3", "--near", "llama-3-8b"),
    ("explain", "phone-2gb", "--set", "budgets.serving_memory=100 MB"),
    ("whatif", "phone-2gb", "--set", "serving.context_length=1024,2048,4096,8192"),
    ("rank", "fixed-2t-tokens", "--columns", "loss,parameters,layers,d_model,heads,d_ff,kv_cache"),
    ("rank", "phone-2gb", "--group-by", "layers"),
    ("rank", "one-h100-1e24", "--group-by", "layers"),
    ("rank", "one-h100-1e24", "--group-by", "d_model"),
    ("pareto", "phone-2gb", "--points", "3"),
    ("allocate", "deepseek-v3"),
    ("layers", "gemma-3-27b"),
    ("memory", "one-h100-1e24"),
    ("roofline", "llama-3-8b", *ON_H100),
    ("describe", "llama-3-8b", *ON_H100),
    ("laws",),
    ("laws", "kaplan-2020"),
    ("models",),
    ("accelerators",),
    ("accelerators", "H100-SXM"),
    ("problems",),
)


def printed(args: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    result = CliRunner().invoke(app, args)
    assert result.exit_code in (0, 1), result.output
    return result.stdout


@pytest.mark.parametrize("args", COMMANDS, ids=" ".join)
def test_nothing_is_cut_in_a_narrow_terminal(
    args: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow, wide = (printed(args, width, monkeypatch) for width in (40, 120))
    for text, width in ((narrow, 40), (wide, 120)):
        assert "…" not in text
        assert max(map(len, text.splitlines())) <= width
    assert len(narrow.splitlines()) > len(wide.splitlines())


def test_parquet_without_pyarrow_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    path = tmp_path / "all.parquet"
    result = CliRunner().invoke(app, ["rank", "fixed-2t-tokens", "--parquet", str(path)])
    assert result.exit_code == 2
    said = "error: writing Parquet needs pyarrow: pip install 'modelsizer[tables]'\n"
    assert result.stderr == said and not result.stdout
    assert not list(tmp_path.iterdir())
