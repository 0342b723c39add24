"""Published figures held against the bands of the terms, and against the tables they are from."""

from __future__ import annotations

import csv
import math

import pytest

from modelsizer.problems.laws.ablated import stack_of, units_of
from modelsizer.problems.laws.ablation_rows import term_pages
from modelsizer.problems.laws.ablations import Ablations
from modelsizer.problems.laws.bands import ENDS, PUBLISHED, TERMS, Bands
from tests.support.shared import reference

VERDICTS = {
    "kv_heads": ["inside", "inside", "inside", "inside", "no loss", "no loss"],
    # Pairs of one paper on both sides of the band: their widths differ too.
    "ffn": ["inside", "inside", "above", "below"],
    # The band starts at 0.002 at its high end, so its steps from 2048 on are 0.002 smaller.
    "window": ["above", "above", "inside", "above", "no loss"],
    "sparse": ["above", "no loss"],
    # One paper's gain; others of which no loss is known see none.
    "linear": ["below", "below", "below", "no loss"],
    "latent": ["inside", "no loss", "no loss"],
}


@pytest.mark.parametrize("name", TERMS)
def test_every_figure_lies_where_it_is_said_to(name: str) -> None:
    page = term_pages()[name]
    assert [row.verdict for row in page.rows] == VERDICTS[name]
    assert page.band == PUBLISHED.term(name)
    for row in page.rows:
        assert row.source
        assert row.setting
        assert (row.measured is None) is bool(row.scores)


def test_the_middle_is_near_the_figures_of_kv_heads() -> None:
    page = term_pages()["kv_heads"]
    marin = [row for row in page.rows if row.source.startswith("Marin")]
    ratios = [(row.measured or 0.0) / row.band["middle"] for row in marin]
    assert len(ratios) == 3
    assert all(0.7 < ratio < 1.1 for ratio in ratios)


def test_figures_are_those_of_the_tables() -> None:
    with reference("modern/marin_moe_ablations.csv").open() as file:
        marin = {
            (row["issue"], row["d_model"], row["setting"]): float(row["paloma_macro_loss"])
            for row in csv.DictReader(file)
        }
    with reference("modern/hybrid_ratios.csv").open() as file:
        kimi = {
            row["linear_to_full"]: math.log(float(row["value"]))
            for row in csv.DictReader(file)
            if row["metric"] == "validation perplexity"
        }
    pairs = [
        *((("5151", d, f"heads={h} kv={h}"), ("5151", d, f"heads={h} kv=1"))
          for d, h in (("512", 4), ("768", 6))),
        (("8227", "768", "mha"), ("8227", "768", "baseline (grouped)")),
        *((("5338", d, "short window 2048"), ("5338", d, f"short window {w}"))
          for w in (1024, 512) for d in ("512", "768")),
        (("7381", "1024", "GQA 8/2, best of 7 rates (fit)"),
         ("7381", "1024", "MLA, best of 7 rates (fit)")),
    ]  # fmt: skip
    found = [marin[to] - marin[base] for base, to in pairs]
    found += [kimi["15:1"] - kimi["7:1"], *(kimi[to] - kimi["0:1"] for to in ("1:1", "3:1", "7:1"))]
    rows = [row for page in term_pages().values() for row in page.rows]
    ours = [row.nats for row in rows if "Marin" in row.source or "Kimi" in row.source]
    expected = [*found[:3], *found[3:7], found[8], *found[9:], found[7]]
    assert [round(x or 0.0, 4) for x in ours] == pytest.approx(expected, abs=6e-5)


def test_terms_are_linear_in_their_coefficients() -> None:
    for choices in (
        {"heads": 12, "kv_heads": 2, "r": 3.0},
        {"full_every": 5, "window": 700, "kv_heads": 4},
        {"full_every": 12, "window": 1500, "r": 0.7},
        {"full_every": 16, "between": "linear"},
        {"kv_lora_rank": 128, "full_every": 4, "between": "linear"},
    ):
        units = units_of(choices)
        for end in ENDS:
            at = PUBLISHED.at(end)
            windows = dict(
                zip(("window 2048", "window 1024", "window 512"), at.window, strict=True)
            )
            values = {
                n: getattr(at, n) for n in ("kv_heads", "sparse", "linear", "latent")
            } | windows
            said = sum(values[name] * units[name] for name in values)
            own = Bands(at, at, at)
            terms = Ablations("middle", 2**40, bands=own).terms(stack_of(choices))
            assert said == pytest.approx(sum(float(v) for k, v in terms.items() if k != "ffn"))


@pytest.mark.parametrize(
    "choices",
    [{"heads": 6, "kv_heads": 4}, {"full_every": 4}, {"full_every": 3, "between": "window"}],
)
def test_choices_that_make_no_layers_are_refused(choices: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"do not divide|full layer in"):
        stack_of(choices)
