"""Exported files: what is refused, and what an independent reader finds in the rest."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.configs.exports.common import check_count, stack_of
from modelsizer.problems.architecture.configs.exports.export import EXPORTERS, to_huggingface
from modelsizer.problems.architecture.configs.exports.megatron_flags import pattern
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.architecture.models import models
from modelsizer.problems.architecture.structures import Structure
from tests.support.drawn_designs import built, design
from tests.support.export_readers import (
    READERS,
    count_megatron_words,
    megatron_pattern,
    megatron_words,
    read_litgpt,
)
from tests.support.shared import ROOT

EXPRESSIBLE = {
    "hf": set(BLOCKS) - {"gpt-oss"},
    "megatron": set(BLOCKS) - {"gemma2", "gemma3", "olmo2", "olmo3"},
    "torchtitan": {"llama", "qwen3", "qwen3-moe", "deepseek"},
    "nanogpt": {"gpt2"},
    "litgpt": set(BLOCKS) - {"gpt2", "gpt-oss", "nemotron-h", "qwen3-next"},
}


def make(block: str = "llama", **sizes: Any) -> Architecture:
    tied = {"tied_embeddings": sizes.pop("tied")} if "tied" in sizes else {}
    return built(Structure(block), **sizes, **tied)


@st.composite
def architectures(draw: Any, framework: str) -> Architecture:
    """Of any block, but mostly near what the framework can express."""
    kv_heads, head_dim = draw(st.integers(1, 4)), draw(st.sampled_from([4, 5, 6, 8, 16, 24]))
    heads = kv_heads * draw(st.sampled_from([1, 1, 2, 3]))
    d = draw(st.sampled_from([heads * head_dim, heads * head_dim, 48, 50]))
    mostly = st.sampled_from(sorted(EXPRESSIBLE[framework]))
    return make(
        draw(st.one_of(mostly, mostly, st.sampled_from(sorted(BLOCKS)))),
        layers=draw(st.integers(1, 5)),
        d_model=d,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        d_ff=draw(st.one_of(st.just(4 * d), st.integers(1, 300))),
        vocab_size=draw(st.sampled_from([1, 97, 50257, 50304, 65536, 65537])),
        tied=draw(st.booleans()),
        positions=draw(st.integers(0, 100)),
    )


def test_every_exporter_has_a_reader_here_and_a_row_in_the_docs() -> None:
    assert set(READERS) == set(EXPORTERS) == set(EXPRESSIBLE)
    page = (ROOT / "docs" / "how-to" / "export.md").read_text()
    for name in EXPORTERS:
        assert f"| `{name}` |" in page


@pytest.mark.parametrize("framework", sorted(EXPORTERS))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_written_builds_what_was_meant_or_is_refused(framework: str, data: Any) -> None:
    architecture = data.draw(architectures(framework))
    try:
        text = EXPORTERS[framework](architecture)
    except ConfigError as error:
        assert "would build" not in str(error)  # it is refused before anything is written
        return
    assert architecture.block in EXPRESSIBLE[framework]
    assert READERS[framework](text) == count_parameters(architecture).total
    assert text.endswith("\n") and text.isascii()
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("block", sorted(BLOCKS))
@pytest.mark.parametrize("framework", sorted(EXPORTERS))
@pytest.mark.parametrize("tied", [True, False])
def test_blocks_that_a_framework_has(framework: str, block: str, tied: bool) -> None:
    architecture = make(block, tied=tied or framework == "nanogpt")
    never_tied = tied and (block, framework) == ("nemotron-h", "hf")
    if block not in EXPRESSIBLE[framework] or never_tied:
        with pytest.raises(ConfigError, match=f"cannot be exported to {framework}: .* has "):
            EXPORTERS[framework](architecture)
        return
    text = EXPORTERS[framework](architecture)
    assert READERS[framework](text) == count_parameters(architecture).total


@pytest.mark.parametrize(
    ("framework", "architecture", "words"),
    [
        ("nanogpt", make("gpt2", tied=False), ["ties", "tied_embeddings = false"]),
        ("nanogpt", make("gpt2", d_ff=300), ["4 d_model = 256, got 300"]),
        ("nanogpt", make("gpt2", kv_heads=2), ["kv_heads = 2 of 4"]),
        ("nanogpt", make("gpt2", head_dim=8), ["4 x 8 on 64"]),
        ("nanogpt", make("gpt2", positions=0), ["learned, got none"]),
        ("nanogpt", make("gpt2", vocab_size=70000), ["at most 65536, got 70000"]),
        ("nanogpt", make("gpt2", tied=False, d_ff=1), ["d_ff = 4", "; it ties"]),
        ("nanogpt", make("llama"), ["GPT-2's block alone", "known: gpt2"]),
        ("megatron", make("gemma2"), ["normalisations after", "soft caps", "known: llama"]),
        ("megatron", make("olmo2"), ["no norms of queries and keys over all heads"]),
        ("megatron", make("gpt2", positions=0), ["learned, got none"]),
        ("megatron", make("llama", head_dim=5), ["even", "head_dim = 5"]),
        ("torchtitan", make("llama", head_dim=8), ["4 x 8 on 64", "qwen3 is free"]),
        ("torchtitan", make("qwen2"), ["no biases", "known: llama"]),
        ("torchtitan", make("gpt2"), ["no LayerNorm", "no learned positions"]),
        ("litgpt", make("gpt2"), ["no learned positions"]),
        ("litgpt", make("gpt-neox", head_dim=4), ["of which 1 are turned"]),
    ],
)  # fmt: skip
def test_a_refusal_says_what_stands_in_the_way(
    framework: str, architecture: Architecture, words: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        EXPORTERS[framework](architecture)
    for word in [framework, *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("framework", "config", "word"),
    [
        ("megatron", {"model_type": "llama", "mlp_bias": True}, "all its projections have biases"),
        ("litgpt", {"model_type": "llama", "mlp_bias": True}, "all its projections have biases"),
        ("megatron", {"model_type": "llama", "hidden_act": "gelu"}, "no activation 'gelu' with a gate"),
        ("litgpt", {"model_type": "gpt_oss"}, "no attention sinks"),
        ("torchtitan", {"model_type": "mistral"}, "no sliding windows"),
        ("torchtitan", {"model_type": "gpt_oss", "head_dim": 32}, "head_dim = 64, got 64, 8 and 32"),
        ("torchtitan", {"model_type": "qwen3_moe"}, "norm_topk_prob = false"),
        ("litgpt", {"model_type": "deepseek_v3", "n_group": 1}, "groups of experts, got 1 of 256"),
        ("megatron", {"model_type": "granite"}, "no multipliers"),
        ("litgpt", {"model_type": "smollm3"}, "no layers without rotary positions"),
        ("megatron", {"model_type": "cohere2"}, "LayerNorm without bias"),
        ("megatron", {"model_type": "jamba"}, "no Mamba layers"),
        ("megatron", {"model_type": "nemotron_h", "conv_kernel": 3}, "taps than 4"),
        ("torchtitan", {"model_type": "qwen3_next"}, "no gated delta networks"),
    ],
)  # fmt: skip
def test_what_a_framework_lacks_is_named(framework: str, config: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        EXPORTERS[framework](read_config(config))


def test_a_count_that_differs_is_refused() -> None:
    stack = stack_of(make(tied=False), "x")
    check_count("x", stack.parameters, stack.parameters)
    with pytest.raises(ConfigError, match="would build"):
        check_count("x", stack.parameters + 1, stack.parameters)


def test_layers_of_an_unknown_order_are_not_exported() -> None:
    read = read_config({"model_type": "qwen3_moe", "mlp_only_layers": [0], "norm_topk_prob": True})
    assert "--moe-layer-freq" in EXPORTERS["megatron"](read)
    with pytest.raises(ConfigError, match="order of its kinds of layer is not known"):
        EXPORTERS["megatron"](Architecture(read.trunk, read.groups, read.block))


@pytest.mark.parametrize(
    ("config", "pattern", "flag"),
    [
        ({"model_type": "mamba2", "num_hidden_layers": 3}, "MMM", "--mamba-state-dim 128"),
        ({"model_type": "bamba", "num_hidden_layers": 3, "attn_layer_indices": [1]}, "M-*-M-",
         "--rotary-percent 0.5"),
        ({"model_type": "qwen3_next", "num_hidden_layers": 4}, "GEGEGE*E", "--attention-output-gate"),
        ({"model_type": "nemotron_h", "layers_block_type": ["mamba", "moe", "attention", "mlp"],
          "moe_latent_size": 32}, "ME*-", "--moe-latent-size 32"),
    ],
)  # fmt: skip
def test_a_hybrid_is_a_pattern_of_single_layers(
    config: dict[str, Any], pattern: str, flag: str
) -> None:
    architecture = read_config(config)
    text = EXPORTERS["megatron"](architecture)
    assert f"--hybrid-layer-pattern {pattern}\n" in text and flag in text
    assert "pretrain_hybrid.py" in text
    assert READERS["megatron"](text) == count_parameters(architecture).total


def test_layers_without_rotary_positions_are_a_pattern_for_megatron() -> None:
    text = EXPORTERS["megatron"](read_config({"model_type": "smollm3"}))
    assert '--no-rope-freq "([0]*3+[1]*1)*9"' in text


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_a_pattern_evaluates_to_its_layers(words: list[bool]) -> None:
    found = megatron_pattern(pattern(words), len(words), 0)
    assert found == [int(word) for word in words]


ROWS = [
    json.loads(line)
    for line in (ROOT / "tests" / "reference" / "counted_components.jsonl").read_text().splitlines()
]


@pytest.mark.parametrize("framework", sorted(EXPORTERS))
def test_every_type_is_exported_or_refused_in_words(framework: str) -> None:
    written = set()
    for row in ROWS:
        architecture = read_config(row["config"])
        try:
            text = EXPORTERS[framework](architecture)
        except ConfigError as error:
            assert framework != "hf" and "would build" not in str(error)
            assert f"cannot be exported to {framework}" in str(error)
            continue
        written.add(row["config"]["model_type"])
        assert READERS[framework](text) == row["parameters"]["total"]
    assert len(written) >= {"hf": 27, "nanogpt": 0, "torchtitan": 3}.get(framework, 10)


@pytest.mark.parametrize("framework", sorted(EXPORTERS))
def test_every_model_of_the_catalogue_is_exported_or_refused(framework: str) -> None:
    for model in models().values():
        try:
            text = EXPORTERS[framework](model.architecture)
        except ConfigError as error:
            assert framework != "hf" and "would build" not in str(error), model.name
            continue
        assert READERS[framework](text) == model.parameters.total, model.name


@pytest.mark.parametrize("framework", ["megatron", "litgpt"])
def test_published_models_of_a_block_under_another_name(framework: str) -> None:
    architecture = read_config({"model_type": "gpt_neox"})
    text = EXPORTERS[framework](architecture)
    assert READERS[framework](text) == count_parameters(architecture).total


def test_published_models() -> None:
    llama = models()["llama-3-8b"].architecture
    for framework in ("megatron", "torchtitan", "litgpt"):
        assert READERS[framework](EXPORTERS[framework](llama)) == 8_030_261_248
    assert "intermediate_size" in to_huggingface(llama)


@pytest.mark.skipif(shutil.which("bash") is None, reason="the file is sourced by bash")
@pytest.mark.parametrize("size", [1, 4])
def test_bash_reads_the_file_of_megatron(size: int, tmp_path: Path) -> None:
    path = tmp_path / "design.sh"
    architecture = make("qwen3", vocab_size=1004, kv_heads=2, tied=False)
    path.write_text(EXPORTERS["megatron"](architecture))
    script = f'TP_SIZE={size}; source "$0"; printf "%s\\n" "${{MODEL_ARGS[@]}}"'
    answer = subprocess.run(
        ["bash", "-c", script, path], capture_output=True, text=True, check=True
    )
    words = answer.stdout.split()
    assert size != 1 or words == megatron_words(path.read_text())
    assert words[:2] == ["--tensor-model-parallel-size", str(size)]
    assert count_megatron_words(words, 900) == count_parameters(architecture).total


@pytest.mark.skipif(shutil.which("bash") is None, reason="the file is sourced by bash")
def test_bash_refuses_a_split_that_would_pad(tmp_path: Path) -> None:
    path = tmp_path / "design.sh"
    path.write_text(EXPORTERS["megatron"](make(vocab_size=1003)))
    script = 'TP_SIZE=4; source "$0" && echo went on'
    answer = subprocess.run(["bash", "-c", script, path], capture_output=True, text=True)
    assert "does not divide the vocabulary 1003" in answer.stderr
    assert "went on" not in answer.stdout


@pytest.mark.parametrize("framework", sorted(EXPORTERS))
def test_from_the_command_line(framework: str, tmp_path: Path) -> None:
    source = "llama-3-8b"
    if framework == "nanogpt":
        (tmp_path / "c.json").write_text('{"model_type": "gpt2"}')
        source = str(tmp_path / "c.json")
    path = tmp_path / "out"
    answer = CliRunner().invoke(app, ["export", source, "--to", framework, "-o", str(path)])
    assert answer.exit_code == 0, answer.output + answer.stderr
    printed = CliRunner().invoke(app, ["export", source, "--to", framework]).stdout
    assert printed == path.read_text()
    assert READERS[framework](printed) in (8_030_261_248, 124_439_808)


def test_a_solved_problem_is_exported(tmp_path: Path) -> None:
    path = tmp_path / "design.yaml"
    args = ["solve", "one-h100-1e24", "--export", f"litgpt:{path}", "--json", "-"]
    answer = CliRunner().invoke(app, args)
    assert answer.exit_code == 0, answer.output + answer.stderr
    assert read_litgpt(path.read_text()) == json.loads(answer.stdout)["parameters"]["total"]


@pytest.mark.parametrize("framework", sorted(EXPORTERS))
def test_designs_of_any_kinds_of_layer(framework: str) -> None:
    written = set()
    for seed in range(45):
        drawn = design(seed)
        try:
            text = EXPORTERS[framework](drawn)
        except ConfigError as error:
            assert f"cannot be exported to {framework}" in str(error)
            continue
        assert READERS[framework](text) == count_parameters(drawn).total, seed
        written.add(json.loads(text)["model_type"] if framework == "hf" else drawn.block)
    least = {"hf": 8, "megatron": 5, "litgpt": 4, "torchtitan": 1, "nanogpt": 0}
    assert len(written) >= least[framework]


WINDOWS, EXPERTS = {"between": "window"}, {"dense": False, "experts": True}
LATENT = {"attention": "latent"}


@pytest.mark.parametrize(
    ("block", "kinds", "model_type"),
    [
        ("llama", WINDOWS, "ministral"),
        ("llama", EXPERTS, "mixtral"),
        ("llama", EXPERTS | {"dense": True}, "glm4_moe"),
        ("llama", LATENT, "youtu"),
        ("llama", {"between": "mamba2"}, "bamba"),
        ("llama", {"between": "mamba2"} | EXPERTS, "granitemoehybrid"),
        ("qwen2", EXPERTS, "qwen2_moe"),
        ("qwen2", WINDOWS, "qwen2"),
        ("qwen3", EXPERTS, "qwen3_moe"),
        ("qwen3", EXPERTS | WINDOWS, "mellum"),
        ("qwen3", EXPERTS | WINDOWS | {"dense": True}, "dots1"),
        ("qwen3-moe", EXPERTS, "qwen3_moe"),
        ("qwen3-next", EXPERTS | {"between": "gated-deltanet"}, "qwen3_next"),
        ("deepseek", LATENT | EXPERTS, "deepseek_v3"),
        ("gpt-oss", EXPERTS | WINDOWS, "gpt_oss"),
        ("gemma2", WINDOWS, "gemma2"),
        ("gemma3", WINDOWS, "gemma3_text"),
        ("olmo2", EXPERTS, "flex_olmo"),
        ("olmo2", WINDOWS, "olmo3"),
        ("olmo2", {"between": "gated-deltanet"}, "olmo_hybrid"),
        ("nemotron-h", EXPERTS | {"between": "mamba2"}, "nemotron_h"),
    ],
)
def test_the_nearest_type(block: str, kinds: dict[str, Any], model_type: str) -> None:
    tied = block != "nemotron-h"
    shared = 1 if model_type in ("nemotron_h", "dots1") else 0
    drawn = built(Structure(block, **kinds), 4, tied_embeddings=tied, shared_experts=shared)
    assert to_huggingface(drawn)["model_type"] == model_type


@pytest.mark.parametrize(
    ("block", "kinds", "words"),
    [
        ("llama", WINDOWS | EXPERTS, "glm4_moe has no sliding windows"),
        ("llama", LATENT | {"between": "gated-deltanet"}, "has no gated delta networks"),
        ("gemma3", EXPERTS, "gemma3_text has no mixtures of experts"),
        ("gemma2", LATENT, "gemma2 has no latent attention"),
        ("gpt2", WINDOWS, "gpt2 has no sliding windows"),
        ("gpt-oss", LATENT | EXPERTS, "gpt_oss has no latent attention"),
        ("nemotron-h", WINDOWS, "nemotron_h has no sliding windows"),
    ],
)
def test_what_no_type_has_is_named(block: str, kinds: dict[str, Any], words: str) -> None:
    drawn = built(Structure(block, **kinds), 4, tied_embeddings=False, shared_experts=1)
    with pytest.raises(ConfigError, match=f"cannot be exported to hf: .*{words}"):
        to_huggingface(drawn)


def test_scores_are_scaled_by_the_width_of_a_head() -> None:
    gemma = to_huggingface(built(Structure("gemma3", between="window")))
    assert gemma["query_pre_attn_scalar"] == gemma["head_dim"] == 16
    granite = to_huggingface(
        built(Structure("llama", between="mamba2", dense=False, experts=True), 4)
    )
    assert granite["attention_multiplier"] == granite["head_dim"] ** -0.5
    assert granite["layer_types"][0] == "linear_attention"


def test_windows_beside_shared_experts_are_megatrons_alone() -> None:
    drawn = built(Structure("llama", between="window", dense=False, experts=True), shared_experts=1)
    text = EXPORTERS["megatron"](drawn)
    assert "--window-attn-skip-freq" in text and "--moe-shared-expert-intermediate-size 24" in text
    assert READERS["megatron"](text) == count_parameters(drawn).total


def test_a_refused_export_exits_with_2(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["export", "llama-3-8b", "--to", "nanogpt"])
    assert answer.exit_code == 2
    assert "GPT-2's block alone" in answer.stderr
