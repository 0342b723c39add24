"""Model FLOPs utilisation of published training runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measured.rows import Row, architecture_of, settings_of, shape_of
from modelsizer.problems.architecture.accounting import training_flops_per_token
from modelsizer.problems.hardware.accelerators import accelerator
from modelsizer.problems.hardware.training_efficiencies import training_mfu


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
