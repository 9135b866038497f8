"""A browser, and a service over a small gallery for it to look at."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from drawing import KINDS, draw_picture
from filelock import FileLock

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

PROGRAM = (
    "import sys; from lookalike.serve import ServeSettings, serve; "
    "serve(sys.argv[1], ServeSettings(port=0, requests=0, token=sys.argv[2] or None), "
    "on_start=lambda address: print(address, flush=True))"
)
# Software drawing, so that the map is there without a graphics card; a camera that shows a clock.
SWITCHES = [
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip
WIDTHS = {
    1440: {"viewport": {"width": 1440, "height": 900}},
    390: {
        "viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True,
    },
}  # fmt: skip
SHAPES = ((48, 48), (72, 40), (40, 60))
PATIENCE = 60_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 108 pictures of three shapes in three folders, some of them twice.

    It and the engine over it are made once for all processes that test.
    """
    place = tmp_path_factory.getbasetemp()
    place = (place.parent if "PYTEST_XDIST_WORKER" in os.environ else place) / "shown"
    place.mkdir(exist_ok=True)
    with FileLock(place / "lock"):
        root = place / "pictures"
        if not root.exists():
            _draw(place / "drawing")
            (place / "drawing").rename(root)
    return root


def _draw(root: Path) -> None:
    for kind in KINDS:
        (root / kind).mkdir(parents=True)
        for number in range(36):
            shape = SHAPES[number % len(SHAPES)]
            draw_picture(kind, number, 72).resize(shape).save(root / kind / f"{number:02}.png")
    shutil.copy(root / "disc" / "00.png", root / "square" / "copy.png")
    draw_picture("disc", 3, 72).resize(SHAPES[0]).save(root / "disc" / "again.bmp")


@pytest.fixture(scope="session")
def shown_engine(shown: Path) -> Path:
    """An engine over `shown`. Tests must not change it."""
    import lookalike

    place = shown.parent / "shown.lookalike"
    with FileLock(shown.parent / "lock"):
        if not (place / "reports" / "card.json").exists():
            lookalike.build(shown, place, epochs=2, batch_size=16, size=32, device="cpu")
    return place


Started = Callable[..., str]


@pytest.fixture(scope="session")
def start() -> Iterator[Started]:
    """Starts services in processes of their own; returns their addresses."""
    running: list[subprocess.Popen[str]] = []

    def begin(engine: Path, token: str = "") -> str:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(engine), token],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        running.append(process)
        assert process.stdout is not None
        return process.stdout.readline().strip().rstrip("/")

    yield begin
    for process in running:
        process.terminate()
    for process in running:
        process.communicate(timeout=20)


@pytest.fixture(scope="session")
def address(start: Started, shown_engine: Path) -> str:
    """Where a service over `shown` answers."""
    return start(shown_engine)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, without a window.

    Of one module: while Playwright runs, no other test of the process can run an event loop.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("Chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def contexts(browser: Any, address: str) -> Iterator[dict[int, Any]]:
    """A window of each width: what the browser keeps is then kept from test to test."""
    made = {}
    for width, settings in WIDTHS.items():
        made[width] = browser.new_context(**settings, base_url=f"{address}/")
        made[width].grant_permissions(["clipboard-read", "clipboard-write", "camera"])
        made[width].set_default_timeout(PATIENCE)
    sync_api.expect.set_options(timeout=PATIENCE)
    yield made
    for context in made.values():
        context.close()


@pytest.fixture(params=sorted(WIDTHS), ids=lambda width: f"{width}px")
def page(request: pytest.FixtureRequest, contexts: dict[int, Any]) -> Iterator[Any]:
    """A page that must not write errors to the console; `page.forgiven` names those that may."""
    opened = contexts[request.param].new_page()
    yield from watched(opened)


@pytest.fixture
def wide(contexts: dict[int, Any]) -> Iterator[Any]:
    """A page of 1440 pixels, for what does not depend on the width."""
    yield from watched(contexts[1440].new_page())


def watched(page: Any) -> Iterator[Any]:
    said: list[str] = []
    page.forgiven = ()
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    page.close()
    assert [line for line in said if not any(one in line for one in page.forgiven)] == []
