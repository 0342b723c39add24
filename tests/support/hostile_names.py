"""Names that could do harm where they are shown, a problem with one in every place, and commands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modelsizer.optimizer.fitting.forms import FORMS
from tests.support.fitting_runs import table

CONTROL = "a\x1b[31mR\x07\x1b]0;p\x07\r\nb\x08\x7f\x9b2J\x9d0;q\x9c\u202ec\u2066\u200b\u200d\ufeff\u2028\x00d"
MARKUP = "[red]a[/] [link=x]b[/link] [/] [bold"
HTML = "</title><script>alert(1)</script>\"><img src=x onerror=alert(2)>' onload='x <!-- &lt;"
FORMULA = "=cmd|' /C calc'!A0"
DOLLARS = r"Budget $5M, GPUs at $2 an hour, \$ \\"
MATHS = r"Budget $5M at $2 \frac{1}{2} x_1^2 {\tt $"
LETTERS = "\u4e2d\u6587 \u65e5\u672c\u8a9e \U0001f600 \u00e9\u00df\u2264\u00d7\u2192\u2026\u0303"
LONG = "word " * 1000 + "x" * 5000
NAMES = {
    "control": CONTROL,
    "markup": MARKUP,
    "html": HTML,
    "formula": FORMULA,
    "maths": MATHS,
    "dollars": DOLLARS,
    "letters": LETTERS,
    "long": LONG,
}
ALL = "".join((FORMULA, CONTROL, MARKUP, HTML, MATHS, LETTERS))
"""A name of every kind at once, but for the length."""

_PROBLEM = """
name = {name}
[space]
layers = {{min = 4, max = 8}}
d_model = {{min = 512, max = 1536, step = 512}}
vocab_size = 32000
[training]
[training.custom_accelerator]
name = {name}
memory = "80 GB"
bf16_flops = 1e15
[serving]
[serving.custom_accelerator]
name = {name}
memory = "80 GB"
bandwidth = "3 TB/s"
bf16_flops = 1e15
[budgets]
training_flops = 1e20
serving_memory = "2 GB"
[objective]
law = {name}
[laws.{name}]
E = 1.7
A = 482.0
alpha = 0.34
B = 2085.0
beta = 0.36
source = {name}
[scenarios.{name}]
budgets.training_flops = 1e21
[scenarios.{more}]
budgets.training_flops = 1e19
[scenarios.{none}]
budgets.serving_memory = "1 MB"
"""


def problem(name: str) -> str:
    """A small problem file with a name wherever one may stand."""
    more, none = name + " more", name + " none"
    written = {
        k: json.dumps(v, ensure_ascii=False)
        for k, v in (("name", name), ("more", more), ("none", none))
    }
    return _PROBLEM.format(**{k: v.replace("\x7f", "\\u007f") for k, v in written.items()})


def runs(name: str, count: int = 30) -> str:
    """A table of runs as CSV, with a name in the header and as the label of an outlier."""
    columns = table(FORMS["chinchilla"], count)
    columns["loss"] = columns["loss"] * np.where(np.arange(count) == 3, 1.5, 1.0)
    quoted = '"' + name.replace('"', '""') + '"'
    lines = [f"N,D,loss,run,{quoted}"]
    rows = zip(*(columns[key] for key in ("N", "D", "loss")), strict=True)
    for i, row in enumerate(rows):
        lines.append(",".join([*(repr(float(v)) for v in row), quoted if i == 3 else f"r{i}", "1"]))
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Case:
    """A command with its options, which tables and pictures it can write, and whether it fails."""

    args: tuple[str, ...]
    csv: bool = False
    plot: bool = False
    error: bool = False


def cases(file: str, table_of_runs: str, law: str, answer: str, law_name: str) -> Sequence[Case]:
    """Every command that shows a name.

    Parameters
    ----------
    file, table_of_runs, law, answer : str
        Paths of a problem, of runs, of a fitted law with draws, and of the problem's answer.
    law_name : str
        The law of the problem.
    """
    laws = ("--laws", "hoffmann-2022,besiroglu-2024")
    return (
        Case(("check", file)),
        Case(("solve", file, "-v", "--best", "3", "--within", "0.01", "--verify"), plot=True),
        Case(("solve", file, "--fix", "layers=8", "--near", "llama-3-8b", *laws)),
        Case(("rank", file, "--top", "3"), csv=True, plot=True),
        Case(("rank", file, "--group-by", "layers"), csv=True),
        Case(("pareto", file), csv=True, plot=True),
        Case(("frontier", file, "--from", "1e19", "--to", "1e20", "--points", "3"),
             csv=True, plot=True),
        Case(("depth-width", file, "--tolerance", "40 %"), csv=True, plot=True),
        Case(("whatif", file), csv=True, plot=True),
        Case(("whatif", file, "--set", "serving.context_length=1024,2048,8192"), csv=True),
        Case(("explain", file, "--set", "budgets.serving_memory=1 MB")),
        Case(("prices", file), csv=True, plot=True),
        Case(("prices", file, "--budget", "training_flops"), plot=True),
        Case(("sweep", file, "--set", "budgets.training_flops=1e19,1e20", "--jobs", "1")),
        Case(("report", file, "--no-sliders", "-o", "-")),
        Case(("allocate", file), csv=True, plot=True),
        Case(("layers", file), plot=True),
        Case(("memory", file), plot=True),
        Case(("roofline", file, "--beside", "llama-3-8b"), plot=True),
        Case(("describe", "llama-3-8b", "--problem", file)),
        Case(("compare-laws", file, "--laws", f"hoffmann-2022,{law_name}",
              "--over", "budgets.training_flops", "--from", "3e17", "--to", "5e18"),
             plot=True),
        Case(("fit", table_of_runs, "--bootstrap", "20"), plot=True),
        Case(("uncertainty", file, "--law", law), plot=True),
        Case(("solve", file, "--law", law, "--uncertainty")),
        Case(("plan-runs", file, "--law", law, "--budget", "1e19", "--runs", "8"),
             csv=True, plot=True),
        Case(("audit", "gpt2-xl", "--tokens", "10B", "--problem", file)),
        Case(("verify", answer)),
        Case(("models", "--match", "llama")),
        Case(("accelerators",)),
        Case(("laws", "hoffmann-2022"), plot=True),
        Case(("problems",)),
        # errors that quote the name
        Case(("solve", file, "--law", law_name + "?"), error=True),
        Case(("solve", law_name), error=True),
        Case(("solve", file, "--set", f"budgets.{law_name}=1"), error=True),
        Case(("solve", file, "--set", f"budgets.training_flops={law_name}"), error=True),
        Case(("solve", file, f"--{law_name}"), error=True),
        Case((law_name, file), error=True),
        Case(("accelerators", law_name), error=True),
        Case(("laws", law_name), error=True),
        Case(("describe", law_name), error=True),
    )  # fmt: skip
