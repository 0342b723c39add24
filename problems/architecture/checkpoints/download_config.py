"""Program: fetch one file of a model of the hub into the local cache.

Reads ``{"repository", "revision", "file", "seconds"}`` from standard input; prints ``{"path"}``, or
``{"error", "message"}`` with the name of the exception. It imports nothing of modelsizer.
"""

from __future__ import annotations

import json
import sys

from huggingface_hub import hf_hub_download


def main() -> None:
    """Fetch the file."""
    given = json.load(sys.stdin)
    try:
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


if __name__ == "__main__":
    main()
