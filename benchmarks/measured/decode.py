"""Measured steps of decoding, times to a first token, and throughputs of whole batches."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from benchmarks.measured.rows import Row, architecture_of, settings_of, shape_of
from modelsizer.problems.architecture.architecture import Architecture, MixtureOfExperts
from modelsizer.problems.architecture.models import models
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.designs.standalone import standalone_problem
from modelsizer.problems.problem import Problem

Kind = Literal["step", "first token", "whole batch"]
_LISTS = (
    ("decode_latency.json", "decode", "step"),
    ("decode_latency.json", "first_token", "first token"),
    ("decode_latency.json", "batched", "whole batch"),
    ("fresh_measurements.json", "decode", "step"),
    ("fresh_measurements.json", "batched", "step"),
)
_ENGINES = ("vllm", "tensorrt-llm", "llama.cpp")
"""Engines of rows, in small letters, that `serving.engine` names; others are the roofline alone."""
_Q4_K, _Q8_0 = 4.58 * 2**30 / 8.03e9, 8.5 / 8  # file size of Llama 3 8B; blocks of 32 and a scale
_MXFP4_GGUF = {
    "attention": _Q8_0,
    "ffn": 4.25 / 8,
    "embedding": _Q8_0,
    "other": 2,
}  # 12.1 GB: 20b
_MXFP4 = {"attention": 2, "ffn": 4.25 / 8, "embedding": 2, "other": 2}
_FP8 = {"attention": 1, "ffn": 1, "embedding": 2, "other": 2}
_FP8_FFN = {"attention": 2, "ffn": 1, "embedding": 2, "other": 2}  # Llama 3.1 405B FP8


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A measured row with what its prediction needs.

    Parameters
    ----------
    row : mapping
        The row as published.
    file, key : str
        Where it is: a file of the reference data, and the list in it.
    position : int
        Index in that list.
    kind : {"step", "first token", "whole batch"}
    engine : str
    architecture : Architecture
    settings : mapping
        Of serving.
    measured : float
        Tokens/s of all sequences, or milliseconds to the first token.
    """

    row: Mapping[str, Any]
    file: str
    key: str
    position: int
    kind: Kind
    engine: str
    architecture: Architecture
    settings: Mapping[str, Any]
    measured: float

    @property
    def suspect(self) -> bool:
        """Whether those who collected it doubt it: a sweep 3 to 6 times slower than another."""
        return "suspect" in (self.row.get("note") or "")

    @property
    def mixture(self) -> bool:
        return any(isinstance(g.layer.ffn, MixtureOfExperts) for g in self.architecture.groups)

    @property
    def batch(self) -> int:
        return int(self.settings.get("serving.batch_size", 1))

    @property
    def ways(self) -> int:
        return int(self.settings.get("serving.tensor_parallel", 1))

    def problem(self) -> Problem:
        return _problem(self)


@cache
def _problem(case: Case) -> Problem:
    return standalone_problem(case.architecture, case.settings)


@cache
def cases(data: Path) -> tuple[Case, ...]:
    """Every measured row of serving for which a prediction can be made."""
    return tuple(_cases(data))


def _cases(data: Path) -> Iterator[Case]:
    listed = json.loads((data / "decode_latency.json").read_text())["models"]
    for file, key, kind in _LISTS:
        for position, r in enumerate(json.loads((data / file).read_text())[key]):
            architecture = _architecture(r["model"], listed)
            device = settings_of(r["hardware"], "serving")
            if architecture is None or device is None:
                continue
            engine = _engine(r)
            if r.get("output_len"):
                kind = "whole batch"
            settings = (
                device
                | _load(r, kind)
                | bytes_of(r["weight_dtype"], r["model"], gguf=engine == "llama.cpp")
            )
            known = engine.lower() in _ENGINES
            settings["serving.engine"] = engine.lower() if known else "none"
            yield Case(r, file, key, position, kind, engine, architecture, settings, _measured(r))


def _engine(r: Mapping[str, Any]) -> str:
    said = r.get("engine") or "TensorRT-LLM"
    return str(said.split()[0].split("/")[0])


def _architecture(name: str, listed: Mapping[str, Any]) -> Architecture | None:
    """The catalogue's model of this name, or one of the shapes listed beside the rows."""
    if (published := models().get(name)) is not None:
        return published.architecture
    shape = shape_of(name, dict(listed))
    return None if shape is None else architecture_of(shape)


def _load(r: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Batch, lengths, ways and precisions of a row."""
    eights = re.search(r"fp8|float8", r["weight_dtype"].lower()) is not None
    ways = r.get("tp") or r.get("n_gpus") or 1
    load: dict[str, Any] = {"serving.tensor_parallel": ways} if ways > 1 else {}
    if eights and (kind == "first token" or r.get("batch", 1) > 1):
        load["serving.compute"] = "fp8"
    if kind == "first token":
        return load | {"serving.prompt_length": r["input_len"], "serving.prompts": r["batch"]}
    load["serving.batch_size"] = r.get("batch") or 1
    if r.get("output_len"):
        return load | {
            "serving.kv_bytes": 1 if "8" in (r.get("kv_dtype") or "") else 2,
            "serving.context_length": r["input_len"] + r["output_len"] // 2,
            "serving.prompt_length": r["input_len"], "serving.prompts": r["batch"],
        }  # fmt: skip
    if isinstance(r.get("context"), int):
        return load | {"serving.context_length": r["context"]}
    generated = r.get("gen_tokens")
    return load | {"serving.context_length": max(1, int(generated) // 2 if generated else 205)}


def bytes_of(dtype: str, model: str = "", *, gguf: bool = False) -> dict[str, Any]:
    """Serving settings of a row's weight format."""
    low = dtype.lower()
    by_part = None
    if "mxfp4" in low:
        by_part = _MXFP4 if low == "mxfp4" and not gguf else _MXFP4_GGUF
    elif low == "fp8" and model == "llama-3.1-405b":
        by_part = _FP8_FFN
    elif low == "fp8" and model in models():
        by_part = _FP8
    if by_part is not None:
        return {f"serving.weight_bytes.{part}": each for part, each in by_part.items()}
    if "q4_k" in low:
        return {"serving.weight_bytes": _Q4_K}
    if "q8_0" in low:
        return {"serving.weight_bytes": _Q8_0}
    if "nvfp4" in low:
        return {"serving.weight_bits": 4, "serving.weight_block": 16, "serving.scale_bytes": 1}
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


def _measured(r: Mapping[str, Any]) -> float:
    if "first_token_ms" in r:
        return float(r["first_token_ms"])
    if "tokens_per_s" in r:
        return float(r["tokens_per_s"])
    each = r.get("out_tokens_per_s_per_gpu")
    return float(r["tp"] * (r["out_tokens_per_s_table_col"] if each is None else each))


@cache
def predicted(case: Case) -> tuple[float, str] | None:
    """Tokens/s or milliseconds as predicted, and the device; None if a figure of it is unknown."""
    problem = case.problem()
    needed = "decode_latency" if case.kind == "step" else "prefill_latency"
    if problem.lacks(needed):
        return None
    exact = evaluate(problem, case.architecture).exact
    device = problem.serving.named.name
    if case.kind == "step":
        return float(exact["decode_throughput"]), device
    first = float(exact["prefill_latency"])
    if case.kind == "first token":
        return 1000 * first, device
    length = case.row["output_len"]
    return case.batch * length / (first + length * float(exact["decode_latency"])), device


_QUANTITIES = {"step": "decode", "first token": "first token", "whole batch": "batched"}


def decode_rows(data: Path) -> Iterator[Row]:
    """Rows that nobody doubts, with their predictions."""
    for case in cases(data):
        if case.suspect or (found := predicted(case)) is None:
            continue
        value, device = found
        yield Row(
            _QUANTITIES[case.kind], case.engine, device, case.row["model"], case.measured, value
        )
