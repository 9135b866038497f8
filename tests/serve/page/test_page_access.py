"""What everybody must be able to read, and what the page is made of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browsing import gallery, until
from playwright.sync_api import expect

from lookalike.pictures.style import CATEGORIES, DARK, LIGHT, hexadecimal
from lookalike.serve.pages import PAGE, read_page

BUDGET = 300_000
TEXTS = (".html", ".js", ".css", ".svg")
VIEWS = ("", "?q=id:5,-id:9~box:.1,.1,.6,.7", "?view=duplicates", "?view=oddities", "?view=card")
axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
AXE = (Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def serious(page):
    """Return what axe finds that keeps people out."""
    page.evaluate("() => document.getAnimations().forEach((one) => one.finish?.())")
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        (one["id"], [node["target"] for node in one["nodes"]][:4])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_can_be_read_by_everybody(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.add_init_script(AXE)
    for view in VIEWS:
        page.goto(f"/{view}")
        expect(page.locator("main img, main .sentence").first).to_be_visible(timeout=60_000)
        assert serious(page) == [], view
    page.goto("/?q=id:5")
    expect(page.locator(".tile").first).to_be_visible()
    page.keyboard.press("?")
    assert serious(page) == [], "keys"
    page.keyboard.press("Escape")
    page.locator(".tile[data-at='1'] [data-act=open]").dispatch_event("click")
    expect(page.locator(".near li").first).to_be_visible()
    assert serious(page) == [], "lightbox"


def test_nothing_is_wider_than_the_window(page):
    for view in VIEWS:
        page.goto(f"/{view}")
        expect(page.locator("main img, main .sentence").first).to_be_visible(timeout=60_000)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view


def test_light_and_dark_are_switched_and_kept(page):
    gallery(page)
    background = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(background)
    page.locator("#theme").click()
    dark = page.evaluate(background)
    assert dark != before
    page.reload()
    assert page.evaluate(background) == dark
    page.locator("#theme").click()
    assert page.evaluate(background) == before


def test_the_page_is_light_and_comes_from_nowhere_else():
    files = read_page()
    assert sum(len(file.data) for file in files.values()) <= BUDGET
    for name, file in files.items():
        text = file.data.decode()
        outside = set(re.findall(r"https?://[^\s\"'`)<]+", text)) - {"http://www.w3.org/2000/svg"}
        assert not outside, name
        if name.endswith(".html"):
            assert not re.search(r"\sstyle=|\son\w+=|<style|<script>", text), name


def test_modules_stay_small_and_say_what_they_are():
    for path in PAGE.rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) < 300, path.name
        assert "/** @file " in text or path.name == "theme.js", path.name


def test_every_module_is_asked_for_by_its_version():
    digest = read_page()["index.html"].digest
    for name, file in read_page().items():
        if name.endswith(".js"):
            for imported in re.findall(rb'(?:from |import\()"(\.[^"]+)"', file.data):
                assert imported.endswith(f"?v={digest}".encode()), (name, imported)


def test_modules_of_the_first_view_are_fetched_together():
    """Each would else be found only once the one that needs it is there."""
    needed, todo = set(), ["js/main.js"]
    while todo:
        name = todo.pop()
        if name not in needed:
            needed.add(name)
            text = (PAGE / name).read_text(encoding="utf-8")
            for found in re.findall(r'from "(\.[^"]+)"', text):
                there = (PAGE / name).parent.joinpath(found).resolve()
                todo.append(there.relative_to(PAGE.resolve()).as_posix())
    index = (PAGE / "index.html").read_text(encoding="utf-8")
    preloaded = set(re.findall(r'modulepreload" href="static/([^?]+)\?v=HASH"', index))
    assert preloaded == needed - {"js/main.js"}


def test_colours_are_those_of_the_report():
    style = (PAGE / "css" / "base.css").read_text(encoding="utf-8")
    for name in LIGHT:
        both = f"--{name}: light-dark({hexadecimal(LIGHT[name])}, {hexadecimal(DARK[name])});"
        assert both in style, name
    colours = (PAGE / "js" / "map" / "colours.js").read_text(encoding="utf-8")
    found = [tuple(map(int, one)) for one in re.findall(r"\[(\d+), (\d+), (\d+)\]", colours)]
    assert found[:10] == list(CATEGORIES[:10])


def test_a_token_is_asked_for_and_leads_on(browser, start, shown_engine):
    context = browser.new_context(base_url=start(shown_engine, "a-token-of-tests"))
    page = context.new_page()
    page.add_init_script(AXE)
    page.goto("/?q=id:5&k=30")
    expect(page.get_by_label("Token")).to_be_focused()
    assert serious(page) == []
    page.get_by_label("Token").fill("not-the-token")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("That is not the token.")
    page.get_by_label("Token").fill("a-token-of-tests")
    page.keyboard.press("Enter")
    expect(page.locator(".count")).to_contain_text("30 pictures like that picture")
    context.clear_cookies()
    page.locator(".tile[data-at='2'] .tile-main").click(position={"x": 20, "y": 40})
    expect(page.get_by_label("Token")).to_be_visible()
    until(page, "document.querySelector('[name=next]').value.includes('q=id')")
    context.close()


@pytest.mark.parametrize("insecure", [False, True])
def test_the_token_goes_along_where_that_is_wanted(browser, start, shown_engine, insecure):
    token = "another-token-of-tests"
    context = browser.new_context(base_url=start(shown_engine, token))
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.add_init_script(AXE)
    page.goto(f"/?q=id:5&b=.8&k=30&token={token}")
    expect(page.locator(".count")).to_contain_text("30 pictures")
    if insecure:  # as where the page comes without https from another machine
        page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(Error()))")
    there = {"address": f"{page.url.split('?')[0]}", "names": [], "token": token}
    page.route("**/api/v1/reach", lambda route: route.fulfill(json=there))
    page.locator("#share").click()
    dialog = page.get_by_role("dialog", name="Link to this search")
    field = dialog.get_by_role("textbox")
    expect(field).to_have_value(page.url)
    expect(dialog).to_contain_text("asked for the token")
    assert serious(page) == []
    dialog.get_by_role("checkbox").check()
    expect(dialog).to_contain_text("Whoever gets this link sees all pictures")
    dialog.get_by_role("button", name="Copy").click()
    expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == field.input_value()
    context.clear_cookies()
    hers = context.new_page()
    hers.goto(copied)
    expect(hers.locator(".count")).to_contain_text("30 pictures")
    expect(hers.locator("#balance")).to_have_value("0.8")
    assert token not in hers.url
    context.close()
