"""The text of modules for torchtitan 0.3.0, by its families."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FILE = '''\
"""{block} of {parameters:,} parameters, written by modelsizer for torchtitan 0.3.0.

With this file as design.py in the working directory (PYTHONPATH=.):

    torchrun --nproc_per_node=8 -m torchtitan.train --module design --config design \\
        --hf_assets_path TOKENIZER_DIRECTORY --training.seq_len N --training.steps N
"""

{imports}
SIZES = {{
{sizes}
}}
{more}VOCAB_SIZE = {vocab_size}
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

_QWEN_MOE_BODY = (
    _QWEN_BODY.replace("_build_qwen3_layers", "_build_qwen3_moe_layers")
    .replace("def _model(attn_backend):", 'def _model(attn_backend, moe_comm_backend="standard"):')
    .replace(
        "            attn_backend=attn_backend,\n",
        "            attn_backend=attn_backend,\n            moe_comm_backend=moe_comm_backend,\n",
    )
)

_DEEPSEEK_IMPORTS = """\
from torchtitan.models.common import ComplexRoPE, Embedding, Linear, RMSNorm
from torchtitan.models.deepseek_v3 import (
    _build_dsv3_layers,
    _EMBEDDING_INIT,
    _NORM_INIT,
    _output_linear_init,
    deepseekv3_configs,
    DeepSeekV3Model,
    model_registry,
)
from torchtitan.models.deepseek_v3.config_registry import deepseek_v3_16b
from torchtitan.trainer import Trainer
"""

_DEEPSEEK_BODY = """\

def _model(
    attn_backend, moe_comm_backend, non_blocking_capacity_factor=None, num_mtp_layers=0
):
    dim = SIZES["dim"]
    return DeepSeekV3Model.Config(
        dim=dim,
        vocab_size=VOCAB_SIZE,
        enable_weight_tying=TIED,
        tok_embeddings=Embedding.Config(
            num_embeddings=VOCAB_SIZE, embedding_dim=dim, param_init=_EMBEDDING_INIT
        ),
        norm=RMSNorm.Config(normalized_shape=dim, param_init=_NORM_INIT),
        lm_head=Linear.Config(
            in_features=dim, out_features=VOCAB_SIZE, param_init=_output_linear_init(dim)
        ),
        layers=_build_dsv3_layers(
            **SIZES,
            **ROUTER,
            mscale=1.0,
            rope=ComplexRoPE.Config(
                dim=SIZES["qk_rope_head_dim"], max_seq_len=MAX_SEQ_LEN, theta=10000.0
            ),
            attn_backend=attn_backend,
            moe_comm_backend=moe_comm_backend,
            non_blocking_capacity_factor=non_blocking_capacity_factor,
        ),
    )


deepseekv3_configs["modelsizer"] = _model
"""

_GPT_OSS_IMPORTS = """\
from torchtitan.models.common import CosSinRoPE, Embedding, Linear, RMSNorm
from torchtitan.models.gpt_oss import (
    _build_gptoss_layers,
    _EMBEDDING_INIT,
    _NORM_INIT,
    _output_linear_init,
    gptoss_configs,
    GptOssModel,
    model_registry,
)
from torchtitan.models.gpt_oss.config_registry import gpt_oss_20b
from torchtitan.trainer import Trainer
"""

_GPT_OSS_BODY = """\

def _model(moe_comm_backend, attn_backend="varlen"):
    dim = SIZES["dim"]
    return GptOssModel.Config(
        dim=dim,
        vocab_size=VOCAB_SIZE,
        enable_weight_tying=TIED,
        tok_embeddings=Embedding.Config(
            num_embeddings=VOCAB_SIZE, embedding_dim=dim, param_init=_EMBEDDING_INIT
        ),
        norm=RMSNorm.Config(normalized_shape=dim, param_init=_NORM_INIT),
        lm_head=Linear.Config(
            in_features=dim, out_features=VOCAB_SIZE, param_init=_output_linear_init(dim)
        ),
        layers=_build_gptoss_layers(
            **SIZES,
            load_balance_coeff=1e-3,
            attn_backend=attn_backend,
            moe_comm_backend=moe_comm_backend,
            rope=CosSinRoPE.Config(dim=64, max_seq_len=MAX_SEQ_LEN, theta=150000.0),
        ),
    )


gptoss_configs["modelsizer"] = _model
"""

BODIES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "llama3": {"imports": _LLAMA_IMPORTS, "body": _LLAMA_BODY, "base": "llama3_8b"},
        "qwen3": {"imports": _QWEN_IMPORTS, "body": _QWEN_BODY, "base": "qwen3_1_7b"},
        "qwen3_moe": {
            "imports": _QWEN_IMPORTS.replace(
                "_build_qwen3_layers", "_build_qwen3_moe_layers"
            ).replace("qwen3_1_7b", "qwen3_30b_a3b"),
            "body": _QWEN_MOE_BODY,
            "base": "qwen3_30b_a3b",
        },
        "deepseek_v3": {
            "imports": _DEEPSEEK_IMPORTS,
            "body": _DEEPSEEK_BODY,
            "base": "deepseek_v3_16b",
        },
        "gpt_oss": {"imports": _GPT_OSS_IMPORTS, "body": _GPT_OSS_BODY, "base": "gpt_oss_20b"},
    }
)
"""Imports, model and usual training of each of torchtitan's families."""
