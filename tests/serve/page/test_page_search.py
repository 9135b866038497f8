"""Searching in the browser: where queries come from, and what is done with results."""

from __future__ import annotations

import io
import json
import re

import pytest
from browsing import act, asked, bring, gallery, order, png, queries, until
from PIL import Image
from playwright.sync_api import expect


def test_the_gallery_is_where_a_search_begins_and_back_leads_to_it(page):
    gallery(page)
    expect(page.locator(".count")).to_have_text("110 pictures in the gallery")
    page.locator(".tile[data-at='3']").click(position={"x": 20, "y": 40})
    expect(page.locator(".count")).to_contain_text("109 pictures like that picture")
    expect(page.locator("#live")).to_contain_text("109 pictures like that picture")
    assert len(queries(page)) == 1
    assert page.locator(".tile .band").count() > 5
    expect(page.locator(".heading").first).to_be_visible()
    page.go_back()
    expect(page.locator(".count")).to_have_text("110 pictures in the gallery")


def test_going_back_leads_to_where_one_was(wide):
    gallery(wide)
    wide.mouse.move(900, 500)
    wide.mouse.wheel(0, 700)
    until(wide, "scrollY > 300")
    wide.wait_for_timeout(300)
    before = wide.evaluate("scrollY")
    seen = wide.evaluate(
        "[...document.querySelectorAll('.tile')].find((tile) => {"
        " const {top, bottom} = tile.getBoundingClientRect(); return top > 200 && bottom < 800; })"
        ".dataset.id"
    )
    wide.locator(f".tile[data-id='{seen}'] .tile-main").click(position={"x": 20, "y": 40})
    expect(wide.locator(".count")).to_contain_text("like that picture")
    assert wide.evaluate("scrollY") == 0
    # What was seen is at hand: nobody is asked for it.
    wide.route("**/api/v1/pictures?*", lambda route: route.abort())
    wide.go_back()
    expect(wide.locator(".count")).to_have_text("110 pictures in the gallery")
    assert wide.evaluate("scrollY") == before
    wide.locator(".tabs [data-view=card]").click()
    expect(wide).to_have_title(re.compile("^Report – "))
    expect(wide.locator(".sentence")).to_be_visible()
    wide.locator(".tabs [data-view=search]").click()
    until(wide, f"scrollY === {before}")


def test_an_answer_that_comes_after_going_back_is_dropped(wide):
    gallery(wide)
    held = []
    wide.route("**/api/v1/search", lambda route: held.append(route))
    wide.locator(".tile[data-at='3'] .tile-main").click(position={"x": 20, "y": 40})
    until(wide, "location.search.includes('q=')")
    wide.go_back()
    until(wide, "document.querySelector('.grid').getAttribute('aria-busy') === 'false'")
    expect(wide.locator(".count")).to_have_text("110 pictures in the gallery")
    assert len(held) == 1
    wide.unroute("**/api/v1/search")


def test_a_picture_on_its_way_is_not_lost_by_what_is_done_meanwhile(wide):
    gallery(wide, "/?q=id:5")
    held = []
    wide.route("**/api/v1/search/picture", lambda route: held.append(route))
    bring(wide, png(number=9))
    until(wide, "document.querySelector('.query-name').textContent === 'Searching …'")
    wide.locator("#balance").fill("0.9")
    wide.wait_for_timeout(100)
    held[0].continue_()
    until(wide, "location.search.includes('q=up:')")
    expect(wide.locator(".query-name")).to_have_text("Your picture")
    expect(wide.locator("#balance")).to_have_value("0.9")
    assert asked(wide)["b"] == [".9"]


def test_a_dropped_picture_is_shown_at_once_and_found_again_by_its_address(page):
    gallery(page)
    bring(page, png())
    expect(page.locator(".stage-image")).to_have_attribute("src", re.compile("^blob:"))
    expect(page.locator(".count")).to_contain_text("that picture")
    (query,) = queries(page)
    assert re.fullmatch(r"up:[0-9a-f]{64}", query)
    first = order(page)
    page.reload()
    expect(page.locator(".count")).to_contain_text("that picture")
    assert order(page) == first
    expect(page.locator(".stage-image")).to_have_attribute("src", re.compile("/uploads/"))


def test_pictures_are_pasted_and_picked(page):
    gallery(page)
    bring(page, png(number=1), "paste")
    expect(page.locator(".count")).to_contain_text("that picture")
    pasted = queries(page)
    with page.expect_file_chooser() as chosen:
        page.locator(".bring .button").first.click()
    chosen.value.set_files({"name": "b.png", "mimeType": "image/png", "buffer": png(number=2)})
    until(page, f"!location.search.includes({pasted[0]!r})")
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Add a picture to the query").click()
    chosen.value.set_files({"name": "c.png", "mimeType": "image/png", "buffer": png(number=3)})
    expect(page.locator(".chip")).to_have_count(2)
    expect(page.locator(".count")).to_contain_text("like 2 pictures")


def test_pictures_are_photographed(page):
    gallery(page)
    button = page.get_by_role("button", name="Photograph").first
    if page.viewport_size["width"] < 800:
        with page.expect_file_chooser() as chosen:
            button.click()
        assert chosen.value.element.get_attribute("capture") == "environment"
        return
    button.click()
    page.get_by_role("button", name="Take the photo").click()
    expect(page.locator(".count")).to_contain_text("that picture")
    assert queries(page)[0].startswith("up:")


def test_what_is_no_picture_is_refused_in_words(page):
    page.forgiven = ("422",)
    gallery(page)
    bring(page, b"this is no picture")
    expect(page.locator(".toast")).to_be_visible()
    assert queries(page) == []
    expect(page.locator(".invitation")).to_be_visible()


def test_what_cannot_be_searched_with_is_told_from_what_can(wide):
    wide.forgiven = ("422",)
    gallery(wide)
    bring(wide, "https://example.org/cat.jpg", "paste")
    expect(wide.locator(".toast").last).to_contain_text("An address cannot be searched with")
    bring(wide, [png(number=1), b"no picture", png(number=1), png(number=2)])
    expect(wide.locator(".chip")).to_have_count(2)
    expect(wide.locator(".toast").last).to_contain_text("1 file could not be used")
    gallery(wide)
    bring(wide, [b"no picture"])
    expect(wide.locator(".toast").last).to_contain_text("Cannot read the picture")
    expect(wide.locator(".search.searching")).to_have_count(0)


def test_a_kind_that_browsers_do_not_show_is_shown_by_the_server(wide):
    gallery(wide)
    file = io.BytesIO()
    Image.open(io.BytesIO(png(number=6))).save(file, "TIFF")
    bring(wide, file.getvalue())
    until(wide, "document.querySelector('.stage-image')?.src.includes('/uploads/')")
    until(wide, "document.querySelector('.stage-image').naturalWidth > 0")


def test_something_is_always_looked_for(wide):
    wide.forgiven = ("422",)
    gallery(wide, "/?q=id:5,-id:9")
    first = wide.locator(".chip").first
    expect(first.locator(".chip-sign")).to_be_disabled()
    first.hover()
    first.locator(".chip-remove").click()
    expect(wide.locator(".toast")).to_contain_text("Something must be looked for")
    assert queries(wide) == ["id:5", "-id:9"]
    wide.goto("/?q=-id:9")
    wide.get_by_role("button", name="Show the gallery").click()
    expect(wide.locator(".count")).to_have_text("110 pictures in the gallery")


def test_more_and_less_like_this_are_chips_that_turn_and_go(page):
    gallery(page, "/?q=id:5")
    act(page, 2, "more")
    expect(page.locator(".chip.more")).to_have_count(2)
    act(page, 4, "less")
    expect(page.locator(".chip.less")).to_have_count(1)
    expect(page.locator(".count")).to_contain_text("like 2 pictures, unlike 1")
    assert [one.startswith("-") for one in queries(page)] == [False, False, True]
    page.locator(".chip").nth(1).locator(".chip-sign").click()
    expect(page.locator(".chip.less")).to_have_count(2)
    page.locator(".chip").nth(2).hover()
    page.locator(".chip").nth(2).locator(".chip-remove").click()
    expect(page.locator(".chip")).to_have_count(2)
    page.get_by_role("button", name="Clear the query").click()
    expect(page.locator(".invitation")).to_be_visible()


def test_a_box_is_drawn_by_the_mouse_or_a_finger_and_moved_by_keys(page):
    gallery(page, "/?q=id:5")
    whole = order(page)
    until(page, "document.querySelector('.stage-image').naturalWidth > 0")
    area = page.locator(".stage").bounding_box()
    if page.viewport_size["width"] > 800:
        page.mouse.move(area["x"] + area["width"] * 0.1, area["y"] + area["height"] * 0.1)
        page.mouse.down()
        page.mouse.move(area["x"] + area["width"] * 0.6, area["y"] + area["height"] * 0.5, steps=4)
        page.mouse.up()
    else:
        page.get_by_role("button", name="Search a part").tap()
    expect(page.locator(".box")).to_be_visible()
    expect(page.locator(".count")).to_contain_text("that part")
    page.go_back()  # drawn in many steps, undone in one
    expect(page.locator(".count")).to_contain_text("that picture")
    assert queries(page) == ["id:5"]
    page.go_forward()
    expect(page.locator(".count")).to_contain_text("that part")
    drawn = queries(page)[0]
    assert "~box:" in drawn
    page.locator(".box").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    until(page, f"!decodeURIComponent(location.search).includes({drawn!r})")
    assert order(page) != whole
    page.keyboard.press("Delete")
    expect(page.locator(".count")).to_contain_text("that picture")
    assert queries(page) == ["id:5"]


def test_results_move_with_the_slider_and_late_answers_are_dropped(page):
    gallery(page, "/?q=id:5")
    before = order(page)
    page.evaluate(
        """() => {
          const slider = document.getElementById("balance");
          for (const value of [0.2, 0.9, 0.5, 0.8, 1, 0]) {
            slider.value = value;
            slider.dispatchEvent(new Event("input", {bubbles: true}));
          }
        }"""
    )
    until(page, "document.querySelector('.grid').getAttribute('aria-busy') === 'false'")
    assert asked(page)["b"] == ["0"]
    after = order(page)
    body = {"queries": [{"id": 5}], "k": 12, "balance": 0}
    answer = page.request.post("/api/v1/search", data=body).json()
    assert after == [str(hit["picture"]["id"]) for hit in answer["hits"]] != before
    page.locator("#balance").focus()
    page.keyboard.press("End")
    until(page, "location.search.includes('b=1')")


def test_folder_label_size_name_and_number_are_filters(page):
    gallery(page, "/?q=id:5")
    details = page.locator(".filters")
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    page.locator("#folder").select_option("square")
    expect(page.locator(".count")).to_contain_text("closest of 37")
    page.locator("#maxw").fill("60")
    expect(page.locator(".count")).to_contain_text("closest of 25")
    page.locator("#text").fill("copy")
    expect(page.locator(".count")).to_contain_text("closest of 1")
    assert asked(page)["folder"] == ["square"]
    page.locator("#text").fill("")
    page.locator(".pill button").click()
    page.locator("#maxw").fill("")
    page.locator("#k").select_option("30")
    expect(page.locator(".count")).to_contain_text("30 pictures like that picture")
    assert asked(page)["k"] == ["30"]
    page.locator("#text").fill("nowhere")
    expect(page.get_by_text("No picture passes these filters")).to_be_visible()
    page.get_by_role("button", name="Remove all filters").click()
    expect(page.locator(".count")).to_contain_text("30 pictures like that picture")


def test_many_scroll_with_few_of_them_in_the_document(page):
    def many(route):
        offset, limit = (
            int(re.search(rf"{n}=(\d+)", route.request.url)[1]) for n in ("offset", "limit")
        )
        one = {
            "path": "a.png",
            "label": None,
            "folder": "",
            "width": 60,
            "height": 40,
            "version": "",
        }
        pictures = [{"id": at, **one} for at in range(offset, min(offset + limit, 1200))]
        route.fulfill(json={"total": 1200, "offset": offset, "pictures": pictures})

    page.route("**/api/v1/pictures?*", many)
    page.route("**/thumbnail?*", lambda route: route.fulfill(body=png(), content_type="image/png"))
    gallery(page)
    for _ in range(40):
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        page.wait_for_timeout(60)
        if page.evaluate(
            "[...document.querySelectorAll('.tile')].some((t) => t.dataset.at === '1199')"
        ):
            break
    else:
        pytest.fail("the end never came")
    assert page.locator(".tile").count() < 220


@pytest.mark.parametrize(
    ("inside", "words"), [(True, "One of many pictures in a single file"), (False, "not there now")]
)
def test_no_original_is_offered_where_there_is_none(wide, inside, words):
    def away(route):
        facts = route.fetch().json()
        route.fulfill(json={**facts, "missing": True, "inside": inside})

    wide.route(re.compile(r"/api/v1/pictures/\d+$"), away)
    gallery(wide, "/?q=id:5")
    act(wide, 1, "open")
    light = wide.locator(".light")
    expect(light.locator(".light-away")).to_contain_text(words)
    expect(light.locator(".light-original")).to_be_hidden()


def test_the_lightbox_shows_original_facts_neighbours_and_reconstruction(page):
    gallery(page, "/?q=id:5")
    act(page, 1, "open")
    light = page.locator(".light")
    expect(light.locator("h2")).to_have_text(re.compile(r"\d\d\.png|again\.bmp"))
    expect(light.locator(".facts")).to_contain_text("px")
    expect(light.locator(".light-score")).to_contain_text("random pairs")
    expect(light.locator(".near li")).to_have_count(12)
    light.get_by_role("button", name="Rebuilt").click()
    image = light.locator(".rebuilt img")
    expect(image).to_be_visible()
    until(page, "document.querySelector('.rebuilt img').naturalWidth > 0")
    name = light.locator("h2").inner_text()
    light.get_by_role("button", name="Next picture").click()
    expect(light.locator("h2")).not_to_have_text(name)
    expect(light.locator(".light-shown.two")).to_have_count(0)
    expect(light.get_by_role("status")).to_contain_text("picture 3 of")
    light.locator(".near button").nth(4).click()
    expect(light.get_by_role("status")).to_contain_text("picture 5 of 12")
    page.keyboard.press("ArrowRight")  # its keys are heard although what had them is gone
    expect(light.get_by_role("status")).to_contain_text("picture 6 of 12")
    page.keyboard.press("Escape")
    expect(light).to_be_hidden()


@pytest.mark.parametrize(
    ("kind", "ending", "begins"),
    [
        ("csv", ".csv", b""),
        ("json", ".json", b"{"),
        ("links", ".zip", b"PK"),
        ("sheet", ".png", b"\x89PNG"),
    ],
)
def test_results_are_exported(wide, tmp_path, kind, ending, begins):
    gallery(wide, "/?q=id:5&k=30")
    wide.locator("#export").click()
    with wide.expect_download() as taken:
        wide.locator(f"[data-format={kind}]").click()
    assert taken.value.suggested_filename.endswith(ending)
    taken.value.save_as(tmp_path / "taken")
    data = (tmp_path / "taken").read_bytes()
    assert data.startswith(begins)
    if kind == "json":
        assert len(json.loads(data)["hits"]) == 30


def test_the_address_is_shared_and_restores_all(page):
    query = "/?q=id:5,-id:9~box:.1,.1,.6,.7&b=.8&k=100&label=disc&text=png"
    gallery(page, query)
    page.locator("#share").click()
    expect(page.locator(".toast")).to_contain_text("Link copied. It opens on this computer only.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.url
    first = order(page)
    gallery(page, copied)
    assert order(page) == first
    assert queries(page) == ["id:5", "-id:9~box:.1,.1,.6,.7"]
    expect(page.locator("#text")).to_have_value("png")
    expect(page.locator("#balance")).to_have_value("0.8")
    expect(page.locator("#k")).to_have_value("100")


def test_the_way_to_other_machines_is_told(wide):
    gallery(wide, "/?q=id:5")
    wide.locator("#share").click()
    wide.get_by_role("button", name="For others …").click()
    dialog = wide.get_by_role("dialog", name="Link to this search")
    expect(dialog).to_contain_text("start it with “--host 0.0.0.0”")
    expect(dialog.get_by_role("textbox")).to_have_value(wide.url)
    assert dialog.get_by_role("checkbox").count() == 0
    wide.keyboard.press("Escape")
    names = {"address": None, "names": ["photos.example"], "token": None}
    wide.route("**/api/v1/reach", lambda route: route.fulfill(json=names))
    wide.locator("#share").click()
    wide.get_by_role("button", name="For others …").last.click()
    expect(dialog).to_contain_text("Others know this service as photos.example")


def test_no_more_is_offered_than_there_are(wide):
    gallery(wide, "/?q=id:5")
    offered = wide.locator("#k option").all_text_contents()
    assert offered == ["closest 30", "closest 100", "closest 300"]


def test_what_is_like_nothing_is_not_called_like_it(wide):
    def unknown(route):
        answer = route.fetch()
        route.fulfill(json={**answer.json(), "known": False})

    wide.route("**/api/v1/search", unknown)
    gallery(wide, "/?q=id:5&k=30")
    expect(wide.locator(".count")).to_have_text("30 pictures closest to that picture · of 110")
    expect(wide.locator(".found-words")).to_contain_text("nothing like it in this gallery")
    gallery(wide, "/?q=id:5&k=30&label=disc")
    expect(wide.locator(".found-words")).to_contain_text("nothing like it among these")


def test_a_click_beside_a_dialog_closes_it_and_one_on_its_rim_does_not(wide):
    gallery(wide)
    wide.keyboard.press("?")
    dialog = wide.locator("dialog.key-list")
    area = dialog.bounding_box()
    wide.mouse.click(area["x"] + 5, area["y"] + 5)
    expect(dialog).to_be_visible()
    wide.mouse.click(area["x"] - 40, area["y"] + 300)
    expect(dialog).to_have_count(0)
    assert queries(wide) == []  # the click went to nothing below


def test_what_goes_wrong_is_said_and_can_be_tried_again(page):
    page.forgiven = ("404", "ERR_FAILED", "Failed to fetch")
    page.goto("/?q=id:999999")
    expect(page.get_by_role("heading", name="A picture of this search is gone")).to_be_visible()
    page.get_by_role("button", name="Show the gallery").click()
    expect(page.locator(".count")).to_have_text("110 pictures in the gallery")
    page.route("**/api/v1/search", lambda route: route.abort())
    page.locator(".tile[data-at='3'] .tile-main").click(position={"x": 20, "y": 40})
    expect(page.locator(".trouble")).to_contain_text("The server does not answer")
    page.unroute("**/api/v1/search")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".count")).to_contain_text("that picture")


def test_a_busy_server_is_waited_for(wide):
    wide.forgiven = ("429",)
    turned_away = []

    def busy(route):
        if turned_away:
            route.continue_()
            return
        turned_away.append(route.request.url)
        route.fulfill(
            status=429,
            headers={"Retry-After": "1"},
            json={"error": {"kind": "busy", "message": "x"}},
        )

    wide.route("**/api/v1/search", busy)
    gallery(wide, "/?q=id:5")
    expect(wide.locator(".count")).to_contain_text("that picture")
    assert turned_away


def test_drift_and_folders_that_are_away_are_told_and_no_balance_means_no_slider(page):
    def changed(route):
        facts = route.fetch().json()
        facts |= {
            "balance": None,
            "away": ["holiday"],
            "drift_advice": "The gallery has grown: retrain.",
        }
        route.fulfill(json=facts)

    page.route("**/api/v1/engine", changed)
    gallery(page, "/?q=id:5")
    expect(page.locator(".notice")).to_have_count(2)
    expect(page.locator(".notices")).to_contain_text("holiday")
    expect(page.locator("#balance")).to_have_count(0)
    page.get_by_role("button", name="Dismiss").first.click()
    expect(page.locator(".notice")).to_have_count(1)
