"""Configurations and answers that an architecture is read from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.support.hostile.case import DIGITS, FOLDER, Case, nested
from tests.support.hostile.files import broken_files

CONFIGS: dict[str, dict[str, Any]] = {
    "llama": {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4,
              "intermediate_size": 512, "vocab_size": 1000, "num_key_value_heads": 2,
              "head_dim": 64},
    "gpt2": {"n_embd": 256, "n_layer": 4, "n_head": 4, "n_positions": 128, "vocab_size": 1000},
    "mixtral": {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4,
                "intermediate_size": 512, "vocab_size": 1000, "num_local_experts": 4,
                "num_experts_per_tok": 2, "num_key_value_heads": 2},
    "gemma3_text": {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4,
                    "intermediate_size": 512, "vocab_size": 1000, "sliding_window": 64,
                    "sliding_window_pattern": 2},
    "deepseek_v3": {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4,
                    "intermediate_size": 512, "moe_intermediate_size": 64, "kv_lora_rank": 32,
                    "q_lora_rank": 64, "n_routed_experts": 8, "first_k_dense_replace": 1,
                    "vocab_size": 1000},
    "qwen2_moe": {"hidden_size": 256, "num_hidden_layers": 4, "num_experts": 8,
                  "decoder_sparse_step": 1, "moe_intermediate_size": 64, "vocab_size": 1000},
    "falcon": {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4,
               "vocab_size": 1000, "ffn_hidden_size": 512},
    "opt": {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4,
            "max_position_embeddings": 128, "vocab_size": 1000},
}  # fmt: skip
SIZES = ("-4", "0", "-0.0", "1.5", '"4"', '"four"', "true", "[4]", "{}", "NaN", "Infinity",
         "-Infinity", "1e400", "1e30", "1" + "0" * 30, "9" * DIGITS, "1e-400", '""')  # fmt: skip
_MAY_BE_NONE = ("q_lora_rank", "sliding_window", "first_k_dense_replace", "num_experts",
                "num_key_value_heads", "head_dim", "ffn_hidden_size")  # fmt: skip
LISTS = {
    "llama": ("layer_types",),
    "qwen2_moe": ("mlp_only_layers",),
    "gemma3_text": ("layer_types",),
}
CONFIG = f"{FOLDER}/config.json"


def _config(kind: str, changes: dict[str, str]) -> bytes:
    """A config.json with values of fields as JSON text."""
    raw = {"model_type": json.dumps(kind)} | {k: json.dumps(v) for k, v in CONFIGS[kind].items()}
    fields = ", ".join(f"{json.dumps(k)}: {v}" for k, v in (raw | changes).items())
    return f"{{{fields}}}".encode()


def sizes_in_configs() -> Iterator[Case]:
    """Sizes of every kind in a config.json."""
    commands = ("describe", "memory", "export", "allocate")
    count = 0
    for kind, content in CONFIGS.items():
        for name in content:
            for value in SIZES:
                if value in ("0", "-0.0", "1e-400") and name in _MAY_BE_NONE:
                    continue
                count += 1
                shown = value if len(value) < 20 else f"{value[:12]}..."
                yield Case("size in a config", f"{kind}.{name} = {shown}",
                           (commands[count % 4], CONFIG),
                           {"config.json": _config(kind, {name: value})}, words=(name,))  # fmt: skip
            words = () if name in _MAY_BE_NONE else (name, "null")
            yield Case("null in a config", f"{kind}.{name} = null", ("describe", CONFIG),
                       {"config.json": _config(kind, {name: "null"})}, status=None,
                       words=words)  # fmt: skip
    for kind, names in LISTS.items():
        for name in names:
            for value in (
                "5",
                '"x"',
                "true",
                "[[1]]",
                "[{}]",
                "{}",
                "[null]",
                '["a", "b"]',
                "[1e400]",
            ):
                yield Case("list in a config", f"{kind}.{name} = {value}", ("describe", CONFIG),
                           {"config.json": _config(kind, {name: value})}, words=(name,))  # fmt: skip
    for name in ("tie_word_embeddings", "attention_bias", "mlp_bias"):
        for value in ("1", "0", '"true"', "[]", "{}", "NaN"):
            yield Case("boolean in a config", f"llama.{name} = {value}", ("describe", CONFIG),
                       {"config.json": _config("llama", {name: value})}, words=(name,))  # fmt: skip
    for value in ("5", "null", "[]", "{}", '""', '"\\u0000"', '"__class__"', '"LLAMA"', "true",
                  '"' + "x" * 100_000 + '"', "NaN", "1e400"):  # fmt: skip
        yield Case("model_type", f"model_type = {value[:20]}", ("describe", CONFIG),
                   {"config.json": _config("llama", {"model_type": value})},
                   words=("model_type",))  # fmt: skip


def whole_configs() -> Iterator[Case]:
    """Files that are no config.json."""
    whole = _config("llama", {}).decode()
    for what, content in broken_files(".json", whole):
        yield Case("file", f"config: {what}", ("describe", CONFIG), {"config.json": content})
        if len(content) < 10**6:
            yield Case("standard input", f"config: {what}", ("describe", "-"), stdin=content)
    longer = {
        "key twice": '{"hidden_size": 256, ' + whole[1:],
        "same key twice": '{"hidden_size": 256, "hidden_size": 256, ' + whole[1:],
        "nested key twice": '{"rope_scaling": {"factor": 1, "factor": 2}, ' + whole[1:],
        "list": "[]", "text": '"x"', "number": "5", "null": "null", "true": "true",
        "nan": "NaN", "object": "{}", "empty keys": '{"": 1}', "list of configs": f"[{whole}]",
        "deep field": f'{{"x": {nested(5000)}, ' + whole[1:],
        "deep field of an object": '{"rope_scaling": ' + '{"a":' * 5000 + "1" + "}" * 5000 + ", " + whole[1:],
        "huge integer in a field without effect": f'{{"bos_token_id": {"9" * DIGITS}, ' + whole[1:],
        "trailing comma": whole[:-1] + ",}", "comment": "// x\n" + whole,
        "single quotes": whole.replace('"', "'"), "two objects": whole + whole,
        "unknown field that may be a size": '{"num_widgets": 5, ' + whole[1:],
    }  # fmt: skip
    for what, text in longer.items():
        yield Case("file", f"config: {what}", ("describe", CONFIG), {"config.json": text.encode()})
    for what, content in {
        "byte order mark": b"\xef\xbb\xbf" + whole.encode(),
        "CRLF": json.dumps(json.loads(whole), indent=1).replace("\n", "\r\n").encode(),
    }.items():
        yield Case("accepted file", f"config: {what}", ("describe", CONFIG),
                   {"config.json": content}, status=0)  # fmt: skip


_ANSWER: dict[str, Any] = {
    "layers": 4, "d_model": 256, "heads": 4, "kv_heads": 2, "head_dim": 64, "d_ff": 512,
    "vocab_size": 1000, "tied_embeddings": False, "block": "llama",
}  # fmt: skip


def answers() -> Iterator[Case]:
    """Answers with another content than modelsizer writes."""
    for name in _ANSWER:
        values = (
            SIZES if name not in ("tied_embeddings", "block") else ("5", '"x"', "[]", "{}", "1e400")
        )
        for value in (*values, "null"):
            fields = {k: json.dumps(v) for k, v in _ANSWER.items()} | {name: value}
            text = ", ".join(f'"{k}": {v}' for k, v in fields.items())
            shown = value if len(value) < 20 else f"{value[:12]}..."
            yield Case("answer", f"architecture.{name} = {shown}", ("describe", CONFIG),
                       {"config.json": f'{{"architecture": {{{text}}}}}'.encode()},
                       words=(name,))  # fmt: skip
        fields = {k: json.dumps(v) for k, v in _ANSWER.items() if k != name}
        text = ", ".join(f'"{k}": {v}' for k, v in fields.items())
        yield Case("answer", f"architecture without {name}", ("describe", "-"),
                   stdin=f'{{"architecture": {{{text}}}}}'.encode(), words=(name,))  # fmt: skip
    for value in ("null", "5", "[]", '"x"', "{}", "true", "NaN"):
        yield Case("answer", f"architecture = {value}", ("memory", CONFIG),
                   {"config.json": f'{{"architecture": {value}}}'.encode()},
                   words=("architecture",))  # fmt: skip
    for value in ("5", "null", "{}", "[5]", "[null]", "[{}]", '[{"count": 1}]', '"x"', "[[1]]",
                  '[{"count": 1e400, "attention": {}}]'):  # fmt: skip
        fields = {k: json.dumps(v) for k, v in (_ANSWER | {"block": "gemma3-local"}).items()}
        text = ", ".join(f'"{k}": {v}' for k, v in (fields | {"groups": value}).items())
        yield Case("answer", f"architecture.groups = {value}", ("describe", CONFIG),
                   {"config.json": f'{{"architecture": {{{text}}}}}'.encode()},
                   words=("architecture",))  # fmt: skip
