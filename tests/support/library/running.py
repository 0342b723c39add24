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


def cached_values(config: Mapping[str, Any], sequence: int = 24) -> list[tuple[int, int]]:
    """Values a token, and values whatever the length, that each layer's cache holds."""
    from transformers import DynamicCache

    model = library_model(config, "cpu")
    cache = DynamicCache(config=model.config)
    _forward(model, 1, sequence, past_key_values=cache, use_cache=True)
    found = []
    for layer in cache.layers:
        kept = [getattr(layer, name, None) for name in ("keys", "values")]
        held = sum(t.numel() // t.shape[-2] for t in kept if t is not None and t.numel())
        states = 0
        for name in ("conv_states", "recurrent_states"):
            state = getattr(layer, name, None)
            parts = state if isinstance(state, list | tuple) else (state,)
            states += sum(t.numel() for t in parts if t is not None and hasattr(t, "numel"))
        found.append((held, states))
    return found
