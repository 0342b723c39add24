"""What every test in a browser relies on: errors and foreign requests are noticed."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.support.browsers import Opened


def test_errors_and_foreign_requests_are_noticed(open_page: Opened, faults: list[str]) -> None:
    script = "console.error('wrong'); fetch('http://192.0.2.1/x').catch(() => 0); throw Error('x')"
    page = open_page("data:text/html," + quote(f"<title>a</title><script>{script}</script>"))
    assert page.title() == "a"
    kinds = sorted(fault.split(":")[0] for fault in faults)
    assert kinds[:2] == ["a request to another host", "console error"]
    assert "exception" in kinds
    faults.clear()


@pytest.mark.slow
def test_a_page_at_peace_has_no_faults(open_page: Opened, faults: list[str]) -> None:
    page = open_page("data:text/html,<p>quiet", width=420)
    assert page.evaluate("innerWidth") == 420
    assert not faults
