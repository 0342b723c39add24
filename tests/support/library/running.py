"""Run tiny models of the library: whether they run, their cache, and their FLOPs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.support.library.counting import library_config, library_model

LONG = 10**7  # tokens, beyond any window


def _forward(model: Any, batch: int, sequence: int, **settings: Any) -> Any:
    import torch

    vocabulary = model.get_input_embeddings().weight.shape[0]
    tokens = torch.arange(batch * sequence).reshape(batch, sequence) % min(vocabulary, 100) + 1
    with torch.no_grad():
        return model.eval()(input_ids=tokens, **settings)


def runs(config: Mapping[str, Any]) -> None:
    """Run a tiny model on a few tokens; raises what the library raises."""
    _forward(library_model(config, "cpu"), 1, 5, use_cache=False)


def forward_flops(config: Mapping[str, Any], batch: int = 2, sequence: int = 24) -> int:
    """FLOPs of a forward pass as `torch.utils.flop_counter` counts them, with eager attention."""
    from torch.utils.flop_counter import FlopCounterMode

    model = library_model(
        config, "cpu", attn_implementation="eager", experts_implementation="eager"
    )
    if type(model).__name__.endswith("TextModel"):
        raise NotImplementedError("no causal language model")
    with FlopCounterMode(display=False) as counter:
        _forward(model, batch, sequence, use_cache=False)
    return int(counter.get_total_flops())


def cache_layers(config: Mapping[str, Any]) -> Counter[int]:
    """Layers of the library's cache by how many of many tokens they hold; 0 for none."""
    from transformers import DynamicCache

    found: Counter[int] = Counter()
    for layer in DynamicCache(config=library_config(config)).layers:
        name = type(layer).__name__
        window = getattr(layer, "sliding_window", None)
        if "Dummy" in name or name == "LinearAttentionLayer":
            found[0] += 1
        else:
            found[LONG if window is None else window] += 1
    return found


def cached_values(config: Mapping[str, Any], sequence: int = 24) -> tuple[int, int]:
    """Values a token, and values whatever the length, that the library's cache holds."""
    model = library_model(config, "cpu")
    cache = getattr(_forward(model, 1, sequence, use_cache=True), "cache", None)
    values = states = 0
    for layer in getattr(cache, "layers", ()):
        for name in ("keys", "values"):
            found = getattr(layer, name, None)
            values += found.numel() // found.shape[-2] if found is not None else 0
        for name in ("conv_states", "recurrent_states"):
            states += sum(t.numel() for t in getattr(layer, name, {}).values() if t is not None)
    states += sum(t.numel() for t in getattr(cache, "linear_cache", []) if len(t))
    for module in model.modules():  # RecurrentGemma keeps them in its modules
        for name in ("conv1d_state", "recurrent_states"):
            held = getattr(module, name, None)
            states += held.numel() if held is not None else 0
    return values, states
