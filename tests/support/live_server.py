"""A live page's server on 127.0.0.1, on any free port, and requests to it over real sockets."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from modelsizer.live.desk import Desk
from modelsizer.live.routes import answers_of, page_of
from modelsizer.live.server import Server

SECONDS = 30.0


class Client:
    """Sends requests to a server, each on a connection of its own.

    Parameters
    ----------
    server : Server
    """

    def __init__(self, server: Server) -> None:
        self.server = server

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and content of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=SECONDS)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def post(self, path: str, body: object, **headers: str) -> tuple[int, Any]:
        """Status and JSON of the answer to a JSON body."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        status, _, content = self.send("POST", path, json.dumps(body).encode(), named)
        return status, json.loads(content)


@contextmanager
def served(source: str, **options: Any) -> Iterator[Client]:
    """Serve a problem."""
    desk = Desk(source, **options)
    with Server(0, lambda: page_of(desk), answers_of(desk)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield Client(server)
        finally:
            server.shutdown()
            desk.close(SECONDS)
