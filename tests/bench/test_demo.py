"""The demo: its parts, and (slow) the whole of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bench.demo import Claims, diff_words, find_ports, shorten
from bench.measure import ROOT


def test_changed_words_are_marked_with_a_few_words_around_them() -> None:
    old = "one two three four five six seven eight nine ten eleven twelve"
    new = "one two three four five SIX seven eight nine ten eleven twelve thirteen"
    assert [line.plain for line in diff_words(old, new, context=2)] == [
        "… four five [-six-] {+SIX+} seven eight …",
        "… eleven twelve {+thirteen+} …",
    ]


def test_equal_texts_have_no_changed_words() -> None:
    assert diff_words("a b c", "a  b\nc") == []


def test_a_claim_that_does_not_hold_is_remembered() -> None:
    said = StringIO()
    claims = Claims(Console(file=said))
    claims.hold("the sky is blue", so=True)
    claims.hold("pigs [fly]", so=False, instead="they walk")
    assert claims.made == 2
    assert claims.broken == ["pigs [fly] (they walk)"]
    assert "✗ not so: pigs [fly] (they walk)" in said.getvalue()


def test_a_long_text_is_cut_and_put_on_one_line() -> None:
    assert shorten("a\n b", 10) == "a b"
    assert shorten("x" * 30, 10) == "x" * 9 + "…"


def test_ports_are_free_ones() -> None:
    assert 1024 <= find_ports(4) <= 55535


@pytest.mark.slow
@pytest.mark.scheduler
@pytest.mark.timeout(400)
def test_the_demo_ends_by_itself_and_all_its_claims_hold(tmp_path: Path) -> None:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "bench.demo", str(tmp_path / "demo")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=380,
        env={**os.environ, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"},  # a stranger's store does not matter to it
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"All \d+ claims hold", done.stdout)
    assert "\x1b[" not in done.stdout
    assert time.monotonic() - began < 300
