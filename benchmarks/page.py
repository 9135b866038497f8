"""How quick the page is, in Debian's Chromium without a window and without a graphics card.

python -m benchmarks.page --engine E [--rounds 15] [--json]

Needs Chromium and playwright. The browser and the service share the machine. The map is drawn by
SwiftShader, in software: frames a second there say what a laptop's graphics card exceeds by far.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import shutil
import statistics
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from benchmarks.service import Server
from lookalike.serve.pages import read_page

SWITCHES = [
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
]  # fmt: skip
SIDE = 280

# From the event to the frame in which every picture in the window stands there with its thumbnail.
_WATCH = """
  const settled = () => new Promise((resolve) => {
    const look = () => {
      const seen = [...document.querySelectorAll(".tile")].filter((tile) => {
        const area = tile.getBoundingClientRect();
        return area.top < innerHeight && area.bottom > 0;
      });
      const there = seen.length && seen.every((tile) => tile.querySelector("img").complete);
      if (there) requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
      else setTimeout(look, 4);
    };
    look();
  });
  const results = () => new Promise((resolve) => {
    new PerformanceObserver((list, self) => { self.disconnect(); resolve(); })
      .observe({entryTypes: ["mark"]});
  });
"""
_MEASURED = """  await found;
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const painted = performance.now() - began;
  const all = await settled() - began;
  // The next one begins when this one's movements have ended.
  await new Promise((done) => setTimeout(done, 600));
  return [painted, all];
}"""
_DROP = (
    "async (data) => {"
    + _WATCH
    + """
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const held = new DataTransfer();
  held.items.add(new File([bytes], "dropped.jpg", {type: "image/jpeg"}));
  const found = results();
  const began = performance.now();
  document.body.dispatchEvent(
    new DragEvent("drop", {dataTransfer: held, bubbles: true, cancelable: true}));
"""
    + _MEASURED
)
_SLIDE = (
    "async (value) => {"
    + _WATCH
    + """
  const slider = document.getElementById("balance");
  const found = results();
  const began = performance.now();
  slider.value = value;
  slider.dispatchEvent(new Event("input", {bubbles: true}));
"""
    + _MEASURED
)
_PAINT = """async () => {
  for (let look = 0; look < 100; look += 1) {
    const [found] = performance.getEntriesByName("first-contentful-paint");
    if (found) return found.startTime;
    await new Promise((done) => setTimeout(done, 50));
  }
  return performance.getEntriesByType("paint")[0].startTime;
}"""
# Moves the map about for two seconds and counts its frames.
_FRAMES = """async (near) => {
  const chart = document.querySelector(".chart");
  const area = chart.getBoundingClientRect();
  const wheel = (delta) => chart.dispatchEvent(new WheelEvent("wheel", {
    deltaY: delta, clientX: area.left + area.width / 2, clientY: area.top + area.height / 2,
    bubbles: true, cancelable: true}));
  if (near) wheel(-1700);
  await new Promise((done) => setTimeout(done, 4000));
  let frames = 0;
  const began = performance.now();
  while (performance.now() - began < 2000) {
    wheel(frames % 2 ? 3 : -3);
    await new Promise((done) => requestAnimationFrame(done));
    frames += 1;
  }
  return frames / ((performance.now() - began) / 1000);
}"""


@dataclass(frozen=True)
class Figures:
    """What was measured; milliseconds unless it says otherwise, medians.

    Attributes:
        pictures: in the gallery.
        weight_kb: of all the page is made of, uncompressed.
        first_paint: of the first visit.
        dropped_results: from the drop to the frame with the results' tiles.
        dropped_all: from the drop until every thumbnail in the window is there too.
        slider_results: from the movement of the slider to the frame with the new order.
        slider_all: until every thumbnail in the window is there too.
        map_far: frames a second, all pictures as points.
        map_near: frames a second, thumbnails.
    """

    pictures: int
    weight_kb: float
    first_paint: float
    dropped_results: float
    dropped_all: float
    slider_results: float | None
    slider_all: float | None
    map_far: float | None
    map_near: float | None


def dropped(number: int) -> str:
    """Return a JPEG that no gallery holds, as base64."""
    random = np.random.default_rng(number)
    small = random.integers(0, 256, (6, 6, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(file, "JPEG")
    return base64.b64encode(file.getvalue()).decode()


def measure(browser: Browser, address: str, rounds: int) -> Figures:
    page = browser.new_page(viewport={"width": 1440, "height": 900}, base_url=address)
    page.goto("/")
    page.locator(".tile").first.wait_for()
    paint = page.evaluate(_PAINT)
    facts = page.request.get("/api/v1/engine").json()
    page.evaluate(_DROP, dropped(0))
    drops = [page.evaluate(_DROP, dropped(number)) for number in range(1, rounds + 1)]
    slides = []
    if facts["balance"]:
        page.evaluate(_SLIDE, 0.99)
        slides = [page.evaluate(_SLIDE, 0.02 + at * 0.96 / rounds) for at in range(rounds)]
    weight = sum(len(file.data) for file in read_page().values()) / 1000
    own = (facts["pictures"], round(weight, 1), round(paint))
    return Figures(*own, *medians(drops), *medians(slides), None, None)


def medians(pairs: list[list[float]]) -> tuple[Any, Any]:
    if not pairs:
        return None, None
    return tuple(round(statistics.median(values)) for values in zip(*pairs, strict=True))


def frames(browser: Browser, address: str) -> tuple[float | None, float | None]:
    page = browser.new_page(viewport={"width": 1440, "height": 900}, base_url=address)
    if page.request.get("/api/v1/map").json()["state"] != "ready":
        print("no map yet: open the page's map once, or POST /api/v1/map")
        return None, None
    page.goto("/?view=map")
    page.locator(".chart").wait_for()
    return tuple(round(page.evaluate(_FRAMES, near), 1) for near in (False, True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    server = Server(asked.engine)
    try:
        server.wait()
        with sync_playwright() as playwright:
            program, address = shutil.which("chromium"), f"http://127.0.0.1:{server.port}"
            browser = playwright.chromium.launch(executable_path=program, args=SWITCHES[:1])
            figures = measure(browser, address, asked.rounds)
            browser.close()
            drawn = playwright.chromium.launch(executable_path=program, args=SWITCHES)
            far, near = frames(drawn, address)
            drawn.close()
            figures = replace(figures, map_far=far, map_near=near)
    finally:
        server.stop()
    if asked.json:
        print(json.dumps(asdict(figures)))
        return
    for name, value in asdict(figures).items():
        print(f"{name:>16}  {value}")


if __name__ == "__main__":
    main()
