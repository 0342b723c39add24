"""Laws of mixtures and shapes against runs and figures of others (../shared/data/modern)."""

from __future__ import annotations

import csv
import math
from functools import cache
from statistics import median
from typing import Any

import numpy as np
import pytest

from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup, Trunk
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.feedforward import DenseFeedForward, MixtureOfExperts
from modelsizer.problems.laws.features import architecture_features
from modelsizer.problems.laws.leverage import LawSize, leverage
from modelsizer.problems.laws.pages import LAW_PAGES
from modelsizer.problems.laws.published import token_law
from tests.support.shared import reference, reference_json

STEPLAW = "modern/steplaw2025_moe_best.csv"
VOCABULARY = 1  # StepLaw counts no embeddings, and neither do these


def rows(name: str) -> list[dict[str, str]]:
    with reference(name).open() as file:
        return list(csv.DictReader(file))


# StepLaw's 16 mixtures: best of 40 to 45 rates and batches each


def stack_of(run: dict[str, float]) -> Architecture:
    heads = int(run["heads"])
    attention = FullAttention(heads, heads, int(run["d_model"]) // heads)
    experts = MixtureOfExperts(
        int(run["expert_width"]), int(run["experts"]), int(run["topk"]),
        shared_d_ff=int(run["shared_width"]),
    )  # fmt: skip
    dense = int(run["dense_layers"])
    groups = [LayerGroup(Layer(attention, experts), int(run["layers"]) - dense)]
    if dense:
        wide = DenseFeedForward(int(run["dense_ff_width"]))
        groups.insert(0, LayerGroup(Layer(attention, wide), dense))
    return Architecture(Trunk(int(run["d_model"]), VOCABULARY), tuple(groups))


@cache
def mixtures() -> list[dict[str, Any]]:
    found = []
    for row in rows(STEPLAW):
        run: dict[str, Any] = {key: float(value) for key, value in row.items()}
        found.append(run | {"stack": stack_of(run)})
    return found


def told_by(name: str) -> list[float]:
    """Losses of the 16 mixtures by a law, each counting experts as the law does."""
    law, found = token_law(name), []
    for run in mixtures():
        stack = run["stack"]
        flops = 6 * run["Na"] * run["D"]
        size = LawSize(law.parameter_kind, law.experts or "tian-2025", flops)
        affine = size.of(stack.trunk, stack.kinds)
        n = float(affine.at(stack.counts))
        features = architecture_features(stack, law.features)
        found.append(float(law.of(features).loss(n, run["D"])))
    return found


def spreads(losses: list[float]) -> list[float]:
    """Most less least loss of the four mixtures at each number of tokens."""
    tokens = sorted({run["D"] for run in mixtures()})
    groups = [
        [x for x, run in zip(losses, mixtures(), strict=True) if run["D"] == d] for d in tokens
    ]
    return [max(group) - min(group) for group in groups]


def test_parameters_of_the_mixtures_are_counted_as_their_authors_do() -> None:
    for run in mixtures():
        count = count_parameters(run["stack"])
        router = sum(
            group.count * group.layer.ffn.experts * run["d_model"]
            for group in run["stack"].groups
            if isinstance(group.layer.ffn, MixtureOfExperts)
        )
        norms = count.norm
        embeddings = count.embedding + count.lm_head
        assert count.total - embeddings - norms - router == run["N"]


@pytest.mark.parametrize(
    ("name", "rank", "least", "most"),
    [
        ("tian-2025", 0.99, 0.065, 0.13),  # measured spread: 0.102 to 0.121
        ("ludziejewski-2025", 0.95, 0.09, 0.18),
        ("abnar-2025", 0.98, 0.2, 0.26),  # twice too large, as its page says
    ],
)
def test_laws_of_experts_order_the_mixtures(
    name: str, rank: float, least: float, most: float
) -> None:
    from scipy.stats import spearmanr  # whose import takes half a second

    told, seen = told_by(name), [run["smooth_loss"] for run in mixtures()]
    assert spearmanr(seen, told).statistic >= rank
    assert least < min(spreads(told)) <= max(spreads(told)) < most
    assert 0.1 < min(spreads(seen)) < max(spreads(seen)) < 0.125


def test_a_law_blind_to_experts_spreads_the_mixtures_three_times_too_far() -> None:
    law = token_law("besiroglu-2024")
    told = [float(law.loss(run["Na"], run["D"])) for run in mixtures()]
    assert min(spreads(told)) > 2.5 * max(spreads([r["smooth_loss"] for r in mixtures()]))


# Leverage against others' runs


@pytest.mark.parametrize(("sparsity", "saved"), [(8, 1.69), (16, 1.39), (32, 1.15)])
def test_leverage_saves_the_compute_that_kimi_saw(sparsity: int, saved: float) -> None:
    """Kimi K2 (arXiv 2507.20534): sparsity 48 against others; 1e20 FLOPs and G 2 are assumed."""
    rare, other = leverage(9 / 385, 2, 1e20), leverage(9 / (8 * sparsity + 1), 2, 1e20)
    assert rare / other == pytest.approx(saved, rel=0.05)


def test_leverage_saves_the_compute_that_marin_saw() -> None:
    """Issue 5387: 64 to 128 and 256 experts, by its own L = 1.6 + A C^-0.0941."""
    seen = {
        (row["d_model"], int(row["setting"].removeprefix("experts="))): row
        for row in rows("modern/marin_moe_ablations.csv")
        if row["variable"] == "experts"
    }
    checked = 0
    for (width, experts), row in seen.items():
        base = seen.get((width, 64))
        if experts == 64 or base is None:
            continue
        loss, was = (float(r["paloma_macro_loss"]) - 1.6 for r in (row, base))
        flops = float(row["flops"])
        law = leverage(3 / (experts / 2 + 1), 4, flops) / leverage(3 / 33, 4, flops)
        assert float(law) == pytest.approx((was / loss) ** (1 / 0.0941), rel=0.12)
        checked += 1
    assert checked >= 6


def test_leverage_is_best_at_eight_to_twelve_experts_for_one() -> None:
    fineness = np.linspace(1, 32, 3101)
    best = fineness[int(np.argmax(leverage(np.full_like(fineness, 1 / 16), fineness, 1e20)))]
    assert 8 <= best <= 12


def test_qwen3_s_mixture_is_worth_what_leverage_at_its_two_ends_says() -> None:
    """30B-A3B: the dense size of as good a benchmark, over its active parameters (2505.09388)."""
    sizes = {"1.7B": 1.4e9, "4B": 3.6e9, "8B": 6.95e9, "14B": 13.2e9, "32B": 31.2e9}
    active = 48 * (2 * 2048 * 128 * (32 + 4) + 24 * 2048 * 768 + 128 * 2048)
    worth = []
    for row in rows("modern/qwen3_base.csv"):
        scores = np.array([float(row[name]) for name in sizes])
        slope, start = np.polyfit(np.log(list(sizes.values())), np.log(scores / (100 - scores)), 1)
        of = float(row["30B-A3B"])
        worth.append(math.exp((math.log(of / (100 - of)) - start) / slope) / active)
    edge, here = (float(leverage(8 / 128, 2 * 2048 / 768, c)) for c in (3e20, 6 * active * 36e12))
    assert edge == pytest.approx(3.7, abs=0.05)
    assert median(worth) == pytest.approx(5.5, abs=0.1)
    assert edge < median(worth) < here == 6.0  # the greatest leverage counted


# Shapes


def factor(fit: str, x: float, r: float) -> float:
    """Bian et al. 2025b: (a0 + a1 ln x + a2 / x) (b0 + b1 ln r + b2 / r); upper case for 1B alone."""
    c = LAW_PAGES["bian-2025b"].coefficients
    a, b = (fit, chr(ord(fit) + 1))
    width = c[f"{a}0"] + c[f"{a}1"] * math.log(x) + c[f"{a}2"] / x
    return width * (c[f"{b}0"] + c[f"{b}1"] * math.log(r) + c[f"{b}2"] / r)


@pytest.mark.parametrize(
    ("fit", "one", "other", "measured", "within"),
    [
        ("a", (0.066, 4.8), (0.082, 1.07), 2.803 / 2.782, 0.006),  # LLaMA-3.2-1B, Panda-1B
        ("a", (0.082, 3.6), (0.082, 1.07), 2.804 / 2.782, 0.002),  # Surefire-1B
        ("A", (0.058, 3.0), (0.076, 1.23), 2.625 / 2.606, 0.001),  # LLaMA-3.2-3B, Panda-3B
    ],
)
def test_bian_2025b_tells_pairs_of_shapes_apart(
    fit: str, one: tuple[float, float], other: tuple[float, float], measured: float, within: float
) -> None:
    assert factor(fit, *one) / factor(fit, *other) == pytest.approx(measured, rel=within)


def test_outer_powers_in_the_catalogue_are_those_of_the_notes() -> None:
    notes = reference_json("modern/laws.json")["outer-exponent"]["steplaw dense, 17 runs"]
    mine = LAW_PAGES["steplaw-2025-outer"].coefficients
    for name, key in {"E": "E", "A": "A", "alpha": "alpha", "B": "B", "beta": "beta",
                      "outer": "k"}.items():  # fmt: skip
        assert mine[name] == pytest.approx(notes[key], rel=2e-3), name
