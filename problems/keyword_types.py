"""Types of the keywords of `Problem.edit`, written by `python -m tests.support.keyword_types`."""

from __future__ import annotations

from typing import TypedDict


class SpaceKeys(TypedDict, total=False):
    """Keys of ``[space]``."""

    layers: object
    d_model: object
    head_dim: object
    heads: object
    kv_heads: object
    kv_group: object
    d_ff: object
    ffn_ratio: object
    ffn_multiple: object
    vocab_size: object
    tied_embeddings: object
    block: object
    aspect_ratio: object
    attention: object
    full_every: object
    full_layers: object
    between: object
    window: object
    latent: object
    experts: object
    linear: object


class TrainingKeys(TypedDict, total=False):
    """Keys of ``[training]``."""

    accelerator: object
    custom_accelerator: object
    sequence_length: object
    flops: object
    tokens: object
    unique_tokens: object
    accelerators: object
    data_parallel: object
    tensor_parallel: object
    pipeline_parallel: object
    expert_parallel: object
    expert_tensor_parallel: object
    expert_imbalance: object
    microbatch_size: object
    zero_stage: object
    weight_bytes: object
    gradient_bytes: object
    optimizer_bytes: object
    activation_bytes: object
    recompute: object
    logit_bytes: object
    flash_attention: object
    sequence_parallel: object
    dropout: object
    fused_kernels: object
    interleave: object
    precision: object
    framework: object
    mfu: object
    memory_reserve: object
    price_per_hour: object
    watts: object
    pue: object


class ServingKeys(TypedDict, total=False):
    """Keys of ``[serving]``."""

    accelerator: object
    custom_accelerator: object
    accelerators: object
    tensor_parallel: object
    expert_parallel: object
    attention_data_parallel: object
    expert_imbalance: object
    expert_link: object
    batch_size: object
    context_length: object
    prefix_reuse: object
    interference: object
    prompt_length: object
    prompts: object
    output_length: object
    weight_bytes: object
    kv_bytes: object
    state_bytes: object
    weight_bits: object
    kv_bits: object
    embedding_bits: object
    weight_block: object
    kv_block: object
    scale_bytes: object
    kv_policy: object
    memory_utilization: object
    memory_reserve: object
    latency: object
    engine: object
    compute: object
    speculation: object
    latent_multiple: object
    memory_efficiency: object
    prefill_efficiency: object
    overhead: object
    prefill: object
    decode: object
    pool_link: object


class LifetimeKeys(TypedDict, total=False):
    """Keys of ``[lifetime]``."""

    inference_tokens: object
    prefill_share: object
    prefill_mfu: object
    decode_mfu: object
    price_per_hour: object
    throughput: object


class BudgetsKeys(TypedDict, total=False):
    """Keys of ``[budgets]``."""

    training_flops: object
    layers: object
    d_model: object
    parameters: object
    non_embedding_parameters: object
    active_parameters: object
    tokens: object
    kv_cache: object
    kv_bytes_per_token: object
    serving_memory: object
    prefill_memory: object
    inference_flops_per_token: object
    training_memory: object
    training_time: object
    training_cost: object
    training_energy: object
    lifetime_flops: object
    lifetime_cost: object
    decode_latency: object
    decode_throughput: object
    prefill_latency: object
    concurrency: object
    tokens_per_second_per_user: object
    request_time: object
    requests_per_second: object
    serving_cost: object
    loss: object


class ObjectiveKeys(TypedDict, total=False):
    """Keys of ``[objective]``."""

    minimize: object
    maximize: object
    law: object
    shape: object
    experts: object
    leverage_flops: object
    ablations: object


class TokenizerKeys(TypedDict, total=False):
    """Keys of ``[tokenizer]``."""

    bytes_per_token: object
    law_vocab_size: object
