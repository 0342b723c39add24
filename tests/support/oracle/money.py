"""Dollars of an accelerator's hour, and of a million output tokens."""

from __future__ import annotations

from fractions import Fraction

from tests.support.oracle.counts import serving_devices
from tests.support.oracle.data import Tables, accelerator, exact


def _key(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def listed(tables: Tables, table: str) -> Fraction | None:
    """The price of [prices] for the accelerator of a table."""
    device = accelerator(tables.get(table, {}))
    for name, price in tables.get("prices", {}).items():
        if device is not None and _key(name) == _key(device["name"]):
            return exact(price)
    return None


def training_price(tables: Tables) -> Fraction | None:
    training = tables.get("training", {})
    if "price_per_hour" in training:
        return exact(training["price_per_hour"])
    return listed(tables, "training")


def serving_price(tables: Tables) -> Fraction | None:
    lifetime = tables.get("lifetime", {})
    if "price_per_hour" in lifetime:
        return exact(lifetime["price_per_hour"])
    if "prices" in tables:
        return listed(tables, "serving")
    given = tables.get("training", {}).get("price_per_hour")
    return None if given is None else exact(given)


def of_a_million_tokens(tables: Tables, step: Fraction, prefill: Fraction) -> Fraction | None:
    """Dollars of a million output tokens, of a step of the batch and a prefill of the prompts."""
    serving, price = tables.get("serving", {}), serving_price(tables)
    if price is None:
        return None
    of_a_token = step / serving.get("batch_size", 1)
    if "output_length" in serving:
        of_a_token += prefill / serving.get("prompts", 1) / serving["output_length"]
    return of_a_token * 10**6 * serving_devices(serving) * price / 3600


def of_a_served_token(tables: Tables, answer: Fraction, prompt: Fraction) -> Fraction:
    """Dollars of a token of a lifetime, from the seconds of one of an answer and of a prompt."""
    share, price = exact(tables["lifetime"]["prefill_share"]), serving_price(tables)
    assert price is not None
    seconds = (1 - share) * answer + share * prompt
    return seconds * serving_devices(tables["serving"]) * price / 3600
