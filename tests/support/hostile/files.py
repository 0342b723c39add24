"""Files that are none of their kind, and names of files."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.hostile.case import BIG, DEEP, FOLDER, Case, nested
from tests.support.hostile.problems import FILE, problem_text


def broken_files(ending: str, whole: str) -> Iterator[tuple[str, bytes]]:
    """Content that is no text of a kind of file, by what is wrong with it."""
    text = whole.encode()
    yield "UTF-16", whole.encode("utf-16")
    yield "UTF-16 without mark", whole.encode("utf-16-le")
    yield "UTF-32", whole.encode("utf-32")
    yield "latin-1", b"\xe9\xe8 = 1\n" + text
    yield "invalid UTF-8", text + b"\xff\xfe\xfa"
    yield "overlong UTF-8", text + b"\xc0\xaf"
    yield "surrogate", text + b"\xed\xa0\x80"
    yield "NUL", text + b"\x00"
    yield "binary", bytes(range(256)) * 20
    yield "empty", b""
    yield "blank", b" \n\t\n"
    yield "cut short", text[: len(text) // 2]
    yield "twice", text + text
    yield "parquet", b"PAR1" + bytes(100) + b"PAR1"
    yield "zip", b"PK\x03\x04" + bytes(64)
    yield "page", b"<!DOCTYPE html><html><body>404</body></html>"
    yield "deep arrays", b"a = " * (ending == ".toml") + nested(100_000).encode()
    yield "open brackets", b"[" * 200_000
    yield "open braces", b'{"a":' * 50_000 if ending != ".toml" else b"a = " + b"{a=" * 50_000
    yield "long line", b"a" * 3_000_000
    yield "long line with blanks", b"a" + b" " * 1_000_000
    yield "many lines", b"a\n" * 100_000


def whole_problem_files() -> Iterator[Case]:
    """Files that are no problem file."""
    for what, content in broken_files(".toml", problem_text()):
        yield Case("file", f"problem: {what}", ("check", FILE), {"problem.toml": content})
    deep = ".".join(["a"] * DEEP)
    longer = {
        "dotted keys": f"{deep} = 1\n",
        "dotted keys in a table": f"[space]\n{deep} = 1\n",
        "quoted dotted keys": ".".join(['"a"'] * DEEP) + " = 1\n",
        "deep table": f"[{deep}]\n",
        "deep array of tables": f"[[{deep}]]\n",
        "deep inline tables": "a = " + "{ a = " * DEEP + "1" + " }" * DEEP,
        "deep under scenarios": f"{problem_text()}\n[scenarios]\nx.{deep} = 1\n",
        "key twice": f"{problem_text()}\n[space]\nlayers = 4\n",
        "key twice in a table": problem_text().replace("layers =", "layers = 4\nlayers ="),
        "many unknown keys": "[space]\n" + "".join(f"x{i} = {i}\n" for i in range(20_000)),
        "many tables": "".join(f"[x{i}]\n" for i in range(20_000)),
        "long key": "x" * 1_000_000 + " = 1\n",
        "long text": problem_text({"objective.law": '"' + "x" * 1_000_000 + '"'}),
        "long list": problem_text({"objective.law": "[" + "1," * 100_000 + "]"}),
        "space alone": "[space]\n",
        "control characters in a key": '"\\u001b[31m" = 1\n',
        "lone carriage return": problem_text().replace("\n", "\r"),
    }
    for what, text in longer.items():
        yield Case("file", f"problem: {what}", ("check", FILE), {"problem.toml": text.encode()})
    for what, content in {
        "byte order mark": b"\xef\xbb\xbf" + problem_text().encode(),
        "CRLF": problem_text().replace("\n", "\r\n").encode(),
        "no last newline": problem_text().rstrip().encode(),
    }.items():
        yield Case("accepted file", f"problem: {what}", ("check", FILE),
                   {"problem.toml": content}, status=0)  # fmt: skip


_NAMES = ("", " ", ".", "..", "/", "/dev/zero", "/dev/null", "nothing.toml", "one-h100-1e2", "\x00",
          "a\x00b.toml", "x" * 5000, "x" * 300 + ".toml", "\udcff", "-", "~", "file:", "http://x/y",
          "/proc/self/mem", FOLDER, "__class__")  # fmt: skip


def names_of_sources() -> Iterator[Case]:
    """Names of files and of what comes with modelsizer."""
    for name in _NAMES:
        shown = name if len(name) < 30 else f"{name[:20]}..."
        for command in (("check",), ("describe",), ("memory",), ("export",), ("fit",), ("laws",),
                        ("solve", "one-h100-1e24", "--near"), ("solve", "one-h100-1e24", "--law"),
                        ("allocate",), ("accelerators",), ("audit",),
                        ("uncertainty", "one-h100-1e24", "--law"),
                        ("describe", "llama-3-8b", "--problem")):  # fmt: skip
            if name == "-" and command[0] in ("describe", "memory", "export", "allocate", "audit"):
                continue  # standard input, below
            words = "" if len(command) == 1 else f" {command[-1]}"
            yield Case("name", f"{command[0]}{words} {shown!r}", (*command, name))
    for ending, command in ((".toml", "check"), (".json", "describe"), (".csv", "fit"),
                            (".jsonl", "fit"), (".parquet", "fit"), (".json", "fit")):  # fmt: skip
        name = f"large{ending}"
        yield Case("size", f"{command} of 10 GB {ending}", (command, f"{FOLDER}/{name}"),
                   holes={name: BIG}, words=("larger",))  # fmt: skip
        yield Case("file", f"{command} of a folder {ending}", (command, f"{FOLDER}/{name}"),
                   files={f"{name}/x": b""}, words=("folder",))  # fmt: skip
    for answer in ("[]", "{}", "5", '{"scenarios": 5}',
                   '{"scenarios": [5]}', '{"scenarios": [{}]}',
                   '{"status": "optimal", "status": "limit", "objective": {}}'):  # fmt: skip
        yield Case("answer", f"verify {answer}", ("verify", f"{FOLDER}/a.json"),
                   {"a.json": answer.encode()})  # fmt: skip
    for what, content in broken_files(".json", '{"status": "optimal", "objective": {}}'):
        yield Case("file", f"verify: {what}", ("verify", f"{FOLDER}/a.json"), {"a.json": content})
    header = '{"format": "modelsizer-sweep"'
    for first in ("5", "[]", "{}", "null", header, header + "}", header + ', "grid": 5}',
                  header + ', "grid": [5]}', header + ', "problem": 5}', header + ', "solver": [[]]}',
                  '{"format": 5}', nested(DEEP), '{"format": ' * 5000, "9" * 9999):  # fmt: skip
        args = ("sweep", FILE, "--set", "space.layers=4,5", "-o", f"{FOLDER}/x.jsonl")
        files = {"problem.toml": problem_text().encode(), "x.jsonl": f"{first}\n".encode()}
        yield Case("sweep file", first[:50], args, files, words=("x.jsonl",))
    for command in ("describe", "verify"):
        yield Case("size", f"{command} - of 17 MiB", (command, "-"), stdin=b" " * (17 * 2**20),
                   words=("larger",))  # fmt: skip
    law = ("solve", "one-h100-1e24", "--law", f"{FOLDER}/large.toml")
    yield Case("size", "--law of 10 GB", law, holes={"large.toml": BIG}, words=("larger",))
