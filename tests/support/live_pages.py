"""A live page in a browser: its controls, its answers, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Live = Callable[..., "LivePage"]
"""Opens the live page of a problem: its name or path, a fragment, options of the window."""

REFUSED = "console error: Failed to load resource: the server responded with a status of 4"
"""What a browser itself says of an answer such as 422, whatever a page does about it."""


@dataclass(frozen=True, slots=True)
class LivePage:
    """A live page that is open."""

    page: Page

    def control(self, key: str) -> Locator:
        """The row of a control."""
        return self.page.locator(f'.control[data-key="{key}"]')

    def slider(self, key: str) -> Locator:
        """The slider of a control."""
        return self.control(key).locator("input[type=range]")

    def field(self, key: str) -> Locator:
        """The text field of a control."""
        return self.control(key).locator("input[type=text]")

    def answer_to(self, act: Callable[[], object]) -> dict[str, Any]:
        """Do something, and wait for the view that it asks for, and for the page to show it."""
        with self.page.expect_response(lambda response: response.url.endswith("/view")) as caught:
            act()
        found = dict(caught.value.json())
        if found.get("loss"):
            self.wait_for_loss(found["loss"]["short"])
        return found

    def wait_for_loss(self, text: str) -> None:
        """Wait until a loss is shown."""
        self.page.wait_for_function(
            "text => [...document.querySelectorAll('.summary .main .value')]"
            ".some(value => value.textContent === text)",
            arg=text,
        )

    def press(self, key: str, keys: str) -> dict[str, Any]:
        """Press a key on a slider, and return the view that follows."""
        self.slider(key).focus()
        return self.answer_to(lambda: self.page.keyboard.press(keys))

    def type_in(self, key: str, text: str) -> None:
        """Type a value into the field of a control."""
        self.field(key).fill(text)
        self.page.keyboard.press("Enter")

    @property
    def loss(self) -> str:
        """The loss as it is shown."""
        return self.page.locator(".summary .main .value").last.inner_text()

    @property
    def status(self) -> str:
        """The status as it is shown."""
        return self.page.locator(".summary .badge").inner_text()

    def wait_for_pictures(self) -> None:
        """Wait until the pictures are those of the answer."""
        self.page.wait_for_selector(".pictures[aria-busy=false] .stack svg")
