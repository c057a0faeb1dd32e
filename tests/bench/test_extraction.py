"""The bench of extractors: its scores, its processes, its tables."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import pytest

from bench.extraction import (
    Child,
    main,
    make_peers,
    read_segment,
    resample_f1,
    resample_gain,
    resample_share,
    score_bodies,
    score_part,
    tell_scores,
    write_segment,
)
from bench.pack import load_pack
from tests.bench.packs import make_pack

LABELS = [
    {
        "id": "a",
        "source": "one",
        "title": "Bins: ‘again’",
        "authors": ["Ann Bee", "C Dee"],
        "date": "2026-03-02",
        "body": "The bins of the town were not emptied on Monday.\n\nNobody knows why.",
    },
    {
        "id": "b",
        "source": "one",
        "title": "A bridge",
        "authors": None,
        "date": "2026-03-03T23:30:00+01:00",
        "body": "A bridge will be mended before the winter, the council said.",
    },
    {"id": "c", "source": "two", "title": None, "authors": ["E Eff"], "date": None, "body": "Three words only"},
    {"id": "d", "source": "two", "title": "Nothing", "authors": None, "date": None, "body": "What nobody found here."},
]
FOUND = {
    "a": {
        "body": "Bins: again\nThe bins of the town were not emptied on Monday.\nNobody knows why.",
        "title": "Bins – Again",
        "authors": "C Dee and Ann Bee",
        "date": "2026-03-02",
    },
    "b": {
        "body": "A bridge will be mended before winter, the council said.",
        "title": "A bridge | Echo",
        "authors": ["Echo"],
        "date": "2026-03-04",
    },
    "c": {"body": "Three words only", "title": "Three", "authors": ["E Eff", "G Aitch"], "date": None},
    "d": {"body": "", "title": "Nothing", "authors": [], "date": None},
}
# What the scorer of the article-extraction benchmarks gives for these four pages, to three decimals.
SCORER = {
    "f1": 0.702,
    "precision": 0.802,
    "recall": 0.625,
    "exact": 0.25,
    "page_f1": 0.611,
    "title": 0.667,
    "date": 0.5,
    "authors": 0.5,
}


def test_the_scores_are_those_of_the_benchmarks_own_scorer() -> None:
    scored = score_part("all", "tool", LABELS, FOUND)
    told = scored.to_json()
    assert {name: round(told[name], 3) for name in SCORER} == SCORER
    assert scored.empty == 1


def test_intervals_hold_the_value_and_are_the_same_every_time() -> None:
    bodies = score_bodies(LABELS, FOUND)
    one, other = resample_f1(bodies), resample_f1(bodies)
    assert one == other
    assert one.low <= one.value <= one.high
    assert one.low < one.high
    assert resample_share([True] * 9).low == 1.0
    assert str(resample_share([True, False])) == "0.500 [0.000, 1.000]"


def test_an_extractor_is_no_better_than_itself() -> None:
    bodies = score_bodies(LABELS, FOUND)
    gain = resample_gain(bodies, bodies)
    assert (gain.value, gain.low, gain.high) == (0.0, 0.0, 0.0)


def test_what_a_tool_does_not_give_is_not_scored() -> None:
    bare = {name: {"body": found["body"]} for name, found in FOUND.items()}
    scored = score_part("all", "tool", LABELS, bare)
    assert scored.fields == {"title": None, "authors": None, "date": None}
    assert tell_scores([scored]).splitlines()[-1].count("–") == 3


def test_a_tool_is_asked_page_by_page_in_a_process_of_its_own(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "pack", 2)
    pages = load_pack(pack)
    listed = tmp_path / "pages.json"
    listed.write_text(json.dumps([{"file": str(page.file), "url": page.label["url"]} for page in pages]))
    with Child("muniment", Path(sys.executable), listed) as child:
        answer = child.ask([1, 2], tell=True)
        assert len(answer["cpu"]) == 2
        assert [found["title"] for found in answer["found"]] == [pages[1].label["title"], pages[2].label["title"]]
        assert child.ask([0], tell=False)["found"] is None
        assert child.end() > 10


def test_a_tool_that_cannot_start_is_told_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="No such file"):
        Child("trafilatura", Path(sys.executable), tmp_path / "missing.json")


def test_a_pack_is_scored_with_tables_figures_and_predictions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = make_pack(tmp_path / "pack", 2)
    words = [str(pack), "--only", "muniment", "--only", "trafilatura", "--rounds", "2", "--timed", "2"]
    assert main([*words, "--json", str(tmp_path / "told.json"), "--predictions", str(tmp_path / "found")]) == 0
    shown = capsys.readouterr().out
    assert "### all, 4 pages" in shown
    assert "### source the-courier, 2 pages" in shown
    assert "Muniment less trafilatura" in shown
    told = json.loads((tmp_path / "told.json").read_text())
    ours = next(one for one in told["scores"] if (one["part"], one["tool"]) == ("all", "muniment"))
    assert ours["title"] == ours["date"] == 1.0
    assert ours["f1"] > 0.9
    assert {cost["tool"]: len(cost["rounds"]) for cost in told["costs"]} == {"muniment": 2, "trafilatura": 2}
    lines = (tmp_path / "found" / "muniment.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [page.id for page in load_pack(pack)]


def test_a_segment_of_a_pack_gives_the_same_bytes_through_one_process_and_two(tmp_path: Path) -> None:
    path = write_segment(load_pack(make_pack(tmp_path / "pack", 2)), tmp_path)
    alone, pair = (read_segment(path, processes=number) for number in (1, 2))
    assert alone.digest == pair.digest
    assert alone.kinds == {"article": 4}
    assert len(alone.peaks) == 1


def test_the_other_extractors_are_pinned_and_no_place_is_named() -> None:
    lines = (Path(__file__).parents[2] / "bench" / "peers.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if not line.startswith("#"):
            assert "==" in line
            assert "://" not in line
            assert "--" not in line
    assert any(line.startswith("newspaper4k==") for line in lines)


@pytest.mark.slow
def test_the_environment_of_the_other_extractors_is_made_once(tmp_path: Path) -> None:
    python = make_peers()
    assert make_peers() == python
    page = tmp_path / "page.html.gz"
    text = "<p>The bridge will be mended before the winter, the council said on Monday.</p>" * 9
    page.write_bytes(gzip.compress(f"<html><title>A bridge</title><body><article>{text}".encode(), mtime=0))
    listed = tmp_path / "pages.json"
    listed.write_text(json.dumps([{"file": str(page), "url": "https://page.example/1"}]))
    for tool in ("readability-lxml", "newspaper4k", "resiliparse", "news-please"):
        with Child(tool, python, listed) as child:
            assert "bridge will be mended" in child.ask([0], tell=True)["found"][0]["body"]
