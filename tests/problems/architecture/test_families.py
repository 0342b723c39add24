"""Families of the parts of a stack, patterns in words, and the models nearest to one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modelsizer.problems.architecture.families import families, mixtures, runs, windows
from modelsizer.problems.architecture.models import models
from modelsizer.problems.architecture.nearest import distance, nearest


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("fffff", "5 full"),
        ("wwwwwf" * 10 + "ww", "10 x (5 window, 1 full), 2 window"),
        ("wfwf", "2 x (1 window, 1 full)"),
        ("wwf", "2 window, 1 full"),
        ("f", "1 full"),
        ("dddeeee", "3 dense, 4 experts"),
        ("wfwfw" * 2, "2 x (1 window, 1 full, 1 window, 1 full, 1 window)"),
    ],
)
def test_the_shortest_period_is_written_once(names: str, words: str) -> None:
    of = {"f": "full", "w": "window", "d": "dense", "e": "experts"}
    assert runs([of[name] for name in names]) == words


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("llama-3-8b", {(("full",), ("dense",)): 32}),
        ("gemma-3-27b", {(("window",), ("dense",)): 52, (("full",), ("dense",)): 10}),
        ("gpt-oss-120b", {(("window",), ("experts",)): 18, (("full",), ("experts",)): 18}),
        ("deepseek-v3", {(("latent",), ("dense",)): 3, (("latent",), ("experts",)): 58}),
        ("qwen3-next-80b-a3b", {(("linear",), ("experts",)): 36, (("full",), ("experts",)): 12}),
        ("falcon-h1-0.5b", {(("full", "mamba"), ("dense",)): 36}),
        (
            "gemma-4-26b-a4b",
            {(("window",), ("dense", "experts")): 25, (("full",), ("dense", "experts")): 5},
        ),
        (
            "nemotron-h-8b",
            {(("mamba",), ()): 24, ((), ("dense",)): 24, (("full",), ()): 4},
        ),
    ],
)
def test_published_stacks(name: str, kinds: dict[object, int]) -> None:
    found: dict[object, int] = {}
    for group in models()[name].architecture.groups:
        key = families(group.layer)
        found[key] = found.get(key, 0) + group.count
    assert found == kinds


def test_every_published_part_has_a_family_and_windows_are_listed() -> None:
    for name, model in models().items():
        for group in model.architecture.groups:
            assert any(families(group.layer)), name
    assert windows(models()["gemma-3-27b"].architecture) == (1024,)
    assert windows(models()["llama-3-8b"].architecture) == ()
    (mixture,) = mixtures(models()["deepseek-v3"].architecture)
    assert (mixture.active, mixture.experts) == (8, 256)


def test_the_nearest_are_of_its_size_and_kinds() -> None:
    own = models()["qwen3-30b-a3b"].architecture
    found = nearest(own, 5)
    assert len(found) == 5 and own not in found.values()
    assert len(set(map(id, found.values()))) == 5
    apart = [distance(own, other) for other in found.values()]
    assert apart == sorted(apart) and apart[0] > 0 == distance(own, own)
    stacks = [str([families(layer) for layer in other.stack() or []]) for other in found.values()]
    assert len(set(stacks)) == 5
    for model in models().values():
        other = model.architecture
        if other != own and distance(own, other) < apart[-1]:  # left out as one that looks alike
            assert str([families(layer) for layer in other.stack() or []]) in stacks
    # Kinds that only one has weigh more than some size.
    gemma, dense = models()["gemma-3-27b"].architecture, models()["qwen3-32b"].architecture
    assert distance(gemma, models()["gemma-3-12b"].architecture) < distance(gemma, dense)
    # Several names of one architecture are one, wherever its layers are told to be.
    assert "deepseek-r1" not in nearest(models()["deepseek-v3"].architecture, 4)
    assert own not in nearest(replace(own, order=()), 3).values()
