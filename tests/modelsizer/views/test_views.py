"""Views of a design: of a result, of an architecture under a problem, and by settings alone."""

from __future__ import annotations

from typing import Any

import pytest

import modelsizer as ms
from modelsizer.optimizer.result import NoDesignError
from tests.support.answers import TIGHT, answer, problem, result

VIEWS = {"memory": ms.memory, "layers": ms.layers}
H100 = {"serving.accelerator": "H100-SXM"}


@pytest.mark.parametrize("name", VIEWS)
def test_a_result_is_its_architecture_under_its_problem(name: str) -> None:
    own = VIEWS[name](result())
    same: Any = VIEWS[name](result().best.architecture, problem=problem())
    mine, theirs = own.to_dict(), same.to_dict()
    if name == "layers":  # under other names
        mine, theirs = ([{**m, "name": ""} for m in d["models"]] for d in (mine, theirs))
    assert mine == theirs
    assert own.of.title == problem().name and same.of.title == "llama"


def test_settings_are_over_those_of_the_problem() -> None:
    small, large = (
        ms.memory(result(), settings={"serving.batch_size": batch}).serving for batch in (1, 4)
    )
    assert small is not None and large is not None
    (one,), (four,) = ([s for n, s in p.parts if n == "KV cache"] for p in (small, large))
    assert four == 4 * one


def test_what_lacks_an_accelerator_says_so() -> None:
    llama = ms.load_architecture("llama-3-8b")
    for view in (ms.users, ms.roofline):
        with pytest.raises(ms.ArgumentError, match=r"settings: \w+ needs an accelerator"):
            view(llama)
    assert ms.roofline(llama, {"again": llama}, settings=H100).to_frame()["name"].nunique() == 2


def test_every_combination_of_values_is_a_machine() -> None:
    each = {"serving.accelerator": ["H100-SXM", "L40S"], "serving.weight_bits": [16, 8]}
    found = ms.users(ms.load_architecture("llama-3-8b"), [8192], each=each)
    frame = found.to_frame()
    assert frame["machine"].tolist() == ["H100-SXM, 16", "H100-SXM, 8", "L40S, 16", "L40S, 8"]
    assert frame["requests"].is_monotonic_increasing is False and frame["requests"].min() > 0


def test_what_there_is_no_view_of() -> None:
    infeasible = ms.solve(problem().with_settings(TIGHT))
    for view in (ms.memory, ms.layers, ms.allocate, ms.users, ms.roofline):
        with pytest.raises(NoDesignError, match="infeasible"):
            view(infeasible)
    with pytest.raises(ms.ArgumentError, match="contexts: context must be at least 1"):
        ms.allocate(result(), [0])
    with pytest.raises(ms.ArgumentError, match=r"devices: .*H1000"):
        ms.memory(result(), devices=["H1000"])


def test_entries_are_found_by_their_names() -> None:
    assert ms.accelerators()["h100 sxm"].name == "H100-SXM"
    assert ms.library()["phone-2gb"] == problem()
    assert answer("models")._ipython_key_completions_() == list(answer("models"))
    with pytest.raises(ms.ArgumentError, match=r"name: .*\(did you mean phone-2gb\?\)"):
        ms.library()["phone-2g"]
