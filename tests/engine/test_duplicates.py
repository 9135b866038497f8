"""Duplicates of an engine's gallery: kinds, groups, what is kept."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from calibrating import calibrate
from drawing import draw_picture
from PIL import Image

import lookalike
from lookalike.engine import (
    Engine,
    copy_evidence,
    duplicates,
    same_pixels,
    second_look,
    thumbnails,
)
from lookalike.engine.copy_pairs import Pair
from lookalike.engine.duplicate_groups import Copy, DuplicateGroup
from lookalike.engine.duplicates_page import write_duplicates_page
from lookalike.errors import SettingsError, StorageError
from lookalike.images.guarded import Intake

LONG_AGO = 1_500_000_000


def scene(seed: int) -> Image.Image:
    """A picture of many parts, which a second look can tell from others."""
    sheet = Image.new("RGB", (144, 96))
    for number in range(6):
        kind = ("disc", "square", "stripes")[(seed + number) % 3]
        sheet.paste(draw_picture(kind, 10 * seed + number), (48 * (number % 3), 48 * (number // 3)))
    return sheet


def noise(seed: int, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 2, (90, 130, 3), np.uint8) * 255
    return Image.fromarray(pixels).convert(mode)


def save_jpeg(image: Image.Image, place: Path, **settings: object) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    image.save(place, "JPEG", **settings)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `photos` of 12 scenes, and copies of five of them; its engine."""
    root = tmp_path_factory.mktemp("built")
    photos = root / "photos"
    (photos / "copies").mkdir(parents=True)
    for number in range(12):
        scene(number).save(photos / f"{number:02}.png")
        os.utime(photos / f"{number:02}.png", (LONG_AGO, LONG_AGO))
    shutil.copyfile(photos / "00.png", photos / "copies" / "a.png")
    shutil.copyfile(photos / "00.png", photos / "copies" / "b.png")
    scene(1).save(photos / "copies" / "c.png", compress_level=0)
    exif = Image.Exif()
    exif[0x0112] = 8
    scene(2).transpose(Image.Transpose.ROTATE_270).save(photos / "copies" / "d.tif", exif=exif)
    save_jpeg(scene(3).resize((72, 48)), photos / "copies" / "e.jpg", quality=90)
    scene(3).save(photos / "copies" / "f.bmp")
    # The worst for small copies decoded at a reduced scale: nothing but hard edges, badly kept.
    save_jpeg(noise(0), photos / "noise.jpg", quality=5)
    with Image.open(photos / "noise.jpg") as opened:
        opened.save(photos / "copies" / "noise.png")
    (photos / "broken.jpg").write_bytes(b"\xff\xd8 no")
    lookalike.build(
        photos, root / "e.lookalike", epochs=1, batch_size=8, size=16, report=False, device="cpu"
    )
    return root


@pytest.fixture
def place(built: Path, tmp_path: Path) -> Path:
    """A copy of the engine and its folder, free to be changed."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    manifest = tmp_path / "e.lookalike" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(str(built), str(tmp_path)))
    return tmp_path


@pytest.fixture
def engine(place: Path) -> Engine:
    return lookalike.open(place / "e.lookalike", device="cpu")


def as_sets(found: lookalike.engine.duplicate_groups.Duplicates) -> dict[str, dict[str, str]]:
    return {
        group.kept.path: {one.path: str(one.kind) for one in group.others} for group in found.groups
    }


CERTAIN = {
    "00.png": {"copies/a.png": "exact", "copies/b.png": "exact"},
    "01.png": {"copies/c.png": "same-pixels"},
    "02.png": {"copies/d.tif": "same-pixels"},
    "03.png": {"copies/f.bmp": "same-pixels"},
    "noise.jpg": {"copies/noise.png": "same-pixels"},
}


def test_what_is_certain(engine: Engine):
    found = engine.duplicates(["exact", "same-pixels"])
    assert as_sets(found) == CERTAIN
    assert [group.rank for group in found.groups] == [1, 2, 3, 4, 5]
    assert found.groups[0].kind == "exact"
    assert found.groups[0].reason.startswith("the oldest, of 2017-07-1")
    assert found.count("exact") == 2
    assert found.count("same-pixels") == 4
    assert found.saves == sum((engine.root / p).stat().st_size
                              for others in CERTAIN.values() for p in others)  # fmt: skip
    assert found.pictures == len(engine) == 20
    assert found.notes == ()
    assert as_sets(engine.duplicates(["exact"])) == {"00.png": CERTAIN["00.png"]}


def test_the_origin_of_the_same_pixels_is_kept(engine: Engine):
    found = engine.duplicates(["same-pixels"])
    (group,) = [group for group in found.groups if group.kept.path == "noise.jpg"]
    assert group.reason == "JPEG: what keeps every pixel of it was made from it"
    assert as_sets(found) == {kept: others for kept, others in CERTAIN.items() if kept != "00.png"}


def test_an_edited_copy_joins_the_group_of_its_original(engine: Engine):
    calibrate(engine)
    found = engine.duplicates()
    groups = as_sets(found)
    assert groups["03.png"] == {"copies/f.bmp": "same-pixels", "copies/e.jpg": "edited"}
    (group,) = [group for group in found.groups if group.kept.path == "03.png"]
    assert group.kind == "edited"
    assert group.reason == "144×96, the other is 72×48"
    assert [one.probability is None for one in group.others] == [True, False]
    assert 0.5 < group.others[1].probability < 1
    for kept, others in CERTAIN.items():
        assert others.items() <= groups[kept].items()
    strict = engine.duplicates(at_least=0.9999)
    assert as_sets(strict) == CERTAIN


def test_without_calibration_a_second_look_decides_and_it_is_said(engine: Engine):
    found = engine.duplicates()
    assert as_sets(found)["03.png"]["copies/e.jpg"] == "edited"
    assert not found.calibrated
    assert len(found.notes) == 1
    assert "`lookalike report" in found.notes[0]
    assert all(one.probability is None for group in found.groups for one in group.others)


def test_a_filter_compares_only_what_it_leaves(engine: Engine):
    found = engine.duplicates(["exact", "same-pixels"], where="path LIKE 'copies/%'")
    assert as_sets(found) == {"copies/a.png": {"copies/b.png": "exact"}}
    assert found.pictures == 7


def test_preferred_folders(engine: Engine):
    for folder in ("copies", str(engine.root / "copies"), "copies/"):
        found = engine.duplicates(["exact", "same-pixels"], prefer=[folder])
        kept = {group.kept.path for group in found.groups}
        assert kept == {
            "copies/a.png", "copies/c.png", "copies/d.tif", "copies/f.bmp", "copies/noise.png",
        }  # fmt: skip
        assert found.groups[-1].reason == "in copies, which is preferred"


def links(monkeypatch: pytest.MonkeyPatch, engine: Engine, *pairs: tuple[str, str, float]) -> None:
    """Make these pairs of pictures, with their probabilities, the only ones that are alike."""
    found = []
    for one, other, probability in pairs:
        places = sorted(engine.gallery.position(path) for path in (one, other))
        found.append(Pair(*places, probability))
    monkeypatch.setattr(copy_evidence, "likely_pairs", lambda *_, **__: found)
    monkeypatch.setattr(second_look.SecondLook, "__call__", lambda *_: None)


def test_unlike_pictures_are_not_chained(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    calibrate(engine)
    links(monkeypatch, engine, ("04.png", "05.png", 0.9), ("05.png", "06.png", 0.8),
          ("06.png", "07.png", 0.7))  # fmt: skip
    (group,) = engine.duplicates(["edited"]).groups
    # Nothing goes away as a copy of what it is not like: one of the two in the middle is kept.
    likely = {"05.png": {"04.png": 0.9, "06.png": 0.8}, "06.png": {"05.png": 0.8, "07.png": 0.7}}
    assert {one.path: one.probability for one in group.others} == likely[group.kept.path]
    # Even where an end of the chain would have been the better one to keep.
    monkeypatch.setattr(duplicates.KeepRule, "key", lambda rule, one, edited: one.path != "04.png")
    (group,) = engine.duplicates(["edited"]).groups
    assert group.kept.path in likely


def test_near_shots_are_counted_and_shown_on_request(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    calibrate(engine)
    links(monkeypatch, engine, ("04.png", "05.png", 0.9), ("04.png", "06.png", 0.6),
          ("05.png", "06.png", 0.6))  # fmt: skip
    found = engine.duplicates(["edited"], at_least=0.8)
    assert found.more_near == 1
    assert found.others == 1
    shown = engine.duplicates(["edited", "near"], at_least=0.8)
    (group,) = shown.groups
    assert group.kind == "near"
    assert {one.path for one in group.copies} == {"04.png", "05.png", "06.png"}
    assert "near" in {one.kind for one in group.others}
    assert shown.more_near == 0
    assert as_sets(engine.duplicates(["near"], at_least=0.99)) != {}


def test_shots_of_one_moment_are_near(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    calibrate(engine)
    links(monkeypatch, engine, ("04.png", "05.png", 0.05), ("08.png", "09.png", 0.05))
    facts = copy_evidence.file_facts
    from datetime import datetime, timedelta

    def dated(file: Path):
        number = int(file.stem) if file.stem.isdecimal() else 0
        seconds = {4: 0, 5: 3, 8: 100, 9: 500}.get(number)
        taken = None if seconds is None else datetime(2020, 1, 1) + timedelta(seconds=seconds)
        return replace(facts(file), taken=taken)

    monkeypatch.setattr(copy_evidence, "file_facts", dated)
    groups = as_sets(engine.duplicates(["near"]))
    assert groups == {"04.png": {"05.png": "near"}}


def test_digests_are_kept_and_a_damaged_file_of_them_is_made_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    found = engine.duplicates(["same-pixels"])
    place = engine.layout.directory / same_pixels.KEPT
    assert place.exists()
    place.write_bytes(b"nonsense")
    assert engine.duplicates(["same-pixels"]) == found
    monkeypatch.setattr(same_pixels, "_digest", lambda *_: pytest.fail("decoded again"))
    assert engine.duplicates(["same-pixels"]) == found


def test_digests_that_cannot_be_kept_do_not_cost_the_answer(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise StorageError("full")

    monkeypatch.setattr(same_pixels, "write_bytes", full)
    assert len(engine.duplicates(["same-pixels"])) == 4


def test_without_the_small_copies_all_of_one_size_are_compared(engine: Engine):
    found = engine.duplicates(["exact", "same-pixels"])
    shutil.rmtree(engine.layout.cache)
    again = lookalike.open(engine.layout.directory, device="cpu")
    assert again.duplicates(["exact", "same-pixels"]) == found


def test_only_what_may_be_the_same_is_decoded(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    decoded = []
    digest = same_pixels._digest
    monkeypatch.setattr(
        same_pixels, "_digest", lambda *asked: decoded.append(asked) or digest(*asked)
    )
    assert len(engine.duplicates(["same-pixels"])) == 4
    assert len(decoded) == 8


def test_without_processes_the_same_is_found(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    save_jpeg(noise(9), engine.root / "copies" / "c.png")
    guarded = engine.duplicates()
    (engine.layout.directory / same_pixels.KEPT).unlink()
    for module in (same_pixels, thumbnails):
        monkeypatch.setattr(module, "can_guard", lambda: False)
    monkeypatch.setattr(Intake, "_borrow", lambda self: pytest.fail("a process was asked"))
    assert engine.duplicates() == guarded


def test_what_changed_since_it_was_indexed_is_not_compared(engine: Engine):
    save_jpeg(noise(9), engine.root / "copies" / "c.png")
    (engine.root / "copies" / "d.tif").unlink()
    found = engine.duplicates(["same-pixels"])
    assert {group.kept.path for group in found.groups} == {"03.png", "noise.jpg"}
    assert "2 pictures are gone or changed" in found.notes[0]
    assert "lookalike sync" in found.notes[0]


def test_pictures_that_are_gone_are_looked_at_as_the_engine_keeps_them(engine: Engine):
    shutil.rmtree(engine.root)
    found = engine.duplicates()
    assert as_sets(found)["00.png"].items() >= CERTAIN["00.png"].items()
    assert any("gone or changed" in note for note in found.notes)


def test_figures_on_nothing_are_not_all_the_same(tmp_path: Path):
    """White on transparent: over white, all are one empty picture."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(6):
        alpha = scene(number).convert("L").point(lambda value: 255 * (value > 90))
        figure = Image.new("RGBA", alpha.size, (255, 255, 255, 0))
        figure.putalpha(alpha)
        figure.save(photos / f"{number}.png")
        figure.resize((72, 48)).save(photos / f"{number}-small.png")
    lookalike.build(
        photos, tmp_path / "e.lookalike", epochs=1, batch_size=4, size=16, report=False,
        device="cpu",
    )  # fmt: skip
    engine = lookalike.open(tmp_path / "e.lookalike", device="cpu")
    look = second_look.SecondLook(engine)
    at = engine.gallery.position
    assert look(at("0.png"), at("0-small.png")) > 0.85
    assert look(at("0.png"), at("1.png")) < 0.6


def test_as_dict_is_plain_and_whole(engine: Engine):
    calibrate(engine)
    found = engine.duplicates()
    values = json.loads(json.dumps(found.as_dict()))
    assert [group["rank"] for group in values["groups"]] == list(range(1, len(found) + 1))
    assert sum(values["copies"].values()) == found.others
    first = values["groups"][0]
    assert first["kept"]["path"] == "00.png"
    assert first["others"][0]["kind"] == "exact"
    assert first["reason"]


def test_pages(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from lookalike.engine import duplicates_page

    found = engine.duplicates(["exact", "same-pixels"])
    monkeypatch.setattr(duplicates_page, "GROUPS_A_PAGE", 2)
    monkeypatch.setattr(duplicates_page, "CARDS_A_GROUP", 2)
    pages = engine.duplicates_page(found, tmp_path / "deep" / "d.html")
    assert [page.name for page in pages] == ["d.html", "d-2.html", "d-3.html"]
    first = pages[0].read_text(encoding="utf-8")
    assert "and 1 more" in first
    assert 'href="d-3.html"' in first
    assert first.count("data:image/jpeg;base64,") == 4
    assert "lookalike duplicates" in first
    with pytest.raises(SettingsError, match=r"ends in \.html"):
        write_duplicates_page(engine, found, tmp_path / "d.txt")
    nothing = replace(found, groups=())
    (page,) = engine.duplicates_page(nothing, tmp_path / "none.html")
    assert "No duplicates among 20 pictures." in page.read_text(encoding="utf-8")


def test_bad_settings_are_refused(engine: Engine):
    for least in (0.0, 1.0, -1.0, 2.0, float("nan")):
        with pytest.raises(SettingsError, match="no probability"):
            engine.duplicates(at_least=least)
    with pytest.raises(SettingsError, match="unknown kind 'all'"):
        engine.duplicates(["all"])
    with pytest.raises(SettingsError, match="unknown kind none"):
        engine.duplicates([])
    found = engine.duplicates(["exact"]).groups[0]
    with pytest.raises(SettingsError, match="wanted one picture to keep"):
        DuplicateGroup(1, "exact", found.kept, (), "")
    with pytest.raises(SettingsError, match="is of kind edited"):
        DuplicateGroup(1, "edited", found.kept, found.others, "")
    assert isinstance(found.kept, Copy)


def test_one_picture_has_no_duplicates(engine: Engine):
    calibrate(engine)
    found = engine.duplicates(where="path = '00.png'")
    assert (len(found), found.pictures) == (0, 1)
    assert engine.duplicates(where="path = 'none'").pictures == 0


def test_frames_of_an_animation_are_not_its_copies(tmp_path: Path):
    photos = tmp_path / "photos"
    photos.mkdir()
    first = scene(0).quantize(16)
    first.save(photos / "still.gif")
    first.save(photos / "still.png")
    moving = [scene(number).quantize(16) for number in (1, 2)]
    first.save(photos / "moving.gif", save_all=True, append_images=moving)
    for number in range(3, 6):
        scene(number).save(photos / f"{number}.png")
    lookalike.build(
        photos, tmp_path / "e.lookalike", epochs=1, batch_size=4, size=16, report=False,
        device="cpu",
    )  # fmt: skip
    engine = lookalike.open(tmp_path / "e.lookalike", device="cpu")
    (group,) = engine.duplicates(["exact", "same-pixels"]).groups
    assert {one.path for one in group.copies} == {"still.gif", "still.png"}


def test_near_shots_join_only_what_they_were_compared_with(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    calibrate(engine)
    links(monkeypatch, engine, ("04.png", "05.png", 0.6), ("05.png", "06.png", 0.95))
    monkeypatch.setattr(duplicates.KeepRule, "key", lambda rule, one, edited: one.path != "04.png")
    # 06 is a copy of 05 and was never compared with 04, which is the better one to keep.
    groups = as_sets(engine.duplicates(["edited", "near"], at_least=0.8))
    assert [sorted((kept, *others)) for kept, others in groups.items()] == [["05.png", "06.png"]]
    links(monkeypatch, engine, ("04.png", "05.png", 0.6), ("05.png", "06.png", 0.95),
          ("04.png", "06.png", 0.5))  # fmt: skip
    groups = as_sets(engine.duplicates(["edited", "near"], at_least=0.8))
    assert groups == {"04.png": {"05.png": "near", "06.png": "near"}}
