"""Report of a validated problem."""

from __future__ import annotations

from rich.console import Console

from modelsizer.problems.requirements.device_limits import fits
from modelsizer.problems.space.defaults import defaults_line
from modelsizer.problems.summary import Summary
from modelsizer.problems.units import format_quantity
from modelsizer.text.kit.lines import INDENT, line, paragraph
from modelsizer.text.kit.words import and_more, counted

MOST_SENTENCES = 6


def print_check(console: Console, found: Summary) -> None:
    """Print the size of a problem, its objective and its constraints."""
    problem = found.problem
    line(console, f"{problem.name or 'unnamed problem'}: valid")
    options = counted(found.width_options, "width option")
    line(console, f"  {options}, {counted(found.designs, 'design')}")
    if len(found.by_kind) > 1:
        for words, designs in found.by_kind.items():
            paragraph(console, f"{designs:,} of {words}", indent=2 * INDENT, expand=False)
    said = (*found.repeated, *found.dropped)
    for sentence in said[:MOST_SENTENCES]:
        paragraph(console, sentence, expand=False)
    if more := and_more(len(said) - MOST_SENTENCES, ", which --json lists"):
        line(console, f"  {more}")
    if decided := defaults_line(problem.space, training=problem.setups[0].training):
        paragraph(console, decided, expand=False)
    lines = [
        f"{found.goal} ({problem.law.name}, shape {problem.shape.name})",
        f"limits: {', '.join(_limits(found)) or _none(found)}",
    ]
    lines += _own(found, several=True)
    if problem.scenarios:
        lines.append(f"scenarios: {', '.join(problem.scenarios)}")
    lines += [f"nothing limits {name} to what fits {device}, whose memory is not known"
              for name, device in found.unknown_memories]  # fmt: skip
    for text in lines:
        paragraph(console, text, expand=False)
    seconds = found.exhaustive_seconds
    about = "under 0.1 s" if seconds < 0.1 else f"about {format_quantity(seconds, 'seconds')}"
    line(console, f"  enumeration would take {about}; the solvers look at a fraction of it")


def _none(found: Summary) -> str:
    """What is said where no limit has a name of its own."""
    return "what fits the accelerators" if found.default_limits else "tokens only"


def _limits(found: Summary) -> list[str]:
    """Names of the limits, those last that accelerators set by themselves."""
    return [*found.problem.budgets.limits, *_own(found, several=False)]


def _own(found: Summary, *, several: bool) -> list[str]:
    """Limits that accelerators set by themselves: of one, or of those that are on offer."""
    by_name: dict[str, list[tuple[int, str]]] = {}
    for name, device, most in found.default_limits:
        by_name.setdefault(name, []).append((most, device))
    texts = []
    for name, devices in by_name.items():
        if (len(devices) > 1) != several:
            continue
        sizes = [(format_quantity(most, "bytes"), device) for most, device in sorted(devices)]
        if several:
            each = ", ".join(f"{device} {size}" for size, device in sizes)
            texts.append(f"{name} <= what fits the accelerator chosen (default): {each}")
        else:
            texts += [f"{name} <= {size} {fits(device)}" for size, device in sizes]
    return texts
