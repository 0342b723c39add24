"""The documentation builds into a site that needs no other host."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from docs.building import notebooks, outputs
from docs.building.functions import sections as functions
from docs.building.reference import LISTS, filled
from modelsizer import __all__ as public
from modelsizer.cli import COMMANDS
from modelsizer.problems.architecture.choices import MENUS
from modelsizer.problems.schema import described_keys
from tests.support.shared import ROOT


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mkdocs") is None, reason="mkdocs is not installed (extra docs)")
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path],
        capture_output=True, text=True, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert "WARNING" not in answer.stderr
    for page in tmp_path.rglob("*.html"):
        text = page.read_text()
        assert "<!-- generated" not in text
        loaded = re.findall(r"<(?:script|img|iframe|link)\b[^>]*(?:src|href)=\"?([^\s\">]+)", text)
        assert loaded and not [a for a in loaded if "//" in a and not a.startswith("data:")], page


def test_titles_of_outputs_are_their_commands() -> None:
    block = "<!-- output: modelsizer a 'b' -->\n```\nx\n```\n"
    assert outputs.titled(block) == "```text title=\"modelsizer a 'b'\"\nx\n```\n"
    above = "    modelsizer a 'b'\n\n"
    assert outputs.titled(above + block) == above + "```text\nx\n```\n"


def test_every_command_and_function_is_in_the_reference() -> None:
    commands = LISTS["commands"]()
    assert [*COMMANDS] == re.findall(r"^### (.*)$", commands, re.MULTILINE)
    assert "--time-limit SECONDS" in commands
    told = re.findall(r"^### (.*)$", functions(), re.MULTILINE)
    assert sorted(told) == sorted(set(public) - {"__version__"})
    with pytest.raises(KeyError):
        filled("<!-- generated: nothing -->\n<!-- end -->")


def test_every_key_is_in_the_reference() -> None:
    sections = dict(re.findall(r"^### `\[(.*?)\]`\n(.*?)(?=^###|\Z)", LISTS["keys"](), re.M | re.S))
    for key in described_keys():
        table, _, name = key.key.rpartition(".")
        same = re.search(r"Keys as in `\[(.*)\]`", sections.get(table, ""))
        assert (
            not table
            or f"| `{name}` |" in sections[same[1] if same else table]
            or key.key in sections
        )
    for menu in MENUS:
        table, _, name = f"space.{menu}".rpartition(".")
        assert f"| `{name}` |" in sections[table], menu
    assert "One of `bf16`, `fp8`, `fp4`" in sections["serving"]


def test_a_notebook_is_a_page_with_its_outputs() -> None:
    code = {"cell_type": "code", "source": ["a = 1\n", "a"]}
    cells = [
        {"cell_type": "markdown", "source": "# Title"},
        {**code, "outputs": [{"output_type": "stream", "text": ["x\n"]}]},
        {**code, "outputs": [{"output_type": "display_data", "data": {"image/png": "aGk=\n"}}]},
        {**code, "outputs": [{"output_type": "execute_result", "data": {"text/html": "<b>\n\n1"}}]},
    ]
    page = notebooks.shown("notebooks/first.ipynb", json.dumps({"cells": cells}))
    assert page.startswith("# Title\n\nThis page is [a notebook](first.ipynb)")
    assert "```python\na = 1\na\n```\n\n```text\nx\n```" in page
    assert 'src="data:image/png;base64,aGk="' in page
    assert "<b>\n1" in page
