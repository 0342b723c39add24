"""What no single key of a problem can see: alternatives, names, tokens, too large a space."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.choices import MENUS
from modelsizer.problems.columns import LARGEST_INT64
from modelsizer.problems.errors import Fault, ProblemError, did_you_mean, short
from modelsizer.problems.laws.features import parts_of
from modelsizer.problems.laws.laws import TokenLaw
from modelsizer.problems.laws.own_terms import bands_of
from modelsizer.problems.laws.published import TOKEN_LAWS
from modelsizer.problems.laws.reach import OF_ATTENTION, OF_FEED_FORWARD
from modelsizer.problems.laws.reading import PREFIX, law_named
from modelsizer.problems.laws.shapes import SHAPE_LAWS
from modelsizer.problems.laws.stack_values import WINDOW, base_name
from modelsizer.problems.quantities.needs import lacking
from modelsizer.problems.quantities.quantity import Settings
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.requirements.objective import BUDGET, Objective
from modelsizer.problems.requirements.token_limits import TokenLimits
from modelsizer.problems.space.heads import kv_menu
from modelsizer.problems.space.stacks import attentions, between, listed, structures
from modelsizer.problems.tables.menus import Choice, Interval, Menu
from modelsizer.problems.tables.space import Space
from modelsizer.problems.tables.tokenizer import Tokenizer, check_menu
from modelsizer.problems.tables.training import Training
from modelsizer.problems.units import format_number


def check_alternatives(space: Space) -> None:
    """Refuse two keys of which only one makes sense.

    Raises
    ------
    ValueError
        ``"@key message"``; `modelsizer.problems.reading.faults_of` gives it its key. So do all
        checks here.
    """
    for first, second in (
        ("kv_heads", "kv_group"),
        ("d_ff", "ffn_ratio"),
        ("d_ff", "ffn_multiple"),
        ("full_every", "full_layers"),
        ("experts.d_ff", "experts.granularity"),
        ("experts.d_ff", "experts.ffn_multiple"),
    ):
        if space.menu(first) is not None and space.menu(second) is not None:
            raise ValueError(f"@space.{second} give {first} or {second}, not both")
    _check_mixed(space)


def _check_mixed(space: Space) -> None:
    """Refuse kinds of layer that lack what they are made of, or that do not go together."""
    blocks = listed(space.block)
    latent = [block for block in blocks if "latent" in attentions(space, block)]
    if latent and space.latent is None:
        asked = 'attention = "latent"' if space.attention else f"block = {latent[0]!r}"
        raise ValueError(
            f"@space.latent is needed by {asked}: write "
            "[space.latent] with heads, such as heads = [32, 64, 128]"
        )
    if space.experts is not None and space.experts.granularity is space.experts.d_ff is None:
        raise ValueError(
            "@space.experts.granularity give granularity = 2 d_model / d_ff, or d_ff itself"
        )
    period = 1 if space.full_every is None else int(min(space.full_every.numbers))
    windowed = [block for block in blocks if between(space, block) == ("window",)]
    if period > 1 and windowed:
        if space.window is None and not all(BLOCKS[block].window for block in windowed):
            raise ValueError(
                "@space.window is needed between full layers: write window = [512, 1024], or "
                'between = "gated-deltanet"'
            )
        if len(windowed) == len(blocks) == len(latent) and all(
            attentions(space, block) == ("latent",) for block in blocks
        ):
            raise ValueError(
                "@space.between latent attention goes with full_every = 1 or "
                'between = "gated-deltanet"; windows between latents are no design'
            )


def check_laws(objective: Objective, own_laws: Iterable[str]) -> None:
    """Refuse laws and files of terms that there are not.

    Raises
    ------
    ValueError
        See `check_alternatives`.
    """
    if objective.law.startswith(PREFIX):
        try:
            law_named(objective.law)
        except ProblemError as error:
            reasons = "; ".join(str(error).splitlines())
            raise ValueError(f"@objective.law {reasons}") from None
        own_laws = [*own_laws, objective.law]
    try:
        bands_of(objective.ablations)
    except ProblemError as error:
        reasons = "; ".join(str(error).splitlines())
        raise ValueError(f"@objective.ablations {reasons}") from None
    for key, what, name, known in (
        ("law", "law", objective.law, [*own_laws, *TOKEN_LAWS]),
        ("shape", "shape law", objective.shape, list(SHAPE_LAWS)),
    ):
        if name is not None and name not in known:
            if why := _why_not(key, name):
                raise ValueError(f"@objective.{key} {name} cannot be solved with: {why}")
            hint = did_you_mean(name, known)
            raise ValueError(
                f"@objective.{key} unknown {what} {short(name)}{hint}; known: {', '.join(known)}"
            )


def _why_not(key: str, name: str) -> str:
    """Why a law of the catalogue is none to solve with; empty for anything else."""
    from modelsizer.problems.laws.pages import LAW_PAGES  # every page is read only for this message

    page = LAW_PAGES.get(name) if key == "law" else None
    return "" if page is None else page.why_not


def check_shape(objective: Objective, law: TokenLaw) -> None:
    """Refuse a shape law beside a law that prices width or depth itself.

    Raises
    ------
    ValueError
        See `check_alternatives`.
    """
    if objective.shape not in (None, "none") and law.sees_shape:
        raise ValueError(
            f"@objective.shape {law.name} prices width and depth itself, and {objective.shape} "
            'would count them twice; leave shape out, or set it to "none"'
        )


def check_reach(law: TokenLaw, space: Space) -> None:
    """Refuse a law that sees widths which some designs of the space have not.

    Raises
    ------
    ValueError
        See `check_alternatives`.
    """
    seen = {base_name(str(part)) for part in parts_of(law.features)}
    windows = [WINDOW] if WINDOW in seen else []
    attention, ffn = sorted(seen & OF_ATTENTION), sorted(seen & OF_FEED_FORWARD)
    if not attention and not ffn and not windows:
        return
    for structure in structures(space):
        lacks = (
            (attention, structure.attention == "latent", "latent attention (space.attention)"),
            (
                attention,
                structure.between not in ("", "window"),
                f"{structure.between} layers (space.between)",
            ),
            (ffn, structure.experts, "experts (space.experts)"),
            (
                windows,
                structure.between not in ("", "window"),
                f"{structure.between} layers (space.between)",
            ),
        )
        for names, is_so, what in lacks:
            if names and is_so:
                raise ValueError(
                    f"@objective.law {law.name} sees {', '.join(names)}, which layers with {what} "
                    "have not; leave these out of the space, or take a law of N and D"
                )


def check_tokenizer(tokenizer: Tokenizer | None, law: TokenLaw, space: Space) -> None:
    """Refuse bytes a token that a law would count twice, or that a vocabulary lacks.

    Raises
    ------
    ValueError
        See `check_alternatives`.
    """
    if tokenizer is None:
        return
    if "vocab_size" in {str(part) for part in parts_of(law.features)}:
        raise ValueError(
            f"@tokenizer {law.name} sees vocab_size itself, and bytes a token would count it "
            "twice; leave [tokenizer] out, or take a law of N and D"
        )
    check_menu(tokenizer, [int(size) for size in space.vocab_size.numbers])


def check_experts(objective: Objective, law: TokenLaw) -> None:
    """Refuse another count of experts than the law's own.

    Raises
    ------
    ValueError
        See `check_alternatives`.
    """
    given = "experts" in objective.model_fields_set
    if law.experts is not None and given and objective.experts != law.experts:
        raise ValueError(
            f'@objective.experts {law.name} counts experts by "{law.experts}" itself; leave '
            "experts out"
        )


def _check_leverage(objective: Objective, limits: TokenLimits) -> None:
    """Refuse the budget as the FLOPs of the leverage of experts where none limits them.

    Raises
    ------
    ValueError
        See `check_alternatives`.
    """
    if objective.leverage_flops == BUDGET and limits.most_flops is None:
        raise ValueError(
            f'@objective.leverage_flops "{BUDGET}" is the most training FLOPs allowed, and nothing '
            "limits them for every design: give budgets.training_flops, or a number of FLOPs"
        )


def check_inputs(settings: Settings, limits: Mapping[str, Interval], objective: Objective) -> None:
    """Refuse a limit or an objective that lacks what it is computed from.

    Raises
    ------
    ValueError
        See `check_alternatives`.
    """
    asked = {f"budgets.{name}": name for name in limits}
    asked[f"objective.{objective.sense}"] = objective.quantity
    for key, quantity in asked.items():
        if lacks := lacking(settings, quantity):
            raise ValueError(f"@{key} {lacks}")


def check_tokens(
    limits: TokenLimits,
    training: Training,
    given: Mapping[str, Interval],
    objective: Objective,
) -> None:
    """Refuse a question whose tokens are contradictory, endless or none.

    Raises
    ------
    ValueError
        See `check_alternatives`.
    """
    _check_leverage(objective, limits)
    if not given and training.tokens is None:
        raise ValueError("@budgets give at least one budget, or training.tokens")
    if limits.most is not None and limits.least > limits.most:
        raise ValueError(
            f"@budgets.tokens at least {format_number(float(limits.least))} and at most "
            f"{format_number(float(limits.most))} "
            "tokens are asked for, by training.tokens and budgets.tokens together"
        )
    quantity = objective.quantity
    wants_most = quantity == "tokens" and objective.sense == "maximize"
    wants_least = QUANTITIES[quantity].of_tokens and not wants_most
    loss = given.get("loss")
    asks_loss = loss is not None and loss.max is not None
    if wants_least:
        if not (asks_loss or limits.least > 0 or limits.least_flops > 0):
            raise ValueError(
                f"@objective.minimize {quantity} would be zero: "
                "ask for a loss (budgets.loss) or a least number of tokens"
            )
    elif not limits.bounded and (quantity == "loss" or wants_most or asks_loss):
        raise ValueError(
            "@budgets nothing limits the training tokens: "
            "give training_flops, tokens or training.tokens"
        )


MAX_DESIGNS = LARGEST_INT64
"""Designs of a space: its blocks are counted in int64."""
MAX_WIDTHS = 2**24
"""Combinations of menus of widths that depend on each other: their table takes some 0.5 GiB."""
MAX_RATIOS = 2**20
"""Aspect ratios of widths: exact fractions, some microseconds each."""
MAX_STACKS = 2**20
"""Stacks of layers, which are listed: some microseconds each."""


def check_size(space: Space) -> list[Fault]:
    """Return a fault that names the longest menu, if the menus are too large to be searched.

    Parameters
    ----------
    space : Space
    """
    sizes = {
        key: menu.size if isinstance(menu, Choice) else len(listed(menu))
        for key in MENUS
        if (menu := space.menu(key)) is not None
    }
    if space.kv_heads is None and space.kv_group is None:
        sizes["kv_group"] = max(kv_menu(space, block)[1].size for block in listed(space.block))
    menus = tuple(sizes)
    if isinstance(space.aspect_ratio, Menu):
        sizes["aspect_ratio"] = space.aspect_ratio.size
    together: tuple[tuple[tuple[str, ...], int, str], ...] = (
        (menus, MAX_DESIGNS, "designs"),
        (("heads", "head_dim", "kv_heads", "kv_group"), MAX_WIDTHS, "combinations of heads"),
        (("d_model", "aspect_ratio"), MAX_RATIOS, "combinations of d_model and aspect_ratio"),
        (("layers", "full_every", "experts.dense_layers"), MAX_STACKS, "stacks of layers"),
        (("layers", "full_layers", "experts.dense_layers"), MAX_STACKS, "stacks of layers"),
        (("experts.routed", "experts.active"), MAX_WIDTHS, "combinations of experts"),
        (("linear.key_heads", "linear.value_heads"), MAX_WIDTHS, "combinations of linear heads"),
        (("linear.groups", "linear.heads"), MAX_WIDTHS, "combinations of linear heads"),
        (
            ("d_model", "experts.granularity", "experts.ffn_multiple"),
            MAX_WIDTHS,
            "hidden widths of experts",
        ),
    )
    if space.heads is None or space.head_dim is None:
        pairs = ("d_model", "heads", "head_dim")
        together += ((pairs, MAX_WIDTHS, "combinations of d_model and heads"),)
    if space.d_ff is None:
        columns = ("d_model", "ffn_ratio", "ffn_multiple")
        together += ((columns, MAX_WIDTHS, "hidden widths"),)
    for keys, most, what in together:
        here = {key: sizes[key] for key in keys if key in sizes}
        if (size := math.prod(here.values())) > most:
            key = max(here, key=lambda name: here[name])
            message = (
                f"has {here[key]:,} values; the menus together make up to "
                f"{format_number(size, 2)} {what}, and "
                f"at most {format_number(most, 2)} can be searched. Take a larger step"
            )
            return [Fault(f"space.{key}", message)]
    return []
