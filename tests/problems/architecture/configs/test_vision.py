"""Parameters beside a text model, against transformers 5.24 on the meta device."""

from __future__ import annotations

import pytest

from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.configs.fields import ConfigError
from modelsizer.problems.architecture.configs.huggingface import read
from modelsizer.problems.architecture.configs.vision import WHOLES, vision_parameters
from tests.support.shared import case

DEFAULTS = {
    "gemma3": (2304, 94_654_464),
    "mistral3": (5120, 438_958_080),
    "llava": (4096, 324_487_168),
    "llama4": (5120, 455_178_240),
    "qwen2_vl": (8192, 675_759_104),
    "qwen2_5_vl": (8192, 3_083_025_152),
    "qwen3_vl": (4096, 566_949_104),
    "qwen3_vl_moe": (2048, 566_949_104),
    "qwen3_5": (4096, 453_650_672),
    "qwen3_5_moe": (2048, 453_650_672),
    "glm4v": (4096, 892_498_432),
    "glm4v_moe": (4096, 892_498_432),
    "kimi_k25": (7168, 471_143_920),
    "idefics3": (4096, 171_270_144),
    "smolvlm": (4096, 171_270_144),
    "paligemma": (2048, 401_858_816),
}
"""Width of the text model, and parameters outside it, of each type with the library's defaults."""


@pytest.mark.parametrize("kind", sorted(WHOLES))
def test_defaults_of_each_type(kind: str) -> None:
    text, parameters = DEFAULTS[kind]
    assert vision_parameters({"model_type": kind}, text) == parameters


def test_another_vision_model_is_not_counted() -> None:
    whole = {"model_type": "llava", "vision_config": {"model_type": "siglip_vision_model"}}
    assert vision_parameters(whole, 64) is None
    assert vision_parameters({"model_type": "ovis2"}, 64) is None


def test_fields_of_the_vision_part_are_named() -> None:
    whole = {"model_type": "gemma3", "vision_config": {"hidden_size": 1.5}}
    with pytest.raises(ConfigError, match=r"vision_config: hidden_size must be a whole number"):
        vision_parameters(whole, 64)


def test_a_published_whole() -> None:
    found = read(case("gap_gemma3_12b_multimodal.json")).architecture
    text = count_parameters(found).total
    assert text == 11_766_034_176
    assert found.whole is not None
    assert found.whole.parameters(text) == 12_202_563_392
