"""The application: every command of this package under its name, and how each ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from importlib import import_module
from typing import Annotated, Any, NamedTuple, cast

import typer

from modelsizer.commands.app import BAD_INPUT, LONGEST, say
from modelsizer.commands.numbers import simply_converted
from modelsizer.problems.interrupts import INTERRUPTED, count
from modelsizer.problems.version import __version__
from modelsizer.problems.visible import shortened

GROUPS = {
    "Ask": "for the best design, and take it with you",
    "Understand": "why it is the best, what it costs, and what it would take",
    "Compare": "designs, machines, scenarios and loss laws",
    "Fit": "a loss law to your own runs",
    "Look up": "what comes with modelsizer",
    "Former names": "of views of `describe`, which work as before",
}
"""Groups of commands in the order of `--help`, each with what its commands are for."""


class Row(NamedTuple):
    """A command in the list.

    Parameters
    ----------
    group : str
        One of `GROUPS`.
    does : str
        What it does: the first sentence of its function.
    example : str
        Arguments of a run that works as it stands; its own help ends with it.
    """

    group: str
    does: str
    example: str


COMMANDS = {
    "init": Row(
        "Ask",
        "Write a first problem file from five answers, and solve it.",
        "--train '256 H100-SXM for 30 days' --serve 'one L40S'",
    ),
    "check": Row(
        "Ask",
        "Check a problem file, count its designs and estimate the work.",
        "one-h100-1e24",
    ),
    "solve": Row(
        "Ask",
        "Find the best design of a problem, with proof.",
        "one-h100-1e24 --set budgets.training_flops=2e24",
    ),
    "report": Row(
        "Ask",
        "Write the answer as one web page: proof, pictures and tables.",
        "one-h100-1e24 -o report.html",
    ),
    "serve": Row(
        "Ask",
        "Open the answer as a live page: move a limit, see it change.",
        "one-h100-1e24",
    ),
    "export": Row(
        "Ask",
        "Write a design as the configuration of a training framework.",
        "llama-3.1-8b --to torchtitan",
    ),
    "verify": Row(
        "Ask",
        "Check a saved answer: compute its figures and prove it again.",
        "answer.json",
    ),
    "explain": Row(
        "Understand",
        "Say why no design keeps every limit, and what would repair it.",
        'phone-2gb --set "budgets.serving_memory=100 MB"',
    ),
    "prices": Row(
        "Understand",
        "Say what each limit is worth: solve with more and less of it.",
        "one-h100-1e24",
    ),
    "describe": Row(
        "Understand",
        "Count what a design holds and costs, to the unit, or one view.",
        "one-h100-1e24 --view memory",
    ),
    "rank": Row(
        "Compare",
        "List every design that keeps the limits, the best first.",
        "one-h100-1e24 --top 10 --csv ranking.csv",
    ),
    "pareto": Row(
        "Compare",
        "Find all designs that no other beats in every objective.",
        "phone-2gb --objectives parameters,loss",
    ),
    "frontier": Row(
        "Compare",
        "Find the best design at each value of a limit, and its growth.",
        "one-h100-1e24 --from 1e22 --to 1e25",
    ),
    "depth-width": Row(
        "Compare",
        "List the shapes of one size from deep to wide, with costs.",
        "one-h100-1e24 --parameters 7B",
    ),
    "sweep": Row(
        "Compare",
        "Solve a problem at every point of a grid of settings.",
        "phone-2gb --set serving.kv_bytes=0.5,1,2 -o points.jsonl",
    ),
    "whatif": Row(
        "Compare",
        "Solve a problem and its scenarios, and show what changes.",
        "phone-2gb --set serving.context_length=1024,8192",
    ),
    "machines": Row(
        "Compare",
        "Say which machine is best, and what insisting on others costs.",
        "million-dollars",
    ),
    "audit": Row(
        "Compare",
        "Compare a model with the best design within its own budgets.",
        "llama-3.1-8b",
    ),
    "compare-laws": Row(
        "Compare",
        "Solve under each loss law; find the design of least regret.",
        "one-h100-1e24 --laws besiroglu-2024,hoffmann-2022",
    ),
    "uncertainty": Row(
        "Compare",
        "Solve under every draw of a fitted law, and say who wins.",
        "one-h100-1e24 --law law.toml",
    ),
    "fit": Row(
        "Fit",
        "Fit a loss law to your own training runs.",
        "runs.csv -o law.toml",
    ),
    "plan-runs": Row(
        "Fit",
        "Plan the small runs that tell most about the loss at scale.",
        "one-h100-1e24 --budget 1e21",
    ),
    "problems": Row(
        "Look up",
        "List the problems of the library, show one, or copy it.",
        "one-h100-1e24 --copy",
    ),
    "schema": Row(
        "Look up",
        "Print the JSON Schema of problem files, for editors.",
        "--path",
    ),
    "models": Row(
        "Look up",
        "List published models, with counted parameters.",
        "--match llama",
    ),
    "laws": Row(
        "Look up",
        "List published loss laws, or show one with all that is known.",
        "besiroglu-2024",
    ),
    "accelerators": Row(
        "Look up",
        "List accelerators, with figures that a source was seen for.",
        "H100-SXM",
    ),
    "gallery": Row(
        "Look up",
        "Draw an example of each kind of picture.",
        "pictures",
    ),
    "allocate": Row(
        "Former names",
        "Show where the parameters and the FLOPs of a design go.",
        "deepseek-v3 --context 4096,131072",
    ),
    "layers": Row(
        "Former names",
        "Show the pattern of the layers, and what each kind costs.",
        "gemma-3-27b --beside llama-3.1-8b",
    ),
    "memory": Row(
        "Former names",
        "Show what fills the memory of one accelerator.",
        "one-h100-1e24",
    ),
    "users": Row(
        "Former names",
        "Say how many users a design serves at once, and at what cost.",
        "llama-3.1-8b --each serving.accelerator=H100-SXM,L40S",
    ),
    "roofline": Row(
        "Former names",
        "Show whether memory or compute bounds decode and prefill.",
        "llama-3.1-8b --set serving.accelerator=H100-SXM",
    ),
}
"""Every command, in the order of `--help` within each group.

The command ``x-y`` is the function ``x_y`` of ``x_y.py`` in this folder. Only the one that is asked
for is imported.
"""
COMPLETE = "_MODELSIZER_COMPLETE"
"""Environment variable by which a shell asks for words."""
UNEXPECTED = 70
"""Exit status of an error in modelsizer itself, EX_SOFTWARE of sysexits.h."""
TRACEBACK = "MODELSIZER_TRACEBACK"
"""Environment variable that lets an unexpected error through, with its traceback."""


@cache
def _command(name: str) -> Any:
    """The command of a name, made by typer from the function of its module."""
    from modelsizer.commands.headings import with_heading_option
    from modelsizer.commands.paths import Command

    function = name.replace("-", "_")
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    module = import_module(f"modelsizer.commands.{function}")
    alone.command(name, cls=Command)(with_heading_option(getattr(module, function)))
    made: Any = typer.main.get_command(alone)
    made.example = COMMANDS[name].example
    return made


class _Modules(Mapping[str, Any]):
    """Commands by name, each imported when it is asked for."""

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        made = _command(name)
        if COMPLETE in os.environ:
            from modelsizer.commands.completion import completed

            completed(made)
        return made


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
        widest = max(map(len, COMMANDS))
        for group, purpose in GROUPS.items():
            with formatter.section(f"{group} {purpose}"):
                own = {name: row.does for name, row in COMMANDS.items() if row.group == group}
                formatter.write_dl([(name.ljust(widest), does) for name, does in own.items()])

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Commands that begin so, of which none is imported, and options."""
        from modelsizer.commands.completion import Word

        own = [Word(n, row.does) for n, row in COMMANDS.items() if n.startswith(incomplete)]
        return own or super().shell_complete(ctx, incomplete)

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command and exit, also after an error that no other place expects."""
        if COMPLETE in os.environ:
            return _complete(partial(super().main, *args, **options))
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


def _complete(main: Callable[[], Any]) -> None:
    """Answer a shell that asks for words; with none where anything is wrong."""
    from modelsizer.commands.completion import join_words

    with suppress(Exception):
        join_words()
        main()
    sys.exit(0)


def _of_usage(error: Any) -> int:
    """Print a mistake in a command line; return its exit status."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
    else:
        command = error.ctx.command_path if getattr(error, "ctx", None) else "modelsizer"
        from modelsizer.commands.usage import usage_line

        say(f"error: {usage_line(error, tuple(COMMANDS))}; see `{command} --help`")
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
    epilog="`modelsizer COMMAND --help` has the options of a command, and an example. To begin: "
    "`modelsizer solve one-h100-1e24`.",
    no_args_is_help=True,
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
