"""Readers of exported files, written from each framework's source and not from the exporters."""

from __future__ import annotations

import json
import math
import re
import shlex
from types import SimpleNamespace
from typing import Any

from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.configs.huggingface import read_config


def linear(inputs: int, outputs: int, bias: bool) -> int:
    return inputs * outputs + bias * outputs


def read_hf(text: str) -> int:
    return count_parameters(read_config(json.loads(text))).total


def megatron_words(text: str) -> list[str]:
    """What bash makes of the array, without bash."""
    vocabulary = re.search(r"VOCAB_SIZE=(\d+)", text)[1]  # type: ignore[index]
    inside = text.split("MODEL_ARGS=(")[1].rsplit(")", 1)[0]
    inside = inside.replace("$((VOCAB_SIZE / TP_SIZE))", vocabulary).replace("$TP_SIZE", "1")
    return shlex.split(inside)


_BARE = {
    "--group-query-attention", "--untie-embeddings-and-output-weights", "--swiglu",
    "--disable-bias-linear", "--add-qkv-bias", "--qk-layernorm", "--squared-relu", "--quick-geglu",
    "--multi-latent-attention", "--moe-shared-expert-gate", "--moe-router-pre-softmax",
    "--moe-router-enable-expert-bias", "--apply-layernorm-1p", "--attention-output-gate",
}  # fmt: skip
_VALUED = {
    "--tensor-model-parallel-size", "--make-vocab-size-divisible-by", "--num-layers",
    "--hidden-size", "--ffn-hidden-size", "--num-attention-heads", "--kv-channels",
    "--num-query-groups", "--max-position-embeddings", "--position-embedding-type",
    "--rotary-percent", "--normalization", "--attention-dropout", "--hidden-dropout",
    "--window-size", "--window-attn-skip-freq", "--softmax-type", "--num-experts",
    "--expert-model-parallel-size",
    "--moe-ffn-hidden-size", "--moe-router-topk", "--moe-layer-freq",
    "--moe-shared-expert-intermediate-size", "--moe-router-score-function",
    "--moe-router-num-groups", "--moe-router-group-topk", "--moe-router-topk-scaling-factor",
    "--q-lora-rank", "--kv-lora-rank", "--qk-head-dim", "--qk-pos-emb-head-dim", "--v-head-dim",
    "--glu-linear-offset", "--activation-func-clamp-value", "--moe-latent-size",
    "--experimental-attention-variant", "--dsa-indexer-n-heads", "--dsa-indexer-head-dim",
    "--dsa-indexer-topk", "--hybrid-layer-pattern", "--mamba-num-heads", "--mamba-head-dim",
    "--mamba-state-dim", "--mamba-num-groups", "--linear-num-key-heads",
    "--linear-num-value-heads", "--linear-key-head-dim", "--linear-value-head-dim",
    "--linear-conv-kernel-dim", "--no-rope-freq",
}  # fmt: skip


def megatron_arguments(words: list[str]) -> dict[str, Any]:
    """Arguments by flag, as argparse would have them."""
    a: dict[str, Any] = {
        "--normalization": "LayerNorm", "--position-embedding-type": "learned_absolute",
        "--make-vocab-size-divisible-by": 128, "--num-query-groups": 1,
        "--tensor-model-parallel-size": 1, "--softmax-type": "vanilla", "--q-lora-rank": 0,
    }  # fmt: skip
    rest = iter(words)
    for word in rest:
        if word == "--spec":  # of two words
            a[word] = (next(rest), next(rest))
            continue
        assert word in _BARE | _VALUED, word
        a[word] = True if word in _BARE else next(rest)
    return a


def megatron_pattern(expression: str | None, layers: int, default: int) -> list[int]:
    """Per-layer ones and zeros of moe_freq_type, which evaluates a checked expression."""
    if expression is None:
        return [default] * layers
    assert re.fullmatch(r"[,\d\[\]()+*]+", expression)
    found = eval(expression)
    assert len(found) == layers
    return list(found)


def count_megatron_words(words: list[str], tokens: int) -> int:
    """GPTModel's parameters, for a tokenizer of so many tokens."""
    a = megatron_arguments(words)
    d, ff, heads = (int(a[f"--{k}"]) for k in ("hidden-size", "ffn-hidden-size", "num-attention-heads"))  # fmt: skip
    bias = "--disable-bias-linear" not in a
    per = 2 if a["--normalization"] == "LayerNorm" else 1
    gated = "--swiglu" in a or "--quick-geglu" in a
    if "--multi-latent-attention" in a:
        assert "--group-query-attention" not in a and "--qk-layernorm" in a and per == 1
        q, kv, value = (int(a[f"--{k}"]) for k in ("q-lora-rank", "kv-lora-rank", "v-head-dim"))
        nope, rope = int(a["--qk-head-dim"]), int(a["--qk-pos-emb-head-dim"])
        wide = heads * (nope + rope)
        own, each = (int(a.get(f"--dsa-indexer-{k}", 0)) for k in ("n-heads", "head-dim"))
        assert not own or (q and a["--experimental-attention-variant"] == "dsa")
        attention = [
            q * own * each + d * each + 2 * each + d * own if own else 0,
            d * q + q + q * wide if q else d * wide,
            d * (kv + rope) + kv + kv * heads * (nope + value),
            linear(heads * value, d, bias),
        ]
    else:
        groups = int(a["--num-query-groups"]) if "--group-query-attention" in a else heads
        channels = int(a.get("--kv-channels", d // heads))
        attention = [
            (1 + ("--attention-output-gate" in a))
            * linear(d, heads * channels, bias or "--add-qkv-bias" in a),
            2 * linear(d, groups * channels, bias or "--add-qkv-bias" in a),
            2 * per * channels * ("--qk-layernorm" in a),
            linear(heads * channels, d, bias),
            heads * (a["--softmax-type"] == "learnable"),
        ]

    def mlp(width: int, d: int = d) -> int:
        return linear(d, width * (1 + gated), bias) + linear(width, d, bias)

    layers, experts, mixture = int(a.get("--num-layers", 0)), int(a.get("--num-experts", 0)), 0
    each = [mlp(ff)] * layers
    if experts:
        latent = int(a.get("--moe-latent-size", 0))
        mixture = linear(d, experts, bias) + 2 * d * latent
        mixture += experts * mlp(int(a["--moe-ffn-hidden-size"]), latent or d)
        if "--moe-shared-expert-intermediate-size" in a:
            assert not bias
            mixture += mlp(int(a["--moe-shared-expert-intermediate-size"]))
            mixture += d * ("--moe-shared-expert-gate" in a)
        if layers:
            routed = megatron_pattern(a.get("--moe-layer-freq"), layers, 1)
            each = [mixture if r else mlp(ff) for r in routed]
        assert int(a["--moe-router-topk"]) <= experts
    multiple = int(a["--make-vocab-size-divisible-by"]) * int(a["--tensor-model-parallel-size"])
    rows = math.ceil(tokens / multiple) * multiple
    learned = a["--position-embedding-type"] == "learned_absolute"
    outside = [
        rows * d,
        rows * d * ("--untie-embeddings-and-output-weights" in a),
        int(a["--max-position-embeddings"]) * d if learned else 0,
        per * d,
    ]
    if "--hybrid-layer-pattern" in a:
        assert a["--spec"][1] == "hybrid_stack_spec" and per == 1 and not bias
        parts = {"*": lambda: sum(attention), "-": lambda: mlp(ff), "E": lambda: mixture,
                 "M": lambda: megatron_mamba(a, d), "G": lambda: megatron_delta(a, d)}  # fmt: skip
        return sum(d + parts[symbol]() for symbol in a["--hybrid-layer-pattern"]) + sum(outside)
    return sum(each) + layers * (sum(attention) + 2 * per * d) + sum(outside)


def megatron_mamba(a: dict[str, Any], d: int) -> int:
    """MambaMixer with d_conv = 4: in_proj, conv1d, dt_bias, A_log, D, norm, out_proj."""
    heads, each, state, groups = (int(a[f"--mamba-{k}"]) for k in ("num-heads", "head-dim", "state-dim", "num-groups"))  # fmt: skip
    assert heads % groups == 0
    inner, channels = heads * each, heads * each + 2 * groups * state
    in_proj = d * (2 * inner + 2 * groups * state + heads)
    return in_proj + channels * 4 + channels + 3 * heads + inner + inner * d


def megatron_delta(a: dict[str, Any], d: int) -> int:
    """GatedDeltaNet: in_proj, conv1d without bias, dt_bias, A_log, out_norm, out_proj."""
    qk, v, dk, dv, taps = (int(a[f"--linear-{k}"]) for k in ("num-key-heads", "num-value-heads", "key-head-dim", "value-head-dim", "conv-kernel-dim"))  # fmt: skip
    in_proj = d * (2 * qk * dk + 2 * v * dv + 2 * v)
    return in_proj + (2 * qk * dk + v * dv) * taps + 2 * v + dv + v * dv * d


def read_megatron(text: str) -> int:
    words = megatron_words(text)
    largest = int(re.search(r"at most (\d+) tokens", text)[1])  # type: ignore[index]
    counts = {count_megatron_words(words, tokens) for tokens in (1, largest // 2 + 1, largest)}
    assert len(counts) == 1  # whatever tokenizer fits
    return counts.pop()


def read_torchtitan(text: str) -> int:
    """Run the module against stand-ins for what it imports, and add up what they were given."""

    def part(size: Any) -> Any:
        return SimpleNamespace(Config=lambda **k: SimpleNamespace(size=size(k), **k))

    def dense(norms: int) -> Any:
        def build(*, n_layers: int, dim: int, n_heads: int, n_kv_heads: int, hidden_dim: int,
                  rope: Any, head_dim: int | None = None, **_: Any) -> Any:  # fmt: skip
            head = dim // n_heads if head_dim is None else head_dim
            assert rope.dim == head
            wide, narrow = n_heads * head, n_kv_heads * head
            each = [dim * wide, 2 * dim * narrow, wide * dim, norms * head, 3 * dim * hidden_dim, 2 * dim]  # fmt: skip
            return [sum(each)] * n_layers

        return build

    def moe(*, moe_hidden_dim: int, num_experts: int, top_k: int, moe_comm_backend: str,
            **k: Any) -> Any:  # fmt: skip
        assert top_k <= num_experts and moe_comm_backend == "standard"
        extra = num_experts * k["dim"] * (1 + 3 * moe_hidden_dim)
        return [each + extra for each in dense(2)(**k, hidden_dim=0)]

    def latent(*, n_layers: int, n_dense_layers: int, dim: int, n_heads: int, q_lora_rank: int,
               kv_lora_rank: int, qk_nope_head_dim: int, qk_rope_head_dim: int, v_head_dim: int,
               dense_hidden_dim: int, moe_hidden_dim: int, num_experts: int,
               num_shared_experts: int, router_top_k: int, router_score_func: str,
               router_num_expert_groups: int | None, router_num_limited_groups: int | None,
               router_route_scale: float, router_route_norm: bool, mscale: float, rope: Any,
               attn_backend: str, moe_comm_backend: str,
               non_blocking_capacity_factor: None) -> Any:  # fmt: skip
        assert rope.dim == qk_rope_head_dim and router_score_func in ("sigmoid", "softmax")
        assert num_shared_experts >= 1 and num_experts % (router_num_expert_groups or 1) == 0
        wide = n_heads * (qk_nope_head_dim + qk_rope_head_dim)
        queries = [dim * q_lora_rank, q_lora_rank, q_lora_rank * wide] if q_lora_rank else [dim * wide]  # fmt: skip
        keys = [dim * (kv_lora_rank + qk_rope_head_dim), kv_lora_rank]
        values = [kv_lora_rank * n_heads * (qk_nope_head_dim + v_head_dim), n_heads * v_head_dim * dim]  # fmt: skip
        each = sum(queries + keys + values) + 2 * dim
        width = (num_experts + num_shared_experts) * moe_hidden_dim
        experts = dim * num_experts + 3 * dim * width
        return [each + (3 * dim * dense_hidden_dim if i < n_dense_layers else experts)
                for i in range(n_layers)]  # fmt: skip

    def oss(*, dim: int, n_layers: int, hidden_dim: int, num_experts: int, top_k: int, rope: Any,
            load_balance_coeff: float, attn_backend: str, moe_comm_backend: str) -> Any:  # fmt: skip
        heads, kv, head = 64, 8, 64
        assert rope.dim == head and top_k <= num_experts
        attention = linear(dim, (heads + 2 * kv) * head, True) + linear(heads * head, dim, True)
        expert = linear(dim, 2 * hidden_dim, True) + linear(hidden_dim, dim, True)
        each = attention + heads + 2 * dim + num_experts * expert + linear(dim, num_experts, True)
        return [each] * n_layers

    def model(**k: Any) -> int:
        assert k["tok_embeddings"].num_embeddings == k["vocab_size"] == k["lm_head"].out_features
        head = 0 if k["enable_weight_tying"] else k["lm_head"].size
        return int(k["tok_embeddings"].size + head + k["norm"].size + sum(k["layers"]))

    configs: dict[str, Any] = {}

    def registry(flavor: str) -> Any:
        """The arguments that each family's registry passes to its flavours."""
        if "deepseek_v3" in text:
            return configs[flavor](attn_backend="flex", moe_comm_backend="standard",
                                   non_blocking_capacity_factor=None, num_mtp_layers=0)  # fmt: skip
        if "gpt_oss" in text:
            return configs[flavor](moe_comm_backend="standard", attn_backend="varlen")
        return configs[flavor](attn_backend="flex")

    def usual() -> Any:
        return SimpleNamespace(loss=SimpleNamespace(loss_fn=SimpleNamespace()))

    names = {
        "Embedding": part(lambda k: k["num_embeddings"] * k["embedding_dim"]),
        "Linear": part(lambda k: k["in_features"] * k["out_features"]),
        "RMSNorm": part(lambda k: k["normalized_shape"]),
        "ComplexRoPE": part(lambda k: 0), "CosSinRoPE": part(lambda k: 0),
        "_EMBEDDING_INIT": None, "_EMBEDDING_SKIP_INIT": None, "_NORM_INIT": None,
        "_LINEAR_INIT": None, "_output_linear_init": lambda dim: None,
        "_qwen3_norm": lambda dim: SimpleNamespace(size=dim),
        "_build_llama3_layers": dense(0), "_build_qwen3_layers": dense(2),
        "_build_qwen3_moe_layers": moe, "_build_dsv3_layers": latent, "_build_gptoss_layers": oss,
        "Llama3Model": SimpleNamespace(Config=model), "Qwen3Model": SimpleNamespace(Config=model),
        "DeepSeekV3Model": SimpleNamespace(Config=model),
        "GptOssModel": SimpleNamespace(Config=model),
        "llama3_configs": configs, "qwen3_configs": configs, "deepseekv3_configs": configs,
        "gptoss_configs": configs, "model_registry": registry, "llama3_8b": usual,
        "qwen3_1_7b": usual, "qwen3_30b_a3b": usual, "deepseek_v3_16b": usual,
        "gpt_oss_20b": usual, "Trainer": SimpleNamespace(Config=None),
    }  # fmt: skip
    imports = re.compile(r"^from torchtitan\S* import (\(\n(?:    .*\n)*\)|.*)\n", re.MULTILINE)
    wanted = {w for found in imports.findall(text) for w in re.findall(r"\w+", found)}
    assert wanted <= set(names)
    space = {k: v for k, v in names.items() if k in wanted}
    exec(compile(imports.sub("", text), "design.py", "exec"), space)
    config = space["design"]()
    assert config.loss.loss_fn.global_vocab_size == space["VOCAB_SIZE"]
    return int(config.model_spec)


def read_nanogpt(text: str) -> int:
    of_train = {"n_layer": 12, "n_head": 12, "n_embd": 768, "block_size": 1024, "bias": False}
    g: dict[str, Any] = dict(of_train)
    exec(text, g)  # as configurator.py does
    assert set(g) - set(of_train) == {"__builtins__"}  # it sets nothing that train.py has not
    meta = re.search(r'pickle\.dump\(\{"vocab_size": (\d+)\}', text)
    rows, d, bias = int(meta[1]) if meta else 50304, g["n_embd"], g["bias"]
    assert d % g["n_head"] == 0 and rows <= 65536
    norm = d * (1 + bias)
    layer = [norm, linear(d, 3 * d, bias), linear(d, d, bias),
             norm, linear(d, 4 * d, bias), linear(4 * d, d, bias)]  # fmt: skip
    return rows * d + g["block_size"] * d + g["n_layer"] * sum(layer) + norm


def read_litgpt(text: str) -> int:
    """YAML as far as the file uses it, then GPT of litgpt/model.py."""
    c: dict[str, Any] = {
        "padding_multiple": 512, "norm_class_name": "LayerNorm", "norm_qk": False,
        "norm_qk_type": "default", "post_attention_norm": False, "post_mlp_norm": False,
        "attn_bias": False, "bias": True, "mlp_class_name": "GptNeoxMLP", "norm_1": True,
        "norm_2": True, "lm_head_bias": False, "tie_embeddings": False,
        "shared_attention_norm": False, "parallel_residual": True,
    }  # fmt: skip
    places: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        if entry := re.fullmatch(r" +- (\d+)", line):
            c[places[-1]] = [*(c.get(places[-1]) or []), int(entry[1])]
            continue
        indent, key, value = re.fullmatch(r"( *)([a-z_0-9]+):(?: (\S+))?", line).groups()  # type: ignore[union-attr]
        places = [*places[: len(indent) // 2], key]
        assert places[0] in ("model_name", "model_config", "train", "optimizer")
        if value is not None:
            try:
                c[key] = json.loads(value)
            except json.JSONDecodeError:
                c[key] = value
    d, hs, h, g, ff = (c[k] for k in ("n_embd", "head_size", "n_head", "n_query_groups", "intermediate_size"))  # fmt: skip
    rows = c.get("padded_vocab_size")
    if rows is None:
        rows = math.ceil(c["vocab_size"] / c["padding_multiple"]) * c["padding_multiple"]
    per = 1 if c["norm_class_name"] == "RMSNorm" else 2
    qk = 0
    if c["norm_qk"]:
        qk = per * (h * hs + g * hs if c["norm_qk_type"] == "olmo2" else hs + hs)
    gated = c["mlp_class_name"] in ("LLaMAMLP", "GemmaMLP", "LLaMAMoE")
    if c["shared_attention_norm"]:
        assert c["parallel_residual"]
    norms = sum(c[k] for k in ("norm_1", "norm_2", "post_attention_norm", "post_mlp_norm"))
    attention = [
        linear(d, (h + 2 * g) * hs, c["bias"] or c["attn_bias"]),
        linear(hs * h, d, c["bias"]),
        qk,
    ]
    if "kv_lora_rank" in c:
        assert h == g and c["q_lora_rank"]
        q, kv, rope = c["q_lora_rank"], c["kv_lora_rank"], c["qk_rope_head_dim"]
        attention = [
            linear(d, q, c["attn_bias"]) + q + linear(q, h * hs, c["bias"]),
            linear(d, kv + rope, c["attn_bias"]) + kv,
            linear(kv, h * (c["qk_nope_head_dim"] + c["v_head_dim"]), c["bias"]),
            linear(h * c["v_head_dim"], d, c["bias"]),
        ]
        assert hs == rope + c["qk_nope_head_dim"]

    def mlp(width: int) -> int:
        return (1 + gated) * linear(d, width, c["bias"]) + linear(width, d, c["bias"])

    feed = [mlp(ff)] * c["n_layer"]
    if c["mlp_class_name"] == "LLaMAMoE":
        groups = c.get("n_expert_groups")
        assert groups is None or (groups > 1 and c["n_expert"] % groups == 0)
        mixture = d * c["n_expert"] + c["n_expert"] * mlp(c["moe_intermediate_size"])
        mixture += mlp(c["moe_intermediate_size"] * c["n_shared_expert"]) if c.get("n_shared_expert") else 0  # fmt: skip
        feed = [mixture if i >= c.get("first_k_dense_replace", 0) else mlp(ff) for i in range(c["n_layer"])]  # fmt: skip
    if "sliding_window_indices" in c:
        assert len(c["sliding_window_indices"]) == c["n_layer"]
    layer = sum(attention) + (norms - c["shared_attention_norm"]) * per * d
    head = 0 if c["tie_embeddings"] else rows * d
    head += rows * c["lm_head_bias"]
    return rows * d + head + c["n_layer"] * layer + sum(feed) + per * d


READERS = {"hf": read_hf, "megatron": read_megatron, "torchtitan": read_torchtitan,
           "nanogpt": read_nanogpt, "litgpt": read_litgpt}  # fmt: skip
