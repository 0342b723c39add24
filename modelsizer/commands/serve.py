"""The command serve: a live page about a problem."""

from __future__ import annotations

import errno
import os
import sys
import threading
from typing import Annotated

import typer

from modelsizer.commands.app import fail, user_errors
from modelsizer.commands.options import File

DEFAULT_PORT = 8200
_LOOK = 0.2  # seconds between two looks whether Ctrl-C was pressed
_PATIENCE = 0.25  # seconds for each worker to end; what still works then is left


def serve(
    file: File,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 for any that is free.")
    ] = DEFAULT_PORT,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Open no browser, only print the address.")
    ] = False,
) -> None:
    """Open the answer as a live page: move a limit, see it change.

    The page is served from this computer alone, needs no network, and reads FILE again when it has
    changed. POST /solve {"settings": {"KEY": VALUE}} answers with the JSON of `solve`. Ctrl-C ends
    it.
    """
    from modelsizer.problems.interrupts import count, held, leave_threads

    with user_errors():
        from modelsizer.commands.live_report import report_of
        from modelsizer.live.desk import Desk
        from modelsizer.live.routes import answers_of, page_of
        from modelsizer.live.server import Server

        desk = Desk(file, report_of)
        try:
            server = Server(port, lambda: page_of(desk), answers_of(desk))
        except OSError as error:
            fail(f"--port: {_why(port, error)}")
        with server, held():
            thread = threading.Thread(target=server.serve_forever, args=(_LOOK,), daemon=True)
            thread.start()
            print(f"{server.url}  (Ctrl-C ends it)", flush=True)
            if not no_open:
                _open(server.url)
            while thread.is_alive() and not count():
                thread.join(_LOOK)
            server.shutdown()
            if not desk.close(_PATIENCE):
                leave_threads()


def _why(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{port} is in use by another program; give another one, or 0 for any that is free"
    if error.errno == errno.EACCES:
        return f"{port} may not be used without rights; give one from 1024 up"
    return f"{port} cannot be used: {error.strerror or error}"


def _open(url: str) -> None:
    """Open a page in the user's browser, if there is one with windows, and wait for nothing."""
    shown = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    if sys.platform == "linux" and not any(map(os.environ.get, shown)):
        return  # a browser of the terminal would take it away
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
