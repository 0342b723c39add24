"""Readers of Hugging Face configs: what a config leaves out has the default of its type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read_config
from modelsizer.problems.designs.description import describe

REQUIRED = {"deepseek_v2": {"num_experts_per_tok": 6}}
"""Fields for which a type has no default."""
DEFAULTS = {
    "bloom": (16_156_544, 16_156_544, 36_503_552, 512),
    "cohere": (34_980_831_232, 34_980_831_232, 80_698_408_960, 1_310_720),
    "deepseek_v2": (38_612_307_968, 6_523_523_072, 17_576_230_912, 36_864),
    "deepseek_v3": (671_026_404_352, 37_552_282_624, 114_185_601_024, 70_272),
    "falcon": (6_921_720_704, 6_921_720_704, 18_607_570_944, 8_192),
    "gemma": (8_537_680_896, 8_537_680_896, 20_833_107_968, 458_752),
    "gemma2": (2_614_341_888, 2_614_341_888, 6_536_822_784, 106_496),
    "gemma3_text": (2_628_658_432, 2_628_658_432, 6_263_439_360, 106_496),
    "glm4": (9_400_279_040, 9_400_279_040, 22_926_065_664, 40_960),
    "gpt2": (124_439_808, 124_439_808, 549_053_952, 36_864),
    "gpt_neox": (20_554_567_680, 20_554_567_680, 49_340_743_680, 1_081_344),
    "gpt_oss": (116_829_156_672, 5_711_982_912, 12_715_868_160, 73_728),
    "granite": (6_738_415_616, 6_738_415_616, 17_509_122_048, 524_288),
    "llama": (6_738_415_616, 6_738_415_616, 17_509_122_048, 524_288),
    "mistral": (7_241_732_096, 7_241_732_096, 16_368_271_360, 131_072),
    "mixtral": (46_702_792_704, 12_879_925_248, 29_792_141_312, 131_072),
    "olmo2": (6_888_624_128, 6_888_624_128, 17_659_068_416, 524_288),
    "opt": (125_239_296, 125_239_296, 549_076_992, 36_864),
    "phi": (1_418_270_720, 1_418_270_720, 4_236_247_040, 196_608),
    "phi3": (3_821_079_552, 3_821_079_552, 10_665_984_000, 393_216),
    "qwen2": (12_049_846_272, 12_049_846_272, 27_148_681_216, 524_288),
    "qwen2_moe": (14_315_784_192, 2_689_173_504, 6_366_134_272, 196_608),
    "qwen3": (12_049_461_248, 12_049_461_248, 27_148_681_216, 524_288),
    "qwen3_moe": (15_350_731_776, 1_761_186_816, 4_510_449_664, 24_576),
    "smollm3": (3_075_098_624, 3_075_098_624, 8_565_817_344, 73_728),
    "stablelm": (2_795_443_200, 2_795_443_200, 8_017_018_880, 327_680),
    "starcoder2": (3_030_371_328, 3_030_371_328, 9_078_571_008, 30_720),
}
"""Parameters, active ones, forward FLOPs of a token at 8,192, and bytes of cache of a token.

The defaults are those of transformers 5.23.0; most are a published model, as Llama 7B, Gemma 2 2B,
Mixtral 8x7B, DeepSeek V3 and Qwen1.5 MoE A2.7B are.
"""


def numbers(value: Any) -> Iterator[Any]:
    """Numbers of nested tables and lists."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from numbers(part)
    elif isinstance(value, int | float):
        yield value


@pytest.mark.parametrize("kind", sorted(DEFAULTS))
def test_defaults_of_each_type(kind: str) -> None:
    architecture = read_config({"model_type": kind, **REQUIRED.get(kind, {})})
    found = describe(architecture, sequence=8192)
    parameters = found.parameters
    assert (
        parameters.total,
        parameters.active,
        found.forward_flops_per_token,
        found.kv_bytes_per_token,
    ) == DEFAULTS[kind]
    # A quotient that is left a float would show as 64.0 in JSON.
    assert not [n for n in numbers(found.to_dict()) if isinstance(n, float)]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "mixtral", "num_experts_per_tok": 9},
         "num_experts_per_tok = 9 is more than num_local_experts = 8"),
        ({"model_type": "gpt_oss", "num_experts": 3},
         "num_experts_per_tok = 4 is more than num_experts = 3"),
        ({"model_type": "qwen2_moe", "num_experts": 1},
         "num_experts_per_tok = 4 is more than num_experts = 1"),
        ({"model_type": "qwen3_moe", "num_local_experts": 7},
         "num_experts_per_tok = 8 is more than num_local_experts = 7"),
        ({"model_type": "deepseek_v3", "num_local_experts": 7},
         "num_experts_per_tok = 8 is more than num_local_experts = 7"),
        ({"model_type": "gpt2", "hidden_size": 7}, "n_head = 12 does not divide hidden_size = 7"),
        ({"model_type": "falcon", "n_head": 3},
         "n_head = 3 does not divide hidden_size = 4544"),
        ({"model_type": "gpt2", "max_position_embeddings": 0}, "max_position_embeddings must be"),
        ({"model_type": "bloom", "num_layers": "7"}, "num_layers must be a whole number"),
        ({"model_type": "qwen3_moe", "mlp_only_layers": [True]}, "mlp_only_layers must be a list"),
        ({"model_type": "kimi_linear", "routed_expert_hidden_size": 3584},
         "routed_expert_hidden_size = 3584: only 0 can be counted"),
    ],
)  # fmt: skip
def test_errors_name_a_field_as_it_is_written(config: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_config(config)
