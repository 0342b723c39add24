"""The HTTP server of a live page: 127.0.0.1 only, from the standard library."""

from __future__ import annotations

import io
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from modelsizer.live.newest import ClosedError, OvertakenError, TooManyError
from modelsizer.live.shown_text import shown
from modelsizer.problems.errors import ModelsizerError, ProblemError
from modelsizer.problems.plain_values import PlainValueError, from_json
from modelsizer.problems.version import __version__

ADDRESS = "127.0.0.1"
MOST_BYTES = 256 * 1024
"""Bytes of a request's body."""
MOST_CONNECTIONS = 64
IDLE_SECONDS, REQUEST_SECONDS, REPLY_SECONDS = 60.0, 10.0, 30.0
"""Seconds until a connection without a request is closed; of a whole request, from its first byte,
however slowly it comes; and of each piece of an answer."""

Answer = Callable[[Mapping[str, Any], str], Mapping[str, Any]]
"""From the body of a request and the name of its page to what is answered, for JSON."""


class RefusedError(Exception):
    """A request that is not answered.

    Parameters
    ----------
    status : int
    message : str
        One sentence.
    key : str
        The key that is wrong; empty if none is.
    """

    def __init__(self, status: int, message: str, key: str = "") -> None:
        self.status, self.message, self.key = status, message, key
        super().__init__(message)


class Server(ThreadingHTTPServer):
    """Answers requests about one problem.

    Parameters
    ----------
    port : int
        0 for any that is free.
    page : callable
        Makes the HTML of the page.
    answers : mapping of str to callable
        By path.

    Raises
    ------
    OSError
        If the port is in use, or may not be used.
    """

    daemon_threads, block_on_close = True, False
    request_queue_size = MOST_CONNECTIONS
    allow_reuse_address = os.name != "nt"  # where it would let two programs have one port

    def __init__(self, port: int, page: Callable[[], str], answers: Mapping[str, Answer]) -> None:
        self.page, self.answers = page, answers
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__((ADDRESS, port), Handler)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{ADDRESS}:{self.port}/"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names that a request may call this server by: no other name that leads here is ours."""
        names = (ADDRESS, "localhost")
        bare = names if self.port == 80 else ()
        return (*(f"{name}:{self.port}" for name in names), *bare)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, unless there are too many."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """As of the base class."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that broke."""


class _Hurried(io.RawIOBase):
    """What a client sends, each request of which must come within some seconds."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._until = connection, 0.0

    def readable(self) -> bool:
        return True

    def next(self) -> None:
        """Wait for another request."""
        self._until = 0.0

    def readinto(self, buffer: Any) -> int:
        left = self._until - time.monotonic() if self._until else IDLE_SECONDS
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        count = self._connection.recv_into(buffer)
        self._until = self._until or time.monotonic() + REQUEST_SECONDS
        return count


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    # Else a body waits for the delayed acknowledgement of its headers, 40 ms.
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Read under a time limit for each request."""
        super().setup()
        self._hurried = _Hurried(self.connection)
        self.rfile = io.BufferedReader(self._hurried)

    def handle_one_request(self) -> None:
        """As of the base class."""
        self._hurried.next()
        super().handle_one_request()

    def version_string(self) -> str:
        """What the server is."""
        return f"modelsizer/{__version__}"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - of the base class
        """Log nothing."""

    def __getattr__(self, name: str) -> Any:
        """Every method of HTTP is answered by the same function."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def send_error(
        self,
        code: int,
        message: str | None = None,
        explain: str | None = None,  # noqa: ARG002 - of the base class
    ) -> None:
        """Answer a request that cannot be read as any other that is refused."""
        self._unread, self.command = True, self.command or ""
        self._refuse(RefusedError(int(code), (message or self.responses[code][0]).lower()))

    @property
    def _live(self) -> Server:
        return cast("Server", self.server)

    def _answer(self) -> None:
        bodies = (self.headers.get("Content-Length", "0"), self.headers.get("Transfer-Encoding"))
        self._unread = bodies != ("0", None)
        try:
            self._check_sender()
            path = self.path.partition("?")[0]
            if path == "/":
                self._check_method("GET", "HEAD")
                self._send(200, self._live.page().encode(), "text/html; charset=utf-8")
                return
            answer = self._live.answers.get(path)
            if answer is None:
                raise RefusedError(404, f"there is nothing at {path[:80]!a}")
            self._check_method("POST")
            found = answer(self._body(), self.headers.get("X-Page", "")[:64])
            self._send_json(200, found)
        except RefusedError as error:
            self._refuse(error)
        except ProblemError as error:
            key = error.faults[0].key if error.faults else ""
            self._refuse(RefusedError(422, str(error), key))
        except ModelsizerError as error:
            self._refuse(RefusedError(422, str(error)))
        except OvertakenError:
            self._refuse(RefusedError(409, "a newer request came before this one was answered"))
        except (TooManyError, ClosedError):
            self._refuse(RefusedError(503, "the server has too much to answer, or is ending"))
        except (TimeoutError, ConnectionError):
            raise
        except Exception as error:
            words = " ".join(str(error).split())[:200]
            message = f"unexpected {type(error).__name__}: {words}; this is a fault of modelsizer"
            self._refuse(RefusedError(500, message))

    def _check_sender(self) -> None:
        """Refuse requests that come from other sites, or by another name (DNS rebinding)."""
        names = self.headers.get_all("Host") or [""]
        if len(names) != 1 or names[0].strip().lower() not in self._live.hosts:
            raise RefusedError(
                403, f"this server is {self._live.url}, and answers to no other name"
            )
        allowed = {f"http://{host}" for host in self._live.hosts}
        origins = self.headers.get_all("Origin") or []
        site = self.headers.get("Sec-Fetch-Site", "none")
        foreign = self.command not in ("GET", "HEAD") and site not in ("none", "same-origin")
        if foreign or any(origin.strip().lower() not in allowed for origin in origins):
            raise RefusedError(403, "requests of other sites are not answered")

    def _check_method(self, *methods: str) -> None:
        if self.command not in methods:
            self._allowed = methods
            raise RefusedError(405, f"{self.path[:80]!a} is for {' and '.join(methods)}")

    def _body(self) -> Mapping[str, Any]:
        """Read the body of a request.

        Raises
        ------
        RefusedError
            If it is too long, or no JSON object.
        """
        length, *more = self.headers.get_all("Content-Length") or [""]
        chunked = "Transfer-Encoding" in self.headers
        if more or chunked or not (length.isascii() and length.isdigit()):
            raise RefusedError(411, "send the length of the body as Content-Length")
        if len(length) > 15 or int(length) > MOST_BYTES:
            raise RefusedError(413, f"the body has more than {MOST_BYTES:,} bytes")
        content = self.rfile.read(int(length))
        if len(content) < int(length):
            raise ConnectionAbortedError
        self._unread = False
        try:
            found = from_json(content.decode("utf-8-sig") or "{}", finite=True)
        except UnicodeDecodeError:
            raise RefusedError(400, "the body is not UTF-8 text") from None
        except PlainValueError as error:
            raise RefusedError(400, f"the body: {error}", error.key) from None
        if not isinstance(found, dict):
            raise RefusedError(400, 'the body is not a JSON object such as {"settings": {}}')
        return found

    _unread = False
    _allowed: tuple[str, ...] = ()

    def _refuse(self, error: RefusedError) -> None:
        found = shown({"error": error.message, "key": error.key})
        if self.command == "GET":  # of a person
            self._send(error.status, f"{found['error']}\n".encode(), "text/plain; charset=utf-8")
        else:
            self._send_json(error.status, found)

    def _send_json(self, status: int, found: Mapping[str, Any]) -> None:
        content = json.dumps(found, allow_nan=False, ensure_ascii=False)
        self._send(status, content.encode("utf-8", "replace"), "application/json; charset=utf-8")

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.connection.settimeout(REPLY_SECONDS)
        if self._unread:  # the rest of the body would be taken for a request
            self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in _HEADERS:
            self.send_header(name, value)
        if self._allowed:
            self.send_header("Allow", ", ".join(self._allowed))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self._allowed = ()


_HEADERS = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
