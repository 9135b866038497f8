"""Duplicates, oddities, the report card and syncing in the browser."""

from __future__ import annotations

import shutil

from browsing import gallery, until
from drawing import draw_picture
from playwright.sync_api import expect


def test_copies_stand_side_by_side_and_are_compared(page):
    page.goto("/?view=duplicates")
    expect(page.locator(".group").first).to_be_visible(timeout=60_000)
    expect(page.locator(".view-head")).to_contain_text("more than once")
    group = page.locator(".group", has_text="copy.png").first
    expect(group.locator(".card")).to_have_count(2)
    expect(group.locator(".kept .tag")).to_have_text("keep")
    group.get_by_role("button", name="Compare").click()
    dialog = page.locator("dialog.compare")
    until(page, "document.querySelectorAll('.compare-stage img').length === 2")
    dialog.get_by_role("radio", name="Slider").check()
    slider = dialog.get_by_role("slider")
    slider.fill("0.2")
    assert (
        page.evaluate("document.querySelector('.layer').style.clipPath") == "inset(0px 0px 0px 20%)"
    )
    dialog.get_by_role("radio", name="Flicker").check()
    dialog.get_by_role("button", name="Change once").click()
    expect(dialog.get_by_role("button", name="Flicker")).to_be_visible()
    dialog.get_by_role("radio", name="Difference").check()
    expect(dialog.locator("output")).to_have_text("No pixel differs.")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_kinds_of_copies_are_chosen(wide):
    wide.goto("/?view=duplicates")
    expect(wide.locator(".group").first).to_be_visible(timeout=60_000)
    for name in ("Same bytes", "Same pixels", "Edited copies"):
        wide.locator(".toggle", has_text=name).click()
        expect(wide.get_by_role("checkbox", name=name)).not_to_be_checked()
    expect(wide.get_by_role("heading", name="Choose a kind")).to_be_visible()
    wide.locator(".toggle", has_text="Same bytes").click()
    expect(wide.locator(".group")).to_have_count(1)


def test_oddities_stand_beside_what_is_rebuilt(page):
    page.goto("/?view=oddities")
    expect(page.locator(".odd")).to_have_count(24, timeout=60_000)
    until(page, "document.querySelectorAll('.odd img')[1].naturalWidth > 0")
    expect(page.locator(".odd-error").first).to_contain_text("error")
    page.locator(".odd-pair").first.click()
    expect(page.locator(".light")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(".odd").first.get_by_role("button", name="Find its lookalikes").click()
    expect(page.locator(".count")).to_contain_text("that picture")


def test_the_report_card_shows_its_figures(page):
    page.goto("/?view=card")
    expect(page.locator(".sentence")).to_contain_text("edited copies")
    expect(page.locator(".heat tbody tr").first).to_contain_text("%")
    expect(page.get_by_role("heading", name="How honest its scores are")).to_be_visible()


def test_an_engine_without_a_report_or_a_decoder_says_so(wide):
    wide.forgiven = ("404",)
    missing = {"error": {"kind": "missing", "message": "there is no report card yet"}}
    wide.route("**/api/v1/card", lambda route: route.fulfill(status=404, json=missing))
    wide.goto("/?view=card")
    expect(wide.get_by_role("heading", name="No report yet")).to_be_visible()
    wide.route(
        "**/api/v1/engine",
        lambda route: route.fulfill(json={**route.fetch().json(), "decodes": False}),
    )
    wide.goto("/?view=oddities")
    expect(wide.get_by_role("heading", name="does not rebuild")).to_be_visible()


def test_the_gallery_is_brought_up_to_date_from_the_page(
    browser, start, shown, shown_engine, tmp_path
):
    shutil.copytree(shown, tmp_path / "pictures")
    engine = tmp_path / "e.lookalike"
    shutil.copytree(shown_engine, engine)
    manifest = engine / "manifest.json"
    manifest.write_text(manifest.read_text().replace(str(shown), str(tmp_path / "pictures")))
    context = browser.new_context(base_url=start(engine))
    page = context.new_page()
    gallery(page)
    expect(page.locator(".count")).to_have_text("110 pictures in the gallery")
    draw_picture("disc", 900).save(tmp_path / "pictures" / "disc" / "new.png")
    page.locator("#sync").click()
    page.get_by_role("button", name="Bring up to date").click()
    expect(page.locator(".sync-done")).to_contain_text("1 picture added", timeout=60_000)
    page.keyboard.press("Escape")
    expect(page.locator(".count")).to_have_text("111 pictures in the gallery")
    expect(page.locator("#bar small")).to_have_text("111 pictures")
    # What another brings up to date is told, and shown when it is wished.
    draw_picture("disc", 901).save(tmp_path / "pictures" / "disc" / "newer.png")
    job = page.request.post("/api/v1/sync").json()["job"]
    while page.request.get(f"/api/v1/jobs/{job}").json()["state"] == "working":
        page.wait_for_timeout(50)
    page.locator(".tile[data-at='3'] .tile-main").click(position={"x": 20, "y": 40})
    expect(page.locator(".toast")).to_contain_text("The gallery has changed meanwhile")
    page.get_by_role("button", name="Show it as it is now").click()
    expect(page.locator("#bar small")).to_have_text("112 pictures")
    context.close()
