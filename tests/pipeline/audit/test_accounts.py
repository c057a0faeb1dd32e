"""What nothing accounts for."""

from __future__ import annotations

import json

import pytest

from tests.pipeline.audit.bench import (
    BRIDGE,
    FIRST,
    Bench,
    named,
)
from tests.pipeline.built_archive import SITE
from tests.pipeline.built_runs import a_run


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(f"articles/{SITE.id}/{BRIDGE}/000003.json", marks=pytest.mark.slow),
        f"articles/{SITE.id}/{BRIDGE}/000004.json",
        pytest.param(f"articles/{SITE.id}/{BRIDGE}/notes.txt", marks=pytest.mark.slow),
        pytest.param(f"articles/{SITE.id}/{'0' * 20}/000001.json", marks=pytest.mark.slow),
        pytest.param(f"warc/{SITE.id}/2026/11/22/{FIRST}-00001.warc.gz", marks=pytest.mark.slow),
        pytest.param(f"warc/{SITE.id}/2026/11/22/{a_run(99)}-00000.warc.gz", marks=pytest.mark.slow),
        pytest.param(f"runs/{SITE.id}/{FIRST}/extracted-00001.jsonl.zst", marks=pytest.mark.slow),
        pytest.param(f"runs/{SITE.id}/{FIRST}/notes.json", marks=pytest.mark.slow),
        pytest.param(f"indexes/{SITE.id}/{a_run(99)}.cdxj", marks=pytest.mark.slow),
        f"journal/{SITE.id}/notes.json",
        pytest.param(f"sites/{SITE.id}/notes.json", marks=pytest.mark.slow),
        pytest.param(f"sealed/{SITE.id}/{a_run(99)}/articles/x", marks=pytest.mark.slow),
        pytest.param(f"takedowns/{SITE.id}/x.json", marks=pytest.mark.slow),
        pytest.param("notes.txt", marks=pytest.mark.slow),
        pytest.param("articles/notes.txt", marks=pytest.mark.slow),
    ],
)
def test_an_object_that_nothing_accounts_for_is_named(bench: Bench, key: str) -> None:
    body = b"whatever"
    if key.startswith("articles/") and key.endswith(".json"):
        document = json.loads(bench.raw.get(bench.archive.version_key(SITE.id, BRIDGE, 2)).body)
        body = json.dumps({**document, "article": key.split("/")[2], "n": int(key[-11:-5])}).encode()
    bench.raw.put_consistently(key, body)
    told = bench.audit()
    assert (key, "unaccounted") in {(each.key, each.problem) for each in told.discrepancies}
    assert named(told) == {key}


@pytest.mark.slow
def test_an_order_of_a_takedown_that_is_none_is_named(bench: Bench) -> None:
    key = bench.archive.takedown_key(SITE.id, a_run(99))
    bench.raw.put_consistently(key, b"{}")
    [each] = bench.audit().discrepancies
    assert (each.key, each.problem) == (key, "wrong")
