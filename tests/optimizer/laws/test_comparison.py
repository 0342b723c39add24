"""Laws compared: regrets, the compromise, and the picture, against plain arithmetic."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from modelsizer import Problem, solve
from modelsizer.cli import app
from modelsizer.optimizer.laws import regrets
from modelsizer.optimizer.laws.comparison import LawComparison, Within, compare_laws
from modelsizer.optimizer.laws.curves import law_curves
from modelsizer.optimizer.sweeps.numeric_setting import NumericSetting
from modelsizer.plots.drawing.line_ends import spread_out
from modelsizer.plots.laws.law_comparison import law_comparison
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.laws.laws import Range
from tests.support.architectures import listed
from tests.support.enumerated import unseen
from tests.support.figure_checks import BOTH_SIZES, check

LAWS = ("kaplan-2020", "hoffmann-2022", "besiroglu-2024", "krajewski-2024-dense")
EXERCISE = Problem.load("exercise-1e24")
SMALL = """
[space]
layers = {min = 4, max = 16}
d_model = {min = 256, max = 1024, step = 128}
head_dim = 64
kv_heads = 2
ffn_ratio = [2.6667, 4.0]
ffn_multiple = 64
vocab_size = 8192
[training]
sequence_length = 1024
[budgets]
training_flops = 3e18
"""
REFERENCED = Problem.from_tables(
    {
        "space": {
            "layers": {"min": 16, "max": 40}, "d_model": {"min": 3072, "max": 7168, "step": 512},
            "kv_heads": [4, 8], "ffn_ratio": [3.0, 3.5, 4.0], "vocab_size": 128256,
        },
        "serving": {"accelerator": "H100-SXM", "batch_size": 4, "engine": "none"},
        "training": {"sequence_length": 8192},
        "budgets": {
            "loss": "as llama-3-8b at 15T tokens",
            "training_flops": "as llama-3-8b",
            "decode_latency": "as llama-3-8b",
            "kv_bytes_per_token": "as llama-3-8b",
        },
    }
)  # fmt: skip
LIMITS: dict[str, dict[str, object]] = {
    "plain": {},
    "parameters": {"budgets.parameters": 60_000_000},
    "served": {"budgets.kv_cache": 30_000_000, "budgets.training_flops": 1e19},
    # Fewer tokens than the FLOPs allow the small ones: the least loss is level in places.
    "tokens": {"budgets.tokens": 3_000_000_000, "budgets.training_flops": 1e18},
    "few tokens": {"budgets.tokens": 300_000_000},
    "least tokens": {"budgets.tokens": {"min": 5_000_000_000}},
}


def under(problem: Problem, law: str) -> Problem:
    return problem.with_settings({"objective.law": law})


def every_design(problem: Problem, laws: tuple[str, ...]) -> list[dict[str, Evaluation]]:
    """Each feasible design evaluated under each law."""
    designs = dict.fromkeys(listed(problem))
    problems = {law: under(problem, law) for law in laws}
    found = [{law: evaluate(p, a) for law, p in problems.items()} for a in designs]
    return [row for row in found if row[laws[0]].feasible]


def wasted_by_hand(problem: Problem, law: str, designs: list[Evaluation]) -> np.ndarray[Any, Any]:
    """One less the compute at which a design of all those is as good, of that of the best."""
    rule = under(problem, law).law
    loss = np.array([d.loss for d in designs])
    n = np.array([float(d.law_parameters) for d in designs])
    excess = np.array([d.shape_excess for d in designs])
    each = np.array([float(d.training_flops_per_token) for d in designs])
    most = np.array([d.tokens for d in designs])
    share = 1 + np.array([unseen(problem, d.architecture) for d in designs])
    limit = problem.budgets.tokens
    least = 0.0 if limit is None or limit.min is None else float(limit.min)

    def compute(target: float) -> float:
        predicted = rule.irreducible + (target - excess - rule.irreducible) / share
        tokens = np.maximum(rule.tokens_for(n, predicted), least)
        reached = tokens <= most * (1 + 1e-12)
        return float((tokens * each)[reached].min())

    at = np.array([compute(value) for value in loss])
    found: np.ndarray[Any, Any] = 1 - at / compute(float(loss.min()))
    return found


@pytest.mark.parametrize("name", LIMITS)
def test_the_least_hated_design_is_that_of_all_designs_judged_by_hand(name: str) -> None:
    problem = Problem.parse(SMALL, settings=LIMITS[name])
    designs = every_design(problem, LAWS)
    assert len(designs) > 20
    columns = {law: [row[law] for row in designs] for law in LAWS}
    wasted = np.stack([wasted_by_hand(problem, law, columns[law]) for law in LAWS])
    worst = wasted.max(axis=0)
    found = compare_laws(problem, LAWS)
    best = found.no_law_hates
    assert best is not None
    assert best.wasted_compute == pytest.approx(float(worst.min()), abs=1e-9)
    ties = np.flatnonzero(worst <= worst.min() + 1e-9)
    at = next(i for i in ties if designs[i][LAWS[0]].architecture == best.architecture)
    for i, law in enumerate(LAWS):
        assert best.regrets[law].wasted_compute == pytest.approx(wasted[i, at], abs=1e-9)
    for optimum in found.laws:
        assert optimum.design is not None
        own = columns[optimum.name]
        assert optimum.design.loss == min(d.loss for d in own)
        place = [d.architecture for d in own].index(optimum.design.architecture)
        for i, law in enumerate(LAWS):
            regret = optimum.regrets[law]
            least = min(d.loss for d in columns[law])
            assert regret.nats == columns[law][place].loss - least
            assert regret.wasted_compute == pytest.approx(wasted[i, place], abs=1e-9)


@pytest.fixture(scope="module")
def exercise() -> LawComparison:
    return compare_laws(EXERCISE, LAWS)


def test_each_answer_is_that_of_a_solve_under_its_law(exercise: LawComparison) -> None:
    for law in exercise.laws:
        alone = solve(under(EXERCISE, law.name))
        assert law.status == alone.status == "optimal"
        assert law.design == alone.design


def test_a_law_is_as_good_with_what_another_design_leaves_of_the_compute(
    exercise: LawComparison,
) -> None:
    for row in exercise.laws:
        for judge in exercise.laws:
            regret = row.regrets[judge.name]
            assert row.design is not None
            assert judge.design is not None
            assert regret.wasted_compute is not None
            if row is judge:
                assert (regret.nats, regret.wasted_compute) == (0, 0)
                continue
            assert regret.nats > 0
            left = 1e24 * (1 - regret.wasted_compute)
            again = solve(
                under(EXERCISE, judge.name).with_settings({"budgets.training_flops": left})
            )
            assert again.design is not None
            reached = evaluate(under(EXERCISE, judge.name), row.design.architecture).loss
            assert again.design.loss == pytest.approx(reached, rel=1e-12)


def test_the_compromise_is_better_at_worst_than_every_answer(exercise: LawComparison) -> None:
    best = exercise.no_law_hates
    assert best is not None
    assert best.wasted_compute == max(r.wasted_compute or 0 for r in best.regrets.values())
    for law in exercise.laws:
        assert best.wasted_compute < max(r.wasted_compute or 0 for r in law.regrets.values())


def test_the_compromise_is_found_where_few_designs_can_be_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = Problem.parse(SMALL)
    best = compare_laws(problem, LAWS[:2]).no_law_hates
    assert best is not None
    monkeypatch.setattr(regrets, "MOST_HELD", regrets.FINALISTS + 2)
    assert compare_laws(problem, LAWS[:2]).no_law_hates == best
    monkeypatch.setattr(regrets, "MOST_HELD", 0)
    monkeypatch.setattr(regrets, "CLOSE", 0.01)
    found = compare_laws(problem, LAWS[:2])
    assert found.no_law_hates is None
    assert "too many designs" in found.why_not


def test_published_disagreement_of_kaplan_and_chinchilla(exercise: LawComparison) -> None:
    # Kaplan's N grows as C^0.73, Hoffmann's about as C^0.5: at 1e24 several times as many.
    sizes = {law.name: law.design.parameters.total for law in exercise.laws if law.design}
    assert sizes["kaplan-2020"] > 3 * sizes["hoffmann-2022"]


def test_how_far_a_law_is_used_beyond_its_data(exercise: LawComparison) -> None:
    kaplan = exercise.laws[0]
    assert kaplan.design is not None
    assert kaplan.within is not None
    n, d = kaplan.within
    # Kaplan et al. 2020: at most 1.5B non-embedding parameters and 23B tokens.
    assert n.factor == kaplan.design.parameters.non_embedding / 1.5e9
    assert d.factor == kaplan.design.tokens / 23e9
    assert n.to_dict()["within"] is False
    assert Within(5.0, Range(20.0, 100.0)).factor == 4
    assert Within(50.0, Range(20.0, 100.0)).to_dict()["within"] is True
    assert Within(50.0, Range()).to_dict()["within"] is None


def test_what_laws_cannot_judge_is_said() -> None:
    problem = Problem.parse(SMALL)
    small = compare_laws(problem.with_settings({"objective.minimize": "parameters"}), LAWS)
    assert "parameters" in small.why_not
    tokens = Problem.parse(
        SMALL.replace("training_flops = 3e18", "parameters = 40_000_000"),
        settings={"training.tokens": 1e9},
    )
    found = compare_laws(tokens, LAWS)
    assert found.no_law_hates is None
    assert "training_flops" in found.why_not
    regrets = [r for law in found.laws for r in law.regrets.values()]
    assert regrets
    assert all(r.wasted_compute is None and r.nats >= 0 for r in regrets)


def test_a_number_of_nats_is_refused_and_the_loss_of_a_model_is_not() -> None:
    problem = Problem.parse(SMALL)
    for limit in (6, {"min": 1}, {"min": "as gpt2 at 1B tokens", "max": 6}):
        with pytest.raises(ProblemError, match=r'write the loss of a model.*"as llama-3-8b at'):
            compare_laws(problem.with_settings({"budgets.loss": limit}), LAWS)
    assert compare_laws(problem.with_settings({"budgets.loss": 9}), ["besiroglu-2024"]).complete
    free = compare_laws(problem, LAWS)
    kept = compare_laws(problem.with_settings({"budgets.loss": "as gpt2 at 100M tokens"}), LAWS)
    assert [law.regrets for law in kept.laws] == [law.regrets for law in free.laws]
    assert kept.no_law_hates == free.no_law_hates


def test_a_design_that_exceeds_the_loss_by_a_law_has_no_regret_there() -> None:
    names = ["besiroglu-2024", "hoffmann-2022", "kaplan-2020"]
    found = compare_laws(REFERENCED, names)
    breaks = [[name for name in names if name not in law.regrets] for law in found.laws]
    for law, others in zip(found.laws, breaks, strict=True):
        assert law.optimum is not None
        for name in names:
            under = REFERENCED.with_settings(REFERENCED.under_law(name))
            design = evaluate(under, law.optimum.architecture)
            assert design.feasible == (name not in others)
    assert breaks == [["kaplan-2020"], ["kaplan-2020"], ["besiroglu-2024", "hoffmann-2022"]]
    assert "breaks budgets.loss (as llama-3-8b at 15T tokens)" in found.why_not


def test_no_design_under_any_law() -> None:
    problem = Problem.parse(SMALL, settings={"budgets.parameters": 1000})
    found = compare_laws(problem, LAWS)
    assert {law.status for law in found.laws} == {"infeasible"}
    assert found.no_law_hates is None


def test_a_law_that_there_is_not() -> None:
    with pytest.raises(ProblemError, match="kaplan-2020"):
        compare_laws(EXERCISE, ["kaplan-2021"])
    with pytest.raises(ProblemError, match="--laws"):
        compare_laws(EXERCISE, [])


@pytest.mark.slow
@pytest.mark.parametrize("given", ["total", "active"])
def test_laws_that_count_experts_themselves_are_compared_whatever_the_problem_says(
    given: str,
) -> None:
    problem = Problem.load("mixture-30b-a3b").with_settings({"objective.experts": given})
    for name in ("tian-2025", "krajewski-2024", "abnar-2025", "ludziejewski-2025"):
        under = problem.with_settings(problem.under_law(name))
        assert under.objective.law == name
    other = problem.with_settings(problem.under_law("hoffmann-2022"))
    assert other.objective.experts == given


def test_own_laws_are_compared_too() -> None:
    own = "\n[laws.mine]\nE = 1.5\nA = 400.0\nalpha = 0.34\nB = 400.0\nbeta = 0.29\n"
    found = compare_laws(Problem.parse(SMALL + own))
    assert "mine" in [law.name for law in found.laws]
    assert "besiroglu-2024" in [law.name for law in found.laws]


# The command


def run(*args: str) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["compare-laws", *args], env={"COLUMNS": "80"})
    return answer.exit_code, answer.output


def test_json_has_every_law_and_the_compromise(exercise: LawComparison) -> None:
    status, text = run("exercise-1e24", "--laws", ",".join(LAWS), "--json", "-")
    assert status == 0
    content = json.loads(text)
    assert [law["name"] for law in content["laws"]] == list(LAWS)
    assert content == exercise.to_dict()
    worst = content["no_law_hates"]["worst"]
    regrets = content["no_law_hates"]["regrets"]
    assert regrets[worst["law"]]["wasted_compute"] == worst["wasted_compute"]
    assert set(content["laws"][0]["regrets"]) == set(LAWS)


def test_text_fits_eighty_columns_and_says_what_is_extrapolated() -> None:
    swept = ("--from", "1e22", "--to", "1e24", "--points", "3")
    status, text = run("exercise-1e24", "--laws", ",".join(LAWS), *swept)
    assert status == 0
    assert max(len(line) for line in text.splitlines()) <= 80
    row = next(line for line in text.splitlines() if line.strip().startswith("kaplan-2020"))
    assert "312B" in row
    assert "N x205 D x21" in row
    assert "compromise" in text
    assert "compare none of them" in " ".join(text.split())


def test_where_other_limits_decide_the_laws_agree() -> None:
    status, text = run("eight-h100-128k", "--set", "objective.ablations=none")
    assert status == 0
    assert "The laws agree: 82 x 10240" in text


def test_wrong_questions() -> None:
    status, text = run("exercise-1e24", "--laws", "kaplan-2021")
    assert status == 2
    assert "kaplan-2020" in text
    assert run("exercise-1e24", "--over", "budgets.nothing")[0] == 2
    assert run("exercise-1e24", "--from", "1e24", "--to", "1e23")[0] == 2
    assert run("exercise-1e24", "--set", "budgets.parameters=1000")[0] == 1


# The picture


@pytest.fixture(scope="module")
def curves() -> Any:
    sweep = NumericSetting.of(EXERCISE, "budgets.training_flops")
    return law_curves(EXERCISE, sweep, sweep.between(10**20, 10**25, 6))


def test_curves_are_solves(curves: Any) -> None:
    at = dict(curves[0].points)
    assert curves[0].name == "kaplan-2020"
    alone = solve(under(EXERCISE, "kaplan-2020").with_settings({"budgets.training_flops": 10**22}))
    assert at[10**22] == alone.design


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_picture(curves: Any, size: str) -> None:
    models = [("inside", 1e22, 1e10), ("outside", 1e30, 1e10)]
    figure = law_comparison(curves, "training_flops", models, title="A title", size=size)
    check(figure)
    axes = figure.axes[0]
    names = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert set(names) == {curve.name for curve in curves}
    # Names stand in the order of the ends of the lines: 1e24 is the last before the menus end.
    sizes = {c.name: dict(c.points)[10**24].parameters.total for c in curves}
    assert sorted(names, key=lambda n: names[n]) == sorted(sizes, key=lambda n: sizes[n])
    low, high = axes.get_xlim()
    assert low < 1e20
    assert 1e24 < high < 2e24
    points = next(line for line in axes.lines if line.get_label() == "published dense models")
    assert list(np.asarray(points.get_xdata(), float)) == [1e22]


def test_lines_are_solid_only_within_the_data_of_their_law(curves: Any) -> None:
    only = [curve for curve in curves if curve.name == "hoffmann-2022"]
    figure = law_comparison(only, "training_flops")
    lines = [line for line in figure.axes[0].lines if line.get_transform() is not None]
    data = [line for line in lines if np.max(np.asarray(line.get_xdata(), float)) > 1e10]
    solid = [line for line in data if line.get_linestyle() == "-"]
    dashed = [line for line in data if line.get_linestyle() != "-"]
    # Hoffmann et al. 2022 trained up to 16B parameters and on up to 500B tokens.
    assert solid
    assert dashed
    assert max(float(np.max(line.get_ydata())) for line in solid) <= 16e9
    assert max(float(np.max(line.get_ydata())) for line in dashed) > 16e9


def test_no_picture_where_the_menus_choose_every_size(curves: Any) -> None:
    held = [replace(curve, edge=(True,) * len(curve.points)) for curve in curves]
    with pytest.raises(ValueError, match="menus"):
        law_comparison(held, "training_flops")


@pytest.mark.parametrize("seed", range(20))
def test_names_are_kept_apart_and_within(seed: int) -> None:
    wanted = np.sort(np.random.default_rng(seed).random(12))
    found = spread_out(list(wanted), 0.05)
    assert min(np.diff(found)) >= 0.05 - 1e-12
    assert found[0] >= 0.025 - 1e-12
    assert found[-1] <= 0.975 + 1e-12
    spaced = [0.1, 0.4, 0.9]
    assert spread_out(spaced, 0.05) == pytest.approx(spaced)
