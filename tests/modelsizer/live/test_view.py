"""What the live page shows, draws and offers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from modelsizer import Problem, solve
from modelsizer.live.contour import contour
from modelsizer.live.desk import Desk
from modelsizer.live.drawn_axes import Axis
from modelsizer.live.live_page import data_json, policy
from modelsizer.live.problem_file import ProblemText
from modelsizer.live.state import State, asked, corners_of
from modelsizer.problems.errors import ProblemError


def test_scenarios_and_corners_are_settings() -> None:
    text = ProblemText.read("one-h100-1e24")
    base = text.problem()
    found = asked(text, State.of({"settings": {"scenario": "long-context"}})).problem
    assert found.serving == base.scenario("long-context").serving
    own = {"scenario": "long-context", "serving.context_length": 1024, "corner": "ablations high"}
    found = asked(text, State.of({"settings": own}))
    assert found.problem.serving.context_length == 1024
    assert found.problem.objective.ablations == "high"
    assert "objective.ablations=high" in found.pairs
    assert "ablations low" in corners_of(base)
    with pytest.raises(ProblemError, match="no scenario"):
        asked(text, State.of({"settings": {"scenario": "none such"}}))


def test_typed_text_is_read_as_by_the_command_line() -> None:
    text = ProblemText.read("one-h100-1e24")
    settings = {
        "budgets.kv_cache": " 24 GiB ",
        "space.kv_heads": "[8, 16]",
        "training.tokens": "2T",
    }
    found = asked(text, State.of({"settings": settings})).problem
    assert found.budgets.kv_cache is not None
    assert found.budgets.kv_cache.max == 24 * 2**30
    assert found.space.kv_heads.numbers == (8, 16)


def test_an_infeasible_problem_offers_repairs_that_make_it_feasible() -> None:
    desk = Desk("one-h100-1e24")
    state = State({"budgets.kv_cache": "1 MB", "budgets.parameters.max": "30B"})
    view = desk.view(state)
    assert (view["status"], view["loss"], view["design"]) == ("infeasible", None, None)
    assert view["why"]
    found = desk.repairs(state)["repairs"]
    assert found
    assert found[0]["settings"] == {"budgets.kv_cache": "2.148 GB"}
    for repair in found[:2]:
        assert desk.view(State({**state.settings, **repair["settings"]}))["status"] == "optimal"
    assert desk.close(5)


def test_where_no_repair_is_found_the_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelsizer.live.desk.EXPLAINING_SECONDS", 0.0)
    desk = Desk("phone-2gb")
    found = desk.repairs(State({"budgets.serving_memory": "1 kB"}))
    assert found["repairs"] == [] and "No repair was found in the time" in found["none"]
    assert desk.close(5)


def test_a_quick_view_is_followed_by_the_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelsizer.optimizer.tables.store.LISTABLE", 1)  # as of a large space
    desk = Desk("phone-2gb")
    state = State({"budgets.serving_memory": "1 GB", "budgets.parameters": "100B"})
    quick, whole = desk.view(state, quick=True), desk.view(state)
    assert (quick["more"], whole["more"]) == (True, False)
    assert desk.view(state, quick=True) == whole  # it is kept
    assert quick["loss"] == whole["loss"]
    assert quick["architecture"] == whole["architecture"]
    other = Desk("phone-2gb")
    at_once = other.view(state)
    for name in ("limits", "warnings", "loss", "certificate"):
        assert whole[name] == at_once[name]
    infeasible = State({"budgets.serving_memory": "1 MB"})
    assert desk.view(infeasible, quick=True)["why"] == other.view(infeasible)["why"]
    assert desk.close(5)
    assert other.close(5)


def test_control_characters_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = Path("problems/library/phone-2gb.toml").read_text()
    path.write_text(text.replace('name = "', 'name = "\\u202eevil\\u0007 ', 1))
    desk = Desk(str(path))
    assert desk.view(State())["name"].startswith("\\u202eevil\\x07 ")
    assert desk.close(5)


def test_files_are_those_of_the_commands() -> None:
    desk = Desk("phone-2gb")
    state = State({"budgets.serving_memory": "1 GB"})
    config = desk.config(state, "hf")
    design = desk.view(state)["design"]
    assert config["name"] == "config.json"
    assert json.loads(config["text"])["num_hidden_layers"] == design["layers"]
    again = Problem.parse(desk.toml(state)["text"])
    assert solve(again).best.architecture.layers == design["layers"]
    assert desk.close(5)


def test_drawings_agree_with_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk("phone-2gb")
    found = json.loads(json.dumps(desk.drawings(State()), allow_nan=False))
    view = desk.view(State())
    map_, front = found["map"], found["front"]
    row = map_["rows"].index(map_["best"]["y"])
    column = map_["columns"].index(map_["best"]["x"])
    assert (map_["best"]["y"], map_["best"]["x"]) == (
        view["design"]["layers"], view["design"]["d_model"],
    )  # fmt: skip
    assert map_["level"][row][column] == 0
    assert map_["loss"][row][column] == view["loss"]["short"]
    assert front["best"]["x"] == view["design"]["layers"]
    assert any(point["level"] == 0 for point in front["points"])
    assert sum(run["count"] for run in found["stack"]["models"][0]["runs"]) == front["best"]["x"]
    with monkeypatch.context() as patch:
        patch.setattr("modelsizer.pictures.picture.ENUMERATED", 10)
        large = desk.drawings(State())
    assert "designs" in large["map"]["reason"]
    assert desk.close(5)


def test_contours_lie_on_the_level() -> None:
    x, y = np.linspace(-2, 2, 41), np.linspace(-2, 2, 31)
    values = x[None, :] ** 2 + y[:, None] ** 2
    points = contour(x, y, values, 1.0)
    assert len(points) > 40
    assert max(abs(a**2 + b**2 - 1) for a, b in points) < 0.02
    assert contour(x, y, values, 100.0) == []
    assert contour(x, y, np.full_like(values, np.nan), 1.0) == []


def test_axes_have_round_ticks() -> None:
    axis = Axis("d_model", 768, 8960).to_dict()
    ticks = axis["ticks"]
    assert isinstance(ticks, list)
    assert [tick["text"] for tick in ticks] == ["2000", "4000", "6000", "8000"]
    assert Axis("parameters", 3e8, 5e10, log=True).ticks == [1e9, 1e10]
    assert Axis("layers", 7.5, 9.5).ticks == [8, 9]


def test_data_in_a_page_end_no_element() -> None:
    assert "<" not in data_json({"name": "</script><!--"})
    assert json.loads(data_json(["</script>&"])) == ["</script>&"]
    assert "script-src 'sha256-" in policy("a {}", "b")
    assert "script-src" not in policy("a {}", "")
