"""The map in the browser: drawn, moved, pointed at, chosen from."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from browsing import bring, gallery, png, queries, until
from PIL import Image
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def mapped(contexts, address):
    """The service has a map."""
    page = contexts[1440].new_page()
    page.goto("/?view=map")
    button = page.get_by_role("button", name="Draw the map")
    chart = page.locator(".chart")
    expect(button.or_(chart)).to_be_visible()
    if button.is_visible():
        button.click()
        expect(page.get_by_role("progressbar").or_(chart).first).to_be_visible()
    expect(chart).to_be_visible(timeout=120_000)
    page.close()
    return address


def seen(page) -> np.ndarray:
    """Return what the map shows, uint8 (h, w, 3)."""
    return np.asarray(Image.open(io.BytesIO(page.locator(".chart").screenshot())).convert("RGB"))[
        8:-8, 8:-8
    ]


def open_map(page, query=""):
    page.goto(f"/?view=map{query}")
    expect(page.locator(".chart")).to_be_visible()
    settle(page)


def settle(page):
    """Wait until two pictures of the map are the same: pages of thumbnails have come."""
    before = None
    for _ in range(30):
        page.wait_for_timeout(150)
        now = seen(page)
        if before is not None and now.shape == before.shape and (now == before).all():
            return
        before = now


def spot_of_a_picture(page):
    """Return where on the map, from its corner, some picture is drawn."""
    shown = seen(page).astype(int)
    middle = shown[60:-170, 130:-80]
    apart = np.abs(middle - shown[-1, 5]).sum(axis=2)
    rows, columns = np.nonzero(apart > 120)
    assert len(rows), "the map shows nothing"
    pick = len(rows) // 2
    return {"x": int(columns[pick]) + 138, "y": int(rows[pick]) + 68}


def test_the_map_is_drawn_and_a_click_searches_from_a_picture(page, mapped):
    open_map(page)
    spot = spot_of_a_picture(page)
    if page.viewport_size["width"] > 800:
        page.locator(".chart").hover(position=spot)
        expect(page.locator(".hover-card")).to_be_visible()
        expect(page.locator(".hover-card p")).to_contain_text(re.compile(r"\.(png|bmp)"))
    page.locator(".chart").click(position=spot)
    expect(page.locator(".strip")).to_be_visible()
    assert len(queries(page)) == 1
    expect(page.locator(".pin")).to_have_count(1)
    expect(page.locator(".strip li").first).to_be_visible()
    page.get_by_role("button", name="See them all").click()
    expect(page.locator(".count")).to_contain_text("that picture")


def test_a_spot_between_pictures_means_those_around_it(wide, mapped):
    open_map(wide)
    wide.locator(".chart").click(position={"x": 4, "y": 600})
    expect(wide.locator(".strip")).to_be_visible()
    assert len(queries(wide)) == 3


def test_wheel_keys_and_buttons_move_the_map(page, mapped):
    open_map(page)
    first = seen(page)
    page.locator(".chart").focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    settle(page)
    nearer = seen(page)
    assert (nearer != first).any()
    page.keyboard.press("0")
    page.wait_for_timeout(500)
    settle(page)
    assert np.abs(seen(page).astype(int) - first).mean() < 2
    page.get_by_role("button", name="Nearer").click()
    box = page.locator(".chart").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 300)
    if page.viewport_size["width"] > 800:
        page.mouse.wheel(0, -400)
    settle(page)
    assert (seen(page) != nearer).any()


def test_close_up_the_pictures_own_thumbnails_are_seen(wide, mapped):
    open_map(wide)
    wide.locator(".chart").focus()
    expect(wide.locator(".cross")).to_be_visible()
    for _ in range(2):
        wide.keyboard.press("-")
    expect(wide.locator(".closeup img")).to_have_count(0)
    for _ in range(6):
        wide.keyboard.press("+")
    expect(wide.locator(".closeup .there").first).to_be_visible()
    assert wide.evaluate("document.querySelector('.closeup .there').naturalWidth") > 32
    wide.keyboard.press("l")
    expect(wide.get_by_role("button", name="Choose all in sight")).to_be_focused()
    wide.keyboard.press("Escape")
    expect(wide.locator(".lasso-panel")).to_be_hidden()
    expect(wide.locator(".chart")).to_be_focused()


def test_pages_of_another_map_are_not_drawn(wide, mapped):
    stale = []

    def other(route):
        answer = route.fetch()
        headers = answer.headers if stale else {**answer.headers, "etag": '"another-0"'}
        stale.append(route.request.url)
        route.fulfill(response=answer, headers=headers)

    wide.route("**/map/atlas/*", other)
    wide.goto("/?view=map")
    expect(wide.locator(".chart")).to_be_visible()
    wide.locator(".chart").focus()
    for _ in range(3):
        wide.keyboard.press("+")
    for _ in range(200):
        wide.wait_for_timeout(50)
        if len(stale) > 1:
            break
    assert len(stale) == 2
    expect(wide.locator(".chart")).to_be_visible()


def test_a_map_that_could_not_be_drawn_says_why(wide, mapped):
    def failed(route):
        route.fulfill(json={**route.fetch().json(), "state": "none", "error": "the disk is full"})

    wide.route("**/api/v1/map", failed)
    wide.goto("/?view=map")
    expect(wide.locator(".mapview")).to_contain_text("The disk is full")
    wide.unroute("**/api/v1/map")
    wide.get_by_role("button", name="Try again").click()
    expect(wide.locator(".chart")).to_be_visible()


def test_a_dropped_picture_falls_onto_the_map(page, mapped):
    open_map(page)
    bring(page, png(number=4))
    expect(page.locator(".pin img")).to_have_attribute("alt", "Your picture is here")
    expect(page.locator(".strip")).to_be_visible()
    assert queries(page)[0].startswith("up:")
    assert "view=map" in page.url


def test_pictures_are_chosen_by_a_lasso_and_taken_along(page, mapped, tmp_path):
    open_map(page)
    page.get_by_role("button", name="Choose pictures").click()
    if page.viewport_size["width"] > 800:
        box = page.locator(".chart").bounding_box()
        page.mouse.move(box["x"] + 5, box["y"] + 5)
        page.mouse.down()
        for x, y in ((0.99, 0.01), (0.99, 0.99), (0.01, 0.99)):
            page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y, steps=3)
        page.mouse.up()
    else:
        page.get_by_role("button", name="Choose all in sight").tap()
    expect(page.locator(".lasso-panel")).to_contain_text("pictures chosen")
    with page.expect_download() as taken:
        page.get_by_role("button", name="CSV").click()
    taken.value.save_as(tmp_path / "chosen.csv")
    lines = (tmp_path / "chosen.csv").read_text().splitlines()
    chosen = int(page.locator(".lasso-panel strong").inner_text().split()[0])
    assert lines[0] == "id,path,label,width,height"
    assert len(lines) == chosen + 1
    page.get_by_role("button", name="Search by them").click()
    expect(page.locator(".strip")).to_be_visible()
    assert len(queries(page)) == 16


def test_without_webgl_the_map_says_so(wide, mapped):
    wide.add_init_script(
        "const real = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        " return kind === 'webgl2' ? null : real.call(this, kind, ...rest); };"
    )
    wide.goto("/?view=map")
    expect(wide.get_by_role("heading", name="No map in this browser")).to_be_visible()
    gallery(wide, "/?q=id:5")
    until(wide, "document.querySelectorAll('.tile').length > 10")
