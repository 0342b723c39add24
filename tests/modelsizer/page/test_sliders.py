"""The sliders of a page: their data, what is said of them, and pages without."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256

import pytest

from modelsizer import Problem, report, solve
from modelsizer.live.grid import grid
from modelsizer.live.state import Asked
from modelsizer.optimizer.result import Result
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.page.sliders import sliders_of
from modelsizer.page.tags import coded, css_in_ascii, script_in_ascii
from modelsizer.text.command_line import CommandLine
from tests.support.packed_rows import unpacked

TINY_FILE = CommandLine("tiny.toml")
NAME = "</script><script>alert(1)</script> \u2264 \U0001f600 \"'"
TINY = """
[space]
layers = {min = 4, max = 8}
d_model = [512, 640, 768]
head_dim = 64
vocab_size = 32000

[budgets]
training_flops = 1e20
serving_memory = "4 GB"
"""


def answer(text: str = TINY, name: str = NAME) -> Result:
    return solve(Problem.parse(f"name = {json.dumps(name, ensure_ascii=False)}\n{text}"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pictures, and few stops."""
    monkeypatch.setattr("modelsizer.page.report.pictures", lambda *_, **__: iter(()))
    monkeypatch.setattr("modelsizer.page.sliders.grid", lambda *asked: grid(*asked, 1.0))


def scripts(page: str) -> list[str]:
    return re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)


def rules(page: str) -> str:
    (found,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    return found.replace("&#x27;", "'")


def hashed(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def test_a_page_holds_its_data_and_one_script_that_may_run() -> None:
    page = report(answer(), TINY_FILE)
    assert page.isascii()
    data, hover, script = scripts(page)
    found = json.loads(data)
    (drawings,) = unpacked(json.loads(hover)["drawings"])
    assert drawings.keys() == {"landscape", "depth"}
    assert found["name"] == NAME and not found["missing"]
    views = unpacked(found["views"])
    stacks, stack_of = unpacked(found["stacks"]), unpacked(found["stack_of"])
    for view, number in zip(views, stack_of, strict=True):
        layers = sum(run["count"] for run in stacks[number]["models"][0]["runs"])
        assert view["architecture"][0][2] == str(layers)
    assert len(views) > 20 and {view["status"] for view in views} == {"optimal"}
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert rules(page) == (
        f"default-src 'none'; style-src {hashed(style)}; script-src {hashed(script)}; "
        "connect-src 'none'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert "<noscript>" in page and 'href="#sliders"' in page
    assert page == report(answer(), TINY_FILE)


def test_without_sliders_there_is_no_script() -> None:
    page = report(answer(), TINY_FILE, sliders=False)
    assert (
        "<script" not in page
        and "script-src" not in rules(page)
        and "sliders" not in page.replace("--no-sliders", "")
    )
    assert "modelsizer report tiny.toml --no-sliders" in page


def test_a_problem_that_no_limit_moves_has_none() -> None:
    fixed = TINY.replace("{min = 4, max = 8}", "4").replace("[512, 640, 768]", "512")
    fixed += "[objective]\nminimize = 'parameters'\n"
    assert sliders_of(answer(fixed), TINY_FILE, Clock()).section is None
    assert 'id="sliders' not in report(answer(fixed))


def test_a_grid_that_would_take_too_long_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelsizer.page.sliders.grid", lambda *_: grid(*_, 0.01))
    made = sliders_of(answer(), TINY_FILE, Clock())
    assert made.section is not None and not made.moves and made.whole
    assert "No sliders: its answers take too long to prove." in made.section[2]


def test_what_is_not_proven_is_said() -> None:
    late = sliders_of(answer(), TINY_FILE, Clock.of(0))
    assert late.section is not None and not late.moves and not late.whole
    assert "No sliders: the time limit was reached." in late.section[2]
    page = report(answer(), time_limit=0)
    assert "No sliders: the time limit was reached." in page and "<script" not in page


def test_a_part_of_a_grid_is_shown_with_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = grid(answer(), Clock())
    assert found is not None
    most = dict(list(found.points.items())[: found.size * 2 // 3])
    part = replace(found, points=most, stop="interrupted")
    monkeypatch.setattr("modelsizer.page.sliders.grid", lambda *_: part)
    made = sliders_of(answer(), TINY_FILE, Clock())
    assert made.section is not None and made.moves and not made.whole
    assert f"{len(most)} of {found.size} answers were proven" in made.section[2]
    assert "The others were not: it was interrupted." in made.section[2]


def test_scripts_and_styles_are_ascii() -> None:
    assert script_in_ascii('"\u2264 \U0001f600"') == '"\\u{2264} \\u{1f600}"'
    assert css_in_ascii('"\u2264b"') == '"\\2264 b"'


def test_the_command_of_a_point_has_what_was_asked_and_what_was_moved() -> None:
    asked = CommandLine("a b.toml", ("budgets.kv_cache=1 GB", "serving.batch_size=2"),
                        ("budgets.parameters",), time_limit=5.0, corners=True)  # fmt: skip
    assert asked.with_settings(()) == (
        "modelsizer solve 'a b.toml' --set 'budgets.kv_cache=1 GB' --set serving.batch_size=2 "
        "--without budgets.parameters"
    )
    assert asked.with_settings(("budgets.kv_cache=2 GB",)) == (
        "modelsizer solve 'a b.toml' --set serving.batch_size=2 --set 'budgets.kv_cache=2 GB' "
        "--without budgets.parameters"
    )


def test_a_limit_in_a_command_is_a_number_without_quotes() -> None:
    asked = Asked(Problem.parse(TINY), {"budgets.loss": "2.04", "budgets.kv_cache": "1 GB",
                                        "name": "5"}, ())  # fmt: skip
    assert asked.pairs == ("budgets.loss=2.04", "budgets.kv_cache=1 GB", 'name="5"')


def test_commands_within_text_are_code() -> None:
    assert coded("`a <b>` does") == "<code>a &lt;b&gt;</code> does"
    assert coded("one ` alone & more") == "one ` alone &amp; more"
