"""The section of near-ties at the end of an answer."""

from __future__ import annotations

import json
from typing import Any

from typer.testing import CliRunner

from modelsizer.cli import app

PROBLEM = "fixed-2t-tokens"


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["solve", PROBLEM, *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def near(*arguments: str) -> Any:
    return json.loads(run("--json", "-", *arguments)).get("near_ties")


def test_an_answer_ends_with_what_is_as_good_unless_it_is_quick() -> None:
    found = near()
    assert set(found) == {"within", "designs", "complete", "cheapest"}
    assert set(found["cheapest"]) == {"serving_memory", "active_parameters"}
    assert found["complete"]
    assert near("--quick") is None
    text = run()
    last = text[text.index("As good within the law's error (0.022 nats)") :]
    assert f"{found['designs']} designs; of these, against the optimum:" in last
    assert "least serving memory" in last
    assert "fewest parameters" in last
    assert "As good" not in run("--quick")


def test_an_unknown_error_is_said_and_nothing_takes_its_place() -> None:
    assert near("--law", "kaplan-2020") == {
        "within": None, "designs": None, "complete": False, "cheapest": {},
    }  # fmt: skip
    assert "How far kaplan-2020 errs is not known" in run("--law", "kaplan-2020")


def test_a_law_of_a_problems_own_states_its_error() -> None:
    own = "laws.own={E=1.8,A=480.0,alpha=0.35,B=2000.0,beta=0.37,rms=0.001}"
    found = near("--set", own, "--set", "objective.law=own")
    assert found["within"] == 0.001
    wrong = own.replace("0.001", "-1")
    done = CliRunner().invoke(app, ["solve", PROBLEM, "--set", wrong])
    assert done.exit_code == 2
    assert "laws.own.rms" in done.output
    assert "positive number of nats" in done.output
