"""Saved answers: verified from themselves alone, and every edit of one told."""

import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from modelsizer import ModelsizerError, Problem, Solver, solve, verify_answer, whatif
from modelsizer.optimizer.answers.verify import VerifiedAnswer
from modelsizer.problems.reading import library
from tests.support.random_problems import valid_problem
from tests.support.shared import ROOT
from tests.support.tampering import (
    UNVERIFIED,
    answer_of,
    changed,
    dropped,
    key_of,
    leaves,
    put,
    saved,
)

CASES: dict[str, tuple[str, dict[str, object], dict[str, Any]]] = {
    "one accelerator": ("one-h100-1e24", {}, {}),
    "a cluster": ("h100-cluster-90-days", {}, {}),
    "most parameters": ("phone-2gb", {"objective.maximize": "parameters"}, {}),
    "infeasible": ("one-h100-1e24", {"budgets.serving_memory": "1 GB"}, {}),
    "stopped": ("mixture-on-one-card", {}, {"node_limit": 0}),
    "a gap": ("eight-h100-128k", {}, {"gap": 0.05}),
    "scipy": ("fixed-2t-tokens", {}, {"solver": "scipy"}),
}


@cache
def _text(case: str) -> str:
    name, settings, limits = CASES[case]
    return json.dumps(answer_of(name, settings, **limits))


def answer(case: str = "one accelerator") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_text(case))
    return found


def keys(found: VerifiedAnswer) -> list[str]:
    return [each.key for each in found.differences]


def names(told: str, key: str) -> bool:
    """Whether a report of one place names another, or what it stands in."""
    gap = (told, key) in (("gap", "lower_bound"), ("gap", "upper_bound"))
    key = key.removeprefix("provenance.") if key.startswith("provenance.problem") else key
    return gap or key.startswith(told) or told.startswith(key)


@pytest.mark.parametrize("case", CASES)
def test_an_answer_verifies(case: str) -> None:
    found = verify_answer(answer(case))
    assert found.agrees, (found.differences, found.notes)
    assert set(found.unchecked) == set(UNVERIFIED)
    (proof,) = found.proofs
    assert proof.confirms and found.figures > 10
    quick = verify_answer(answer(case), quick=True)
    assert quick.agrees and not quick.proofs


@pytest.mark.parametrize("name", ["phone-2gb", "served-10t-tokens"])
def test_another_solver_proves_the_same(name: str) -> None:
    found = verify_answer(answer_of(name), solver="exhaustive")
    assert found.agrees and found.proofs[0].solver == "exhaustive"


@pytest.mark.slow
@pytest.mark.parametrize("name", library())
def test_every_library_problem_verifies(name: str) -> None:
    for solver in ("auto", "scipy", "pulp", "exhaustive"):
        found = verify_answer(answer_of(name, solver=solver))
        assert found.agrees, (solver, found.differences, found.notes)


@pytest.mark.parametrize("seed", range(8))
def test_random_problems_verify(seed: int) -> None:
    found = verify_answer(saved(solve(valid_problem(seed))))
    assert found.agrees, (found.differences, found.notes)


def edits(case: str, count: int | None, seed: int) -> list[tuple[str, dict[str, Any]]]:
    """Answers with one leaf edited or left out; all, or so many of them at random."""
    whole = answer(case)
    found = []
    for path, value in leaves(whole):
        if path[0] in UNVERIFIED:
            continue
        found += [(key_of(path), put(whole, path, other)) for other in changed(value)]
        if path not in (("status",), ("objective",)):
            found.append((key_of(path), dropped(whole, path)))
    return found if count is None else random.Random(seed).sample(found, count)


@pytest.mark.parametrize("case", CASES)
def test_an_edited_leaf_is_told(case: str) -> None:
    count = 3 if "cluster" in CASES[case][0] else 8  # solved once more each time
    for key, edited in edits(case, count, seed=len(case)):
        found = verify_answer(edited)
        assert not found.agrees, key
        assert any(names(told, key) for told in keys(found)), (key, keys(found))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("case", CASES)
def test_every_edited_leaf_is_told(case: str) -> None:
    for key, edited in edits(case, None, seed=0):
        found = verify_answer(edited)
        assert not found.agrees, key
        assert any(names(told, key) for told in keys(found)), (key, keys(found))


def worse() -> dict[str, Any]:
    """A feasible design with all its figures, that claims to be optimal and is not."""
    problem = Problem.load("one-h100-1e24")
    other = saved(Solver(problem).solve({"space.layers": 60}))
    return other | {key: answer()[key] for key in ("problem", "provenance", "statistics")}


def outside() -> dict[str, Any]:
    """A better design, of a space that the problem does not offer."""
    problem = Problem.load("one-h100-1e24")
    other = saved(Solver(problem).solve({"space.head_dim": 32}))
    return other | {key: answer()[key] for key in ("problem", "provenance", "statistics")}


def infeasible_claimed() -> dict[str, Any]:
    return answer("infeasible") | {key: answer()[key] for key in ("problem", "provenance", "name")}


def feasible_claimed() -> dict[str, Any]:
    """The optimum of a problem whose limits no design keeps."""
    return answer() | {key: answer("infeasible")[key] for key in ("problem", "provenance")}


def bound_claimed() -> dict[str, Any]:
    """A gap that is not so, told without contradiction."""
    whole = answer("stopped")
    value = whole["objective"]["value"]
    return whole | {"lower_bound": value - 1e-6, "gap": value - (value - 1e-6)}


def other_catalogue() -> dict[str, Any]:
    return put(answer(), ("provenance", "catalogues", "accelerators"), "0" * 64)


def other_version() -> dict[str, Any]:
    return put(answer(), ("provenance", "modelsizer"), "0.1.9")


def other_law() -> dict[str, Any]:
    """Solved under another law than the problem says."""
    other = answer_of("one-h100-1e24", {"objective.law": "hoffmann-2022"})
    return other | {key: answer()[key] for key in ("problem", "provenance")}


FORGERIES: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "a worse design": (worse, "status"),
    "a design of no menu": (outside, "architecture"),
    "infeasible, and is not": (infeasible_claimed, "status"),
    "feasible, and is not": (feasible_claimed, "status"),
    "a bound that is none": (bound_claimed, "lower_bound"),
    "another catalogue": (other_catalogue, "provenance.catalogues.accelerators"),
    "another version": (other_version, "provenance.modelsizer"),
    "another law": (other_law, "law"),
    "an edited limit": (
        lambda: put(answer(), ("problem", "budgets", "kv_cache"), 10**9),
        "problem.budgets",
    ),
    "a limit left out": (
        lambda: dropped(answer(), ("problem", "budgets", "kv_cache")),
        "problem.budgets",
    ),
    "no provenance": (lambda: dropped(answer(), ("provenance",)), "provenance"),
    "another solver's name": (lambda: answer() | {"solver": "pulp:NONE"}, ""),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_told(name: str) -> None:
    make, key = FORGERIES[name]
    found = verify_answer(make())
    if not key:
        assert found.agrees and "pulp:NONE" in found.notes[0]
        return
    assert not found.agrees
    assert key in keys(found), keys(found)


@pytest.mark.parametrize("make", [other_catalogue, other_version])
def test_that_figures_agree_elsewhere_is_said(make: Callable[[], dict[str, Any]]) -> None:
    found = verify_answer(make())
    assert not found.wrong and len(found.elsewhere) == 1
    assert found.to_dict()["figures_agree"] is True
    assert found.proofs[0].confirms


def test_a_proof_that_time_stops_is_not_said_to_agree() -> None:
    found = verify_answer(answer("a cluster"), time_limit=0)
    assert not found.differences and not found.agrees
    assert "not proven again" in found.notes[0]


@pytest.mark.parametrize("file", ["docs/mylaw.toml", "docs/own-law.toml"])
def test_a_law_of_a_file_is_in_the_answer(file: str, tmp_path: Path) -> None:
    law = tmp_path / "law.toml"
    law.write_text((ROOT / file).read_text("utf-8"), "utf-8")
    whole = answer_of("phone-2gb", {"objective.law": f"file:{law}"})
    law.unlink()
    assert "file:" not in json.dumps(whole["problem"])
    (source,) = whole["provenance"]["law_files"].values()
    assert source["path"] == str(law)
    found = verify_answer(whole)
    assert found.agrees, found.differences
    assert "provenance.law_files" in found.unchecked
    edited = json.loads(json.dumps(whole))
    (own,) = edited["problem"]["laws"].values()
    own["E"] += 0.1
    assert "problem.laws" in keys(verify_answer(edited))


def test_scenarios_verify_each() -> None:
    problem = Problem.load("phone-2gb")
    text = json.dumps(whatif(problem, {"tied": {"space.tied_embeddings": True}}).to_dict())
    found = verify_answer(json.loads(text))
    assert found.agrees, found.differences
    assert len(found.proofs) == len(json.loads(text)["scenarios"]) > 1
    edited = json.loads(text)
    edited["scenarios"][1]["parameters"]["total"] += 1
    assert keys(verify_answer(edited)) == ["scenarios[1].parameters.total"]


def old() -> dict[str, Any]:
    return {k: v for k, v in answer().items() if k not in ("problem", "provenance")}


def test_an_old_answer_says_so_and_is_compared_with_itself() -> None:
    found = verify_answer(old())
    assert not found.agrees and not found.differences and found.version is None
    assert "neither problem nor hashes" in found.notes[0]
    for path in (("parameters", "total"), ("gap",), ("architecture", "d_ff")):
        value = dict(leaves(old()))[path]
        assert any(
            told.startswith((key_of(path), "parameters")) or told == "architecture"
            for told in keys(verify_answer(put(old(), path, value + 1)))
        )


def test_an_old_answer_verifies_under_its_problem() -> None:
    assert verify_answer(old(), problem=Problem.load("one-h100-1e24")).agrees
    other = Problem.load("one-h100-1e24", {"budgets.kv_cache": "8 GiB"})
    assert not verify_answer(old(), problem=other).agrees
    with pytest.raises(ModelsizerError, match="holds its own problem"):
        verify_answer(answer(), problem=other)


@pytest.mark.parametrize("text", ["", "[]", "3", "{}", '{"status": "optimal"}', "[" * 100_000])
def test_what_is_no_answer_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(text)
    with pytest.raises(ModelsizerError):
        verify_answer(path)


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(answer("infeasible")), "utf-8")
    assert verify_answer(str(path)).agrees


def test_an_answer_that_lacks_what_else_was_asked_for_verifies() -> None:
    late = answer() | {"complete": False, "unfinished": ["designs"]}
    assert verify_answer(late, quick=True).agrees
    assert keys(verify_answer(answer() | {"complete": False}, quick=True)) == ["complete"]
