"""Problem files: what is accepted, what is refused and in which words, and round trips."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer import Problem, ProblemError
from modelsizer.cli import app
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.reading import SPACE_TABLES, library
from tests.support.problem_text import GOOD
from tests.support.random_problems import valid_problem

# (what is replaced in the good file, by what, key that the message must name, word in it)
MALFORMED = [
    ("kv_heads = [4, 8]", "kv_haeds = [4, 8]", "space.kv_haeds", "did you mean kv_heads?"),
    ("[budgets]", "[budget]", "budget", "did you mean budgets?"),
    ("training_flops = 1e21", "training_flop = 1e21", "budgets.training_flop", "did you mean"),
    ("batch_size = 4", "kv_heads = 4", "serving.kv_heads", "did you mean space.kv_heads?"),
    ("layers = {min = 8, max = 16}", "", "space.layers", "required"),
    ("vocab_size = 32000", "", "space.vocab_size", "required"),
    ("layers = {min = 8, max = 16}", "layers = {min = 16, max = 8}", "space.layers", "above"),
    ("layers = {min = 8, max = 16}", "layers = {min = 8}", "space.layers", "needs max"),
    ("layers = {min = 8, max = 16}", "layers = {min = 8, max = 16, stp = 2}", "space.layers", "step"),
    ("layers = {min = 8, max = 16}", "layers = {min = 8, max = 16, step = 0}", "space.layers", "positive"),
    ("layers = {min = 8, max = 16}", "layers = []", "space.layers", "empty"),
    ("layers = {min = 8, max = 16}", "layers = 8.5", "space.layers", "whole"),
    ("layers = {min = 8, max = 16}", "layers = 0", "space.layers", "positive"),
    ("layers = {min = 8, max = 16}", "layers = -3", "space.layers", "positive"),
    ("layers = {min = 8, max = 16}", "layers = true", "space.layers", "not a number"),
    ("layers = {min = 8, max = 16}", "layers = \"many\"", "space.layers", "not a number"),
    ("layers = {min = 8, max = 16}", "layers = nan", "space.layers", "finite"),
    ("layers = {min = 8, max = 16}", "layers = {min = 1, max = 1e9}", "space.layers", "larger step"),
    ("layers = {min = 8, max = 16}", "layers = 1e12", "space.layers", "too large"),
    ("d_model = {min = 1024, max = 2048}", "d_model = {min = 1000, max = 2048}", "space.d_model", "1024"),
    ("head_dim = 128", "head_dim = 1000", "space.head_dim", "divides no"),
    ("head_dim = 128", "heads = 1009", "space.heads", "divides no"),
    ("kv_heads = [4, 8]", "kv_heads = [17, 19]", "space.kv_heads", "divides no"),
    ("kv_heads = [4, 8]", "kv_group = [17]", "space.kv_group", "divides no"),
    ("kv_heads = [4, 8]", "kv_heads = 4\nkv_group = 2", "space.kv_group", "not both"),
    ("kv_heads = [4, 8]", "kv_heads = [4, 8]\nkv_heads = 2", "space.kv_heads", "twice"),
    ("ffn_ratio = 3.5", "ffn_ratio = [3.5, -1]", "space.ffn_ratio", "positive"),
    ("ffn_ratio = 3.5", "ffn_ratio = {min = 2, max = 4}", "space.ffn_ratio", "step"),
    ("ffn_ratio = 3.5", "d_ff = 4096", "space.ffn_multiple", "not both"),
    ("ffn_multiple = 256", "d_ff = 4096", "space.ffn_ratio", "not both"),
    ("vocab_size = 32000", "vocab_size = 32000\nblock = \"lama\"", "space.block", "did you mean llama"),
    ("vocab_size = 32000", "vocab_size = 32000\nblock = []", "space.block", "empty"),
    ("vocab_size = 32000", "vocab_size = 32000\ntied_embeddings = 1", "space.tied_embeddings", "true"),
    ("vocab_size = 32000", "vocab_size = 32000\naspect_ratio = {min = 9000}", "space.aspect_ratio", "widen"),
    ("vocab_size = 32000", "vocab_size = 32000\naspect_ratio = {}", "space.aspect_ratio", "empty"),
    ("batch_size = 4", "tensor_parallel = 7", "space", "divide"),
    ("batch_size = 4", "tensor_parallel = 3", "space.vocab_size", "pad it to 32001"),
    ("batch_size = 4", "tensor_parallel = 4\naccelerators = 6", "serving", "multiple"),
    ("batch_size = 4", "batch_size = 0", "serving.batch_size", "from 1"),
    ("batch_size = 4", "batch_size = 1e30", "serving.batch_size", "from 1"),
    ("batch_size = 4", "weight_bytes = -2", "serving.weight_bytes", "bytes"),
    ("batch_size = 4", "kv_bytes = \"two\"", "serving.kv_bytes", "not a number"),
    ("batch_size = 4", "accelerator = \"H100-SMX\"", "serving.accelerator", "did you mean H100-SXM"),
    ("batch_size = 4", "accelerator = 3", "serving.accelerator", "not the name"),
    ("batch_size = 4", "weight_bits = 5", "serving.weight_bits", "16, 8, 4"),
    ("batch_size = 4", "weight_bits = 4\nweight_bytes = 1", "serving", "not both"),
    ("batch_size = 4", "embedding_bits = 8", "serving", "needs weight_bits"),
    ("batch_size = 4", "kv_policy = \"paged\"", "serving.kv_policy", "windowed"),
    ("batch_size = 4", "memory_utilization = 1.2", "serving.memory_utilization", "share"),
    ("sequence_length = 2048", "zero_stage = 4", "training.zero_stage", "0, 1, 2, 3"),
    ("sequence_length = 2048", "recompute = \"some\"", "training.recompute", "selective"),
    ("sequence_length = 2048", "mfu = 40", "training.mfu", "share"),
    ("sequence_length = 2048", "pue = 0.5", "training.pue", "PUE"),
    ("sequence_length = 2048", "accelerators = 4\ntensor_parallel = 8", "training.accelerators", "too few"),
    ("sequence_length = 2048", "pipeline_parallel = 17", "space.layers", "pipeline stages"),
    ("training_flops = 1e21", "training_time = \"90 days\"", "budgets.training_time", "training.accelerator"),
    ("training_flops = 1e21", "training_time = \"90 dyas\"", "budgets.training_time", "did you mean days"),
    ("training_flops = 1e21", "training_memory = {min = 1e9}", "budgets.training_memory", "upper limit only"),
    ("training_flops = 1e21", "decode_throughput = 500", "budgets.decode_throughput", "min = 500"),
    ("sequence_length = 2048", "sequence_length = 0.5", "training.sequence_length", "whole"),
    ("sequence_length = 2048", "flops = \"7ND\"", "training.flops", "6ND"),
    ("sequence_length = 2048", "tokens = {min = 2e12, max = 1e12}", "training.tokens", "above"),
    ("sequence_length = 2048", "tokens = 0", "training.tokens", "positive"),
    ("sequence_length = 2048", "tokens = inf", "training.tokens", "finite"),
    ("training_flops = 1e21", "", "budgets", "at least one"),
    ("training_flops = 1e21", "training_flops = -1e21", "budgets.training_flops", "above 0"),
    ("training_flops = 1e21", "training_flops = 0", "budgets.training_flops", "above 0"),
    ("training_flops = 1e21", "training_flops = inf", "budgets.training_flops", "finite"),
    ("training_flops = 1e21", "training_flops = nan", "budgets.training_flops", "finite"),
    ("training_flops = 1e21", "training_flops = \"1e21 GB\"", "budgets.training_flops", "not a unit"),
    ("training_flops = 1e21", "training_flops = {mx = 1e21}", "budgets.training_flops", "max"),
    ("training_flops = 1e21", "training_flops = {}", "budgets.training_flops", "empty"),
    ("training_flops = 1e21", "training_flops = [1e21]", "budgets.training_flops", "not a number"),
    ("training_flops = 1e21", "training_flops = 1e21\nkv_cache = \"3 Gb\"", "budgets.kv_cache", "GB"),
    ("training_flops = 1e21", "parameters = 1e9", "budgets", "training tokens"),
    ("training_flops = 1e21", "decode_latency = \"30 ms\"", "budgets.decode_latency", "serving.accelerator"),
    ("training_flops = 1e21", "training_flops = 1e21\ntraining_flops = 2e21", "budgets.training_flops", "twice"),
    ("minimize = \"loss\"", "minimize = \"los\"", "objective", "did you mean loss"),
    ("minimize = \"loss\"", "minimize = \"loss\"\nmaximize = \"tokens\"", "objective", "not both"),
    ("minimize = \"loss\"", "maximize = \"loss\"", "objective", "minimized only"),
    ("minimize = \"loss\"", "minimize = \"concurrency\"", "objective", "maximized only"),
    ("minimize = \"loss\"", "minimize = \"training_flops\"", "objective.minimize", "budgets.loss"),
    ("minimize = \"loss\"", "minimize = 3", "objective.minimize", "not text"),
    ("minimize = \"loss\"", "law = \"besirolgu-2024\"", "objective.law", "did you mean besiroglu-2024"),
    ("minimize = \"loss\"", "shape = \"gemstone\"", "objective.shape", "did you mean gemstones-2025"),
    ("minimize = \"loss\"", "[laws.besiroglu-2024]\nE=1\nA=1\nalpha=1\nB=1\nbeta=1", "laws", "comes with"),
    ("minimize = \"loss\"", "[laws.x]\nE=1\nA=-1\nalpha=1\nB=1\nbeta=1", "laws.x", "positive"),
    ("minimize = \"loss\"", "[laws.x]\nE=1\nA=1\nalpha=1\nB=1", "laws.x.beta", "required"),
    ("minimize = \"loss\"", "[scenarios.long]\nserving.contxt_length = 8192",
     "scenarios.long.serving.contxt_length", "context_length"),
    ("minimize = \"loss\"", "[scenarios.a]\nbudgets.parameters = 1e9\n[scenarios.a]\n", "scenarios.a", "twice"),
    ("minimize = \"loss\"", "[lifetime]\ninference_token = 1e13", "lifetime.inference_token", "inference_tokens"),
    ("name = \"good\"", "name = 3", "name", "not text"),
    ("name = \"good\"", "space = 3", "space", "twice"),
    ("name = \"good\"", "name = ", "", "TOML"),
    ("name = \"good\"", "name = \"good\"\nvery_wrong = 1", "very_wrong", "unknown key"),
]  # fmt: skip


def malformed(number: int) -> str:
    old, new, _, _ = MALFORMED[number]
    assert old in GOOD
    return GOOD.replace(old, new, 1)


@pytest.mark.parametrize("number", range(len(MALFORMED)))
def test_malformed_files_are_refused_in_words(number: int, tmp_path: Path) -> None:
    _, _, key, word = MALFORMED[number]
    path = tmp_path / "bad.toml"
    path.write_text(malformed(number))
    for command in ("solve", "check"):
        answer = CliRunner().invoke(app, [command, str(path)])
        assert answer.exit_code == 2, answer.output
        assert key in answer.stderr
        assert word in answer.stderr
        assert str(path) in answer.stderr
        assert "Traceback" not in answer.stderr
        assert answer.stdout == ""


def test_the_line_of_a_fault_is_told() -> None:
    with pytest.raises(ProblemError) as caught:
        Problem.parse(GOOD.replace("kv_heads", "kv_haeds"), "x.toml")
    line = GOOD.splitlines().index("kv_heads = [4, 8]") + 1
    assert caught.value.faults[0].line == line
    assert f"x.toml: line {line}: space.kv_haeds" in str(caught.value)


def test_what_is_set_over_the_file_has_no_line() -> None:
    with pytest.raises(ProblemError, match=r"^x\.toml: space\.kv_heads: .four. is not"):
        Problem.parse(GOOD, "x.toml", {"space.kv_heads": "four"})


def test_several_faults_are_told_at_once() -> None:
    text = GOOD.replace("batch_size = 4", "batch_size = 0").replace(
        "layers = {min = 8", "layers = {min = 80"
    )
    with pytest.raises(ProblemError) as caught:
        Problem.parse(text)
    assert {fault.key for fault in caught.value.faults} == {"serving.batch_size", "space.layers"}


@pytest.mark.parametrize("source", ["no-such.toml", "one-h100-1e25", "."])
def test_sources_that_are_no_problem(source: str) -> None:
    with pytest.raises(ProblemError, match=r"no such file|a folder"):
        Problem.load(source)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ProblemError, match="UTF-8"):
        Problem.load(path)


@pytest.mark.parametrize("name", sorted(library()))
def test_library_problems_round_trip(name: str) -> None:
    problem = Problem.load(name)
    assert problem.name
    assert Problem.parse(problem.to_toml()) == problem


@pytest.mark.parametrize("seed", range(25))
def test_random_problems_round_trip(seed: int) -> None:
    problem = valid_problem(seed)
    again = Problem.parse(problem.to_toml())
    assert again == problem
    assert again.to_toml() == problem.to_toml()
    assert again.count_designs() == problem.count_designs()


def test_settings_replace_values_whole() -> None:
    problem = Problem.parse(GOOD)
    changed = problem.with_settings({"budgets.training_flops": "2e21", "space.layers": [8, 12]})
    assert changed.budgets.training_flops is not None
    assert changed.budgets.training_flops.max == 2 * 10**21
    assert changed.space.layers.numbers == (8, 12)
    assert problem.space.layers.numbers[-1] == 16
    deeper = changed.with_settings({"budgets.training_flops.min": 1e21})
    assert deeper.budgets.training_flops is not None
    assert (deeper.budgets.training_flops.min, deeper.budgets.training_flops.max) == (
        10**21,
        2 * 10**21,
    )
    with pytest.raises(ProblemError, match=r"budgets\.training_flop"):
        problem.with_settings({"budgets.training_flop": 1})


def test_scenarios_are_checked_and_overlaid() -> None:
    text = (
        GOOD + "\n[scenarios.long]\nserving.context_length = 131072\nbudgets.kv_cache = '4 GiB'\n"
    )
    scenario = Problem.parse(text).scenario("long")
    assert scenario.context_length == 131072
    assert scenario.budgets.kv_cache is not None and scenario.budgets.kv_cache.max == 4 * 2**30
    with pytest.raises(ProblemError, match="no scenario"):
        Problem.parse(text).scenario("short")


def test_scenarios_change_single_keys_of_tables_in_the_space() -> None:
    experts = "\n[space.experts]\nrouted = [0, 8]\nactive = 2\ngranularity = 2\n"
    text = GOOD + "\n[scenarios.dense.space.experts]\nrouted = 0\n" + experts
    problem = Problem.parse(text)
    scenario = problem.scenario("dense")
    assert scenario.space.experts is not None and problem.space.experts is not None
    assert scenario.space.experts.active == problem.space.experts.active
    assert list(scenario.space.experts.routed.numbers) == [0]
    tables = [
        k for k, f in type(problem.space).model_fields.items() if "Space" in str(f.annotation)
    ]
    assert tables == list(SPACE_TABLES)


def test_numbers_are_exact() -> None:
    problem = Problem.parse(GOOD.replace("1e21", "1e24"))
    assert problem.budgets.training_flops is not None
    assert problem.budgets.training_flops.max == 10**24
    assert isinstance(problem.budgets.training_flops.max, int)


def test_problems_are_frozen() -> None:
    problem = Problem.parse(GOOD)
    with pytest.raises(ValueError, match="frozen"):
        problem.name = "other"  # type: ignore[misc]


def test_stated_defaults() -> None:
    problem = Problem.parse(
        "[space]\nlayers = 2\nd_model = 1024\nvocab_size = 1000\n[budgets]\ntraining_flops = 1e18\n"
    )
    ((_, table),) = problem.options()
    assert [*zip(*(table[n].tolist() for n in ("heads", "kv_heads", "head_dim")), strict=True)] == [
        (8, 1, 128),
        (8, 2, 128),
        (8, 8, 128),
    ]
    assert table["d_ff"][0] == 2816  # 8/3 x 1024 = 2730.7, to a multiple of 256
    assert table.structure == Structure("llama")
    assert not table["tied_embeddings"][0]
    assert problem.objective.quantity == "loss"
    assert problem.law.name == "besiroglu-2024"
    assert problem.shape.name == "gemstones-2025"
    assert problem.context_length == problem.training.sequence_length == 4096
