"""Program: fetch one file of a model of the hub into the local cache.

Reads ``{"repository", "revision", "file", "seconds"}`` from standard input; prints ``{"path"}``, or
``{"error", "message"}`` with the name of the exception. It imports nothing of modelsizer.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from urllib.parse import urlsplit
from urllib.request import getproxies

ENDPOINT = "https://huggingface.co"
PORTS = {"https": 443, "http": 80}


def main() -> None:
    """Fetch the file."""
    given = json.load(sys.stdin)
    try:
        reach(os.environ.get("HF_ENDPOINT") or ENDPOINT, given["seconds"])
        from huggingface_hub import hf_hub_download

        path = hf_hub_download(
            given["repository"],
            given["file"],
            revision=given["revision"],
            etag_timeout=given["seconds"],
        )
    except Exception as error:  # of the library, of the network, of the disk
        name, text = type(error).__name__, " ".join(str(error).split())
        print(json.dumps({"error": name, "message": text}))
    else:
        print(json.dumps({"path": str(path)}))


def reach(endpoint: str, seconds: float) -> None:
    """Raise a ConnectionError if the hub cannot be reached, which the library tries for minutes.

    Nothing is tried where a proxy is set.
    """
    address = urlsplit(endpoint)
    if getproxies() or not address.hostname:
        return
    try:
        place = (address.hostname, address.port or PORTS[address.scheme])
        socket.create_connection(place, timeout=seconds).close()
    except OSError as error:
        raise ConnectionError(str(error)) from None


if __name__ == "__main__":
    main()
