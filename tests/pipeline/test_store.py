"""The store: its promises on the real SeaweedFS, and what it says of stores that break them."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socket
from pathlib import Path

import boto3
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline import store as module
from pipeline.archive import MARKER_KEY, open_archive
from pipeline.errors import ArchiveError, SettingsError, StoreRefused, StoreUnavailable, WriteConflict
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings, read_store_access
from pipeline.store import CHECK_PREFIX, Item, KeyMissing, Lost, Store, connect, self_test
from tests.pipeline.bad_stores import breaks_off, flawed_store, says, scripted_store

TEXT = "text/plain"


def _at(endpoint: str, bucket: str = "somewhere") -> Store:
    session = boto3.Session(aws_access_key_id="key", aws_secret_access_key="secret", region_name="us-east-1")
    return Store(bucket, session=session, endpoint=endpoint)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two attempts instead of many: the tests wait for no back-off that they need not see."""
    monkeypatch.setattr(module, "_ATTEMPTS", 2)


# --- reading and writing


def test_an_object_is_created_once_and_comes_back_with_its_metadata(store: Store) -> None:
    assert store.create("a/key", b"first", content_type=TEXT, metadata={"state": "live"}) is True
    assert store.create("a/key", b"second", content_type=TEXT) is False
    found = store.get("a/key")
    told = {"state": "live", "sha256": hashlib.sha256(b"first").hexdigest()}
    assert (found.body, dict(found.metadata), found.content_type) == (b"first", told, TEXT)
    entry = store.head("a/key")
    assert entry is not None
    assert (entry.size, entry.etag, dict(entry.metadata)) == (5, found.etag, told)
    assert '"' not in found.etag


def test_what_is_not_there_is_missing(store: Store, tmp_path: Path) -> None:
    assert store.head("nothing") is None
    assert list(store.list("nothing")) == []
    with pytest.raises(KeyMissing):
        store.get("nothing")
    with pytest.raises(KeyMissing):
        store.get_range("nothing", 0, 1)
    with pytest.raises(KeyMissing):
        store.download_file("nothing", tmp_path / "file")
    assert list(tmp_path.glob("*file*")) == []
    store.delete("nothing")


def test_a_state_is_replaced_only_if_it_is_the_one_that_was_read(store: Store) -> None:
    first = store.replace("key", b"1", etag=None, content_type=TEXT)
    with pytest.raises(Lost):
        store.replace("key", b"2", etag=None, content_type=TEXT)
    second = store.replace("key", b"2", etag=first, content_type=TEXT)
    with pytest.raises(Lost):
        store.replace("key", b"3", etag=first, content_type=TEXT)
    with pytest.raises(Lost):
        store.replace("never there", b"3", etag=second, content_type=TEXT)
    assert store.get("key").body == b"2"
    assert store.head("never there") is None


def test_an_object_is_replaced_by_a_file_only_if_it_is_the_one_that_was_read(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"2" * 300_000)
    first = store.replace("key", b"1", etag=None, content_type=TEXT)
    second = store.replace_file("key", path, etag=first, content_type=TEXT, metadata={"state": "live"})
    found = store.get("key")
    told = {"state": "live", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    assert (found.body, found.etag, dict(found.metadata)) == (path.read_bytes(), second, told)
    path.write_bytes(b"3")
    with pytest.raises(Lost):
        store.replace_file("key", path, etag=first, content_type=TEXT)
    assert store.get("key").etag == second
    store.delete("key")
    with pytest.raises(Lost):
        store.replace_file("key", path, etag=second, content_type=TEXT)


def test_purging_removes_what_a_versioned_bucket_keeps_of_one_object_alone(store: Store) -> None:
    def kept(key: str) -> int:
        found = store._call("list_object_versions", Prefix="key").get("Versions", ())
        return sum(each["Key"] == key for each in found)

    assert store.purge("key") is None
    store.turn_versioning(True)
    for key in ("key", "key-2"):
        etag = store.replace(key, b"1", etag=None, content_type=TEXT)
        store.replace(key, b"2", etag=etag, content_type=TEXT)
    assert (kept("key"), kept("key-2")) == (2, 2)
    assert store.purge("key") is None
    assert (kept("key"), kept("key-2"), store.get("key").body) == (1, 2, b"2")
    assert store.purge("key", current=True) is None
    assert (kept("key"), store.head("key")) == (0, None)
    assert store.get("key-2").body == b"2"


@hypothesis_settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(offset=st.integers(0, 999), length=st.integers(0, 2000))
def test_a_range_is_the_same_bytes_as_in_the_whole(store: Store, offset: int, length: int) -> None:
    body = bytes(number % 251 for number in range(1000))
    store.create("range", body, content_type=TEXT)
    assert store.get_range("range", offset, length) == body[offset : offset + length]


def test_a_range_behind_the_end_is_a_contradiction(store: Store) -> None:
    store.create("range", b"short", content_type=TEXT)
    with pytest.raises(ArchiveError, match="shorter"):
        store.get_range("range", 5, 1)
    with pytest.raises(ValueError, match="negative"):
        store.get_range("range", -1, 1)


def test_listing_is_in_order_over_more_than_one_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAGE", 10)
    keys = [f"many/{number:06}" for number in range(1, 36)]
    created = store.create_many((Item(key=key, body=b"x", content_type=TEXT) for key in keys), threads=16)
    assert list(created) == keys
    assert all(created.values())
    assert [entry.key for entry in store.list("many/")] == keys
    assert [entry.key for entry in store.list("many/", start_after=keys[32])] == keys[33:]
    assert list(store.list_folders("")) == ["many"]
    again = store.create_many([Item(key=key, body=b"y", content_type=TEXT) for key in ("many/000001", "new")])
    assert again == {"many/000001": False, "new": True}


def test_a_file_goes_up_once_and_comes_down_whole(store: Store, tmp_path: Path) -> None:
    up, down = tmp_path / "up", tmp_path / "down"
    up.write_bytes(os.urandom(9_000_000))
    assert store.upload_file("file", up, content_type="application/gzip", metadata={"sha256": "x"}) is True
    assert store.upload_file("file", tmp_path / "up", content_type="application/gzip") is False
    store.download_file("file", down)
    assert down.read_bytes() == up.read_bytes()
    assert store.get_range("file", 8_999_990, 10) == up.read_bytes()[-10:]


def test_the_store_verifies_each_checksum_that_we_send(store: Store) -> None:
    wrong = hashlib.sha256(b"other").digest()
    assert store.refuses("put_object", Key="k", Body=b"body", ChecksumSHA256=base64.b64encode(wrong).decode())
    assert store.refuses("put_object", Key="k", Body=b"body", ContentMD5=base64.b64encode(wrong[:16]).decode())
    assert store.head("k") is None


def test_a_bucket_is_made_once_and_known(store: Store, settings: Settings) -> None:
    assert store.has_bucket()
    store.create_bucket()
    assert not store.has_versioning()
    assert not connect(settings, "not-there").has_bucket()


def test_the_tables_options_name_the_same_store(store: Store, seaweed: EmbeddedStore) -> None:
    options, access = store.options_for_table(), seaweed.environment()
    assert options["AWS_ENDPOINT_URL"] == access["AWS_ENDPOINT_URL_S3"]
    assert options["AWS_SECRET_ACCESS_KEY"] == access["AWS_SECRET_ACCESS_KEY"]
    assert options["AWS_ALLOW_HTTP"] == "true"


def test_every_request_goes_through_one_method(store: Store, tmp_path: Path) -> None:
    """Tests elsewhere end a process at the n-th request: nothing may pass that seam by."""

    class Watched(Store):
        seen: list[str] = []  # noqa: RUF012

        def _call(self, operation: str, **arguments: object) -> object:
            self.seen.append(operation)
            return super()._call(operation, **arguments)

    store.__class__ = Watched
    (tmp_path / "file").write_bytes(b"x")
    store.create("a", b"1", content_type=TEXT)
    etag = store.get("a").etag
    store.replace("a", b"2", etag=etag, content_type=TEXT)
    store.get_range("a", 0, 1)
    store.head("a")
    store.upload_file("b", tmp_path / "file", content_type=TEXT)
    store.download_file("b", tmp_path / "file")
    store.create_many([Item(key="c", body=b"", content_type=TEXT)])
    assert len(list(store.list(""))) == 3
    assert list(store.list_folders("")) == []
    store.delete("c")
    assert Watched.seen == [
        *("put_object", "get_object", "put_object", "get_object", "head_object", "put_object", "get_object"),
        *("put_object", "list_objects_v2", "list_objects_v2", "delete_object"),
    ]


# --- what goes wrong


def test_a_wrong_secret_an_unknown_key_and_no_key_are_refused_with_the_next_step(store: Store) -> None:
    with pytest.raises(StoreRefused, match=r"(?s)does not fit the access key.*AWS_SECRET_ACCESS_KEY"):
        store.with_credentials(store.access_key(), "wrong").get("key")
    with pytest.raises(StoreRefused, match="does not know the access key"):
        store.with_credentials("NOBODY", "wrong").get("key")
    with pytest.raises(StoreRefused, match="may not do that"):
        store.with_credentials(None, None).get("key")
    with pytest.raises(StoreRefused, match="the key is wrong"):
        store.with_credentials("NOBODY", "wrong").head("key")


def test_a_missing_bucket_is_refused_and_not_made_by_a_write(settings: Settings) -> None:
    fresh = connect(settings)
    with pytest.raises(StoreRefused, match=r"(?s)no such bucket.*MUNIMENT_BUCKET"):
        fresh.create("key", b"", content_type=TEXT)
    with pytest.raises(StoreRefused, match="no such bucket"):
        fresh.get("key")
    assert not fresh.has_bucket()


def test_a_store_that_is_not_there_is_unavailable(impatient: None) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(StoreUnavailable, match="connection refused"):
            _at(f"http://127.0.0.1:{nobody.getsockname()[1]}").get("key")


def test_a_name_that_does_not_resolve_is_told_so(impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **named: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(StoreUnavailable, match="DNS"):
        _at("http://store.invalid:8333").get("key")


def test_a_store_that_does_not_answer_in_time_is_unavailable(impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_READ_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(StoreUnavailable, match="time-out"):
            _at(f"http://127.0.0.1:{silent.getsockname()[1]}").get("key")


def test_without_credentials_the_message_says_how_to_get_some(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(StoreRefused, match="muniment store up"):
        connect(settings).get("key")
    with pytest.raises(StoreRefused, match="muniment store up"):
        connect(settings).options_for_table()
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StoreRefused, match="AWS_PROFILE"):
        connect(settings)


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (403, "RequestTimeTooSkewed", StoreRefused, "clock is wrong"),
        (403, "AccessDenied", StoreRefused, "role"),
        (400, "ExpiredToken", StoreRefused, "expired"),
        (400, "AuthorizationHeaderMalformed", StoreRefused, "AWS_REGION"),
        (400, "SomethingNew", StoreRefused, "SomethingNew as scripted"),
        (501, "NotImplemented", StoreRefused, "does not implement"),
        (400, "BadDigest", StoreUnavailable, "damaged"),
        (503, "SlowDown", StoreUnavailable, "patience"),
        (500, "InternalError", StoreUnavailable, "as when its disk is full"),
        (409, "ConditionalRequestConflict", WriteConflict, "other writers"),
    ],
)
def test_each_answer_of_a_store_has_its_meaning(
    status: int,
    code: str,
    kind: type[Exception],
    words: str,
    impatient: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_CONFLICT_ATTEMPTS", 2)
    with scripted_store(says(status, code)) as (endpoint, _), pytest.raises(kind, match=words):
        _at(endpoint).create("key", b"", content_type=TEXT)


@pytest.mark.parametrize("first", [says(503, "SlowDown"), says(500, "InternalError"), says(409, "OperationAborted")])
def test_what_is_temporary_is_tried_again(first: object) -> None:
    with scripted_store(first, says(200)) as (endpoint, script):
        assert _at(endpoint).create("key", b"body", content_type=TEXT) is True
    assert len(script.requests) == 2


def test_an_answer_that_breaks_off_is_asked_for_again(tmp_path: Path) -> None:
    with scripted_store(breaks_off, says(200, body=b"whole"), breaks_off, says(200, body=b"whole")) as (endpoint, _):
        assert _at(endpoint).get("key").body == b"whole"
        _at(endpoint).download_file("key", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"whole"


def test_a_missing_key_under_if_match_is_lost_whether_the_store_says_404_or_412() -> None:
    for answer in (says(404, "NoSuchKey"), says(412, "PreconditionFailed")):
        with scripted_store(answer) as (endpoint, _), pytest.raises(Lost):
            _at(endpoint).replace("key", b"", etag="0123", content_type=TEXT)


def test_a_store_that_ignores_ranges_is_understood() -> None:
    with scripted_store(says(200, body=b"0123456789")) as (endpoint, _):
        assert _at(endpoint).get_range("key", 3, 4) == b"3456"


def test_a_store_without_versioning_has_it_off() -> None:
    with scripted_store(says(501, "NotImplemented")) as (endpoint, _):
        assert not _at(endpoint).has_versioning()


# --- which store is used


def test_the_embedded_store_is_used_when_the_environment_names_none(
    seaweed: EmbeddedStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = settings.model_copy(update={"home": seaweed.folder.parent})
    assert read_store_access(ours) is None  # the environment names one
    for name in seaweed.environment():
        monkeypatch.delenv(name)
    access = read_store_access(ours)
    assert access is not None
    assert access.endpoint == seaweed.environment()["AWS_ENDPOINT_URL_S3"]
    assert access.secret_key not in repr(access)
    assert not connect(ours).has_bucket()
    assert read_store_access(settings) is None  # none was made there
    monkeypatch.setenv("AWS_PROFILE", "mine")
    assert read_store_access(ours) is None


def test_a_damaged_secret_of_the_embedded_store_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name)
    secret = settings.home / "store" / "credentials.json"
    secret.parent.mkdir()
    secret.write_text("{}")
    with pytest.raises(SettingsError, match="damaged"):
        read_store_access(settings)


# --- the self-test


def test_the_real_store_keeps_every_promise(store: Store) -> None:
    checks = self_test(store)
    assert [check for check in checks if not check.passed] == []
    assert len(checks) == 8
    assert list(store.list(CHECK_PREFIX)) == []


def test_each_bucket_in_use_is_tested_and_nothing_is_left_behind(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RACERS", 2)
    tables = connect(settings, f"{store.bucket}-tables")
    tables.create_bucket()
    checks = self_test(store, tables)
    assert [check for check in checks if not check.passed] == []
    assert len({check.name for check in checks}) == 15
    for bucket in (store, tables):
        assert list(bucket.list(CHECK_PREFIX)) == []


@pytest.mark.parametrize(
    ("flaw", "promise", "reason"),
    [
        ("ignores If-None-Match", "If-None-Match holds", "Versions would overwrite each other"),
        ("ignores If-Match", "If-Match holds", "Updates of the frontier would be lost"),
        ("lets anybody in", "requests without a key are refused", "without a key could read an object"),
        ("takes wrong keys", "wrong keys are refused", "a wrong secret could read an object"),
        ("ignores checksums", "wrong checksums are refused", "damage on the way would be stored"),
        ("lists late", "list after write", r"The listing was \[\]"),
        ("lists out of order", "list after write", "The listing was"),
        ("drops metadata", "read after write", "drops user metadata"),
        ("reads late", "read after write", "There is no .*read in bucket"),
        ("keeps versions", module._NO_VERSIONING, "MUNIMENT_TABLES_BUCKET"),
    ],
)
def test_a_store_that_breaks_a_promise_is_found_out(
    flaw: str, promise: str, reason: str, store: Store, seaweed: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RACERS", 4)  # real races cost SeaweedFS a second for every loser
    store.create("there/read", b"something", content_type=TEXT)
    with flawed_store(seaweed.environment(), flaw) as endpoint:
        bad = Store(store.bucket, session=store._session, endpoint=endpoint)
        found = module._hold(bad, "new/" if promise == "read after write" else "there/", promise)
    assert not found.passed
    assert re.search(reason, found.message), found.message


def test_no_archive_is_begun_in_a_store_that_fails(
    settings: Settings, seaweed: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RACERS", 2)
    with flawed_store(seaweed.environment(), "lets anybody in") as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        with pytest.raises(StoreRefused, match=r"(?s)cannot hold an archive.*requests without a key.*write an object"):
            open_archive(settings)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", seaweed.environment()["AWS_ENDPOINT_URL_S3"])
    left = connect(settings)
    assert left.head(MARKER_KEY) is None
    assert list(left.list("")) == []
