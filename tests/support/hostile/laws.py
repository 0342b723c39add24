"""Files of laws."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.hostile.case import DIGITS, FOLDER, Case
from tests.support.hostile.files import broken_files
from tests.support.hostile.problems import NUMBERS

_LAW_FILE = {
    "name": '"mine"', "form": '"chinchilla"', "E": "1.8", "A": "480.0", "alpha": "0.35",
    "B": "2000.0", "beta": "0.37",
}  # fmt: skip
LAW = f"{FOLDER}/law.toml"


def laws() -> Iterator[Case]:
    """Files of a law."""
    command = ("solve", "one-h100-1e24", "--law", LAW)

    def file(changes: dict[str, str], rest: str = "") -> dict[str, bytes]:
        lines = [f"{k} = {v}" for k, v in (_LAW_FILE | changes).items()]
        return {"law.toml": ("[law]\n" + "\n".join(lines) + "\n" + rest).encode()}

    for name in ("E", "A", "alpha", "beta"):
        for kind in ("infinite", "not a number", "huge integer", "huge exponent", "boolean",
                     "table or list", "date", "foreign digits"):  # fmt: skip
            for value in NUMBERS[kind][:5]:
                shown = value if len(value) < 20 else f"{value[:12]}..."
                yield Case(
                    kind, f"law.{name} = {shown}", command, file({name: value}), words=(name,)
                )
    for name, values in {
        "form": ("5", "[]", "{}", '"x"', '""', '"terms"'),
        "parameters": ("5", "[]", '"x"', "true"),
        "parameter_range": (
            "5",
            "[1, 2]",
            "{ min = nan }",
            "{ min = 5, max = 1 }",
            "{ a = 1 }",
            "{ min = " + "9" * DIGITS + " }",
        ),
        "standard_errors": ("5", "[]", '"x"'),
        "terms": ("5", "[]", "[5]", "[{}]", "[{ coefficient = nan }]"),
        "fixed": ("5", '"A"', "[[]]", '["x"]'),
        "ranges": ("5", "{ x = 1 }"),
        "name": ("5", "[]", "1979-05-27"),
        "source": ("5", "[]"),
    }.items():
        for value in values:
            yield Case("law", f"law.{name} = {value[:30]}", command, file({name: value}),
                       words=(name,))  # fmt: skip
    for rest in ("[bootstrap]\ndraws = 5", "[bootstrap]\ndraws = [5]", "[bootstrap]\ndraws = [[1]]",
                 '[bootstrap]\ncoefficients = ["x"]', "[bootstrap]\ncoefficients = 5",
                 "[bootstrap]\ndraws = [[nan, 1, 1, 1, 1]]", "[bootstrap]\ndraws = [[1, 1, 1, 1, true]]",
                 f"[bootstrap]\ndraws = [[1, 1, 1, 1, {'9' * DIGITS}]]", "[nothing]\nx = 1",
                 '[bootstrap]\nseed = "x"', "[bootstrap]\nseed = 1.5"):  # fmt: skip
        yield Case("law", rest.replace("\n", " ")[:50], command, file({}, rest))
    for rest in ("bootstrap = 5\n", "provenance = 5\n"):
        content = {"law.toml": rest.encode() + file({})["law.toml"]}
        yield Case("law", rest.strip(), command, content, words=(rest.split()[0],))
    for what, content in broken_files(".toml", file({})["law.toml"].decode()):
        yield Case("file", f"law: {what}", command, {"law.toml": content})
