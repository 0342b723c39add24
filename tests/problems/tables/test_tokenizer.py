"""The table ``[tokenizer]``, amounts by the byte, and what they mean to a problem."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction
from typing import Any

import pytest

from modelsizer import Problem, ProblemError, evaluate, load_architecture
from modelsizer.problems.tables.tokenizer import DEFAULT_LAW_VOCABULARY, Tokenizer

GIVEN = {"32000": 3.17, "128256": 3.94}
SPACE = {"layers": 32, "d_model": 4096, "vocab_size": [32000, 128256]}
BASE: dict[str, Any] = {
    "space": SPACE,
    "budgets": {"training_flops": 1e23},
    "tokenizer": {"bytes_per_token": GIVEN},
}


def tokenizer(**given: Any) -> Tokenizer:
    return Tokenizer.model_validate({"bytes_per_token": GIVEN} | given)


def problem(**tables: Any) -> Problem:
    return Problem.from_tables(BASE | tables)


def refused(**tables: Any) -> str:
    with pytest.raises(ProblemError) as error:
        problem(**tables)
    return str(error.value)


def test_given_vocabularies_are_exact_and_others_on_a_curve_between_their_neighbours() -> None:
    found = tokenizer(bytes_per_token={"1000": 2, "10000": 3, "100000": 3.5})
    assert found.bytes_of(10000) == 3
    assert found.bytes_of(31623) == Fraction("3.25")  # halfway in the logarithm
    assert found.bytes_of(100) == 1  # on the line of the first two
    assert [found.how(10000), found.how(31623)] == ["", "by a curve through 3 points"]


def test_the_curve_ends_at_twice_the_largest_vocabulary() -> None:
    found = tokenizer()
    last = found.bytes_of(2 * 128256)
    assert 3.94 < last == found.bytes_of(1_000_000) < 5
    assert "ends at 256,512" in found.how(1_000_000)
    assert [found.far_from(size) for size in (15000, 17000, 256000, 260000)] == [
        True, False, False, True
    ]  # fmt: skip


def test_the_law_counts_tokens_of_the_vocabulary_nearest_to_its_own() -> None:
    many = {"8000": 3, "30000": 3.5, "256000": 4.4}
    assert tokenizer(bytes_per_token=many).law == 30000
    assert tokenizer(bytes_per_token={"128256": 4, "50257": 3.8}).law == 50257
    assert tokenizer(law_vocab_size=50257).law_bytes == tokenizer().bytes_of(50257)
    assert DEFAULT_LAW_VOCABULARY == 32000


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "the table is empty"),
        (4.0, "not a table"),
        ({"many": 4}, "bytes_per_token.many"),
        ({"32000": 0}, "number of bytes"),
        ({"32000": 400}, "number of bytes"),
        ({"32000": "x"}, "'x' is not a number of bytes of text"),
        ({"32000": float("nan")}, "bytes_per_token.32000: nan is not a number of bytes of text"),
        ({"32000": 4, "32_000": 4.1}, "given twice"),
        ({"32000": 4}, "space.vocab_size offers 128256"),
        ({"31000": 4, "33000": 1, "34000": 0.5}, "less than a byte"),
    ],
)
def test_what_makes_no_sense_is_refused(given: object, words: str) -> None:
    said = refused(tokenizer={"bytes_per_token": given})
    assert words in said
    assert "tokenizer.bytes_per_token" in said


def test_a_law_of_a_vocabulary_that_nothing_gives_is_refused() -> None:
    said = refused(tokenizer={"bytes_per_token": {"32000": 4}, "law_vocab_size": 50257})
    assert "tokenizer.law_vocab_size" in said


def test_a_law_that_sees_the_vocabulary_is_not_counted_twice() -> None:
    terms = [{"coefficient": 400, "parameters": -0.3}, {"coefficient": 400, "tokens": -0.3},
             {"coefficient": 1, "vocab_size": -0.1}]  # fmt: skip
    own = {"laws": {"own": {"E": 1.5, "terms": terms}}, "objective": {"law": "own"}}
    assert "count it twice" in refused(**own)


def test_tables_of_costs_may_be_kept_by_a_tokenizer() -> None:
    assert hash(tokenizer()) == hash(tokenizer()) != hash(tokenizer(law_vocab_size=128256))
    assert problem().settings.tokenizer in {problem().settings.tokenizer}


def test_a_menu_of_too_many_vocabularies_is_refused() -> None:
    many = {"min": 1000, "max": 100000, "step": 1}
    assert "at most 4,096" in refused(space=SPACE | {"vocab_size": many})


@pytest.mark.parametrize("word", ["bits a byte", "bits/byte", "bits per byte"])
def test_a_loss_by_the_byte_is_one_by_the_token(word: str) -> None:
    limit = problem(budgets={"loss": f"0.9 {word}", "training_flops": 1e23}).budgets.loss
    assert limit is not None
    assert limit.max == pytest.approx(0.9 * math.log(2) * 3.17, rel=1e-15)
    nats = problem(budgets={"loss": {"max": "0.6 nats/byte", "min": 1.0}, "training_flops": 1e23})
    assert nats.budgets.loss is not None
    assert nats.budgets.loss.max == pytest.approx(0.6 * 3.17, rel=1e-15)


def test_tokens_may_be_bytes_of_text() -> None:
    found = problem(
        training={"tokens": {"max": "31.7 TB"}, "unique_tokens": "3.17 TB"},
        lifetime={"inference_tokens": "317 GB"},
        budgets={"tokens": {"min": "317 GB"}, "training_flops": 1e23},
    )
    assert found.training.tokens is not None
    assert found.budgets.tokens is not None
    read = (found.training.tokens.max, found.training.unique_tokens,
            found.lifetime.inference_tokens, found.budgets.tokens.min)  # fmt: skip
    assert read == (1e13, 1e12, 1e11, 1e11)


def test_amounts_by_the_byte_are_written_as_they_were_given() -> None:
    tables = {"training": {"tokens": {"max": "31.7 TB"}, "unique_tokens": "3.17 TB"},
              "budgets": {"loss": "0.9 bits a byte", "training_flops": 1e23}}  # fmt: skip
    found = problem(**tables)
    assert found.to_dict()["training"] == tables["training"]
    assert found.to_dict()["budgets"]["loss"] == "0.9 bits a byte"
    again = Problem.parse(found.to_toml())
    assert again == found == pickle.loads(pickle.dumps(found))
    other = found.with_settings({"tokenizer.bytes_per_token.32000": 6.34})
    assert other.training.tokens is not None
    assert other.training.tokens.max == 5e12


def test_amounts_by_the_byte_need_bytes_a_token() -> None:
    tables = {k: v for k, v in BASE.items() if k != "tokenizer"}
    for extra in ({"training": {"tokens": "60 TB"}}, {"training": {"unique_tokens": "6 TB"}},
                  {"budgets": {"loss": "0.9 bits a byte", "training_flops": 1e23}}):  # fmt: skip
        with pytest.raises(ProblemError, match=r"give tokenizer\.bytes_per_token"):
            Problem.from_tables(tables | extra)


def test_limits_by_the_byte_and_by_the_token_may_not_cross() -> None:
    loss = {"min": "0.9 bits a byte", "max": 1.9}
    assert "min 0.9 bits a byte is above max 1.9" in refused(
        budgets={"loss": loss, "training_flops": 1e23}
    )


def test_a_model_of_the_laws_own_vocabulary_is_evaluated_as_without_a_tokenizer() -> None:
    model = load_architecture("llama-2-7b")
    plain = {k: v for k, v in BASE.items() if k != "tokenizer"}
    before, now = (evaluate(Problem.from_tables(t), model) for t in (plain, BASE))
    assert (before.loss, before.tokens, before.exact) == (now.loss, now.tokens, now.exact)


def test_a_larger_vocabulary_sees_more_text_and_no_larger_model() -> None:
    found = problem()
    small, large = (
        evaluate(found, load_architecture(name)) for name in ("llama-2-7b", "llama-3-8b")
    )
    assert large.tokens * large.training_flops_per_token == pytest.approx(1e23, rel=1e-12)
    assert large.text / large.tokens == pytest.approx(3.94 / 3.17, rel=1e-12)
    extra = large.parameters.total - large.law_parameters
    assert extra == 2 * (128256 - 32000) * 4096
    assert small.law_parameters == small.parameters.total
