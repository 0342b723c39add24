"""``[serving]``: accelerators, precision and load that the model is served with."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Annotated, Any, Literal

from modelsizer.problems.architecture.caching import KvPolicy
from modelsizer.problems.architecture.weight_formats import WeightFormat
from modelsizer.problems.hardware.accelerators import PRECISIONS, Accelerator
from modelsizer.problems.hardware.efficiencies import default_engine, engines
from modelsizer.problems.offered import Offered, Several
from modelsizer.problems.tables.by_part import MOST_BITS, MOST_BYTES, ByPart, or_by_part
from modelsizer.problems.tables.pools import POOLED, POOLS, PoolValue, filled_in
from modelsizer.problems.tables.speculation import Speculation, SpeculationValue
from modelsizer.problems.tables.tables import (
    Bytes,
    BytesASecond,
    BytesAValue,
    Devices,
    Imbalance,
    OnAccelerator,
    Part,
    Seconds,
    Sequences,
    TokenCount,
    WayCount,
    bytes_a_value,
    count,
    one_number_of,
    one_of,
    share,
)
from modelsizer.problems.typed_keys import TableError
from modelsizer.problems.units import exact

Precision = Literal["bf16", "fp8", "fp4"]
Estimate = Literal["low", "expected", "high"]
FULL_PRECISION = Fraction(2)  # bytes of a bf16 value
BITS = (16, 8, 4)
_BITS_A_BYTE = 8
_BIT = Fraction(1, _BITS_A_BYTE)  # in bytes
DEFAULT_BLOCK = 128
"""Number of 4-bit weights that share a scale: the group size of GPTQ (Frantar et al. 2022, arXiv
2210.17323, section 5) and AWQ (Lin et al. 2023, arXiv 2306.00978, section 5.1)."""
DEFAULT_UTILIZATION = 0.9  # vLLM's gpu_memory_utilization
ONE_WAY_RESERVE, RESERVE_A_DOUBLING = 3 * 2**29, 2**30
"""Bytes of an accelerator for the activation peak and for memory outside the framework: of one
way of tensor parallelism, and for each time that the ways double (buffers of collectives). From
vLLM's logs, as memory_utilization x memory - weights - cache: on one way 0.5 to 9.5 GiB, median
1.4 (vllm-project/vllm PRs 2031, 10511, 17122, issues 10517, 12330, 12529, 23278); from one way to
two 1.8 GiB more (PR 10511), from one to four 12.2 GiB more of another model (PR 2031)."""


_BITS = one_number_of("a number of bits", BITS, "bits")
_Bits = Annotated[int | None, _BITS]
_WeightBits = Annotated[int | ByPart | None, or_by_part(_BITS, MOST_BITS, "bits")]
_Values = Annotated[int, count("values", 128)]
_WeightBytes = Annotated[int | float | ByPart, or_by_part(bytes_a_value(), MOST_BYTES, "bytes")]


class Serving(OnAccelerator):
    """``[serving]``.

    Parameters
    ----------
    accelerator, custom_accelerator
        Accelerator to serve from: a name (`accelerator`), or figures (`custom_accelerator`).
    accelerators : int
        Number of accelerators: weights and cache are split evenly; `tensor_parallel` by default.
    tensor_parallel : int
        Tensor parallelism, which must divide heads, kv_heads, d_ff and vocabulary; if it exceeds
        kv_heads, each kv head is held more than once.
    expert_parallel : int
        Ways that divide the routed experts of a layer, which must divide
        tensor_parallel x attention_data_parallel; the rest of these divides each expert.
    attention_data_parallel : int
        Groups of `tensor_parallel` accelerators that each hold all but the routed experts, and the
        cache of their own sequences; as many as `expert_parallel` needs by default.
    expert_imbalance : number
        Tokens (and experts) of the busiest way of expert parallelism over the mean: 1 is balanced.
    expert_link : bytes/s
        Bytes/s of an accelerator, one way, at which tokens are sent to experts of other groups;
        the accelerator's link by default. Between servers it is that of their network.
    batch_size : int
        Number of sequences in the cache.
    context_length : int
        Tokens of each sequence; `training.sequence_length` by default.
    prefix_reuse : number
        Share of the context, below 1, that is the same in all sequences, such as a system prompt:
        its cache is held once (by each group, with `attention_data_parallel`). A step still reads
        it for each sequence, and `prefill_latency` is of a prompt that finds nothing cached.
    interference : number
        Share of each decode step's time, below 1, that goes to prompts of others where chunks of
        them are computed in the same steps (Agrawal et al. 2024, arXiv 2403.02310).
    prompt_length : int
        Prompt tokens for prefill latency; `context_length` by default.
    prompts : int
        Number of prompts prefilled together.
    output_length : int
        Tokens of an answer; with it the cost of serving includes the prefill of its prompt.
    weight_bytes, kv_bytes : number
        Bytes of a weight (`weight_bytes`) and of a cached value (`kv_bytes`): 2, 1, 0.5.
    state_bytes : number
        Bytes per value of the state that a layer holds in place of a cache; `kv_bytes` by default.
    weight_bits, kv_bits : {16, 8, 4}
        Bits of a weight and of a cached value, in place of `weight_bytes` and `kv_bytes`; scales
        are counted apart. Matrices of layers have `weight_bits`, the rest of a layer 16.
    weight_bytes, weight_bits : table
        Or a table: any bytes or bits, including scales, by part: `attention`, `ffn`, `experts`
        (those of `ffn` by default), `router` (those of `other`), `embedding`, `head` (those of
        `embedding`) and `other`; parts not given have 2 bytes.
    embedding_bits : {16, 8, 4}
        Bits of embedding and head; 16 by default if `weight_bits` is given.
    weight_block, kv_block : int
        Number of weights (`weight_block`) and of cached values (`kv_block`) that share a scale; by
        default 128 of 4 bits, and otherwise a row, whose scale is not counted.
    scale_bytes : number
        Bytes per scale.
    kv_policy : {"windowed", "full"}
        Whether a layer with a window caches only its window, or the whole context, as engines do
        that reserve whole pages.
    latent_multiple : int
        Multiple to which the values of a cached latent are padded: 1 for no padding, 128 as vLLM
        0.7 did with 2 bytes a value, 640 of 576 (vllm-project/vllm PRs 12676 and 14842, which
        ended it).
    speculation : table
        Tokens that are drafted, and verified in one step.
    memory_utilization : number
        Share of the accelerator's memory given to the engine.
    memory_reserve : bytes
        Memory of each accelerator that the engine needs besides weights and cache; 1.5 GiB by
        default, and 1 GiB more each time that `tensor_parallel` doubles.
    latency : {"expected", "low", "high"}
        Estimate of the latency that budgets constrain.
    engine : {"vllm", "tensorrt-llm", "llama.cpp", "none"}
        Engine that serves it, or the roofline alone; by default vllm on HBM and on GDDR of servers,
        llama.cpp on other accelerators.
    compute : {"bf16", "fp8", "fp4"}
        Precision of the matrix multiplications, whose peak the accelerator must have.
    memory_efficiency, prefill_efficiency : number
        Share reached of the bandwidth in decode (`memory_efficiency`), and of the peak FLOP/s in
        prefill (`prefill_efficiency`); by default those of measured runs.
    overhead : seconds
        Time per layer in one step.
    prefill, decode : table
        Pools of accelerators for prompts alone (`prefill`) and for answers alone (`decode`), each
        with `accelerator`, `accelerators`, `compute` and ways. What a pool does not say is that of
        [serving], whose `accelerators` are then the most of both together.
    pool_link : bytes/s
        Bytes/s of an accelerator, one way, at which caches of prompts are sent to the pool that
        decodes; by default the accelerators' links. Between servers it is that of their network.
    """

    accelerators: Annotated[Devices | None, Several()] = None
    tensor_parallel: Annotated[WayCount, Several()] = 1
    expert_parallel: Annotated[WayCount, Several()] = 1
    attention_data_parallel: Annotated[WayCount | None, Several()] = None
    expert_imbalance: Imbalance = 1
    expert_link: BytesASecond | None = None
    batch_size: Sequences = 1
    context_length: TokenCount | None = None
    prefix_reuse: Part = 0
    interference: Part = 0
    prompt_length: TokenCount | None = None
    prompts: Annotated[int, count("prompts", 4)] = 1
    output_length: Annotated[int | None, count("tokens", 512)] = None
    weight_bytes: _WeightBytes = 2
    kv_bytes: BytesAValue = 2
    state_bytes: BytesAValue | None = None
    weight_bits: Annotated[_WeightBits, Several()] = None
    kv_bits: Annotated[_Bits, Several()] = None
    embedding_bits: _Bits = None
    weight_block: _Values | None = None
    kv_block: _Values | None = None
    scale_bytes: BytesAValue = 2
    kv_policy: Annotated[KvPolicy, one_of("a KV policy", ("windowed", "full"))] = "windowed"
    memory_utilization: Annotated[int | float, share(0.85)] = DEFAULT_UTILIZATION
    memory_reserve: Bytes | None = None
    latency: Annotated[Estimate, one_of("an estimate", ("expected", "low", "high"))] = "expected"
    engine: Annotated[str | None, one_of("an engine", engines()), Several(numbers=False)] = None
    compute: Annotated[Precision, one_of("a precision", PRECISIONS), Several(numbers=False)] = (
        "bf16"
    )
    speculation: SpeculationValue = None
    latent_multiple: _Values = 1
    memory_efficiency: Annotated[int | float | None, share(0.7)] = None
    prefill_efficiency: Annotated[int | float | None, share(0.6)] = None
    overhead: Seconds | None = None
    prefill: PoolValue = None
    decode: PoolValue = None
    pool_link: BytesASecond | None = None

    _raw: tuple[tuple[str, Any], ...] = ()  # values as the file has them, where pools have others

    def _check(self) -> None:
        super()._check()
        given = self.model_fields_set
        for first, second in (
            ("weight_bytes", "weight_bits"),
            ("kv_bytes", "kv_bits"),
        ):
            if {first, second} <= given:
                raise ValueError(f"give {first} or {second}, not both")
        for block, bits in (("weight_block", "weight_bits"), ("kv_block", "kv_bits")):
            if block in given and bits not in given:
                raise ValueError(f"{block} needs {bits}: bytes given as such count no scales")
        if "embedding_bits" in given and "weight_bits" not in given:
            raise ValueError("embedding_bits needs weight_bits")
        if isinstance(self.weight_bits, ByPart):
            for key, instead in (
                ("embedding_bits", "weight_bits.embedding"),
                ("weight_block", "bits that include the scales, such as 4.25"),
            ):
                if key in given:
                    raise ValueError(f"{key} needs weight_bits as one number: give {instead}")
        if self.prefill is None is self.decode:
            if self.pool_link is not None:
                raise ValueError("pool_link needs pools: write [serving.prefill]")
            self.check_accelerators()
        elif not self._raw:
            self._check_pools()

    def _check_pools(self) -> None:
        """Fill in what pools do not say; [serving] then has the accelerators of decoding."""
        if self.interference:
            raise ValueError(
                "interference is of prompts in the steps of decoding, which pools keep apart: "
                "leave it out, or [serving.prefill] and [serving.decode]"
            )
        raw = tuple((key, getattr(self, key)) for key in (*POOLS, *POOLED))
        found = filled_in(self)
        own = {key: getattr(found["decode"], key) for key in POOLED}
        self.__dict__.update(own | found | {"accelerators": None, "_raw": raw})

    def check_accelerators(self) -> None:
        """Raise ValueError if the accelerator lacks the precision, or the ways do not fit."""
        self._check_precision("compute", self.compute)
        self._check_ways()

    def written(self, keys: Iterable[str]) -> dict[str, Any]:
        """Some keys as plain values, as the file has them."""
        if not self._raw:
            return super().written(keys)
        return self.model_copy({**dict(self._raw), "_raw": ()}).written(keys)

    def _check_ways(self) -> None:
        """Raise ValueError if the ways do not go together."""
        tensor, experts = self.tensor_parallel, self.expert_parallel
        each = f"tensor_parallel = {tensor}"
        if self.attention_data_parallel is not None:
            each += f" x attention_data_parallel = {self.attention_data_parallel}"
        if self.replica % experts:
            how = "neither divides nor is a multiple of"
            how = how if self.attention_data_parallel is None else "does not divide"
            raise TableError([("expert_parallel", f"{experts} {how} {each}")])
        if self.devices % self.replica:
            if self.attention_data_parallel is None and self.groups > 1:
                each = f"expert_parallel = {experts}"
            raise ValueError(f"accelerators = {self.accelerators} is not a multiple of {each}")

    @property
    def prefilling(self) -> Serving:
        """One replica of what prefills: of the pool, or the accelerators that decode too."""
        if self.prefill is None:
            return self
        own = dict(self.prefill) | {"accelerators": None, "prefill": None, "decode": None}
        return Serving.model_construct(**{**self.__dict__, **own})

    @property
    def every_device(self) -> tuple[Accelerator, ...]:
        """The accelerators to choose from, of pools too."""
        found = dict.fromkeys(super().every_device)
        for pool in (self.prefill, self.decode):
            several = pool.values if isinstance(pool, Offered) else (pool,)
            found |= dict.fromkeys(d for p in several if p is not None for d in p.every_device)
        return tuple(found)

    @property
    def groups(self) -> int:
        """Groups of accelerators with attention of their own, with the default filled in."""
        if self.attention_data_parallel is not None:
            return self.attention_data_parallel
        return max(1, self.expert_parallel // self.tensor_parallel)

    @property
    def replica(self) -> int:
        """Accelerators of all groups together, which share the routed experts of a layer."""
        return self.tensor_parallel * self.groups

    @property
    def expert_slices(self) -> int:
        """Tensor parallelism of each routed expert."""
        return self.replica // self.expert_parallel

    @property
    def group_batch(self) -> int:
        """Most sequences that a group holds."""
        return -(-self.batch_size // self.groups)

    @property
    def held_batch(self) -> int:
        """Sequences that all groups together have memory for."""
        return self.group_batch * self.groups

    def prefix_of(self, context: int) -> int:
        """Return the tokens of a context that all sequences share, fewer than all."""
        return math.floor(exact(self.prefix_reuse) * context) if self.prefix_reuse else 0

    @property
    def prefixes(self) -> int:
        """Return how often the accelerators hold the state after a shared prefix."""
        return self.groups if self.prefix_reuse else 0

    @property
    def drafting(self) -> Speculation | None:
        """The speculation, if any token is drafted."""
        given = self.speculation
        return given if given is not None and given.length else None

    @property
    def expected_tokens(self) -> Fraction:
        """Tokens that a sequence gets of a step."""
        return Fraction(1) if self.drafting is None else self.drafting.expected_tokens

    @property
    def reserve(self) -> Fraction:
        """Bytes reserved by the engine on each accelerator, with the default filled in."""
        if self.memory_reserve is not None:
            return exact(self.memory_reserve)
        doublings = (self.tensor_parallel - 1).bit_length()
        return Fraction(ONE_WAY_RESERVE + RESERVE_A_DOUBLING * doublings)

    @property
    def served_by(self) -> str:
        """Engine, with the default filled in; an accelerator must be set."""
        return default_engine(self.named) if self.engine is None else self.engine

    @property
    def devices(self) -> int:
        """Number of accelerators, with the default filled in."""
        return self.accelerators if self.accelerators is not None else self.replica

    @property
    def exact_kv_bytes(self) -> Fraction:
        """Bytes per cached value, including scales."""
        if self.kv_bits is None:
            return exact(self.kv_bytes)
        return self._quantised(self.kv_bits, self.kv_block)

    @property
    def exact_state_bytes(self) -> Fraction:
        """Bytes per value of a state, with the default filled in."""
        return self.exact_kv_bytes if self.state_bytes is None else exact(self.state_bytes)

    @property
    def weights(self) -> WeightFormat:
        """Bytes per parameter, including scales."""
        if isinstance(self.weight_bits, ByPart):
            return self.weight_bits.format(_BIT, FULL_PRECISION)
        if isinstance(self.weight_bytes, ByPart):
            return self.weight_bytes.format(Fraction(1), FULL_PRECISION)
        if self.weight_bits is None:
            each = exact(self.weight_bytes)
            return WeightFormat.all(each)
        return WeightFormat.of(
            self._quantised(self.weight_bits, self.weight_block),
            self._quantised(self.embedding_bits or BITS[0], self.weight_block),
            FULL_PRECISION,
        )

    def stored(self, formats: WeightFormat) -> Serving:
        """The same with the weights of a checkpoint, except where the formats are set here.

        Parameters
        ----------
        formats : WeightFormat
            Bytes per weight of the checkpoint.
        """
        given: dict[str, Fraction] = {}
        for name, unit in (("weight_bytes", Fraction(1)), ("weight_bits", _BIT)):
            value = getattr(self, name)
            if isinstance(value, ByPart):
                given = {part: exact(each) * unit for part, each in value.given}
            elif name in self.model_fields_set:
                return self
        for part, same in (("embedding", "head"), ("other", "router")):
            if part in given:
                given.setdefault(same, given[part])
        table = ByPart(tuple((formats.to_dict() | given).items()))
        return self.model_copy(update={"weight_bytes": table, "weight_bits": None})

    def _quantised(self, bits: int, block: int | None) -> Fraction:
        """Bytes of a value with some bits, including its share of a scale."""
        if block is None and bits == BITS[-1]:
            block = DEFAULT_BLOCK
        scale = Fraction(0) if block is None or bits == BITS[0] else exact(self.scale_bytes) / block
        return Fraction(bits, _BITS_A_BYTE) + scale
