"""What a column holds, judged by its name: which parameters, tokens, FLOPs, or which loss.

A name is understood if every word of it is known; one that holds another word, such as
``tokens_per_second`` or ``embedding_params``, is of something else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from modelsizer.optimizer.fitting.column_names import Words, unit_word, words_of
from modelsizer.problems.records import dataclass


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LossKind = Literal["held out", "", "training"]

_COUNTING = _words("n num nr number of count counts total all the in final x")
_ALIKE = _words("input and nonpadding padding so far to date actual")

# Parameters
_PARAMETERS = _words("params param parameters parameter nparams nparam numparams size weights")
_OF_PARAMETERS = _COUNTING | _words("model trainable learnable precise exact lm")
_ACTIVE = _words("active activated act")
_NOT = _words(
    "non no not without wo ex excl excluding exclude excludes excluded minus less sans except free"
)
_WITH = _words("with w incl including include includes included plus")
_EMBEDDINGS = _words("emb embs embd embed embeds embedding embeddings embedded vocab vocabulary")
_OF_EMBEDDINGS = _words("token tok word tied position positional input output any")
_TAILS = _words("layer layers matrix matrices table tables head lm and")
_JOINED = {f"{no}{emb}" for no in ("non", "no", "wo", "ex", "excl") for emb in _EMBEDDINGS}
_BODY = _words("backbone body trunk")  # a model without its embeddings

# Tokens
_TOKENS = _words("token tokens tok toks ntokens ntoks ntok numtokens")
_OF_TOKENS = (
    _COUNTING
    | _ALIKE
    | _words(
        "training train trained seen processed consumed used cumulative data dataset budget "
        "pretraining pretrain"
    )
)

# FLOPs
_FLOPS = _words("compute c 6nd")
_OF_FLOPS = (
    _COUNTING
    | _ALIKE
    | _words(
        "training train trained used cumulative model cost budget pretraining pretrain "
        "approx estimated est"
    )
)
_OF_A_PLAN = _words("budget approx estimated est 6nd pretraining pretrain")

# Losses
_LOSS = _words("loss losses ce xent nll crossentropy crossentropyloss")
_OF_LOSS = _words(
    "final last end lm language model token tokens avg average mean macro micro overall total "
    "per nats nat smooth smoothed ema epoch step cross entropy ce nll at the in of"
)
_HELD_OUT = _words(
    "val valid validation validate eval evaluation evaluate dev heldout held out holdout"
)
_TEST = _words("test testing")
_TRAINING = _words("train training trained")
_OTHER_LOSS = _words(
    "aux auxiliary z balance balancing load router routing mtp kl distill distillation scale std "
    "stderr stddev err error var variance delta diff difference ratio grad gradient max min spike "
    "reg regularization regularizer weight weighted log rank excess predicted prediction pred "
    "fit fitted residual upper lower reducible irreducible count teacher initial init start ci "
    "improvement change slope bpb bpc ppl perplexity"
)
_PARTS = _words(
    "embedding embeddings embed emb head attention attn mlp ffn expert experts router teacher "
    "draft optimizer optim lora adapter vision unique val valid validation eval evaluation test "
    "dev"
)
"""Words of a context under which parameters, tokens or FLOPs are not those of the training run."""
_OPTIMIZER = _words("optimizer optim")  # whose tokens and FLOPs are those of the run


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a column's name.

    Parameters
    ----------
    rank : tuple of int
        Lowest for the name to prefer; names that say the same have the same.
    factor : float or None
        Of the unit in the name, if it states one.
    kind : str
        Of parameters: ``"total"``, ``"non_embedding"`` or ``"active"``; of a loss:
        ``"held out"``, ``"training"`` or empty.
    odd : str
        Text in brackets that is not understood.
    """

    rank: tuple[int, ...]
    factor: float | None = None
    kind: str = ""
    odd: str = ""


def read_name(key: str, name: str) -> Reading | None:
    """Read a column's name as one of the given key, or return None."""
    words = words_of(name)
    reader = _READERS.get(key)
    if reader is None:
        return _of_a_list(key, words)
    found = reader(key, words)
    if found is None:
        return None
    exactly = 0 if name == key and key != "loss" else 1  # "loss" alone does not say whose
    return Reading(
        (*found.rank, exactly, bool(words.context), bool(found.odd), len(words.leaf)),
        found.factor,
        found.kind,
        found.odd,
    )


def parameters_kind(name: str) -> str:
    """Which parameters a name says that it counts: without embeddings, active, or all."""
    words = words_of(name)
    rest, kind = _embeddings_of([*words.leaf, *words.bracketed])
    if not kind and _is_active(words, rest):
        return "active"
    return kind or "total"


def loss_kind(name: str) -> LossKind:
    """Whether a name says that a loss is of held-out or of training text."""
    return _loss_kind(words_of(name))


def _loss_kind(words: Words) -> LossKind:
    lower = {word.lower() for word in _every(words)}
    if lower & (_HELD_OUT | _TEST):
        return "held out"
    return "training" if lower & _TRAINING else ""


def unit_of_loss(name: str) -> str:
    """The unit that the name of a loss states, if it is not nats a token."""
    words = words_of(name)
    lower = {word.lower() for word in _every(words)}
    if lower & {"ppl", "perplexity"}:
        return "perplexity"
    for word in ("bpb", "bpc"):
        if word in lower:
            return word
    if lower & {"bit", "bits"}:
        return " ".join(words.bracketed) if words.bracketed else "bits"
    return ""


def _every(words: Words) -> tuple[str, ...]:
    return (*words.context, *words.leaf, *words.bracketed)


def _embeddings_of(words: list[str]) -> tuple[list[str], str]:
    """Words less those about embeddings, and the kind of parameters that these make."""
    words = [word for word in words if word.lower() not in _OF_EMBEDDINGS]
    rest: list[str] = []
    lower = [word.lower() for word in words]
    kind, i = "", 0
    while i < len(words):
        word = lower[i]
        after = lower[i + 1] if i + 1 < len(words) else ""
        if word in _JOINED or word in _BODY:
            kind = "non_embedding"
        elif (word in _NOT or word in _WITH) and after in _EMBEDDINGS:
            kind = "non_embedding" if word in _NOT else "total"
            i += 1
        elif word in _EMBEDDINGS and (after in _NOT or after in _WITH):
            kind = "non_embedding" if after in _NOT else "total"
            i += 1
        else:
            rest.append(words[i])
            i += 1
            continue
        i += 1
        while i < len(words) and (lower[i] in _TAILS or (kind and lower[i] in _EMBEDDINGS)):
            i += 1
    return rest, kind


def _is_active(words: Words, rest: list[str]) -> bool:
    lower = [word.lower() for word in rest]
    return bool(_ACTIVE & set(lower)) or (words.plain in ("na", "n_a") and "N" in words.leaf[0])


def _units_in(
    key: str, words: list[str], bracketed: frozenset[str]
) -> tuple[list[str], float | None]:
    """Words less those that state a unit, and its factor.

    A lower-case letter after a name of one letter is none: ``d_m`` is not tokens in millions.
    """
    rest: list[str] = []
    factors: dict[float, None] = {}
    named = [w for w in words if len(w) > 1 and unit_word(key, w) is None]
    for word in words:
        single = len(word) == 1 and not word.isupper() and word not in bracketed
        factor = unit_word(key, word)
        if factor is None or factor == 1 or (single and not named):
            rest.append(word)
        else:
            factors[factor] = None
    product = 1.0
    for factor in factors:
        product *= factor
    return rest, product if factors else None


def _quantity(
    key: str, words: Words, core: frozenset[str], filler: frozenset[str], low: frozenset[str]
) -> Reading | None:
    """Read a name of parameters, tokens or FLOPs whose words are all known."""
    letter = key.lower()
    in_brackets, odd = list(words.bracketed), ""
    rest, factor = _units_in(key, [*words.leaf, *in_brackets], frozenset(in_brackets))
    lower = [word.lower() for word in rest]
    known = core | filler | {letter}
    strange = [word for word in lower if word not in known and not _names_flops(key, word)]
    if strange and words.bracketed:
        if set(strange) - {word.lower() for word in words.bracketed}:
            return None
        odd = " ".join(words.bracketed)
    elif strange:
        return None
    cores = [w for w in lower if w in core or _names_flops(key, w)]
    stated = any(_names_flops(key, w.lower()) for w in (*words.leaf, *words.bracketed))
    if not cores and not stated and letter not in lower:
        return None
    if not cores and not stated and len([w for w in lower if w in filler - {letter}]) > 0:
        return None  # "n_total" is parameters by no usage
    return Reading((bool(low & set(lower)),), factor, "", odd)


def _names_flops(key: str, word: str) -> bool:
    """Whether a word is FLOPs, of any prefix."""
    return key == "C" and ("flop" in word or "flos" in word or word.endswith("~days"))


def _parameters(key: str, words: Words) -> Reading | None:
    if {word.lower() for word in words.context} & _PARTS:
        return None
    leaf, kind = _embeddings_of(list(words.leaf))
    inner, in_brackets = _embeddings_of(list(words.bracketed))
    kind = kind or in_brackets
    active = _is_active(words, [*leaf, *inner])
    if words.plain in ("na", "n_a"):
        return Reading((0,), None, "active", "") if active else None
    rest = Words(
        words.context,
        tuple(w for w in leaf if w.lower() not in _ACTIVE),
        tuple(w for w in inner if w.lower() not in _ACTIVE),
    )
    if not rest.leaf and kind == "non_embedding":
        return Reading((0,), None, kind, "")
    if active and rest.plain == "n":
        return Reading((0,), None, kind or "active", "")
    if rest.plain in ("weights", "model_weights"):
        return None
    found = _quantity(key, rest, _PARAMETERS, _OF_PARAMETERS, frozenset())
    if found is None:
        return None
    rank = (-1,) if kind == "total" else found.rank  # a name that says "with embeddings" is sure
    return Reading(rank, found.factor, kind or ("active" if active else "total"), found.odd)


def _tokens(key: str, words: Words) -> Reading | None:
    if {word.lower() for word in words.context} & (_PARTS - _OPTIMIZER):
        return None
    if words.plain in ("dataset_size", "data_size", "training_data_size", "data"):
        return Reading((1,))
    return _quantity(key, words, _TOKENS, _OF_TOKENS, frozenset({"budget", "data", "dataset"}))


def _flops(key: str, words: Words) -> Reading | None:
    context = {word.lower() for word in words.context}
    if context & (_PARTS - _OPTIMIZER):
        return None
    leaf = {word.lower() for word in words.leaf}
    if "throughput" in context and not leaf & {"total", "training", "cumulative"}:
        return None  # a rate
    return _quantity(key, words, _FLOPS, _OF_FLOPS, _OF_A_PLAN)


def _loss(_: str, words: Words) -> Reading | None:
    lower = [word.lower() for word in words.leaf]
    everything = {word.lower() for word in _every(words)}
    core = _LOSS & set(lower) or ({"cross", "entropy"} <= set(lower))
    if not core or everything & _OTHER_LOSS:
        return None
    kind = _loss_kind(words)
    known = _LOSS | _OF_LOSS | _HELD_OUT | _TEST | _TRAINING
    strange = {word.lower() for word in (*words.leaf, *words.context)} - known
    in_context = {word.lower() for word in words.context} - known
    if kind != "held out":
        strange -= in_context  # metrics.loss, summary.train_loss
        if strange:
            return None
        return Reading((1 if not kind else 3, 0), None, kind)
    of_a_set = bool(strange - _CONTAINERS)
    test = bool(everything & _TEST and not everything & _HELD_OUT)
    return Reading((2 if of_a_set else 0, int(test)), None, kind)


_CONTAINERS = _words("metrics metric summary config params run runs data results log")
"""Words that only say where a table keeps its values."""

_READERS: Mapping[str, Callable[[str, Words], Reading | None]] = {
    "N": _parameters,
    "D": _tokens,
    "C": _flops,
    "loss": _loss,
}

OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "width": ("width", "d_model", "hidden_size", "n_embd", "n_embed", "dim", "hidden_dim",
              "dmodel", "model_dim", "embed_dim", "model_width"),
    "depth": ("depth", "layers", "n_layers", "num_layers", "n_layer", "num_hidden_layers",
              "nlayers", "n_blocks", "num_blocks"),
    "heads": ("heads", "n_heads", "num_heads", "n_head", "num_attention_heads", "nheads"),
    "kv_heads": ("kv_heads", "n_kv_heads", "num_kv_heads", "num_key_value_heads", "n_kv_head"),
    "head_dim": ("head_dim", "d_head", "head_size"),
    "d_ff": ("d_ff", "intermediate_size", "ffn_dim", "ffn_hidden_size", "d_ffn", "n_inner",
             "ff_dim", "mlp_dim", "d_mlp", "intermediate_dim", "ffn_size", "dff", "ff_width"),
    "vocab_size": ("vocab_size", "vocab", "vocabulary", "vocabulary_size", "n_vocab"),
    "active_parameters": ("active_parameters", "active_params", "n_active_params"),
    "routed": ("routed", "experts", "num_experts", "n_experts", "n_routed_experts",
               "num_local_experts"),
    "active": ("active", "active_experts", "num_experts_per_tok", "top_k", "topk"),
    "granularity": ("granularity",),
    "activation": ("activation", "activation_ratio"),
    "window": ("window", "window_size", "sliding_window"),
    "full_share": ("full_share", "share_of_full_layers"),
    "steps": ("steps", "train_steps", "training_steps", "num_steps", "num_train_steps",
              "total_steps", "n_steps", "step", "global_step", "max_steps", "iterations", "iters",
              "train_iters", "max_iters"),
    "batch": ("global_batch_size", "train_batch_size", "batch_size", "total_batch_size",
              "global_bs", "batch", "bs"),
    "sequence": ("seq_len", "sequence_length", "seq_length", "train_seq_len", "context_length",
                 "max_seq_len", "max_seq_length", "block_size", "context_len", "ctx_len", "n_ctx"),
    "batch_tokens": ("batch_size_in_tokens", "batch_tokens", "tokens_per_batch",
                     "tokens_per_step", "global_batch_size_in_tokens", "batch_size_tokens",
                     "total_batch_size_tokens", "tokens_per_iteration"),
    "run": ("run", "run_name", "run_id", "name", "model", "model_name"),
}  # fmt: skip
"""Names of the columns that are known by a list: in order of preference, without signs."""


def _of_a_list(key: str, words: Words) -> Reading | None:
    names = OTHER_NAMES[key]
    if words.plain not in names:
        return None
    return Reading((bool(words.context), names.index(words.plain)))
