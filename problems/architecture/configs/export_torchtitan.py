"""Export an architecture as a module of configuration functions for torchtitan.

Based on torchtitan 0.3.0: ``torchtitan/config/manager.py`` takes ``--module`` as an import path
and ``--config`` as the name of a function in it; the sizes of a model are Python code in
``torchtitan/models/llama3/__init__.py`` and ``torchtitan/models/qwen3/__init__.py``, which no
file or flag can set. The exported module therefore adds one flavour to those of its family, built
by the family's own builder (whose name has an underscore, hence the version), and a function that
trains it as the family's usual configuration does. The builder takes the feed-forward width
directly, so the multiple of Llama 3's rule is not used.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.configs.export_common import (
    Sizes,
    check_count,
    refuse,
    rotary_obstacles,
    sizes_of,
)

_WHY_NOT = MappingProxyType(
    {
        "qwen2": "torchtitan's attention has no biases; qwen3 is without them",
        **dict.fromkeys(
            ("gemma2", "gemma3", "olmo2"),
            "torchtitan's dense families are llama3 and qwen3, neither with this block's norms",
        ),
        **dict.fromkeys(
            ("gpt2", "gpt-neox"),
            "torchtitan's dense families are llama3 and qwen3, with RMSNorm and without biases",
        ),
    }
)

_FILE = '''\
"""{block} of {parameters:,} parameters, written by modelsizer for torchtitan 0.3.0.

With this file as design.py in the working directory (PYTHONPATH=.):

    torchrun --nproc_per_node=8 -m torchtitan.train --module design --config design \\
        --hf_assets_path TOKENIZER_DIRECTORY --training.seq_len N --training.steps N
"""

{imports}
SIZES = {{
{sizes}
}}
VOCAB_SIZE = {vocab_size}
TIED = {tied}
MAX_SEQ_LEN = 131072  # of the rotary positions; no parameter

{body}

def design() -> Trainer.Config:
    config = {base}()
    config.model_spec = model_registry("modelsizer")
    config.loss.loss_fn.global_vocab_size = VOCAB_SIZE
    return config
'''

_LLAMA_IMPORTS = """\
from torchtitan.models.common import ComplexRoPE, Embedding, Linear, RMSNorm
from torchtitan.models.llama3 import (
    _build_llama3_layers,
    _EMBEDDING_INIT,
    _EMBEDDING_SKIP_INIT,
    _NORM_INIT,
    _output_linear_init,
    Llama3Model,
    llama3_configs,
    model_registry,
)
from torchtitan.models.llama3.config_registry import llama3_8b
from torchtitan.trainer import Trainer
"""

_LLAMA_BODY = """\

def _model(attn_backend, tp_gemm_backend="default"):
    dim = SIZES["dim"]
    head_dim = dim // SIZES["n_heads"]
    return Llama3Model.Config(
        dim=dim,
        vocab_size=VOCAB_SIZE,
        enable_weight_tying=TIED,
        tok_embeddings=Embedding.Config(
            num_embeddings=VOCAB_SIZE,
            embedding_dim=dim,
            param_init=_EMBEDDING_SKIP_INIT if TIED else _EMBEDDING_INIT,
        ),
        norm=RMSNorm.Config(normalized_shape=dim, param_init=_NORM_INIT),
        lm_head=Linear.Config(
            in_features=dim, out_features=VOCAB_SIZE, param_init=_output_linear_init(dim)
        ),
        layers=_build_llama3_layers(
            **SIZES,
            rope=ComplexRoPE.Config(dim=head_dim, max_seq_len=MAX_SEQ_LEN, theta=500000.0),
            attn_backend=attn_backend,
            tp_gemm_backend=tp_gemm_backend,
        ),
    )


llama3_configs["modelsizer"] = _model
"""

_QWEN_IMPORTS = """\
from torchtitan.models.common import CosSinRoPE, Embedding, Linear
from torchtitan.models.qwen3 import (
    _build_qwen3_layers,
    _EMBEDDING_INIT,
    _EMBEDDING_SKIP_INIT,
    _LINEAR_INIT,
    _qwen3_norm,
    model_registry,
    qwen3_configs,
    Qwen3Model,
)
from torchtitan.models.qwen3.config_registry import qwen3_1_7b
from torchtitan.trainer import Trainer
"""

_QWEN_BODY = """\

def _model(attn_backend):
    dim = SIZES["dim"]
    return Qwen3Model.Config(
        dim=dim,
        vocab_size=VOCAB_SIZE,
        enable_weight_tying=TIED,
        tok_embeddings=Embedding.Config(
            num_embeddings=VOCAB_SIZE,
            embedding_dim=dim,
            param_init=_EMBEDDING_SKIP_INIT if TIED else _EMBEDDING_INIT,
        ),
        norm=_qwen3_norm(dim),
        lm_head=Linear.Config(in_features=dim, out_features=VOCAB_SIZE, param_init=_LINEAR_INIT),
        layers=_build_qwen3_layers(
            **SIZES,
            attn_backend=attn_backend,
            rope=CosSinRoPE.Config(
                dim=SIZES["head_dim"], max_seq_len=MAX_SEQ_LEN, theta=1000000.0
            ),
        ),
    )


qwen3_configs["modelsizer"] = _model
"""

_FAMILIES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "llama": {"imports": _LLAMA_IMPORTS, "body": _LLAMA_BODY, "base": "llama3_8b"},
        "qwen3": {"imports": _QWEN_IMPORTS, "body": _QWEN_BODY, "base": "qwen3_1_7b"},
    }
)


def to_torchtitan(architecture: Architecture) -> str:
    """Write a Python module for ``torchtitan.train --module MODULE --config design``.

    Raises
    ------
    ConfigError
        If torchtitan has no such model; the message says what prevents it.
    """
    sizes = sizes_of(architecture, "torchtitan", _FAMILIES, _WHY_NOT)
    refuse("torchtitan", _obstacles(sizes))
    arguments = {
        "n_layers": sizes.layers,
        "dim": sizes.d_model,
        "n_heads": sizes.heads,
        "n_kv_heads": sizes.kv_heads,
        "hidden_dim": sizes.d_ff,
    }
    if sizes.block == "qwen3":
        arguments["head_dim"] = sizes.head_dim
    text = _FILE.format(
        block=sizes.block,
        parameters=sizes.parameters,
        sizes="\n".join(f'    "{key}": {value},' for key, value in arguments.items()),
        vocab_size=sizes.vocab_size,
        tied=sizes.tied,
        **_FAMILIES[sizes.block],
    )
    check_count("torchtitan", count_torchtitan(text), sizes)
    return text


def _obstacles(sizes: Sizes) -> list[str]:
    found = rotary_obstacles(sizes)
    if sizes.block == "llama" and not sizes.heads_span_the_model:
        found.append(
            f"its llama3 has heads x head_dim = d_model, got {sizes.heads} x {sizes.head_dim} on "
            f"{sizes.d_model}; its qwen3 is free of that"
        )
    return found


def count_torchtitan(text: str) -> int:
    """Number of parameters that torchtitan creates from a file of `to_torchtitan`."""
    values: dict[str, Any] = {}
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            values[statement.targets[0].id] = ast.literal_eval(statement.value)
    sizes = values["SIZES"]
    d, heads, kv_heads = sizes["dim"], sizes["n_heads"], sizes["n_kv_heads"]
    head = sizes.get("head_dim", d // heads)
    attention = d * (heads + 2 * kv_heads) * head + heads * head * d
    if "head_dim" in sizes:  # qwen3, whose builder adds norms of queries and keys
        attention += 2 * head
    layer = attention + 3 * d * sizes["hidden_dim"] + 2 * d
    matrices = 1 if values["TIED"] else 2
    return int(matrices * values["VOCAB_SIZE"] * d + sizes["n_layers"] * layer + d)
