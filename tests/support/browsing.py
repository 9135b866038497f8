"""What tests of the page do with a browser."""

from __future__ import annotations

import base64
import io
import re
import time
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from drawing import draw_picture

_DROP = """([files, name, type, how]) => {
  const held = new DataTransfer();
  if (typeof files === "string") held.setData("text/plain", files);
  else for (const data of files) {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    held.items.add(new File([bytes], name, {type: "image/png"}));
  }
  const event = type === "paste"
    ? new ClipboardEvent("paste", {clipboardData: held, bubbles: true})
    : new DragEvent(type, {dataTransfer: held, bubbles: true, cancelable: true, ...how});
  document.body.dispatchEvent(event);
}"""


def png(kind: str = "disc", number: int = 7, size: int = 64) -> bytes:
    """Return a picture that the gallery does not hold."""
    file = io.BytesIO()
    draw_picture(kind, 500 + number, size).save(file, "PNG")
    return file.getvalue()


def bring(page: Any, data: bytes | list[bytes] | str, how: str = "drop", **keys: bool) -> None:
    """Drop or paste a picture, several, or a text."""
    held: str | list[str] = data if isinstance(data, str) else []
    if isinstance(data, bytes | list):
        files = data if isinstance(data, list) else [data]
        held = [base64.b64encode(one).decode() for one in files]
    if how == "drop":
        page.evaluate(_DROP, [held, "mine.png", "dragenter", keys])
    page.evaluate(_DROP, [held, "mine.png", how, keys])


def asked(page: Any) -> dict[str, list[str]]:
    """Return what the address bar holds."""
    return parse_qs(urlsplit(page.url).query, keep_blank_values=True)


def queries(page: Any) -> list[str]:
    """Return the queries that the address bar holds."""
    held = asked(page).get("q", [""])[0]
    # A box has commas of its own.
    return [one for one in re.split(r",(?=-?(?:id|up):)", unquote(held)) if one]


def gallery(page: Any, query: str = "") -> None:
    """Open the page, and wait for its pictures."""
    page.goto(query or "/")
    page.locator(".tile img").first.wait_for()
    until(page, "document.querySelector('.tile img').complete")


def order(page: Any) -> list[str]:
    """Return the ids of the first pictures, in order."""
    return page.evaluate(
        """[...document.querySelectorAll(".tile")]
        .sort((a, b) => a.dataset.at - b.dataset.at).slice(0, 12).map((tile) => tile.dataset.id)"""
    )


def act(page: Any, at: int, what: str) -> None:
    """Use one of the buttons on a picture, as a mouse or a finger would."""
    tile = page.locator(f".tile[data-at='{at}']")
    if page.viewport_size["width"] > 800:
        tile.hover()
        tile.locator(f"[data-act={what}]").click()
        return
    tile.locator("[data-act=open]").tap()
    if what != "open":
        name = {"more": "More like this", "less": "Less like this"}[what]
        page.locator(".light").get_by_role("button", name=name).tap()


def until(page: Any, condition: str, seconds: float = 15.0) -> None:
    """Wait for a condition in JavaScript.

    Playwright's own way evaluates text within the page, which the page's policy forbids.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"this never came true: {condition}"
        page.wait_for_timeout(20)
