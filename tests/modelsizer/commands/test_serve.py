"""The command serve: its port, its end, and what is wrong with a file."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from typer.testing import CliRunner

from modelsizer.cli import app

SECONDS = 60


def test_it_prints_its_address_answers_and_ends_at_ctrl_c() -> None:
    command = [sys.executable, "-m", "modelsizer", "serve", "phone-2gb", "--port", "0", "--no-open"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[0]
            assert url.startswith("http://127.0.0.1:")
            asked = urllib.request.Request(f"{url}view", b"{}")
            with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
                assert json.load(answer)["status"] == "optimal"
            server.send_signal(signal.SIGINT)
            _, errors = server.communicate(timeout=SECONDS)
        finally:
            server.kill()
    assert (server.returncode, errors) == (0, "")


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = CliRunner().invoke(app, ["serve", "phone-2gb", "--no-open", "--port", port])
    assert answer.exit_code == 2
    assert answer.stderr.splitlines() == [
        f"error: --port: {port} is in use by another program; give another one, or 0 for any that "
        "is free"
    ]


def test_a_file_with_faults_is_not_served(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[space]\nlayerz = 3\n")
    answer = CliRunner().invoke(app, ["serve", str(path), "--no-open", "--port", "0"])
    assert answer.exit_code == 2
    assert "space.layerz: unknown key" in answer.stderr
