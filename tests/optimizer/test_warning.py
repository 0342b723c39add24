"""The order in which warnings are told, and what a choice must be to be called blind."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from modelsizer import Problem, solve
from modelsizer.optimizer.warning import AnswerWarning, Consequence, ordered

SOME = [
    AnswerWarning(Consequence.WRONG, "a"),
    AnswerWarning(Consequence.MENU_END, "b"),
    AnswerWarning(Consequence.EVIDENCE, "c", factor=7.0),
    AnswerWarning(Consequence.EVIDENCE, "d", factor=2.0),
    AnswerWarning(Consequence.HYGIENE, "e"),
]
TABLES: dict[str, Any] = {
    "space": {"layers": {"min": 8, "max": 20}, "d_model": {"min": 512, "max": 2048},
              "head_dim": 64, "kv_heads": 2, "vocab_size": 32_000},
    "budgets": {"training_flops": 1e20},
}  # fmt: skip


def warned(**settings: object) -> dict[str, str]:
    """Warnings by key of a small problem with these settings."""
    problem = Problem.from_tables(TABLES).with_settings(
        {key.replace("__", "."): value for key, value in settings.items()}
    )
    return {warning.key: str(warning) for warning in solve(problem).warnings}


def test_the_most_consequential_come_first() -> None:
    for some in itertools.permutations(SOME):
        assert ordered([*some, *some]) == SOME


def test_every_answer_tells_them_in_this_order() -> None:
    wide = Problem.load("phone-2gb", {"objective.ablations": "none", "space.head_dim": [64, 128]})
    found = [(w.consequence, -w.factor) for w in solve(wide).warnings]
    assert len({consequence for consequence, _ in found}) > 2 and found == sorted(found)


@pytest.mark.parametrize(
    ("key", "menu"),
    [
        ("kv_heads", [1, 2, 4, 8]),
        ("kv_group", [1, 2, 4]),
        ("ffn_ratio", [2, 3, 4]),
        ("d_ff", [2048, 4096, 8192]),
        ("heads", [8, 16, 32]),
        ("full_every", [1, 2, 4]),
        ("window", [512, 1024, 2048]),
    ],
)
def test_a_choice_that_a_term_prices_is_blind_only_without_the_terms(
    key: str, menu: list[int]
) -> None:
    settings: dict[str, object] = {f"space__{key}": menu}
    if key == "window":
        settings |= {"space__full_every": 4, "space__between": "window"}
    if key == "kv_group":
        settings = {"space": {k: v for k, v in TABLES["space"].items() if k != "kv_heads"}}
        settings["space"] |= {key: menu}  # type: ignore[operator]
    said = warned(**settings)
    assert not any("blind" in text for text in said.values()), said
    said = warned(**settings, objective__ablations="none")
    assert f"{key} = " in next(text for text in said.values() if "blind" in text)


@pytest.mark.parametrize(
    ("key", "menu"), [("head_dim", [64, 128]), ("tied_embeddings", [True, False])]
)
def test_a_choice_that_nothing_prices_is_blind(key: str, menu: list[object]) -> None:
    assert f"blind to {key} = " in warned(**{f"space__{key}": menu})[f"space.{key}"]


def test_accelerators_that_do_not_hold_a_layout_are_told_of() -> None:
    card, key = "A100-40GB-SXM", "budgets.training_memory"
    trained: dict[str, object] = {"training__accelerator": card, "training__accelerators": 4}
    trained["training__microbatch_size"] = 32
    assert key not in warned(**trained)  # what fits is the limit
    said = warned(**trained, budgets__training_memory="none")[key]
    assert said.startswith("training_memory ") and f" is more than fits {card}, " in said
    assert said.endswith('= "none" lifts the limit of what fits')
    allowed = warned(**trained, budgets__training_memory="100 GB")[key]
    assert allowed.endswith("leave budgets.training_memory out, and what fits is the limit")
    assert key not in warned(**trained, budgets__training_memory="34 GB")
    assert key not in warned()
    del trained["training__accelerators"]
    assert "give training.accelerators, and" in warned(**trained)[key]
    served: dict[str, object] = {"serving__accelerator": card, "serving__context_length": 1_000_000}
    served["budgets__serving_memory"] = "none"
    assert "budgets.serving_memory" in warned(**served, serving__batch_size=64)
    assert "budgets.serving_memory" not in warned(**served, serving__batch_size=1)


def test_the_loss_of_a_model_of_another_vocabulary_is_told_of() -> None:
    limit: dict[str, object] = {"budgets__loss": "as llama-3-8b at 300M tokens"}
    said = warned(**limit)["budgets.loss"]
    assert "vocab_size = 128256 where the design has 32000" in said
    assert "budgets.loss" not in warned(**limit, space__vocab_size=128_000)  # padded
    assert "budgets.loss" not in warned(
        **limit, tokenizer__bytes_per_token={"32000": 3.17, "128256": 3.94}
    )
    assert "budgets.loss" not in warned(budgets__loss=5)


def test_nothing_is_blind_where_no_loss_is_asked_of() -> None:
    said = warned(space__head_dim=[64, 128], objective__minimize="parameters")
    assert not any("blind" in text for text in said.values())


def test_menus_with_nothing_beyond_their_end_have_no_warning() -> None:
    assert "space.kv_heads" not in warned(space__kv_heads=[1, 2], objective__ablations="low")
    said = warned(space__layers=[10, 12], space__d_model=[768, 1024])["space.layers"]
    assert said.startswith("at the ends of their menus: layers = 12 (most), d_model = 1024 (most)")
