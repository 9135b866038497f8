"""The service finds what the engine finds."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from drawing import draw_picture
from PIL import Image

import lookalike
from lookalike.engine.queries import Cropped
from lookalike.images import Crop
from lookalike.search import SearchSettings

API = "/api/v1"


@pytest.fixture(scope="module")
def engine(engine_path):
    return lookalike.open(engine_path)


def found(client, **body):
    answer = client.post(f"{API}/search", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def brought(client, picture, **form):
    return client.post(f"{API}/uploads", files={"file": ("q.png", picture)}).json()["upload"]


def same(answer, hits, offset=0):
    """Check an answer against what the engine itself gives."""
    assert [one["picture"]["path"] for one in answer["hits"]] == list(hits.paths)[offset:]
    np.testing.assert_allclose(
        [one["score"] for one in answer["hits"]],
        [hit.score for hit in hits.hits[offset:]],
        atol=1e-5,
    )
    for one, hit in zip(answer["hits"], hits.hits[offset:], strict=True):
        assert one["band"] == hit.band
        assert one["picture"]["label"] == hit.label
        assert one["probability"] == pytest.approx(hit.probability, abs=1e-4)
    assert answer["known"] == hits.known


def test_by_a_picture_of_the_gallery(client, engine):
    path = engine.gallery.paths[5]
    answer = found(client, queries=[{"id": 5}], k=7)
    same(answer, engine.search(path, 7))
    assert (answer["total"], answer["offset"], answer["upload"]) == (36, 0, None)
    with_itself = found(client, queries=[{"id": 5}], k=1, include_self=True)
    assert with_itself["hits"][0]["picture"]["path"] == path


def test_by_an_upload(client, engine, picture):
    answer = client.post(f"{API}/uploads", files={"file": ("../../x.png", picture)}).json()
    assert (answer["width"], answer["height"]) == (48, 48)
    hits = found(client, queries=[{"upload": answer["upload"]}], k=5)
    same(hits, engine.search(picture, 5))
    assert hits["upload"] == answer["upload"]
    again = found(client, queries=[{"upload": answer["upload"]}], k=5)
    assert again["hits"] == hits["hits"]
    small = client.get(f"{API}/uploads/{answer['upload']}/thumbnail?size=64")
    assert Image.open(io.BytesIO(small.content)).format == "WEBP"


def test_by_a_picture_in_one_call(client, engine, picture):
    files = {"file": ("q.png", picture)}
    answer = client.post(f"{API}/search/picture", files=files, data={"k": 3}).json()
    same(answer, engine.search(picture, 3))
    asked = {"k": 9, "offset": 2, "balance": 0.25, "filters": {"labels": ["disc"]}}
    body = str(asked).replace("'", '"')
    answer = client.post(f"{API}/search/picture", files=files, data={"request": body}).json()
    settings = SearchSettings(balance=0.25)
    same(answer, engine.search(picture, 11, where="label = 'disc'", settings=settings), 2)
    wrong = client.post(f"{API}/search/picture", files=files, data={"request": '{"kk": 1}'})
    assert wrong.status_code == 422
    assert "request.kk" in wrong.json()["error"]["message"]


def test_by_a_part(client, engine, picture):
    box, crop = [0.1, 0.2, 0.6, 0.9], Crop(0.1, 0.2, 0.5, 0.7)
    name = brought(client, picture)
    answer = found(client, queries=[{"upload": name, "box": box}], k=5)
    same(answer, engine.search(Cropped(picture, crop), 5))
    answer = found(client, queries=[{"id": 3, "box": box}], k=5)
    same(answer, engine.search(Cropped(engine.gallery.paths[3], crop), 5))
    for wrong in ([0.5, 0, 0.5, 1], [0.9, 0, 0.1, 1], [0, 0, 2, 1], [0, 0, 1]):
        body = {"queries": [{"id": 3, "box": wrong}]}
        assert client.post(f"{API}/search", json=body).status_code == 422


@pytest.mark.parametrize("balance", [0.0, 0.7, 1.0])
def test_with_a_balance(client, engine, balance):
    answer = found(client, queries=[{"id": 8}], k=6, balance=balance)
    settings = SearchSettings(balance=balance)
    same(answer, engine.search(engine.gallery.paths[8], 6, settings=settings))
    assert answer["metric"] == "inner"


def test_by_several_and_against_some(client, engine, picture):
    paths, name = engine.gallery.paths, brought(client, picture)
    queries = [{"id": 1}, {"upload": name}, {"id": 30, "weight": -1}]
    answer = found(client, queries=queries, k=8)
    same(answer, engine.search_examples([paths[1], picture], 8, unlike=[paths[30]]))
    queries = [{"id": 1, "weight": 3}, {"id": 2, "weight": 0.5}, {"id": 30, "weight": -2}]
    answer = found(client, queries=queries, k=8, balance=0.4)
    hits = engine.search_examples(
        [paths[1], paths[2]], 8, unlike=[paths[30]], like_weights=[3, 0.5], unlike_weights=[2],
        settings=SearchSettings(balance=0.4),
    )  # fmt: skip
    same(answer, hits)
    answer = found(client, queries=[{"id": 1}, {"id": 30}], k=8, combine="best")
    same(answer, engine.search_examples([paths[1], paths[30]], 8, combine="best"))
    nothing_wanted = {"queries": [{"id": 1, "weight": -1}, {"id": 2, "weight": 0}]}
    assert client.post(f"{API}/search", json=nothing_wanted).status_code == 422


def test_expanded_and_re_ranked(client, engine):
    answer = found(client, queries=[{"id": 4}], k=6, expand=2, rerank="k-reciprocal")
    settings = SearchSettings(2, rerank="k-reciprocal")
    same(answer, engine.search(engine.gallery.paths[4], 6, settings=settings))


def test_page_by_page(client):
    whole = found(client, queries=[{"id": 2}], k=35)["hits"]
    pages = [found(client, queries=[{"id": 2}], k=10, offset=o)["hits"] for o in range(0, 40, 10)]
    assert [hit for page in pages for hit in page] == whole
    assert found(client, queries=[{"id": 2}], k=10, offset=500)["hits"] == []


def test_many_at_once_find_what_each_finds_alone(client):
    bodies = [
        {"queries": [{"id": number}], "k": 3 + number % 5, "offset": number % 3}
        | ({"balance": 0.3} if number % 4 == 0 else {})
        | ({"filters": {"labels": ["disc"]}} if number % 5 == 0 else {})
        for number in range(36)
    ]
    alone = [found(client, **body)["hits"] for body in bodies]
    with ThreadPoolExecutor(12) as threads:
        together = list(threads.map(lambda body: found(client, **body)["hits"], bodies))
    for one, other in zip(alone, together, strict=True):
        assert [hit["picture"] for hit in one] == [hit["picture"] for hit in other]
        np.testing.assert_allclose(
            [hit["score"] for hit in one], [hit["score"] for hit in other], atol=1e-6
        )


def test_simultaneous_searches_share_batches(serving, engine):
    """While the first search is made, the others come together."""
    busy = serving()
    state = busy.app.state.lookalike
    paths = engine.gallery.paths
    assert len(found(busy, queries=[{"id": 0}])["hits"]) == 35
    before = state.quick.batches
    with ThreadPoolExecutor(24) as threads:
        bodies = [{"queries": [{"id": number % len(paths)}]} for number in range(96)]
        list(threads.map(lambda body: found(busy, **body), bodies))
    assert state.quick.answered >= 97
    assert state.quick.batches - before < 96


def test_too_many_at_once_are_told_to_come_back(serving):
    busy = serving(queue=1)
    with ThreadPoolExecutor(24) as threads:
        body = {"queries": [{"id": 0}, {"id": 1}], "combine": "best"}
        answers = list(threads.map(lambda _: busy.post(f"{API}/search", json=body), range(200)))
    assert {answer.status_code for answer in answers} == {200, 429}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"]["kind"] == "busy"


def test_what_is_not_there(client):
    for query in ({"id": 36}, {"id": 10**15}, {"upload": "0" * 64}):
        answer = client.post(f"{API}/search", json={"queries": [query]})
        assert (answer.status_code, answer.json()["error"]["kind"]) == (404, "missing")
    for query in ({}, {"id": 1, "upload": "0" * 64}):
        assert client.post(f"{API}/search", json={"queries": [query]}).status_code == 422


def test_neighbours(client, engine):
    answer = client.get(f"{API}/pictures/6/neighbours?k=4").json()
    same(answer, engine.search(engine.gallery.paths[6], 4))
    assert client.get(f"{API}/pictures/99/neighbours").status_code == 404


def test_uploads_make_room_for_each_other(serving):
    pictures = []
    for number in range(4):
        file = io.BytesIO()
        draw_picture("square", 60 + number, 200).save(file, "PNG")
        pictures.append(file.getvalue())
    narrow = serving(kept_bytes=2 * len(pictures[0]))
    names = [brought(narrow, picture) for picture in pictures]
    gone = narrow.post(f"{API}/search", json={"queries": [{"upload": names[0]}]})
    assert gone.status_code == 404
    assert "upload it again" in gone.json()["error"]["message"]
    assert found(narrow, queries=[{"upload": names[-1]}], k=1)["hits"]


def test_weights_next_to_nothing_count_as_nothing(client):
    def hits(*queries):
        answer = client.post(f"{API}/search", json={"queries": queries, "k": 5})
        return answer.json().get("hits"), answer.status_code

    light = {"id": 7, "weight": 1e-300}
    assert hits({"id": 3}, light) == hits({"id": 3})
    assert hits(light, {"id": 3, "weight": -100}) == (None, 422)
