"""Ways of parallelism, and the designs that they divide."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.layers_oracle.space import DeltaNet, Design, Experts, Grouped, entries
from tests.support.layers_oracle.tables import Tables


@dataclass(frozen=True)
class Groups:
    """Groups of accelerators with attention of their own, which share the routed experts."""

    number: int
    ways: int  # tensor parallelism of a group
    experts: int  # ways of expert parallelism

    @classmethod
    def of(cls, serving: Tables) -> Groups:
        t, e = serving.get("tensor_parallel", 1), serving.get("expert_parallel", 1)
        return cls(serving.get("attention_data_parallel", e // t if e > t else 1), t, e)

    @property
    def accelerators(self) -> int:
        return self.number * self.ways

    @property
    def slices(self) -> int:
        """Accelerators that each routed expert is divided over."""
        return self.accelerators // self.experts

    def largest(self, requests: int) -> int:
        """Most requests of a group."""
        return -(-requests // self.number)

    def held(self, requests: int) -> int:
        """Requests that all groups have memory for."""
        return self.largest(requests) * self.number


def designs(tables: Tables) -> list[Design]:
    """Every distinct design of [space] that the ways of [training] and [serving] divide."""
    training, served = tables.get("training", {}), Groups.of(tables.get("serving", {}))
    stages, t = training.get("pipeline_parallel", 1), training.get("tensor_parallel", 1)
    slices, experts = training.get("expert_tensor_parallel", t), training.get("expert_parallel", 1)
    return [
        a
        for a in entries(tables)
        if a.layers % stages == 0
        and divides(a, t, slices, experts)
        and divides(a, served.ways, served.slices, served.experts)
    ]


def divides(a: Design, ways: int, slices: int, experts: int) -> bool:
    """Whether tensor parallelism divides the widths, and expert parallelism the experts.

    `slices` is the tensor parallelism of a routed expert.
    """
    widths = [a.vocab_size]
    for _, part, ffn in a.groups:
        if isinstance(ffn, Experts):
            if ffn.d_ff % slices or ffn.routed % experts:
                return False
            widths.append(ffn.d_ff * ffn.shared)
        else:
            widths.append(ffn.d_ff)
        if isinstance(part, DeltaNet):
            widths += [part.key_heads, part.value_heads]
        else:
            widths.append(part.heads)
        if isinstance(part, Grouped) and part.kv_heads % ways and ways % part.kv_heads:
            return False
    return all(width % ways == 0 for width in widths)
