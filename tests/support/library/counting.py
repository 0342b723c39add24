"""Build the library's model of a configuration on the meta device, and sort its parameters."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tests.support.library.hints import LIBRARY_NAMES

COMPONENTS = ("embedding", "lm_head", "attention", "ffn", "norm", "experts", "other")


@dataclass(frozen=True, slots=True)
class Counted:
    """Parameters of a model of the library by component, tied ones once.

    `experts` is a part of `ffn`, as in `Parameters`; `active` is None where the experts of a token
    cannot be told.
    """

    embedding: int = 0
    lm_head: int = 0
    attention: int = 0
    ffn: int = 0
    norm: int = 0
    experts: int = 0
    other: int = 0
    active: int | None = None

    @property
    def total(self) -> int:
        """All parameters."""
        return self.embedding + self.lm_head + self.attention + self.ffn + self.norm + self.other

    def to_dict(self) -> dict[str, int]:
        """Total, active and every component that is not 0."""
        found = {"total": self.total} | asdict(self)
        return {name: count for name, count in found.items() if count}


def library_config(config: Mapping[str, Any]) -> Any:
    """The library's configuration object of a ``config.json``; that of the text of a wrapper."""
    import transformers

    transformers.logging.set_verbosity_error()
    fields = {k: v for k, v in config.items() if k != "model_type"}
    kind = config["model_type"]
    built = transformers.CONFIG_MAPPING[LIBRARY_NAMES.get(kind, kind)](**fields)
    return built.get_text_config(decoder=True)


def library_model(config: Mapping[str, Any], device: str = "meta", **settings: Any) -> Any:
    """The library's model of a configuration.

    It is the causal language model of the type, that of the text part of a wrapper, or the class
    that `architectures` names.

    Parameters
    ----------
    config : mapping
        As in ``config.json``.
    device : str
        "meta" holds no weights.
    **settings
        Such as ``attn_implementation``.
    """
    import torch
    import transformers

    built = library_config(config)
    for name, value in settings.items():
        setattr(built, f"_{name}", value)
    named = (config.get("architectures") or [""])[0]
    cls = getattr(transformers, named, None) if "ForCausalLM" not in named else None
    if cls is None or "ForConditionalGeneration" in named:
        cls = _causal_class(built)
    if cls is _with_head:  # the whole model decides, and is untied unless it says otherwise
        built.tie_word_embeddings = bool(config.get("tie_word_embeddings"))
    with torch.device(device):
        model = cls(built)
    model.tie_weights()
    return model


def _causal_class(built: Any) -> Any:
    """The causal language model of a configuration, also where no automatic class knows it."""
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    stem = type(built).__name__.removesuffix("Config").removesuffix("Text")
    named = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(built.model_type, f"{stem}ForCausalLM")
    if hasattr(transformers, named):
        return getattr(transformers, named)
    module = type(built).__module__.replace("configuration_", "modeling_")
    return getattr(importlib.import_module(module), named, _with_head)


def _with_head(built: Any) -> Any:
    """The text model of a type that has no causal language model of its own, and a head."""
    import torch
    import transformers

    try:
        model = transformers.AutoModel.from_config(built)
    except ValueError:  # no automatic class knows it
        module = type(built).__module__.replace("configuration_", "modeling_")
        known = vars(importlib.import_module(module)).values()
        mine = [c for c in known if isinstance(c, type) and c.__name__.endswith("TextModel")
                and getattr(c, "config_class", None) is type(built)]  # fmt: skip
        model = mine[0](built)
    if not built.tie_word_embeddings:
        model.lm_head = torch.nn.Linear(built.hidden_size, built.vocab_size, bias=False)
    return model


_FFN_CLASS = re.compile(r"mlp|moe|expert|feedforward|ffn|router|topkgate", re.IGNORECASE)
_MIXER_CLASS = re.compile(r"attention|attn|mamba|mixer|conv|deltanet|ssm|recurrent", re.IGNORECASE)
_FFN_NAME = re.compile(
    r"^(mlp\w*|\w*ffn\w*|\w*feed_forward\w*|\w*moe\w*|fc[12]|shared_mlp|shared_expert\w*|experts)$"
)
_MIXER_NAME = re.compile(
    r"^(\w*attn\w*|\w*attention\w*|mamba\w*|mixer|conv|linear_attn|temporal_block|[qkvo]_proj)$"
)
_EMBEDDING = re.compile(r"(^|\.)(\w*embed\w*|wte|wpe|embedding\w*)$")
_EXPERTS = re.compile(r"(^|\.)experts(\.|$)")

RULES: dict[str, tuple[tuple[str, str], ...]] = {
    "ctrl": ((r"transformer\.w\.", "embedding"),),
    "xlstm": ((r"mlstm_layer\.(?!multihead_norm)", "attention"),),
    "zamba": ((r"feed_forward\.", "ffn"),),
    "zamba2": ((r"adapter", "other"), (r"feed_forward\.", "ffn")),
    "zaya": ((r"residual_scale", "other"),),
    "opt": ((r"project_(in|out)", "other"),),
    "gemma3n_text": (
        (r"per_layer_(input_gate|projection|model_projection)\.weight|altup|laurel", "other"),
        (r"per_layer_projection_norm", "other"),
    ),
    "deepseek_v4": ((r"_hc\.", "other"),),
    "jetmoe": ((r"\.mlp\.(input|output)_linear\.", "experts"),),
    "gemma4_text": (
        (r"per_layer_(input_gate|projection|model_projection)\.weight|router\.scale", "other"),
        (r"per_layer_projection_norm", "other"),
    ),
}
"""Exceptions of a type: patterns of parameters' names, and their component.

A parameter of `experts` is one of `ffn` too.
"""


def _inside_layer(name: str) -> list[str]:
    """Names of the modules of a parameter below its layer; empty outside the layers."""
    parts = name.split(".")
    numbers = [i for i, part in enumerate(parts) if part.isdigit()]
    return parts[numbers[0] + 1 : -1] if numbers else []


def _component(name: str, model: Any, prefix: str, rules: tuple[tuple[str, str], ...]) -> str:
    """Component of one parameter."""
    for pattern, component in rules:
        if re.search(pattern, name):
            return component
    owner_name, _, own = name.rpartition(".")
    owner = type(model.get_submodule(owner_name)).__name__
    if re.search(r"norm", owner, re.IGNORECASE) and own in ("weight", "bias", "scale", "gamma"):
        return "norm"
    inside = _inside_layer(name)
    if not inside:
        if name.startswith("lm_head.") or (prefix and not name.startswith(prefix + ".")):
            return "lm_head"
        return "embedding" if _EMBEDDING.search(owner_name) else "other"
    path = name.split(".")
    start = len(path) - len(inside) - 1
    for depth, part in enumerate(inside):
        kind = type(model.get_submodule(".".join(path[: start + depth + 1]))).__name__
        for found, by_name, by_class in (
            ("ffn", _FFN_NAME, _FFN_CLASS),
            ("attention", _MIXER_NAME, _MIXER_CLASS),
        ):
            if by_name.match(part) or (part == "mixer" and by_class.search(kind)):
                return found
        if _FFN_CLASS.search(kind):
            return "ffn"
        if _MIXER_CLASS.search(kind):
            return "attention"
    return "other"


def _sorted(model: Any, kind: str) -> Iterator[tuple[str, str, int]]:
    """Name, component and size of every parameter, tied ones once."""
    table = model.get_input_embeddings().weight
    holder = next(name for name, parameter in model.named_parameters() if parameter is table)
    parts = holder.split(".")
    prefix = parts[0] if len(parts) > 2 else ""  # of the model without its head
    rules = RULES.get(LIBRARY_NAMES.get(kind, kind), ())
    for name, parameter in model.named_parameters():
        yield name, _component(name, model, prefix, rules), parameter.numel()


_MANY = ("num_experts", "moe_num_experts", "num_local_experts")
_TOP_K = ("top_k", "topk", "num_experts_per_tok", "num_experts_per_token", "moe_k", "moe_topk", "moe_top_k",
          "top_k_experts")  # fmt: skip


def _active_share(model: Any, name: str, config: Any) -> tuple[int, int] | None:
    """Experts of a token and experts in all, of the routed experts that a parameter belongs to."""
    before, _, after = name.rpartition("experts.")
    if not before:
        before, after = name.rsplit(".", 2)[0] + ".", ""
    experts = model.get_submodule(before + "experts" if after else before.rstrip("."))
    parameter = model.get_parameter(name)
    many = len(experts) if after[:1].isdigit() else parameter.shape[0]
    if parameter.ndim == 2 and not after[:1].isdigit():  # the experts' matrices, one below another
        many = next(v for v in (getattr(m, n, 0) for m in experts.modules() for n in _MANY) if v)
    owners = [model.get_submodule(before.rstrip(".")), experts, config]
    owners[1:1] = [child for _, child in owners[0].named_children()]
    for owner in owners:
        for field in _TOP_K:
            top = getattr(owner, field, None)
            if isinstance(top, int):
                return top, many
    return None


def count(model: Any, kind: str) -> Counted:
    """Count the parameters of a model of the library by component."""
    found = dict.fromkeys(COMPONENTS, 0)
    idle: int | None = 0
    for name, component, size in _sorted(model, kind):
        routed = component == "experts" or (component == "ffn" and _EXPERTS.search(name))
        found["ffn" if component == "experts" else component] += size
        if routed:
            found["experts"] += size
            share = _active_share(model, name, model.config)
            if share is None or idle is None:
                idle = None
            else:
                idle += size * (share[1] - min(share)) // share[1]
    counted = Counted(**found)
    return Counted(**found, active=None if idle is None else counted.total - idle)


def count_config(config: Mapping[str, Any]) -> Counted:
    """Count the library's model of a configuration."""
    return count(library_model(config), str(config["model_type"]))


def parameter_names(config: Mapping[str, Any]) -> dict[tuple[str, str, tuple[int, ...]], int]:
    """Component, name with N for numbers, and shape of the parameters, with how many are alike."""
    model = library_model(config)
    found: dict[tuple[str, str, tuple[int, ...]], int] = {}
    for name, component, _ in _sorted(model, str(config["model_type"])):
        key = (component, re.sub(r"\d+", "N", name), tuple(model.get_parameter(name).shape))
        found[key] = found.get(key, 0) + 1
    return found
