"""Golden pages: each reads as its file says, and every site is covered by one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from spiders.families import Families
from spiders.site import BUILTIN_FOLDER, load_sites
from tests import golden as golden_module
from tests.golden import FOLDER, Golden, find_differences, find_name, load_goldens, put_differences, site_of

GOLDENS = load_goldens()
ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("golden", GOLDENS, ids=[golden.name for golden in GOLDENS])
def test_a_page_reads_as_its_file_says(golden: Golden) -> None:
    differences = {name: pair for name, pair in find_differences(golden).items() if name not in golden.known}
    if differences:
        pytest.fail(put_differences(golden, differences), pytrace=False)


@pytest.mark.parametrize(
    ("golden", "name"),
    [
        pytest.param(golden, name, id=f"{golden.name}-{name}", marks=pytest.mark.xfail(strict=True, reason=why))
        for golden in GOLDENS
        for name, why in golden.known.items()
    ],
)
def test_what_is_known_not_to_be_right_is_still_not(golden: Golden, name: str) -> None:
    assert name not in find_differences(golden), "right by now: python -m tests.golden settle"


@pytest.mark.parametrize("golden", GOLDENS, ids=[golden.name for golden in GOLDENS])
def test_a_golden_page_is_an_article_of_its_site_by_its_address(golden: Golden) -> None:
    assert site_of(golden).is_article(golden.read["url"])
    assert set(golden.known) <= {*golden.expect, "verdict"}
    assert 4000 < len(golden.payload) < 200_000


def test_every_family_and_every_site_has_its_golden_page() -> None:
    names = {golden.name for golden in GOLDENS}
    wanted = {family: f"family {family}" for family in Families().by_id}
    wanted |= {find_name(site): f"site {site.id}" for site in load_sites([BUILTIN_FOLDER]).values()}
    missing = sorted(f"{what} (tests/golden/{name})" for name, what in wanted.items() if name not in names)
    assert not missing, f"no golden page for {', '.join(missing)}"


def test_a_difference_is_shown_field_by_field_with_the_way_to_accept_it() -> None:
    golden = GOLDENS[0]
    text = ["One.", "Two.", "Three."]
    shown = put_differences(golden, {"title": ("Old", "New"), "text": (text, ["One.", "2.", "Three."])})
    assert "  title:\n    -Old\n    +New\n" in shown
    assert "    -Two.\n    +2.\n" in shown
    assert f"python -m tests.golden accept {golden.name}" in shown


def test_a_page_is_accepted_only_when_somebody_asks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.golden.__main__ import main

    golden = GOLDENS[0]
    (tmp_path / golden.name).mkdir()
    (tmp_path / golden.name / "page.html").write_bytes(golden.payload)
    file = tmp_path / golden.name / "expected.json"
    wrong = {"read": golden.read, "expect": {"title": "Something else"}}
    file.write_text(json.dumps(wrong), encoding="utf-8")
    monkeypatch.setattr(golden_module, "FOLDER", tmp_path)
    assert main(["show"]) == 0
    assert json.loads(file.read_text(encoding="utf-8")) == wrong
    assert main(["accept", golden.name]) == 0
    assert json.loads(file.read_text(encoding="utf-8"))["expect"]["title"] == golden.expect["title"]


def test_the_command_says_how_it_is_used() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.golden", "accept"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "accept NAME" in done.stderr
    assert FOLDER.is_dir()
