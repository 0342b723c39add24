"""``[training]``: settings, data, accelerators and prices of training."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Literal

from modelsizer.problems.architecture.accounting import FlopsConvention
from modelsizer.problems.hardware.accelerators import PRECISIONS
from modelsizer.problems.hardware.training_efficiencies import (
    DEFAULT_FRAMEWORK,
    FRAMEWORKS,
    training_mfu,
)
from modelsizer.problems.offered import Several
from modelsizer.problems.tables.limits import TOKENS
from modelsizer.problems.tables.menus import Choice, Interval
from modelsizer.problems.tables.tables import (
    Bytes,
    BytesAValue,
    Devices,
    Dollars,
    Flag,
    Imbalance,
    OnAccelerator,
    Real,
    TokenCount,
    Tokens,
    Watts,
    WayCount,
    Ways,
    bytes_a_value,
    count,
    limit,
    one_number_of,
    one_of,
    share,
)
from modelsizer.problems.typed_keys import Kind
from modelsizer.problems.units import exact
from modelsizer.problems.value_forms import Amount, Within

DEFAULT_SEQUENCE_LENGTH = 4096

Recompute = Literal["none", "selective", "half", "full"]
LOGIT_BYTES = 12
"""Bytes per logit if the loss is computed at once: bf16 logits, their fp32 copy, and the gradients
of both. Peaks of Llama 3.1 8B in torchtitan imply 13 to 15 (docs/predictions.md); the paper
counts the fp32 copy only, 4 (arXiv 2205.05198, section 4.3)."""
Precision = Literal["bf16", "fp8", "fp4"]
DEGREES = ("data_parallel", "tensor_parallel", "pipeline_parallel")
"""Keys of the ways of parallelism."""
CONTEXT_RESERVE = 2 * 2**30
"""Bytes that the CUDA context and the kernels take before the first tensor: 0.5 to 2 GB, 1.78 GiB
on an A100 (stas00/ml-engineering, training/performance, "Preloaded CUDA kernels memory usage")."""
RESERVED_SHARE = Fraction(1, 10)
"""Share of an accelerator's memory for what peaks hold beyond what is counted: gathered weights,
buffers of collectives, what the allocator retains. Its median is 9.4 GiB over 19 published runs
and 9.8 GiB over the nine of torchtitan on H100 of 96 GB, a tenth (docs/predictions.md)."""
_PUES = Within(least=1, most=10)  # power usage effectiveness; larger values are mistakes


def _fixed(limits: Interval) -> Interval:
    """A bare number fixes the tokens rather than limiting them."""
    if limits.written_as_number:
        return replace(limits, min=limits.max, min_as=limits.max_as)
    return limits


def _at_least_one(pue: float) -> float:
    if not _PUES.holds(pue):
        raise ValueError(
            f"{pue} is not a PUE: what is drawn for each watt of computing, 1 or a bit more"
        )
    return pue


class Training(OnAccelerator):
    """``[training]``.

    Parameters
    ----------
    sequence_length : int
        Tokens per training sequence; used to count attention scores.
    flops : {"exact", "causal", "6ND"}
        How training FLOPs are counted: every matrix product with full attention scores ("exact"),
        with half of the scores ("causal"), or six for each parameter and token ("6ND").
    tokens : number or {min, max}
        Limits on training tokens; a number is exactly that many.
    unique_tokens : number
        Tokens in the data set; repeating them more than four times gives a warning.
    accelerator, custom_accelerator
        Accelerator to train on: a name in the catalogue (`accelerator`), or figures of one
        that is not there (`custom_accelerator`).
    accelerators : int
        Number of accelerators; a layout uses at most this many.
    data_parallel : number, list or {min, max, step}
        Ways that each process other sequences; a menu to choose from. By default as many as
        `accelerators` allows.
    tensor_parallel : number, list or {min, max, step}
        Ways that divide each matrix product; a menu to choose from. They must divide heads,
        kv_heads, d_ff and vocabulary.
    pipeline_parallel : number, list or {min, max, step}
        Ways that divide the stack of layers; a menu to choose from. They must divide the layers.
    expert_parallel : int
        Ways that divide the routed experts of a layer, taken from the data-parallel ways, which
        they divide (Megatron Core; DeepSeek-V3, arXiv 2412.19437, section 3.2).
    expert_tensor_parallel : int
        Tensor parallelism of each routed expert; that of the layout by default. Where it is less,
        `expert_parallel` divides data x tensor parallel / expert_tensor_parallel.
    expert_imbalance : number
        Tokens that the busiest way of expert parallelism receives, over the mean of all: 1 is a
        perfect balance.
    microbatch_size : int
        Sequences that an accelerator processes at once.
    zero_stage : {0, 1, 2, 3}
        What data parallelism divides: nothing, optimizer states, also gradients, also weights
        (Rajbhandari et al. 2020, arXiv 1910.02054).
    weight_bytes, gradient_bytes, optimizer_bytes : number
        Bytes per parameter of weights, gradients and optimizer states; 2 + 2 + 12 is Adam in mixed
        precision (arXiv 1910.02054, section 3.1), gradient_bytes = 4 is Megatron with fp32
        gradients.
    activation_bytes : number
        Bytes per activation.
    recompute : {"none", "selective", "half", "full"}
        What is recomputed for the backward pass instead of kept (Korthikanti et al. 2022,
        arXiv 2205.05198): scores ("selective"), also every second matrix product ("half",
        torchtitan's per-op selective checkpointing), or everything except the layers' inputs
        ("full"), which adds a forward pass to the training FLOPs.
    logit_bytes : number
        Bytes per logit of a microbatch; 0 for a fused loss that never holds all of them.
    flash_attention : bool
        Whether attention scores are never stored (Dao et al. 2022, arXiv 2205.14135).
    sequence_parallel : bool
        Whether tensor parallelism also divides the values between its matrix products.
    dropout : bool
        Whether masks of dropout are kept.
    fused_kernels : bool
        Whether a gated activation and a normalisation keep only their inputs.
    interleave : int
        Number of groups of layers per pipeline stage.
    precision : {"bf16", "fp8", "fp4"}
        Precision of the matrix multiplications, whose peak the accelerator must have.
    framework : str
        Framework whose measured runs give the default `mfu`. Where it has none on the accelerator,
        those of other frameworks on it do, and then those on others.
    mfu : number
        Model FLOPs utilisation: the share of the peak spent on model FLOPs (Chowdhery et al. 2022,
        arXiv 2204.02311, appendix B). By default the value reached by measured runs on such
        accelerators, of mixtures of experts that of mixtures.
    memory_reserve : bytes
        Memory of an accelerator that training needs besides what is counted; a tenth of it and
        2 GiB by default.
    price_per_hour : dollars
        Price of an hour of one accelerator.
    watts : W
        Power of one accelerator; that of the catalogue by default.
    pue : number
        Power usage effectiveness: watts that the data centre draws for each watt of computing.
    """

    sequence_length: TokenCount = DEFAULT_SEQUENCE_LENGTH
    flops: Annotated[FlopsConvention, one_of("a FLOPs convention", ("exact", "causal", "6ND"))] = (
        "exact"
    )
    tokens: Annotated[
        Interval | None, limit("tokens", TOKENS, example={"max": "15T tokens"}), Kind(_fixed)
    ] = None
    unique_tokens: Tokens | None = None
    accelerators: Annotated[Devices | None, Several()] = None
    data_parallel: Ways | None = None
    tensor_parallel: Ways | None = None
    pipeline_parallel: Ways | None = None
    expert_parallel: Annotated[WayCount, Several()] = 1
    expert_tensor_parallel: WayCount | None = None
    expert_imbalance: Imbalance = 1
    microbatch_size: Annotated[int, count("sequences", 2), Several()] = 1
    zero_stage: Annotated[int, one_number_of("a ZeRO stage", (0, 1, 2, 3)), Several()] = 1
    weight_bytes: BytesAValue = 2
    gradient_bytes: Annotated[int | float, bytes_a_value(4)] = 2
    optimizer_bytes: Annotated[int | float, bytes_a_value(6)] = 12
    activation_bytes: BytesAValue = 2
    recompute: Annotated[
        Recompute,
        one_of("a way to recompute", ("none", "selective", "half", "full")),
        Several(numbers=False),
    ] = "none"
    logit_bytes: Annotated[int | float, bytes_a_value(0, zero=True)] = LOGIT_BYTES
    flash_attention: Flag = True
    sequence_parallel: Flag = True
    dropout: Flag = False
    fused_kernels: Flag = True
    interleave: Annotated[int, count("groups", 2)] = 1
    precision: Annotated[Precision, one_of("a precision", PRECISIONS), Several(numbers=False)] = (
        "bf16"
    )
    framework: Annotated[str, one_of("a framework", FRAMEWORKS)] = DEFAULT_FRAMEWORK
    mfu: Annotated[int | float | None, share(0.4)] = None
    memory_reserve: Bytes | None = None
    price_per_hour: Dollars | None = None
    watts: Watts | None = None
    pue: Annotated[Real, Kind(_at_least_one, form=Amount("ratio", 1.2, range=_PUES))] = 1.0

    def _check(self) -> None:
        super()._check()
        self._check_precision("precision", self.precision)

    def reserve(self, memory: Fraction) -> Fraction:
        """Bytes that training needs besides what is counted, of an accelerator of some memory."""
        if self.memory_reserve is not None:
            return exact(self.memory_reserve)
        return memory * RESERVED_SHARE + CONTEXT_RESERVE

    @property
    def ways(self) -> dict[str, Choice]:
        """The ways of parallelism that the file gives, by name."""
        given = {name: getattr(self, name) for name in DEGREES}
        return {name: menu for name, menu in given.items() if menu is not None}

    @property
    def laid_out(self) -> bool:
        """Whether the file says how many accelerators train together."""
        return self.accelerators is not None or bool(self.ways)

    def flops_per_second(self, *, mixture: bool) -> Fraction:
        """Model FLOP/s of one accelerator: peak x MFU.

        Parameters
        ----------
        mixture : bool
            Whether a mixture of experts is trained.

        Raises
        ------
        UnknownFigureError
            If the accelerator's peak is unknown.
        """
        peak = exact(self.named.figure(f"{self.precision}_flops"))
        return peak * exact(self.expected_mfu(mixture=mixture))

    def expected_mfu(self, *, mixture: bool) -> float:
        """The MFU, with the default filled in."""
        if self.mfu is not None:
            return float(self.mfu)
        runs = training_mfu(
            self.named, self.precision, self.framework, self.sequence_length, mixture=mixture
        )
        return runs.expected
