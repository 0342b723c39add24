"""The section of the page about the machine."""

from __future__ import annotations

from modelsizer import Problem, solve
from modelsizer.optimizer.surveys.machines import machines
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.page.machines import machines_section
from modelsizer.text.machines import runner_up_words

PHONE = Problem.load("fixed-2t-tokens", {"serving.accelerator": "L40S"})


def test_the_section_has_what_each_value_costs_and_the_runner_up() -> None:
    assert machines_section(solve(PHONE), Clock()) is None
    result = solve(
        PHONE.with_settings({"serving.tensor_parallel": [1, 2], "serving.engine": ["vllm", "none"]})
    )
    section = machines_section(result, Clock())
    found = machines(result)
    assert section is not None and found is not None
    name, heading, content = section
    assert (name, heading) == ("machine", "The machine")
    assert "serving.engine" in content and runner_up_words(found) in content
