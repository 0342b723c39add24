"""Options of views of a design, each of one or several views."""

from __future__ import annotations

from typing import Annotated

import typer

from modelsizer.commands.views.layers import PICTURES
from modelsizer.views.defaults import NEAREST

Context = Annotated[
    str | None,
    typer.Option(
        metavar="TOKENS,...",
        help="Contexts that users and allocation count at. By default users 4096,8192,...,131072; "
        "allocation 4096,32768,131072, and of a problem its training sequence length and serving "
        "context.",
    ),
]
Devices = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="With memory: also that of each of these, drawn by --plot: H100-SXM,L4, a vendor, "
        "server or all.",
    ),
]
Each = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=A,B,...",
        help="With users: side by side with each value of a setting: "
        "serving.accelerator=H100-SXM,L40S; repeatable, for all combinations.",
    ),
]
Beside = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SOURCE",
        help="With layers and roofline: another design, as SOURCE, but no problem; repeatable. By "
        f"default layers shows the {NEAREST} published models nearest in size and in kinds.",
    ),
]
Picture = Annotated[
    str | None,
    typer.Option(metavar="PICTURE", help=f"With layers: what --plot draws: {', '.join(PICTURES)}."),
]
