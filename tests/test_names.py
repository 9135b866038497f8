"""Names of files, whatever bytes they hold: written so that it can be undone."""

from __future__ import annotations

import json
import os

import pytest
from hostile_files import ODD_BYTES, ODD_NAMES
from hypothesis import given
from hypothesis import strategies as st

from lookalike.images import find_pictures
from lookalike.names import file_of_name, name_of_file


@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name))
def test_any_bytes_come_back(data: bytes):
    path = os.fsdecode(data)
    name = name_of_file(path)
    assert file_of_name(name) == path
    assert name.encode().decode() == name
    assert len(name.splitlines()) <= 1
    assert os.fsencode(file_of_name(name)) == data


@given(st.text(r"\x0a9bé/ ", max_size=20), st.text(r"\x0a9bé/ ", max_size=20))
def test_no_two_paths_have_one_name(first: str, second: str):
    assert (name_of_file(first) == name_of_file(second)) == (first == second)
    assert file_of_name(name_of_file(first)) == first


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("katze 猫/ä.png", "katze 猫/ä.png"),
        (os.fsdecode(b"caf\xe9.png"), r"caf\xe9.png"),
        ("two\nlines.png", r"two\x0alines.png"),
        (r"literal\xe9.png", r"literal\x5cxe9.png"),
        (r"back\slash.png", r"back\slash.png"),
        ("👨\u200d👩\u200d👧.png", "👨\u200d👩\u200d👧.png"),
    ],
)
def test_how_names_are_written(path: str, name: str):
    assert name_of_file(path) == name
    assert file_of_name(name) == path


def test_every_file_is_found_and_read_under_its_name(tmp_path):
    files = [*map(os.fsencode, ODD_NAMES), *ODD_BYTES]
    for number, file in enumerate(files):
        (tmp_path / os.fsdecode(file)).write_bytes(b"%d" % number)
    found = find_pictures(tmp_path)
    assert len({picture.path for picture in found.pictures}) == len(found) == len(files)
    assert {found.read(place).read_bytes() for place in range(len(found))} == {
        b"%d" % number for number in range(len(files))
    }
    assert all(found.stat(place)[0] > 0 for place in range(len(found)))


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_list_may_name_a_file_as_it_is_or_as_it_is_written(tmp_path, kind):
    for file in (b"caf\xe9.png", rb"lit\xe9.png", b"two\nlines.png"):
        (tmp_path / os.fsdecode(file)).write_bytes(b"x")
    names = [r"caf\xe9.png", r"lit\xe9.png", r"lit\x5cxe9.png", r"two\x0alines.png", "none.png"]
    if kind == "csv":
        text = "path\n" + "\n".join(names)
    else:
        names.append(os.fsdecode(b"caf\xe9.png"))
        text = "\n".join(json.dumps({"path": name}) for name in names)
    (tmp_path / f"list.{kind}").write_text(text)
    found = find_pictures(tmp_path / f"list.{kind}")
    assert [picture.path for picture in found.pictures] == [
        r"caf\xe9.png", r"lit\x5cxe9.png", r"two\x0alines.png",
    ]  # fmt: skip
    assert len(found.skipped) == len(names) - 3
