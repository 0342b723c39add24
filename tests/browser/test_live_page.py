"""The live page in a browser: moves, answers, undo, links, errors and buttons."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from modelsizer import Problem, solve
from tests.support.live_pages import REFUSED, Live

PHONE = "phone-2gb"
MEMORY, FLOPS = "budgets.serving_memory", "budgets.training_flops"


def expected(settings: dict[str, Any], source: str = PHONE) -> float:
    return solve(Problem.load(source, settings)).best.loss


def test_a_slider_moves_and_the_answer_is_that_of_the_command_line(live: Live) -> None:
    desk = live()
    assert desk.loss == desk.page.evaluate(
        "JSON.parse(document.getElementById('data').textContent).view.loss.short"
    )
    view = desk.press(MEMORY, "PageDown")
    settings = view["settings"]
    assert list(settings) == [MEMORY]
    assert view["loss"]["value"] == expected(settings)
    assert desk.field(MEMORY).input_value() == view["controls"][MEMORY]["text"]
    assert desk.slider(MEMORY).get_attribute("aria-valuetext") == view["controls"][MEMORY]["text"]
    said = desk.page.locator(".changes").inner_text()
    assert "since the last answer" in said
    assert view["loss"]["short"] in said
    assert desk.page.locator(".pairs .was").count()
    desk.page.wait_for_function(
        "text => document.querySelector('.desk-voice').textContent.includes(text)",
        arg=view["headline"],
    )


def test_the_last_of_many_moves_is_answered(live: Live) -> None:
    desk = live()
    box = desk.slider(FLOPS).bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    desk.page.mouse.move(box["x"] + box["width"] / 2, middle)
    desk.page.mouse.down()
    for step in range(12):
        desk.page.mouse.move(box["x"] + box["width"] * (0.5 - step / 25), middle)
    desk.page.mouse.up()
    text = desk.field(FLOPS).input_value()
    desk.wait_for_loss(f"{expected({FLOPS: text}):.3f}")
    desk.page.locator("#undo").click()  # a drag is one step
    desk.page.wait_for_function("() => document.getElementById('undo').disabled")
    assert desk.field(FLOPS).input_value() == "3e23"


def test_infeasible_says_why_and_a_repair_mends_it(live: Live) -> None:
    desk = live()
    before = desk.loss
    desk.answer_to(lambda: desk.type_in(MEMORY, "50 MB"))
    desk.page.wait_for_selector(".badge[data-status=infeasible]")
    why = desk.page.locator(".why")
    assert "50 MB" in why.inner_text()
    assert desk.page.locator(".last.stale").count() == 1
    repair = why.locator("button.repair").first
    words = repair.inner_text()
    assert words
    view = desk.answer_to(repair.click)
    assert view["status"] == "optimal"
    desk.page.wait_for_selector(".badge[data-status=optimal]")
    assert not desk.page.locator(".why").is_visible()
    assert not desk.page.locator(".last.stale").count()
    for _ in range(2):
        desk.page.keyboard.press("Control+z")
    desk.page.wait_for_selector(".badge[data-status=optimal]")
    desk.wait_for_loss(before)


def test_undo_redo_and_reset(live: Live) -> None:
    desk = live()
    first = desk.loss
    second = desk.press(MEMORY, "PageDown")["loss"]["short"]
    third = desk.press(FLOPS, "Home")["loss"]["short"]
    assert len({first, second, third}) == 3
    undo, redo, reset = (desk.page.locator(f"#{name}") for name in ("undo", "redo", "reset"))
    assert desk.answer_to(undo.click)["loss"]["short"] == second
    assert desk.answer_to(lambda: desk.page.keyboard.press("Control+z"))["loss"]["short"] == first
    assert undo.is_disabled()
    assert desk.answer_to(redo.click)["loss"]["short"] == second
    assert (
        desk.answer_to(lambda: desk.page.keyboard.press("Control+Shift+z"))["loss"]["short"]
        == third
    )
    assert redo.is_disabled()
    assert desk.answer_to(reset.click)["loss"]["short"] == first
    assert desk.page.evaluate("location.hash") == ""
    assert reset.is_disabled()


def test_a_link_holds_the_state(live: Live) -> None:
    desk = live()
    desk.press(MEMORY, "PageDown")
    view = desk.press(FLOPS, "PageDown")
    link = desk.page.evaluate("location.href")
    other = live(fragment=link[link.index("#") :])
    other.wait_for_loss(view["loss"]["short"])
    assert other.field(MEMORY).input_value() == desk.field(MEMORY).input_value()
    assert other.page.locator(".moved .chip").count() == 2
    found = other.answer_to(lambda: other.page.evaluate("location.hash = ''"))
    assert found["settings"] == {}
    assert other.page.locator(".moved").is_hidden()


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (MEMORY, "two gigs"),
        pytest.param("training.sequence_length", "-3", marks=pytest.mark.slow),
        pytest.param("training.accelerators", "3.5", marks=pytest.mark.slow),
    ],
)
def test_a_wrong_value_is_told_at_its_control_and_the_answer_stays(
    live: Live, faults: list[str], key: str, text: str
) -> None:
    desk = live()
    before = desk.loss
    desk.type_in(key, text)
    wrong = desk.control(key).locator(".wrong")
    wrong.wait_for(state="visible")
    assert text in wrong.inner_text()
    assert desk.field(key).get_attribute("aria-invalid") == "true"
    assert desk.field(key).input_value() == text
    assert desk.loss == before
    assert desk.page.locator("#undo").is_disabled()
    assert [fault for fault in faults if not fault.startswith(REFUSED)] == []
    faults.clear()
    desk.press(FLOPS, "Home")
    assert wrong.is_hidden()


@pytest.mark.slow
def test_a_link_with_an_unknown_key_says_so(live: Live, faults: list[str]) -> None:
    desk = live(fragment="#budgets.servng_memory=1&__proto__=2")
    desk.page.wait_for_selector(".trouble:not([hidden])")
    assert desk.status == "Proven optimal"
    assert all(fault.startswith(REFUSED) for fault in faults)
    faults.clear()


@pytest.mark.slow
def test_a_server_that_is_gone_is_told_and_asked_again(live: Live, faults: list[str]) -> None:
    desk = live()
    before = desk.loss
    desk.page.route("**/view", lambda route: route.abort())
    desk.slider(MEMORY).focus()
    desk.page.keyboard.press("PageDown")
    trouble = desk.page.locator(".trouble")
    trouble.wait_for(state="visible")
    assert "does not answer" in trouble.inner_text()
    assert desk.loss == before
    desk.page.unroute("**/view")
    view = desk.answer_to(trouble.locator("button").click)
    assert view["loss"]["value"] == expected(view["settings"])
    trouble.wait_for(state="hidden")
    assert all("ERR_FAILED" in fault for fault in faults)
    faults.clear()


def test_the_buttons_copy_and_save(live: Live, tmp_path: Any) -> None:
    desk = live(permissions=["clipboard-read", "clipboard-write"], accept_downloads=True)
    view = desk.press(MEMORY, "PageDown")
    page = desk.page

    def copied(button: str) -> str:
        page.locator(f"#{button}").click()
        page.wait_for_function(
            "() => document.getElementById('note').textContent.endsWith('copied')"
        )
        page.wait_for_timeout(50)
        return str(page.evaluate("navigator.clipboard.readText()"))

    assert copied("link") == page.evaluate("location.href")
    page.evaluate("document.getElementById('note').textContent = ''")
    text = copied("toml")
    tomllib.loads(text)
    path = tmp_path / "again.toml"
    path.write_text(text)
    assert solve(Problem.load(str(path))).best.loss == view["loss"]["value"]
    with page.expect_download() as caught:
        page.locator("#config").click()
    assert caught.value.suggested_filename.endswith(".json")


@pytest.mark.slow
def test_what_is_typed_is_not_lost_when_an_answer_comes(live: Live) -> None:
    desk = live()
    desk.slider(FLOPS).focus()
    desk.page.keyboard.press("Home")
    desk.field(MEMORY).focus()
    desk.page.keyboard.type("700")
    desk.page.wait_for_selector(".changes strong")
    desk.page.keyboard.type(" MB")
    assert desk.field(MEMORY).input_value() == "700 MB"
    view = desk.answer_to(lambda: desk.page.keyboard.press("Enter"))
    assert view["loss"]["value"] == expected(view["settings"])
    assert list(view["settings"]) == [FLOPS, MEMORY]


@pytest.mark.slow
def test_the_rest_of_an_answer_that_comes_in_two_parts_is_shown(live: Live) -> None:
    desk = live()
    asked = []

    def in_parts(route: Any) -> None:
        quick = route.request.post_data_json.get("quick", False)
        asked.append(quick)
        found = route.fetch().json() | {"more": quick}
        route.fulfill(json=found | {"headline": "first"} if quick else found)

    desk.page.route("**/view", in_parts)
    desk.slider(MEMORY).focus()
    desk.page.keyboard.press("PageDown")
    desk.page.wait_for_selector(".changes strong")
    desk.page.wait_for_function("() => document.querySelector('.headline').textContent !== 'first'")
    assert asked == [True, False]
    assert "since the last answer" in desk.page.locator(".changes").inner_text()


@pytest.mark.slow
def test_what_a_browser_does_not_copy_is_shown_to_be_copied(live: Live) -> None:
    desk = live()
    desk.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(0); }")
    desk.page.locator("#toml").click()
    text = desk.page.locator("dialog[open] textarea")
    assert tomllib.loads(text.input_value())["budgets"]
    assert text.evaluate("node => node.selectionEnd - node.selectionStart === node.value.length")
    desk.page.keyboard.press("Escape")
    assert not desk.page.locator("dialog[open]").count()


@pytest.mark.slow
def test_the_report_is_saved(live: Live, tmp_path: Any) -> None:
    desk = live(accept_downloads=True)
    with desk.page.expect_download(timeout=60_000) as caught:
        desk.page.locator("#report").click()
    path = tmp_path / "report.html"
    caught.value.save_as(path)
    assert path.read_text().startswith("<!DOCTYPE html>")
