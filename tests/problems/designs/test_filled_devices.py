"""A design on several accelerators, against the room of each by itself."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.sources import load_architecture
from modelsizer.problems.designs.capacity import serving_room
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.designs.filled_devices import (
    FilledDevices,
    devices_named,
    filled_devices,
)
from modelsizer.problems.designs.standalone import standalone_problem
from modelsizer.problems.errors import ArgumentError
from modelsizer.problems.hardware.accelerators import accelerators
from modelsizer.problems.problem import Problem

LOAD = {"serving.batch_size": 6, "serving.context_length": 8192, "serving.weight_bits": 8}


def served(settings: dict[str, Any]) -> tuple[Problem, Architecture, Evaluation]:
    architecture = load_architecture("llama-3-8b")
    problem = standalone_problem(architecture, LOAD | settings)
    return problem, architecture, evaluate(problem, architecture)


def on_every_one(settings: dict[str, Any]) -> FilledDevices:
    problem, _, design = served(settings)
    return filled_devices(problem, design, devices_named(["all"]))


@pytest.mark.parametrize("settings", [{}, {"serving.tensor_parallel": 4}])
def test_each_is_what_the_problem_says_of_it_alone(settings: dict[str, Any]) -> None:
    found = on_every_one(settings)
    assert len(found.rows) + len(found.unknown) == len(accelerators())
    for row in found.rows[::9]:
        problem, _, design = served(settings | {"serving.accelerator": row.device})
        room = serving_room(problem, design)
        assert room is not None
        assert row.requests == room.requests
        left = room.usable_memory - design.exact["serving_memory"]
        assert abs(left - row.room) <= 1, row.device
        assert (row.room >= 0) is (room.requests is not None and room.requests >= 6)


def test_unknown_memory_is_said_and_bars_are_sorted() -> None:
    found = on_every_one({})
    assert set(found.unknown) == {n for n, a in accelerators().items() if a.memory is None}
    sizes = [row.memory for row in found.rows]
    assert sizes == sorted(sizes)
    assert all(row.usable < row.memory for row in found.rows)


def test_words_for_several_accelerators() -> None:
    assert {a.name for a in devices_named(["server"])} == {
        n for n, a in accelerators().items() if a.server
    }
    assert {a.vendor for a in devices_named(["google", " aws"])} == {"Google", "AWS"}
    assert [a.name for a in devices_named(["rtx 4090", "L4", "l4"])] == ["RTX-4090", "L4"]
    with pytest.raises(ArgumentError, match=r"unknown accelerator 'H99'.*all, server and vendors"):
        devices_named(["H99"])
