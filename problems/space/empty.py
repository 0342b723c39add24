"""Why a space has no design: the keys whose rules leave none, with what would be right."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from modelsizer.problems.errors import Fault
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.counting import has_design
from modelsizer.problems.space.splits import Split, whole_divides
from modelsizer.problems.space.stacks import attentions, between, listed
from modelsizer.problems.tables.menus import MAX_VALUE, Choice, Menu
from modelsizer.problems.tables.space import Space


@dataclass(frozen=True)
class _Rule:
    """A rule that leaves designs out.

    Parameters
    ----------
    key : str
        Dotted, where a fault is reported.
    message : str
        After "no design: ".
    menus : dict
        Menus that keep the rule whatever the others are.
    without : str
        Another way to lift it: ``"window"``, ``"tensor"``, ``"expert"`` or ``"pipeline"``.
    alone : bool
        Whether it is known to leave no design, whatever the other rules do.
    """

    key: str
    message: str
    menus: dict[str, Any]
    without: str = ""
    alone: bool = False


def empty_space(space: Space, splits: Sequence[Split]) -> list[Fault]:
    """Faults that name the keys whose rules leave no design, if there is none.

    All rules are lifted, and put back one at a time as long as some design is left: those that
    cannot be put back are named, so that no rule is blamed for what another one does.

    Parameters
    ----------
    space : Space
    splits : sequence of Split
        What each parallel layout asks of an architecture.
    """
    if has_design(space, splits):
        return []
    rules = list(_rules(space, splits))
    lifted = list(rules)
    for rule in rules:
        if rule.alone:
            continue
        left = [other for other in lifted if other is not rule]
        if has_design(*_without(space, splits, left)):
            lifted = left
    return [Fault(f"space.{r.key}".rstrip("."), f"no design: {r.message}") for r in lifted]


def _without(
    space: Space, splits: Sequence[Split], rules: Sequence[_Rule]
) -> tuple[Space, list[Split]]:
    """Space and splits without some rules."""
    lifted = {rule.without for rule in rules}
    for rule in rules:
        space = space.with_menus(rule.menus)
    if "window" in lifted:
        space = space.within(MAX_VALUE)
    return space, [
        Split(
            () if "tensor" in lifted else split.ways,
            1 if "pipeline" in lifted else split.stages,
            () if "expert" in lifted else split.experts,
            () if "tensor" in lifted else split.slices,
        )
        for split in splits
    ]


def _rules(space: Space, splits: Sequence[Split]) -> Iterator[_Rule]:
    """Yield the rules of a space, those first that are blamed last."""
    whole = math.lcm(
        *(n for split in splits for n in (*split.ways, *split.of_experts))
    )  # divides by all ways
    yield from _of_stacks(space)
    yield from _of_feed_forwards(space, whole)
    linear = {key: Menu((whole,)) for key in ("key_heads", "value_heads", "heads", "groups")}
    held = listed(space.between) if space.between is not None else ()
    for kind, key, of in (
        ("gated-deltanet", "key_heads", "value_heads"),
        ("mamba2", "groups", "heads"),
    ):
        yield _Rule(
            f"linear.{key}" if kind in held else "between",
            f"divides no number of {of} that space.linear offers; offer another",
            {f"linear.{key}": linear[key], f"linear.{of}": linear[of]},
        )
    if space.heads is None or space.head_dim is None:
        group = space.kv_heads or space.kv_group
        some = Menu((whole * (1 if group is None else _least(group)),))
        yield _Rule(
            "heads" if space.heads is not None else "head_dim",
            "divides no d_model of the space; offer another, or other widths",
            {"heads": some, "head_dim": Menu((1,))},
        )
    yield _Rule(
        "kv_group" if space.kv_group is not None else "kv_heads",
        "divides no number of heads of the space; offer another",
        {"kv_heads": None, "kv_group": None},
    )
    yield from _of_splits(space, splits)
    yield _Rule(
        "aspect_ratio",
        "no d_model / layers of the space keeps this; widen it, or layers or d_model",
        {"aspect_ratio": None},
    )


def _of_stacks(space: Space) -> Iterator[_Rule]:
    """Yield the rules of how many layers are full, and of what is between them."""
    most, one = _most(space.layers), Menu((1,))
    if space.full_layers is not None:
        yield _Rule(
            "full_layers",
            f"no number of layers, at most {most}, has so many full layers; offer fewer",
            {"full_layers": one},
        )
    elif space.full_every is not None:
        least = _least(space.full_every)
        yield _Rule(
            "full_every",
            f"{most} layers have no full layer if one in {least} is full; "
            f"offer at most {most}, or more layers",
            {"full_every": one},
        )
    yield _Rule(
        "window",
        f"no window is shorter than the longest context, {space.longest_context:,} tokens, so "
        "that it does nothing; offer a shorter one, or full_every = 1",
        {},
        "window",
    )
    if all(attentions(space, block) == ("latent",) for block in listed(space.block)):
        others = sorted({kind for block in listed(space.block) for kind in between(space, block)})
        yield _Rule(
            "between",
            'latent attention goes with full_every = 1 or between = "gated-deltanet", '
            f"not {' or '.join(others)}",
            {"between": "gated-deltanet"},
        )
    if space.experts is not None:
        dense = space.experts.dense_layers
        yield _Rule(
            "experts.dense_layers",
            f"the first {_least(dense)} of at most {most} layers are dense, which leaves none to "
            "experts; offer fewer, or more layers",
            {"experts.dense_layers": Menu((0,))},
        )


def _of_feed_forwards(space: Space, whole: int) -> Iterator[_Rule]:
    """Yield the rules of experts, and of widths that round to nothing."""
    if space.d_ff is None:
        yield _Rule(
            "ffn_ratio",
            "every d_ff rounds to 0; offer a larger ratio, or a smaller ffn_multiple",
            {"d_ff": Menu((whole,)), "ffn_ratio": None, "ffn_multiple": None},
        )
    if space.experts is None:
        return
    yield _Rule(
        "experts.active",
        f"a token cannot use {_least(space.experts.active)} of at most "
        f"{_most(space.experts.routed)} experts; offer at most as many as experts.routed",
        {"experts.active": Menu((1,))},
    )
    if space.experts.d_ff is None:
        yield _Rule(
            "experts.granularity",
            "every d_ff of experts rounds to 0; offer less, or a smaller experts.ffn_multiple",
            {
                "experts.d_ff": Menu((whole,)),
                "experts.granularity": None,
                "experts.ffn_multiple": None,
            },
        )


def _of_splits(space: Space, splits: Sequence[Split]) -> Iterator[_Rule]:
    """Yield what parallel layouts divide."""
    if all(split.ways for split in splits):
        every = min(math.lcm(*split.ways) for split in splits)
        vocabularies = [int(v) for v in space.vocab_size.numbers]
        if not any(whole_divides(v, split.ways) for v in vocabularies for split in splits):
            up = -(-vocabularies[0] // every) * every
            yield _Rule(
                "vocab_size",
                f"{vocabularies[0]} does not divide by tensor_parallel = {every}; pad it to {up}",
                {"vocab_size": Menu((up,))},
                alone=True,
            )
    if all(split.ways or split.slices for split in splits):
        every = min(math.lcm(*split.ways, *split.of_experts) for split in splits)
        yield _Rule(
            "",
            "no heads, kv_heads and widths of feed-forwards of the space divide by "
            f"tensor_parallel = {every}; offer others",
            {},
            "tensor",
        )
    if space.experts is not None and all(split.experts for split in splits):
        ways = min(math.lcm(*split.experts) for split in splits)
        yield _Rule(
            "experts.routed",
            f"no number of experts of the space divides by expert_parallel = {ways}; "
            "offer a multiple of it",
            {},
            "expert",
        )
    stages = " or ".join(str(n) for n in sorted({split.stages for split in splits}))
    yield _Rule(
        "layers",
        f"no depth of the space divides into {stages} pipeline stages; offer others",
        {},
        "pipeline",
    )


def _least(menu: Choice) -> int:
    return int(min(menu.numbers))


def _most(menu: Choice) -> int:
    return int(max(menu.numbers))
