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


def count_megatron_words(words: list[str], tokens: int) -> int:
    """GPTModel's parameters, for a tokenizer of so many tokens."""
    bare = {"--group-query-attention", "--untie-embeddings-and-output-weights", "--swiglu",
            "--disable-bias-linear", "--add-qkv-bias", "--qk-layernorm"}  # fmt: skip
    a: dict[str, Any] = {
        "--normalization": "LayerNorm", "--position-embedding-type": "learned_absolute",
        "--make-vocab-size-divisible-by": 128, "--num-query-groups": 1,
        "--tensor-model-parallel-size": 1,
    }  # fmt: skip
    rest = iter(words)
    for word in rest:
        assert word.startswith("--")
        a[word] = True if word in bare else next(rest)
    d, ff, heads = (int(a[f"--{k}"]) for k in ("hidden-size", "ffn-hidden-size", "num-attention-heads"))  # fmt: skip
    groups = int(a["--num-query-groups"]) if "--group-query-attention" in a else heads
    channels = int(a["--kv-channels"])
    bias = "--disable-bias-linear" not in a
    per = 2 if a["--normalization"] == "LayerNorm" else 1
    layer = [
        per * d,
        linear(d, heads * channels, bias or "--add-qkv-bias" in a),
        2 * linear(d, groups * channels, bias or "--add-qkv-bias" in a),
        2 * per * channels * ("--qk-layernorm" in a),
        linear(heads * channels, d, bias),
        per * d,
        linear(d, ff * (2 if "--swiglu" in a else 1), bias),
        linear(ff, d, bias),
    ]
    multiple = int(a["--make-vocab-size-divisible-by"]) * int(a["--tensor-model-parallel-size"])
    rows = math.ceil(tokens / multiple) * multiple
    learned = a["--position-embedding-type"] == "learned_absolute"
    outside = [
        rows * d,
        rows * d * ("--untie-embeddings-and-output-weights" in a),
        int(a["--max-position-embeddings"]) * d if learned else 0,
        per * d,
    ]
    return int(a["--num-layers"]) * sum(layer) + sum(outside)


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

    def layers(norms: int) -> Any:
        def build(*, n_layers: int, dim: int, n_heads: int, n_kv_heads: int, hidden_dim: int,
                  rope: Any, head_dim: int | None = None, **_: Any) -> Any:  # fmt: skip
            head = dim // n_heads if head_dim is None else head_dim
            assert rope.dim == head
            wide, narrow = n_heads * head, n_kv_heads * head
            each = [dim * wide, 2 * dim * narrow, wide * dim, norms * head, 3 * dim * hidden_dim, 2 * dim]  # fmt: skip
            return [sum(each)] * n_layers

        return build

    def model(**k: Any) -> int:
        assert k["tok_embeddings"].num_embeddings == k["vocab_size"] == k["lm_head"].out_features
        head = 0 if k["enable_weight_tying"] else k["lm_head"].size
        return int(k["tok_embeddings"].size + head + k["norm"].size + sum(k["layers"]))

    configs: dict[str, Any] = {}

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
        "_build_llama3_layers": layers(0), "_build_qwen3_layers": layers(2),
        "Llama3Model": SimpleNamespace(Config=model), "Qwen3Model": SimpleNamespace(Config=model),
        "llama3_configs": configs, "qwen3_configs": configs,
        "model_registry": lambda flavor: configs[flavor](attn_backend="flex"),
        "llama3_8b": usual, "qwen3_1_7b": usual, "Trainer": SimpleNamespace(Config=None),
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
    }  # fmt: skip
    section = None
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        indent, key, value = re.fullmatch(r"( *)([a-z_0-9]+):(?: (\S+))?", line).groups()  # type: ignore[union-attr]
        if value is None:
            section = key
        else:
            place = {"": "model_name", "  ": section}[indent]
            assert place in ("model_name", "model_config", "train")
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
    gated = c["mlp_class_name"] in ("LLaMAMLP", "GemmaMLP")
    layer = [
        sum(c[k] for k in ("norm_1", "norm_2", "post_attention_norm", "post_mlp_norm")) * per * d,
        linear(d, (h + 2 * g) * hs, c["bias"] or c["attn_bias"]),
        linear(hs * h, d, c["bias"]),
        qk,
        (1 + gated) * linear(d, ff, c["bias"]),
        linear(ff, d, c["bias"]),
    ]
    head = 0 if c["tie_embeddings"] else rows * d
    return rows * d + head + c["n_layer"] * sum(layer) + per * d


READERS = {"hf": read_hf, "megatron": read_megatron, "torchtitan": read_torchtitan,
           "nanogpt": read_nanogpt, "litgpt": read_litgpt}  # fmt: skip
