"""The documentation's gallery: one figure of each kind, of problems in the library."""

from __future__ import annotations

from pathlib import Path

from modelsizer.optimizer.tables.clock import Clock
from modelsizer.pictures.picture import Picture
from modelsizer.pictures.registry import PICTURES, draw
from modelsizer.problems.files import make_folder, write_text

PAGE = "gallery.md"
_A_FIGURE = 1.5  # seconds to make the slowest of them
SHOWN = tuple(name for name, picture in PICTURES.items() if picture.example is not None)
"""Names of the pictures of the gallery."""


def page() -> str:
    """Return the page of the gallery, in Markdown."""
    lines = ["# Pictures", "", "Each picture with the command that draws it; `modelsizer gallery`"]
    lines += ["draws them all, `--plot-size column` at the width of a paper's column.", ""]
    for name in SHOWN:
        lines += _entry(PICTURES[name])
    return "\n".join(lines).rstrip() + "\n"


def _entry(picture: Picture) -> list[str]:
    example = picture.example
    assert example is not None
    caption = f"{picture.caption} {example.note}".strip()
    return [f"## {picture.title}", "", caption, "", f"    {example.command}", "",
            f"![{picture.title}]({picture.name}.png)", ""]  # fmt: skip


def draw_gallery(
    folder: Path, size: str = "wide", only: list[str] | None = None, clock: Clock | None = None
) -> list[Path]:
    """Draw figures into a folder, and write the page that shows them.

    Parameters
    ----------
    folder : Path
        Created if missing.
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    only : list of str, optional
        Names of the figures to draw; by default all, and the page.
    clock : Clock, optional
        Figures that it leaves no time for are not drawn, nor the page then.

    Returns
    -------
    list of Path
        What was written.
    """
    from modelsizer.plots import save

    make_folder(folder)
    written: list[Path] = []
    for name in only or SHOWN:
        left = None if clock is None else clock.left.seconds
        if left is not None and left < _A_FIGURE:
            return written
        example = PICTURES[name].example
        assert example is not None
        answer, title = example.answer()
        path = folder / f"{name}.png"
        save(draw(name, answer, title=title, size=size), path)
        written.append(path)
    if not only:
        write_text(folder / PAGE, page())
        written.append(folder / PAGE)
    return written
