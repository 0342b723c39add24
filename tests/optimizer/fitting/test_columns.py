"""Which columns of a table are taken, in which units, and what is said of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelsizer.optimizer.fitting.columns import parse_columns
from modelsizer.optimizer.fitting.forms import CHINCHILLA
from modelsizer.optimizer.fitting.runs import Runs, read_runs
from modelsizer.problems.errors import ModelsizerError
from modelsizer.problems.laws.laws import ParameterKind

N = np.repeat([5e7, 1e8, 4e8, 1.6e9], 5)
D = np.tile([5.0, 10, 20, 40, 80], 4) * N
C = 6 * N * D
LOSS = 1.8172 + 482.01 / N**0.3478 + 2085.43 / D**0.3658
COUNTED = {"params": N, "tokens": D, "loss": LOSS}


def read(
    tmp_path: Path,
    columns: dict[str, Any],
    told: str | None = None,
    counts: ParameterKind | None = None,
    where: tuple[str, ...] = (),
) -> Runs:
    path = tmp_path / "runs.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(list(values) for values in columns.values()), strict=True))
    return read_runs(path, CHINCHILLA, parse_columns(told), where, counts)


def right(found: Runs) -> bool:
    return bool(np.allclose(found.columns["N"], N) and np.allclose(found.columns["D"], D))


def test_exports_of_trackers_are_read(tmp_path: Path) -> None:
    runs = [f"r{i}" for i in range(20)]
    wandb = {
        "Name": runs, "State": ["finished"] * 19 + ["crashed"], "parameter_count": N,
        "throughput/total_tokens": D, "eval/paloma/macro_loss": LOSS, "train/loss": LOSS - 0.1,
        "throughput/total_gflops": C / 1e9, "trainer.train_batch_size": [64] * 20,
    }  # fmt: skip
    found = read(tmp_path, wandb)
    assert right(found) and np.allclose(found.columns["C"], C)
    assert found.used_names["loss"] == "eval/paloma/macro_loss"
    said = "; ".join(found.notes)
    assert "'throughput/total_gflops' is read in units of 1e9, by its name" in said
    assert "--columns loss=train/loss would take 'train/loss'" in said
    assert "1 crashed; these runs count too, --where State=finished leaves them out" in said
    assert len(read(tmp_path, wandb, where=("State=finished",)).loss) == 19
    mlflow = {
        "Run ID": runs, "params.n_params": N, "params.lr": [1e-3] * 20, "metrics.tokens_seen": D,
        "metrics.val_loss": LOSS, "metrics.train_loss": LOSS,
    }  # fmt: skip
    found = read(tmp_path, mlflow)
    assert right(found) and found.used_names["loss"] == "metrics.val_loss"
    assert not found.notes  # the other loss says the same


def test_columns_of_dictionaries_are_opened(tmp_path: Path) -> None:
    rows = zip(N, D, LOSS, strict=True)
    api = {"summary": [], "config": [], "name": [f"r{i}" for i in range(20)]}
    for i, (n, d, loss) in enumerate(rows):
        summary = {"eval/loss": float(loss), "throughput": {"total_tokens": float(d)}, "x": "nan"}
        api["summary"].append(str(summary).replace("'nan'", "nan"))
        config = {"model": {"n_params": {"value": int(n)}}, "lr": 0.001}
        api["config"].append(str(config) if i % 2 else json.dumps(config))
    found = read(tmp_path, api)
    assert right(found) and found.used_names["N"] == "config.model.n_params.value"
    broken = read(tmp_path, {**COUNTED, "config": ["{1"] * 19 + ["{'a': open('x')}"]})
    assert right(broken)  # no dictionaries, and nothing was evaluated


@pytest.mark.parametrize("way", ["lists", "by row", "wrapped", "lines"])
def test_tables_of_json_are_read(way: str, tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    rows = [dict(zip(COUNTED, map(float, row), strict=True))
            for row in zip(*COUNTED.values(), strict=True)]  # fmt: skip
    text = {
        "lists": json.dumps({name: list(map(float, v)) for name, v in COUNTED.items()}),
        "by row": json.dumps({name: {str(i): row[name] for i, row in enumerate(rows)}
                              for name in COUNTED}),
        "wrapped": json.dumps({"project": "scaling", "runs": rows}),
        "lines": "\n".join(map(json.dumps, rows)),
    }[way]  # fmt: skip
    path.write_text(text)
    assert right(read_runs(path, CHINCHILLA))


def test_units_by_magnitude_are_taken_only_where_they_are_certain(tmp_path: Path) -> None:
    for scales, factors in {
        (1, 1, 1): [],
        (1, 1, 1e9): [("C", 1e9)],
        (1, 1, 8.64e19): [("C", 8.64e19)],
        (1e6, 1, 1): [("N", 1e6)],
        (1e9, 1e9, 1): [("N", 1e9), ("D", 1e9)],
        (1, 1e9, 1): [("D", 1e9)],
        (1, 1, 4.0): [],  # another way to count, no unit
    }.items():
        n, d, c = scales
        found = read(tmp_path, {"a": N / n, "b": D / d, "c": C / c, "loss": LOSS}, "N=a,D=b,C=c")
        assert right(found), scales
        told = [(key, x.factor) for key, x in found.read_as.items() if x.unit_from == "6ND"]
        assert sorted(told) == sorted(factors), scales
        assert len(found.notes) == len(factors) and all("C = 6ND" in x for x in found.notes)
    for columns, words in (
        ({"params": N / 1e9, "tokens": D / 1e9}, "tokens lie within 0.25 and 128: if column 'tok"),
        ({"params": N, "tokens": D / 1e6}, 'write --columns "D=tokens*1e6"'),
        ({"params": N, "flops": C / 1e9}, "tokens, D = C / 6N, lie within 0.25 and 128"),
        ({"params": N, "flops": C / 1e18}, 'write --columns "C=flops*1e18"'),
        ({"params": N, "gflops": C}, 'plain FLOPs, write --columns "C=gflops*1"'),
        ({"params": N / 1e9, "tokens": D / 1e9, "flops": C / 1e18}, "parameters lie within 0.05"),
        ({"params": N, "tokens": D, "gflops": C}, "1e9 x 6ND at the median"),
        ({"params": 50 * N, "tokens": D, "flops": C}, "does not meet (experts"),
        ({"params": N, "tokens": D / 1e3}, "tokens a parameter at the median"),
        ({"params": N / 1e6, "tokens": D, "flops": [C[0], *[""] * 19]}, "parameters lie within 50"),
    ):
        found = read(tmp_path, {**columns, "loss": LOSS})
        first = " ".join(found.notes[:2])
        assert words in first, words
        scales = [x.factor for x in found.read_as.values() if x.unit_from not in ("", "name")]
        assert not scales, words


def test_a_condition_is_of_counts_in_the_unit_decided_on(tmp_path: Path) -> None:
    table = {"params": N, "tokens": D / 1e9, "flops": C, "loss": LOSS}
    found = read(tmp_path, table, where=("tokens>=10B",))
    assert found.columns["D"].min() >= 1e10 and len(found.loss) == int((D >= 1e10).sum())


def test_a_unit_is_stated_by_hand(tmp_path: Path) -> None:
    table = {"params": N / 1e6, "work": C / 1e18, "loss": LOSS}
    for told in (
        "N=params*1e6,C=work*1e18",
        "N=params (M),C=work (EFLOPs)",
        "N=params*1M,C=work*1e18",
    ):
        found = read(tmp_path, table, told)
        assert right(found)
        assert found.read_as["C"].as_told == "work*1e+18"
        again = read(
            tmp_path, table, ",".join(f"{k}={x.as_told}" for k, x in found.read_as.items())
        )
        assert right(again)
    with pytest.raises(ModelsizerError, match="'x' in 'params\\*x' is not a number"):
        read(tmp_path, table, "N=params*x")
    with pytest.raises(ModelsizerError, match="has no column 'param' for N \\(did you mean params"):
        read(tmp_path, table, "N=param")


def test_cells_state_their_units(tmp_path: Path) -> None:
    table = {"params": [f"{n / 1e6:g}m" for n in N], "tokens": [f"~{d / 1e9:.9g} billion" for d in D],
             "flops": [f"{c / 1e18:.9g} EFLOPs" for c in C], "loss": LOSS}  # fmt: skip
    found = read(tmp_path, table)
    assert right(found) and not found.notes
    twice = {**table, "params (M)": table["params"]}
    del twice["params"]
    assert right(read(tmp_path, twice))
    lost = [*map(str, LOSS[:18]), "diverged", "OOM"]
    assert len(read(tmp_path, {**COUNTED, "loss": lost}).loss) == 18


def test_of_several_counts_one_is_taken_by_rule(tmp_path: Path) -> None:
    both = {"params_no_embed": 0.8 * N, "params": N, "tokens": D, "loss": LOSS}
    found = read(tmp_path, both)
    assert right(found) and found.counts == "total"
    assert "--columns N=params_no_embed would take" in "; ".join(found.notes)
    assert read(tmp_path, both, counts="non_embedding").counts == "non_embedding"
    assert read(tmp_path, both, "N=params_no_embed").counts == "non_embedding"
    sure = {"N": 0.8 * N, "N_w_emb": N, "tokens": D, "loss": LOSS}
    assert right(read(tmp_path, sure))
    mixture = {"total_params": 8 * N, "active_params": N, "tokens": D, "loss": LOSS}
    found = read(tmp_path, mixture)
    assert right(found) and found.counts == "active"
    assert "those that a token meets" in "; ".join(found.notes)
    dense = {"total_params": N, "active_params": N, "tokens": D, "loss": LOSS}
    assert read(tmp_path, dense).counts == "total"


def test_the_loss_is_of_held_out_text_and_is_asked_for_if_there_are_several(tmp_path: Path) -> None:
    table = {
        "params": N,
        "tokens": D,
        "train/loss": LOSS - 0.2,
        "loss": LOSS - 0.1,
        "val_loss": LOSS,
    }
    found = read(tmp_path, table)
    assert found.used_names["loss"] == "val_loss" and np.allclose(found.loss, LOSS)
    sets = {
        "params": N,
        "tokens": D,
        "train/loss": LOSS,
        "eval/c4/loss": LOSS,
        "eval/pile/loss": LOSS + 1,
    }
    with pytest.raises(
        ModelsizerError, match=r"several columns that may be the loss.*eval/pile/loss"
    ):
        read(tmp_path, sets)
    assert read(tmp_path, sets, "loss=eval/pile/loss").used_names["loss"] == "eval/pile/loss"
    same = {**sets, "eval/pile/loss": LOSS}
    assert read(tmp_path, same).used_names["loss"] == "eval/c4/loss"
    none = {**sets, "eval/pile/loss": [""] * 20}
    assert read(tmp_path, none).used_names["loss"] == "eval/c4/loss"
    assert "perplexities" in "; ".join(read(tmp_path, {**COUNTED, "loss": np.exp(LOSS)}).notes)
    with pytest.raises(ModelsizerError, match=r"no column for loss: .*'val_ppl' is a perplexity"):
        read(tmp_path, {"params": N, "tokens": D, "val_ppl": np.exp(LOSS)})
    named = read(tmp_path, {**COUNTED, "val_ppl": LOSS}, "loss=val_ppl").notes
    assert "'val_ppl', is a perplexity by its name, and is taken as it is" in "; ".join(named)


def test_tokens_are_steps_by_batches_where_nothing_else_tells(tmp_path: Path) -> None:
    table = {"params": N, "_step": [7] * 20, "num_train_steps": D / (256 * 2048),
             "train_batch_size": [256] * 20, "seq_len": [2048] * 20, "loss": LOSS}  # fmt: skip
    found = read(tmp_path, table)
    assert right(found) and found.tokens_from == "num_train_steps x train_batch_size x seq_len"
    assert "of all devices" in "; ".join(found.notes)
    assert "steps" not in read(tmp_path, {**table, "flops": C}).read_as
    tokens = {"params": N, "steps": D / 524288, "batch_size": [524288] * 20, "loss": LOSS}
    with pytest.raises(ModelsizerError, match="batch_tokens=batch_size"):
        read(tmp_path, {**tokens, "seq_len": [2048] * 20})
    assert right(read(tmp_path, tokens, "batch_tokens=batch_size"))


def test_runs_without_flops_beside_tokens_are_kept(tmp_path: Path) -> None:
    found = read(tmp_path, {**COUNTED, "flops": ["", "nan", *map(str, C[2:])]})
    assert right(found) and np.allclose(found.columns["C"], C)


def test_the_order_of_columns_does_not_matter(tmp_path: Path) -> None:
    table = {"data": ["DCLM"] * 20, "params": [f"{n / 1e6:g}M" for n in N], "tokens": D,
             "compute": C, "eval_loss": LOSS, "seed": [1] * 20}  # fmt: skip
    expected = {"N": "params", "D": "tokens", "C": "compute", "loss": "eval_loss"}
    for names in (list(table), list(reversed(table))):
        assert read(tmp_path, {name: table[name] for name in names}).used_names == expected
