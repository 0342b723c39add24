"""The catalogue of laws: what its pages say was recomputed, recomputed."""

from __future__ import annotations

import csv
import itertools
import json
import math
from typing import Any

import numpy as np
import pytest

from modelsizer.optimizer.fitting.columns import parse_columns
from modelsizer.optimizer.fitting.fit import fit_without
from modelsizer.optimizer.fitting.forms import FORMS
from modelsizer.optimizer.fitting.runs import read_runs
from modelsizer.problems.laws.catalogue import law_rows, page_rows
from modelsizer.problems.laws.experts import (
    effective_experts,
    ludziejewski_loss,
)
from modelsizer.problems.laws.farseer import FarseerLaw, farseer_bits
from modelsizer.problems.laws.pages import CURVES, LAW_PAGES
from modelsizer.problems.laws.precision import kumar_law, kumar_share
from modelsizer.problems.laws.published import LAW_FORMS, token_law
from modelsizer.problems.laws.shapes import SHAPE_LAWS
from tests.support.shared import reference


def published(name: str) -> Any:
    """The coefficients on a page."""
    return LAW_PAGES[name].coefficients


def best(loss: Any, flops: float, low: float = 1e7, high: float = 1e12) -> tuple[float, float]:
    """N and D of least loss at C = 6ND, by a fine grid."""
    n = np.geomspace(low, high, 200_001)
    at = n[int(np.argmin(loss(n, flops / 6 / n)))]
    return float(at), flops / 6 / float(at)


# The files


@pytest.mark.parametrize("name", law_rows())
def test_a_law_has_a_known_form_and_a_page(name: str) -> None:
    row = law_rows()[name]
    assert row["form"] in LAW_FORMS
    assert set(row) <= {
        "form", "coefficients", "parameters", "parameter_range", "token_range", "ranges",
        "most_epochs", "rms", "source", "caution", "shape_source", "experts",
    }  # fmt: skip
    assert page_rows()[name]


def test_what_a_page_takes_from_its_law_is_not_written_twice() -> None:
    read = {
        "short", "formula", "words", "parameters", "kind", "data", "seen", "sees", "unit",
        "why_not", "warnings", "rms_source", "checked", "drawn_at", "held",
    }  # fmt: skip
    numbers = {"form", "coefficients", "parameter_range", "token_range", "rms", "source"}
    for name, row in page_rows().items():
        if name != "left_out":
            assert set(row) <= (read if name in law_rows() else read | numbers), name
    forms = {row["form"] for row in law_rows().values()}
    assert forms == set(LAW_FORMS)
    curves = [r["form"] for n, r in page_rows().items() if n != "left_out" and "form" in r]
    assert sorted(curves) == sorted(CURVES)


def test_an_error_has_a_source() -> None:
    for name, page in LAW_PAGES.items():
        assert (page.rms is None) == (page.rms_source == ""), name
        assert page.rms is None or 0 < page.rms < 0.1


# What was recomputed


def test_kaplan_on_the_page_is_the_law() -> None:
    k, law = LAW_PAGES["kaplan-2020"].coefficients, token_law("kaplan-2020")
    n, d = 4e8, 7e9
    want = ((k["Nc"] / n) ** (k["aN"] / k["aD"]) + k["Dc"] / d) ** k["aD"]
    assert law.loss(n, d) == pytest.approx(want, rel=1e-13)


def test_kaplan_has_the_limits_and_the_data_that_its_paper_asks_for() -> None:
    law: Any = token_law("kaplan-2020")
    assert law.loss(1e9, 1e40) == pytest.approx((6.4e13 / 1e9) ** 0.076, rel=1e-9)
    assert law.loss(1e300, 1e10) == pytest.approx((1.8e13 / 1e10) ** 0.103, rel=1e-9)
    # The laws of one variable alone have other constants: mixing them is the trap.
    assert law.loss(1e9, 1e40) != pytest.approx((8.8e13 / 1e9) ** 0.076, rel=0.02)
    # Section 4.2, eq. 4.4: within 0.02 of the loss without end of data from D = 5e3 N^0.74 on, so
    # that eight times the parameters ask for about five times the data.
    n = 1e8
    enough = law.tokens_for(n, 1.02 * law.loss(n, 1e40))
    assert enough == pytest.approx(5e3 * n**0.74, rel=0.1)
    assert law.tokens_for(8 * n, 1.02 * law.loss(8 * n, 1e40)) / enough == pytest.approx(5, abs=0.4)


def test_besiroglu_is_near_chinchillas_own_ratio() -> None:
    n, d = best(token_law("besiroglu-2024").loss, 5.76e23)
    assert d / n == pytest.approx(18.4, abs=0.1)


def test_hoffmann_meets_its_optimum() -> None:
    n, d = best(token_law("hoffmann-2022").loss, 5.76e23)
    assert [n, d] == pytest.approx([40.3e9, 2.38e12], rel=2e-3)


def test_hoffmann_as_printed_misses_its_optimum() -> None:
    exact: Any = token_law("hoffmann-2022")
    printed: Any = token_law("hoffmann-2022-rounded")
    d = 1e11
    shift = printed.B / d**printed.beta / (exact.B / d**exact.beta)
    assert shift == pytest.approx(1.13, abs=5e-3)
    n, _ = best(printed.loss, 5.76e23)
    assert n < 0.81 * 40.3e9


# N, D and the loss on Paloma's C4 of runs of Gadre et al.: github.com/mlfoundations/scaling,
# exp_data/models/, by name.
C4_RUNS = (
    (153_677_376, 3_073_547_520, 3.456261),  # c4_original-d=576_l=24_h=8-1.0
    (6_889_410_560, 137_788_211_200, 2.388145),  # c4_original-open_lm_7b-1.0
    (10_569_312, 6_764_359_680, 4.456387),  # c4_original-d=96_l=8_h=4-32.0
)


def test_gadre_corrected_meets_the_authors_runs_and_as_printed_misses_them() -> None:
    as_printed = {"E": 1.51, "a": 114.0, "b": 190.0, "eta": 0.242}
    printed = LAW_FORMS["gadre"](as_printed, {"name": "printed"})
    right = token_law("gadre-2024-c4")
    for n, d, loss in C4_RUNS:
        assert abs(right.loss(n, d) / loss - 1) < 0.042
        assert 0.36 < 1 - printed.loss(n, d) / loss < 0.66
    # rpj-open_lm_1b-32.0 and rw_original-d=1024_l=24_h=8-1.0
    for name, n, d, loss in (
        ("gadre-2024-redpajama", 1_439_795_200, 921_468_928_000, 2.509726),
        ("gadre-2024-refinedweb", 411_616_256, 8_232_325_120, 3.175468),
    ):
        assert abs(token_law(name).loss(n, d) / loss - 1) < 0.013


def test_gadre_is_written_in_compute_and_tokens_a_parameter() -> None:
    k, (n, d) = published("gadre-2024-c4"), (2e9, 3e10)
    m, c = d / n, 6 * n * d
    want = k["E"] + (k["a"] * m ** k["eta"] + k["b"] * m ** -k["eta"]) * c ** -k["eta"]
    assert token_law("gadre-2024-c4").loss(n, d) == pytest.approx(want, rel=1e-13)


def test_sardana_on_all_runs_promises_less_from_many_tokens() -> None:
    def refit(alpha: float, beta: float, a: float, b: float, e: float) -> float:
        return float(e + a / 150e6**alpha + b / 1.5e12**beta)

    everything = token_law("sardana-2024").loss(150e6, 1.5e12)
    assert everything == pytest.approx(2.752, abs=1e-3)
    assert refit(0.08, 0.13, 7.199, 25.97, 0.17) == pytest.approx(2.445, abs=1e-3)
    assert refit(0.13, 0.16, 14.23, 39.54, 0.98) == pytest.approx(2.657, abs=1e-3)
    assert refit(0.13, 0.16, 17.07, 35.80, 0.95) == pytest.approx(2.830, abs=1e-3)  # to 500


# Krajewski et al., table 2: active parameters, tokens, granularity, its loss, and that recomputed.
KRAJEWSKI_ROWS = (
    (100e6, 4.37e9, 8, 3.133, 3.110),
    (1e9, 28.94e9, 16, 2.491, 2.471),
    (7e9, 137.6e9, 32, 2.076, 2.060),
    (1e12, 7.94e12, 64, 1.367, 1.356),
)


@pytest.mark.parametrize(("active", "d", "granularity", "printed", "want"), KRAJEWSKI_ROWS)
def test_krajewski_counts_all_experts(
    active: float, d: float, granularity: int, printed: float, want: float
) -> None:
    total = active * (8 * 64 + 4) / 12  # of 12 layers d_model^2 active
    law = token_law("krajewski-2024").of({"granularity": granularity / 2})
    found = law.loss(total, d)
    assert found == pytest.approx(want, abs=6e-4)
    assert abs(found - printed) < 0.025
    assert abs(law.loss(active, d) - printed) > 0.25


# Ludziejewski et al., table 1: FLOPs, experts, active parameters and tokens in billions.
LUDZIEJEWSKI_ROWS = (
    (1e20, 1, 1.7, 9.7), (1e20, 2, 1.5, 11.4), (1e20, 4, 1.2, 13.9), (1e20, 8, 0.99, 17.0),
    (1e20, 16, 0.81, 20.7), (1e20, 32, 0.669, 24.9), (1e21, 1, 5.7, 29.3), (1e21, 2, 5.0, 33.0),
    (1e21, 4, 4.4, 38.0), (1e21, 8, 3.8, 44.3), (1e21, 16, 3.3, 51.2), (1e21, 32, 2.85, 58.4),
    (1e22, 1, 18.8, 88.6), (1e22, 2, 17.4, 96.0), (1e22, 4, 15.8, 105.4), (1e22, 8, 14.4, 115.8),
    (1e22, 16, 13.2, 126.5), (1e22, 32, 12.2, 136.9),
)  # fmt: skip


@pytest.mark.parametrize(("flops", "experts", "n", "d"), LUDZIEJEWSKI_ROWS)
def test_ludziejewski_meets_its_table(flops: float, experts: int, n: float, d: float) -> None:
    found = best(
        lambda a, b: ludziejewski_loss(published("ludziejewski-2025"), a, b, experts), flops
    )
    for value, want in zip(found, (n, d), strict=True):
        assert value / 1e9 == pytest.approx(want, rel=0.015, abs=0.05)


def test_of_sixteen_choices_of_signs_one_meets_ludziejewskis_table() -> None:
    k = published("ludziejewski-2025")
    rows = [row for row in LUDZIEJEWSKI_ROWS if row[:2] in ((1e20, 1), (1e20, 32), (1e22, 32))]

    def error(signs: tuple[int, ...]) -> float:
        delta, gamma, omega, zeta = signs
        worst = 0.0
        for flops, experts, *want in rows:
            e = float(effective_experts(experts, k["E_start"], k["E_max"]))
            alpha = k["alpha"] + gamma * k["gamma"] * math.log(e)
            beta = k["beta"] + zeta * k["zeta"] * math.log(e)
            a, b = k["a"] * e ** (delta * k["delta"]), k["b"] * e ** (omega * k["omega"])
            found = best(lambda n, d, a=a, b=b, al=alpha, be=beta: a * n**al + b * d**be, flops)
            worst = max(worst, *(abs(v / 1e9 / w - 1) for v, w in zip(found, want, strict=True)))
        return worst

    good = [signs for signs in itertools.product((1, -1), repeat=4) if error(signs) < 0.5]
    assert good == [(1, 1, 1, 1)]


def test_ludziejewski_at_one_expert_is_the_dense_law() -> None:
    law: Any = token_law("ludziejewski-2025-dense")
    # m, mu, n and nu at E = 1 as appendix B prints them; the joint ones are rounded.
    printed = (30.3640, 0.1817, 53.9838, 0.1965)
    assert [law.A, law.alpha, law.B, law.beta] == pytest.approx(printed, rel=3e-3)
    joint = ludziejewski_loss(published("ludziejewski-2025"), 1e9, 2e10, 1)
    assert law.loss(1e9, 2e10) == pytest.approx(joint, rel=1e-14)


def test_abnar_wants_more_sparsity_the_more_parameters() -> None:
    sparsity = np.linspace(0, 0.99, 991)
    chosen = []
    for n in (1e8, 1e9, 1e10, 1e11):
        tokens = 1e20 / 6 / (n * (1 - sparsity))
        loss = token_law("abnar-2025").of({"activation": 1 - sparsity}).loss(n, tokens)
        chosen.append(sparsity[int(np.argmin(loss))])
    assert chosen == sorted(set(chosen))
    assert chosen[-1] >= 0.98


def test_abnar_orders_the_mixtures_of_others_with_all_parameters_as_n() -> None:
    from scipy.stats import spearmanr  # whose import takes half a second

    with reference("modern/steplaw2025_moe_best.csv").open() as file:
        runs = [{k: float(v) for k, v in run.items()} for run in csv.DictReader(file)]
    seen = [run["smooth_loss"] for run in runs]
    for key, want in (("N", 0.988), ("Na", 0.782)):
        shared = [run["shared_width"] for run in runs]
        active = [(r["topk"] * r["expert_width"] + s) / (r["experts"] * r["expert_width"] + s)
                  for r, s in zip(runs, shared, strict=True)]  # fmt: skip
        told = [float(token_law("abnar-2025").of({"activation": a}).loss(run[key], run["D"]))
                for run, a in zip(runs, active, strict=True)]  # fmt: skip
        assert spearmanr(seen, told).statistic == pytest.approx(want, abs=2e-3)


def clark_loss(n: float, experts: float) -> float:
    c = published("clark-2022")
    log_n = math.log10(n)
    log_e = math.log10(effective_experts(experts, c["E_start"], c["E_max"]))
    return float(10 ** (c["a"] * log_n + c["b"] * log_e + c["c"] * log_n * log_e + c["d"]))


def test_clark_counts_in_decades() -> None:
    assert clark_loss(5e6, 128) == pytest.approx(clark_loss(55e6, 1), rel=0.006)  # section 5.1
    k = published("clark-2022")
    assert 10 ** (-k["b"] / k["c"]) == pytest.approx(937e9, rel=0.12)  # where routing stops helping
    natural = math.exp(k["a"] * math.log(370e6) + k["d"])
    assert clark_loss(370e6, 1) > 2.4 > 2 > natural


def test_clark_meets_its_released_runs() -> None:
    with reference("modern/clark2022_final.csv").open() as file:
        runs = [
            run
            for run in csv.DictReader(file)
            if (run["routing_frequency"], run["k"], run["seed"]) == ("0.5", "1", "42")
            and run["router_type"] in ("Dense", "S-Base")
        ]
    off = [
        clark_loss(float(run["dense_parameter_count"]), float(run["num_experts"]))
        - float(run["loss_validation"])
        for run in runs
    ]
    assert len(runs) == 58
    assert math.sqrt(sum(x * x for x in off) / len(off)) == pytest.approx(0.0183, abs=5e-5)


def bian_factor(letters: str, x: float, r: float) -> float:
    """Factor of bian-2025b (eq. 3) by its fit of small models, "ab", or of 1B ones, "AB"."""
    c, (a, b) = published("bian-2025b"), letters
    of_width = c[f"{a}0"] + c[f"{a}1"] * math.log(x) + c[f"{a}2"] / x
    return of_width * (c[f"{b}0"] + c[f"{b}1"] * math.log(r) + c[f"{b}2"] / r)


@pytest.mark.parametrize(
    ("letters", "x", "r", "least", "costs"),
    [("ab", 0.080, 1.032, 1.003, {3.0: 0.0066, 4.59: 0.0115}),
     ("AB", 0.074, 1.216, 1.0005, {3.0: 0.0030, 4.59: 0.0059})],
)  # fmt: skip
def test_bian_s_factor_is_one_at_the_best_shape(
    letters: str, x: float, r: float, least: float, costs: dict[float, float]
) -> None:
    c, (a, b) = published("bian-2025b"), letters
    assert c[f"{a}2"] / c[f"{a}1"] == pytest.approx(x, abs=5e-4)
    assert c[f"{b}2"] / c[f"{b}1"] == pytest.approx(r, abs=5e-4)
    best = bian_factor(letters, x, r)
    assert best == pytest.approx(least, abs=3e-4)
    for ratio, cost in costs.items():
        assert bian_factor(letters, x, ratio) / best - 1 == pytest.approx(cost, abs=1e-4)
    measured = 2.625 / 2.606  # LLaMA-3.2-3B over the best shape of its size
    assert bian_factor("AB", 0.058, 3.0) / bian_factor("AB", 0.076, 1.23) == pytest.approx(
        measured, rel=6e-4
    )


def test_kumars_best_precision_needs_the_offset() -> None:
    for offset, want in ((True, 7.0), (False, 3.5)):
        bits = np.linspace(4 if offset else 0.5, 16, 46_001)
        share = kumar_share(published("kumar-2024"), bits, bits, bits, offset)
        # C ~ N D P, so that at the best P one more per cent of bits buys one of parameters.
        assert bits[int(np.argmax(share / bits))] == pytest.approx(want, abs=0.04)


def test_kumar_at_fixed_bits_is_a_law_of_n_and_d() -> None:
    law, k = kumar_law(8, 8, 8), published("kumar-2024")
    share = float(kumar_share(k, 8, 8, 8))
    want = k["A"] * (1e9 * share) ** -k["alpha"] + k["B"] * 2e10 ** -k["alpha"] + k["E"]
    assert law.loss(1e9, 2e10) == pytest.approx(want, rel=1e-13)
    assert law.loss(1e9, 2e10) > kumar_law(16, 16, 16).loss(1e9, 2e10)
    assert float(kumar_share(k, 16, 16, 16)) == pytest.approx(0.994, abs=5e-4)
    with pytest.raises(ValueError, match="no parameter is effective"):
        kumar_law(16, 2, 16)


# vocab_size, embed_dim, num_characters, Non_vocab_parameters, Lossu of
# github.com/sail-sg/scaling-with-vocab, exp_data.csv.
TAO_RUNS = (
    (4096, 512, 3616410817.0, 33222784, -3.940193),
    (16384, 512, 4406367851.2, 33222784, -3.938317),
    (64512, 512, 5048941711.2, 33222784, -3.903784),
    (16384, 2048, 110673272529.2, 1129891136, -5.259097),
    (32768, 2048, 217630585591.2, 1129891136, -5.336409),
    (48128, 2048, 33818143398.3, 1129891136, -4.916941),
    (96256, 2048, 236122137568.1, 1129891136, -5.199584),
)


def tao_loss(non_vocab: Any, vocab: Any, d_model: Any, characters: Any, in_tokens: Any) -> Any:
    """Loss over that of unigrams; `in_tokens` is the vocabulary where characters become tokens."""
    c, ln = published("tao-2024"), np.log(in_tokens)
    tokens = characters / 1e9 * (c["f2"] * ln**2 + c["f1"] * ln + c["f0"])
    rows = vocab * d_model / 1e6
    return (
        -c["E"]
        + c["A1"] / (non_vocab / 1e6) ** c["alpha1"]
        + c["A2"] / rows ** c["alpha2"]
        + c["B"] / tokens ** c["beta"]
    )


def test_tao_meets_the_authors_runs_in_their_units_alone() -> None:
    vocab, width, characters, n, loss = (np.array(column) for column in zip(*TAO_RUNS, strict=True))

    def error(in_tokens: Any) -> float:
        residuals = tao_loss(n, vocab, width, characters, in_tokens) - loss
        return float(np.sqrt(np.mean(residuals**2)))

    assert error(vocab / 1e3) == pytest.approx(0.075, abs=0.01)
    # With whole words of vocabulary in the tokens of a character, as the paper reads, it fails.
    assert error(vocab) > 3 * error(vocab / 1e3)


def test_farseer_runs_away_and_its_law_does_not() -> None:
    n = np.geomspace(1e8, 1e14, 6001)
    free = farseer_bits(published("farseer-2025"), n, 1e20 / 6 / n)
    inner = [i for i in range(1, 6000) if free[i] < free[i - 1] and free[i] < free[i + 1]]
    assert [n[i] for i in inner] == [pytest.approx(1.24e9, rel=0.01)]
    assert n[int(free.argmin())] == n[-1]
    far = farseer_bits(published("farseer-2025"), n, 1e23 / 6 / n)
    assert (np.diff(far) < 0).all()
    held = FarseerLaw(4.0)
    assert best(held.loss, 1e20)[0] == pytest.approx(1.24e9, rel=0.01)
    assert best(held.loss, 1e23)[0] == pytest.approx(6.4e9, rel=0.01)
    assert held.loss(1e9, 1e10) == pytest.approx(
        4 * math.log(2) * farseer_bits(published("farseer-2025"), 1e9, 1e10)
    )
    with pytest.raises(ValueError, match="characters_per_token"):
        FarseerLaw(0.0)


@pytest.mark.parametrize("tokens_a_parameter", [1, 20, 400, 1e4])
def test_farseer_falls_in_n_where_it_was_fitted(tokens_a_parameter: float) -> None:
    n = np.geomspace(0.2e9, 6.4e9, 400)
    for d in tokens_a_parameter * np.array([0.2e9, 1e9, 6.4e9]):
        assert (np.diff(farseer_bits(published("farseer-2025"), n, d)) < 0).all()


def bian_loss(n: Any, d: Any, d_model: float, layers: float) -> Any:
    return token_law("bian-2025").of({"aspect_ratio": d_model / layers}).loss(n, d)


def test_bian_multiplies() -> None:
    k = published("bian-2025")
    assert bian_loss(1e9, 2e10, 4096, 32) > bian_loss(1e9, 2e10, 2048, 32)
    assert k["gamma"] * 128 ** k["alpha"] == pytest.approx(0.023, abs=5e-4)
    n = np.array([1e8, 1e10])
    token = k["E"] + k["A"] / n ** k["alpha"] + k["B"] / 2e10 ** k["alpha"]
    want = token * (1 + k["gamma"] * 64 ** k["alpha"])
    assert bian_loss(n, 2e10, 2048, 32) == pytest.approx(want, rel=1e-13)


def test_gemstones_ranks_its_runs() -> None:
    lines = reference("gemstones_runs.jsonl").read_text().splitlines()
    runs = [run for run in map(json.loads, lines) if run["tokens"] >= 1e11]
    ratios = np.array(
        [
            token_law("gemstones-2025")
            .of({"d_model": float(r["width"]), "layers": float(r["depth"])})
            .loss(float(r["params_active_precise"]), float(r["tokens"]))
            / r["final_loss"]
            for r in runs
        ]
    )
    assert ratios.mean() == pytest.approx(1 - 0.044, abs=1e-3)
    assert ratios.std() < 0.005
    shape: Any = SHAPE_LAWS["gemstones-2025"]
    k = published("gemstones-2025")
    assert (k["a"], k["ln_A"], k["b"], k["ln_B"]) == (shape.a, shape.ln_A, shape.b, shape.ln_B)


def test_optima_without_a_loss() -> None:
    flops, k = np.geomspace(1e17, 1e25, 9), published("deepseek-2024")
    assert k["M_base"] * flops ** k["a"] * k["D_base"] * flops ** k["b"] == pytest.approx(
        flops, rel=2e-3
    )
    k = published("llama-3-2024")
    tokens = k["A"] * 3.8e25 ** k["alpha"]
    assert tokens == pytest.approx(1.63e13, rel=2e-3)
    # Its flagship has 405B parameters; C = 6ND at the tokens of the formula leaves 389B.
    assert 3.8e25 / 6 / tokens == pytest.approx(405e9, rel=0.05)
    assert pytest.approx(1.05e13, rel=5e-3) == 0.29 * 3.8e25**0.53  # as printed


@pytest.mark.parametrize(
    ("name", "table", "columns", "worst", "rms", "plain"),
    [
        ("hoffmann-2022-outer", "chinchilla_runs.csv", "N=Model Size,C=Training FLOP,loss=loss", 5,
         0.67, 0.75),
        ("steplaw-2025-outer", "modern/steplaw2025_dense_best.csv", "loss=smooth_loss", 0, 0.12,
         0.40),
    ],
)  # fmt: skip
def test_outer_powers_are_the_fits_of_their_runs(
    name: str, table: str, columns: str, worst: int, rms: float, plain: float
) -> None:
    runs = read_runs(reference(table), FORMS["chinchilla"], parse_columns(columns))
    for form, want in (("chinchilla-outer", rms), ("chinchilla", plain)):
        found, _ = fit_without(runs.design(FORMS[form]), 1e-3, worst=worst)
        off = 100 * math.sqrt(float((np.expm1(found.residuals) ** 2).mean()))
        assert off == pytest.approx(want, abs=0.005)
        if form == "chinchilla-outer":
            assert published(name) == pytest.approx(found.coefficients, rel=2e-4)
