"""The text of describe against its JSON: every figure, for random settings of random models."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.problems.laws.digits import nats_text
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import format_fixed, format_flops, format_quantity
from modelsizer.text.kit.words import counted
from tests.support.random_settings import MODELS, as_options, as_set, random_settings
from tests.support.shared import ROOT

RMS = 0.022  # of besiroglu-2024
MYLAW = f"file:{ROOT / 'docs' / 'mylaw.toml'}"

_MEMORY = {
    "weights": "weight_bytes",
    "KV cache, a token": "kv_bytes_per_token",
    "KV cache": "kv_cache",
    "states": "state_bytes",
    "serving memory": "serving_memory",
}
_OF_DATA = {"training.tokens", "training.unique_tokens", "training.flops"}


def run(*args: str, columns: int = 200, code: int = 0) -> str:
    answer = CliRunner().invoke(app, ["describe", *args], env={"COLUMNS": str(columns)})
    assert answer.exit_code == code, answer.output + answer.stderr
    return answer.stderr if code else answer.stdout


def as_json(*args: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*args, "--json", "-"))
    return found


def sections(text: str) -> dict[str, dict[str, str]]:
    """Rows by section, each a name and the rest with its spaces made one."""
    found: dict[str, dict[str, str]] = {}
    for part in text.strip().split("\n\n")[1:]:
        heading, *lines = part.split("\n")
        rows = [re.split(r" {2,}", line.strip(), maxsplit=1) for line in lines]
        found[heading.strip()] = {row[0]: " ".join(" ".join(row[1:]).split()) for row in rows}
    return found


def exactly(value: Any, unit: str) -> str:
    whole = f"{value:,} " if isinstance(value, int) else ""
    return whole + format_quantity(value, unit)


def windowed(found: dict[str, Any]) -> bool:
    return any("window" in group["attention"] for group in found["architecture"]["groups"])


def flops_rows(found: dict[str, Any]) -> dict[str, str]:
    selected = any("indexer" in group["attention"] for group in found["architecture"]["groups"])
    parts = ["in windows"] * windowed(found) + ["of selected tokens"] * selected
    seen = f", scores {' and '.join(parts)}" if parts else ""
    load = f"{found['batch']:,} x {found['sequence']:,} tokens, full scores"
    length = found["assumptions"]["training_sequence_length"]
    rows = {
        "forward pass": (found["flops"]["forward"], load),
        "forward and backward": (found["flops"]["forward_backward"], load),
        "forward, a token": (
            found["flops_per_token"]["forward"], f"at {found['sequence']:,} tokens{seen}"
        ),
        "training, a token": (found["flops_per_token"]["training"], f"at {length:,} tokens{seen}"),
    }  # fmt: skip
    return {name: f"{format_flops(n)} {words}" for name, (n, words) in rows.items()}


def memory_rows(found: dict[str, Any], settings: dict[str, Any]) -> dict[str, str]:
    several = found["assumptions"]["accelerators"] > 1
    rows = {
        f"{name}, each" if several and key == "serving_memory" else name: exactly(
            found[key], "bytes"
        )
        for name, key in _MEMORY.items()
        if found[key] or key != "state_bytes"
    }
    if any(key.startswith("training.") and key not in _OF_DATA for key in settings):
        name = "training memory"
        name += ", each" if found["design"]["layout"]["accelerators"] > 1 else ""
        rows[name] = exactly(found["design"]["quantities"]["training_memory"], "bytes")
    return rows


def cost_rows(found: dict[str, Any], settings: dict[str, Any]) -> dict[str, str]:
    """What the section of costs must hold, from the JSON alone."""
    design, rows = found["design"], {}
    quantities = design["quantities"]
    if design["tokens"] is not None:
        rows["tokens"] = format_quantity(design["tokens"], "tokens")
        rows["training FLOPs"] = format_quantity(design["training_flops"], "FLOPs")
        none = f"none: {design.get('loss_reason')}"
        loss = design["loss"]
        rows["loss"] = none if loss is None else (
            f"{format_fixed(loss, 3)} nats a token ({design['law']})"
        )  # fmt: skip
        told = {k: v for k, v in design.get("choices", {}).items() if any(v.values())}
        for name, ends in told.items():
            rows[f"of it {name}"] = nats_text(ends["middle"], RMS)
        if told:
            ends = (format_fixed(design["loss_band"][end], 3) for end in ("low", "high"))
            rows["band"] = f"{' to '.join(ends)} by ablations; the law errs by {RMS}"
    layout = design["layout"]
    if layout["accelerators"] > 1 or "training.accelerator" in settings:
        name = settings.get("training.accelerator", "accelerators")
        ways = [f"{layout[f'{kind}_parallel']} {kind}" for kind in ("data", "tensor", "pipeline")]
        rows["layout"] = f"{' x '.join(ways)} = {layout['accelerators']} {name}"
    for name, row in QUANTITIES.items():
        if name not in quantities or not row.of_tokens:
            continue
        rows[row.heading or row.words if row.form == "flops" else row.words] = format_quantity(
            quantities[name], row.dimension
        )
    for name, ends in design.get("latency", {}).items():
        low, expected, high = (format_quantity(ends[end], "seconds", 3) for end in
                               ("low", "expected", "high"))  # fmt: skip
        rows[name.replace("_", " ")] = f"{expected} expected, {low} to {high}"
    if "decode_throughput" in quantities:
        rows["throughput"] = format_quantity(quantities["decode_throughput"], "tokens/s")
    if "serving" in design:
        room = design["serving"]
        spared = " without windows" if windowed(found) else ""
        rows["fits"] = (
            "no cache, "
            if room["kv_tokens"] is None
            else f"{format_quantity(room['kv_tokens'], 'tokens', 3)} tokens of KV{spared}, "
        ) + (f"{counted(room['requests'], 'request')} of {found['sequence']:,}")
    return rows


def equal_within(found: dict[str, Any]) -> None:
    """Each figure is the same wherever the JSON has it."""
    design = found["design"]
    for name in ("kv_cache", "kv_bytes_per_token", "serving_memory"):
        assert found[name] == design["quantities"][name], name
    per_token = found["flops_per_token"]
    assert per_token["forward"] == design["quantities"]["inference_flops_per_token"]
    assert per_token["training"] == design["training_flops_per_token"]
    assumed = found["assumptions"]
    assert (found["batch"], found["sequence"]) == (
        assumed["batch_size"], assumed["context_length"],
    )  # fmt: skip


def check(seed: int) -> None:
    r = random.Random(f"describe {seed}")
    model, settings = r.choice(MODELS), random_settings(r)
    args = (model, *as_options(r, settings))
    found = as_json(*args)
    assert found == as_json(model, *as_set(settings)), (args, settings)
    shown = sections(run(*args))
    label = (args, shown)
    counts = {k: f"{n:,} {format_quantity(n, 'parameters')}"
              for k, n in found["parameters"].items() if n}  # fmt: skip
    assert shown["Parameters"] == counts, label
    assert shown["FLOPs"] == flops_rows(found), label
    assert shown["Memory"] == memory_rows(found, settings), label
    if not settings:
        assert "design" not in found and "Costs" not in shown
        return
    equal_within(found)
    costs = cost_rows(found, settings)
    rows = shown.get("Costs", {})
    assert rows.keys() == costs.keys(), label
    for name, value in rows.items():  # some go on with the MFU or the tokens served
        assert value == costs[name] or value.startswith((f"{costs[name]} (", f"{costs[name]} with"))
    said = shown["Assumptions"].get("training FLOPs", "")
    assert ("second forward" in said) == (settings.get("training.recompute") == "full")
    assert ("half" in said) == (settings.get("training.flops") == "causal")
    load = shown["Assumptions"]["load"]
    plural = "s" if found["batch"] > 1 else ""
    assert load == f"{found['batch']:,} sequence{plural} of {found['sequence']:,} tokens"


@pytest.mark.parametrize("seed", range(12))
def test_text_shows_the_figures_of_the_json(seed: int) -> None:
    check(seed)


@pytest.mark.parametrize(
    ("name", "times"),
    [("llama-3-8b", 1), ("qwen3-30b-a3b", 2), ("deepseek-v3", 8), ("nemotron-h-8b", 1),
     ("qwen3-next-80b-a3b", 4), ("mamba-130m", 1)],
)  # fmt: skip
def test_copies_of_a_cache_are_told(name: str, times: int) -> None:
    settings = {"serving.tensor_parallel": 8, "serving.batch_size": 4}
    found = as_json(name, *as_set(settings))
    held = found["weight_bytes"] + times * found["kv_cache"] + found["state_bytes"]
    assert found["serving_memory"] * 8 == held
    said = sections(run(name, *as_set(settings)))["Assumptions"]["KV cache"]
    assert (f"held {times} times" in said) == (times > 1)


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_terminal_of_any_width_shows_the_same_figures(columns: int) -> None:
    args = ("gpt-oss-20b", "--batch", "32", "--set", "serving.accelerator=H100-SXM",
            "--set", "training.accelerators=8", "--set", "training.tokens=15T")  # fmt: skip
    wide, narrow = run(*args), run(*args, columns=columns)
    assert max(map(len, narrow.splitlines())) <= columns
    numbers = [re.findall(r"\d[\d,.e]*", text) for text in (wide, narrow)]
    first, second = numbers if columns >= 80 else map(sorted, map(set, numbers))
    assert first == second


@pytest.mark.parametrize(
    ("option", "value", "setting"),
    [
        ("--batch", "32", "serving.batch_size=16"),
        ("--sequence", "8192", "serving.context_length=4096"),
        ("--weight-bytes", "1", "serving.weight_bytes=2"),
        ("--weight-bytes", "2", "serving.weight_bits=16"),
        ("--weight-bytes", "2", "serving.weight_bits.experts=4"),
        ("--kv-bytes", "1", "serving.kv_bytes=2"),
        ("--kv-bytes", "1", "serving.kv_bits=8"),
    ],
)
def test_an_option_beside_another_value_of_its_setting(
    option: str, value: str, setting: str
) -> None:
    error = run("gpt2", option, value, "--set", setting, code=2)
    key, _, said = setting.partition("=")
    assert error.startswith(f"error: {option}: {value} is short for serving.")
    assert f"{key} = {said} is set too" in error


def test_an_option_beside_the_same_value_of_its_setting() -> None:
    both = run("gpt2", "--batch", "32", "--set", "serving.batch_size=32")
    assert both == run("gpt2", "--batch", "32")


def test_settings_of_a_problem_are_the_assumptions_and_options_are_over_them() -> None:
    found = as_json("llama-3-8b", "--problem", "one-h100-1e24")
    assert (found["batch"], found["sequence"]) == (16, 8192)
    equal_within(found)
    over = as_json("llama-3-8b", "--problem", "one-h100-1e24", "--batch", "4")
    assert (over["batch"], over["sequence"]) == (4, 8192)
    assert over["kv_cache"] * 4 == found["kv_cache"]
    equal_within(over)


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ("training.price_per_hour=2.5", "training.accelerator"),
        ("training.mfu=0.4", "training.accelerator"),
        ("lifetime.inference_tokens=1e12", "training.tokens"),
        ("serving.prompts=4", "serving.accelerator"),
        ("serving.memory_utilization=0.5", "serving.accelerator"),
        ("objective.law=hoffmann-2022", "training.tokens"),
    ],
)
def test_a_setting_that_changes_no_figure_says_what_it_needs(setting: str, word: str) -> None:
    (said,) = as_json("gpt2", "--set", setting)["design"]["warnings"]
    assert said.startswith(f"{setting.partition('=')[0]} changes no figure without")
    assert word in said
    assert said in " ".join(run("gpt2", "--set", setting).split())
    needed = {"training.accelerator": "H100-SXM", "serving.accelerator": "H100-SXM",
              "training.tokens": "1T"}  # fmt: skip
    more = [f"{key}={value}" for key, value in needed.items()]
    args = [part for text in (setting, *more) for part in ("--set", text)]
    left = as_json("gpt2", *args)["design"].get("warnings", [])
    assert not [warning for warning in left if "changes no figure" in warning]


def test_a_loss_beyond_the_law_or_the_data_is_warned_of() -> None:
    args = ("--set", "training.tokens=1T")
    far = as_json("llama-3.1-405b", *args)["design"]["warnings"]
    assert any("extrapolates: 406B" in warning for warning in far)
    repeated = as_json("gpt2", *args, "--set", "training.unique_tokens=1e9")["design"]["warnings"]
    assert any("1000.0 epochs" in warning for warning in repeated)
    states = as_json("mamba-130m", *args)["design"]["warnings"]
    assert any("24 of 24 layers hold a state" in warning for warning in states)


def test_a_mixture_is_not_judged_by_a_law_that_sees_feed_forwards() -> None:
    args = ("qwen3-30b-a3b", "--set", "training.tokens=15T", "--set", f"objective.law={MYLAW}")
    design = as_json(*args)["design"]
    assert design["loss"] is design["shape_excess"] is None
    assert design["training_flops"] == 15e12 * design["training_flops_per_token"]
    shown = sections(run(*args))["Costs"]["loss"]
    assert shown == f"none: {design['loss_reason']}"
    assert "sees d_ff, which layers of experts have not" in shown
    limited = as_json(*args, "--set", "budgets.loss=2")["design"]
    assert limited["violated"] == [] and "not checked" in limited["warnings"][0]
    dense = as_json("llama-3-8b", *args[1:])["design"]
    assert dense["loss"] and "loss_reason" not in dense
    by_default = as_json(*args[:3])["design"]  # by what its experts are worth
    assert by_default["loss"] < as_json("llama-3-8b", *args[1:3])["design"]["loss"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12, 120))
def test_text_shows_the_figures_of_the_json_for_many_settings(seed: int) -> None:
    check(seed)


def test_what_fits_is_said_to_be_unknown_without_the_memory_of_a_device() -> None:
    text = run("llama-3-8b", "--set", "serving.accelerator=MI300A")
    (row,) = [line for line in text.splitlines() if line.startswith("fits")]
    assert row.split("  ")[-1].strip() == ("not known: MI300A is listed without its memory")


def test_an_accelerator_of_memory_alone_says_what_fits_and_what_latency_lacks() -> None:
    own = "serving.custom_accelerator"
    text = run("llama-3-70b", "--set", f"{own}.memory=192 GB", "--set", f"{own}.bandwidth=8e12")
    assert "requests of 4,096" in text and f"{own}.memory changes no figure" not in text
    assert "memory alone" in text and "changes no figure" not in text
    assert "lifetime." not in text


def test_limits_on_the_loss_are_checked_where_tokens_are_known() -> None:
    asked = ("llama-3-8b", "--set", "budgets.loss=3", "--set", "budgets.parameters=1e9")
    (line,) = (line for line in run(*asked).splitlines() if line.startswith("It breaks"))
    assert line == "It breaks budgets.parameters"
    design = as_json(*asked)["design"]
    assert design["violated"] == ["budgets.parameters"]
    assert any("budgets.loss is not checked" in text for text in design["warnings"])
    assert "It breaks budgets.parameters, budgets.loss" in run(
        *asked, "--set", "training.tokens=1T", "--set", "budgets.loss=2"
    )
