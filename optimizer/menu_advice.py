"""Warnings about menus: choices that nothing prices, and ends of menus that the optimum is at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from modelsizer.optimizer.warning import AnswerWarning, Consequence
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.choices import BY_NAME, CHOICES
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.laws.features import Seen, parts_of
from modelsizer.problems.laws.stack_values import base_name
from modelsizer.problems.problem import Problem
from modelsizer.problems.space.heads import kv_menu
from modelsizer.problems.space.stacks import listed
from modelsizer.problems.tables.menus import Choice
from modelsizer.problems.tables.space import Space

_LEAST_SHOWN = 2  # values of a menu from which it is a choice


def choices_seen(problem: Problem) -> set[Seen]:
    """Widths that change the loss, by the law or by the terms of ablations."""
    judged = problem.quality.ablations
    told = {"kv_heads": "kv_heads", "ffn": "d_ff"}
    unseen = () if judged is None else judged.unseen
    law = {base_name(str(part)) for part in parts_of(problem.law.features)}
    return {*law, *(told[term] for term in unseen if term in told)}


# Menus whose values are no value of a choice, and how a design reads in them.

_Read = Callable[[Architecture], float]


def _ratio(over: str, under: str) -> _Read:
    def read(architecture: Architecture) -> float:
        below = BY_NAME[under].of(architecture)
        return BY_NAME[over].of(architecture) / below if below else 0.0

    return read


def _granularity(architecture: Architecture) -> float:
    width = BY_NAME["expert_d_ff"].of(architecture)
    return 2 * architecture.trunk.d_model / width if width else 0.0


_RATIOS: Mapping[str, _Read] = {
    "kv_group": _ratio("heads", "kv_heads"),
    "ffn_ratio": _ratio("d_ff", "d_model"),
    "full_every": _ratio("layers", "full_layers"),
    "experts.granularity": _granularity,
}
_MULTIPLES = ("ffn_multiple", "experts.ffn_multiple")
"""Keys that round a width, which another key offers."""


def _taken(space: Space, architecture: Architecture) -> Iterator[tuple[str, Any, Any]]:
    """Key, value and menu of every key that offers several values and has one in the design."""
    latent = bool(BY_NAME["kv_lora_rank"].of(architecture))
    usual = None
    if space.kv_heads is None and architecture.block in BLOCKS:
        usual = kv_menu(space, architecture.block)[1]
    for choice in CHOICES:
        for key in choice.menus:
            menu = usual if key == "kv_group" else space.menu(key)
            size = menu.size if isinstance(menu, Choice) else len(listed(menu or ()))
            if size < _LEAST_SHOWN or key in _MULTIPLES:
                continue
            if choice.name == "heads" and (key == "latent.heads") != latent:
                continue
            if not isinstance(menu, Choice):
                yield key, choice.value(architecture), None
                continue
            value = _RATIOS[key](architecture) if key in _RATIOS else choice.of(architecture)
            if key in _RATIOS and value:
                value = min(menu.numbers, key=lambda n: abs(n - value))
            if value or (key == "latent.q_lora_rank" and latent):
                yield key, value, menu


def _unpriced(problem: Problem) -> set[str]:
    """Keys of ``[space]`` that no law and no term of ablations sees."""
    space, seen = problem.space, choices_seen(problem)
    judged = problem.quality.ablations is not None
    found = {"tied_embeddings", "block"}
    found |= {key for choice in CHOICES for key in choice.menus if key.startswith("linear.")}
    if "kv_heads" not in seen:
        found |= {"kv_heads", "kv_group"}
    if "d_ff" not in seen:
        found |= {"d_ff", "ffn_ratio"}
    if {"gated-deltanet", "mamba2"} <= set(listed(space.between)):
        found.add("between")  # the term of layers with a state does not tell them apart
    if not judged:
        found |= {"full_every", "full_layers", "window", "attention", "between"}
        found |= {key for choice in CHOICES for key in choice.menus if key.startswith("latent.")}
    if problem.settings.experts == "active" and "experts" not in seen:
        found |= {"experts.routed", "experts.granularity"}
    both = space.heads is not None and space.head_dim is not None
    if "d_ff" not in seen or not both:
        found |= {"heads", "head_dim"}
    elif space.heads is not None and space.heads.size > 1:
        found.add("head_dim")  # the product is seen, not how it is divided
    return found - {str(name) for name in seen}


def blind_choices(problem: Problem, design: Evaluation) -> list[AnswerWarning]:
    """A warning that names the choices that nothing prices, if there are any.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
    """
    if problem.objective.quantity != "loss" and "loss" not in problem.budgets.limits:
        return []
    found, architecture, space = [], design.architecture, problem.space
    if not problem.quality.prices_shape and space.layers.size > 1:
        found.append(
            AnswerWarning(
                Consequence.WRONG,
                f"{problem.law.name} is blind to depth and width: {architecture.layers} layers of "
                f'{architecture.trunk.d_model} cost least; take shape = "gemstones-2025"',
                "objective.shape",
            )
        )
    unpriced = _unpriced(problem)
    taken = [(key, value) for key, value, _ in _taken(space, architecture) if key in unpriced]
    if taken:
        words = ", ".join(f"{key} = {_written(value)}" for key, value in taken)
        chose = "costs and ties chose " + ("it" if len(taken) == 1 else "them")
        fix = "offer one value" if len(taken) == 1 else "offer one value of each"
        text = f"the loss law is blind to {words}: {chose}; {fix}"
        found.append(AnswerWarning(Consequence.WRONG, text, f"space.{taken[0][0]}"))
    return found


def _written(value: Any) -> str:
    if isinstance(value, str | bool):
        return str(value).lower()
    return f"{float(value):.6g}" if float(value) != int(value) else str(int(value))


_LEAST: Mapping[str, float] = {
    "layers": 1,
    "kv_heads": 1,
    "kv_group": 1,
    "full_every": 1,
    "experts.active": 1,
}
"""Values of menus below which there is nothing."""
_ENDS = (
    "layers",
    "d_model",
    "kv_heads",
    "kv_group",
    "d_ff",
    "ffn_ratio",
    "full_every",
    "full_layers",
    "window",
    "experts.routed",
    "experts.active",
    "experts.d_ff",
    "experts.granularity",
)
"""Menus of which a value beyond the end may be better."""


def menu_ends(problem: Problem, design: Evaluation) -> list[AnswerWarning]:
    """A warning that names the menus that end at the design, if there are any.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
    """
    unpriced, architecture = _unpriced(problem), design.architecture
    heads = BY_NAME["heads"].of(architecture)
    ends = _ENDS if problem.tokenizer is None else (*_ENDS, "vocab_size")
    found = []
    for key, value, menu in _taken(problem.space, architecture):
        if key not in ends or key in unpriced or problem.space.menu(key) is None:
            continue  # a default's menu is no one's, and the answer names it
        least, most = menu.numbers[0], menu.numbers[-1]
        last = value == heads and key in ("kv_heads", "kv_group")
        if value == most and not last:
            found.append((key, value, "most"))
        elif value == least and value != _LEAST.get(key):
            found.append((key, value, "least"))
    if not found:
        return []
    words = ", ".join(f"{key} = {_written(value)} ({end})" for key, value, end in found)
    where = "the end of its menu" if len(found) == 1 else "the ends of their menus"
    text = f"at {where}: {words}; a better design may lie beyond"
    return [AnswerWarning(Consequence.MENU_END, text, f"space.{found[0][0]}")]
