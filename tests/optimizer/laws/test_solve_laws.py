"""`solve` under a law by name, under every draw of it, and under several: as their commands say."""

from __future__ import annotations

import json
import operator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer import Problem
from modelsizer.cli import app
from modelsizer.optimizer.laws.comparison import compare_laws
from modelsizer.optimizer.laws.robust import CRITERIA, TODAY, Regret, Uncertainty, solve_draws
from modelsizer.problems.laws.pages import LAW_PAGES
from modelsizer.problems.laws.reading import law_setting, load_law
from modelsizer.problems.requirements.references import sized
from modelsizer.text.compare_laws import agreement
from modelsizer.text.uncertainty import headline
from tests.support.drawn_laws import drawn, law_file

SMALL = """
name = "small"
[space]
layers = {min = 4, max = 16}
d_model = {min = 256, max = 1024, step = 128}
head_dim = 64
kv_heads = 2
ffn_multiple = 64
vocab_size = 8192
[training]
sequence_length = 1024
[budgets]
training_flops = 3e18
"""
LAWS = "kaplan-2020,hoffmann-2022,besiroglu-2024"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("solve") / "small.toml"
    path.write_text(SMALL)
    return str(path)


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(law_file(tmp_path_factory.mktemp("laws") / "mine.toml", drawn(120)))


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "80"})


def answer(*arguments: str) -> dict[str, Any]:
    """JSON of a command, without the seconds that it took."""
    found = run(*arguments, "--json", "-")
    assert found.exit_code == 0, found.output
    content: dict[str, Any] = json.loads(found.stdout)
    for part in (content, content.get("uncertainty", {})):
        part.pop("seconds", None)
    return content


# One law


@pytest.mark.parametrize("law", ["hoffmann-2022", "kaplan-2020", "muennighoff-2023"])
def test_a_law_by_name_is_the_setting(small: str, law: str) -> None:
    by_flag = answer("solve", small, "--law", law)
    assert by_flag == answer("solve", small, "--set", f"objective.law={law}")
    assert by_flag["law"] == law
    assert by_flag["loss"] != answer("solve", small)["loss"]


def test_a_law_of_a_file_is_the_setting(small: str, mine: str) -> None:
    by_flag = answer("solve", small, "--law", mine)
    assert by_flag == answer("solve", small, "--law", f"file:{mine}")
    assert by_flag == answer("solve", small, "--set", f"objective.law=file:{mine}")
    assert law_setting(" hoffmann-2022 ") == "hoffmann-2022"
    assert law_setting("a/b.toml") == law_setting("file:a/b.toml") == "file:a/b.toml"


def test_a_law_of_the_file_itself(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(
        SMALL + "\n[laws.ours]\nE = 1.5\nA = 400.0\nalpha = 0.34\nB = 400.0\nbeta = 0.29\n"
    )
    assert answer("solve", str(path), "--law", "ours")["law"] == "ours"
    assert answer("solve", str(path), "--laws", "ours,kaplan-2020")["laws"]["laws"][0]["status"]


# Every draw of a law


def test_uncertainty_is_what_its_command_says(small: str, mine: str) -> None:
    both = answer("solve", small, "--law", mine, "--uncertainty", "--draws", "100")
    part = both.pop("uncertainty")
    assert both == answer("solve", small, "--law", mine)
    assert part == answer("uncertainty", small, "--law", mine, "--draws", "100")
    assert part["draws"] == 100
    assert part["today"]["architecture"] == both["architecture"]
    by_setting = answer("solve", small, "--set", f"objective.law=file:{mine}", "--uncertainty")
    assert by_setting["uncertainty"]["draws"] == 120


def test_uncertainty_stands_below_the_answer(small: str, mine: str) -> None:
    plain = run("solve", small, "--law", mine).stdout
    found = run("solve", small, "--law", mine, "--uncertainty")
    assert found.exit_code == 0
    above, _, below = found.stdout.partition("\nUnder 120 draws of mine + gemstones-2025; ")
    assert above.splitlines()[1:] == plain.splitlines()[1:]  # seconds are on the first line
    lines = below.splitlines()
    assert " ".join(lines[1:4]).startswith(headline_of(small, mine)[:60])
    assert max(map(len, found.stdout.splitlines())) <= 80
    assert "extrapolates" not in below  # the warnings of the answer are not said twice
    assert "120 draws, fewer than the 500 asked for" in " ".join(below.split())
    assert "Proven optimal over the draws" in below


def headline_of(problem: str, law: str) -> str:
    from modelsizer.problems.laws.reading import load_law

    found = solve_draws(
        Problem.load(problem, {"objective.law": f"file:{law}"}), load_law(law).drawn_laws
    )
    assert found is not None
    return headline(found)[0]


@pytest.fixture(scope="module")
def reference() -> Uncertainty:
    found = solve_draws(Problem.load("exercise-1e24"), drawn(200))
    assert found is not None
    return found


def test_the_headline_is_a_sentence_of_the_most_frequent_winner(reference: Uncertainty) -> None:
    first = reference.winners[0]
    architecture = first.design.architecture
    said = headline(reference)
    name = f"{architecture.layers} layers x {architecture.trunk.d_model}"
    assert said[0].startswith(name)
    assert f" in {100 * first.share:.1f} % of bootstrap fits; the loss given up by" in said[0]
    for one in (reference.best_by(TODAY), reference.best_by("regret")):
        assert any(f"{one.design.architecture.layers} layers x" in text for text in said)


def test_the_words_of_the_headline(reference: Uncertainty) -> None:
    one = replace(reference.winners[0], share=0.71, regret=Regret(0.0011, 0.00391, 0.0074))
    other = replace(one, roles=(TODAY, *CRITERIA), share=0.29)
    both = replace(reference, candidates=(one, other))
    shape = f"{one.design.architecture.layers} layers x {one.design.architecture.trunk.d_model}"
    layer = one.design.architecture.groups[0].layer
    twins = f" (d_ff {layer.ffn.d_ff}, kv_heads {layer.attention.kv_heads})"
    words = "the loss given up by choosing it is at most 0.0040 in 95 %, and 0.0074 in the worst."
    assert headline(both) == [
        f"{shape}{twins} in 71 % of bootstrap fits; {words}",
        f"{shape}{twins} (today's) in 29 % of bootstrap fits; {words}",
    ]
    alone = replace(other, share=1.0, regret=Regret(0.0, 0.0, 0.0))
    assert headline(replace(reference, candidates=(alone,))) == [
        f"{shape} (today's) in all of 200 bootstrap fits; nothing is given up by choosing it."
    ]


def test_what_is_at_most_is_rounded_up(reference: Uncertainty) -> None:
    one = reference.winners[0]
    for value, want in ((0.00391, "0.0040"), (0.0039, "0.0039"), (1e-7, "0.0001"), (0.0, "0.0000")):
        changed = replace(one, share=0.5, regret=Regret(0.0, value, 0.1))
        (first, *_) = headline(replace(reference, candidates=(changed, *reference.candidates)))
        assert f"at most {want} in 95 %" in first


def test_the_picture_stays_that_of_the_answer(
    small: str, mine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelsizer.pictures import registry

    drawn_of = []
    original = registry.draw_within

    def spy(clock: Any, name: str, result: Any, **style: Any) -> Any:
        drawn_of.append(result.status)
        return original(clock, name, result, **style)

    monkeypatch.setattr(registry, "draw_within", spy)
    path = tmp_path / "p.png"
    found = run("solve", small, "--law", mine, "--uncertainty", "--plot", str(path), "--json", "-")
    assert (found.exit_code, drawn_of, path.exists()) == (0, ["optimal"], True)


# Several laws


def test_laws_are_what_compare_laws_says(small: str, mine: str) -> None:
    names = f"{LAWS},{mine}"
    both = answer("solve", small, "--laws", names)
    part = both.pop("laws")
    assert both == answer("solve", small)
    assert part == answer("compare-laws", small, "--laws", names)
    assert [law["name"] for law in part["laws"]] == [*LAWS.split(","), "mine"]
    assert part["no_law_hates"]["regrets"].keys() == {*LAWS.split(","), "mine"}


def test_laws_and_draws_go_together(small: str, mine: str) -> None:
    both = answer("solve", small, "--law", mine, "--uncertainty", "--laws", LAWS)
    assert both["uncertainty"]["draws"] == 120
    assert len(both["laws"]["laws"]) == 3


def test_where_laws_agree_and_where_not() -> None:
    found = run("solve", "eight-h100-128k", "--set", "objective.ablations=none", "--laws", LAWS)
    _, _, below = found.stdout.partition("\nUnder 3 laws\n")
    assert below.strip().startswith("The laws agree: 82 x 10240 (112B parameters, 30T tokens)")
    assert "wastes" not in below
    found = run("solve", "exercise-1e24", "--laws", LAWS)
    _, _, below = found.stdout.partition("\nUnder 3 laws\n")
    said = " ".join(below.split())
    assert "The laws disagree: they choose 3 designs, " in said and " to 312B parameters" in said
    assert "The compromise is" in said
    assert max(map(len, found.stdout.splitlines())) <= 80


def test_the_answer_above_may_be_by_another_law(small: str) -> None:
    words = "The answer above is by besiroglu-2024, which is none of them."
    assert words in run("solve", small, "--laws", "kaplan-2020,hoffmann-2022").stdout
    assert words not in run("solve", small, "--laws", LAWS).stdout


def test_laws_that_choose_nearly_the_same_size_do_not_disagree() -> None:
    found = run("compare-laws", "one-h100-1e24", "--laws", "besiroglu-2024,hoffmann-2022")
    said = " ".join(found.stdout.split())
    assert "The laws nearly agree on the size: they choose 2 designs, 30.4B to 32.2B" in said


def test_some_laws_choose_the_same() -> None:
    problem = Problem.parse(SMALL)
    laws = compare_laws(problem, LAWS.split(",")).laws
    pair = (laws[0], replace(laws[0], name="twin"), laws[2])
    design = laws[0].design
    assert design is not None
    shape = f"{design.architecture.layers} x {design.architecture.trunk.d_model}"
    assert agreement(pair).endswith(f"{laws[0].name} and twin choose {shape}.")
    assert agreement(pair[:2]).startswith("The laws agree: ")
    none = replace(laws[0], design=None, status="infeasible")
    assert agreement((*pair[:2], none)).startswith("The laws that have a design agree: ")
    assert agreement((laws[0], none)) == agreement((laws[0],)) == ""


# What is refused


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--law", "kaplan-2021"], "--law: unknown law 'kaplan-2021' (did you mean kaplan-2020?)"),
        (["--law", "nothing.toml"], "--law: nothing.toml: cannot be read"),
        (["--law", "kumar-2024"], "--law: kumar-2024 cannot be solved with: a problem file has no"),
        (["--law", "kaplan-2020", "--set", "objective.law=besiroglu-2024"], "says it too"),
        (["--law", "kaplan-2020", "--uncertainty"], "kaplan-2020 has no bootstrap draws"),
        (["--uncertainty"], "besiroglu-2024 has no bootstrap draws; give --law mylaw.toml"),
        (["--draws", "5"], "give --uncertainty too"),
        (["--laws", "kumar-2024,kaplan-2020"], "--laws: kumar-2024 cannot be solved with: a "),
        (["--laws", "kaplan-2020,kaplan-2021"], "--laws: unknown law 'kaplan-2021'"),
        (["--laws", "kaplan-2020,nothing.toml"], "--laws: nothing.toml: cannot be read"),
        (["--laws", ","], "--laws: name at least one law"),
        (["--laws", LAWS, "--write", "p.lp"], "--write: the program is of one law; leave --laws"),
        (["--laws", LAWS, "--node-limit", "3"], "--node-limit: it stops one solve before"),
        (["--uncertainty", "--gap", "0.1"], "--gap: it stops one solve before its proof; --unc"),
        (["--uncertainty", "--node-limit", "9"], "--node-limit: it stops one solve"),
        (["--law", "kaplan-2020", "--set", "budgets.tokenz=1"], "budgets.tokenz: unknown key"),
    ],
)
def test_refusals_say_why(small: str, arguments: list[str], words: str) -> None:
    found = run("solve", small, *arguments, "--json", "-")
    assert found.exit_code == 2
    assert words in found.stderr
    assert not found.stdout
    assert "Traceback" not in found.output


@pytest.mark.parametrize("name", [page.name for page in LAW_PAGES.values() if not page.use])
def test_every_law_that_cannot_be_used_says_why_not(small: str, name: str) -> None:
    for arguments in (["solve", small, "--law"], ["solve", small, "--laws"],
                      ["compare-laws", small, "--laws"]):  # fmt: skip
        found = run(*arguments, name)
        assert found.exit_code == 2
        assert LAW_PAGES[name].why_not in found.stderr


def test_a_number_limits_no_loss_under_draws_and_the_loss_of_a_model_does(
    small: str, mine: str
) -> None:
    asked = ("solve", small, "--law", mine, "--uncertainty", "--set")
    found = run(*asked, "budgets.loss=4.0")
    assert found.exit_code == 2
    assert "by every draw of the law; write the loss of a model" in found.stderr
    free = json.loads(run(*asked[:-1], "--json", "-").stdout)["uncertainty"]
    middling = f"as {small.removesuffix('small.toml')}design.json at 1B tokens"
    run("solve", small, "--law", mine, "--json", middling.split()[1])
    laws = load_law(mine).drawn_laws
    for reference in ("as gpt2 at 100M tokens", middling):
        told = json.loads(run(*asked, f"budgets.loss={reference}", "--json", "-").stdout)
        told = told["uncertainty"]
        assert told["winners"] == free["winners"]
        problem = Problem.load(small, {"objective.law": f"file:{mine}"})
        model = sized(problem, reference)
        least = solve_draws(problem, laws)
        assert least is not None
        limits = [model.loss(replace(problem.quality, law=law)) for law in laws]
        reached = sum(map(operator.le, least.least, limits))
        assert f"in {reached} of 120 draws" in told["notes"][-1]
    refused = run(*asked, "budgets.loss=as llama-3-70b at 15T tokens")
    assert refused.exit_code in (1, 2)
    bare = law_file(Path(mine).parent / "bare.toml", [])
    found = run("solve", small, "--law", str(bare), "--uncertainty")
    assert (found.exit_code, "--bootstrap" in found.stderr) == (2, True)


def test_what_no_design_keeps(small: str, mine: str) -> None:
    found = run("solve", small, "--law", mine, "--uncertainty", "--laws", LAWS, "--set",
                "budgets.parameters=1000", "--json", "-")  # fmt: skip
    assert found.exit_code == 1
    content = json.loads(found.stdout)
    assert content["status"] == "infeasible"
    assert content["uncertainty"] == {
        "status": "infeasible", "draws": 120, "complete": True, "stop": "proven"
    }  # fmt: skip
    assert {law["status"] for law in content["laws"]["laws"]} == {"infeasible"}
    text = run("solve", small, "--law", mine, "--uncertainty", "--set", "budgets.parameters=1000")
    assert text.exit_code == 1
    assert "Under" not in text.stdout


def test_a_choice_that_is_pinned_is_pinned_under_every_draw(small: str, mine: str) -> None:
    content = answer("solve", small, "--law", mine, "--uncertainty", "--fix", "layers=8")
    winners = content["uncertainty"]["winners"]
    assert {one["architecture"]["layers"] for one in winners} == {8}
