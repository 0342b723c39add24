"""The paths of a live page, and what answers each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from modelsizer.live.desk import Desk
from modelsizer.live.live_page import live_page
from modelsizer.live.server import Answer
from modelsizer.live.state import State
from modelsizer.problems.errors import ProblemError, short


def page_of(desk: Desk) -> str:
    """The HTML of the page of a desk."""
    return live_page(desk.page())


def answers_of(desk: Desk) -> dict[str, Answer]:
    """The answers of a desk by path; each takes the body of a request and the name of its page."""
    found = {
        "/solve": _of_state(desk.solve),
        "/view": lambda body, page: desk.view(
            State.of(body), page, quick=body.get("quick") is True
        ),
        "/drawings": _of_state(desk.drawings),
        "/repairs": _of_state(desk.repairs),
        "/toml": _of_state(desk.toml),
        "/config": lambda body, page: desk.config(State.of(body), _framework(body), page),
    }
    return found | ({"/report": _of_state(desk.report)} if desk.reports else {})


def _framework(body: Mapping[str, Any]) -> str:
    """The framework of a configuration; that of Hugging Face if none is named."""
    name = body.get("framework", "hf")
    if not isinstance(name, str):
        raise ProblemError.of("framework", f"{short(name)} is not the name of a framework")
    return name


def _of_state(answer: Callable[[State, str], Mapping[str, Any]]) -> Answer:
    """An answer to the state in the body of a request."""
    return lambda body, page: answer(State.of(body), page)
