"""Roles with the least they need, and guards of the bucket: on the real SeaweedFS with real users."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from pipeline.archive import Archive, open_archive
from pipeline.errors import StoreRefused
from pipeline.journal import read_journal
from pipeline.protection import ROLES, policy_of, protect, raw_days, read_guards, retention_rules
from pipeline.reader import to_arrow
from pipeline.settings import Settings
from pipeline.store import Store
from tests.pipeline.built_archive import SITE, build_archive
from tests.pipeline.built_runs import START, a_run, a_site, found, write_run
from tests.pipeline.roles import AsRole


def refused_deletions(store: Store, key: str) -> bool:
    """Whether neither of S3's ways to delete takes an object away."""
    one = store.refuses("delete_object", Key=key)
    answer = store._client.delete_objects(Bucket=store.bucket, Delete={"Objects": [{"Key": key}]})
    return one and not answer.get("Deleted")


def test_a_reader_reads_all_that_is_published_and_neither_writes_nor_sees_what_is_sealed(
    settings: Settings, as_role: AsRole
) -> None:
    archive = build_archive(settings).archive
    sealed = archive.sealed_key(SITE.id, a_run(0), "articles/x")
    archive.store.create(sealed, b"sealed", content_type="text/plain")
    seen = as_role("reader")
    reading = Archive(seen, seen)
    for run in reading.runs(SITE.id):
        published = reading.read_published(SITE.id, run)
        assert published is not None
        for key in published.made:
            version = reading.read_version(key)
            assert reading.read_record(version.evidence)
    assert to_arrow(reading, site=SITE.id).num_rows == 6 + 1
    assert len(list(read_journal(reading, SITE.id))) == 3
    key = published.made[0]
    assert seen.refuses("put_object", Key=key, Body=b"")
    assert seen.refuses("put_object", Key="articles/new", Body=b"", IfNoneMatch="*")
    assert refused_deletions(seen, key)
    assert seen.refuses("get_object", Key=sealed)
    assert seen.refuses("get_object", Key=archive.frontier_key(SITE.id))
    assert seen.refuses("list_objects_v2", Prefix="sealed/")
    assert seen.refuses("list_objects_v2")
    assert archive.store.get(sealed).body == b"sealed"


def test_a_writer_publishes_runs_and_deletes_nothing(settings: Settings, as_role: AsRole) -> None:
    owned = build_archive(settings)
    seen = as_role("writer")
    writing = Archive(seen, seen)
    from pipeline.publish import publish_run

    run = write_run(writing, SITE, a_run(9), [found("budget", "The budget.", a_run(9), START + timedelta(hours=9))])
    published = publish_run(writing, SITE, run, now=settings.now())
    assert published.versions == {"new": 1}
    assert to_arrow(owned.archive, site=SITE.id, run=run).num_rows == 1
    for key in (*published.made, owned.archive.frontier_key(SITE.id), owned.archive.journal_key(SITE.id, 1)):
        assert refused_deletions(seen, key)
    assert seen.refuses("get_object", Key="sealed/anything")
    assert seen.refuses("put_object", Key="sealed/anything", Body=b"")
    assert seen.refuses("put_object", Key="takedowns/example-news/x.json", Body=b"")
    assert seen.refuses("delete_bucket")
    assert seen.refuses("put_bucket_versioning", VersioningConfiguration={"Status": "Enabled"})
    assert seen.refuses("put_bucket_policy", Policy="{}")


def test_an_auditor_sees_everything_and_changes_nothing(settings: Settings, as_role: AsRole) -> None:
    archive = build_archive(settings).archive
    sealed = archive.sealed_key(SITE.id, a_run(0), "articles/x")
    archive.store.create(sealed, b"sealed", content_type="text/plain")
    seen = as_role("auditor")
    keys = [entry.key for entry in seen.list("")]
    assert sealed in keys
    for key in keys:
        assert seen.get(key).body == archive.store.get(key).body
        assert seen.refuses("put_object", Key=key, Body=b"")
    assert refused_deletions(seen, keys[0])
    assert not seen.has_versioning()


def test_a_steward_may_take_away_and_nobody_but_the_owner_makes_users(settings: Settings, as_role: AsRole) -> None:
    archive = build_archive(settings).archive
    seen = as_role("steward")
    key = archive.frontier_key(SITE.id)
    seen.delete(key)
    assert archive.store.head(key) is None
    for role in ROLES:
        store = seen if role == "steward" else as_role(role)
        keys = store._session.get_credentials().get_frozen_credentials()  # type: ignore[union-attr]
        iam = boto3.client(
            "iam",
            endpoint_url=store.endpoint,
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            region_name="us-east-1",
        )
        with pytest.raises(ClientError):
            iam.create_user(UserName=f"intruder-{secrets.token_hex(4)}")


@pytest.mark.slow
def test_a_protected_bucket_keeps_what_is_deleted_and_locks_what_is_written(settings: Settings) -> None:
    settings = settings.model_copy(update={"tables_bucket": f"{settings.bucket}-tables"})
    archive = open_archive(settings)
    site = a_site(keep_raw=timedelta(days=365))
    before = read_guards(archive.store, archive.table_store, [site])
    assert {guard.name: guard.on for guard in before} == {
        "versioning": False,
        "object lock": False,
        "retention": False,
        "table apart": True,
    }
    foreign: dict[str, Any] = {
        "ID": "theirs",
        "Status": "Enabled",
        "Filter": {"Prefix": "elsewhere/"},
        "Expiration": {"Days": 9},
    }
    archive.store.set_lifecycle_rules([foreign])
    for _ in range(2):
        after = protect(archive.store, archive.table_store, [site], mode="governance", days=1)
        assert all(guard.on for guard in after)
    assert archive.store.object_lock() == ("governance", 1)
    assert not archive.table_store.has_versioning()
    rules = {rule["ID"]: rule for rule in archive.store.lifecycle_rules()}
    assert rules["theirs"]["Expiration"] == {"Days": 9}
    raw = rules[f"muniment-raw-{site.id}"]
    assert (raw["Filter"], raw["Expiration"]) == ({"Prefix": f"warc/{site.id}/"}, {"Days": 365})
    run = write_run(archive, site, a_run(0), [found("budget", "The budget.", a_run(0), START)])
    client, key = archive.store._client, archive.crawl_key(site.id, run)
    archive.store.delete(key)
    [version] = client.list_object_versions(Bucket=settings.bucket, Prefix=key)["Versions"]
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(Bucket=settings.bucket, Key=key, VersionId=version["VersionId"])
    kept = client.get_object(Bucket=settings.bucket, Key=key, VersionId=version["VersionId"])["Body"].read()
    assert json.loads(kept)["run"] == run
    _empty(client, settings.bucket)


def _empty(client: Any, bucket: str) -> None:
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            client.delete_object(
                Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"], BypassGovernanceRetention=True
            )


def test_a_bucket_that_holds_the_table_is_not_protected(archive: Archive) -> None:
    with pytest.raises(StoreRefused, match="own bucket"):
        protect(archive.store, archive.table_store, [], mode="governance", days=1)
    assert not archive.store.has_versioning()


def test_versions_findings_and_the_journal_are_never_expired() -> None:
    sites = [a_site("one", keep_raw=timedelta(days=30, hours=1)), a_site("two")]
    rules = retention_rules(sites, lock_days=90)
    assert {rule["Filter"]["Prefix"] for rule in rules if "Expiration" in rule} == {"warc/one/"}
    assert rules[-1]["Expiration"] == {"Days": 31}
    assert all(rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90} for rule in rules)
    assert raw_days(timedelta(0)) == 1


def test_a_conditional_policy_refuses_writers_to_overwrite() -> None:
    plain = policy_of("writer", "muniment", "tables")
    strict = policy_of("writer", "muniment", "tables", conditional=True)
    [extra] = [each for each in strict["Statement"] if each not in plain["Statement"]]
    assert (extra["Effect"], extra["Condition"]) == ("Deny", {"Null": {"s3:if-none-match": "true"}})
    assert all(not each.endswith(("sites/*", "tables/*")) for each in extra["Resource"])
    actions = [action for each in plain["Statement"] for action in each["Action"]]
    assert not any("Delete" in action for action in actions)
