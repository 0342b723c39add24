"""Default MFU of training by framework, accelerator, precision, sequence length and kind."""

from __future__ import annotations

import pytest

from benchmarks.measured.training import runs
from modelsizer import Problem, load_architecture
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.designs.standalone import standalone_problem
from modelsizer.problems.hardware import training_efficiencies as efficiencies
from modelsizer.problems.hardware.accelerators import accelerator, accelerators
from modelsizer.problems.hardware.training_efficiencies import FRAMEWORKS, training_mfu
from modelsizer.problems.tables.training import Training
from tests.support.shared import reference

H100 = accelerator("H100-SXM")
PRECISIONS = ("bf16", "fp8", "fp4")


def test_every_framework_has_rows_and_every_row_a_known_framework() -> None:
    runs = efficiencies._table()["runs"]
    assert {row["framework"] for row in runs} == {*FRAMEWORKS, "any"}
    keys = [
        (row["precision"], row["kind"], row["framework"], name)
        for row in runs
        for name in row["accelerators"]
    ]
    assert len(keys) == len(set(keys))
    known = {device.name for device in accelerators().values()}
    assert {name for *_, name in keys} <= known | {"other"}
    assert all(row["rows"] > 0 and row["source"] for row in runs)


def test_the_spread_is_ordered_and_a_mixture_reaches_less() -> None:
    for device in accelerators().values():
        for precision in PRECISIONS:
            for framework in FRAMEWORKS:
                dense, mixture = (
                    training_mfu(device, precision, framework, 4096, mixture=kind)
                    for kind in (False, True)
                )
                for found in (dense, mixture):
                    assert 0 < found.low <= found.expected <= found.high < 1
                assert mixture.expected <= dense.expected


def test_rows_of_a_framework_go_before_rows_of_the_device_before_those_of_others() -> None:
    assert training_mfu(H100, "fp8").expected == 0.40
    assert training_mfu(H100, "fp8", "torchtitan").expected == 0.24
    mi300x = accelerator("MI300X")
    assert training_mfu(mi300x, "bf16").expected == 0.24
    assert training_mfu(mi300x, "fp8").expected == 0.135
    assert training_mfu(accelerator("L40S"), "bf16", "torchtitan").expected == 0.32
    assert training_mfu(accelerator("L40S"), "bf16", "maxtext").expected == 0.42


def test_the_mfu_of_long_sequences_falls_where_rows_show_it() -> None:
    at = [training_mfu(H100, "fp8", "torchtitan", s).expected for s in (4096, 8192, 65_536)]
    assert at == [0.24, round(0.24 * 0.5**0.21, 4), round(0.24 * (1 / 16) ** 0.21, 4)]
    assert training_mfu(H100, "fp8", "megatron", 65_536) == training_mfu(H100, "fp8")


def test_the_mfu_given_is_that_of_every_kind() -> None:
    given = Training.model_validate({"accelerator": "H100-SXM", "mfu": 0.3})
    assert given.expected_mfu(mixture=True) == given.expected_mfu(mixture=False) == 0.3


def test_a_framework_without_rows_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"megatrom.*megatron, torchtitan"):
        Training.model_validate({"framework": "megatrom"})


@pytest.mark.parametrize(("name", "mfu"), [("llama-3-8b", 0.44), ("mixtral-8x7b", 0.285)])
def test_a_described_mixture_has_the_mfu_of_mixtures(name: str, mfu: float) -> None:
    settings = {"training.accelerator": "H100-SXM", "training.tokens": 1e12}
    architecture = load_architecture(name)
    found = evaluate(standalone_problem(architecture, settings), architecture)
    seconds = float(found.exact["training_flops"]) / (989e12 * mfu)
    assert float(found.exact["training_time"]) == pytest.approx(seconds, rel=1e-12)


def test_a_design_that_the_space_lacks_has_the_limits_of_its_own_kind() -> None:
    problem = Problem.load(
        "one-h100-1e24",
        {"training.accelerator": "H100-SXM", "budgets.training_time": "1000 days"},
    )
    dense = evaluate(problem, load_architecture("llama-3-8b"))
    mixture = evaluate(problem, load_architecture("mixtral-8x7b"))
    assert problem.mixture is False
    bought = {
        kind: problem.of_kind(mixture=kind).token_limits.most_flops_each for kind in (False, True)
    }
    assert bought[True] is not None and bought[False] is not None
    assert float(bought[True] / bought[False]) == pytest.approx(0.285 / 0.44)
    for found, kind in ((dense, False), (mixture, True)):
        assert float(found.exact["training_flops"]) <= float(bought[kind] or 0)


def test_each_kind_of_run_is_as_near_as_the_docs_say() -> None:
    found = list(runs(reference("training_mfu.json").parent))
    assert len(found) > 170
    near = {
        (precision, mixture): [
            one.mfu / one.expected
            for one in found
            if (one.precision, one.mixture) == (precision, mixture)
        ]
        for precision in ("bf16", "fp8")
        for mixture in (False, True)
    }
    for kind, fifth, twice in (
        (("bf16", False), 0.9, 0.98),
        (("fp8", False), 0.7, 1.0),
        (("bf16", True), 0.5, 1.0),
        (("fp8", True), 0.0, 0.8),
    ):
        within = [
            sum(1 / factor <= each <= factor for each in near[kind]) / len(near[kind])
            for factor in (1.2, 2)
        ]
        assert within[0] >= fifth and within[1] >= twice, kind
