"""What a quantity is computed from, and what a problem does not say of it."""

from __future__ import annotations

from modelsizer.problems.costs.latency import SERVED, prefill_machine
from modelsizer.problems.costs.tokens import TIMED, rate
from modelsizer.problems.hardware.accelerators import UnknownFigureError
from modelsizer.problems.tables.lifetime import LIFETIME, Lifetime
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.training import Training

_ACCELERATOR = 'an accelerator: write {table}.accelerator = "H100-SXM", or define one'
_PRICE = "a price: write training.price_per_hour = 2.5, in dollars"


def lacking(training: Training, serving: Serving, lifetime: Lifetime, quantity: str) -> str:
    """What a quantity needs and the problem does not say, with the remedy; empty if nothing."""
    needs = ""
    if quantity in LIFETIME:
        return _lifetime_lacks(training, serving, lifetime, quantity)
    if quantity in TIMED and training.device is None:
        needs = _ACCELERATOR.format(table="training")
    elif quantity == "training_cost" and training.price_per_hour is None:
        needs = _PRICE
    elif quantity in SERVED and serving.device is None:
        needs = _ACCELERATOR.format(table="serving")
    if needs:
        return f"{quantity} needs {needs}"
    try:
        if quantity in TIMED:
            rate(training, quantity)
        elif quantity in SERVED:
            prefill_machine(serving)
    except UnknownFigureError as error:
        return str(error)
    return ""


def _lifetime_lacks(training: Training, serving: Serving, lifetime: Lifetime, quantity: str) -> str:
    """What a quantity of training and inference together needs; empty if nothing."""
    if lifetime.inference_tokens is None:
        return f'{quantity} needs lifetime.inference_tokens: write "10T tokens"'
    if quantity == "lifetime_flops":
        return ""
    if lifetime.prefill_share is None:
        return f"{quantity} needs lifetime.prefill_share, the share of prompts: write 0.8"
    if serving.device is None:
        return f"{quantity} needs {_ACCELERATOR.format(table='serving')}"
    if lack := lacking(training, serving, lifetime, "training_cost"):
        return lack.replace("training_cost", quantity)
    try:
        serving.named.figure(f"{serving.compute}_flops")
    except UnknownFigureError as error:
        return str(error)
    return ""
