"""Fronts against plain comparison of every design, evaluated one by one."""

from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelsizer import Problem, ProblemError
from modelsizer.optimizer.fronts.cover import Cover
from modelsizer.optimizer.fronts.front import Front
from modelsizer.optimizer.fronts.goals import question
from modelsizer.optimizer.fronts.indicators import hypervolume
from modelsizer.optimizer.fronts.run import front
from modelsizer.optimizer.fronts.subset import even_subset, knee
from modelsizer.optimizer.fronts.zones import Zones
from modelsizer.problems.designs.evaluation import evaluate
from tests.support.clocks import Countdown
from tests.support.fine_menus import ONE_H100
from tests.support.fronts import Vector, by_hand, near, some_goals, vectors_of
from tests.support.random_problems import small
from tests.support.shared import LAW_ALONE, reference, reference_json, seeds

REFERENCE = Problem.load("one-h100-1e24", ONE_H100)
NAMES = ["parameters", "layers", "loss"]
WHOLE = front(REFERENCE, NAMES)


@pytest.mark.parametrize("seed", seeds(range(40), range(11, 40)))
def test_every_way_gives_the_front_of_plain_loops(seed: int) -> None:
    problem = small(seed)
    names = some_goals(problem, seed)
    try:
        found = front(problem, names, solver="exhaustive")
    except ProblemError:
        with pytest.raises(ProblemError):
            front(problem, names, solver="bound")
        return
    wanted = by_hand(problem, names)
    # FLOPs at a limit on them are the limit in a front; evaluated alone they may be a digit below.
    if not {"training_flops", "tokens"} & {n.removeprefix("-") for n in names}:
        assert near(vectors_of(found), wanted), names
    assert vectors_of(front(problem, names, solver="bound")) == vectors_of(found)


@pytest.mark.parametrize("seed", range(6))
def test_an_engine_gives_the_same_front(seed: int) -> None:
    problem = small(seed)
    names = [["loss", "parameters"], ["layers", "loss", "kv_cache"]][seed % 2]
    try:
        wanted = vectors_of(front(problem, names, solver="exhaustive"))
    except ProblemError:
        pytest.skip("the problem has no such front")
    if len(wanted) > 60:
        names = names[:2]
        wanted = vectors_of(front(problem, names, solver="exhaustive"))
    found = front(problem, names, solver=["scipy", "pulp"][seed // 3])
    assert found.complete
    assert vectors_of(found) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_engines_on_more_problems(seed: int) -> None:
    problem = small(seed + 1000)
    for names in (["loss", "parameters"], ["layers", "loss", "serving_memory"]):
        try:
            wanted = vectors_of(front(problem, names, solver="exhaustive"))
        except ProblemError:
            continue
        for solver in ("scipy", "pulp"):
            assert vectors_of(front(problem, names, solver=solver)) == wanted, (names, solver)


def test_layouts_are_chosen_anew_at_every_point() -> None:
    problem = Problem.load(
        "h100-cluster-90-days",
        {"space.layers": [64, 80], "space.d_model": [6144, 8192], "space.kv_heads": 8},
    )
    names = ["loss", "training_memory"]
    found = front(problem, names, solver="exhaustive")
    assert vectors_of(front(problem, names, solver="bound")) == vectors_of(found)
    # Each layout by itself, and the best of all of them.
    singles: set[tuple[float, float]] = set()
    for layout in problem.layouts:
        ways = {
            "training.tensor_parallel": layout.tensor_parallel,
            "training.pipeline_parallel": layout.pipeline_parallel,
        }
        alone = front(problem.with_settings(ways), names, solver="exhaustive")
        singles |= set(zip(alone.values["loss"], alone.values["training_memory"], strict=True))
    best = {
        v for v in singles if not any(o != v and o[0] <= v[0] and o[1] <= v[1] for o in singles)
    }
    assert set(zip(found.values["loss"], found.values["training_memory"], strict=True)) == best


@pytest.mark.parametrize("name", ["open-1e22", "one-accelerator"])
def test_known_fronts(name: str) -> None:
    problem = Problem.load(reference(f"known_optima/{name}.toml"), LAW_ALONE)
    wanted = reference_json("known_optima/answers.json")[name]["front_parameters_layers_loss"]
    found = front(problem, ["parameters", "layers", "loss"])
    assert found.complete
    assert len(found) == wanted["points"]
    points = list(zip(*(found.values[g.name] for g in found.goals), strict=True))
    for parameters, layers, loss in wanted["first"] + wanted["last"]:
        assert (parameters, layers) in {(n, depth) for n, depth, _ in points}
        assert min(abs(x - loss) for n, d, x in points if (n, d) == (parameters, layers)) < 1e-9


def test_every_point_is_a_design_that_keeps_the_limits() -> None:
    found = front(REFERENCE, ["loss", "serving_memory"])
    asked = question(REFERENCE, found.goals)
    for i in range(0, len(found), 10):
        design = evaluate(asked, found.architecture(i))
        assert design.feasible
        assert design.quantity("serving_memory") == found.values["serving_memory"][i]
        assert design.loss == found.values["loss"][i]
        assert design.tokens == found.tokens[i]


def test_a_limit_taken_away_widens_the_front() -> None:
    held = front(REFERENCE, ["loss", "kv_cache"])
    free = front(REFERENCE.without("budgets.serving_memory"), ["loss", "kv_cache"])
    assert min(free.values["loss"]) < min(held.values["loss"])
    with pytest.raises(ProblemError, match="is no limit of this problem"):
        REFERENCE.without("budgets.kv_cach")


@pytest.mark.parametrize("looks", [0, 1, 2, 4, 8, 21])
@pytest.mark.parametrize("solver", ["bound", "exhaustive"])
def test_stopped_at_any_time_it_says_what_is_unexplored(
    solver: str, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("bounding", "scan"):
        path = f"modelsizer.optimizer.fronts.{module}.DESIGNS_AT_ONCE"
        monkeypatch.setattr(path, 2_000 if solver == "bound" else 20_000)
    part = front(REFERENCE, NAMES, solver=solver, clock=Countdown(looks))
    check_part(part, vectors_of(WHOLE))
    assert not part.complete or looks > 2


@pytest.mark.parametrize("looks", [0, 1, 2, 9, 30])
def test_stopped_between_programs_it_says_what_is_unexplored(looks: int) -> None:
    names = ["loss", "parameters"]
    problem = small(3)
    part = front(problem, names, solver="scipy", clock=Countdown(looks))
    check_part(part, vectors_of(front(problem, names)))


def test_out_of_time_at_once_it_has_no_point_and_knows_nothing() -> None:
    for solver in ("bound", "exhaustive", "scipy"):
        part = front(REFERENCE, NAMES, solver=solver, time_limit=0.0)
        assert (len(part), part.stop, part.seconds < 1) == (0, "time", True)
        assert [zone.most for zone in part.unexplored] == [(None, None, None)]


def check_part(part: Front, whole: dict[Vector, int]) -> None:
    """Check that a front that may be partial claims nothing that the whole front contradicts."""
    found = vectors_of(part)
    missing = [v for v in whole if v not in found]
    assert part.complete == (not part.unexplored)
    assert not (part.complete and missing)
    points = np.array(list(found), dtype=float)
    for v in points[:: max(1, len(points) // 50)]:  # none is worse than another
        assert ((points <= v).all(axis=1)).sum() == 1
    asked = question(part.problem, part.goals)
    for i in range(0, len(part), 100):
        assert evaluate(asked, part.architecture(i)).feasible
    if not missing:
        return
    least = np.array([[-np.inf if x is None else x for x in z.least] for z in part.unexplored])
    most = np.array([[np.inf if x is None else x for x in z.most] for z in part.unexplored])
    for vector in np.array(missing, dtype=float):
        assert ((least <= vector) & (vector < most)).all(axis=1).any()


def test_interrupted_it_keeps_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def stop(found: int, looked_at: int) -> None:
        calls.append(looked_at)
        raise KeyboardInterrupt

    part = front(REFERENCE, ["loss", "parameters"], solver="exhaustive", report=stop)
    assert calls
    assert part.stop == "interrupted"
    assert len(part) > 0
    assert part.unexplored


def test_no_design_is_an_empty_complete_front() -> None:
    nothing = REFERENCE.with_settings({"budgets.serving_memory": "100 MB"})
    for solver in ("exhaustive", "bound", "scipy"):
        found = front(nothing, ["loss", "layers"], solver=solver)
        assert found.complete
        assert len(found) == 0
        assert found.to_dict()["points"] == []


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["loss"], "two or three"),
        (["loss", "layers", "tokens", "parameters"], "two or three"),
        (["loss", "los"], "did you mean loss"),
        (["loss", "-loss"], "twice"),
        (["loss", "decode_latency"], "accelerator"),
    ],
)
def test_bad_objectives(names: list[str], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        front(REFERENCE, names)


def test_tokens_cannot_be_traded_for_loss_by_an_engine() -> None:
    with pytest.raises(ProblemError, match="frontier"):
        front(REFERENCE, ["loss", "training_flops"], solver="scipy")


# The parts


def test_even_subset_covers_within_its_gap() -> None:
    found = front(REFERENCE, ["loss", "serving_memory"])
    which, gap = even_subset(found, 12)
    assert len(which) == 12
    at = np.stack(
        [np.array(found.values["loss"]), np.log(np.array(found.values["serving_memory"], float))],
        axis=1,
    )
    at = (at - at.min(axis=0)) / (at.max(axis=0) - at.min(axis=0))
    away = np.abs(at[:, None, :] - at[None, which, :]).max(axis=2).min(axis=1)
    assert away.max() == pytest.approx(gap)
    assert {0, len(found) - 1} <= set(which.tolist())
    more, smaller = even_subset(found, 24)
    assert smaller < gap
    assert set(which.tolist()) <= set(more.tolist())
    assert even_subset(found, 10_000)[1] == 0.0


def test_knee_is_furthest_from_the_chord() -> None:
    found = front(REFERENCE, ["loss", "serving_memory"])
    at = knee(found)
    assert at is not None
    x = np.array(found.values["loss"])
    y = np.array(found.values["serving_memory"], float)
    x, y = (x - x.min()) / np.ptp(x), (y - y.min()) / np.ptp(y)
    assert int(((1 - x - y) / np.sqrt(2)).argmax()) == at


def test_hypervolume_of_two_goals_is_the_area_of_the_steps() -> None:
    found = front(REFERENCE, ["loss", "serving_memory"])
    x = np.array(found.values["loss"])
    y = np.array(found.values["serving_memory"], float)
    x, y = (x - x.min()) / np.ptp(x), (y - y.min()) / np.ptp(y)
    area = sum((x[i + 1] - x[i]) * (1 - y[i]) for i in range(len(x) - 1))
    volume = hypervolume(found.goals, found.points)
    assert volume is not None
    assert volume["value"] == pytest.approx(area, rel=1e-12)


_ROWS = st.lists(st.tuples(*[st.integers(0, 9)] * 3), min_size=1, max_size=40)


@given(_ROWS, _ROWS)
@settings(max_examples=100, deadline=None)
def test_cover_rules_out_only_what_is_dominated(
    points: list[tuple[int, ...]], asked: list[tuple[int, ...]]
) -> None:
    found = Cover(np.array(points, float), 0.0).rules_out(np.array(asked, float))
    dominated = [any(p[0] <= a and p[1] <= b and p[2] < c for p in points) for a, b, c in asked]
    assert found.tolist() == dominated


@given(_ROWS)
@settings(max_examples=50, deadline=None)
def test_zones_cover_what_no_point_dominates(points: list[tuple[int, ...]]) -> None:
    zones = Zones(3)
    for point in points:
        zones.add(np.array(point, float))
    grid = np.stack(np.meshgrid(*[np.arange(10)] * 3), axis=-1).reshape(-1, 3)
    inside = (grid[:, None, :] < zones.bounds[None, :, :]).all(axis=2).any(axis=1)
    covered = (np.array(points)[None, :, :] <= grid[:, None, :]).all(axis=2).any(axis=1)
    assert (inside == ~covered).all()
    # No zone lies within another.
    within = (zones.bounds[:, None, :] <= zones.bounds[None, :, :]).all(axis=2)
    assert within.sum() == len(zones)


@pytest.mark.parametrize("name", ["latents-on-eight", "hybrid-1m-tokens", "mixture-30b-a3b", ""])
def test_points_described_together_are_those_described_alone(name: str) -> None:
    ranks = {"space.latent.q_lora_rank": [0, 1536]} if "latent" in name else None
    problems = [Problem.load(name, ranks)] if name else [small(seed) for seed in range(12)]
    described = 0
    for problem in problems:
        for names in (["parameters", "loss"], ["layers", "kv_cache"]):
            with suppress(ProblemError):
                found = front(problem, names)
                for i, point in enumerate(list(found)[:60]):
                    assert json.dumps(point) == json.dumps(found.point(i))
                    described += 1
    assert described > 50
