"""The text of a first problem file, with a comment for each key."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from modelsizer.first_file.answers import Answers
from modelsizer.first_file.ranges import LEAST_ASPECT, MOST_ASPECT, Ranges, ranges_of, size_of
from modelsizer.problems.key_values import write_key, write_value
from modelsizer.problems.reading import schema_line
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import Number
from modelsizer.problems.visible import visible

_LONG_CONTEXT = 8192
_SEQUENCE = 4096
_WAYS = (8, 4, 2, 1)  # tensor parallel, by preference: within a node of 8 accelerators
_MUCH_CACHED = 2**20  # tokens for which fewer kv heads are offered
_COLUMN = 46  # at which comments begin
_VOCABULARY = {"dense": 128256, "mixture": 151936, "small": 65536}


@dataclass(frozen=True, slots=True)
class Line:
    """A key, which may be dotted, with its value and a comment; one only shown is a comment too."""

    key: str
    value: object
    about: str = ""
    shown: bool = False
    dotted: bool = False

    def __str__(self) -> str:
        key = self.key if self.dotted else write_key(self.key)
        text = f"{'# ' if self.shown else ''}{key} = {write_value(self.value)}"
        return f"{text:<{_COLUMN}}  # {self.about}" if self.about else text


Tables = dict[str, list[Line]]


def problem_text(answers: Answers, path: str, schema: str, loss: Number | None = None) -> str:
    """The file.

    Parameters
    ----------
    answers : Answers
    path : str
        Of the file, which its comments name.
    schema : str
        Where its schema lies, as the line for editors has it.
    loss : int, float or None
        The most loss, where another quantity is sought and no loss was given.
    """
    tables = {
        "": [Line("name", _name(answers))],
        "space": [*_space(answers)],
        "space.experts": [*_experts(answers)],
        "training": [*_training(answers)],
        "prices": [*_prices(answers)],
        "serving": [*_serving(answers)],
        "budgets": [*_budgets(answers, loss)],
        "objective": [*_objective(answers)],
        "scenarios.twice-the-context": [
            Line(
                "serving.context_length",
                2 * answers.users.context,
                "for `modelsizer whatif`",
                dotted=True,
            )
        ],
    }
    return "\n".join((*_head(answers, path, schema), *_written(tables), ""))


def _head(answers: Answers, path: str, schema: str) -> Iterator[str]:
    yield schema_line(schema)
    yield f"# {_name(answers)}."
    yield "# Made by `modelsizer init` from these answers:"
    for name, text in answers.texts:
        yield f"#     --{name} {write_value(visible(text))}"
    for note in answers.notes:
        yield f"# {note}."
    yield "# Change what is not so; a key without a line has a default. Then:"
    for command, does in (
        ("check", "is it valid, how many designs"),
        ("solve", "the best design, with proof"),
        ("serve", "a page with a slider for each limit"),
        ("prices", "what each limit is worth"),
        ("explain", "if nothing fits: why, and the least to give up"),
    ):
        text = f"modelsizer {command} {shlex.quote(visible(path))}"
        yield f"#     {text:<36}  # {does}"
    yield ""


def _written(tables: Tables) -> Iterator[str]:
    for name, lines in tables.items():
        if lines:
            if name:
                yield from ("", f"[{name}]")
            yield from map(str, lines)


def _name(answers: Answers) -> str:
    train, serve, model = answers.train, answers.serve, answers.model
    kind = {"dense": "A dense model", "mixture": "A mixture of experts", "small": "A small model"}
    words = kind[model.kind] + (f" of at most {model.size}" if model.size else "")
    if train.time:
        words += f": {train.devices} for {train.time}"
    else:
        words += f": {train.money} on {train.devices}" if train.money else f": {train.flops}"
        words += "" if train.money or "flop" in train.flops.lower() else " FLOPs"
    served = str(serve.devices) if serve.devices is not None else serve.memory
    return f"{words}, served on {served}" if served else words


def _space(answers: Answers) -> Iterator[Line]:
    kind = answers.model.kind
    found: Ranges = ranges_of(kind, size_of(answers))
    for name, (least, most, step), about in (
        ("layers", found.layers, "depth: a number, a list or a range"),
        ("d_model", found.d_model, "width"),
    ):
        yield Line(name, {"min": least, "max": most, "step": step}, about)
    yield Line("head_dim", found.head_dim, "heads = d_model / head_dim")
    cached = answers.users.context * answers.users.users
    few = kind == "small" or cached >= _MUCH_CACHED
    heads = [*([1, 2] if few else []), 4, 8, *([] if kind == "small" else [16])]
    yield Line("kv_heads", heads, "those that divide the heads")
    if kind == "mixture":
        yield Line("block", "qwen3-moe", "whose layers: `modelsizer schema` has all")
    else:
        yield Line("ffn_ratio", [2.6667, 3.5, 4.0], "d_ff / d_model")
        yield Line("ffn_multiple", 128 if kind == "small" else 256, "of which d_ff is a multiple")
    yield Line("vocab_size", _VOCABULARY[kind], "that of your tokenizer")
    if kind == "small":
        yield Line("tied_embeddings", True, "one matrix for embedding and output")
    yield Line("aspect_ratio", {"min": LEAST_ASPECT, "max": MOST_ASPECT}, "d_model / layers")


def _experts(answers: Answers) -> Iterator[Line]:
    if answers.model.kind != "mixture":
        return
    yield Line("routed", [32, 64, 128, 256], "experts of a layer")
    yield Line("active", [4, 6, 8], "those that a token uses")
    yield Line("granularity", [2, 4, 8], "2 d_model / width of an expert")
    yield Line("shared", [0, 1], "experts that every token uses")


def _training(answers: Answers) -> Iterator[Line]:
    train = answers.train
    sequence = _LONG_CONTEXT if answers.users.context >= _LONG_CONTEXT else _SEQUENCE
    yield Line("sequence_length", sequence, "tokens of a training sequence")
    yield Line("tokens", {"max": "15T tokens"}, "the data that there is")
    if train.devices is None:
        return
    yield Line("accelerator", train.devices.device.name)
    if train.devices.count is not None:
        yield Line("accelerators", train.devices.count, "how they are used is chosen too")
        yield Line("recompute", "selective", "what the backward pass computes again")
    yield Line("mfu", 0.4, "share of the peak; by default that of measured runs", shown=True)


def _prices(answers: Answers) -> Iterator[Line]:
    priced = (answers.train, answers.serve)
    found = {o.devices.device.name: o.price for o in priced if o.devices is not None and o.price}
    for name, price in found.items():
        yield Line(name, price, "dollars an hour of one, as you said")


def _serving(answers: Answers) -> Iterator[Line]:
    serve, users = answers.serve, answers.users
    if serve.devices is not None:
        count = serve.devices.count or 1
        yield Line("accelerator", serve.devices.device.name, "its memory is a limit by itself")
        yield Line("accelerators", count)
        if count > 1:
            ways = next(ways for ways in _WAYS if count % ways == 0)
            yield Line("tensor_parallel", ways, "must divide the heads")
    yield Line("batch_size", users.users, "users at once")
    yield Line("context_length", users.context, "tokens of context of each")
    bits = serve.weight_bits
    yield Line("weight_bits", bits, "16, 8 or 4")
    if answers.model.kind == "small" and bits < 16:
        yield Line("embedding_bits", 8, "of the embedding and the output")


def _budgets(answers: Answers, loss: Number | None) -> Iterator[Line]:
    train, serve, model, goal = answers.train, answers.serve, answers.model, answers.goal
    if train.time:
        yield Line("training_time", train.time)
    elif train.money:
        yield Line("training_cost", train.money)
    else:
        yield Line("training_flops", _number(train.flops))
    if serve.memory:
        yield Line("serving_memory", serve.memory, "weights and cache")
    if model.size:
        yield Line("parameters", {"max": model.size}, "{min = ..., max = ...} for nearly this size")
    if model.active:
        yield Line("active_parameters", {"max": model.active}, "those that a token uses")
    if answers.users.speed is not None:
        yield Line("tokens_per_second_per_user", {"min": answers.users.speed})
    if goal.loss is not None:
        yield Line("loss", goal.loss, "nats a token, by the law")
    elif loss is not None:
        yield Line("loss", loss, '1 % above the least, which `minimize = "loss"` finds')
    if not model.size:
        yield Line("parameters", {"max": "40B"}, "an example of a limit", shown=True)
    yield Line("kv_cache", "16 GiB", "another", shown=True)


def _number(text: str) -> object:
    """A number where text is one: 1e24 needs no quotes."""
    try:
        return float(text)
    except ValueError:
        return text


def _objective(answers: Answers) -> Iterator[Line]:
    goal = answers.goal
    yield Line(goal.sense, goal.quantity)
    yield Line("law", "hoffmann-2022", "another law: `modelsizer laws` lists them", shown=True)
