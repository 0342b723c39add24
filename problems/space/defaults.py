"""What a space leaves to defaults that decide a design, in one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.structures import LATENT, Structure
from modelsizer.problems.space.heads import kv_menu
from modelsizer.problems.space.layouts import offered_by_default
from modelsizer.problems.space.stacks import periods, structures, windows
from modelsizer.problems.tables.space import (
    DEFAULT_GATED_RATIO,
    DEFAULT_HEAD_DIM,
    DEFAULT_PLAIN_RATIO,
    Space,
)
from modelsizer.problems.tables.training import Training


def defaults_line(
    space: Space, of: Sequence[Structure] | None = None, training: Training | None = None
) -> str:
    """Say which choices the file leaves open and a default decides.

    Parameters
    ----------
    space : Space
    of : sequence of Structure, optional
        Only what designs of these structures have; by default of all that the space offers.
    training : Training, optional
        Whose parallel layouts are said too.

    Returns
    -------
    str
        Such as ``defaults: head_dim 128, kv_heads of heads/8, heads/4 or heads``; empty if the file
        leaves nothing open.
    """
    some = structures(space) if of is None else of
    ways = {} if training is None else offered_by_default(training)
    words = list(dict.fromkeys(_decided(space, some)))
    if ways:
        most = " and ".join(f"{name} to {menu.numbers[-1]}" for name, menu in ways.items())
        words.append(f"layouts of powers of two ({most})")
    return f"defaults: {', '.join(words)}" if words else ""


def _decided(space: Space, some: Sequence[Structure]) -> Iterator[str]:
    given = space.model_fields_set
    blocks = {structure.block: structure for structure in some}
    if "block" not in given:
        yield f"block {space.block}"
    for block in blocks:
        yield from _pattern(space, block, [each for each in some if each.block == block])
    if any(each.attention == "grouped" for each in some):
        if space.heads is None and space.head_dim is None:
            yield f"head_dim {DEFAULT_HEAD_DIM}"
        if space.kv_heads is None and space.kv_group is None:
            for block in blocks:
                yield f"kv_heads {_kv_heads(space, block)}"
    if space.d_ff is None and space.ffn_ratio is None:
        for each in some:
            if each.dense:
                gated = BLOCKS[each.block].gated
                yield f"ffn_ratio {DEFAULT_GATED_RATIO if gated else DEFAULT_PLAIN_RATIO}"
    if "tied_embeddings" not in given:
        yield "untied embeddings"
    if space.experts is not None and any(each.experts for each in some):
        held = space.experts.model_fields_set
        if "shared" not in held:
            yield "no shared experts"
        if "dense_layers" not in held:
            yield "no dense layers beside experts"
    if space.latent is not None and any(each.attention == "latent" for each in some):
        unset = [name for name in LATENT if name not in space.latent.model_fields_set]
        for name in unset:
            yield f"{name} {getattr(space.latent, name).numbers[0]}"


def _kv_heads(space: Space, block: str) -> str:
    groups = sorted((Fraction(n) for n in kv_menu(space, block)[1].numbers), reverse=True)
    words = ["heads" if group == 1 else f"heads/{group}" for group in groups]
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _pattern(space: Space, block: str, some: Sequence[Structure]) -> Iterator[str]:
    """Yield what is published of a block's layers and the space does not set itself."""
    kinds = {each.between for each in some} - {""}
    if space.attention is None and BLOCKS[block].attention != "grouped":
        yield f"{BLOCKS[block].attention} attention of {block}"
    if space.full_layers is not None or not kinds:
        return
    seen = windows(space, block)
    window = f"windows of {seen[0]:,}" if "window" in kinds and space.window is None else ""
    (period, *_) = periods(space, block)
    if space.full_every is not None:
        if window:
            yield f"{window} of {block}"
        return
    others = window if space.between is None and window else ""
    if space.between is None and not window:
        others = " and ".join(sorted(kinds - {"window"}))
    yield f"one full layer in {period}{', between ' + others if others else ''} of {block}"
