"""The application: every command of this package under its name, and how each ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Annotated, Any, cast

import typer

from modelsizer.commands.app import BAD_INPUT, LONGEST, say
from modelsizer.commands.numbers import simply_converted
from modelsizer.problems.interrupts import INTERRUPTED, count
from modelsizer.problems.version import __version__
from modelsizer.problems.visible import shortened

COMMANDS = {
    "solve": "Find the best design of a problem, with proof.",
    "verify": "Check a saved answer: compute every figure again, prove it once more, and say "
    "what differs.",
    "problems": "List the problems that come with modelsizer.",
    "check": "Check a problem file, count its designs and estimate the work.",
    "rank": "List every design that keeps the limits, counted exactly, the best first.",
    "pareto": "Find all designs of which none is worse in every objective than another.",
    "frontier": "Sweep a limit: the best design at each value, and the exponents of its growth.",
    "depth-width": "List the shapes of nearly one size, deepest to widest, with what each costs.",
    "whatif": "Solve a problem and its scenarios, and show what changes.",
    "explain": "Say why no design keeps every limit: all minimal conflicts, and the least "
    "costly repairs.",
    "prices": "Say what each limit is worth: the optimum with more and with less of it.",
    "sweep": "Solve a problem at every point of a grid of settings.",
    "machines": "Say which machine is the best, and what insisting on another costs.",
    "report": "Write one page with the answer, its proof, pictures, rankings and the problem.",
    "allocate": "Show where the parameters and the FLOPs go: by component, by layer, by context.",
    "layers": "Show the pattern of a stack of layers, and what each kind of layer costs.",
    "memory": "Show what fills the memory of one accelerator, in serving and in training.",
    "users": "Say how many users a design serves at once, by context, and what each sees and "
    "costs.",
    "roofline": "Show whether memory or compute bounds decode at several batches, and prefill.",
    "describe": "Count what an architecture holds and costs, to the unit.",
    "audit": "Compare a published model with the best design within its own budgets.",
    "export": "Write the architecture of an answer as a configuration that a framework accepts.",
    "models": "List published models, with counted parameters, or the model types that are read.",
    "laws": "List published loss laws: form, range, what they see, and which can be solved with.",
    "compare-laws": "Solve a problem under each loss law, and find the design of least maximum "
    "regret.",
    "fit": "Fit a loss law to your own training runs.",
    "plan-runs": "Plan the small runs that tell most about the law at the scale of the problem's "
    "optimum.",
    "uncertainty": "Solve under every bootstrap draw of a fitted law: who wins, what each choice "
    "gives up.",
    "accelerators": "List accelerators with the figures that a source was seen for.",
    "gallery": "Draw one picture of each kind, from problems that come with modelsizer.",
}
"""What each does, in the order of `--help`: the first sentence of its function.

The command ``x-y`` is the function ``x_y`` of ``x_y.py`` in this folder. Only the one that is asked
for is imported.
"""
UNEXPECTED = 70
"""Exit status of an error in modelsizer itself, EX_SOFTWARE of sysexits.h."""
TRACEBACK = "MODELSIZER_TRACEBACK"
"""Environment variable that lets an unexpected error through, with its traceback."""


@cache
def _command(name: str) -> Any:
    """The command of a name, made by typer from the function of its module."""
    from modelsizer.commands.paths import Command

    function = name.replace("-", "_")
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    module = import_module(f"modelsizer.commands.{function}")
    alone.command(name, cls=Command)(getattr(module, function))
    return typer.main.get_command(alone)


class _Modules(Mapping[str, Any]):
    """Commands by name, each imported when it is asked for."""

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        return _command(name)


class _Commands(typer.core.TyperGroup):
    """The commands; what is wrong with their options is said in one line of visible characters."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.commands = cast("Any", _Modules())

    def get_params(self, ctx: Any) -> list[Any]:
        """The options beside the commands, all of them flags."""
        return simply_converted(super().get_params(ctx), {})

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Names of the commands, none of which is imported."""
        return list(COMMANDS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write what each command does, of which none is imported."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command and exit, also after an error that no other place expects."""
        alone = options.get("standalone_mode", True)
        options["standalone_mode"] = False
        if not alone:
            return super().main(*args, **options)
        try:
            status = super().main(*args, **options)
        except typer.Abort:
            raise KeyboardInterrupt from None
        except BrokenPipeError:
            raise
        except MemoryError:
            say("error: there is not enough memory for this")
            status = BAD_INPUT
        except Exception as error:
            if count():  # a library makes an error of its own of an interrupt
                raise KeyboardInterrupt from None
            status = _of_usage(error) if hasattr(error, "format_message") else _unexpected(error)
        sys.exit(status)

    def invoke(self, ctx: Any) -> Any:
        """As of the base class."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # typer would end without a word
            say("interrupted")
            raise typer.Exit(INTERRUPTED) from None


def _of_usage(error: Any) -> int:
    """Print a mistake in a command line; return its exit status."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
    else:
        command = error.ctx.command_path if getattr(error, "ctx", None) else "modelsizer"
        say(f"error: {error.format_message().rstrip('.')}; see `{command} --help`")
    return int(error.exit_code)


def _unexpected(error: Exception) -> int:
    """Print an error that should have been a message; return the exit status."""
    if os.environ.get(TRACEBACK):
        raise error
    what = shortened(" ".join(str(error).split()), LONGEST // 10)
    say(
        f"error: unexpected {type(error).__name__}: {what}; this is a fault of modelsizer: please "
        f"report the command with its files, and what it prints with {TRACEBACK}=1"
    )
    return UNEXPECTED


app = typer.Typer(
    cls=_Commands,
    name="modelsizer",
    help="The best language model that a budget can buy, with proof.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"modelsizer {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass
