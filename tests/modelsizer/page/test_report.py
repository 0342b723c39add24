"""The page: whole, self-contained, the same each time, and true to the answer."""

from __future__ import annotations

import io
import re
import sys
from base64 import b64decode
from collections import Counter
from dataclasses import replace
from functools import cache, partial
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure
from rich.console import Console
from typer.testing import CliRunner

from modelsizer import Problem, __version__, solve
from modelsizer.cli import app
from modelsizer.live.grid import grid
from modelsizer.optimizer.fronts.run import ENUMERATED
from modelsizer.optimizer.surveys.depth_width import depth_width
from modelsizer.optimizer.surveys.ranking import rank
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.page.images import embedded
from modelsizer.page.report import report
from modelsizer.page.tags import Html, table, tag
from modelsizer.pictures.report import pictures
from modelsizer.plots.drawing.labels import back
from modelsizer.problems.errors import MissingExtraError
from modelsizer.text.command_line import CommandLine
from modelsizer.text.depth_width import print_depth_width
from modelsizer.text.kit.tables import Table

ODD = """
name = '<b>"x"&</b> costs $5 or $6'

[space]
layers = {min = 4, max = 8}
d_model = [512, 640, 768]
head_dim = 64
kv_group = 1
vocab_size = 32000

[budgets]
training_flops = 1e20
serving_memory = "4 GB"
"""
VOID = {"br", "img", "meta", "source"}
SVG = "data:image/svg+xml;base64,"


class Page(HTMLParser):
    """What is in a page; fails where tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.refs: set[str] = set()
        self.urls: list[str] = []
        self.words: list[tuple[str, str]] = []
        self.tables: list[list[list[str]]] = []
        self.images: list[str] = []
        self.alternatives: list[str] = []
        assert text.startswith("<!DOCTYPE html>")
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        for name, value in attrs:
            value = value or ""
            assert not name.startswith("on"), name
            if name == "id":
                self.ids.append(value)
            if name in ("href", "xlink:href") and value.startswith("#"):
                self.refs.add(value[1:])
            elif name in ("href", "src", "srcset"):
                assert value.startswith(SVG), value
                self.images.append(b64decode(value.removeprefix(SVG)).decode())
                continue
            if name == "alt":
                self.alternatives.append(value)
            assert "url(" not in value
            self.urls += re.findall(r"https?://\S+", value)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        if inside in ("td", "th"):
            self.tables[-1][-1][-1] += data
        self.words.append((inside, data))

    def text(self, *tags: str) -> str:
        return " ".join(data for inside, data in self.words if not tags or inside in tags)


FILE = "odd one.toml"
ON_H100 = ("serving.accelerator=H100-SXM", "training.accelerators=1024")
ALL_DRAWN = (FILE, *ON_H100)
ONE_DEPTH = (FILE, "space.layers=6")
INFEASIBLE = (FILE, "budgets.serving_memory=1 MB")
WHOLE = ("one-h100-1e24", *ON_H100)


def problem_of(source: str, *settings: str) -> Problem:
    from modelsizer.problems.key_values import read_pairs

    problem = Problem.parse(ODD) if source == FILE else Problem.load(source)
    return problem.with_settings(read_pairs(settings))


def few_points(patch: pytest.MonkeyPatch) -> None:
    """Let sliders have few stops, so that what they are made of is soon solved."""
    patch.setattr("modelsizer.page.sliders.grid", partial(grid, seconds=0.3))


@cache
def page_of(source: str, *settings: str) -> str:
    """A page, whose sliders have all their stops where its pictures are all drawn."""
    with pytest.MonkeyPatch.context() as patch:
        if (source, *settings) not in (ALL_DRAWN, WHOLE):
            few_points(patch)
        return report(solve(problem_of(source, *settings)), CommandLine(source, settings))


@cache
def undrawn_page_of(source: str, *settings: str) -> str:
    """A page without its pictures and sliders, which take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("modelsizer.page.report.pictures", lambda *_, **__: iter(()))
        return report(
            solve(problem_of(source, *settings)), CommandLine(source, settings), sliders=False
        )


@pytest.mark.parametrize(
    "args", [ALL_DRAWN, ONE_DEPTH, INFEASIBLE, pytest.param(WHOLE, marks=pytest.mark.slow)]
)
def test_page_is_well_formed_and_stands_alone(args: tuple[str, ...]) -> None:
    text = page_of(*args)
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert page.refs and page.refs <= set(page.ids)
    assert not page.urls
    for word in ("link", "iframe", "object", "base", "form"):
        assert not page.tags[word]
    assert "\\n" not in page.text("figure", "section", "p")
    assert "@import" not in text and "url(" not in page.text("style")
    assert page.tags["html"] == page.tags["main"] == page.tags["h1"] == 1
    assert '<html lang="en">' in text
    assert '<meta charset="utf-8">' in text
    assert 'name="viewport"' in text
    assert len(text.encode()) < 1_500_000


def test_answer_of_the_solver_is_on_it() -> None:
    page = Page(undrawn_page_of(*WHOLE))
    result = solve(
        Problem.load("one-h100-1e24").with_settings(
            {"serving.accelerator": "H100-SXM", "training.accelerators": 1024}
        ),
        solver="exhaustive",
    )
    best = result.best
    assert (
        f"layers = {best.architecture.layers}\nd_model = {best.architecture.trunk.d_model}\n"
        in page.text("code")
    )
    everything = page.text()
    for word in (f"{best.loss:.3f} nats", f"{best.parameters.total:,}", __version__,
                 "Proven optimal: none of 12,264 designs has less loss"):  # fmt: skip
        assert word in everything
    (limits,) = [t for t in page.tables if t[0][:2] == ["limit", "used"]]
    assert (
        {row[0] for row in limits[1:] if row[-1] == "binds"}
        == {use.name for use in result.budgets if use.binding}
        == {"training_flops", "serving_memory"}
    )
    for warning in result.warnings:
        assert str(warning) in page.text("li")


def test_rankings_are_those_of_rank() -> None:
    page = Page(page_of(*ALL_DRAWN))
    found = rank(Problem.parse(ODD), top=20, group_by="layers")
    (best,) = [t for t in page.tables if t[0][0] == "rank"]
    assert len(best) == 1 + min(20, found.feasible) == 16
    assert [row[1] for row in best[1:]] == [f"{d.loss:.3f}" for d in found.best]
    (depths,) = [t for t in page.tables if t[0][:2] == ["layers", "designs"]]
    assert [row[:2] for row in depths[1:]] == [[str(n), "3"] for n in range(4, 9)]
    loss = depths[0].index("loss")
    assert [row[loss] for row in depths[1:]] == [f"{g.best.loss:.3f}" for g in found.groups]


def test_shapes_of_its_size_have_the_answer_itself() -> None:
    page = Page(undrawn_page_of(*WHOLE))
    (shapes,) = [t for t in page.tables if t[0][:3] == ["layers", "d_model", "aspect ratio"]]
    known = {heading.split()[0] for heading in shapes[0]}  # without their units
    assert {"size", "excess", "decode", "serving", "train"} < known
    best = solve(problem := problem_of(*WHOLE)).best
    size, layers = best.parameters.total, best.architecture.layers
    terminal = io.StringIO()
    print_depth_width(Console(file=terminal, width=80), depth_width(problem, size, layers=layers))
    lines = {" ".join(line.split()) for line in terminal.getvalue().splitlines()}
    assert {" ".join(row) for row in shapes[1:]} <= lines
    assert [f"> {layers}", str(best.architecture.trunk.d_model)] in [row[:2] for row in shapes]
    assert len([row for row in shapes if row[0].startswith("* ")]) == 1


@pytest.mark.parametrize(
    ("args", "labels"),
    [
        (ALL_DRAWN, {"pythia-70m", "least predicted loss: 8 x 768"}),
        pytest.param(WHOLE, {"serving memory", "qwen2.5-14b"}, marks=pytest.mark.slow),
    ],
)
def test_figures_are_numbered_named_and_captioned(args: tuple[str, ...], labels: set[str]) -> None:
    page = Page(page_of(*args))
    assert page.tags["figure"] == page.tags["img"] == page.tags["figcaption"] == 7
    names = [name for name in page.ids if re.fullmatch(r"figure-[a-z]+", name)]
    assert names == [f"figure-{n}" for n in ("depth", "landscape", "front", "frontier",
                                             "allocation", "memory", "roofline")]  # fmt: skip
    numbers = re.findall(r"Figure (\d+)\. ", page.text("strong"))
    assert numbers == [str(n) for n in range(1, 8)]
    assert "Not drawn" not in page.text()
    assert len(page.alternatives) == 7 and len(page.images) == 14
    for label in labels:
        assert any(label in words for words in page.alternatives), label


def test_what_cannot_be_drawn_is_said() -> None:
    page = Page(page_of(*ONE_DEPTH))
    missing = {
        "A roofline of decode and prefill": 'write serving.accelerator = "H100-SXM"',
        "Loss over depth and width": "at least two depths",
        "Parameters against depth": "one depth only",
    }
    assert page.tags["img"] == 7 - len(missing)
    lines = [data for inside, data in page.words if inside == "li"]
    for title, reason in missing.items():
        assert any(line.startswith(f"{title}: ") and reason in line for line in lines)


def test_too_many_designs_are_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    result = solve(Problem.parse(ODD))
    monkeypatch.setattr("modelsizer.pictures.picture.ENUMERATED", 14)
    found = list(pictures(result, Clock()))
    assert {p.name for p in found if p.figures} == {"frontier", "memory", "allocation"}
    undrawn = [replace(picture, figures={}) for picture in found]
    monkeypatch.setattr("modelsizer.page.report.pictures", lambda *_, **__: iter(undrawn))
    page = Page(report(result, CommandLine(FILE)))
    assert not [t for t in page.tables if t[0][0] == "rank"]
    assert "the space has 15 designs, and those of more than 14 are not listed" in page.text("p")
    assert ENUMERATED > 10**6


def test_infeasible_problems_have_a_page_with_the_reason() -> None:
    page = Page(page_of(*INFEASIBLE))
    assert "Proven infeasible: none of the 15 designs keeps every limit" in page.text("p")
    assert "budgets.serving_memory <= 1 MB: the least of any design" in page.text("li")
    assert "ranking" not in page.ids and "answer" not in page.ids


def test_everything_is_escaped() -> None:
    page = Page(page_of(*ALL_DRAWN))
    name = Problem.parse(ODD).name
    assert page.text("h1") == name
    assert page.text("title") == name
    assert not page.tags["b"]
    assert tag("p", '<&"', title='"<') == '<p title="&quot;&lt;">&lt;&amp;"</p>'
    rows = Table(["a", "b"], [["1", "<"]], words=frozenset({1}))
    assert "<td>&lt;</td>" in table(rows)
    assert tag("p", Html("<br>")) == "<p><br></p>"


@pytest.mark.parametrize("sliders", [True, False])
def test_what_was_asked_is_escaped_too(undrawn: None, sliders: bool) -> None:
    hostile = CommandLine('"><script>alert(1)</script>', ('space.layers="<i>"',))
    page = Page(report(solve(Problem.parse(ODD)), hostile, sliders=sliders))
    assert page.tags["script"] == (3 if sliders else 0) and not page.tags["i"]
    assert hostile.source in page.text("td")


def test_problem_on_it_is_the_problem() -> None:
    for args in (WHOLE, ALL_DRAWN):
        page = Page(undrawn_page_of(*args))
        (code,) = [d for inside, d in page.words if inside == "code" and "[space]" in d]
        problem = Problem.parse(ODD) if args == ALL_DRAWN else Problem.load(args[0])
        settings = dict(setting.split("=") for setting in args[1:])
        assert Problem.parse(code) == problem.with_settings(settings)


# The command


def run(*args: str, code: int = 0) -> str:
    answer = CliRunner().invoke(app, ["report", *args])
    assert answer.exit_code == code, answer.output + answer.stderr
    return answer.stdout if code != 2 else answer.stderr


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the pictures and most stops, where they are not tested: they take their time."""
    monkeypatch.setattr("modelsizer.page.report.pictures", lambda *_, **__: iter(()))
    few_points(monkeypatch)


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / FILE
    path.write_text(ODD)
    return path


@pytest.mark.parametrize(
    ("args", "figures"), [(ONE_DEPTH, 4), pytest.param(ALL_DRAWN, 7, marks=pytest.mark.slow)]
)
def test_same_bytes_from_the_same_input(
    odd: Path, args: tuple[str, ...], figures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if args != ALL_DRAWN:
        few_points(monkeypatch)
    said = run(odd.name, *(part for setting in args[1:] for part in ("--set", setting)))
    assert f"odd one.html: optimal, {figures} figures" in said
    assert Path("odd one.html").read_text() == page_of(*args)


def test_a_page_is_written_whole_or_not_at_all(odd: Path, undrawn: None) -> None:
    run(odd.name)
    assert run(odd.name, "-o", "-") == Path("odd one.html").read_text()
    assert sorted(path.name for path in odd.parent.iterdir()) == ["odd one.html", "odd one.toml"]
    assert "is no folder" in run(odd.name, "-o", "none/x.html", code=2)


def test_date_settings_and_command_are_on_it_if_given(odd: Path, undrawn: None) -> None:
    args = (odd.name, "--set", "budgets.kv_cache=1 GB", "--without", "budgets.serving_memory",
            "--solver", "bound", "--date", "2025-06-30")  # fmt: skip
    page = Page(run(*args, "-o", "-"))
    assert page.text("time") == "2025-06-30"
    words = " ".join(f"'{a}'" if " " in a else a for a in args)
    assert f"modelsizer report {words}" in page.text("code")
    assert "kv_cache = 1000000000" in page.text("code")
    assert "serving_memory = " not in page.text("code")
    assert not Page(page_of(*ALL_DRAWN)).tags["time"]
    assert "is not a date" in run(odd.name, "--date", "tomorrow", code=2)


def test_exit_statuses_are_those_of_solve(odd: Path, undrawn: None) -> None:
    run(odd.name, "--set", "budgets.serving_memory=1 MB", code=1)
    assert "Proven infeasible" in Path("odd one.html").read_text()
    assert "training_flops" in run(odd.name, "--set", "budgets.training_flop=1", code=2)
    assert "gurobi" in run(odd.name, "--solver", "gurobi", code=2)
    page = Page(run(odd.name, "--time-limit", "0", "-o", "-", code=3))
    assert "Not proven" in page.text("strong")
    assert "Not proven: the time limit was reached." in page.text("p")


# Images


def _figures() -> dict[str, Figure]:
    found = {}
    for size, width in (("wide", 6.6), ("column", 3.3)):
        found[size] = Figure(figsize=(width, 3))
        axes = found[size].add_subplot(xlabel="layers", ylabel="loss")
        axes.bar([1], [1], hatch="...", facecolor="#56b4e9")
        back(axes.text(1.5, 1.2, "edge & <b>\n2 lines"))
    return found


def test_an_image_holds_both_sizes_and_refers_to_nothing() -> None:
    text = embedded(_figures(), "a & b")
    page = Page(f"<!DOCTYPE html>{text}")
    assert page.tags == {"picture": 1, "source": 1, "img": 1}
    assert page.alternatives == ["a & b. loss against layers. Labels: edge & <b> 2 lines."]
    wide, column = (ElementTree.fromstring(svg) for svg in reversed(page.images))
    assert float(wide.attrib["viewBox"].split()[2]) == pytest.approx(6.6 * 72)
    assert float(column.attrib["viewBox"].split()[2]) == pytest.approx(3.3 * 72)
    for root in (wide, column):
        assert list(root.iter("{http://www.w3.org/2000/svg}text"))  # not outlines
        ids = {e.attrib["id"] for e in root.iter() if "id" in e.attrib}
        links = {v for e in root.iter() for k, v in e.attrib.items() if k.endswith("href")}
        assert links and all(link[0] == "#" and link[1:] in ids for link in links)
    assert embedded(_figures(), "a & b") == text


def test_matplotlib_is_missed_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("modelsizer.page.report.sliders_of", None)
    with pytest.raises(MissingExtraError, match="drawing needs matplotlib"):
        report(solve(Problem.load("phone-2gb")))
