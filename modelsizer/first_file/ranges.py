"""Ranges of a first space: wide around the size that the answers allow, and no wider."""

from __future__ import annotations

import math

from modelsizer.first_file.answers import Answers, Kind, Training
from modelsizer.problems.records import dataclass
from modelsizer.problems.tables.training import Training as TrainingTable
from modelsizer.problems.units import parse_quantity

LEAST_ASPECT, MOST_ASPECT = 32, 160
"""Ends of d_model / layers in a first space."""
_SECONDS_AN_HOUR = 3600
_FLOPS_A_PARAMETER = 120
"""FLOPs over the square of the parameters at the optimum of a dense model: 6 N D at 20 tokens a
parameter (Hoffmann et al. 2022, arXiv 2203.15556)."""
_MIXTURE_OVER_DENSE = 8  # parameters of a mixture, over those of a dense model of the same FLOPs
_A_LAYER = {"dense": 12, "small": 12, "mixture": 190}
"""Parameters of a layer over d_model^2: of a dense one 4 of attention and 8 of the feed-forward
(Kaplan et al. 2020, arXiv 2001.08361, table 1); of published mixtures 149 (Qwen3-30B-A3B) to 214
(DeepSeek-V3)."""
_ASPECT = {"dense": 100, "small": 64, "mixture": 64}  # d_model / layers of usual models
_WIDTHS = (1024, 2048, 4096, 8192, 16384, 32768)
_FEW_HEADS = 4096  # widths up to which heads have 64 values
_HEADS_A_STEP = 4  # so that 4 kv heads divide the heads of every width
_MOST_LAYERS = 160
_WIDER = {"dense": 1.25, "small": 1.25, "mixture": 2.5}
"""Least width at which the range may end, over the usual one; mixtures of few experts are wide."""
_NARROWER = 16  # times that the least width is below the most
_NARROWEST = 256
_STEPS = 64  # of the widths, at most
_USABLE = 0.9  # share of a device's memory, of which the cache takes some


@dataclass(frozen=True, slots=True)
class Ranges:
    """Least, most and step of layers and of d_model; values of a head."""

    layers: tuple[int, int, int]
    d_model: tuple[int, int, int]
    head_dim: int


def flops_of(train: Training, *, mixture: bool) -> float:
    """Training FLOPs that the answer allows, at the default MFU of its accelerators."""
    if train.devices is None:
        return float(parse_quantity(train.flops, "FLOPs"))
    table = TrainingTable.model_validate({"accelerator": train.devices.device.name})
    each = float(table.flops_per_second(mixture=mixture))
    if train.time:
        return (train.devices.count or 1) * each * float(parse_quantity(train.time, "seconds"))
    assert train.price is not None
    hours = float(parse_quantity(train.money, "dollars")) / float(train.price)
    return hours * _SECONDS_AN_HOUR * each


def size_of(answers: Answers) -> float:
    """Parameters about which the space is laid: the least of what the answers allow."""
    mixture = answers.model.kind == "mixture"
    allowed = [math.sqrt(flops_of(answers.train, mixture=mixture) / _FLOPS_A_PARAMETER)]
    if mixture:
        allowed[0] *= _MIXTURE_OVER_DENSE
    serve = answers.serve
    held = float(parse_quantity(serve.memory, "bytes")) if serve.memory else None
    if serve.devices is not None and serve.devices.device.memory is not None:
        held = _USABLE * (serve.devices.count or 1) * float(serve.devices.device.memory)
    if held is not None:
        allowed.append(held * 8 / serve.weight_bits)
    if answers.model.size:
        allowed.append(float(parse_quantity(answers.model.size, "parameters")))
    return min(allowed)


def ranges_of(kind: Kind, size: float) -> Ranges:
    """Ranges around a size.

    Examples
    --------
    >>> ranges_of("dense", 7e9)
    Ranges(layers=(4, 160, 2), d_model=(512, 8192, 512), head_dim=128)
    """
    usual = (size * _ASPECT[kind] / _A_LAYER[kind]) ** (1 / 3)
    most = next((width for width in _WIDTHS if width >= _WIDER[kind] * usual), _WIDTHS[-1])
    head_dim = 64 if most <= _FEW_HEADS else 128
    step = max(most // _STEPS, _HEADS_A_STEP * head_dim)
    deepest = min(_MOST_LAYERS, most // LEAST_ASPECT)
    by = 2 if deepest > _STEPS else 1
    least = max(most // _NARROWER, _NARROWEST)
    shallowest = max(4, least // MOST_ASPECT)
    return Ranges((shallowest + shallowest % by, deepest, by), (least, most, step), head_dim)
