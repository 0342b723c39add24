"""Warnings about a solved design, each with a remedy, the most consequential first."""

from __future__ import annotations

from modelsizer.optimizer.evidence import beyond_evidence, extrapolations
from modelsizer.optimizer.menu_advice import blind_choices, choices_seen, menu_ends
from modelsizer.optimizer.warning import AnswerWarning, Consequence, ordered
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.laws.reach import caution
from modelsizer.problems.problem import Problem
from modelsizer.problems.requirements.device_limits import OF_TABLES, usable_memory
from modelsizer.problems.requirements.references import model_of
from modelsizer.problems.space.layouts import MOST_TENSOR
from modelsizer.problems.tables.limits import read_reference
from modelsizer.problems.tables.tokenizer import Tokenizer
from modelsizer.problems.units import format_apart, format_quantity

GOOD_EPOCHS = 4
"""Repeating data up to four times is nearly as good as new data (Muennighoff et al. 2023,
arXiv 2305.16264, abstract)."""

PADDING = 0.01
"""Share of a vocabulary by which rows are padded at most: 50,257 to 50,304, 151,936 to 152,064."""


def advice(problem: Problem, design: Evaluation) -> list[AnswerWarning]:
    """Warnings about a design, the most consequential first.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
        The best design found.
    """
    problem = problem.under(design.layout)
    return ordered(
        [
            *_of_loss(problem, design),
            *blind_choices(problem, design),
            *_memory(problem, design),
            *unknown_advice(problem),
            *_vocabularies(problem, design),
            *menu_ends(problem, design),
            *_replicas(problem, design),
            *_far_ways(problem, design),
        ]
    )


def loss_advice(problem: Problem, design: Evaluation) -> list[AnswerWarning]:
    """Warnings about the loss of a given architecture: how far the law and the data reach."""
    if design.unjudged:
        return _epochs(problem, design)
    said = caution(problem.quality, design.architecture)
    kinds = [AnswerWarning(Consequence.WRONG, said, "objective.law")] if said else []
    return ordered([*_of_loss(problem, design), *kinds])


def _of_loss(problem: Problem, design: Evaluation) -> list[AnswerWarning]:
    law = problem.law
    found = []
    if law.caution:
        text = f"take {law.name} with caution: {law.caution}"
        found.append(AnswerWarning(Consequence.WRONG, text, "objective.law"))
    if design.loss <= 0:
        text = (
            f"{law.name} predicts a loss of {design.loss:g}, and none is below 0: it means nothing "
            "so far outside its data; narrow the space, or mend the law"
        )
        return [AnswerWarning(Consequence.WRONG, text, "objective.law"), *found]
    return [
        *found,
        *extrapolations(problem, design),
        *beyond_evidence(problem, design),
        *_epochs(problem, design),
    ]


def _memory(problem: Problem, design: Evaluation) -> list[AnswerWarning]:
    """Warnings if the accelerators that are named do not hold what they serve or train.

    What fits them is a limit, unless the problem gives another one or lifts it, or its memory or
    the number of accelerators is not known.
    """
    if problem.training.device is problem.serving.device is None:
        return []
    found: list[AnswerWarning] = []
    for table, quantity in OF_TABLES.items():
        settings = problem.serving if table == "serving" else problem.training
        most, used = usable_memory(settings), design.exact.get(quantity)
        if most is None or used is None or used <= most:
            continue
        key, given = f"budgets.{quantity}", problem.budgets
        if quantity in given.limits:
            remedy = f"leave {key} out, and what fits is the limit"
        elif quantity in given.said:
            remedy = f'{key} = "none" lifts the limit of what fits'
        else:
            remedy = "give training.accelerators, and what fits is the limit"
        taken, held = format_apart(float(used), float(most), "bytes")
        text = f"{quantity} {taken} is more than fits {settings.named.name}, {held}: {remedy}"
        over = float(used) / max(most, 1)
        found.append(AnswerWarning(Consequence.WRONG, text, key, over))
    return found


def unknown_advice(problem: Problem) -> list[AnswerWarning]:
    """Warnings about figures that are not known of the accelerators that are named.

    Parameters
    ----------
    problem : Problem
        Of single values.
    """
    if not problem.devices:
        return []
    # Loaded only where it is asked, as parts of memory are.
    from modelsizer.problems.designs.unknown_figures import unknown_memory, unknown_speeds

    return [
        AnswerWarning(Consequence.HYGIENE, said)
        for said in (*unknown_memory(problem), *unknown_speeds(problem))
    ]


def _vocabularies(problem: Problem, design: Evaluation) -> list[AnswerWarning]:
    """A warning if vocabularies were compared by a law that does not see them.

    A token of a larger vocabulary holds more text, so that losses in nats a token do not compare
    (Tao et al. 2024, arXiv 2407.13623, section 2.2).
    """
    menu, own = problem.space.vocab_size, int(design.architecture.trunk.vocab_size)
    if problem.tokenizer is not None:
        return _drawn_bytes(problem.tokenizer, own)
    if "vocab_size" in choices_seen(problem):
        return []
    other = _other_tokenizer(problem, own)
    if menu.size < 2:
        return other
    text = (
        f"nats a token of two tokenizers do not compare: vocab_size = {own} is what was left room "
        "for; offer one, or give tokenizer.bytes_per_token"
    )
    return [AnswerWarning(Consequence.WRONG, text, "space.vocab_size"), *other]


def _other_tokenizer(problem: Problem, own: int) -> list[AnswerWarning]:
    """A warning if the limit on the loss is that of a model of another vocabulary."""
    limit = problem.budgets.limits.get("loss")
    said = "" if limit is None else limit.max_as or limit.min_as
    if not said:
        return []
    source, _ = read_reference(said)
    theirs = int(model_of(source).architecture.trunk.vocab_size)
    if abs(theirs - own) <= PADDING * own:
        return []
    text = (
        f"nats a token of two tokenizers do not compare: budgets.loss is that of {source}, of "
        f"vocab_size = {theirs} where the design has {own}; give tokenizer.bytes_per_token"
    )
    return [AnswerWarning(Consequence.WRONG, text, "budgets.loss")]


def _drawn_bytes(tokenizer: Tokenizer, vocab_size: int) -> list[AnswerWarning]:
    """A warning if a vocabulary's bytes a token are drawn far from those given."""
    if not tokenizer.far_from(vocab_size):
        return []
    low, high = tokenizer.ends
    text = (
        f"{float(tokenizer.bytes_of(vocab_size)):g} bytes a token of {vocab_size:,} are a guess: "
        f"the curve was given {low:,} to {high:,}; count them on your data"
    )
    return [AnswerWarning(Consequence.EVIDENCE, text, "tokenizer.bytes_per_token")]


def _epochs(problem: Problem, design: Evaluation) -> list[AnswerWarning]:
    unique, seen = problem.training.unique_tokens, problem.law.most_epochs
    good = GOOD_EPOCHS if seen is None else seen
    if unique is None or design.text <= good * unique:
        return []
    epochs = float(design.text / unique)
    text = (
        f"{format_quantity(design.text, 'tokens', 3)} tokens are {epochs:.1f} epochs: past "
        f"{good:g}, repeated tokens are worth less than {problem.law.name} says"
    )
    return [AnswerWarning(Consequence.EVIDENCE, text, "training.unique_tokens", epochs / good)]


def _replicas(problem: Problem, design: Evaluation) -> list[AnswerWarning]:
    kv_heads = architecture_dict(design.architecture)["kv_heads"] or 0
    ways = problem.serving.tensor_parallel
    if not kv_heads or kv_heads >= ways:
        return []
    text = (
        f"kv_heads = {kv_heads} on tensor_parallel = {ways}: each kv head is held "
        f"{ways // kv_heads} times, and serving_memory counts it so"
    )
    return [AnswerWarning(Consequence.HYGIENE, text, "serving.tensor_parallel")]


def _far_ways(problem: Problem, design: Evaluation) -> list[AnswerWarning]:
    """Warnings about more ways of tensor parallelism than a server commonly has accelerators.

    A decode step is taken to have the link of the accelerator between all ways, and training the
    same MFU under every layout.
    """
    found = []
    serving, training = problem.serving, problem.training
    if serving.device is not None and (ways := serving.tensor_parallel) > MOST_TENSOR:
        text = (
            f"serving.tensor_parallel = {ways} is taken to have the link of {serving.named.name} "
            f"between all ways, which is so only where a server joins as many; most join "
            f"{MOST_TENSOR}"
        )
        found.append(AnswerWarning(Consequence.EVIDENCE, text, "serving.tensor_parallel"))
    if training.device is not None and (ways := design.layout.tensor_parallel) > MOST_TENSOR:
        text = (
            f"training.tensor_parallel = {ways} is taken to reach the MFU of measured runs, which "
            f"kept it within a server of {MOST_TENSOR}; give training.mfu, or fewer ways"
        )
        found.append(AnswerWarning(Consequence.EVIDENCE, text, "training.tensor_parallel"))
    return found
