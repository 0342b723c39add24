"""Every quantity that neither tokens nor accelerators matter to."""

from __future__ import annotations

from fractions import Fraction

from tests.support.layers_oracle.counts import forward, parameters
from tests.support.layers_oracle.held import cached, padded, serving_memory
from tests.support.layers_oracle.space import Design
from tests.support.layers_oracle.tables import Tables
from tests.support.oracle.counts import context_length, value_bytes


def costs(a: Design, tables: Tables) -> dict[str, Fraction]:
    """Quantities of a design, by name."""
    serving = tables.get("serving", {})
    total, active, inner = parameters(a)
    each = sum(g.count * padded(g.mixer, a.d_model, serving) for g in a.groups)
    found = {
        "layers": a.layers,
        "d_model": a.d_model,
        "parameters": total,
        "active_parameters": active,
        "non_embedding_parameters": inner,
        "kv_bytes_per_token": each * value_bytes(serving, "kv"),
        "kv_cache": cached(a, tables, held=False),
        "serving_memory": serving_memory(a, tables),
        "inference_flops_per_token": forward(a, context_length(tables)),
    }
    return {name: Fraction(value) for name, value in found.items()}
