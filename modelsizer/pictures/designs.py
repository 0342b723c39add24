"""Figures of one design: parameters and FLOPs, memory, and speed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelsizer.pictures.picture import Example, NothingToDrawError, Picture, drawn_by
from modelsizer.views.defaults import ALLOCATED_AT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from modelsizer.optimizer.audit import Audit
    from modelsizer.optimizer.result import Result
    from modelsizer.optimizer.tables.clock import Clock
    from modelsizer.problems.architecture.allocation import Allocation
    from modelsizer.problems.designs.filled_devices import FilledDevices
    from modelsizer.problems.designs.memory_parts import MemoryParts
    from modelsizer.problems.designs.roofline_points import Roofline
    from modelsizer.problems.designs.users import Server


def _allocation_example() -> tuple[Allocation, str]:
    from modelsizer.problems.architecture.allocation import allocate
    from modelsizer.problems.architecture.sources import load_architecture

    return allocate(load_architecture("deepseek-v3"), ALLOCATED_AT), "deepseek-v3"


def _allocation_report(result: Result, _clock: Clock) -> tuple[Allocation, str]:
    from modelsizer.problems.architecture.allocation import allocate

    note = "Here at the context of training and of serving."
    return allocate(result.best.architecture, result.problem.contexts), note


ALLOCATION = Picture(
    name="allocation",
    title="Where parameters and FLOPs go",
    caption="Shares of the parameters, and of the forward FLOPs of a token at several context "
    "lengths.",
    command="describe",
    figure=drawn_by("allocation"),
    example=Example(
        "modelsizer describe deepseek-v3 --view allocation --context 4096,32768,131072 "
        "--plot allocation.png",
        _allocation_example,
        "Here of a mixture of experts.",
    ),
    report=_allocation_report,
)


def _memory_of(result: Result) -> list[MemoryParts]:
    """Return the breakdowns of serving and training memory that are known."""
    from modelsizer.problems.designs.memory_parts import serving_parts, training_parts

    both = (serving_parts(result.problem, result.best), training_parts(result.problem, result.best))
    return [parts for parts in both if parts is not None]


def _memory_example() -> tuple[list[MemoryParts], str]:
    from modelsizer.optimizer.solver import Solver
    from modelsizer.problems.problem import Problem

    problem = Problem.load("h100-cluster-90-days")
    return _memory_of(Solver(problem).solve(details=False)), ""


def _memory_report(result: Result, _clock: Clock) -> tuple[list[MemoryParts], str]:
    from modelsizer.problems.designs.memory_parts import missing_training_settings

    panels = _memory_of(result)
    if not panels:
        raise NothingToDrawError("the problem does not say enough of memory")
    lack = missing_training_settings(result.chosen)
    return panels, f"Not shown: {lack}." if lack else ""


MEMORY = Picture(
    name="memory",
    title="What fills the memory of an accelerator",
    caption="The parts of serving and of training memory, which add up to the total, beside the "
    "limit and the memory of the device.",
    command="describe",
    figure=drawn_by("memory"),
    example=Example(
        "modelsizer describe h100-cluster-90-days --view memory --plot memory.png", _memory_example
    ),
    report=_memory_report,
)


_SHOWN = (
    "L4", "RTX-4090", "RTX-5090", "L40S", "A100-80GB-SXM", "H100-SXM", "RTX-PRO-6000", "DGX-Spark",
    "M4-Max", "H200-SXM", "B200-SXM", "MI300X", "B300-SXM", "MI355X",
)  # fmt: skip


def _devices_example() -> tuple[FilledDevices, str]:
    from modelsizer.problems.architecture.sources import load_architecture
    from modelsizer.problems.designs.evaluation import evaluate
    from modelsizer.problems.designs.filled_devices import devices_named, filled_devices
    from modelsizer.problems.designs.standalone import standalone_problem

    architecture = load_architecture("llama-3-70b")
    asked = {"serving.weight_bits": 8, "serving.context_length": 32768, "serving.batch_size": 4}
    problem = standalone_problem(architecture, asked)
    design = evaluate(problem, architecture)
    return filled_devices(problem, design, devices_named(_SHOWN)), "llama-3-70b on each accelerator"


DEVICES = Picture(
    name="devices",
    title="A design in the memory of each accelerator",
    caption="What its weights, cache and states and the engine's reserve take of the memory that "
    "each device reports, and what is left of the share that the engine is given; dashed where "
    "that share ends in what is too much.",
    command="describe",
    figure=drawn_by("device_memory"),
    example=Example(
        "modelsizer describe llama-3-70b --view memory --set serving.weight_bits=8 --set "
        "serving.context_length=32768 --set serving.batch_size=4 --devices "
        f"{','.join(_SHOWN)} --plot devices.png",
        _devices_example,
    ),
)


def _roofline_example() -> tuple[Roofline | None, str]:
    from modelsizer.optimizer.solver import Solver
    from modelsizer.problems.architecture.sources import load_architecture
    from modelsizer.problems.designs.roofline_points import roofline_points
    from modelsizer.problems.problem import Problem

    problem = Problem.load("one-h100-1e24", {"serving.accelerator": "H100-SXM"})
    best = Solver(problem).solve(details=False).best
    designs = {"optimum": best.architecture, "llama-3-8b": load_architecture("llama-3-8b")}
    return roofline_points(problem, designs), ""


def _roofline_report(result: Result, _clock: Clock) -> tuple[Roofline, str]:
    from modelsizer.problems.designs.roofline_points import roofline_points

    found = roofline_points(result.chosen, {"optimum": result.best.architecture})
    if found is None:
        raise NothingToDrawError(result.chosen.lacks("prefill_latency"))
    return found, f"Here on {found.roof.device}."


ROOFLINE = Picture(
    name="roofline",
    title="A roofline of decode and prefill",
    caption="Decode at several batches, and prefill, at the efficiencies that real engines reach. "
    "Memory bounds a step left of the ridge, compute right of it.",
    command="describe",
    figure=drawn_by("roofline"),
    example=Example(
        "modelsizer describe one-h100-1e24 --view roofline --set serving.accelerator=H100-SXM "
        "--beside llama-3-8b --plot roofline.png",
        _roofline_example,
    ),
    report=_roofline_report,
)


def _audit(data: tuple[Audit, str], **style: Any) -> Figure:
    from modelsizer import plots

    return plots.audit(*data, **style)


def _audit_example() -> tuple[tuple[Audit, str], str]:
    from modelsizer.optimizer.audit import audit
    from modelsizer.problems.architecture.models import models

    model = models()["gpt-3-175b"]
    assert model.tokens is not None
    title = "gpt-3-175b beside the best of its own budgets"
    return (audit(model.architecture, model.tokens), "gpt-3-175b"), title


AUDIT = Picture(
    name="audit",
    title="A model beside the best of its own budgets",
    caption="What the design of least loss within the model's budgets takes of each quantity, and "
    "that of least training FLOPs for the model's loss, relative to the model. Limits are bold.",
    command="audit",
    figure=_audit,
    example=Example("modelsizer audit gpt-3-175b --plot audit.png", _audit_example),
)
_SERVED_ON = ("RTX-4090", "L40S", "A100-80GB-SXM", "H100-SXM", "H200-SXM", "MI300X")
_UP_TO = (4096, 8192, 16384, 32768, 65536, 131072)


def _users_example() -> tuple[list[Server], str]:
    from modelsizer.optimizer.one_design import one_design
    from modelsizer.problems.architecture.sources import load_architecture
    from modelsizer.problems.designs.users import server

    model = load_architecture("llama-3-8b")
    key = "serving.accelerator"
    problem = one_design(model, None, {key: _SERVED_ON[0]}).problem
    return [server(problem, model, _UP_TO, {key: name}, name) for name in _SERVED_ON], "llama-3-8b"


USERS = Picture(
    name="users",
    title="Users against context, on each accelerator",
    caption="As many requests at once as fit an accelerator and keep the limits, at each context; "
    "a line ends where not one request fits.",
    command="describe",
    figure=drawn_by("users"),
    example=Example(
        "modelsizer describe llama-3-8b --view users "
        f"--each serving.accelerator={','.join(_SERVED_ON)} --plot users.png",
        _users_example,
        "Here of one accelerator each, in bf16.",
    ),
)
