"""Report of the allocation of parameters and FLOPs to components, as text and CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from modelsizer.problems.architecture.accounting import TRAINING_PASSES
from modelsizer.problems.architecture.allocation import SPENT, Allocation, active_parts, total_parts
from modelsizer.problems.architecture.describing import groups_list
from modelsizer.problems.table_files import csv_text
from modelsizer.problems.units import format_number, format_quantity
from modelsizer.text.kit.lines import line
from modelsizer.text.kit.lines import title as print_title
from modelsizer.text.kit.tables import Table, print_table
from modelsizer.text.kit.words import percent

if TYPE_CHECKING:
    from rich.console import Console

_WORDS = {
    "embedding": "embedding",
    "attention": "attention",
    "attention_projections": "attention projections",
    "scores": "scores and values",
    "states": "recurrences",
    "ffn": "feed-forward",
    "experts": "  routed experts",
    "norm": "norms",
    "other": "other",
    "lm_head": "lm head",
    "head": "lm head",
}
_OF_FEW = ("states", "other")
_SCALES = ((10**12, "TFLOPs"), (10**9, "GFLOPs"), (10**6, "MFLOPs"), (1, "FLOPs"))
_LONGISH, _LONG = 10**4, 10**6  # in a scale's unit, from which numbers have fewer digits
_LONG_CONTEXT = 10**9
_ATTENTIONS = ("full", "sliding", "latent")
_TIMES = f"{TRAINING_PASSES} x"
_CONTEXTS_A_TABLE = 3  # as many as fit 80 columns
_GROUPS_SHOWN = 4  # kinds of layers; models with one kind a layer would fill pages
_CSV_FIELDS = ("scope", "group", "layers", "quantity", "context", "component", "value", "share")


def print_allocation(
    console: Console, title: str, found: Allocation, notes: Sequence[str] = ()
) -> None:
    """Print parameters, FLOPs at each context length, and one layer of each kind.

    Parameters
    ----------
    console : Console
    title : str
    found : Allocation
    notes : sequence of str
        Sentences to end with.
    """
    print_title(console, title)
    layers, d_model = found.architecture.layers, found.architecture.trunk.d_model
    line(console, f"{layers} layers, d_model {d_model}", below=1)
    print_table(console, _parameters(found))
    chunks = range(0, len(found.contexts), _CONTEXTS_A_TABLE)
    for start in chunks:
        line(console)
        print_table(console, _flops(found, start))
    for index, kind in enumerate(groups_list(found.architecture)[:_GROUPS_SHOWN]):
        count = kind["count"]
        which = "The one layer" if count == 1 else f"Each of {count} layers"
        line(console, f"{which}: {_kind(kind)}", above=1)
        for start in chunks or (0,):
            print_table(console, _layer(found, index, start))
    if (more := len(found.layers) - _GROUPS_SHOWN) > 0:
        line(console, f"{more} further kinds of layers: --json and --csv have every one.", above=1)
    line(console)
    for sentence in (*sentences(found), *notes):
        line(console, sentence)


def sentences(found: Allocation) -> list[str]:
    """Context lengths at which attention scores dominate, and the conventions of the count."""
    ffn, rest = found.scores_outweigh_ffn, found.scores_outweigh_rest
    if not any(flops.scores for flops in found.forward):
        said = []
    elif ffn is None:
        said = ["Scores never outweigh the feed-forward: windows cap them."]
    else:
        said = [f"Scores outweigh the feed-forward from a context of {ffn:,} tokens."]
        said += (
            ["They never outweigh everything else together: windows cap them."]
            if rest is None
            else [f"They outweigh everything else together from {rest:,} tokens."]
        )
    said.append("Scores are full, not causally halved; training counts three forward passes.")
    positions = found.architecture.trunk.positions
    if positions and any(context > positions for context in found.contexts):
        said.append(f"It has {positions:,} learned positions; longer contexts are hypothetical.")
    return said


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table whose first column is as wide in every table of the report."""
    wide = max(map(len, _WORDS.values())) + 2
    return Table([headings[0].ljust(wide), *headings[1:]], rows)


def _parameters(found: Allocation) -> Table:
    p = found.parameters
    held, active = total_parts(p), active_parts(p)
    sparse = p.active != p.total
    headings = ["Parameters", "held" if sparse else "count", "share"]
    rows = []

    def row(name: str, held: int, active: int) -> None:
        cells = [f"{held:,}", percent(held / p.total)]
        cells += [f"{active:,}", percent(active / p.active)] if sparse else []
        rows.append([f"  {name}", *cells])

    for name, count in held.items():
        if count or name == "lm_head":
            tied = name == "lm_head" and not count
            row("lm head, tied" if tied else _WORDS[name], count, active[name])
        if name == "ffn" and p.experts:
            row(_WORDS["experts"], p.experts, p.experts - (p.total - p.active))
    row("total", p.total, p.active)
    return _table([*headings, *(("active", "share") if sparse else ())], rows)


def _scale(values: Sequence[int]) -> tuple[int, str]:
    """The largest unit in which every total is at least one."""
    least = min(values)
    return next((scale, unit) for scale, unit in _SCALES if least >= scale or scale == 1)


def _number(value: int, scale: int) -> str:
    in_scale = value / scale
    if in_scale >= _LONG:
        return format_number(in_scale, 4)
    digits = 0 if scale == 1 else 1 if in_scale >= _LONGISH else 3
    return f"{in_scale:,.{digits}f}"


def _spent(found: Allocation) -> list[str]:
    """Components to show: those that few models have only where they have them."""
    whole = found.forward[0] if found.forward else None
    few = {name for name in _OF_FEW if whole is None or not getattr(whole, name)}
    return [name for name in SPENT if name not in few]


def _flops(found: Allocation, start: int) -> Table:
    """FLOPs and their shares at up to three context lengths, in one unit."""
    contexts = found.contexts[start : start + _CONTEXTS_A_TABLE]
    forward = found.forward[start : start + _CONTEXTS_A_TABLE]
    scale, unit = _scale([flops.total for flops in found.forward])
    rows = []
    for name in (*_spent(found), "total"):
        parts = [(getattr(flops, name), flops.total) for flops in forward]
        cells = [f"{_number(part, scale)} {percent(part / total):>7}" for part, total in parts]
        rows.append([f"  {_WORDS.get(name, 'forward')}", *cells])
    rows.append(["  training", *(f"{_number(f.training, scale)} {_TIMES:>7}" for f in forward)])
    return _table([f"{unit} a token", *(f"at {_tokens(context)}" for context in contexts)], rows)


def _tokens(context: int) -> str:
    return f"{context:,}" if context < _LONG_CONTEXT else format_quantity(context, "tokens")


def _layer(found: Allocation, index: int, start: int) -> Table:
    """FLOPs of one layer of a group at up to three context lengths, and its parameters."""
    layer = found.layers[index]
    p, window = layer.parameters, slice(start, start + _CONTEXTS_A_TABLE)
    # One unit for every kind of layer, so that they compare at a glance.
    totals = [flops.total for each in found.layers for flops in each.forward]
    scale, unit = _scale(totals) if totals else (1, "FLOPs")
    headings = [_tokens(context) for context in found.contexts[window]]
    first = [f"at {headings[0]}", *headings[1:]] if headings else []
    parts: list[tuple[str, str | None, int | None]] = [
        ("attention_projections", "attention_projections", p.attention),
        ("scores", "scores", None),
        *([("states", "states", None)] if "states" in _spent(found) else []),
        ("ffn", "ffn", p.ffn),
        ("experts", None, p.experts or None),
        ("norm", None, p.norm),
        *([("other", "other", p.other)] if "other" in _spent(found) or p.other else []),
        ("total", "total", p.total),
    ]
    rows = []
    for name, spent, held in parts:
        if spent is None and held is None:
            continue
        flops = ["" if spent is None else _number(getattr(f, spent), scale)
                 for f in layer.forward[window]]  # fmt: skip
        rows.append([f"  {_WORDS.get(name, name)}", *flops, "" if held is None else f"{held:,}"])
    return _table([f"{unit} a token", *first, "parameters"], rows)


def _kind(group: dict[str, Any]) -> str:
    """Short description of a kind of layer."""
    parts = (_mixer(group["attention"]), _feed_forward(group["ffn"]))
    return ", ".join(words for words in parts if words)


def _mixer(part: dict[str, Any]) -> str:
    """A token mixer in words; none is empty."""
    kind = part["kind"]
    if "window" in part:
        return f"attention over a window of {part['window']:,}"
    if kind == "several":
        return " with ".join(_mixer(each) for each in part["parts"])
    if kind == "none":
        return ""
    return f"{kind} attention" if kind in _ATTENTIONS else str(kind)


def _feed_forward(part: dict[str, Any]) -> str:
    """A feed-forward in words; none is empty."""
    kind = part["kind"]
    if kind == "experts":
        return f"{part['experts']} experts of which {part['active']} active"
    if kind == "several":
        return " with ".join(_feed_forward(each) for each in part["parts"])
    return "" if kind == "none" else f"d_ff {part['d_ff']:,}"


# CSV


def allocation_csv(found: Allocation) -> str:
    """CSV in long form: parameters and FLOPs by component, of the model and of each layer."""
    return csv_text(_csv_rows(found), _CSV_FIELDS)


def _csv_rows(found: Allocation) -> Iterator[dict[str, Any]]:
    content = found.to_dict()
    whole = {"scope": "model", "layers": found.architecture.layers}
    yield from _parts(whole | {"quantity": "parameters"}, total_parts(found.parameters))
    yield from _parts(whole | {"quantity": "active_parameters"}, active_parts(found.parameters))
    for at in content["contexts"]:
        labels = {"quantity": "forward_flops_per_token", "context": at["context"]}
        yield from _parts(whole | labels, {name: at["forward"][name] for name in _spent(found)})
    for layer, each in zip(content["layers"], found.layers, strict=True):
        one = {"scope": "layer", "group": layer["group"], "layers": layer["count"]}
        for quantity, parts in (
            ("parameters", total_parts(each.parameters)),
            ("active_parameters", active_parts(each.parameters)),
        ):
            inside = {name: parts[name] for name in ("attention", "ffn", "norm")}
            inside |= {"other": parts["other"]} if parts["other"] else {}
            yield from _parts(one | {"quantity": quantity}, inside)
        for at in layer["flops_per_token"]:
            labels = {"quantity": "forward_flops_per_token", "context": at["context"]}
            inside = {name: at[name] for name in _spent(found) if name in at}
            yield from _parts(one | labels, inside)


def _parts(labels: dict[str, Any], parts: dict[str, int]) -> Iterator[dict[str, Any]]:
    """A row for each part and one for their sum."""
    total = sum(parts.values())
    for name, value in (parts | {"total": total}).items():
        yield labels | {"component": name, "value": value, "share": f"{value / total:.6f}"}
