"""The page by keyboard alone."""

from __future__ import annotations

import pytest
from browsing import gallery, queries, until
from playwright.sync_api import expect


@pytest.fixture
def keys(wide):
    """A page whose mouse nobody touches."""
    gallery(wide)
    return wide


def focused(page, selector: str) -> bool:
    return page.evaluate(f"document.activeElement.matches({selector!r})")


def test_a_search_from_first_to_last_without_a_mouse(keys):
    press = keys.keyboard.press
    press("g")
    assert focused(keys, ".tile[data-at='0'] .tile-main")
    press("ArrowRight")
    press("ArrowRight")
    assert focused(keys, ".tile[data-at='2'] .tile-main")
    press("ArrowDown")
    below = keys.evaluate("Number(document.activeElement.closest('.tile').dataset.at)")
    assert below > 4
    press("ArrowUp")
    press("Enter")
    expect(keys.locator(".count")).to_contain_text("that picture")
    press("g")
    press("ArrowRight")
    press("+")
    expect(keys.locator(".chip.more")).to_have_count(2)
    press("g")
    press("ArrowRight")
    press("ArrowRight")
    press("-")
    expect(keys.locator(".chip.less")).to_have_count(1)
    assert len(queries(keys)) == 3
    expect(keys.locator(".count")).to_contain_text("unlike 1")
    press("g")
    press("o")
    expect(keys.locator(".light")).to_be_visible()
    name = keys.locator(".light h2").inner_text()
    press("ArrowRight")
    expect(keys.locator(".light h2")).not_to_have_text(name)
    press("Escape")
    expect(keys.locator(".light")).to_be_hidden()
    press("End")
    until(keys, "Number(document.activeElement.closest('.tile')?.dataset.at ?? 0) > 40")
    press("Home")
    assert focused(keys, ".tile[data-at='0'] .tile-main")


def test_keys_that_work_everywhere(keys):
    press = keys.keyboard.press
    press("?")
    expect(keys.get_by_role("heading", name="Keys and words")).to_be_visible()
    press("Escape")
    press("/")
    until(keys, "document.activeElement.id === 'text'")
    keys.keyboard.type("copy")
    expect(keys.locator(".count")).to_contain_text("1 picture")
    press("Escape")
    press("5")
    expect(keys.locator(".sentence")).to_be_visible()
    press("1")
    expect(keys.locator(".count")).to_be_visible()
    keys.evaluate("HTMLInputElement.prototype.click = function () { window.picked = this.type; }")
    press("u")
    until(keys, "window.picked === 'file'")


def test_the_keyboard_is_not_lost_with_what_it_was_on(keys):
    gallery(keys, "/?q=id:5&label=disc&label=square")
    keys.locator(".pill button").first.focus()
    keys.keyboard.press("Enter")
    expect(keys.locator(".pill")).to_have_count(1)
    assert focused(keys, ".pill button")
    keys.get_by_role("button", name="Clear the query").focus()
    keys.keyboard.press("Enter")
    expect(keys.locator(".invitation")).to_be_visible()
    assert focused(keys, ".invitation button")
    gallery(keys, "/?q=id:5")
    keys.keyboard.press("/")
    keys.keyboard.type("copy")
    expect(keys.locator(".tile")).to_have_count(1)
    keys.locator(".tile .tile-main").click(position={"x": 20, "y": 40})
    until(keys, "!location.search.includes('q=id:5')")
    keys.locator("#text").focus()
    keys.go_back()
    until(keys, "location.search.includes('q=id:5')")
    keys.go_back()
    until(keys, "document.getElementById('text').value === ''")


def test_tab_reaches_all_and_the_focus_is_seen(keys):
    reached = []
    for _ in range(30):
        keys.keyboard.press("Tab")
        reached.append(
            keys.evaluate(
                "document.activeElement.getAttribute('aria-label') "
                "|| document.activeElement.textContent.trim() || document.activeElement.id"
            )
        )
        if focused(keys, ".tile-main"):
            break
        seen = keys.evaluate(
            "(() => { const s = getComputedStyle(document.activeElement);"
            " return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2; })()"
        )
        assert seen or reached[-1] == "Skip to the pictures", reached[-1]
    assert reached[0] == "Skip to the pictures"
    for name in ("Map", "Copy the link to this search", "Choose a picture", "Photograph"):
        assert name in reached
    # One stop for the whole grid: within it arrow keys move.
    keys.keyboard.press("Tab")
    assert not focused(keys, ".tile-main")


def test_little_movement_where_little_is_wanted(contexts, address, browser):
    context = browser.new_context(base_url=address, reduced_motion="reduce")
    page = context.new_page()
    gallery(page, "/?q=id:5")
    lasting = page.evaluate(
        "parseFloat(getComputedStyle(document.querySelector('.tile')).transitionDuration)"
    )
    assert lasting < 0.01
    context.close()
