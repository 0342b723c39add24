"""Plain NumPy over mixed spaces gives the known answers, which are from another enumeration."""

from __future__ import annotations

import tomllib
from typing import Any

import numpy as np
import pytest

from benchmarks import families, growth
from benchmarks.rivals import leaves, menus, quality
from benchmarks.rivals.answer import Skipped
from benchmarks.rivals.counts import Counts, Stacks, designs_of
from benchmarks.rivals.menus import MENUS, Menus
from benchmarks.rivals.neighbours import best_near
from modelsizer import Problem
from tests.support.shared import reference, reference_json

SPACE: dict[str, Any] = {
    "layers": {"min": 4, "max": 12},
    "d_model": [256, 384],
    "head_dim": 64,
    "kv_heads": [2, 4],
    "vocab_size": 1000,
    "full_every": [1, 3],
    "window": [64, 128, 4096],
    "experts": {
        "routed": [0, 4],
        "active": [1, 2, 8],
        "granularity": [2, 4],
        "dense_layers": [0, 1],
    },
}


def every(space: dict[str, Any]) -> menus.Widths:
    parts = list(Menus(space, 1024).mesh())
    assert len(parts) == 1
    return parts[0]


def test_width_options_are_those_that_the_rules_leave() -> None:
    w = every(SPACE)
    assert w.exists.all()
    # 256: 2 and 4 kv heads of 4 heads; 384: only 2 of 6. Windows of 1 x none + 2 that are short.
    # Dense: 1; experts: 2 active x 2 widths x (0 or 1 dense layers).
    assert len(w) == 3 * 3 * (1 + 2 * 2 * 2)
    assert set(w.window.tolist()) == {0, 64, 128}
    assert (w.d_ff[(w.routed > 0) & (w.dense_layers == 0)] == 0).all()
    assert (w.active[w.routed == 0] == 0).all()


def test_latent_attention_has_neither_windows_nor_kv_heads() -> None:
    space = SPACE | {"attention": ["grouped", "latent"], "latent": {"heads": [4, 8]}}
    w = every(space)
    assert (w.window[w.latent] == 0).all()
    assert (w.kv_heads[w.latent] == 0).all()
    assert w.latent.sum() == 2 * 2 * 9  # d_model x heads x (dense or experts)


@pytest.mark.parametrize(
    "space", [{"block": "gpt2"}, {"between": "mamba2"}, {"heads": 8}, {"full_layers": {"min": 1}}]
)
def test_what_is_not_written_is_skipped(space: dict[str, Any]) -> None:
    with pytest.raises(Skipped, match="not written here"):
        Menus(SPACE | space, 1024)


def test_groups_of_layers_have_their_counts() -> None:
    w = every(SPACE)
    one = w.take(np.flatnonzero((w.full_every == 3) & (w.dense_layers == 1))[:1])
    stacks = Stacks(one, np.array([8]))
    assert (stacks.full[0], stacks.windowed[0]) == (2, 6)
    assert (stacks.dense[0], stacks.mixed[0], stacks.dense_full[0]) == (1, 7, 0)
    experts = 7 * (one.routed[0] - one.active[0]) * 3 * one.d_model[0] * one.expert_d_ff[0]
    assert stacks.total[0] - stacks.active[0] == experts


@pytest.mark.parametrize(
    "name", ["latent-experts", "mixture-one-card-budget", "windows-128k-high", "nothing-fits"]
)
def test_known_answers_are_found(name: str) -> None:
    tables = tomllib.loads(reference(f"known_layers/{name}.toml").read_text())
    known = reference_json("known_layers/answers.json")[name]
    tables["objective"] = {k: v for k, v in tables.get("objective", {}).items() if k != "minimize"}
    plain = {k: v for k, v in tables.items() if k != "objective"}
    counts = Counts(Problem.from_tables(plain), tables)
    best: list[float] = []
    designs = feasible = 0
    for part, layers, value, excess in counts.tabulate():
        stacks = Stacks(part.take((slice(None), None)), layers[None, :])
        designs += designs_of(stacks, counts.lawful(stacks))
        feasible += designs_of(stacks, excess <= 0)
        best.extend(value[excess <= 0].tolist())
    if known["status"] == "infeasible":
        assert not best
        return
    assert (designs, feasible) == (known["designs"], known["feasible"])
    assert sorted(best)[:5] == pytest.approx(known["five_best_objectives"], abs=1e-14)


def test_no_neighbour_of_the_best_is_better_and_one_of_another_is() -> None:
    problem = Problem.from_tables(families.tables("1e4", "mixed"))
    counts = Counts(problem)
    sizes = counts.sizes
    random = np.random.default_rng(0)
    index = random.integers(0, sizes[:, None], (len(sizes), 2000))
    value, excess = counts.evaluate(counts.widths(list(index[:-1])), counts.layers[index[-1]])
    value = np.where(excess > 0, np.inf, value)
    assert np.isfinite(value).sum() > 100
    whole = min(
        float(value[excess <= 0].min(initial=np.inf)) for _, _, value, excess in counts.tabulate()
    )
    near, looked_at = best_near(counts, index[:, int(value.argmin())], menus=len(MENUS))
    assert near == pytest.approx(whole, abs=1e-14)
    assert looked_at == np.prod(sizes)
    worst = int(np.where(np.isfinite(value), value, -np.inf).argmax())
    assert best_near(counts, index[:, worst])[0] < value[worst]


@pytest.mark.parametrize("family", families.SOURCES)
def test_families_grow(family: str) -> None:
    designs = [
        Problem.from_tables(families.tables(size, family)).count_designs()
        for size in families.sizes(family)
    ]
    assert designs == sorted(designs)
    for size, count in zip(families.sizes(family), designs, strict=True):
        assert float(size) / 3 < count < float(size) * 3


def test_an_answer_is_checked_leaf_by_leaf_and_by_enumeration() -> None:
    found = growth.checked("mixed:1e4")
    assert found["kind"] == "enumerated"
    assert found["leaves"] > 1000
    assert found["furthest"] <= leaves.SAME
    assert found["least"] == pytest.approx(found["answer"], abs=1e-12)


def test_a_leaf_with_another_value_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "WINDOW", ((0.0, 0.0, 0.0),) * 3)
    with pytest.raises(AssertionError):
        growth.checked("mixed:1e4")
