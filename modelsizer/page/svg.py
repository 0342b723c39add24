"""A figure as SVG inside a page: no names that collide, no references out, text as text."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from modelsizer.page.tags import Html

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
FONTS = "'DejaVu Sans', Verdana, Geneva, sans-serif"
"""Labels were placed by the widths of the first; Verdana's are the same, others are narrower."""
_DECIMALS = 2  # of a point, 1/72 inch: a twentieth of a pixel of a printer
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_LINK = f"{{{XLINK}}}href"
_FAMILY = re.compile(r"font-family:[^;]*;?")
_CIRCLE = re.compile(r"M( -?[\d.]+){2}( C( -?[\d.]+){6}){8} z", re.IGNORECASE)
_CLOSE = 0.011  # of a point, by which rounding may move the ends of a circle
_WITH_HALO = "halo-"
_HALO = "fill: #fff; stroke: #fff; stroke-width: 3; stroke-linejoin: round; user-select: none"
"""White, and about as wide as `modelsizer.plots.drawing.labels.halo` draws it."""
_DRAWN = ("d", "x", "y", "points")  # attributes in points; scales in transforms keep their digits


def inlined(figure: Figure, name: str, title: str) -> Html:
    """The SVG of a figure, to be put into a page as it is.

    Parameters
    ----------
    figure : Figure
    name : str
        Begins every id, so that it must differ between the figures of a page.
    title : str
        What the picture is, for those who do not see it.
    """
    from modelsizer.plots.drawing.saving import save

    with tempfile.TemporaryDirectory() as folder, _plain_text(figure):
        path = Path(folder) / "figure.svg"
        save(figure, path)
        return standalone(path.read_text("utf-8"), name, title)


@contextmanager
def _plain_text(figure: Figure) -> Iterator[None]:
    """Texts with a halo without it, and named: matplotlib would write them as outlines."""
    from matplotlib.text import Text

    texts = [t for t in figure.findobj(Text) if isinstance(t, Text) and t.get_path_effects()]
    effects = [text.get_path_effects() for text in texts]
    for i, text in enumerate(texts):
        text.set_path_effects([])
        text.set_gid(f"{_WITH_HALO}{i}")
    try:
        yield
    finally:
        for text, effect in zip(texts, effects, strict=True):
            text.set_path_effects(effect)
            text.set_gid(None)


def standalone(svg: str, name: str, title: str) -> Html:
    """SVG text as `inlined` gives it: lean, with ids of its own; see there."""
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) in ("metadata", "style"):
                parent.remove(child)
    for group in [e for e in root.iter() if e.get("id", "").startswith(_WITH_HALO)]:
        _haloed(group)
    ids = _ids(root, name)
    for element in root.iter():
        _clean(element, ids)
    heading = ElementTree.Element("title", {"id": f"{name}-title"})
    heading.text = title
    heading.tail = "\n"
    root.insert(0, heading)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    # What matplotlib writes into a style sheet, which in a page would be the whole page's.
    root.attrib |= {"stroke-linejoin": "round", "stroke-linecap": "butt", "font-family": FONTS}
    root.attrib |= {"role": "img", "aria-labelledby": f"{name}-title"}
    root.attrib = {"xmlns": SVG, "xmlns:xlink": XLINK, **root.attrib}
    return Html(ElementTree.tostring(root, encoding="unicode").strip())


def _local(name: str) -> str:
    """A name without its namespace; of links with the prefix that the root declares."""
    if name.startswith(f"{{{XLINK}}}"):
        return f"xlink:{name.rpartition('}')[2]}"
    return name.rpartition("}")[2]


def _haloed(group: ElementTree.Element) -> None:
    """Put a white edge behind the texts of a group: a copy of each, neither read nor selected."""
    for parent in list(group.iter()):
        for at, child in reversed(list(enumerate(parent))):
            if _local(child.tag) != "text":
                continue
            edge = deepcopy(child)
            edge.attrib["style"] = f"{child.get('style', '')}; {_HALO}"
            edge.attrib["aria-hidden"] = "true"
            parent.insert(at, edge)


def _ids(root: ElementTree.Element, name: str) -> dict[str, str]:
    """New ids of the elements that something refers to; the others need none."""
    wanted = set()
    for element in root.iter():
        for key, value in element.attrib.items():
            wanted |= {match[1] for match in _REFERENCE.finditer(value)}
            if key == _LINK and value.startswith("#"):
                wanted.add(value[1:])
    held = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    return {old: f"{name}-{i}" for i, old in enumerate((o for o in held if o in wanted), start=1)}


def _clean(element: ElementTree.Element, ids: dict[str, str]) -> None:
    """Rename an element and its references, and drop what shows nothing."""

    def renamed(match: re.Match[str]) -> str:
        return f"url(#{ids[match[1]]})"

    element.tag = _local(element.tag)
    found = {}
    for key, value in element.attrib.items():
        link = key == _LINK
        key, value = _local(key), _REFERENCE.sub(renamed, value)
        if link:
            value = f"#{ids[value[1:]]}" if value[0] == "#" else "".join(value.split())
        elif key == "id":
            if value not in ids:
                continue
            value = ids[value]
        elif key == "style":
            value = _FAMILY.sub("", value).replace(": ", ":").replace("; ", ";").strip("; ")
        elif key in _DRAWN:
            value = _CIRCLE.sub(_arcs, _NUMBER.sub(_rounded, " ".join(value.split())))
        found[key] = value
    element.attrib = found
    if element.tag in ("text", "tspan"):
        return
    element.text = None if len(element) == 0 else "\n"
    for child in element:
        child.tail = "\n"


def _arcs(match: re.Match[str]) -> str:
    """A circle of eight Bezier curves as two arcs; of the dots of a hatch there are thousands."""
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", match[0])]
    (x, top), (opposite, bottom) = numbers[:2], numbers[24:26]  # where it starts; after four curves
    right, left = numbers[12], numbers[36]  # after two curves, and after six
    radius = abs(top - bottom) / 2
    round_ = x == opposite and abs(abs(right - left) / 2 - radius) < _CLOSE
    if not round_ or abs((right + left) / 2 - x) > _CLOSE:
        return match[0]
    r, start, end = f"{radius:g}", f"{x:g} {top:g}", f"{x:g} {bottom:g}"
    return f"M {start} A {r} {r} 0 1 1 {end} A {r} {r} 0 1 1 {start} z"


def _rounded(match: re.Match[str]) -> str:
    text = f"{float(match[0]):.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
