"""Answers read from text."""

from __future__ import annotations

import pytest

from modelsizer.first_file.questions import QUESTIONS
from modelsizer.first_file.reading import read_goal, read_serving, read_training
from modelsizer.first_file.sizes import read_load, read_model


@pytest.mark.parametrize(
    ("text", "devices", "time", "money", "price"),
    [
        ("256 H100-SXM for 30 days", "256 H100-SXM", "30 days", "", None),
        ("256 h100 sxm GPUs for 30 days", "256 H100-SXM", "30 days", "", None),
        ("8x RTX 4090 for 2 weeks", "8 RTX-4090", "2 weeks", "", None),
        ("8xH200-SXM in 3 days", "8 H200-SXM", "3 days", "", None),
        ("one H100 for 1 day", "1 H100-SXM", "1 day", "", None),
        ("L40S for 5 h", "1 L40S", "5 h", "", None),
        ("1,024 A100s for 90 days", "1,024 A100-80GB-SXM", "90 days", "", None),
        ("2M USD on 512 H100 at 2.5", "512 H100-SXM", "", "2M USD", 2.5),
        ("$500K on MI300X at $3 an hour", "128 MI300X", "", "500K USD", 3),
        ("30 days on 256 H100", "256 H100-SXM", "30 days", "", None),
        ("1,024 H100, two weeks", "1,024 H100-SXM", "2 weeks", "", None),
        ("256 H100 for a month", "256 H100-SXM", "30 days", "", None),
        ("8 4090 for 2 weeks", "8 RTX-4090", "2 weeks", "", None),
        ("256 H100 SXM 80GB at $2 for 30 days", "256 H100-SXM", "30 days", "", 2),
        ("2 million dollars on 512 H100 at 2.50 USD/h", "512 H100-SXM", "", "2M USD", 2.5),
        ("US$500k on A100 at $1.3 per GPU hour", "256 A100-80GB-SXM", "", "500k USD", 1.3),
    ],
)
def test_training(text: str, devices: str, time: str, money: str, price: float | None) -> None:
    found = read_training(text)
    assert (str(found.devices), found.time, found.money, found.price) == (
        devices,
        time,
        money,
        price,
    )


@pytest.mark.parametrize("text", ["1e24", "1e24 FLOPs", "300 ZFLOPs"])
def test_training_by_flops(text: str) -> None:
    assert read_training(text).flops == text
    assert read_training("1e24flops").flops == "1e24 FLOPs"


@pytest.mark.parametrize(
    ("text", "devices", "memory", "bits", "price"),
    [
        ("one L40S", "1 L40S", "", 16, None),
        ("8 H200-SXM at 8 bits", "8 H200-SXM", "", 8, None),
        ("L40S at 1.2 USD an hour", "1 L40S", "", 16, 1.2),
        ("two GH200-96GB at 4-bit", "2 GH200-96GB", "", 4, None),
        ("M4-Max", "1 M4-Max", "", 4, None),
        ("2 GB", "None", "2 GB", 4, None),
        ("a phone with 8 GiB", "None", "8 GiB", 4, None),
        ("24 GB at 8 bits", "None", "24 GB", 8, None),
        ("none", "None", "", 16, None),
        ("one 80 GB card", "None", "80 GB", 16, None),
        ("a 2 GB phone", "None", "2 GB", 4, None),
        ("iPhone 15 with 8GB", "None", "8GB", 4, None),
        ("RTX 4090 24GB in int8", "1 RTX-4090", "", 8, None),
        ("one node of 8 H100 at $2/h", "8 H100-SXM", "", 16, 2),
    ],
)
def test_serving(text: str, devices: str, memory: str, bits: int, price: float | None) -> None:
    found = read_serving(text)
    assert (str(found.devices), found.memory) == (devices, memory)
    assert (found.weight_bits, found.price) == (bits, price)


def test_load() -> None:
    assert (read_load("4096").context, read_load("4096").users) == (4096, 1)
    found = read_load("131072 tokens for 4 users at 20 tokens/s each")
    assert (found.context, found.users, found.speed) == (131072, 4, 20)
    assert read_load("128K, 8 requests").users == 8


@pytest.mark.parametrize(
    ("text", "context", "users", "speed"),
    [
        ("8k context", 8192, 1, None),
        ("16 users at 8k", 8192, 16, None),
        ("1,000 users with 8,000 tokens each", 8000, 1000, None),
        ("8K per user, 16 requests, 20 tokens per second", 8192, 16, 20),
        ("128 k for 2 at 30 tps", 131072, 2, 30),
        ("1M tokens of context", 2**20, 1, None),
        ("1e5", 100_000, 1, None),
    ],
)
def test_load_in_other_words(text: str, context: int, users: int, speed: int | None) -> None:
    found = read_load(text)
    assert (found.context, found.users, found.speed) == (context, users, speed)
    assert bool(found.said) == (context % 1024 == 0)


@pytest.mark.parametrize(
    "text",
    [
        "30B-A3B",
        "30b-a3b",
        "MoE of 30B total parameters, about 3B active",
        "3B active of 30B",
        "30B, 3B active",
    ],
)
def test_mixture_in_other_words(text: str) -> None:
    found = read_model(text)
    assert (found.kind, found.size, found.active) == ("mixture", "30B", "3B")


def test_model() -> None:
    assert read_model("dense").kind == "dense"
    assert (read_model("a mixture of experts of 30B").kind, read_model("7B").size) == (
        "mixture",
        "7B",
    )
    found = read_model("30B with 3B active")
    assert (found.kind, found.size, found.active) == ("mixture", "30B", "3B")


def test_goal() -> None:
    assert read_goal("loss").quantity == "loss"
    found = read_goal("serving cost at a loss of 2.1")
    assert (found.quantity, found.loss) == ("serving_cost", 2.1)
    assert read_goal("concurrency at 2.1").sense == "maximize"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_examples_are_answers(question: object) -> None:
    for text in (*question.examples, question.default("small")):
        question.read(text)


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("train", "", "neither"),
        ("train", "256 H10 for 30 days", "unknown accelerator"),
        ("train", "256 H100 for 30 dyas", "did you mean days"),
        ("train", "0 H100 for 30 days", "whole number from 1"),
        ("train", "4 M3-Ultra for 1 week", "write the training FLOPs"),
        ("serve", "Snapdragon-8-Gen-3", "such as '8 GB'"),
        ("train", "256 H100 for -3 days", "positive"),
        ("train", "2M USD on H100-SXM", "at 2.5"),
        ("train", "2M EUR on H100-SXM at 2", "not a unit"),
        ("train", "-1e24", "neither"),
        ("serve", "a phone", "memory of a device"),
        ("serve", "L40S at 5 bits", "16, 8 or 4"),
        ("serve", "-2 GB", "unknown accelerator"),
        ("serve", "", "no accelerator"),
        ("users", "many", "not a number"),
        ("users", "8192 tokens for few users", "not a number"),
        ("users", "0.5 for 2 users", "tokens of context"),
        ("model", "dnse", "did you mean dense"),
        ("model", "dense of 30", "write 30B"),
        ("model", "dense with 3B active", "mixture"),
        ("serve", "one L40S with 8k context", "--users"),
        ("serve", "H100 or H200", "a list in the file"),
        ("serve", "two cards of 80 GB", "does not name its accelerator"),
        ("train", "$2M", "names no accelerators"),
        ("train", "1e24 on 256 H100", "FLOPs stand alone"),
        ("users", "1000 users", "no number of tokens"),
        ("users", "8192 and then some", "is not understood"),
        ("users", "1" * 5000, "too long"),
        ("model", "hybrid with linear attention", "--copy"),
        ("model", "dense or mixture", "no kind of model"),
        ("goal", "los", "did you mean loss"),
        ("goal", "decode_throughput", "no goal"),
        ("goal", "parameters at 2 GB", "not a unit"),
    ],
)
def test_what_is_no_answer_is_said_in_a_sentence(name: str, text: str, word: str) -> None:
    question = next(each for each in QUESTIONS if each.name == name)
    with pytest.raises(ValueError, match=r".") as caught:
        question.read(text)
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)
