"""First problem files: each is right, says what its keys are, and solves."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator

import pytest

from modelsizer import Problem, ProblemError, explain, solve
from modelsizer.first_file.answers import Answers
from modelsizer.first_file.problem_file import problem_text
from modelsizer.first_file.questions import QUESTIONS
from modelsizer.first_file.ranges import ranges_of

TRAIN = ("256 H100 for 30 days", "1e24", "1e22 FLOPs", "2M USD on 512 H100-SXM at 2.5",
         "50K USD on A100 at 1.3", "8 RTX-4090 for 2 weeks", "one H100 for 1 day",
         "2048 B200-SXM for 90 days", "1e20", "16384 GB200 for 120 days", "64 TPU-v5p for 30 days")  # fmt: skip
SERVE = ("one L40S", "one H100-SXM", "8 H200-SXM at 8 bits", "2 GB", "a phone with 8 GB", "none",
         "M4-Max at 1 USD an hour", "RTX-4090 at 4 bits", "4 A100-80GB-SXM", "16 MI300X", "T4",
         "Jetson-Orin-Nano-8GB", "12 L4 at 8 bits")  # fmt: skip
USERS = ("8192 tokens for 16 users", "131072 tokens for 4 users", "4096", "1M tokens",
         "2048 tokens for 256 users", "32768, 8 users at 20 tokens/s")  # fmt: skip
MODEL = ("dense", "mixture of 30B", "small", "mixture", "dense 7B", "30B with 3B active",
         "small 1B", "mixture of 400B", "dense 70B")  # fmt: skip
GOAL = ("loss", "loss", "parameters at 2.5", "serving_memory at 2.4", "training_flops at 2.3")


def answers(**texts: str) -> Answers:
    """Answers, by default where nothing is given."""
    kind = "small" if texts.get("model", "").startswith("small") else "dense"
    said = {q.name: texts.get(q.name, q.default(kind)) for q in QUESTIONS}
    read = {q.name: q.read(said[q.name]) for q in QUESTIONS}
    return Answers(**read, texts=tuple(said.items()))


def drawn(seed: int, number: int) -> Iterator[dict[str, str]]:
    r = random.Random(seed)
    menus = {"train": TRAIN, "serve": SERVE, "users": USERS, "model": MODEL, "goal": GOAL}
    for _ in range(number):
        yield {name: r.choice(menu) for name, menu in menus.items()}


def check(texts: dict[str, str]) -> str:
    """Solve the file of some answers; return how that ended."""
    try:
        problem = Problem.parse(problem_text(answers(**texts), "x.toml", "./s.json"))
    except ProblemError as error:
        (fault,) = error.faults  # an accelerator or a price that the answers lack
        assert re.search(r"needs (an accelerator|a price): write", fault.message), texts
        return "refused"
    result = solve(problem, time_limit=50)
    if result.status == "infeasible":
        found = explain(problem, time_limit=50)
        assert found.conflicts and (found.repairs or found.alternatives), texts
        return "infeasible"
    assert result.status == "optimal", texts
    design = result.best.architecture
    assert design.layers < problem.space.layers.numbers[-1], texts
    assert design.trunk.d_model < problem.space.d_model.numbers[-1], texts
    return "optimal"


@pytest.mark.parametrize(
    "texts",
    [
        {},
        {"train": "256 H100 for 30 days", "serve": "one L40S"},
        {"model": "mixture of 30B", "serve": "8 H100-SXM"},
        {"model": "small"},
        {"train": "2M USD on 512 H100-SXM at 2.5"},
        {"serve": "none", "train": "1e21"},
    ],
)
def test_usual_answers_solve_to_an_optimum_within_the_space(texts: dict[str, str]) -> None:
    assert check(texts) == "optimal"


@pytest.mark.parametrize("part", [pytest.param(n, marks=pytest.mark.slow) for n in range(1, 6)])
def test_any_answers_solve_or_say_the_repair(part: int) -> None:
    ends = [check(texts) for texts in drawn(part, 12)]
    assert ends.count("optimal") > 6
    assert set(ends) <= {"optimal", "infeasible", "refused"}


def test_the_file_says_what_it_was_made_of_and_what_to_do() -> None:
    text = problem_text(answers(train="256 H100 for 30 days"), "my file.toml", "file:///s.json")
    assert text.startswith("#:schema file:///s.json\n")
    assert '--train "256 H100 for 30 days"' in text
    assert "H100 is read as H100-SXM" in text
    assert "modelsizer solve 'my file.toml'" in text
    assert max(map(len, text.splitlines())) <= 110


def test_what_is_only_shown_is_right_too() -> None:
    text = problem_text(answers(), "x.toml", "s")
    shown = [line for line in text.splitlines() if re.match(r"# [a-z_]+ = ", line)]
    assert len(shown) >= 4
    for line in shown:
        whole = text.replace(line, line[2:])
        assert solve(Problem.parse(whole)).status == "optimal", line


def test_hostile_answers_stay_in_their_comments() -> None:
    read = answers(serve="none", goal="loss")
    texts = (("serve", 'no"ne\n[space]\x1b[31m'),)
    hostile = Answers(read.model, read.train, read.serve, read.users, read.goal, texts)
    text = problem_text(hostile, "a\nname = 3.toml", "s")
    assert tomllib.loads(text)["name"] == Problem.parse(text).name
    assert "\x1b" not in text


@pytest.mark.parametrize("size", [1e7, 1e8, 1e9, 7e9, 7e10, 1e12, 1e14])
@pytest.mark.parametrize("kind", ["dense", "mixture", "small"])
def test_ranges_are_of_whole_heads(kind: str, size: float) -> None:
    found = ranges_of(kind, size)
    low, high, step = found.d_model
    assert 0 < low < high
    assert not low % found.head_dim
    assert not step % found.head_dim
    assert not (high - low) % step
    assert 4 <= found.layers[0] < found.layers[1]
