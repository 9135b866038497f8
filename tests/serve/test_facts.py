from __future__ import annotations

import shutil

import lookalike
from lookalike.serve.facts import shown_path

API = "/api/v1"


def test_paths_that_lead_elsewhere_are_cut_to_their_names():
    for path in ("/home/me/a.png", "../me/a.png", r"C:\me\a.png", "C:/me/a.png"):
        assert shown_path(path) == "a.png"
    for path in ("a.png", "b/a.png", "@far/b/a.png", "..a/b.png"):
        assert shown_path(path) == path


def test_a_list_of_pictures_that_lie_elsewhere(photos, tmp_path, serving):
    """They were listed by name, so they are searched; the host's folders stay unknown."""
    (tmp_path / "list").mkdir()
    shutil.copy(photos / "disc" / "00.png", tmp_path / "list" / "here.png")
    outside = sorted(str(path) for path in (photos / "square").glob("*.png"))
    rows = "\n".join(f"{path},square" for path in ["here.png", *outside])
    (tmp_path / "list" / "list.csv").write_text(f"path,label\n{rows}\n")
    engine = tmp_path / "e.lookalike"
    lookalike.build(
        tmp_path / "list" / "list.csv", engine, epochs=1, batch_size=8, size=16, report=False,
        device="cpu",
    )  # fmt: skip
    client = serving(engine)
    listed = client.get(f"{API}/pictures")
    assert {one["path"] for one in listed.json()["pictures"]} == {
        "here.png", *(path.rpartition("/")[2] for path in outside)
    }  # fmt: skip
    found = client.post(f"{API}/search", json={"queries": [{"id": 0}], "k": 9})
    assert len(found.json()["hits"]) == len(outside)
    facts = client.get(f"{API}/engine")
    assert facts.json()["folders"] == []
    for answer in (listed, found, facts, client.get(f"{API}/pictures/1")):
        assert str(photos) not in answer.text
    elsewhere = client.get(f"{API}/pictures/1").json()
    assert elsewhere["missing"]
    assert client.get(f"{API}/pictures/1/file").status_code == 410
    assert client.get(f"{API}/pictures/1/thumbnail").status_code == 200
