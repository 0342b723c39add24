"""Pages of the catalogue of laws: whole, true to the laws and to the notes they were taken from."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest

from modelsizer.problems.laws.page import APART
from modelsizer.problems.laws.pages import LAW_PAGES, LEFT_OUT
from modelsizer.problems.laws.published import TOKEN_LAWS, token_law
from modelsizer.problems.laws.shapes import SHAPE_LAWS
from tests.support.shared import reference, reference_json

USABLE = [page.name for page in LAW_PAGES.values() if "law" in page.keys]


# The pages


def test_every_law_that_can_be_named_has_a_page_and_every_page_that_says_so_can() -> None:
    assert len(LAW_PAGES) >= 10
    built_in = {name for name, law in TOKEN_LAWS.items() if "arXiv" in law.source}
    assert set(USABLE) == built_in
    assert [p.name for p in LAW_PAGES.values() if "shape" in p.keys] == ["gemstones-2025"]
    assert "gemstones-2025" in SHAPE_LAWS
    assert all(name == page.name for name, page in LAW_PAGES.items())
    seen = {choice for page in LAW_PAGES.values() for choice in page.sees}
    assert seen == {"N", "D", "shape", "vocabulary", "repeats", "precision", "sparsity"}


@pytest.mark.parametrize("page", LAW_PAGES.values(), ids=LAW_PAGES)
def test_pages_are_whole(page: Any) -> None:
    for key in ("words", "form", "parameters", "kind", "data", "source", "seen", "checked"):
        assert getattr(page, key), key
    assert "arXiv" in page.source
    assert page.use or page.why_not
    assert page.coefficients
    for key in page.coefficients:
        assert isinstance(page.coefficients[key], float), key
    written = page.to_dict()
    assert json.loads(json.dumps(written)) == written
    assert written["warnings"][-1] == APART


@pytest.mark.parametrize("name", USABLE)
def test_a_page_and_its_law_agree(name: str) -> None:
    page, law = LAW_PAGES[name], token_law(name)
    assert page.curve is not None
    held = {
        "d_model": 2048.0,
        "layers": 24.0,
        "aspect_ratio": 64.0,
        "experts": 8.0,
        "granularity": 4.0,
        "activation": 0.1,
    }
    law_there = law.of({feature: held[feature] for feature in law.features})
    assert page.curve(3e9, 2e11) == law_there.loss(3e9, 2e11)
    assert (page.parameter_range, page.token_range) == (law.parameter_range, law.token_range)
    assert (page.kind == "total") == (law.parameter_kind == "total")


# Against the notes from which they were taken

DERIVED = {
    "kaplan-2020", "hoffmann-2022", "besiroglu-2024", "muennighoff-2023", "gemstones-2025",
    "ludziejewski-2025-dense", "clark-2022", "bian-2025b", "hoffmann-2022-outer",
    "steplaw-2025-outer", "tian-2025",
}  # fmt: skip
"""Pages some of whose numbers the notes write otherwise: tests below have them."""
ARXIV = re.compile(r"\b\d{4}\.\d{5}\b")
NUMBER = re.compile(r"(?<![\w.])\d*\.?\d+(?:e\d+)?")


def rows_of_notes() -> dict[str, str]:
    """Rows of the table of the notes by arXiv number."""
    lines = reference("laws.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith("| ") and ARXIV.search(line.split("|")[1])]
    return {ARXIV.findall(line.split("|")[1])[0]: line for line in rows}


def test_every_law_of_the_notes_has_a_page_or_is_named_as_left_out() -> None:
    told = {number for page in LAW_PAGES.values() for number in ARXIV.findall(page.source)}
    named = {number for source, _ in LEFT_OUT for number in ARXIV.findall(source)}
    assert not told & named
    assert set(rows_of_notes()) <= told | named
    assert all(what for _, what in LEFT_OUT)


@pytest.mark.parametrize("name", [name for name in LAW_PAGES if name not in DERIVED])
def test_every_coefficient_is_in_the_notes(name: str) -> None:
    page = LAW_PAGES[name]
    (number,) = ARXIV.findall(page.source)
    written = {float(n) for n in NUMBER.findall(rows_of_notes()[number])}
    # The tokens of so many characters are of the authors' code, and not in the notes.
    for key in page.coefficients.keys() - {"f0", "f1", "f2"}:
        assert abs(page.coefficients[key]) in written, key


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("kaplan-2020", {"aN": 0.076, "aD": 0.103, "Nc": 6.4e13, "Dc": 1.8e13}),
        ("hoffmann-2022", {"E": 1.6934, "A": 406.4, "alpha": 0.3392, "B": 410.7, "beta": 0.2849}),
        ("besiroglu-2024", {"E": 1.8172, "A": 482.01, "alpha": 0.3478, "B": 2085.43,
                            "beta": 0.3658}),
        ("muennighoff-2023", {"E": math.exp(0.6254804), "A": math.exp(6.255414),
                              "B": math.exp(7.3049974), "alpha": 0.3526596,
                              "repeated_data": 15.387756, "repeated_parameters": 5.309743}),
        ("gemstones-2025", {"ln_E": 0.4282, "ln_A": 1.082043835, "a": 0.2195783536,
                            "ln_B": -0.2186969889, "b": 0.4758917337, "ln_G": 6.0902, "g": 0.3636,
                            "ln_T": 10.4720, "t": 0.4935}),
    ],
)  # fmt: skip
def test_coefficients_that_the_notes_write_otherwise(name: str, want: dict[str, float]) -> None:
    assert dict(LAW_PAGES[name].coefficients) == want


def test_coefficients_that_newer_notes_have() -> None:
    notes = reference_json("modern/laws.json")
    clark = notes["moe"]["clark-2022-refit"]["S-Base"]
    assert dict(LAW_PAGES["clark-2022"].coefficients) == {
        k: v for k, v in clark.items() if k != "rms"
    }
    fits = notes["architecture"]["bian-2025b"]["coefficients"]
    values = list(LAW_PAGES["bian-2025b"].coefficients.values())
    assert values == [*fits["fit on 80M, 145M, 297M"], *fits["fit on 1B"]]


@pytest.mark.parametrize("page", LAW_PAGES.values(), ids=LAW_PAGES)
def test_a_form_names_its_coefficients(page: Any) -> None:
    for key in page.coefficients:
        part = key.removeprefix("ln_") if page.name == "gemstones-2025" else key
        part = re.sub(r"_(w|a|kv|post)$", "", part)  # of kumar-2024: one f for each part
        if part in ("E_start", "E_max") and "Ludziejewski's" in page.form:
            continue
        assert re.search(rf"(?<![A-Za-z]){part}(?![A-Za-z])", page.form), key
