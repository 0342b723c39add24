"""The server of the live page, over real sockets."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelsizer.cli import app
from modelsizer.live import server as server_module
from modelsizer.live.server import MOST_BYTES
from modelsizer.live.shown_text import LONGEST
from tests.support.live_server import Client, served

PROBLEM = "one-h100-1e24"

LAW = """
[law]
form = "chinchilla"
E = {}
A = 482.0
alpha = 0.34
B = 2085.0
beta = 0.36
"""
"""A file of a law."""


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with served(PROBLEM) as found:
        yield found


def command_line(source: str, *options: str) -> dict[str, object]:
    answer = CliRunner().invoke(app, ["solve", source, *options, "--json", "-"])
    assert answer.exit_code in (0, 1), answer.stderr
    found: dict[str, object] = json.loads(answer.stdout)
    return found


@pytest.mark.parametrize(
    ("settings", "without"),
    [
        ({}, []),
        ({"budgets.kv_cache": "8 GiB", "training.tokens.max": "20T"}, []),
        ({"serving.weight_bytes": 1, "serving.context_length": 4096}, ["budgets.parameters"]),
        ({"budgets.kv_cache": "1 MB"}, []),
    ],
)
def test_solve_is_the_json_of_the_command(
    client: Client, settings: dict[str, object], without: list[str]
) -> None:
    status, found = client.post("/solve", {"settings": settings, "without": without})
    options = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    options += [part for key in without for part in ("--without", key)]
    asked = command_line(PROBLEM, *options)
    assert status == 200
    assert list(found) == list(asked)
    assert found | {"seconds": 0} == asked | {"seconds": 0}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "settings"),
    [
        ("million-dollars", {"budgets.training_cost": "2M USD"}),
        ("thousand-users-8k", {"serving.accelerator": "H200-SXM"}),
        ("dense-or-experts", {"budgets.training_flops": "5e23"}),
        ("mixture-30b-a3b", {"budgets.active_parameters.max": "2B"}),
        ("windows-128k", {"serving.context_length": "64K"}),
        ("served-10t-tokens", {"lifetime.inference_tokens": "2T tokens"}),
    ],
)
def test_solve_is_the_json_of_the_command_whatever_the_problem(
    source: str, settings: dict[str, str]
) -> None:
    options = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    with served(source) as other:
        other.post("/view", {})  # tables of another question are there
        status, found = other.post("/solve", {"settings": settings})
    assert status == 200
    assert found | {"seconds": 0} == command_line(source, *options) | {"seconds": 0}


def test_the_view_has_the_same_double(client: Client) -> None:
    state = {"settings": {"budgets.serving_memory": "60 GB"}}
    view, solved = client.post("/view", state)[1], client.post("/solve", state)[1]
    assert view["loss"]["value"] == solved["loss"]
    assert view["design"] == solved["architecture"]
    assert view["command"] == f"modelsizer solve {PROBLEM} --set 'budgets.serving_memory=60 GB'"


def test_what_is_wrong_is_said_with_its_key(client: Client) -> None:
    status, found = client.post("/solve", {"settings": {"budgets.kv_cash": 1}})
    assert (status, found["key"]) == (422, "budgets.kv_cash")
    assert "did you mean kv_cache?" in found["error"]
    status, found = client.post("/view", {"settings": {"budgets.kv_cache": "8 parsec"}})
    assert (status, found["key"]) == (422, "budgets.kv_cache")
    for body in ({"settings": []}, {"without": "budgets.kv_cache"}, {"settings": {"corner": "x"}}):
        assert client.post("/view", body)[0] == 422
    hostile = {"settings": {"<script>alert(1)</script>\n": "x" * 5000}}
    assert client.post("/view", hostile)[0] == 422


def test_no_other_name_and_no_other_site_is_answered(client: Client) -> None:
    port = client.server.port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}"):
        assert client.post("/toml", {}, Host=host)[0] == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", ""):
        assert client.send("GET", "/", headers={"Host": host})[0] == 403
        assert client.post("/toml", {}, Host=host)[0] == 403
    assert client.post("/toml", {}, Origin=f"http://127.0.0.1:{port}")[0] == 200
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{port}", "http://127.0.0.1"):
        assert client.post("/toml", {}, Origin=origin)[0] == 403
    assert client.post("/toml", {}, Sec_Fetch_Site="cross-site")[0] == 403


def test_wrong_paths_methods_and_bodies(client: Client) -> None:
    status, headers, _ = client.send("GET", "/solve")
    assert (status, headers["Allow"]) == (405, "POST")
    status, headers, _ = client.send("PUT", "/", b"{}")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert client.send("BREW", "/view")[0] == 405
    assert client.send("GET", "/../etc/passwd")[0] == 404
    assert client.send("POST", "/view", b"{")[0] == 400
    assert client.send("POST", "/view", b"[1]")[0] == 400
    assert client.send("POST", "/view", b'{"settings": {"a": NaN}}')[0] == 400
    assert client.send("POST", "/view", b"[" * 100_000)[0] == 400
    assert client.send("POST", "/view", b" " * (MOST_BYTES + 1))[0] == 413
    chunked = {"Transfer-Encoding": "chunked"}
    assert client.send("POST", "/view", b"2\r\n{}\r\n0\r\n\r\n", chunked)[0] == 411
    status, headers, content = client.send("HEAD", "/")
    assert (status, content) == (200, b"")
    assert int(headers["Content-Length"]) > 1000


def test_the_page_holds_the_first_answer(client: Client) -> None:
    status, headers, content = client.send("GET", "/")
    page = content.decode()
    assert (status, headers["X-Frame-Options"]) == (200, "DENY")
    start = page.index('id="data">') + len('id="data">')
    data = json.loads(page[start : page.index("</script>", start)])
    assert data["view"]["status"] == "optimal"
    assert {"training.tokens.max", "budgets.kv_cache"} <= {c["key"] for c in data["controls"]}


def test_what_json_and_http_leave_open_is_refused(client: Client) -> None:
    status, found = client.send("POST", "/toml", b'{"settings": {"a": 1, "a": 2}}')[::2]
    assert (status, json.loads(found)["key"]) == (400, "a")
    assert client.send("POST", "/toml", '{"settings": {}}'.encode("utf-16"))[0] == 400
    many = {f"prices.b{n}": 1 for n in range(5000)}
    assert "more than 1,000 settings" in client.post("/toml", {"settings": many})[1]["error"]
    host = f"Host: 127.0.0.1:{client.server.port}\r\n"
    hidden = f"POST /toml HTTP/1.1\r\n{host}Content-Length: 2\r\n\r\n{{}}".encode()
    outer = f"GET /toml HTTP/1.1\r\n{host}Content-Length: {len(hidden)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", client.server.port), 5) as one:
        one.sendall(outer + hidden)  # a body that is not read is no request
        assert b"".join(iter(lambda: one.recv(65536), b"")).count(b"HTTP/1.1 ") == 1
    many_headers = {f"X-{n}": "1" for n in range(200)}
    status, headers, content = client.send("GET", "/", headers=many_headers)
    assert (status, headers["Content-Type"]) == (431, "text/plain; charset=utf-8")
    assert content == b"too many headers\n"


def test_a_page_reads_no_files_but_those_of_the_problem(client: Client, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(LAW.format(1.7))
    (tmp_path / "other.toml").write_text(LAW.format(1.6))
    text = Path("problems/library/phone-2gb.toml").read_text()
    path = tmp_path / "mine.toml"
    path.write_text(f'{text}\n[objective]\nlaw = "file:own.toml"\n')
    other = f"file:{tmp_path / 'other.toml'}"
    for settings in (
        {"objective.law": other},
        {"objective.law": f' "{other}" '},
        {"objective": {"law": other}},
        {"scenarios": {"a": {"objective.law": other}}},
        {"objective.ablations": f"{other}:low"},
        {"budgets.parameters": f"as {tmp_path / 'config.json'} at 1T"},
    ):
        status, found = client.post("/view", {"settings": settings})
        assert (status, "a page reads no others" in found["error"]) == (422, True), settings
    listed = {"settings": {"budgets.parameters": "as llama-3-8b at 15T"}}
    assert client.post("/toml", listed)[0] == 200
    with served(str(path)) as mine:
        before = mine.post("/view", {})[1]
        again = {"settings": {"objective.law": f"file:{tmp_path / 'own.toml'}"}}
        assert mine.post("/view", again)[1]["loss"] == before["loss"]
        (tmp_path / "own.toml").write_text(LAW.format(1.25))  # is read again where it has changed
        after = mine.post("/view", {})[1]
        assert after["version"] != before["version"]
        assert after["loss"]["value"] == command_line(str(path))["loss"]


def test_slow_requests_are_dropped(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "REQUEST_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", client.server.port)) as slow:
        begin = time.monotonic()
        slow.settimeout(5)
        for letter in b"POST /view HTTP/1.1\r\nHost: ":  # each in time, all of them not
            try:
                slow.send(bytes([letter]))
            except OSError:
                break
            time.sleep(0.02)
        with suppress(ConnectionError):
            assert slow.recv(100) == b""
        assert time.monotonic() - begin < 4


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = Path("problems/library/phone-2gb.toml").read_text()
    path.write_text(text)
    with served(str(path)) as mine:
        before = mine.post("/view", {})[1]
        path.write_text(text.replace("name =", "# other\nname =", 1).replace("2 GB", "1 GB"))
        after = mine.post("/view", {})[1]
        assert before["version"] != after["version"]
        path.write_text("name = [")
        status, found = mine.post("/view", {})
        assert (status, "not valid TOML" in found["error"]) == (422, True)
        status, headers, content = mine.send("GET", "/")
        assert (status, b"not valid TOML" in content) == (422, True)
        assert headers["Content-Type"].startswith("text/plain")
        path.unlink()
        status, found = mine.post("/view", {})
        assert (status, "no such file" in found["error"]) == (422, True)


def test_hostile_names_are_data(tmp_path: Path) -> None:
    name = "</script><script>alert(1)</script><!--data-->" + "x" * 5000
    path = tmp_path / "mine.toml"
    text = Path("problems/library/phone-2gb.toml").read_text()
    lines = [f"name = {json.dumps(name)}" if x.startswith("name") else x for x in text.split("\n")]
    path.write_text("\n".join(lines))
    with served(str(path)) as mine:
        page = mine.send("GET", "/")[2].decode()
        told = mine.post("/view", {})[1]["name"]
    assert name.startswith(told[:900])
    assert len(told) <= LONGEST
    assert "<script>alert" not in page
    assert page.count('id="data"') == 1
