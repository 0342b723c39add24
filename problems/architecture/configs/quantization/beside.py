"""Bytes that published checkpoints hold beside the parameters of the library's class.

Each was found in the files of a release: the layers of multi-token prediction of DeepSeek-V3
(arXiv 2412.19437, section 2.2), which have an embedding, a head and a norm of their own before and
after a layer as the last one, and a projection of two embeddings; the correction biases of routers,
which are buffers; and routers in fp32.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.feedforward import MixtureOfExperts

_PREDICT = frozenset({"deepseek_v3", "deepseek_v32", "kimi_k2"})
_CORRECT = frozenset({"deepseek_v3", "deepseek_v32", "glm4_moe", "kimi_k2", "minimax_m2"})
_FULL_ROUTERS = frozenset({"minimax_m2"})
_NORMS = 3  # of both inputs of the projection, and before the head
_FP32 = 4


def predicting_layers(config: Mapping[str, Any], model_type: str) -> int:
    """Number of layers of multi-token prediction that a release holds after the others."""
    found = config.get("num_nextn_predict_layers")
    counted = isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 16
    return int(found or 0) if counted and model_type in _PREDICT else 0


def bytes_beside(architecture: Architecture, layer: int, predicting: int, dtype: int) -> int:
    """Bytes beside the parameters.

    Parameters
    ----------
    architecture : Architecture
    layer : int
        Bytes of all layers of multi-token prediction, without what is around them.
    predicting : int
        Number of them.
    dtype : int
        Bytes of a value that is not quantised.
    """
    trunk, kind = architecture.trunk, architecture.block
    stack = architecture.stack() or []
    mixtures = [each.ffn for each in stack if isinstance(each.ffn, MixtureOfExperts)]
    mixtures += mixtures[-1:] * predicting
    found = layer
    if kind in _CORRECT:
        found += sum(ffn.experts for ffn in mixtures) * _FP32
    if kind in _FULL_ROUTERS:
        found += sum(ffn.experts for ffn in mixtures) * trunk.d_model * (_FP32 - dtype)
    around = 2 * trunk.embedding_size() + _NORMS * trunk.d_model + 2 * trunk.d_model**2
    return int(found + predicting * around * dtype)
