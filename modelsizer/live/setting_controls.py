"""Controls of settings of training, serving and lifetime, and of prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from modelsizer.live.control import Control, Group, Kind, help_of, unit_of
from modelsizer.live.setting_rows import ROWS, SettingRow
from modelsizer.live.stops import Stop, amount_text, around, sorted_stops
from modelsizer.problems.problem import Problem
from modelsizer.problems.reading import PRICES
from modelsizer.problems.tables.tables import Table

_DEFAULT = "default"
_TABLES = ("training", "serving", "lifetime")


def setting_controls(problem: Problem) -> Iterator[Control]:
    """Settings of training, serving and lifetime, the usual ones first.

    Of a table within one, such as ``serving.decode``, each key that the file gives.
    """
    for name in _TABLES:
        table: Table = getattr(problem, name)
        raw = problem.to_dict((name,)).get(name, {})
        rows = {row.name: row for row in ROWS if row.table == name}
        others = [key for key in type(table).model_fields if key not in rows and key != "tokens"]
        rows |= {key: SettingRow(name, key) for key in others}
        for row in rows.values():
            if row.hidden(raw):
                continue
            inner = raw.get(row.name)
            if isinstance(inner, Mapping) and type(table).model_fields[row.name].table is not None:
                for key, value in inner.items():
                    within = replace(rows.get(key, row), table=row.key, name=key)
                    yield _setting(within, value, given=True)
            else:
                field = type(table).model_fields[row.name]
                default = field.initial if field.table is None else None
                yield _setting(row, raw.get(row.name, default), given=row.name in raw)


def _setting(row: SettingRow, own: object, *, given: bool) -> Control:
    first = row.table.partition(".")[0]
    group: Group = "training" if first == "training" else "serving"
    row = replace(row, dimension=row.dimension or unit_of(row.key))
    stops, at = _setting_stops(row, own)
    text = _DEFAULT if own is None else row.text(own)
    if at is not None:
        text = stops[at].text
    menu = row.kind == "menu" or isinstance(own, list | tuple)
    kind: Kind = "text" if not stops else "menu" if menu else row.kind
    return Control(
        row.key,
        row.name,
        group,
        kind,
        stops,
        at,
        text,
        row.dimension,
        help_of(row.key),
        given=given,
        rare=not given and not row.usual,
        section="" if row.table == group else row.table,
    )


def _setting_stops(row: SettingRow, own: object) -> tuple[tuple[Stop, ...], int | None]:
    """What a row offers, with the file's own value among it."""
    stops = [row.stop(value) for value in row.offered(own)]
    if own is None:
        return tuple(stops), None
    mine = row.stop(own)
    at = next((i for i, stop in enumerate(stops) if stop.value == own), None)
    if at is None and stops:
        if row.kind == "slider" and mine.number is not None:
            stops = sorted([*stops, mine], key=lambda stop: float(stop.number or 0))
        elif row.kind == "slider" and not isinstance(own, list | tuple):
            return tuple(stops), None  # a range in place of the number
        else:
            stops = [mine, *stops]
        at = stops.index(mine)
    return tuple(stops), at


def price_controls(problem: Problem) -> Iterator[Control]:
    """Prices of accelerators, an hour of one."""
    given = dict(problem.prices.given)
    for name in dict.fromkeys((*given, *problem.prices.names(problem.devices))):
        number, stops, at = given.get(name), list[Stop](), None
        if number is not None:
            own = Stop(number, amount_text(number, "dollars"), number)
            numbers = around(number, "dollars", whole=False)
            stops = sorted_stops(own, numbers, "dollars")
            at = stops.index(own)
        yield Control(
            f"{PRICES}.{name}",
            f"{name}, an hour",
            "serving",
            "slider" if stops else "text",
            tuple(stops),
            at,
            stops[at].text if at is not None else "",
            "dollars",
            "Price of one accelerator for one hour.",
            section=PRICES,
            given=number is not None,
            rare=number is None,
        )
