"""Program: count the parameters of a configuration by the classes of transformers.

Reads the configuration from standard input and prints ``{"total", "active", "class", "version"}``,
or ``{"error"}``. The model is built on the meta device: it holds no values. No code of a model is
run or fetched, only classes of the library are used. It imports nothing of modelsizer.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import torch
import transformers

_LEFT_OUT = ("quantization_config", "auto_map", "torch_dtype", "dtype", "_attn_implementation")
"""Fields that change no parameter of the classes, or ask for packages or code."""
_AUTO = (
    "AutoModelForCausalLM",
    "AutoModelForImageTextToText",
    "AutoModelForSeq2SeqLM",
    "AutoModel",
)
_ROUTED = ("num_experts_per_tok", "num_experts_per_token", "experts_per_token", "moe_topk", "moe_k",
           "num_selected_experts", "top_k_experts", "moe_top_k", "n_activated_experts")  # fmt: skip
_EXPERTS = "experts"


def main() -> None:
    """Count what standard input describes."""
    config = json.load(sys.stdin)
    transformers.logging.set_verbosity_error()
    try:
        answer = count(config)
    except Exception as error:  # of a configuration that the library does not accept either
        answer = {"error": f"{type(error).__name__}: {' '.join(str(error).split())}"}
    print(json.dumps(answer | {"version": transformers.__version__}))


def count(config: dict[str, Any]) -> dict[str, Any]:
    """Parameters of a configuration, tied ones once."""
    kind = config.get("model_type")
    if kind not in transformers.CONFIG_MAPPING:
        return {"error": f"it has no model_type {kind!r} either"}
    fields = {key: value for key, value in config.items() if key not in _LEFT_OUT}
    built = transformers.CONFIG_MAPPING[kind].from_dict(fields)
    model = _model(built, config.get("architectures") or [])
    model.tie_weights()
    held = {id(part): part.numel() for part in model.parameters()}
    total = sum(held.values())
    return {"total": total, "active": _active(model, built, total), "class": type(model).__name__}


def _model(built: Any, names: list[str]) -> Any:
    """The model of the class that the configuration names, or of the first that accepts it."""
    with torch.device("meta"):
        for name in names:
            found = getattr(transformers, name, None)
            if isinstance(found, type) and issubclass(found, transformers.PreTrainedModel):
                return found(built)
        for name in _AUTO:
            auto = getattr(transformers, name)
            if type(built) in auto._model_mapping:
                return auto.from_config(built, trust_remote_code=False)
    raise ValueError(f"it has no class of a model for {type(built).__name__}")


def _active(model: Any, built: Any, total: int) -> int | None:
    """Total without idle experts, or None where experts are not recognised for certain."""
    text = built.get_text_config()
    fields = {key: _number(value) for key, value in text.to_dict().items()}
    sizes = {value for key, value in fields.items() if value and "expert" in key}
    lists = [
        module for name, module in model.named_modules() if name.rpartition(".")[2] == _EXPERTS
    ]
    if not lists:
        return None if sizes - {1} else total
    routed = {value for name in _ROUTED if (value := fields.get(name))}
    if len(routed) != 1 or fields.get("zero_expert_num"):
        return None
    (active,) = routed
    idle = 0
    for module in lists:
        one = len(module) if isinstance(module, torch.nn.ModuleList) else None
        for part in module.parameters():
            experts = one or part.shape[0]
            if experts not in sizes or active > experts or part.numel() % experts:
                return None
            idle += part.numel() // experts * (experts - active)
    return total - idle


def _number(value: Any) -> int | None:
    """A whole number, or the one of a list in which all are the same."""
    if isinstance(value, list) and len({*map(str, value)}) == 1:
        value = value[0]
    return value if isinstance(value, int) and value > 0 and not isinstance(value, bool) else None


if __name__ == "__main__":
    main()
