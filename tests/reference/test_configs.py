"""Configurations of every model type, against counts by transformers 5.23 on the meta device."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read, read_config
from modelsizer.problems.architecture.configs.model_types import model_types
from modelsizer.problems.architecture.models import models
from modelsizer.problems.architecture.sources import load_architecture
from modelsizer.problems.designs.description import describe
from tests.support.shared import reference_json

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "counted_configs.jsonl").read_text().splitlines()
]


@pytest.mark.parametrize(
    "row", ROWS, ids=[f"{i}-{r['config']['model_type']}" for i, r in enumerate(ROWS)]
)
def test_stored_counts(row: dict[str, Any]) -> None:
    architecture = read_config(row["config"])
    found = count_parameters(architecture)
    assert found.total == row["parameters"]
    assert found.active <= found.total
    if "flops" in row:  # of 2 x 24 tokens, by torch.utils.flop_counter with eager attention
        assert describe(architecture, batch=2, sequence=24).forward_flops == row["flops"]


def test_every_type_is_covered() -> None:
    assert {row["config"]["model_type"] for row in ROWS} <= set(model_types())


def test_published_models_by_component() -> None:
    for model in reference_json("real_models.json")["models"]:
        found = count_parameters(read_config(model["config"]))
        for component, count in model["params"].items():
            assert getattr(found, component) == count, (model["name"], component)


BASE = {"model_type": "llama"}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"model_type": None}, "model_type is missing"),
        ({"model_type": "lama"}, "did you mean llama"),
        ({"model_type": "rwkv"}, "unknown model_type"),
        ({"hidden_size": 4096.5}, "hidden_size must be a whole number"),
        ({"hidden_size": "wide"}, "hidden_size must be a whole number"),
        ({"hidden_size": 0}, "hidden_size must be at least 1"),
        ({"num_hidden_layers": -1}, "num_hidden_layers must be at least 1"),
        ({"num_key_value_heads": 5}, "does not divide"),
        ({"num_attention_heads": 33}, "does not divide"),
        ({"tie_word_embeddings": 1}, "tie_word_embeddings must be true or false"),
        ({"model_type": "deepseek_v2"}, "num_experts_per_tok is missing"),
        ({"model_type": "deepseek_v2", "use_mla": False}, "use_mla = False"),
        ({"model_type": "gpt2", "n_embd": 512, "hidden_size": 768}, "given twice"),
        ({"model_type": "gemma2", "layer_types": ["full_attention"]}, "layer_types has 1"),
        ({"model_type": "mixtral", "num_experts_per_tok": 9}, "is more than num_local_experts"),
    ],
)
def test_what_cannot_be_counted_is_refused(change: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        read_config(BASE | change)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"num_experts": 8}, "num_experts = 8 is not read by model_type 'llama'"),
        ({"num_hiden_layers": 3}, "did you mean num_hidden_layers"),
        ({"adapter_rank": 8}, "adapter_rank"),
        ({"vision_config": {"hidden_size": 8}}, "vision_config"),
    ],
)
def test_fields_that_the_library_does_not_read_are_noted(change: dict[str, Any], word: str) -> None:
    found = read(BASE | change)
    assert found.architecture == read_config(BASE)
    assert [word in note for note in found.notes] == [True]


def test_code_of_its_own_beside_an_unread_size_is_said() -> None:
    own = BASE | {"auto_map": {"AutoModelForCausalLM": "modeling_own.Own"}}
    assert read(own).notes == ()
    notes = read(own | {"expert_latent_size": 64}).notes
    assert [note.split(":")[0].split(" ")[0] for note in notes] == [
        "expert_latent_size",
        "auto_map",
    ]


@pytest.mark.parametrize("empty", [None, False, {}, []])
def test_empty_fields_add_nothing(empty: object) -> None:
    found = read(BASE | {"num_experts": empty, "pruned_heads": empty, "tie_encoder_decoder": empty})
    assert found == read(BASE)


def test_harmless_fields_of_published_files_are_passed_over() -> None:
    published = {
        "architectures": ["LlamaForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 128000,
        "eos_token_id": [128001, 128008], "hidden_act": "silu", "initializer_range": 0.02,
        "max_position_embeddings": 131072, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
        "rope_scaling": {"factor": 8.0}, "rope_theta": 500000.0, "torch_dtype": "bfloat16",
        "transformers_version": "4.43.0", "use_cache": True, "_name_or_path": "x",
        "quantization_config": {"bits": 4},
    }  # fmt: skip
    assert read_config(BASE | published) == read_config(BASE)


def test_windows_cap_scores_and_cache() -> None:
    gemma = read_config({"model_type": "gemma2"})
    assert sorted((g.layer.attention.visible(8192), g.count) for g in gemma.groups) == [
        (4096, 13), (8192, 13)
    ]  # fmt: skip
    at = describe(gemma, sequence=8192)
    assert at.kv_cache == at.kv_bytes_per_token * 8192 * 3 // 4
    assert at.forward_flops_per_token * 8192 < at.forward_flops


def test_latent_attention_caches_its_latent() -> None:
    v3 = read_config({"model_type": "deepseek_v3"})
    assert describe(v3).kv_bytes_per_token == 61 * (512 + 64) * 2
    found = count_parameters(v3)
    assert found.total == 671_026_404_352
    assert found.active == pytest.approx(37.5e9, rel=0.01)  # "37B activated", arXiv 2412.19437


def test_catalogue_is_counted() -> None:
    catalogue = models()
    assert len(catalogue) >= 40
    for model in catalogue.values():
        assert model.parameters.total > 1e7
        assert model.source
        assert model.tokens is None or model.tokens > 1e9
    assert catalogue["llama-3.1-405b"].parameters.total == 405_853_388_800


@pytest.mark.parametrize(
    ("config", "total"),
    [  # model cards: 7.74B, 2.72B, 6.06B and 7.51B
        ({"model_type": "internlm2", "intermediate_size": 14336, "num_key_value_heads": 8,
          "vocab_size": 92544, "bias": False}, 7_737_708_544),
        ({"model_type": "minicpm", "hidden_size": 2304, "intermediate_size": 5760,
          "num_hidden_layers": 40, "num_attention_heads": 36, "vocab_size": 122753}, 2_724_880_896),
        ({"model_type": "Yi"}, 6_061_035_520),
        ({"model_type": "baichuan"}, 7_505_973_248),
    ],
)  # fmt: skip
def test_types_that_are_llama_by_another_name(config: dict[str, Any], total: int) -> None:
    assert count_parameters(read_config(config)).total == total


def test_a_null_boolean_adds_no_parameter() -> None:
    bamba = {"model_type": "bamba", "num_hidden_layers": 2}
    null, false = (read(bamba | {"mamba_conv_bias": value}) for value in (None, False))
    assert null.architecture.groups == false.architecture.groups
    assert null.notes == ("mamba_conv_bias is null: false is taken",)
    tied = read_config({"model_type": "gemma2", "tie_word_embeddings": None})
    assert tied.trunk.tied_embeddings


@pytest.mark.parametrize("kind", ["minimax_text_01", "minimax_m1"])
def test_minimax_as_published_is_that_of_the_library(kind: str) -> None:
    ours = dict(models()["minimax-text-01-456b"].config)
    ours.pop("layer_types", None)
    published = ours | {"model_type": kind, "attn_type_list": [0, 0, 0, 0, 0, 0, 0, 1] * 10}
    published |= {"shared_intermediate_size": 0, "postnorm": True}
    found = count_parameters(read_config(published))
    assert found == count_parameters(load_architecture("minimax-text-01-456b"))
