"""No name does harm where it is shown: on a terminal, in a page, a table, a picture."""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
import pkgutil
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console
from typer.testing import CliRunner

import modelsizer.commands
from modelsizer import Problem, solve
from modelsizer.cli import app
from modelsizer.commands.output import console
from modelsizer.page.report import report
from modelsizer.problems.table_files import csv_text, unquoted, write_table
from modelsizer.problems.visible import visible
from modelsizer.text.command_line import CommandLine
from tests.support.hostile_names import (
    ALL,
    CONTROL,
    FORMULA,
    LONG,
    MATHS,
    NAMES,
    Case,
    cases,
    problem,
    runs,
)

WIDTHS = (20, 33, 40, 80, 120, 250)
HIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
NUMBER = re.compile(r"\d(?:[\d.,]*\d)?(?:e[+-]?\d+)?")
NAME = ALL.replace("\x00", "")
"""A name of every kind; TOML and arguments hold no NUL."""
CASES = cases("p.toml", "r.csv", "law.toml", "answer.json", NAME)
QUICK = ("check", "whatif", "memory", "describe", "rank", "roofline")
"""Commands tried by default; the others, and whatever draws, are slow."""

Shown = dict[int, str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a problem, runs and a fitted law in which every name is hostile."""
    made = tmp_path_factory.mktemp("names")
    (made / "p.toml").write_text(problem(NAME), "utf-8")
    (made / "plain.toml").write_text(problem("plain"), "utf-8")
    (made / "r.csv").write_text(runs(NAME), "utf-8", newline="")
    for args in (
        ("fit", made / "r.csv", "--bootstrap", "20", "-o", made / "law.toml"),
        ("solve", made / "p.toml", "--json", made / "answer.json"),
    ):
        result = CliRunner().invoke(app, list(map(str, args)))
        assert result.exit_code == 0, result.output
    return made


@pytest.fixture
def inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """What a command shows at each width, of one answer."""
    texts: Shown = {}

    def emit(_json: Any, _path: str | None, show: Callable[[Console], None], *_: Any) -> None:
        how: Any = {"markup": False, "highlight": False, "emoji": False}
        for width in WIDTHS:
            show(Console(file=(out := io.StringIO()), width=width, **how))
            texts[width] = out.getvalue()
        ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        show(Console(file=ascii_only, width=80, **how))
        ascii_only.flush()

    every = pkgutil.walk_packages(modelsizer.commands.__path__, "modelsizer.commands.")
    for module in [importlib.import_module(found.name) for found in every]:
        if hasattr(module, "emit"):
            monkeypatch.setattr(module, "emit", emit)
    return texts


def marked() -> Iterator[Any]:
    for case in CASES:
        first = case.args[0]
        quick = first in QUICK or case.error
        yield pytest.param(case, id=first[:12], marks=() if quick else pytest.mark.slow)


@pytest.mark.parametrize("case", list(marked()))
def test_a_terminal_of_any_width_shows_all_numbers_and_no_control_character(
    case: Case, inside: Path, shown: Shown
) -> None:
    result = CliRunner().invoke(app, list(case.args))
    assert result.exit_code == (2 if case.error else 0), result.output
    for text in (result.stdout, result.stderr, *shown.values()):
        assert not (found := HIDDEN.search(text)), (found, text)
    if case.error:
        assert not result.stdout and "Traceback" not in result.stderr
        assert len(result.stderr.splitlines()) <= 4
        return
    if case.args[0] == "report":
        return
    whole = set(NUMBER.findall(shown[WIDTHS[-1]]))
    assert whole
    for text in shown.values():
        joined = re.sub(r"\s+", "", text)
        missing = {n for n in whole - set(NUMBER.findall(text)) if n not in joined}
        assert not missing, text


@pytest.mark.parametrize("kind", NAMES)
def test_a_title_of_every_kind(kind: str, shown: Shown, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(problem(NAMES[kind].replace("\x00", "")), "utf-8")
    result = CliRunner().invoke(app, ["check", str(tmp_path / "p.toml")])
    assert result.exit_code == 0, result.output
    for width, text in shown.items():
        assert not HIDDEN.search(text)
        assert len(text) < 8000  # a name of 10,000 characters is cut
        if kind != "letters":  # whose signs are two cells wide
            assert max(map(len, text.splitlines())) <= width
    if kind in ("markup", "html", "formula", "maths", "dollars"):
        assert NAMES[kind] in shown[250]


# Terminals


@pytest.mark.parametrize(
    "columns", ["0", "00", "1", "8", "-5", "", "abc", "\u00b2", "9" * 30, "\uff12\uff10"]
)
def test_no_size_of_a_terminal_is_too_odd(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLUMNS", "LINES"):
        monkeypatch.setenv(name, columns)
    assert 20 <= console().width <= 1000
    result = CliRunner().invoke(app, ["problems"])
    assert result.exit_code == 0 and "12,264" in result.stdout


@pytest.mark.parametrize(
    "extra",
    [{"NO_COLOR": "1", "TERM": "dumb"}, pytest.param({"TERM": "xterm"}, marks=pytest.mark.slow)],
)
def test_a_pipe_gets_no_colour_and_an_ascii_terminal_ascii(
    extra: dict[str, str], inside: Path
) -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0", **extra}
    done = subprocess.run(
        [sys.executable, "-m", "modelsizer", "check", "p.toml"],
        env=os.environ | ascii_only, capture_output=True, check=True,
    )  # fmt: skip
    text = done.stdout.decode("ascii")
    assert "\x1b" not in text and "?" not in text
    assert r"\u4e2d\u6587" in text and "ess<=x->..." in text


# Tables


def csv_rows(text: str) -> list[dict[str, str]]:
    assert not HIDDEN.search(text)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    for row in rows:
        assert None not in row and None not in row.values()
        for cell in (*row, *row.values()):
            if cell and cell[0] in "=+-@\t\r\uff1d\uff0b\uff0d\uff20":
                float(cell)
    return rows


@pytest.mark.parametrize("kind", NAMES)
def test_spreadsheets_take_no_name_for_a_formula(kind: str, tmp_path: Path) -> None:
    for start in ("", "=", "+", "-", "@", "\t=", "\r=", "\n=", "\uff1d"):
        check_csv(start + NAMES[kind], tmp_path / "out.csv")


def check_csv(name: str, path: Path) -> None:
    (row,) = csv_rows(csv_text([{"name": name, "loss": -1.5, "text": "-1.5e+10", name: "a"}]))
    assert row["loss"] == "-1.5" and row["text"] == "-1.5e+10"
    assert unquoted(row["name"]) == visible(name)
    write_table(path, [{"name": [name], "loss": [-1.5], name: [1]}])
    (row,) = csv_rows(path.read_text("utf-8"))
    assert row["loss"] == "-1.5" and unquoted(row["name"]) == visible(name)


@pytest.mark.parametrize("case", [case for case in CASES if case.csv][:2], ids=str)
def test_tables_of_a_hostile_problem(case: Case, inside: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    result = CliRunner().invoke(app, [*case.args, "--csv", str(path)])
    assert result.exit_code == 0, result.output
    assert csv_rows(path.read_text("utf-8"))


# Pages


class Elements(HTMLParser):
    """The elements of a page and the names of their attributes, in order; and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.others: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))
        for name, value in attrs:
            assert not name.startswith("on")
            if name in ("href", "src", "srcset"):
                assert value is not None and value.startswith(("#", "data:image/svg+xml;base64,"))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)


def page(name: str, source: str) -> Elements:
    settings = (f"space.block={source}",)
    asked = CommandLine(source, settings, (source,), sliders=False)
    made = report(solve(Problem.parse(problem(name))), asked)
    assert made.isascii() and not HIDDEN.search(made)
    return Elements(made)


def check_page(name: str) -> None:
    plain, hostile = page("plain", "plain"), page(name, name)
    assert hostile.found == plain.found and not hostile.others
    assert "script" not in dict(hostile.found)


def test_no_element_and_no_attribute_of_a_page_comes_from_a_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("modelsizer.page.report.pictures", lambda *_, **__: ())
    for name in (NAME, LONG):
        check_page(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [NAME, LONG], ids=["all", "long"])
def test_nor_of_a_page_with_its_pictures(name: str) -> None:
    check_page(name)


# Pictures


def picture(path: Path) -> str:
    """The text of an SVG."""
    written = path.read_text("utf-8")
    assert not HIDDEN.search(written)
    root = ElementTree.fromstring(written)
    kinds = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert kinds <= {"svg", "g", "defs", "style", "path", "use", "text", "tspan", "clipPath", "rect",
                     "image", "metadata", "RDF", "Work", "type", "format", "pattern"}  # fmt: skip
    return " ".join("".join(element.itertext()) for element in root.iter() if element.text)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if case.plot], ids=lambda c: c.args[0])
def test_every_picture_of_a_hostile_problem(case: Case, inside: Path, tmp_path: Path) -> None:
    for ending in (".svg", ".png", ".pdf"):
        path = tmp_path / f"out{ending}"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            args = [*case.args, "--plot", str(path)]
            result = CliRunner().invoke(app, args)
        assert result.exit_code == 0, result.output
        assert not result.stderr and path.stat().st_size
        if ending == ".svg":
            picture(path)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=() if kind in ("control", "dollars", "long") else pytest.mark.slow)
        for kind in NAMES
    ],
)
def test_names_in_a_picture_are_text(kind: str, tmp_path: Path) -> None:
    from modelsizer.plots import save
    from modelsizer.plots.drawing.axes import heading
    from modelsizer.plots.drawing.line_ends import name_ends
    from modelsizer.plots.drawing.style import canvas

    name, path = NAMES[kind], tmp_path / "out.svg"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with canvas() as figure:
            axes = figure.add_subplot()
            axes.plot([0, 1], [0, 1])
            heading(axes, name)
            axes.set_yticks([0, 1], [name[:16], "b"])
            name_ends(axes, [name], [(1, 1)], ["#000000"], fontsize="x-small")
        for ending in (".png", ".pdf", ".svg"):
            save(figure, path.with_suffix(ending))
    text = re.sub(r"\s+", " ", picture(path))
    assert len(text) < 2500
    if kind in ("maths", "dollars"):
        assert NAMES[kind] in text
    width = axes.get_window_extent().width
    assert width > 0.4 * figure.bbox.width  # no name takes the room of what is drawn


# Paths


@pytest.mark.skipif(os.name == "nt", reason="file names of POSIX")
def test_a_path_is_shown_as_a_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    raw = (
        f"{CONTROL}[red]<b>{MATHS}".replace("\x00", "").replace("/", "").encode() + b"\xff\xfe.toml"
    )
    source = os.fsdecode(raw)
    Path(source).write_text(problem("plain"), "utf-8")
    swept = ("--set", "budgets.training_flops=1e19,1e20", "--jobs", "1", "-o", f"{source}.jsonl")
    for status, *args in (
        (0, "allocate", source),
        (0, "whatif", source, "--plot", f"{source}.svg"),
        (0, "sweep", source, *swept),
        (2, "solve", f"{source}?"),
        (2, "solve", source, "--plot", f"{source}.gif"),
        (0, "describe", source),
    ):
        result = CliRunner().invoke(app, [str(word) for word in args])
        assert result.exit_code == status, result.output
        assert not HIDDEN.search(result.stdout + result.stderr)
    picture(Path(f"{source}.svg"))


# JSON keeps names as they are


def test_json_keeps_the_name(inside: Path) -> None:
    result = CliRunner().invoke(app, ["check", "p.toml", "--json", "-"])
    assert json.loads(result.stdout)["name"] == NAME and result.stdout.isascii()


def test_progress_is_for_terminals_that_can_go_back(monkeypatch: pytest.MonkeyPatch) -> None:
    from modelsizer.commands import progress_lines

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(progress_lines, "AFTER", 0.0)
    monkeypatch.setattr(progress_lines, "EVERY", 0.0)
    monkeypatch.setenv("COLUMNS", "20")
    for kind, some in (("dumb", False), ("xterm", True)):
        monkeypatch.setenv("TERM", kind)
        monkeypatch.setattr(sys, "stderr", out := Terminal())
        with progress_lines.counter("designs") as show:
            if show is not None:
                show(123, 456)
        assert ("\x1b" in out.getvalue()) == some
        assert all(len(line) <= 20 for line in re.split("\r|\x1b\\[K", out.getvalue()))


def test_the_kinds_of_names_are_hostile() -> None:
    assert HIDDEN.search(CONTROL) and FORMULA[0] == "=" and MATHS.count("$") == 3
