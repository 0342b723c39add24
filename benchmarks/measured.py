"""Compare predictions with measurements: `python -m benchmarks.measured DATA [PICTURE]`.

DATA is the folder of the reference data (decode_latency.json, training_mfu.json,
kv_measured.json). Prints a table by quantity, engine and device, and draws the picture of
docs/predictions.md.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelsizer.problems.architecture.accounting import kv_bytes_per_token, training_flops_per_token
from modelsizer.problems.architecture.architecture import Architecture, Layer, LayerGroup, Trunk
from modelsizer.problems.architecture.attention import FullAttention
from modelsizer.problems.architecture.feedforward import DenseFeedForward, MixtureOfExperts
from modelsizer.problems.architecture.models import models
from modelsizer.problems.costs.training_memory import stages
from modelsizer.problems.designs.capacity import serving_room
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.designs.standalone import standalone_problem
from modelsizer.problems.hardware.accelerators import accelerator
from modelsizer.problems.hardware.training_efficiencies import training_mfu
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.training import Training

GB = 10**9
# Devices that the catalogue lacks: GB/s and dense bf16 TFLOP/s as stated by their makers.
OTHERS = {
    "3070": (448, 40.6, "GDDR"),
    "3080 Ti": (912, 68.2, "GDDR"),
    "4070 Ti": (504, 80.2, "GDDR"),
    "4080": (717, 97.5, "GDDR"),
    "3090 Ti": (1008, 80.0, "GDDR"),
    "A6000": (768, 154.8, "GDDR"),
    "4000 Ada": (360, 107.0, "GDDR"),
    "5000 Ada": (576, 130.6, "GDDR"),
    "6000 Ada": (960, 182.1, "GDDR"),
    "A4500": (640, 94.6, "GDDR"),
    "A5000": (768, 111.1, "GDDR"),
    "A40": (696, 149.7, "GDDR"),
    "M1 ": (68, 2.6, "LPDDR"),
    "M1 Max": (400, 10.4, "LPDDR"),
    "M2 Ultra": (800, 27.2, "LPDDR"),
    "M3 Max": (400, 14.2, "LPDDR"),
    "MI250X (one GCD)": (1640, 191.5, "HBM"),
}
KNOWN = {
    "A100-40": "A100-40GB-SXM", "A100 40": "A100-40GB-SXM", "a100_40": "A100-40GB-SXM",
    "A100": "A100-80GB-SXM", "a100": "A100-80GB-SXM",
    "H100 PCIe": "H100-PCIe", "H100": "H100-SXM", "h100": "H100-SXM", "H200": "H200-SXM",
    "L40S": "L40S", "3090": "RTX-3090", "4090": "RTX-4090", "B200": "B200-SXM",
    "MI300X": "MI300X", "v5p": "TPU-v5p", "v5e": "TPU-v5e", "v4": "TPU-v4", "v6e": "TPU-v6e",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A measured figure and its prediction, in the same unit."""

    quantity: str
    engine: str
    device: str
    model: str
    measured: float
    predicted: float

    @property
    def ratio(self) -> float:
        return self.measured / self.predicted


def settings_of(hardware: str, table: str) -> dict[str, Any] | None:
    """Settings of a device named in a row; None if it is not known."""
    for name, (bandwidth, tflops, memory) in sorted(OTHERS.items(), key=lambda o: -len(o[0])):
        if name in hardware:
            return {
                f"{table}.custom_accelerator": {
                    "name": name.strip(), "bandwidth": bandwidth * GB,
                    "bf16_flops": tflops * 1e12, "memory_type": memory,
                }
            }  # fmt: skip
    for name, ours in KNOWN.items():
        if name in hardware:
            return {f"{table}.accelerator": ours}
    return None


def architecture_of(shape: dict[str, Any]) -> Architecture:
    d, heads = shape["d_model"], shape["n_head"]
    kv_heads = shape.get("n_kv_head") or heads
    d_ff = shape.get("d_ff") or _ffn(d)
    gated = shape.get("gated", True)
    ffn: Any = DenseFeedForward(d_ff, gated)
    if "n_experts" in shape:
        ffn = MixtureOfExperts(d_ff, shape["n_experts"], shape["n_active"])
    layer = Layer(FullAttention(heads, kv_heads, d // heads), ffn)
    trunk = Trunk(d, shape.get("vocab") or 32000)
    return Architecture(trunk, (LayerGroup(layer, shape["n_layer"]),), "llama")


def _ffn(d_model: int) -> int:
    """Llama's rule: two thirds of 4 d_model, rounded up to a multiple of 256."""
    return -(-int(8 * d_model / 3) // 256) * 256


OWN = {
    "tinyllama": {"n_layer": 22, "n_head": 32, "n_kv_head": 4, "d_model": 2048, "d_ff": 5632},
    "codellama-34b": {"n_layer": 48, "n_head": 64, "n_kv_head": 8, "d_model": 8192, "d_ff": 22016},
    "33b": {"n_layer": 60, "n_head": 52, "d_model": 6656, "d_ff": 17920},
    "30b": {"n_layer": 60, "n_head": 52, "d_model": 6656, "d_ff": 17920},
    "-3b": {"n_layer": 26, "n_head": 32, "d_model": 3200, "d_ff": 8640},
}


def shape_of(name: str, listed: dict[str, Any]) -> dict[str, Any] | None:
    low = name.lower()
    for key, shape in OWN.items():
        if key in low:
            return shape
    if "mixtral" in low:
        return listed["mixtral-8x7b"]
    if "405b" in low:
        return listed["llama-3.1-405b"]
    third = "llama-3" in low
    for size, two, three in (("70b", "llama-2-70b", "llama-3-70b"), ("13b", "llama-2-13b", None),
                             ("8b", "llama-3-8b", "llama-3-8b"),
                             ("7b", "llama-2-7b", "llama-2-7b")):  # fmt: skip
        if size in low:
            if "mistral" in low:
                return listed["mistral-7b"]
            key = three if third else two
            return listed[key] if key else None
    return None


def bytes_of(dtype: str) -> dict[str, Any]:
    """Serving settings of a row's weight format."""
    low = dtype.lower()
    if "q4_k" in low:
        return {"serving.weight_bytes": 4.58 * 2**30 / 8.03e9}  # file size of Llama 3 8B
    if "bpw" in low:
        return {"serving.weight_bytes": float(low.split()[1]) / 8}
    if "int4" in low or "4-bit" in low:
        group = low.rsplit("g", 1)[-1].split()[0] if "g" in low else "128"
        group = group if group.isdigit() else "64"
        return {"serving.weight_bits": 4, "serving.weight_block": int(group),
                "serving.scale_bytes": 4, "serving.embedding_bits": 4}  # fmt: skip
    if "fp6" in low:
        return {"serving.weight_bytes": 0.75}
    if "8" in low or low == "autoquant":
        return {"serving.weight_bytes": 1}
    return {"serving.weight_bytes": 2}


def decode_rows(data: Path) -> Iterator[Row]:
    content = json.loads((data / "decode_latency.json").read_text())
    listed = content["models"]
    for r in content["decode"]:
        shape, device = shape_of(r["model"], listed), settings_of(r["hardware"], "serving")
        if shape is None or device is None:
            continue
        engine = r["engine"].split()[0].split("/")[0]
        context = max(1, int(r.get("gen_tokens") or 205) // (2 if r.get("gen_tokens") else 1))
        settings = device | bytes_of(r["weight_dtype"]) | {
            "serving.context_length": context, "serving.batch_size": r.get("batch") or 1,
        }  # fmt: skip
        if engine == "llama.cpp":
            settings["serving.engine"] = engine
        architecture = architecture_of(shape)
        problem = standalone_problem(architecture, settings)
        predicted = float(evaluate(problem, architecture).exact["decode_throughput"])
        yield Row("decode", engine, problem.serving.named.name, r["model"],
                  r["tokens_per_s"], predicted)  # fmt: skip
    for r in content["first_token"]:
        shape, device = shape_of(r["model"], listed), settings_of(r["hardware"], "serving")
        if shape is None or device is None:
            continue
        precision = "fp8" if "8" in r["weight_dtype"] else "bf16"
        settings = device | bytes_of(r["weight_dtype"]) | {
            "serving.compute": precision, "serving.tensor_parallel": r["tp"],
            "serving.prompt_length": r["input_len"], "serving.prompts": r["batch"],
        }  # fmt: skip
        architecture = architecture_of(shape)
        problem = standalone_problem(architecture, settings)
        if problem.lacks("prefill_latency"):
            continue
        seconds = float(evaluate(problem, architecture).exact["prefill_latency"])
        yield Row("first token", "TensorRT-LLM", problem.serving.named.name, r["model"],
                  r["first_token_ms"], 1000 * seconds)  # fmt: skip
    for r in content["batched"]:
        yield from _batched(r, listed)


def _batched(r: dict[str, Any], listed: dict[str, Any]) -> Iterator[Row]:
    """Output tokens/s of an offline batch: a prefill, then decode steps at the mean context."""
    shape, device = shape_of(r["model"], listed), settings_of(r["hardware"], "serving")
    per_gpu = r.get("out_tokens_per_s_per_gpu")
    if shape is None or device is None:
        return
    precision = "fp8" if "8" in r["weight_dtype"] else "bf16"
    kv = 1 if "8" in (r.get("kv_dtype") or "") else 2
    settings = device | bytes_of(r["weight_dtype"]) | {
        "serving.compute": precision, "serving.tensor_parallel": r["tp"],
        "serving.kv_bytes": kv, "serving.batch_size": r["batch"],
        "serving.context_length": r["input_len"] + r["output_len"] // 2,
        "serving.prompt_length": r["input_len"], "serving.prompts": r["batch"],
    }  # fmt: skip
    architecture = architecture_of(shape)
    problem = standalone_problem(architecture, settings)
    found = evaluate(problem, architecture)
    seconds = float(found.exact["prefill_latency"])
    seconds += r["output_len"] * float(found.exact["decode_latency"])
    predicted = r["batch"] * r["output_len"] / seconds / r["tp"]
    measured = per_gpu if per_gpu is not None else r["out_tokens_per_s_table_col"]
    yield Row("batched", "TensorRT-LLM", problem.serving.named.name, r["model"],
              measured, predicted)  # fmt: skip


def training_rows(data: Path) -> Iterator[Row]:
    rows = json.loads((data / "training_mfu.json").read_text())
    listed = json.loads((data / "decode_latency.json").read_text())["models"]
    for r in rows:
        device = settings_of(r["hardware"], "training")
        if device is None:
            continue
        given = r.get("precision") or ""
        precision = "fp8" if "8" in given else "bf16"
        name = device.get("training.accelerator")
        if name is None:
            continue
        mfu = r["mfu"]
        if mfu is None:
            shape = shape_of(r["model"], listed)
            if shape is None or not r.get("tokens_per_s_per_gpu"):
                continue
            a = architecture_of(shape)
            each = training_flops_per_token(
                a.trunk, [a.groups[0].layer], r.get("seq_len") or 8192, "exact"
            ).at([a.layers])
            peak = accelerator(name).figure(f"{precision}_flops")
            mfu = float(each) * r["tokens_per_s_per_gpu"] / peak
        expected = training_mfu(accelerator(name), precision).expected
        yield Row("training MFU", precision, name, r["model"], mfu, expected)


_WAYS = {"FSDP": "data", "TP": "tensor", "PP": "pipeline", "CP": "context"}
_PIPELINED = {"zero_stage": 1, "weight_bytes": 2, "gradient_bytes": 4, "optimizer_bytes": 12}
_SHARDED = {"zero_stage": 3, "weight_bytes": 4, "gradient_bytes": 4, "optimizer_bytes": 8}
_OFFLOADED = {"zero_stage": 3, "weight_bytes": 2, "gradient_bytes": 2, "optimizer_bytes": 1e-6,
              "logit_bytes": 0}  # fmt: skip


def memory_rows(data: Path) -> Iterator[Row]:
    """Peak training memory in GiB: torchtitan, torchao, and DeepSpeed with its states on the CPU.

    torchtitan shards fp32 weights, and with pipeline stages keeps bf16 weights and fp32 gradients
    unsharded; a context-parallel rank holds its part of the sequence; microbatches of a pipeline
    have one sequence, of 8,192 tokens if a row gives no length (as in its configurations).
    """
    listed = json.loads((data / "decode_latency.json").read_text())["models"]
    for r in json.loads((data / "training_mfu.json").read_text()):
        peak = r.get("peak_mem_GiB") or (r["peak_mem_GB"] * GB / 2**30 if "peak_mem_GB" in r else 0)
        shape = shape_of(r["model"], listed)
        if not peak or shape is None:
            continue
        text = r["parallelism"]
        ways = {_WAYS[k]: int(n) for k, n in re.findall(r"(FSDP|TP|PP|CP)(\d+)", text)}
        tensor, pipeline = ways.get("tensor", 1), ways.get("pipeline", 1)
        offloads = "offload" in text
        states = _OFFLOADED if offloads else _PIPELINED if pipeline > 1 else _SHARDED
        kept = r.get("activation_checkpointing") or "full"
        batch = r.get("local_batch") or r.get("micro_batch") or 1
        training = Training.model_validate(
            states
            | {
                "sequence_length": (r.get("seq_len") or 8192) // ways.get("context", 1),
                "microbatch_size": 1 if pipeline > 1 else batch,
                "recompute": "full" if kept == "full" else "half",
            }
        )
        a = architecture_of(shape)
        layout = Layout(r["n_gpus"] // (tensor * pipeline), tensor, pipeline)
        branches = stages(training, a.trunk, [a.groups[0].layer], layout)
        predicted = max(float(branch.at([a.layers])) for branch in branches) / 2**30
        engine = (
            "DeepSpeed" if offloads else "torchao" if "pytorch/ao" in r["source"] else "torchtitan"
        )
        name = next(ours for key, ours in KNOWN.items() if key in r["hardware"])
        yield Row("training memory", engine, name, r["model"], peak, predicted)


def kv_rows(data: Path) -> Iterator[Row]:
    catalogue = models()
    names = {"llama-2-7b": "llama-2-7b", "llama-3-8b": "llama-3-8b", "llama-3.1-8b": "llama-3.1-8b",
             "llama-3.1-8b-instruct": "llama-3.1-8b"}  # fmt: skip
    for r in json.loads((data / "kv_measured.json").read_text())["kv"]:
        device = settings_of(r.get("gpu") or "", "serving")
        name = names.get(r["model"].lower())
        total = r.get("gpu_total_GiB")
        if device is None or name not in catalogue or not r.get("kv_tokens"):
            continue
        architecture = catalogue[name].architecture
        settings = dict(device)
        settings["serving.memory_utilization"] = r.get("gpu_mem_util", 0.9)
        problem = standalone_problem(architecture, settings)
        if problem.serving.named.memory is None and total is None:
            continue
        room = serving_room(problem, evaluate(problem, architecture))
        if room is None:
            continue
        yield Row("KV tokens", r["engine"].split()[0], problem.serving.named.name, r["model"],
                  r["kv_tokens"], room.kv_tokens)  # fmt: skip
    for r in json.loads((data / "kv_measured.json").read_text())["kv"]:
        each = r.get("derived_bytes_per_token_per_gpu")
        name = names.get(r["model"].lower())
        if each and name in catalogue:
            a = catalogue[name].architecture
            bytes_ = kv_bytes_per_token([g.layer for g in a.groups], 2).at(  # type: ignore[arg-type]
                [g.count for g in a.groups]
            )
            yield Row("KV bytes", "vLLM", "any", r["model"], each, float(bytes_))


def all_rows(data: Path) -> list[Row]:
    return [*decode_rows(data), *training_rows(data), *memory_rows(data), *kv_rows(data)]


def summary(rows: list[Row]) -> list[tuple[str, str, str, int, float, float, float, float, float]]:
    """Quantity, engine, device, rows, median, 10 % and 90 % of measured / predicted, and shares."""
    groups: dict[tuple[str, str, str], list[float]] = {}
    for r in rows:
        groups.setdefault((r.quantity, r.engine, r.device), []).append(r.ratio)
    found = []
    for (quantity, engine, device), ratios in groups.items():
        x = np.array(ratios)
        low, middle, high = np.quantile(x, [0.1, 0.5, 0.9])
        found.append((quantity, engine, device, len(x), middle, low, high, *shares(x)))
    return found


def shares(ratios: np.ndarray) -> tuple[float, float]:
    """Shares of rows within 20 % and within a factor of 2."""
    near = (ratios >= 1 / 1.2) & (ratios <= 1.2)
    twice = (ratios >= 0.5) & (ratios <= 2)
    return float(near.mean()), float(twice.mean())


def main() -> None:
    data = Path(sys.argv[1])
    rows = all_rows(data)
    print(f"{'quantity':17}{'engine':14}{'device':20}{'rows':>5}{'median':>8}{'10 %':>7}"
          f"{'90 %':>7}{'in 20 %':>9}{'in 2x':>7}")  # fmt: skip
    for quantity, engine, device, n, middle, low, high, near, twice in summary(rows):
        print(f"{quantity:17}{engine:14}{device:20}{n:5}{middle:8.2f}{low:7.2f}{high:7.2f}"
              f"{near:9.0%}{twice:7.0%}")  # fmt: skip
    for quantity in [*dict.fromkeys(r.quantity for r in rows), "all"]:
        x = np.array([r.ratio for r in rows if quantity in (r.quantity, "all")])
        near, twice = shares(x)
        print(f"{quantity:17}{'':34}{len(x):5}{np.median(x):8.2f}{np.quantile(x, 0.1):7.2f}"
              f"{np.quantile(x, 0.9):7.2f}{near:9.0%}{twice:7.0%}")  # fmt: skip
    if len(sys.argv) > 2:
        from modelsizer.pictures.registry import draw
        from modelsizer.plots import save

        figure = draw("predictions", [(r.quantity, r.measured, r.predicted) for r in rows])
        save(figure, Path(sys.argv[2]))


if __name__ == "__main__":
    main()
