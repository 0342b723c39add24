"""The accelerator catalogue against its reference data, looking up, and the command."""

from __future__ import annotations

import csv
import io
import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.problems.hardware.accelerators import (
    FIGURES,
    PRECISIONS,
    Accelerator,
    UnknownFigureError,
    accelerator,
    accelerators,
)
from modelsizer.problems.hardware.efficiencies import default_engine
from modelsizer.problems.hardware.training_efficiencies import training_mfu
from modelsizer.problems.tables.serving import Serving
from modelsizer.problems.tables.tables import CustomAccelerator
from modelsizer.problems.tables.training import Training
from modelsizer.problems.typed_keys import TableError
from modelsizer.text.accelerators import SORT_KEYS
from tests.support.shared import reference_json

GIB = 2**30
# Names of the reference data that carry more than a name; the others differ in spaces only.
RENAMED = {
    "GB200 (per GPU)": "GB200",
    "Apple M2 Ultra (76-core GPU)": "M2-Ultra",
    "Apple M4 Max (40-core GPU)": "M4-Max",
    "Snapdragon 8 Gen 3 (phone)": "Snapdragon-8-Gen-3",
}
REFERENCE = {
    "bandwidth": ("mem_bandwidth_GBps", 10**9),
    "bf16_flops": ("bf16_dense_tflops", 10**12),
    "fp8_flops": ("fp8_dense_tflops", 10**12),
    "link": ("interconnect_unidir_GBps", 10**9),
}


def run(*args: str, code: int = 0, columns: int = 80) -> Any:
    answer = CliRunner().invoke(app, ["accelerators", *args], env={"COLUMNS": str(columns)})
    assert answer.exit_code == code, answer.output + answer.stderr
    return answer


def listed(*args: str) -> list[dict[str, Any]]:
    return json.loads(run(*args, "--json", "-").stdout)["accelerators"]


def stated(row: dict[str, Any], name: str, scale: int) -> Fraction | None:
    return None if row[name] is None else Fraction(str(row[name])) * scale


def reference_rows() -> dict[str, dict[str, Any]]:
    rows = reference_json("accelerators.json")["accelerators"]
    return {RENAMED.get(row["name"], row["name"].replace(" ", "-")): row for row in rows}


def test_catalogue_agrees_with_the_reference_figure_by_figure() -> None:
    """Where the reference has a figure; others have been seen since."""
    rows = reference_rows()
    assert set(rows) < set(accelerators())
    for name, row in rows.items():
        found = accelerators()[name]
        assert found.vendor == row["vendor"]
        assert found.memory_label in row["memory_label"], name
        for figure, (key, scale) in REFERENCE.items():
            told = stated(row, key, scale)
            assert told is None or getattr(found, figure) == told, (name, figure)


NEW_ROWS = {"GH200-144GB", "GH200-96GB", "A100-80GB-PCIe", "MI350X", "Gaudi3", "M5-Max", "M3-Ultra"}
CAUTIOUS = {  # figures for which another source has less
    ("B200-SXM", "memory"), ("B300-SXM", "bandwidth"), ("MI325X", "memory"), ("MI355X", "memory"),
    ("TPU-v6e", "memory"), ("Trainium3", "bandwidth"), ("A100-80GB-PCIe", "bandwidth"),
    ("H100-PCIe", "memory"), ("L4", "memory"), ("RTX-4090", "memory"), ("B300-SXM", "memory"),
    ("TPU-v4", "memory"),
}  # fmt: skip
DERIVED = {"RTX-5090", "RTX-PRO-6000-Blackwell", "DGX-Spark"}  # to be checked, as the file says


def test_catalogue_agrees_with_the_newer_rows() -> None:
    rows = {row["name"]: row for row in reference_json("accelerators_rows.json")["accelerators"]}
    assert set(rows) >= NEW_ROWS
    seen = 0
    for name in (rows.keys() - DERIVED) & accelerators().keys():
        for figure in FIGURES.keys() - {"watts"}:
            told, found = rows[name].get(figure), getattr(accelerators()[name], figure)
            if told is None or found is None or (name, figure) in CAUTIOUS:
                continue
            assert found == pytest.approx(told, rel=0.002), (name, figure)
            seen += 1
    assert seen > 60


@pytest.mark.parametrize(
    ("name", "vendor", "bandwidth", "bf16"),
    [
        ("A100-80GB-SXM", "NVIDIA", 2039, 312),
        ("H100-SXM", "NVIDIA", 3350, 989),
        ("RTX-4090", "NVIDIA", 1008, 165),
        ("MI300X", "AMD", 5300, 1307),
        ("TPU-v5e", "Google", 819, 197),
    ],
)
def test_figures_of_data_sheets(name: str, vendor: str, bandwidth: int, bf16: int) -> None:
    """GB/s and dense TFLOP/s, as the vendors state them."""
    found = accelerators()[name]
    assert found.vendor == vendor
    assert found.bandwidth == pytest.approx(bandwidth * 10**9, rel=0.002)
    assert found.bf16_flops == pytest.approx(bf16 * 10**12, rel=0.005)


def test_memory_is_the_one_that_the_device_reports() -> None:
    exact = 0
    for name, row in reference_rows().items():
        found = accelerators()[name].memory
        counted = re.match(r"([\d,]+) bytes", row["device_reported_source"] or "")
        if counted is not None:
            assert found == int(counted[1].replace(",", "")), name
            exact += 1
        else:
            gib = stated(row, "device_reported_GiB", GIB)
            assert gib is None or found == round(gib), name
    assert exact == 2


@pytest.mark.parametrize("found", accelerators().values(), ids=lambda found: found.name)
def test_every_row_names_its_sources(found: Accelerator) -> None:
    assert len(found.source) > len("of its vendor")
    assert bool(found.watts) == bool(found.watts_source)
    assert found.memory_label
    for figure in FIGURES:
        value = getattr(found, figure)
        assert value is None or (type(value) is int and value > 0), figure


@pytest.mark.parametrize("name", ["h100-sxm", "H100 SXM", "h100sxm", "H100_SXM", " H100-SXM "])
def test_names_compare_without_case_spaces_and_hyphens(name: str) -> None:
    assert accelerator(name).name == "H100-SXM"


def test_names_are_unlike_to_the_look_up() -> None:
    assert len({accelerator(name).name for name in accelerators()}) == len(accelerators()) == 66


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("H100", "did you mean H100-SXM or H100-PCIe or H100-NVL?"),
        ("a100", "did you mean A100-40GB-SXM or A100-80GB-SXM or A100-80GB-PCIe?"),
        ("mi 300", "did you mean MI300A or MI300X?"),
        ("rtx pro", "did you mean RTX-PRO-6000?"),
        ("h100-sxn", "did you mean H100-SXM?"),
        ("RTX 4900", "did you mean RTX-4090?"),
    ],
)
def test_an_unknown_name_brings_up_those_alike(name: str, expected: str) -> None:
    with pytest.raises(ValueError, match="modelsizer accelerators") as raised:
        accelerator(name)
    assert repr(name) in str(raised.value)
    assert expected in str(raised.value)


@pytest.mark.parametrize("name", ["", "-", "abacus"])
def test_a_name_like_no_other_has_no_hint(name: str) -> None:
    with pytest.raises(ValueError, match="unknown accelerator") as raised:
        accelerator(name)
    assert "did you mean" not in str(raised.value)


def test_a_figure_that_is_needed_is_known_or_refused() -> None:
    assert accelerator("H100-SXM").figure("bandwidth") == 3_350_000_000_000
    with pytest.raises(UnknownFigureError) as raised:
        accelerator("M2-Ultra").figure("memory")
    message = str(raised.value)
    assert "M2-Ultra" in message
    assert FIGURES["memory"] in message
    assert "its memory under custom_accelerator" in message


def test_every_unknown_figure_is_refused() -> None:
    bare = Accelerator("bare")
    for figure in FIGURES:
        with pytest.raises(UnknownFigureError, match="bare"):
            bare.figure(figure)


def test_json_holds_every_field_with_null_for_unknown() -> None:
    rows = {row["name"]: row for row in listed()}
    assert list(rows) == list(accelerators())
    for name, row in rows.items():
        found = accelerators()[name]
        for figure in FIGURES:
            assert row[figure] == getattr(found, figure)
        assert row["source"] == found.source
        assert row["watts_source"] == (found.watts_source or None)
    assert rows["TPU-v5e"]["watts"] is rows["TPU-v5e"]["watts_source"] is None


def test_csv_agrees_with_json() -> None:
    read = list(csv.DictReader(io.StringIO(run("--csv").stdout)))
    expected = [{k: "" if v is None else str(v) for k, v in row.items()} for row in listed()]
    assert read == expected


def test_json_to_a_file_leaves_the_table(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    text = run("--match", "apple", "--json", str(path)).stdout
    assert "M4-Max" in text
    names = [row["name"] for row in json.loads(path.read_text())["accelerators"]]
    assert {"M2-Ultra", "M4-Max"} < set(names)
    assert all(accelerator(name).vendor == "Apple" for name in names)


@pytest.mark.parametrize("columns", [80, 120])
def test_table_fits_and_has_a_line_for_each(columns: int) -> None:
    lines = run(columns=columns).stdout.splitlines()
    assert max(map(len, lines)) <= columns
    assert lines[0].split() == [*SORT_KEYS[1:]]
    body = {line.split()[0]: line.split()[1:] for line in lines[2 : 2 + len(accelerators())]}
    assert list(body) == list(accelerators())
    assert body["H100-SXM"] == ["85.1", "3350", "989", "1979", "-", "450", "700"]
    assert body["RTX-4090"] == ["25.2", "1008", "165.2", "330.3", "-", "-", "450"]
    assert body["M2-Ultra"] == ["-", "800", *"-----"]


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", list(accelerators())[::5])
def test_one_alone_shows_its_figures_and_sources(name: str, columns: int) -> None:
    text = run(name.lower(), columns=columns).stdout
    found = accelerator(name)
    assert max(len(line) for line in text.splitlines()) <= columns
    flat = "".join(text.split())
    for said in (
        name,
        found.vendor,
        found.source,
        found.watts_source,
        found.note,
        *FIGURES.values(),
    ):
        assert "".join(said.split()) in flat
    unknown = sum(getattr(found, figure) is None for figure in FIGURES)
    assert sum(line.split()[-1:] == ["-"] for line in text.splitlines()) == unknown


def test_figures_of_one_alone_are_not_rounded_away() -> None:
    text = run("mi300x").stdout
    for said in ("1.3074 PFLOP/s", "5.3 TB/s", "448 GB/s", "750 W", "(191.45 GiB)"):
        assert said in text


def test_several_names_are_a_table_in_their_order() -> None:
    text = run("RTX 3090", "a10g", "rtx3090").stdout
    assert text.index("RTX-3090") < text.index("A10G")
    assert "Source" not in text
    assert [row["name"] for row in listed("RTX 3090", "a10g", "rtx3090")] == ["RTX-3090", "A10G"]


@pytest.mark.parametrize("key", SORT_KEYS)
def test_sorting_puts_the_largest_first_and_the_unknown_last(key: str) -> None:
    rows = listed("--sort", key)
    assert {row["name"] for row in rows} == set(accelerators())
    if key == "name":
        assert [row["name"].lower() for row in rows] == sorted(n.lower() for n in accelerators())
        return
    values = [row[key if key in FIGURES else f"{key}_flops"] for row in rows]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=True)
    assert values[len(known) :] == [None] * (len(values) - len(known))


def test_match_looks_in_name_and_vendor() -> None:
    assert {row["name"] for row in listed("--match", "GOOGLE")} == {
        "TPU-v4", "TPU-v5e", "TPU-v5p", "TPU-v6e", "TPU-v7",
    }  # fmt: skip
    assert {row["name"] for row in listed("--match", "h100")} == {
        "H100-SXM", "H100-PCIe", "H100-NVL",
    }  # fmt: skip
    assert listed("--match", "abacus") == []
    assert run("--match", "abacus").stdout == "no accelerator matches\n"
    assert run("--match", "abacus", "--csv").stdout.startswith("name,vendor,memory,")


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["H100"], "H100-SXM or H100-PCIe or H100-NVL"),
        (["abacus", "--csv"], "unknown accelerator 'abacus'"),
        (["--sort", "price"], "'price' is not name, memory"),
        (["--csv", "--json", "-"], "--csv and --json"),
        (["--vendor", "acorn"], "--vendor: 'acorn' is not one of NVIDIA, AMD"),
        (["--memory-at-least", "much"], "--memory-at-least: 'much' is not a number of bytes"),
    ],
)
def test_bad_input_is_told(args: list[str], expected: str) -> None:
    answer = run(*args, code=2)
    assert expected in answer.stderr
    assert answer.stderr.startswith("error: ")
    assert answer.stdout == ""


def test_cards_of_servers_are_told_from_those_of_desks() -> None:
    own = CustomAccelerator.model_validate({"memory_type": "GDDR"}).device
    assert all(found.server for found in accelerators().values() if found.memory_type == "HBM")
    assert all(accelerator(name).server for name in ("L4", "L40S", "A10G"))
    assert not any(accelerator(name).server for name in ("RTX-4090", "M4-Max"))
    assert not own.server


@pytest.mark.parametrize(
    ("table", "name", "precision", "known"),
    [
        ("serving", "H100-SXM", "fp4", '"bf16" or "fp8"'),
        ("training", "A100-80GB-SXM", "fp8", '"bf16"'),
        ("serving", "Jetson-AGX-Orin-64GB", "fp8", '"bf16"'),
        ("training", "Jetson-AGX-Thor", "fp4", None),
        ("serving", "B200-SXM", "fp4", None),
        ("training", "M4-Max", "bf16", None),
    ],
)
def test_a_precision_needs_a_peak_of_its_own(
    table: str, name: str, precision: str, known: str | None
) -> None:
    model: Any = Serving if table == "serving" else Training
    key = "compute" if table == "serving" else "precision"
    asked = {"accelerator": name, key: precision}
    if known is None:
        assert getattr(model.model_validate(asked), key) == precision
        return
    with pytest.raises(TableError, match=f"not known: write {known}, or define"):
        model.model_validate(asked)


def test_of_several_accelerators_those_without_the_peak_are_left_out() -> None:
    asked = {"accelerator": ["A100-80GB-SXM", "H100-SXM", "B200-SXM"], "compute": ["bf16", "fp4"]}
    each = {(one.accelerator, one.compute) for one in Serving.model_validate(asked).each()}
    assert each == {
        ("A100-80GB-SXM", "bf16"), ("H100-SXM", "bf16"), ("B200-SXM", "bf16"), ("B200-SXM", "fp4"),
    }  # fmt: skip


def test_filters_take_vendor_memory_and_kind() -> None:
    large = listed("--vendor", "amd", "--memory-at-least", "200 GB", "--server")
    assert {row["name"] for row in large} == {"MI300X", "MI325X", "MI350X", "MI355X"}
    assert all(not row["server"] for row in listed("--no-server"))
    apple = run("--vendor", "Apple", "--memory-at-least", "8 GB").stdout
    unknown = sum(a.vendor == "Apple" and a.memory is None for a in accelerators().values())
    assert f"Left out are {unknown} more, whose memory is not known." in apple


def test_one_alone_shows_the_shares_that_estimates_take() -> None:
    found = json.loads(run("b200-sxm", "--json", "-").stdout)["shares"]
    assert found["engine"] == default_engine(accelerator("B200-SXM")) == "vllm"
    assert list(found["prefill"]) == list(found["training_mfu"]) == list(PRECISIONS)
    assert (
        found["training_mfu"]["bf16"][1] == training_mfu(accelerator("B200-SXM"), "bf16").expected
    )
    text = " ".join(run("b200-sxm").stdout.split())
    assert f"{found['prefill']['fp4']:g} in fp4" in text
    assert "not known: no peak is" in run("m4-max").stdout
    assert "shares" not in json.loads(run("--json", "-").stdout)


@pytest.mark.parametrize("found", accelerators().values(), ids=lambda found: found.name)
def test_figures_of_one_are_possible_together(found: Accelerator) -> None:
    """Fewer bits are not slower, and a device does not report more than GiB of its label."""
    peaks = [getattr(found, f"{p}_flops") for p in found.precisions]
    assert peaks == sorted(peaks)
    sold = re.match(r"(\d+)", found.memory_label)
    assert sold is not None
    if found.memory is not None:
        assert 0.45 * int(sold[1]) * 10**9 < found.memory <= int(sold[1]) * GIB, found.name
    assert found.bandwidth is not None
    if found.bf16_flops is not None:  # FLOPs for a byte: from phones to data centres
        assert 30 < found.bf16_flops / found.bandwidth < 800
