"""Hugging Face ``config.json`` to an architecture, one reader for each family.

Every default is that of transformers 5.23 (``configuration_*.py``); every count was held against
the parameters that its ``modeling_*.py`` makes on the meta device. Buffers and multi-token
prediction heads are left out, as those classes leave them out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from problems.architecture import Architecture, Layer, Trunk
from problems.attention import Attention, FullAttention, LatentAttention, QkNorm
from problems.configs.fields import ConfigError, Fields
from problems.errors import did_you_mean
from problems.feedforward import DenseFeedForward, FeedForward, MixtureOfExperts

Reader = Callable[[Fields], Architecture]

SLIDING = "sliding_attention"


def _heads(f: Fields, d_model: int, heads: int, kv_heads: int | None, head_dim: int | None) -> Any:
    """Query heads, kv heads and head_dim with the usual fallbacks."""
    h = f.count("num_attention_heads", heads)
    # A missing number of kv heads has the type's default; a null one means one for each head.
    kv = f.maybe("num_key_value_heads", kv_heads) or h
    written = f.maybe("head_dim", head_dim)
    if written is None and d_model % h:
        raise ConfigError(f"num_attention_heads = {h} does not divide hidden_size = {d_model}")
    if h % kv:
        raise ConfigError(f"num_key_value_heads = {kv} does not divide num_attention_heads = {h}")
    return h, kv, written or d_model // h


def _windows(
    f: Fields, layers: int, window: int | None, slides: Callable[[int], bool]
) -> list[Any]:
    """Window of each layer: by `layer_types` where it is given, by the type's rule otherwise."""
    types = f.take("layer_types")
    if types is None:
        return [window if window is not None and slides(i) else None for i in range(layers)]
    if len(types) != layers:
        raise ConfigError(f"layer_types has {len(types)} entries for {layers} layers")
    known = (SLIDING, "full_attention")
    for kind in types:
        if kind not in known:
            raise ConfigError(f"layer_types: {kind!r} is not one of {', '.join(known)}")
    return [window if kind == SLIDING else None for kind in types]


def _llama_like(
    f: Fields,
    *,
    hidden: int,
    ffn: int,
    layers: int,
    heads: int,
    kv_heads: int | None,
    vocabulary: int,
    head_dim: int | None = None,
    tied: bool = False,
    qkv_bias: bool = False,
    output_bias: bool = False,
    mlp_bias: bool = False,
    gated: bool = True,
    norms: int = 2,
    norm_bias: bool = False,
    qk_norm: QkNorm = "none",
    qk_norm_is_split: bool = False,
    head_bias: bool = False,
    window: int | None = None,
    slides: Callable[[int], bool] = lambda _: True,
    sinks: bool = False,
    feed_forward: Callable[[int, DenseFeedForward], FeedForward] = lambda _, dense: dense,
) -> Architecture:
    """The common plan: each keyword is a type's default or a choice already read."""
    d = f.count("hidden_size", hidden)
    depth = f.count("num_hidden_layers", layers)
    h, kv, dim = _heads(f, d, heads, kv_heads, head_dim)
    dense = DenseFeedForward(f.count("intermediate_size", ffn), gated, mlp_bias)
    windows = _windows(f, depth, window, slides)
    stack = [
        Layer(
            FullAttention(
                h,
                kv,
                dim,
                qkv_bias,
                output_bias,
                qk_norm,
                windows[i],
                sinks,
                d // h if qk_norm_is_split else None,
            ),
            feed_forward(i, dense),
            norms,
        )
        for i in range(depth)
    ]
    trunk = Trunk(
        d,
        f.count("vocab_size", vocabulary),
        f.flag("tie_word_embeddings", tied),
        norm_bias,
        head_bias=head_bias,
    )
    return Architecture.of_layers(trunk, stack)


def _llama(f: Fields) -> Architecture:
    bias = f.flag("attention_bias", False)
    return _llama_like(
        f, hidden=4096, ffn=11008, layers=32, heads=32, kv_heads=None, vocabulary=32000,
        qkv_bias=bias, output_bias=bias, mlp_bias=f.flag("mlp_bias", False),
    )  # fmt: skip


def _smollm3(f: Fields) -> Architecture:
    bias = f.flag("attention_bias", False)
    slide = f.flag("use_sliding_window", False)
    window = f.maybe("sliding_window")
    rope = f.take("no_rope_layers")
    interval = f.count("no_rope_layer_interval", 4)

    def slides(i: int) -> bool:
        has_rope = bool(rope[i]) if rope else bool((i + 1) % interval)
        return slide and not has_rope

    return _llama_like(
        f, hidden=2048, ffn=11008, layers=36, heads=16, kv_heads=4, vocabulary=128256, tied=True,
        qkv_bias=bias, output_bias=bias, mlp_bias=f.flag("mlp_bias", False),
        window=window, slides=slides,
    )  # fmt: skip


def _mistral(f: Fields) -> Architecture:
    window = 4096 if not f.written("sliding_window") else None
    return _llama_like(
        f, hidden=4096, ffn=14336, layers=32, heads=32, kv_heads=8, vocabulary=32000,
        window=f.maybe("sliding_window", window),
    )  # fmt: skip


def _mixtral(f: Fields) -> Architecture:
    experts, active = f.count("num_local_experts", 8), f.count("num_experts_per_tok", 2)
    return _llama_like(
        f, hidden=4096, ffn=14336, layers=32, heads=32, kv_heads=8, vocabulary=32000,
        window=f.maybe("sliding_window"),
        feed_forward=lambda _, dense: MixtureOfExperts(dense.d_ff, experts, active),
    )  # fmt: skip


def _qwen_window(f: Fields, default: int | None = 4096) -> tuple[int | None, Callable[[int], bool]]:
    """Qwen slides only where told to, and only in the upper layers."""
    slide = f.flag("use_sliding_window", False)
    window = f.maybe("sliding_window", default)
    first = f.count("max_window_layers", 28, least=0)
    return (window if slide else None), lambda i: i >= first


def _qwen2(f: Fields) -> Architecture:
    window, slides = _qwen_window(f)
    return _llama_like(
        f, hidden=4096, ffn=22016, layers=32, heads=32, kv_heads=32, vocabulary=151936,
        qkv_bias=True, window=window, slides=slides,
    )  # fmt: skip


def _qwen3(f: Fields) -> Architecture:
    window, slides = _qwen_window(f)
    bias = f.flag("attention_bias", False)
    return _llama_like(
        f, hidden=4096, ffn=22016, layers=32, heads=32, kv_heads=32, vocabulary=151936,
        head_dim=128, qkv_bias=bias, output_bias=bias, qk_norm="head", window=window, slides=slides,
    )  # fmt: skip


def _sparse_layers(f: Fields) -> Callable[[int], bool]:
    """Which layers of a Qwen mixture route: every n-th, less those listed."""
    step = f.count("decoder_sparse_step", 1)
    dense_layers = set(f.take("mlp_only_layers", []))
    return lambda i: i not in dense_layers and (i + 1) % step == 0


def _qwen2_moe(f: Fields) -> Architecture:
    window, slides = _qwen_window(f)
    routes = _sparse_layers(f)
    experts = f.count("num_experts", 60, least=0)
    f.ignore(["moe_intermediate_size", "num_experts_per_tok", "shared_expert_intermediate_size"])
    moe = None
    if experts:
        moe = MixtureOfExperts(
            f.count("moe_intermediate_size", 1408),
            experts,
            f.count("num_experts_per_tok", 4),
            shared_d_ff=f.count("shared_expert_intermediate_size", 5632),
            shared_gate=True,
        )
    return _llama_like(
        f, hidden=2048, ffn=5632, layers=24, heads=16, kv_heads=16, vocabulary=151936,
        qkv_bias=f.flag("qkv_bias", True), window=window, slides=slides,
        feed_forward=lambda i, dense: moe if moe is not None and routes(i) else dense,
    )  # fmt: skip


def _qwen3_moe(f: Fields) -> Architecture:
    window, slides = _qwen_window(f)
    routes = _sparse_layers(f)
    bias = f.flag("attention_bias", False)
    experts = f.count("num_local_experts", 128, least=0)
    f.ignore(["moe_intermediate_size", "num_experts_per_tok"])
    moe = None
    if experts:
        width, active = f.count("moe_intermediate_size", 768), f.count("num_experts_per_tok", 8)
        moe = MixtureOfExperts(width, experts, active)
    return _llama_like(
        f, hidden=2048, ffn=6144, layers=24, heads=32, kv_heads=4, vocabulary=151936,
        qkv_bias=bias, output_bias=bias, qk_norm="head", window=window, slides=slides,
        feed_forward=lambda i, dense: moe if moe is not None and routes(i) else dense,
    )  # fmt: skip


def _gemma(f: Fields) -> Architecture:
    bias = f.flag("attention_bias", False)
    return _llama_like(
        f, hidden=3072, ffn=24576, layers=28, heads=16, kv_heads=16, vocabulary=256000,
        head_dim=256, tied=True, qkv_bias=bias, output_bias=bias,
    )  # fmt: skip


def _gemma2(f: Fields) -> Architecture:
    bias = f.flag("attention_bias", False)
    return _llama_like(
        f, hidden=2304, ffn=9216, layers=26, heads=8, kv_heads=4, vocabulary=256000, head_dim=256,
        tied=True, qkv_bias=bias, output_bias=bias, norms=4,
        window=f.maybe("sliding_window", 4096), slides=lambda i: i % 2 == 0,
    )  # fmt: skip


def _gemma3_text(f: Fields) -> Architecture:
    bias = f.flag("attention_bias", False)
    pattern = f.count("sliding_window_pattern", f.count("_sliding_window_pattern", 6))
    return _llama_like(
        f, hidden=2304, ffn=9216, layers=26, heads=8, kv_heads=4, vocabulary=262208, head_dim=256,
        tied=True, qkv_bias=bias, output_bias=bias, norms=4, qk_norm="head",
        window=f.maybe("sliding_window", 4096), slides=lambda i: bool((i + 1) % pattern),
    )  # fmt: skip


def _phi(f: Fields) -> Architecture:
    return _llama_like(
        f, hidden=2048, ffn=8192, layers=24, heads=32, kv_heads=None, vocabulary=51200,
        qkv_bias=True, output_bias=True, mlp_bias=True, gated=False, norms=1, norm_bias=True,
        qk_norm="head_with_bias" if f.flag("qk_layernorm", False) else "none", head_bias=True,
        qk_norm_is_split=True,  # hidden_size / heads, whatever head_dim says
    )  # fmt: skip


def _phi3(f: Fields) -> Architecture:
    return _llama_like(
        f, hidden=3072, ffn=8192, layers=32, heads=32, kv_heads=None, vocabulary=32064,
        window=f.maybe("sliding_window"),
    )  # fmt: skip


def _olmo2(f: Fields) -> Architecture:
    bias = f.flag("attention_bias", False)
    return _llama_like(
        f, hidden=4096, ffn=11008, layers=32, heads=32, kv_heads=None, vocabulary=50304,
        qkv_bias=bias, output_bias=bias, qk_norm="full",
    )  # fmt: skip


def _starcoder2(f: Fields) -> Architecture:
    bias = f.flag("use_bias", True)
    return _llama_like(
        f, hidden=3072, ffn=12288, layers=30, heads=24, kv_heads=2, vocabulary=49152, tied=True,
        qkv_bias=bias, output_bias=bias, mlp_bias=bias, gated=False, norm_bias=True,
        window=f.maybe("sliding_window"),
    )  # fmt: skip


def _stablelm(f: Fields) -> Architecture:
    return _llama_like(
        f, hidden=2560, ffn=6912, layers=32, heads=32, kv_heads=32, vocabulary=50304,
        qkv_bias=f.flag("use_qkv_bias", False),
        norms=1 if f.flag("use_parallel_residual", False) else 2, norm_bias=True,
        qk_norm="full" if f.flag("qk_layernorm", False) else "none",
    )  # fmt: skip


def _cohere(f: Fields) -> Architecture:
    bias = f.flag("attention_bias", False)
    return _llama_like(
        f, hidden=8192, ffn=22528, layers=40, heads=64, kv_heads=None, vocabulary=256000, tied=True,
        qkv_bias=bias, output_bias=bias, norms=1,
        qk_norm="full" if f.flag("use_qk_norm", False) else "none",
    )  # fmt: skip


def _granite(f: Fields) -> Architecture:
    return _llama(f)


def _glm4(f: Fields) -> Architecture:
    return _llama_like(
        f, hidden=4096, ffn=13696, layers=40, heads=32, kv_heads=2, vocabulary=151552,
        head_dim=128, qkv_bias=f.flag("attention_bias", True), norms=4,
    )  # fmt: skip


def _gpt_oss(f: Fields) -> Architecture:
    bias = f.flag("attention_bias", True)
    experts = f.count("num_local_experts", 128)
    active = f.count("num_experts_per_tok", 4)
    return _llama_like(
        f, hidden=2880, ffn=2880, layers=36, heads=64, kv_heads=8, vocabulary=201088, head_dim=64,
        qkv_bias=bias, output_bias=bias, sinks=True,
        window=f.maybe("sliding_window", 128), slides=lambda i: i % 2 == 0,
        feed_forward=lambda _, dense: MixtureOfExperts(
            dense.d_ff, experts, active, expert_bias=True, router_bias=True
        ),
    )  # fmt: skip


def _plain(
    depth: int, attention: Attention, ffn: DenseFeedForward, norms: int, trunk: Trunk
) -> Architecture:
    return Architecture.of_layers(trunk, [Layer(attention, ffn, norms)] * depth)


def _split(d: int, heads: int, field: str) -> int:
    if d % heads:
        raise ConfigError(f"{field} = {heads} does not divide the hidden size {d}")
    return d // heads


def _gpt2(f: Fields) -> Architecture:
    d, heads = f.count("n_embd", 768), f.count("n_head", 12)
    if f.flag("add_cross_attention", False):
        raise ConfigError("add_cross_attention = true: only decoders without it are counted")
    attention = FullAttention(heads, heads, _split(d, heads, "n_head"), True, True)
    ffn = DenseFeedForward(f.count("n_inner", 4 * d), gated=False, bias=True)
    positions = f.count("n_positions", 1024)
    tied = f.flag("tie_word_embeddings", True)
    trunk = Trunk(d, f.count("vocab_size", 50257), tied, norm_bias=True, positions=positions)
    return _plain(f.count("n_layer", 12), attention, ffn, 2, trunk)


def _gpt_neox(f: Fields) -> Architecture:
    d, heads = f.count("hidden_size", 6144), f.count("num_attention_heads", 64)
    f.ignore(["use_parallel_residual"])  # both ways there are two normalisations
    bias = f.flag("attention_bias", True)
    attention = FullAttention(heads, heads, _split(d, heads, "num_attention_heads"), bias, bias)
    ffn = DenseFeedForward(f.count("intermediate_size", 24576), gated=False, bias=True)
    tied = f.flag("tie_word_embeddings", False)
    trunk = Trunk(d, f.count("vocab_size", 50432), tied, norm_bias=True)
    return _plain(f.count("num_hidden_layers", 44), attention, ffn, 2, trunk)


def _opt(f: Fields) -> Architecture:
    d, heads = f.count("hidden_size", 768), f.count("num_attention_heads", 12)
    bias = f.flag("enable_bias", True)
    attention = FullAttention(heads, heads, _split(d, heads, "num_attention_heads"), bias, bias)
    ffn = DenseFeedForward(f.count("ffn_dim", 3072), gated=False, bias=bias)
    before, removed = (
        f.flag("do_layer_norm_before", True),
        f.flag("_remove_final_layer_norm", False),
    )
    width = f.count("word_embed_proj_dim", d)
    trunk = Trunk(
        d,
        f.count("vocab_size", 50272),
        f.flag("tie_word_embeddings", True),
        norm_bias=True,
        positions=f.count("max_position_embeddings", 2048) + 2,  # OPT's own offset
        norms=1 if before and not removed else 0,
        norm_scale=f.flag("layer_norm_elementwise_affine", True),
        embedding_width=width if width != d else None,
    )
    return _plain(f.count("num_hidden_layers", 12), attention, ffn, 2, trunk)


def _bloom(f: Fields) -> Architecture:
    d, heads = f.count("hidden_size", 64), f.count("n_head", 8)
    attention = FullAttention(heads, heads, _split(d, heads, "n_head"), True, True)
    ffn = DenseFeedForward(4 * d, gated=False, bias=True)
    # The embedding is normalised too.
    tied = f.flag("tie_word_embeddings", True)
    trunk = Trunk(d, f.count("vocab_size", 250880), tied, norm_bias=True, norms=2)
    return _plain(f.count("n_layer", 2), attention, ffn, 2, trunk)


def _falcon(f: Fields) -> Architecture:
    d, heads = f.count("hidden_size", 4544), f.count("num_attention_heads", 71)
    new = f.flag("new_decoder_architecture", False)
    multi_query = f.flag("multi_query", True)
    written = f.maybe("num_kv_heads") or heads
    kv = written if new else 1 if multi_query else heads
    bias = f.flag("bias", False)
    attention = FullAttention(heads, kv, _split(d, heads, "num_attention_heads"), bias, bias)
    ffn = DenseFeedForward(f.count("ffn_hidden_size", 4 * d), gated=False, bias=bias)
    parallel = f.flag("parallel_attn", True)
    in_parallel = f.maybe("num_ln_in_parallel_attn") or (2 if new else 1)
    norms = 2 if not parallel or in_parallel == 2 else 1
    tied = f.flag("tie_word_embeddings", True)
    trunk = Trunk(d, f.count("vocab_size", 65024), tied, norm_bias=True)
    return _plain(f.count("num_hidden_layers", 32), attention, ffn, norms, trunk)


def _deepseek(f: Fields, defaults: Mapping[str, Any]) -> Architecture:
    d = f.count("hidden_size", defaults["hidden_size"])
    depth = f.count("num_hidden_layers", defaults["num_hidden_layers"])
    heads = f.count("num_attention_heads", defaults["num_attention_heads"])
    f.ignore(["num_key_value_heads", "head_dim"])  # of no effect beside latent attention
    attention = LatentAttention(
        heads,
        f.count("kv_lora_rank", 512),
        f.count("qk_rope_head_dim", 64),
        f.count("qk_nope_head_dim", 128),
        f.count("v_head_dim", 128),
        f.maybe("q_lora_rank", 1536),
        f.flag("attention_bias", False),
    )
    bias = f.flag("mlp_bias", False) if defaults["mlp_bias"] else False
    dense = DenseFeedForward(f.count("intermediate_size", defaults["intermediate_size"]), bias=bias)
    width = f.count("moe_intermediate_size", defaults["moe_intermediate_size"])
    shared = f.count("n_shared_experts", defaults["n_shared_experts"], least=0)
    moe = MixtureOfExperts(
        width,
        f.count("n_routed_experts", defaults["n_routed_experts"]),
        f.count("num_experts_per_tok", defaults["num_experts_per_tok"]),
        shared_d_ff=width * shared,
        shared_bias=bias,
    )
    first = f.count("first_k_dense_replace", defaults["first_k_dense_replace"], least=0)
    if f.take("moe_layer_freq", 1) != 1:
        raise ConfigError("moe_layer_freq other than 1: transformers has no such layout")
    stack = [Layer(attention, dense if i < first else moe) for i in range(depth)]
    vocabulary = f.count("vocab_size", defaults["vocab_size"])
    trunk = Trunk(d, vocabulary, f.flag("tie_word_embeddings", False))
    return Architecture.of_layers(trunk, stack)


def _deepseek_v2(f: Fields) -> Architecture:
    # The library has no default for the experts that a token uses.
    return _deepseek(
        f,
        {"hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
         "intermediate_size": 11008, "moe_intermediate_size": 1407, "n_shared_experts": 2,
         "n_routed_experts": 64, "num_experts_per_tok": None, "first_k_dense_replace": 0,
         "vocab_size": 102400, "mlp_bias": True},
    )  # fmt: skip


def _deepseek_v3(f: Fields) -> Architecture:
    return _deepseek(
        f,
        {"hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 128,
         "intermediate_size": 18432, "moe_intermediate_size": 2048, "n_shared_experts": 1,
         "n_routed_experts": 256, "num_experts_per_tok": 8, "first_k_dense_replace": 3,
         "vocab_size": 129280, "mlp_bias": False},
    )  # fmt: skip


_GPT2_NAMES = {"hidden_size": "n_embd", "max_position_embeddings": "n_positions",
               "num_attention_heads": "n_head", "num_hidden_layers": "n_layer"}  # fmt: skip

READERS: dict[str, tuple[Reader, Mapping[str, str], tuple[str, ...]]] = {
    "bloom": (
        _bloom,
        {"num_hidden_layers": "n_layer", "num_attention_heads": "n_head", "n_embed": "hidden_size",
         "num_layers": "n_layer"},
        ("n_inner", "attention_softmax_in_fp32"),
    ),
    "cohere": (_cohere, {}, ()),
    "deepseek_v2": (_deepseek_v2, {"num_experts": "n_routed_experts"}, ()),
    "deepseek_v3": (_deepseek_v3, {"num_local_experts": "n_routed_experts"}, ()),
    "falcon": (_falcon, {"n_layer": "num_hidden_layers", "n_head": "num_attention_heads",
                         "n_head_kv": "num_kv_heads"}, ("alibi",)),
    "gemma": (_gemma, {}, ()),
    "gemma2": (_gemma2, {}, ()),
    "gemma3_text": (_gemma3_text, {}, ()),
    "glm4": (_glm4, {}, ()),
    "gpt2": (_gpt2, _GPT2_NAMES, ("n_ctx",)),
    "gpt_neox": (_gpt_neox, {}, ()),
    "gpt_oss": (_gpt_oss, {"num_experts": "num_local_experts"}, ()),
    "granite": (_granite, {}, ()),
    "llama": (_llama, {}, ()),
    "mistral": (_mistral, {}, ()),
    "mixtral": (_mixtral, {"num_experts": "num_local_experts"}, ()),
    "olmo2": (_olmo2, {}, ()),
    "opt": (_opt, {}, ()),
    "phi": (_phi, {}, ()),
    "phi3": (_phi3, {}, ()),
    "qwen2": (_qwen2, {}, ()),
    "qwen2_moe": (_qwen2_moe, {}, ()),
    "qwen3": (_qwen3, {}, ()),
    "qwen3_moe": (_qwen3_moe, {"num_experts": "num_local_experts"}, ()),
    "smollm3": (_smollm3, {}, ()),
    "stablelm": (_stablelm, {}, ()),
    "starcoder2": (_starcoder2, {}, ()),
}  # fmt: skip
"""For each `model_type`: its reader, other names of its fields, and fields of no effect."""

_POSITION_FIELDS = (
    "max_position_embeddings",
    "layer_types",
)  # no parameters, but for OPT and GPT-2


def read_config(config: Mapping[str, Any]) -> Architecture:
    """The architecture of a Hugging Face configuration.

    Parameters
    ----------
    config : mapping
        As ``config.json`` holds it; a missing field has the library's default for the type.

    Raises
    ------
    ConfigError
        If the type is unknown, a field is impossible, or a field that may change the size is
        none that the type has.
    """
    model_type = config.get("model_type")
    if model_type is None:
        raise ConfigError("model_type is missing: is this a Hugging Face config.json?")
    if model_type not in READERS:
        hint = did_you_mean(str(model_type), READERS)
        known = ", ".join(READERS)
        raise ConfigError(f"unknown model_type {model_type!r}{hint}; known: {known}")
    reader, aliases, idle = READERS[str(model_type)]
    fields = Fields(config, aliases)
    try:
        architecture = reader(fields)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    fields.ignore([*_POSITION_FIELDS, *idle])
    fields.check_all_read(str(model_type))
    trunk, groups = architecture.trunk, architecture.groups
    return Architecture(trunk, groups, str(model_type))
