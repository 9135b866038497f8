"""Filters let through what they say, whatever is in them."""

from __future__ import annotations

import lance
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lookalike.gallery.filters import lance_filter
from lookalike.serve.filters import where_of
from lookalike.serve.schemas import Filters

API = "/api/v1"
PATHS = ["a/1.png", "a/b/2.png", "A/3.PNG", "@far/a/4.png", "it's/5%_.png", "ab/6.png", "7\\.png"]
LABELS = ["cat", "it's", "--", None, 'a"b', "cat", ");("]


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    table = pa.table(
        {
            "path": PATHS, "label": LABELS,
            "width": pa.array(range(10, 17), pa.int32()),
            "height": pa.array(range(7), pa.int32()),
        }
    )  # fmt: skip
    return lance.write_dataset(table, tmp_path_factory.mktemp("rows") / "rows")


def passing(rows, filters):
    where = where_of(filters)
    if where is None:
        return PATHS
    return rows.scanner(columns=["path"], filter=lance_filter(where)).to_table()["path"].to_pylist()


def wanted(filters):
    found = []
    for number, (path, label) in enumerate(zip(PATHS, LABELS, strict=True)):
        below = [f"{one.strip('/')}/" for one in filters.folders or ()]
        if (
            (not filters.labels or label in filters.labels)
            and (not below or any(path.startswith(one) for one in below))
            and (filters.min_width is None or number + 10 >= filters.min_width)
            and (filters.max_height is None or number <= filters.max_height)
            and (not filters.text or filters.text.lower() in path.lower())
        ):
            found.append(path)
    return found


@pytest.mark.parametrize(
    ("filters", "paths"),
    [
        ({}, PATHS),
        ({"labels": ["cat"]}, ["a/1.png", "ab/6.png"]),
        ({"labels": ["it's", "--"]}, ["a/b/2.png", "A/3.PNG"]),
        ({"folders": ["a"]}, ["a/1.png", "a/b/2.png"]),
        ({"folders": ["/a/b/", "ab"]}, ["a/b/2.png", "ab/6.png"]),
        ({"folders": ["@far"]}, ["@far/a/4.png"]),
        ({"text": "%"}, ["it's/5%_.png"]),
        ({"text": "3.png"}, ["A/3.PNG"]),
        ({"text": "\\"}, ["7\\.png"]),
        ({"min_width": 16}, ["7\\.png"]),
        ({"max_height": 1, "labels": ["cat"]}, ["a/1.png"]),
        ({"labels": ["' OR 1=1 --"]}, []),
        ({"text": "') OR (1=1"}, []),
        ({"folders": ["x' OR path LIKE '%"]}, []),
    ],
)
def test_filters(rows, filters, paths):
    assert passing(rows, Filters(**filters)) == paths


texts = st.text(st.sampled_from("aA'\"\\%_-;/*()`@.é\u2028 \n\x000"), max_size=8)


@settings(
    max_examples=60, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(
    st.builds(
        Filters,
        labels=st.none() | st.lists(texts, max_size=3),
        folders=st.none() | st.lists(texts, max_size=3),
        text=st.none() | texts,
        min_width=st.none() | st.integers(0, 20),
    )
)
@example(Filters(text="\x00"))
def test_nothing_in_a_filter_is_anything_but_text(rows, filters):
    assert passing(rows, filters) == wanted(filters)


def test_the_gallery_is_filtered(client):
    def listed(**query):
        answer = client.get(f"{API}/pictures", params=query)
        assert answer.status_code == 200
        return answer.json()

    assert listed(label="disc")["total"] == 12
    assert listed(label=["disc", "square"])["total"] == 24
    assert listed(folder="stripes", limit=2)["pictures"][0]["folder"] == "stripes"
    assert listed(min_width=49)["total"] == 0
    assert listed(text="00")["total"] == 3
    page = listed(offset=34, limit=10)
    assert (page["total"], len(page["pictures"])) == (36, 2)
    assert client.get(f"{API}/pictures?limit=0").status_code == 422

    body = {"queries": [{"id": 0}], "filters": {"folders": ["square"], "max_width": 48}}
    found = client.post(f"{API}/search", json=body).json()
    assert found["total"] == 12
    assert {hit["picture"]["label"] for hit in found["hits"]} == {"square"}
