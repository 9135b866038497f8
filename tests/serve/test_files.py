"""Nothing but the gallery's own pictures leaves the host, and nothing says where they lie."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import shutil
import stat
import zipfile

import numpy as np
import pytest
from drawing import draw_picture
from hostile_files import bombs, encode, frames, oddities, scene
from PIL import Image

import lookalike
from lookalike.images import write_idx
from lookalike.serve import routes
from lookalike.serve.files import safe_kind

API = "/api/v1"


def test_pictures_and_their_files(client, photos):
    first = client.get(f"{API}/pictures/0").json()
    assert (first["path"], first["label"], first["folder"]) == ("disc/00.png", "disc", "disc")
    assert (first["width"], first["height"], first["missing"]) == (48, 48, False)
    assert not first["inside"]
    data = (photos / first["path"]).read_bytes()
    assert first["file_size"] == len(data)
    answer = client.get(f"{API}/pictures/0/file")
    assert (answer.content, answer.headers["content-type"]) == (data, "image/png")
    assert client.get(f"{API}/pictures/36").status_code == 404
    assert client.get(f"{API}/pictures/-1").status_code == 422
    assert client.get(f"{API}/pictures/{2**70}/thumbnail").status_code == 422


def test_thumbnails(client):
    facts = client.get(f"{API}/pictures/1").json()
    answer = client.get(f"{API}/pictures/1/thumbnail?size=128&v={facts['sha256'][:8]}")
    image = Image.open(io.BytesIO(answer.content))
    assert (image.format, max(image.size)) == ("WEBP", 96)  # twice, by whole pixels
    assert "immutable" in answer.headers["cache-control"]
    etag = answer.headers["etag"]
    same = client.get(f"{API}/pictures/1/thumbnail?size=128", headers={"If-None-Match": etag})
    assert (same.status_code, same.content) == (304, b"")
    assert "immutable" not in same.headers["cache-control"]
    assert client.get(f"{API}/pictures/1/thumbnail?size=1000000").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/../settings.py", "/static/%2e%2e/settings.py", "/static/..%2fsettings.py",
        "/static//etc/passwd", "/static/%2Fetc%2Fpasswd", "/static/....//app.py", "/static/%00",
        "/static/..\\settings.py", "/..%2f..%2fetc/passwd",
        f"{API}/pictures/..%2f..%2fetc%2fpasswd",
        f"{API}/pictures/%2e%2e/file", f"{API}/uploads/..%2f..%2fx/thumbnail", "/page/index.html",
    ],
)  # fmt: skip
def test_paths_lead_nowhere(client, path):
    answer = client.get(path)
    assert answer.status_code in (404, 422), path
    assert "error" in answer.json()


def test_links_out_of_the_folder_show_nothing(place, serving):
    """Neither a link to a file elsewhere, nor a folder that became one."""
    photos, outside = place.parent / "photos", place.parent / "elsewhere"
    outside.mkdir()
    draw_picture("stripes", 66, 200).save(outside / "secret.png")
    (photos / "disc" / "00.png").unlink()
    (photos / "disc" / "00.png").symlink_to(outside / "secret.png")
    shutil.move(photos / "square", outside / "square")
    (photos / "square").symlink_to(outside / "square")
    (photos / "stripes" / "01.jpg").unlink()
    (photos / "stripes" / "01.jpg").symlink_to("00.png")  # within the folder
    client = serving(place)
    ids = {one["path"]: one["id"] for one in client.get(f"{API}/pictures").json()["pictures"]}
    for path in ("disc/00.png", "square/00.png"):
        answer = client.get(f"{API}/pictures/{ids[path]}/file")
        assert (answer.status_code, answer.json()["error"]["kind"]) == (410, "gone")
        assert client.get(f"{API}/pictures/{ids[path]}").json()["missing"]
        small = client.get(f"{API}/pictures/{ids[path]}/thumbnail?size=256").content
        assert max(Image.open(io.BytesIO(small)).size) == 256  # of the decoded copy, 32 × 32
    assert client.get(f"{API}/pictures/{ids['stripes/01.jpg']}/file").status_code == 200


def test_what_is_no_picture_any_more_is_not_sent(place, serving):
    photos = place.parent / "photos"
    (photos / "disc" / "00.png").write_text("root:x:0:0:root:/root:/bin/bash\n")
    (photos / "disc" / "01.jpg").write_text(
        "<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"
    )
    (photos / "disc" / "02.png").unlink()
    (photos / "disc" / "03.jpg").write_bytes(encode(scene(), "TIFF"))
    client = serving(place)
    text = client.get(f"{API}/pictures/0/file")
    assert (text.status_code, "root" in text.text) == (422, False)
    assert client.get(f"{API}/pictures/1/file").status_code == 422
    assert client.get(f"{API}/pictures/2/file").status_code == 410
    made = client.get(f"{API}/pictures/3/file")
    assert made.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(made.content)).size == (48, 32)
    for number in range(4):
        assert client.get(f"{API}/pictures/{number}/thumbnail").status_code == 200


def test_only_what_browsers_show_safely_is_sent_as_it_is():
    assert safe_kind(encode(scene(), "JPEG")) == "image/jpeg"
    assert safe_kind(encode(scene(), "WEBP")) == "image/webp"
    assert safe_kind(encode(scene(), "AVIF")) == "image/avif"
    assert safe_kind(frames("GIF")) == "image/gif"
    for data in (b"", b"<svg/>", b"<html>", b"GIF", encode(scene(), "TIFF"), b"%PDF-1.7"):
        assert safe_kind(data) is None


def test_pictures_of_an_idx_file(tmp_path, serving):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (12, 9, 9), np.uint8)
    write_idx(tmp_path / "train-images-idx3-ubyte", pixels)
    engine = tmp_path / "e.lookalike"
    lookalike.build(tmp_path, engine, preset="tiny-conv8x8x8", epochs=1, report=False, device="cpu")
    client = serving(engine)
    assert client.get(f"{API}/pictures/4").json()["inside"]
    answer = client.get(f"{API}/pictures/4/file")
    assert Image.open(io.BytesIO(answer.content)).size == (32, 32)  # as the engine keeps it
    body = {"queries": [{"id": 4, "box": [0, 0, 0.5, 1]}], "k": 3}
    assert len(client.post(f"{API}/search", json=body).json()["hits"]) == 3
    assert client.get(f"{API}/engine").json()["balance"] is None
    body = {"queries": [{"id": 4}], "balance": 0.5}
    answer = client.post(f"{API}/search", json=body)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (422, "settings")


def test_bombs_and_broken_files_are_refused(client):
    files = {**bombs(), **oddities()}
    refused = set()
    for name, (data, _) in files.items():
        answer = client.post(f"{API}/uploads", files={"file": (name, data)})
        if answer.status_code != 200:  # some oddities are pictures after all
            refused.add(name)
            assert answer.status_code == 422, name
            assert "/" not in answer.json()["error"]["message"]
    assert refused >= set(bombs()) - {"frames.gif"}  # of which the first alone is decoded
    assert client.get(f"{API}/pictures/0/file").status_code == 200


def test_a_picture_of_too_many_pixels_is_refused(serving):
    small = serving(upload_pixels=1_000)
    data = encode(np.zeros((40, 40), np.uint8), "PNG")
    for path in ("uploads", "search/picture"):
        answer = small.post(f"{API}/{path}", files={"file": ("a.png", data)})
        assert answer.status_code == 422
        assert "1,000" in answer.json()["error"]["message"]


def test_an_empty_upload(client):
    for files in ({"file": ("a.png", b"")}, {"other": ("a.png", b"x")}, {}):
        assert client.post(f"{API}/uploads", files=files).status_code == 422


SCRIPT = "<img src=x onerror=alert(1)>.png"


@pytest.fixture
def strange(place, serving):
    """A service of a gallery whose file names are attacks."""
    disc = place.parent / "photos" / "disc"
    for number, name in enumerate((SCRIPT, "=cmd|calc.png", 'a"b\r\nX-Evil: 1.png')):
        draw_picture("disc", 90 + number).save(disc / name)
    (place.parent / "photos" / "=top.png").write_bytes((disc / SCRIPT).read_bytes())
    lookalike.open(place).sync()
    return serving(place)


def test_a_script_in_a_file_name_stays_text(strange):
    answer = strange.get(f"{API}/pictures?text=onerror")
    (picture,) = answer.json()["pictures"]
    assert picture["path"] == f"disc/{SCRIPT}"
    assert answer.headers["content-type"] == "application/json"
    for what in ("file", "thumbnail"):
        headers = strange.get(f"{API}/pictures/{picture['id']}/{what}").headers
        assert headers["content-type"].startswith("image/")
        assert not any("onerror" in value for value in headers.values())
    named = strange.post(f"{API}/uploads", files={"file": (SCRIPT, b"no picture")})
    assert "onerror" not in named.text
    assert "X-Evil" not in str(strange.get(f"{API}/pictures?text=Evil").headers)


def test_exports(strange):
    body = {"queries": [{"id": 0}], "k": 40, "filters": {"folders": ["disc"]}}

    def exported(kind, **more):
        asked = {"search": {**body, **more}, "format": kind}
        answer = strange.post(f"{API}/export", json=asked)
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].startswith('attachment; filename="lookalike')
        return answer.content

    hits = strange.post(f"{API}/search", json=body).json()["hits"]
    assert json.loads(exported("json"))["hits"] == hits
    table = list(csv.DictReader(io.StringIO(exported("csv").decode("utf-8-sig"))))
    assert [int(row["id"]) for row in table] == [hit["picture"]["id"] for hit in hits]
    assert table[0]["path"] == hits[0]["picture"]["path"]
    top = exported("csv", filters={"text": "=top"}).decode("utf-8-sig")
    assert ",'=top.png," in top
    sheet = Image.open(io.BytesIO(exported("sheet")))
    assert sheet.format == "PNG"
    assert min(sheet.size) > 300
    assert Image.open(io.BytesIO(exported("sheet", filters={"text": "nothing"}))).size[0] > 100


def test_links_lead_to_the_pictures(strange, place, tmp_path):
    body = {"search": {"queries": [{"id": 0}], "k": 100}, "format": "links"}
    archive = zipfile.ZipFile(io.BytesIO(strange.post(f"{API}/export", json=body).content))
    photos, targets = place.parent / "photos", []
    for entry in archive.infolist():
        assert not entry.filename.startswith(("/", "../"))
        if stat.S_ISLNK(entry.external_attr >> 16):
            target = archive.read(entry).decode()
            assert target.startswith("../")
            assert str(tmp_path) not in target
            targets.append((photos / "lookalike-links" / target).resolve())
    assert len(targets) == 39
    assert all(target.is_file() and target.is_relative_to(photos) for target in targets)


def test_no_answer_names_a_path_of_the_host(client, place, serving):
    """Neither what is asked for, nor what goes wrong."""
    bad = serving(place)
    shutil.rmtree(place / "cache")
    (place / "drift.json").write_text("{")
    shutil.rmtree(place.parent / "photos")
    answers = [
        *(
            one.get(path)
            for one in (client, bad)
            for path in (
                f"{API}/engine", f"{API}/pictures", f"{API}/pictures/0", "/metrics",
                "/openapi.json",
                f"{API}/pictures/0/file", f"{API}/pictures/0/neighbours",
            )
        ),
        bad.post(f"{API}/search", json={"queries": [{"id": 0, "box": [0, 0, 0.5, 0.5]}]}),
        bad.post(f"{API}/export", json={"search": {"queries": [{"id": 0}]}, "format": "sheet"}),
    ]  # fmt: skip
    for answer in answers:
        for name in (str(place), str(place.parent), "/tmp", "/home", "pytest"):
            assert name not in answer.text, answer.url
        assert answer.status_code < 500, answer.text


def test_what_a_file_has_become_since_is_not_kept_as_what_it_was(place, serving):
    first, twin = place.parent / "photos/disc/00.png", place.parent / "photos/disc/twin.png"
    shutil.copy(first, twin)
    lookalike.open(place).sync()
    client = serving(place)
    old = client.get(f"{API}/pictures/0").json()
    Image.new("RGB", (48, 48), (255, 0, 0)).save(first)
    now = client.get(f"{API}/pictures/0/thumbnail?size=64&v={old['version']}")
    assert Image.open(io.BytesIO(now.content)).getpixel((20, 20))[0] > 240
    assert "immutable" not in now.headers["cache-control"]
    assert "etag" not in now.headers
    (other,) = client.get(f"{API}/pictures?text=twin.png").json()["pictures"]
    assert other["version"] == old["version"]
    same = client.get(f"{API}/pictures/{other['id']}/thumbnail?size=64&v={old['version']}")
    assert same.content != now.content
    assert "immutable" in same.headers["cache-control"]


def test_an_export_shows_the_state_that_was_searched(place, serving, monkeypatch):
    client = serving(place)
    searched = routes.export.search_in

    async def then_changed(state, body):
        found = await searched(state, body)
        for hit in found[1].hits[:3]:
            (place.parent / "photos" / hit.picture.path).unlink()
        await asyncio.to_thread(lambda: lookalike.open(place).sync())
        assert await state.refresh()
        return found

    monkeypatch.setattr(routes.export, "search_in", then_changed)
    for form in ("links", "sheet"):
        search = {"queries": [{"id": 30}], "k": 5}
        body = {"format": form, "search": search}
        assert client.post(f"{API}/export", json=body).status_code == 200, form
