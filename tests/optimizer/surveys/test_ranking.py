"""Rankings against plain sorting of every design, evaluated one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from modelsizer import Problem, ProblemError
from modelsizer.cli import app
from modelsizer.optimizer.fronts.goals import Goal, question
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.search.compare import box_designs
from modelsizer.optimizer.surveys.listing import cell, known_columns
from modelsizer.optimizer.surveys.ranking import Ranking, rank
from modelsizer.problems.quantities.rows import QUANTITIES
from tests.support.enumerated import designs_of
from tests.support.random_problems import small
from tests.support.shared import LAW_ALONE, reference, reference_json, seeds

EXERCISE = Problem.load("exercise-1e24")


@pytest.mark.parametrize("seed", seeds(range(25), {3, *range(7, 25)}))
def test_order_and_counts_are_those_of_plain_sorting(seed: int) -> None:
    problem = small(seed)
    goal = Goal(problem.objective.quantity, problem.objective.sense)
    try:
        asked = question(problem, [goal])
    except ProblemError:
        with pytest.raises(ProblemError):
            rank(problem, top=7)
        return
    designs = designs_of(asked)
    kept = [design for design in designs if design.feasible]
    kept.sort(key=lambda d: (goal.sign * d.exact[goal.name], d.tie_key, d.architecture.block))
    found = rank(problem, top=7, keep_all=True)
    assert (found.designs, found.feasible) == (len(designs), len(kept))
    assert [d.architecture for d in found.best] == [d.architecture for d in kept[:7]]
    assert [d.architecture for d in rank(problem, top=7).best] == [d.architecture for d in kept[:7]]
    columns = ["rank", "loss", "tokens", "parameters", "layers", "d_model", "kv_heads", "d_ff"]
    if not kept:
        return
    pieces = list(found.batches(columns, at_once=50))
    whole = {name: np.concatenate([piece[name] for piece in pieces]) for name in columns}
    assert (whole["rank"] == np.arange(1, len(kept) + 1)).all()
    for name in columns[1:]:
        wanted = [float(cell(design, name)) for design in kept]
        assert np.allclose(whole[name].astype(float), wanted, rtol=1e-9), name


@pytest.mark.parametrize("name", ["open-1e22", "one-accelerator"])
def test_known_rankings(name: str) -> None:
    wanted = reference_json("known_optima/answers.json")[name]
    found = rank(Problem.load(reference(f"known_optima/{name}.toml"), LAW_ALONE), top=5)
    assert (found.designs, found.feasible) == (wanted["designs"], wanted["feasible"])
    assert [d.loss for d in found.best] == pytest.approx(wanted["five_best_losses"], abs=1e-9)


def test_groups_hold_the_best_of_each_depth() -> None:
    found = rank(EXERCISE, group_by="layers")
    assert sum(group.designs for group in found.groups) == found.feasible
    assert [group.value for group in found.groups] == sorted({g.value for g in found.groups})
    for group in found.groups[::30]:
        alone = rank(EXERCISE.with_settings({"space.layers": group.value}), top=1)
        assert alone.best[0].architecture == group.best.architecture
        assert alone.feasible == group.designs
        for sense, end in zip(("parameters", "-parameters"), group.parameters, strict=True):
            extreme = rank(EXERCISE.with_settings({"space.layers": group.value}), sense, top=1)
            assert extreme.best[0].parameters.total == end


def test_a_design_is_counted_once_however_many_layouts_fit_it() -> None:
    problem = Problem.load("h100-cluster-90-days")
    found = rank(problem, top=3, keep_all=True)
    assert found.designs == problem.count_designs()
    names = ["layers", "d_model", "kv_heads", "d_ff", "tensor_parallel"]
    some = next(found.batches(names))
    rows = set(
        zip(*(some[n].tolist() for n in ("layers", "d_model", "kv_heads", "d_ff")), strict=True)
    )
    assert len(rows) == found.feasible
    assert found.best[0].layout.tensor_parallel == some["tensor_parallel"][0]


@pytest.mark.slow
def test_layouts_may_be_more_than_small_integers_count() -> None:
    most = {"min": 2, "max": 200}  # of which only 97 and 181 divide the design
    problem = Problem.from_tables({
        "space": {"layers": 181, "d_model": 97 * 128, "kv_heads": 97, "vocab_size": 97 * 1024,
                  "d_ff": 97 * 512},
        "training": {"accelerator": "H100-SXM", "accelerators": 10**5,
                     "tensor_parallel": most, "pipeline_parallel": most},
        "budgets": {"training_time": "30 days", "training_memory": "70 GB"},
    })  # fmt: skip
    found = rank(problem, keep_all=True)
    layout = found.best[0].layout
    assert problem.layouts.index(layout) >= 2**15
    columns = next(found.batches(["tensor_parallel", "pipeline_parallel"]))
    degrees = layout.tensor_parallel, layout.pipeline_parallel
    assert list(zip(*(c.tolist() for c in columns.values()), strict=True)) == [degrees]


@pytest.mark.parametrize("by", [None, "-tokens", "-parameters", "layers"])
@pytest.mark.parametrize("name", ["one-h100-1e24", "h100-cluster-90-days", "mixture-30b-a3b"])
def test_rows_that_are_sorted_on_disk_are_those_of_memory(
    name: str, by: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Problem.load(name, {"space.layers": {"min": 40, "max": 70, "step": 1}})
    columns = ["rank", "loss", "tokens", "layers", "d_model", "kv_heads", "d_ff", "data_parallel"]

    def rows() -> tuple[str, list[tuple[object, ...]]]:
        found = rank(problem, by, top=4, group_by="kv_heads", keep_all=True)
        assert found.feasible > 200
        pieces = [zip(*piece.values(), strict=True) for piece in found.batches(columns)]
        told = found.to_dict() | {"seconds": 0}
        return json.dumps(told), [row for piece in pieces for row in piece]

    whole = rows()
    monkeypatch.setattr("modelsizer.optimizer.search.compare.DESIGNS_AT_ONCE", 300)
    monkeypatch.setattr("modelsizer.optimizer.surveys.sorted_designs.RUN", 500)
    monkeypatch.setattr("modelsizer.optimizer.surveys.sorted_designs.AT_ONCE", 50)
    monkeypatch.setattr("modelsizer.optimizer.surveys.sorted_runs.SPARSE", 8)
    monkeypatch.setattr("modelsizer.optimizer.surveys.sorted_runs.IN_MEMORY", 1000)
    monkeypatch.setattr("modelsizer.optimizer.surveys.finalists.MOST_HELD", 30)
    assert rows() == whole


@pytest.mark.parametrize("seed", seeds(range(12), range(12, 60)))
def test_exact_losses_are_those_of_evaluated_designs(seed: int) -> None:
    problem = small(seed)
    try:
        scorer = Scorer(problem, [Goal("loss", "minimize")])
    except ProblemError:
        return
    for table in scorer.model.store.tables(scorer.problem, scorer.names):
        row, j = next(box_designs(np.arange(len(table)), 0 * table.count, table.count - 1, 40))
        keeps, _ = scorer.feasible(table, row, j)
        row, j = row[keeps], j[keeps]
        wanted = [scorer.model.exactly(table, at, depths).loss
                  for at, depths in zip(row.tolist(), j.tolist(), strict=True)]  # fmt: skip
        assert scorer.exact_losses(table, row, j) == wanted


def test_every_column_is_that_of_the_design() -> None:
    settings = {"serving.accelerator": "H100-SXM", "training.accelerator": "H100-SXM",
                "training.accelerators": 1024, "training.price_per_hour": 2,
                "lifetime.inference_tokens": 1e12, "lifetime.prefill_share": 0.5,
                "serving.output_length": 300, "serving.prefill": {}}  # fmt: skip
    problem = Problem.load("phone-2gb", settings)
    names = [name for name in known_columns(problem) if name != "rank"]
    assert set(QUANTITIES) <= set(names)
    found = rank(problem, top=5, keep_all=True)
    columns = next(found.batches(names))
    for i, design in enumerate(found.best):
        for name in names:
            wanted = cell(design, name)
            if wanted is None:
                assert columns[name][i] in (0, "")
            elif isinstance(wanted, str | bool):
                assert columns[name][i] == wanted
            else:
                assert float(columns[name][i]) == pytest.approx(float(wanted), rel=1e-12), name


def test_files_hold_all_that_fit(tmp_path: Path) -> None:
    csv, parquet = tmp_path / "all.csv", tmp_path / "all.parquet"
    command = ["rank", "one-h100-1e24", "--top", "3", "--csv", str(csv), "--parquet", str(parquet)]
    answer = CliRunner().invoke(
        app, [*command, "--columns", "loss,parameters,block", "--json", "-"]
    )
    assert answer.exit_code == 0
    rows = json.loads(answer.stdout)
    table = pyarrow.csv.read_csv(csv)
    assert table.column_names == ["rank", "loss", "parameters", "block"]
    assert table.num_rows == rows["feasible"] == 1_301
    assert table.equals(pyarrow.parquet.read_table(parquet))
    loss = table["loss"].to_numpy()
    assert (np.diff(loss) >= -1e-14).all()
    assert loss[0] == pytest.approx(rows["rows"][0]["loss"], rel=1e-14)


def test_a_file_that_was_cut_short_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def first(found: Ranking, columns: list[str], *_: Any, **__: Any) -> Iterator[Any]:
        yield next(whole(found, columns, 10))

    whole = Ranking.batches
    monkeypatch.setattr(Ranking, "batches", first)
    path = tmp_path / "x.csv"
    told = CliRunner().invoke(app, ["rank", "exercise-1e24", "--csv", str(path)])
    assert told.exit_code == 3 and len(path.read_text().splitlines()) == 11
    assert "the first 10 of 1,317 designs: the time limit was reached" in told.stderr
    assert "and 1,297 more\n" in told.stdout


def test_bad_input_names_what_is_right() -> None:
    for arguments, message in (
        (["--by", "los"], "did you mean loss"),
        (["--columns", "d_modle"], "did you mean d_model"),
        (["--columns", "decode_latency"], "accelerator"),
        (["--group-by", "loss"], "'loss' is no choice of a design; known: layers"),
        (["--top", "0"], "1 or more"),
        (["--csv", "x.txt"], ".csv"),
        (["--without", "budgets.loss"], "its limits: budgets.training_flops"),
    ):
        answer = CliRunner().invoke(app, ["rank", "exercise-1e24", *arguments])
        assert answer.exit_code == 2, arguments
        assert message in answer.stderr, answer.stderr
