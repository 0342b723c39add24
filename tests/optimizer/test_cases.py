"""Designs in cases: values and regrets against the definition, for scenarios, laws and draws."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from modelsizer import Problem, compare_laws, evaluate, whatif
from modelsizer.cli import app
from modelsizer.optimizer.cases import Case, CaseDesign, Cases, named_apart
from modelsizer.optimizer.laws.cases import COMPROMISE
from modelsizer.text.whatif import print_whatif
from tests.support.drawn_laws import drawn, law_file

LAWS = ["besiroglu-2024", "hoffmann-2022", "kaplan-2020"]


def test_the_safest_design_keeps_every_limit_and_gives_up_least_at_worst() -> None:
    one = Problem.load("phone-2gb")
    architecture = whatif(one).base.architecture
    assert architecture is not None
    designs = tuple(CaseDesign(name, architecture, 1, (name,)) for name in "abc")
    cases = tuple(
        Case(name, "optimal", best) for name, best in zip("abc", (1.0, 2.0, 3.0), strict=True)
    )
    values = ((1.0, 1.5, None), (2.5, 2.0, 2.25), (3.75, 3.25, 3.0))
    found = Cases("scenario", "loss", "minimize", cases, designs, values)
    assert found.regrets(0) == (0, 0.5, 0.75) and found.worst(0) == (0.75, "c")
    assert found.worst(1) == (0.5, "a") and found.safest == 1
    assert found.worst(2) is None and found.breaks(2) == ("a",)
    most = Cases("scenario", "x", "maximize", cases[:1], designs[:2], ((1.0, 0.25),))
    assert most.regrets(1) == (0.75,) and most.safest == 0
    unsolved = Cases(
        "scenario", "loss", "minimize", (Case("a", "infeasible", None),), designs, ((None,) * 3,)
    )
    assert unsolved.safest is None and not unsolved.breaks(0)
    assert named_apart(["x", "y", "x"]) == ["x #1", "y", "x #2"]


def test_scenarios_are_judged_by_evaluating_each_optimum_in_each() -> None:
    found = whatif(Problem.load("one-h100-1e24"))
    cases = found.cases()
    assert cases is not None
    for answer, row in zip(found.answers, cases.values, strict=True):
        for one, value in zip(cases.designs, row, strict=True):
            design = evaluate(answer.scenario.problem, one.architecture)
            assert value == (design.loss if design.feasible else None)
    assert all(row[j] == 0 for i, row in enumerate(cases.to_dict()["regrets"])
               for j, one in enumerate(cases.designs) if cases.cases[i].name in one.best_in)  # fmt: skip
    assert any(None in row for row in cases.values)


def test_scenarios_that_seek_other_things_are_not_compared() -> None:
    problem = Problem.load("phone-2gb")
    small = {"budgets.serving_memory": "10 MB"}
    assert whatif(problem, {"small": small}).cases() is None
    least = {"objective.minimize": "parameters", "budgets.loss": 2.5}
    assert whatif(problem, {"least": least}).cases() is None


def test_laws_and_their_compromise_have_the_regrets_of_the_comparison() -> None:
    found = compare_laws(Problem.load("phone-2gb"), LAWS)
    cases = found.cases()
    assert cases is not None and found.no_law_hates is not None
    for law in found.laws:
        j = next(j for j, one in enumerate(cases.designs) if law.name in one.best_in)
        for i, judge in enumerate(found.laws):
            assert cases.regret(i, j) == pytest.approx(law.regrets[judge.name].nats, abs=1e-15)
    known = {one.architecture for one in cases.designs}
    assert found.no_law_hates.architecture in known
    assert [one.name for one in cases.designs].count(COMPROMISE) <= 1
    assert set(found.laws[0].regrets[LAWS[1]].to_dict()) == {"nats", "wasted_compute"}


@pytest.mark.parametrize("command", ["whatif", "compare-laws", "uncertainty"])
def test_one_json_and_one_csv(command: str, tmp_path: Path) -> None:
    law_file(tmp_path / "drawn.toml", drawn(4))
    asked = {
        "whatif": ["--set", "serving.context_length=1024,8192"],
        "compare-laws": ["--laws", ",".join(LAWS)],
        "uncertainty": ["--law", str(tmp_path / "drawn.toml"), "--draws", "4"],
    }[command]
    table = tmp_path / "cases.csv"
    done = CliRunner().invoke(
        app, [command, "phone-2gb", *asked, "--json", "-", "--csv", str(table)]
    )
    assert done.exit_code == 0, done.output
    cases = json.loads(done.stdout)["cases"]
    assert set(cases) == {"of", "quantity", "cases", "designs", "safest", "values", "regrets"}
    shape = len(cases["cases"]), len(cases["designs"])
    for name in ("values", "regrets"):
        assert {(len(cases[name]), len(row)) for row in cases[name]} == {shape}
    for i, case in enumerate(cases["cases"]):
        assert min(v for v in cases["values"][i] if v is not None) == pytest.approx(case["best"])
        assert all(r is None or r >= 0 for r in cases["regrets"][i])
    header, *lines = table.read_text().splitlines()
    assert header.startswith("name,") and header.count("regret of ") == shape[1]
    assert [line.partition(",")[0].strip('"') for line in lines] == [
        c["name"] for c in cases["cases"]
    ]


def test_few_cases_are_columns_and_many_are_counted() -> None:
    problem = Problem.load("phone-2gb")
    few = {f"at {n}": {"serving.context_length": n} for n in (1024, 2048, 4096)}
    many = {f"at {n}": {"serving.context_length": n} for n in range(2048, 4096, 128)}
    for scenarios, columns in ((few, r"design of +1 +2 +3 +4 +worst"), (many, r"breaks +worst")):
        found = whatif(problem, scenarios)
        with StringIO() as file:
            print_whatif(Console(file=file, width=80), found)
            text = file.getvalue()
        cases = found.cases()
        assert cases is not None and cases.safest is not None
        assert re.search(columns, text) and max(map(len, text.splitlines())) <= 80
        assert f"the one of {cases.designs[cases.safest].name} gives up least" in " ".join(
            text.split()
        )
