"""Readers of configurations, by the names in ``types.toml``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.configs import classic, deepseek_v4, gemma3n, gemma4, zamba
from modelsizer.problems.architecture.configs.decoder import decoder
from modelsizer.problems.architecture.configs.fields import Fields
from modelsizer.problems.architecture.configs.model_types import ModelType

READERS: Mapping[str, Callable[[Fields, ModelType], Architecture]] = MappingProxyType(
    {
        "decoder": decoder,
        "deepseek_v4": deepseek_v4.deepseek_v4,
        "gemma4": gemma4.gemma4,
        "gpt2": classic.gpt2,
        "opt": classic.opt,
        "bloom": classic.bloom,
        "falcon": classic.falcon,
        "gemma3n": gemma3n.gemma3n,
        "zamba": zamba.zamba,
    }
)
