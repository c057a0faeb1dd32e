from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.hosts import KEPT_FOR, LARGEST_FILE, MOST_HOSTS, Host, Hosts, Rules, read_hosts

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def rules_of(**more: object) -> Rules:
    return Rules.model_validate({"read": NOW, "until": NOW + KEPT_FOR, **more})


def test_a_memory_comes_back_as_it_was_written(tmp_path: Path) -> None:
    body = bytes(range(256)).decode("latin-1")
    host = Host(robots=rules_of(status=200, digest="sha256:x", body=body), not_before=NOW, ended="the host fails")
    Hosts({"https://a.uk": host}).write(tmp_path / "hosts.json")
    hosts, why_not = read_hosts(tmp_path / "hosts.json")
    assert why_not is None
    assert hosts.origins() == ["https://a.uk"]
    assert hosts.host("https://a.uk") == host
    assert [path.name for path in tmp_path.iterdir()] == ["hosts.json"]


def test_rules_are_fresh_for_a_day_at_most_and_not_before_they_were_read() -> None:
    rules = rules_of(until=NOW + timedelta(days=30))
    assert rules.is_fresh(NOW)
    assert rules.is_fresh(NOW + KEPT_FOR - timedelta(seconds=1))
    assert not rules.is_fresh(NOW + KEPT_FOR)
    assert not rules.is_fresh(NOW - timedelta(seconds=1))
    assert not rules_of(until=NOW + timedelta(minutes=5)).is_fresh(NOW + timedelta(minutes=5))


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b'{"hosts": 3}', b'{"hosts": {"https://a.uk": {"robots": {"read": "never"}}}}', b"\xff\xfe\x00"],
)
def test_a_damaged_memory_is_an_empty_one_and_says_why(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "hosts.json").write_bytes(damage)
    hosts, why_not = read_hosts(tmp_path / "hosts.json")
    assert hosts.origins() == []
    assert why_not


def test_no_memory_is_an_empty_one(tmp_path: Path) -> None:
    for path in (None, tmp_path / "none.json"):
        hosts, why_not = read_hosts(path)
        assert (hosts.origins(), why_not) == ([], None)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "hosts.json").write_bytes(b" " * (LARGEST_FILE + 1))
    assert read_hosts(tmp_path / "hosts.json")[1] is not None


def test_of_too_many_hosts_those_seen_last_are_kept(tmp_path: Path) -> None:
    known = {f"https://{n}.uk": Host(seen=NOW + timedelta(seconds=n)) for n in range(MOST_HOSTS + 5)}
    Hosts(known).write(tmp_path / "hosts.json")
    kept = read_hosts(tmp_path / "hosts.json")[0].origins()
    assert len(kept) == MOST_HOSTS
    assert "https://4.uk" not in kept
    assert f"https://{MOST_HOSTS + 4}.uk" in kept


@given(st.binary(max_size=200))
def test_no_file_breaks_the_reading(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    path = tmp_path_factory.mktemp("hosts") / "hosts.json"
    path.write_bytes(body)
    assert read_hosts(path)[0].origins() == []
