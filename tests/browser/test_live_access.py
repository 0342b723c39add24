"""The live page for everyone: keyboard, names, contrast, narrow screens, print, hostile names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelsizer.problems.reading import library
from tests.support.hostile_names import ALL, HTML, LONG, problem
from tests.support.live_pages import Live, LivePage

MEMORY, FLOPS = "budgets.serving_memory", "budgets.training_flops"
NAMED = {"button", "slider", "textbox", "searchbox", "combobox", "image", "figure", "link"}
"""Roles that say nothing without a name."""

CONTRAST = """() => {
  const parse = (text) => {
    const n = text.match(/[\\d.]+/g).map(Number);
    return [n[0], n[1], n[2], n.length > 3 ? n[3] : 1];
  };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, w, i) => {
    const v = c[i] / 255;
    return sum + w * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  }, 0);
  const behind = (node) => {
    const layers = [];
    for (let up = node; up; up = up.parentElement) layers.push(parse(getComputedStyle(up).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const faint = [];
  for (const node of document.querySelectorAll('body *')) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    const style = getComputedStyle(node);
    const box = node.getBoundingClientRect();
    if (!own || !box.width || style.visibility === 'hidden' || node.closest('[disabled], .stale, .sr, script, style, noscript')) continue;
    const back = behind(node instanceof SVGElement ? node.closest('figure') : node);
    const front = over(parse(node instanceof SVGElement ? style.fill : style.color), back);
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${node.tagName}.${node.getAttribute('class')}: ${node.textContent.trim().slice(0, 40)}`);
  }
  return [...new Set(faint)];
}"""


def nodes(desk: LivePage) -> list[dict[str, Any]]:
    """The accessibility tree, as a screen reader has it."""
    session = desk.page.context.new_cdp_session(desk.page)
    found: list[dict[str, Any]] = session.send("Accessibility.getFullAXTree")["nodes"]
    return [node for node in found if not node.get("ignored")]


def test_everything_that_can_be_used_has_a_name(live: Live) -> None:
    desk = live()
    desk.wait_for_pictures()
    desk.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found = nodes(desk)
    roles = [node["role"]["value"] for node in found]
    assert roles.count("slider") >= 5
    assert roles.count("textbox") >= 5
    unnamed = [
        node["role"]["value"]
        for node in found
        if node["role"]["value"] in NAMED and not node.get("name", {}).get("value")
    ]
    assert unnamed == []
    sliders = [node for node in found if node["role"]["value"] == "slider"]
    names = [node["name"]["value"] for node in sliders]
    assert len(set(names)) == len(names)
    told = {p["name"]: p["value"].get("value") for node in sliders for p in node["properties"]}
    assert told["valuetext"]


def test_a_slider_is_moved_by_keys(live: Live) -> None:
    desk = live()
    slider = desk.slider(FLOPS)
    slider.focus()
    text = lambda: slider.get_attribute("aria-valuetext")  # noqa: E731
    own = text()
    seen = [own]
    for key in ("ArrowRight", "ArrowUp", "PageUp", "End", "ArrowLeft", "PageDown", "Home"):
        desk.page.keyboard.press(key)
        assert text() != seen[-1], key
        assert desk.field(FLOPS).input_value() == text()
        seen.append(text())
    assert slider.input_value() == "0"
    back = desk.control(FLOPS).locator("button.back")
    desk.page.keyboard.press("Shift+Tab")
    desk.page.keyboard.press("Shift+Tab")
    assert back.evaluate("node => node === document.activeElement")
    desk.page.keyboard.press("Enter")
    assert text() == own
    assert slider.evaluate("node => node === document.activeElement")


def test_all_is_reached_by_tab_and_the_focus_is_seen(live: Live) -> None:
    desk = live()
    desk.wait_for_pictures()
    reached = []
    for _ in range(120):
        desk.page.keyboard.press("Tab")
        one = desk.page.evaluate("""() => {
          const node = document.activeElement;
          if (node === document.body) return null;
          const style = getComputedStyle(node);
          const seen = style.outlineStyle !== 'none' || style.getPropertyValue('--ring') || parseFloat(style.strokeWidth) >= 2
            || Boolean(node.querySelector('.hit')) && getComputedStyle(node.querySelector('.hit')).strokeWidth !== '0px';
          return [node.tagName, node.id || node.getAttribute('class') || node.getAttribute('aria-label') || '', seen];
        }""")
        if one is None:
            break
        reached.append(one)
    assert [one for one in reached if not one[2]] == []
    kinds = [one[1] for one in reached]
    assert "link" in kinds
    assert any("cursor" in kind for kind in kinds)
    assert any("star mark" in kind for kind in kinds)
    assert any("run mark" in kind for kind in kinds)
    assert len(reached) < 80  # the marks of a picture are one stop


def test_pictures_are_read_by_keys_and_by_the_pointer(live: Live) -> None:
    desk = live()
    desk.wait_for_pictures()
    tip = desk.page.locator(".front .tip")
    desk.page.locator(".front .star.mark").focus()
    assert "layers" in tip.inner_text()
    before = tip.inner_text()
    desk.page.keyboard.press("ArrowLeft")
    assert tip.inner_text() != before
    desk.page.keyboard.press("Escape")
    assert tip.is_hidden()
    desk.page.locator(".map .cursor").focus()
    on_map = desk.page.locator(".map .tip")
    assert "loss" in on_map.inner_text()
    words = on_map.inner_text()
    desk.page.keyboard.press("ArrowLeft")
    assert on_map.inner_text() != words
    desk.page.locator(".front .published.named").first.hover(force=True)
    assert tip.inner_text()
    label = desk.page.locator(".front .published.named").first.get_attribute("aria-label")
    assert label


def test_every_text_has_enough_contrast_by_day_and_by_night(live: Live) -> None:
    desk = live(fragment=f"#{FLOPS}=1e22")
    desk.page.wait_for_selector(".changes :nth-child(2)")
    desk.wait_for_pictures()
    for scheme in ("light", "dark"):
        desk.page.emulate_media(color_scheme=scheme)
        assert desk.page.evaluate(CONTRAST) == []


@pytest.mark.slow
@pytest.mark.parametrize("source", sorted(library()))
def test_nothing_is_wider_than_a_narrow_screen(live: Live, source: str) -> None:
    desk = live(source, width=420, height=860)
    desk.page.wait_for_selector(".pictures[aria-busy=false] figure:not([hidden])", timeout=60_000)
    desk.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert desk.page.evaluate("document.documentElement.scrollWidth") == 420


def test_the_answer_stays_in_sight_on_a_narrow_screen(live: Live) -> None:
    desk = live(width=420, height=860)
    slider = desk.slider("serving.context_length")
    slider.scroll_into_view_if_needed()
    desk.page.evaluate("scrollTo(0, 700)")
    top = desk.slider(FLOPS).bounding_box()
    desk.answer_to(lambda: desk.type_in(MEMORY, "500 MB"))
    assert desk.page.locator(".summary .value").first.bounding_box()["y"] < 200  # type: ignore[index]
    assert desk.page.evaluate("scrollY") > 0
    desk.page.evaluate("scrollTo(0, 700)")
    assert desk.slider(FLOPS).bounding_box() == top  # no control moves under the finger
    assert desk.page.evaluate("document.documentElement.scrollWidth") == 420


@pytest.mark.slow
def test_print_shows_the_answer_and_what_was_moved(live: Live) -> None:
    desk = live(fragment=f"#{FLOPS}=1e22")
    desk.page.wait_for_selector(".moved .chip")
    desk.page.emulate_media(media="print")
    assert desk.page.locator(".panel").is_hidden()
    assert desk.page.locator(".tools").is_hidden()
    assert desk.page.locator(".limits-table").is_visible()
    assert desk.page.locator(".moved").is_visible()
    background = desk.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"


@pytest.mark.parametrize(
    "name", [HTML + ALL, pytest.param(LONG, marks=pytest.mark.slow)], ids=["html", "long"]
)
def test_hostile_names_stay_text(live: Live, tmp_path: Path, name: str) -> None:
    path = tmp_path / "hostile.toml"
    path.write_text(problem(name), encoding="utf-8")
    desk = live(str(path), width=420)
    desk.wait_for_pictures()
    assert desk.page.locator("main img, main script, h1 *").count() == 0
    assert "alert(1)" in desk.page.content() if name != LONG else True
    assert desk.page.evaluate("document.documentElement.scrollWidth") == 420
    assert desk.page.locator("h1").bounding_box()["height"] < 120  # type: ignore[index]
