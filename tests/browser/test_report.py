"""A report in a browser: its sliders show what `solve` finds, by the keyboard too; and its figures."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from matplotlib.figure import Figure

from modelsizer import Problem, report, solve
from modelsizer.live.grid import grid
from modelsizer.live.sliders import UNABLE
from modelsizer.page.hover import FIGURES
from modelsizer.page.tags import Html
from modelsizer.pictures.report import Drawn
from modelsizer.text.answer_rows import architecture_rows
from modelsizer.text.command_line import CommandLine
from tests.support.browsers import Opened

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAME = '"><script>alert(1)</script> & more'
PICTURE = Html('<picture><img alt="a picture" src="data:,"></picture>')
SMALL = """
[space]
layers = {min = 4, max = 12}
d_model = {min = 512, max = 1024}
head_dim = 64
vocab_size = 32000

[training]
tokens = {max = "100B tokens"}

[budgets]
training_flops = 1e20
serving_memory = "200 MB"
"""


@cache
def problem_of(name: str) -> Problem:
    if name == "small":
        return Problem.parse(f"name = '{NAME}'\n{SMALL}")
    return Problem.load(name)


@pytest.fixture(scope="package")
def written(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A function that writes the page of a problem, once, and returns its address."""
    folder = tmp_path_factory.mktemp("reports")

    @cache
    def write(name: str, sliders: bool = True) -> str:
        with pytest.MonkeyPatch.context() as patch:  # pictures take most of the time
            drawn = [Drawn(one, one, "A picture", {"wide": Figure()}) for one in FIGURES]
            patch.setattr("modelsizer.page.report.pictures", lambda *_: iter(drawn))
            patch.setattr("modelsizer.page.report.embedded", lambda *_: PICTURE)
            if name == "small":  # few stops
                few = partial(grid, seconds=1.0)
                patch.setattr("modelsizer.page.sliders.grid", few)
            asked = CommandLine(f"{name}.toml")
            text = report(solve(problem_of(name)), asked, sliders=sliders)
        path: Path = folder / f"{name}-{sliders}.html"
        path.write_text(text, "ascii")
        return path.as_uri()

    return write


def controls(page: Page) -> list[dict[str, Any]]:
    found = page.evaluate(
        "JSON.parse(document.getElementById('sliders-data').textContent).controls"
    )
    assert isinstance(found, list)
    return found


def shown(page: Page) -> dict[str, Any]:
    """What the page says of the answer."""
    found = page.evaluate(
        """() => ({
          status: document.querySelector('#sliders-desk .badge').textContent,
          value: document.querySelector('#sliders-desk .main .value')?.textContent,
          headline: document.querySelector('#sliders-desk .headline').textContent,
          architecture: [...document.querySelectorAll('#sliders-desk .architecture .pairs dd')]
            .map((one) => one.firstChild.textContent),
          binding: [...document.querySelectorAll('#sliders-desk .limits-table .binding th')].length,
        })"""
    )
    assert isinstance(found, dict)
    return found


def check(page: Page, name: str, settings: Mapping[str, object]) -> None:
    """The page shows what the solver finds with these settings."""
    fresh, found = solve(problem_of(name).with_settings(settings)), shown(page)
    if fresh.design is None:
        assert found["status"] == "Proven infeasible", settings
        return
    assert found["status"] == "Proven optimal", settings
    assert f"loss of {fresh.design.loss:.3f}" in found["headline"], settings
    texts = [text.strip('"') for key, text in architecture_rows(fresh) if key != "groups"]
    assert [text.strip('"') for text in found["architecture"]] == texts, settings
    assert found["binding"] == sum(use.binding for use in fresh.budgets), settings


def walk(page: Page, name: str, count: int, seed: int) -> None:
    """Go to random points and compare what is shown."""
    rng, every = random.Random(seed), controls(page)
    for _ in range(count):
        stops = {one["key"]: rng.choice(one["stops"])["value"] for one in every}
        own = {one["key"]: one["stops"][one["at"]]["value"] for one in every}
        settings = {key: value for key, value in stops.items() if value != own[key]}
        page.evaluate("settings => modelsizer.sliders.set({settings, without: []})", settings)
        page.wait_for_function("() => !document.querySelector('#sliders-desk .busy')")
        page.wait_for_timeout(30)
        check(page, name, settings)


def test_sliders_move_by_the_keyboard_to_what_solve_finds(written: Any, open_page: Opened) -> None:
    page = open_page(written("small"))
    page.wait_for_selector("#sliders-desk .architecture")
    check(page, "small", {})
    settings: dict[str, object] = {}
    for number, one in enumerate(controls(page)):
        slider = page.get_by_role("slider").nth(number)
        assert slider.get_attribute("aria-label") == one["label"]
        key, step = ("ArrowRight", 2) if number else ("ArrowLeft", -3)
        for _ in range(abs(step)):
            slider.press(key)
        stop = one["stops"][one["at"] + step]
        assert slider.get_attribute("aria-valuetext") == stop["text"]
        settings[one["key"]] = stop["value"]
        page.wait_for_timeout(60)
        check(page, "small", settings)
    walk(page, "small", 7, 1)


def test_where_nothing_is_feasible_the_page_says_where_it_would_be(
    written: Any, open_page: Opened
) -> None:
    page = open_page(written("small"), width=420)
    page.wait_for_selector("#sliders-desk .architecture")
    memory = page.get_by_role("slider", name="serving memory")
    memory.press("Home")
    why = page.locator("#sliders-desk .why")
    why.wait_for()
    assert "feasible with serving_memory at least" in why.inner_text()
    assert shown(page)["status"] == "Proven infeasible"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    memory.press("End")
    page.wait_for_function("() => document.querySelector('#sliders-desk .why').hidden")


def test_a_hostile_name_is_text(written: Any, open_page: Opened) -> None:
    page = open_page(written("small"))
    assert page.title() == NAME == page.locator("h1").inner_text()


def test_print_and_pages_without_scripts_show_the_files_own_answer(
    written: Any, open_page: Opened
) -> None:
    page = open_page(written("small"))
    page.wait_for_selector("#sliders-desk .architecture")
    page.emulate_media(media="print")
    assert not page.locator("#sliders").is_visible() and page.locator("#answer").is_visible()
    silent = open_page(written("small"), java_script_enabled=False)
    assert "need JavaScript" in silent.locator("#sliders noscript").inner_text()
    assert silent.locator("#answer").is_visible() and not silent.get_by_role("slider").count()
    plain = open_page(written("small", sliders=False))
    assert plain.evaluate("document.scripts.length") == 0


def test_a_browser_that_cannot_unpack_says_so(written: Any, open_page: Opened) -> None:
    page = open_page("about:blank")
    page.add_init_script("delete window.DecompressionStream")
    page.goto(written("small"))
    page.get_by_text(UNABLE).wait_for()
    assert page.locator("#figure-landscape picture").is_visible()


def test_figures_tell_what_is_under_the_pointer(written: Any, open_page: Opened) -> None:
    page = open_page(written("small"))
    for name in ("landscape", "depth"):
        figure = page.locator(f"#figure-{name}")
        figure.locator("svg").first.wait_for()
        assert not figure.locator("picture").is_visible()
    drawing = page.locator("#figure-landscape svg").first
    drawing.scroll_into_view_if_needed()
    square = drawing.bounding_box()
    assert square is not None
    page.mouse.move(square["x"] + square["width"] / 2, square["y"] + square["height"] / 2)
    assert "d_model" in page.locator("#figure-landscape .tip").inner_text()
    page.emulate_media(media="print")
    assert page.locator("#figure-landscape picture").is_visible()
    assert not page.locator("#figure-landscape .hover").is_visible()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), [("one-h100-1e24", 100), ("million-dollars", 20)])
def test_random_points_of_a_report_are_what_solve_finds(
    name: str, count: int, written: Any, open_page: Opened
) -> None:
    page = open_page(written(name))
    page.wait_for_selector("#sliders-desk .architecture")
    walk(page, name, count, 2)
