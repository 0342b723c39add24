"""Costs that modelsizer does not count, with their size according to logs and papers."""

from __future__ import annotations

from dataclasses import asdict

from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class Omission:
    """A cost that is not counted.

    Parameters
    ----------
    what : str
    where : str
        The figures that exclude it.
    size : str
        Its size, according to logs and papers.
    remedy : str
        How to allow for it.
    source : str
        Source of the size.
    """

    what: str
    where: str
    size: str
    remedy: str
    source: str

    def to_dict(self) -> dict[str, str]:
        """Convert to a mapping for JSON."""
        return asdict(self)


OMISSIONS = (
    Omission(
        "activation peak of a serving engine",
        "serving_memory, kv tokens",
        "1.26 GiB (Llama 3 8B, H100), 1.4 GiB (Qwen2.5 1.5B), 9.37 GiB (Llama 3 8B, A100 40 GB, "
        "long prefill)",
        "serving.memory_reserve",
        "vllm-project/vllm PR 10511, issue 12330",
    ),
    Omission(
        "CUDA context, NCCL buffers and what else is outside the framework's allocator",
        "serving_memory, training_memory",
        "0.05 to 0.35 GiB on one device, 1.79 GiB on an H100",
        "serving.memory_reserve; leave as much of the device to training",
        "vllm-project/vllm issues 12330 and 10517, PR 10511",
    ),
    Omission(
        "experts padded by kernels to whole tiles",
        "serving_memory",
        "gpt-oss-120b: 2880 to 2944 and 3072, 64.4 to 66.0 GiB loaded of 60.8 stored",
        "serving.weight_bits by part: experts = 4.63 in place of 4.25",
        "vllm-project/vllm issues 23278 and 33155",
    ),
    Omission(
        "norms, routers and projections to latents, which every way of tensor parallelism holds",
        "serving_memory",
        "0.9 GB an accelerator of DeepSeek-V3 in fp8 at 8 ways, 1 %",
        "serving.memory_reserve",
        "vllm-project/vllm, ReplicatedLinear",
    ),
    Omission(
        "fragmentation and caching of the allocator",
        "training_memory",
        "a few percent of the device; it grows with varying sequence lengths",
        "a training_memory budget of 0.9 x the device's memory",
        "pytorch.org, notes on CUDA semantics, memory management",
    ),
    Omission(
        "rounding of the cache to blocks",
        "kv_cache",
        "up to 15 tokens a sequence at blocks of 16",
        "none is needed",
        "vllm-project/vllm logs: gpu_blocks x 16 = kv_tokens",
    ),
    Omission(
        "a dense causal mask, where an engine allocates one",
        "serving_memory",
        "sequence^2 bytes: 17.2 GB at 131,072 tokens",
        "take an engine that does not",
        "pytorch/ao torchao/_models/llama/README.md",
    ),
    Omission(
        "all-to-all of experts in training, and the imbalance of their tokens",
        "training_time, training_cost",
        "as much time as the computation where it crosses servers, unless it overlaps",
        "an MFU measured with it has it, as those of mixtures here",
        "arXiv 2412.19437, section 3.2.1",
    ),
    Omission(
        "weights gathered for the layer at work under ZeRO stage 3",
        "training_memory",
        "one or two layers' weights",
        "add them to the budget, or take zero_stage = 2",
        "arXiv 1910.02054, section 7.2.2",
    ),
    Omission(
        "matrix products computed again under half recomputation",
        "training_flops, training_time",
        "half of a forward pass: up to a sixth of the FLOPs",
        "an MFU measured with it has it",
        "pytorch/torchtitan, per-op selective activation checkpointing",
    ),
    Omission(
        "temporary buffers: gradient buckets, fused all-gathers, workspaces of kernels",
        "training_memory",
        "hundreds of MB to a few GB, by settings of the framework",
        "leave room in the budget",
        "arXiv 1910.02054, section 3.2",
    ),
    Omission(
        "scores computed again under selective recomputation",
        "training_flops, training_time",
        "1.6 to 2.7 % of the FLOPs",
        "an MFU measured with it has it",
        "arXiv 2205.05198, section 5",
    ),
    Omission(
        "pipeline bubbles, stragglers, restarts and checkpoints",
        "training_time, training_cost",
        "(p - 1) / m of the time for p stages and m microbatches; the rest by the cluster",
        "training.mfu as your own runs have it, restarts included",
        "arXiv 2104.04473, section 2.2",
    ),
    Omission(
        "uneven pipeline stages and uneven experts",
        "training_memory, training_time",
        "the first stage holds the embedding, the last the head: both are counted; stages of "
        "unequal depth are not offered; of several kinds of layer each stage has the same share",
        "pipeline_parallel that divides the layers",
        "this project",
    ),
    Omission(
        "queueing, scheduling and tokenisation in serving",
        "decode_latency, prefill_latency",
        "an engine's own; a latency here is one step of a full batch",
        "hold a latency budget against serving.latency = \"high\"",
        "this project",
    ),
)  # fmt: skip
