"""Memory of published runs: peaks of training, and cache pools of serving engines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measured.rows import GB, KNOWN, Row, architecture_of, settings_of, shape_of
from modelsizer.problems.architecture.caching import kv_bytes_per_token
from modelsizer.problems.architecture.models import models
from modelsizer.problems.costs.training_memory import stages
from modelsizer.problems.designs.capacity import serving_room
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.designs.standalone import standalone_problem
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.training import Training

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
            bytes_ = kv_bytes_per_token(a.kinds, 2).at(  # type: ignore[arg-type]
                a.counts
            )
            yield Row("KV bytes", "vLLM", "any", r["model"], each, float(bytes_))
