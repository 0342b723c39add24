"""The pictures of the documentation, each of a problem that comes with modelsizer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from modelsizer.problems.files import write_text, write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = "gallery.md"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of the gallery.

    Parameters
    ----------
    title, caption : str
    command : str
        The command that draws it.
    draw : callable
        From a size of `modelsizer.plots.drawing.style.SIZES` to the figure.
    """

    title: str
    caption: str
    command: str
    draw: Callable[[str], Figure]


def _depth(size: str) -> Figure:
    from modelsizer.drawing import depth_picture
    from modelsizer.problems.problem import Problem

    return depth_picture(Problem.load("exercise-1e24"), size)


def _landscape(size: str) -> Figure:
    from modelsizer.drawing import landscape_picture
    from modelsizer.optimizer.solver import solve
    from modelsizer.problems.problem import Problem

    return landscape_picture(solve(Problem.load("one-h100-1e24")), size)


def _front(size: str) -> Figure:
    from modelsizer.drawing import front_picture
    from modelsizer.optimizer.fronts.run import front
    from modelsizer.problems.problem import Problem

    return front_picture(front(Problem.load("one-h100-1e24"), ["loss", "serving_memory"]), size)


def _three(size: str) -> Figure:
    from modelsizer.drawing import front_picture
    from modelsizer.optimizer.fronts.run import front
    from modelsizer.problems.problem import Problem

    goals = ["loss", "decode_latency", "training_memory"]
    return front_picture(front(Problem.load("h100-cluster-90-days"), goals), size)


def _frontier(size: str) -> Figure:
    from modelsizer.drawing import frontier_picture
    from modelsizer.problems.problem import Problem

    return frontier_picture(Problem.load("exercise-1e24"), size)


def _shapes(size: str) -> Figure:
    from modelsizer.optimizer.surveys.depth_width import depth_width
    from modelsizer.plots.designs.depth_width import depth_width_figure
    from modelsizer.problems.problem import Problem

    settings = {"serving.accelerator": "H100-SXM"}
    problem = Problem.load("exercise-1e24", settings)
    return depth_width_figure(depth_width(problem, 30 * 10**9, layers=40), size=size)


def _allocation(size: str) -> Figure:
    from modelsizer.plots.designs.allocation import allocation
    from modelsizer.problems.architecture.allocation import allocate
    from modelsizer.problems.architecture.sources import load_architecture

    contexts = (4096, 32768, 131072)
    data = allocate(load_architecture("deepseek-v3"), contexts)
    return allocation(data, title="deepseek-v3", size=size)


def _memory(size: str) -> Figure:
    from modelsizer.optimizer.solver import Solver
    from modelsizer.plots.designs.memory import memory_waterfall
    from modelsizer.problems.designs.memory_parts import serving_parts, training_parts
    from modelsizer.problems.problem import Problem

    problem = Problem.load("h100-cluster-90-days")
    best = Solver(problem).solve(details=False).best
    panels = [serving_parts(problem, best), training_parts(problem, best)]
    return memory_waterfall([p for p in panels if p is not None], size=size)


def _roofline(size: str) -> Figure:
    from modelsizer.optimizer.solver import Solver
    from modelsizer.plots.designs.roofline import roofline
    from modelsizer.problems.architecture.sources import load_architecture
    from modelsizer.problems.designs.roofline_points import roofline_points
    from modelsizer.problems.problem import Problem

    problem = Problem.load("one-h100-1e24", {"serving.accelerator": "H100-SXM"})
    best = Solver(problem).solve(details=False).best
    designs = {"optimum": best.architecture, "llama-3-8b": load_architecture("llama-3-8b")}
    data = roofline_points(problem, designs)
    assert data is not None
    return roofline(data, title=problem.name, size=size)


PICTURES = MappingProxyType(
    {
        "depth": Picture(
            "Parameters against depth",
            "Every design that 1e24 FLOPs can train, the front of parameters, depth and loss, the "
            "optimum, and what others have built.",
            "modelsizer rank exercise-1e24 --plot depth.png",
            _depth,
        ),
        "landscape": Picture(
            "Loss over depth and width",
            "The least loss at each depth and width. Lines are limits, heavy where they bind.",
            "modelsizer solve one-h100-1e24 --plot landscape.png",
            _landscape,
        ),
        "front": Picture(
            "A front of two objectives",
            "What less memory costs in loss. Each step is a design; the knee is the point furthest "
            "from the line through the ends (Das 1999).",
            "modelsizer pareto one-h100-1e24 --objectives loss,serving_memory --plot front.png",
            _front,
        ),
        "three": Picture(
            "A front of three objectives",
            "Loss and decode latency, with the training memory of the layout chosen as colour.",
            "modelsizer pareto h100-cluster-90-days "
            "--objectives loss,decode_latency,training_memory --plot three.png",
            _three,
        ),
        "frontier": Picture(
            "The frontier of compute",
            "The best loss for each budget, what it costs to be off by a factor of two in size, "
            "and curves of equal FLOPs with their minima.",
            "modelsizer frontier exercise-1e24 --plot frontier.png",
            _frontier,
        ),
        "shapes": Picture(
            "Depth against width at one size",
            "What a shape of 30B parameters costs in loss, and in time to decode.",
            "modelsizer depth-width exercise-1e24 --parameters 30B --layers 40 "
            "--set serving.accelerator=H100-SXM --plot shapes.png",
            _shapes,
        ),
        "allocation": Picture(
            "Where parameters and FLOPs go",
            "Of a mixture of experts, at three context lengths.",
            "modelsizer allocate deepseek-v3 --context 4096,32768,131072 --plot allocation.png",
            _allocation,
        ),
        "memory": Picture(
            "What fills an accelerator",
            "Serving and training memory, part by part, against the limit and the device.",
            "modelsizer memory h100-cluster-90-days --plot memory.png",
            _memory,
        ),
        "roofline": Picture(
            "A roofline of decode and prefill",
            "Whether memory or compute bounds a step; batches as a line.",
            "modelsizer roofline one-h100-1e24 --set serving.accelerator=H100-SXM "
            "--beside llama-3-8b --plot roofline.png",
            _roofline,
        ),
    }
)
"""Pictures by the stem of their files."""


def page() -> str:
    """The page of the gallery, in Markdown."""
    lines = ["# Gallery", "", "Each picture with the command that draws it; `modelsizer gallery`"]
    lines += ["draws them all, `--plot-size column` at the width of a paper's column.", ""]
    for stem, picture in PICTURES.items():
        lines += [f"## {picture.title}", "", picture.caption, ""]
        lines += [f"    {picture.command}", "", f"![{picture.title}]({stem}.png)", ""]
    return "\n".join(lines).rstrip() + "\n"


def draw_gallery(folder: Path, size: str = "wide", only: list[str] | None = None) -> list[Path]:
    """Draw pictures into a folder, and the page that shows them.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    size : str
    only : list of str, optional
        Stems of the pictures wanted; all, and the page, by default.
    """
    from modelsizer.plots.drawing.saving import save

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for stem in only or PICTURES:
        figure = PICTURES[stem].draw(size)
        path = folder / f"{stem}.png"
        write_whole(path, lambda part, figure=figure: save(figure, part))  # type: ignore[misc]
        written.append(path)
    if not only:
        write_text(folder / PAGE, page())
        written.append(folder / PAGE)
    return written
