"""The paths of a live page, and what answers each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from modelsizer.live.desk import Desk
from modelsizer.live.live_page import live_page
from modelsizer.live.server import Answer
from modelsizer.live.state import State


def page_of(desk: Desk) -> str:
    """The HTML of the page of a desk."""
    return live_page(desk.page())


def answers_of(desk: Desk) -> dict[str, Answer]:
    """The answers of a desk by path; each takes the body of a request and the name of its page."""
    return {"/solve": _of_state(desk.solve), "/view": _of_state(desk.view)}


def _of_state(answer: Callable[[State, str], Mapping[str, Any]]) -> Answer:
    """An answer to the state in the body of a request."""
    return lambda body, page: answer(State.of(body), page)
