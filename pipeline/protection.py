"""What guards an archive beside its own code: who may do what, earlier versions, locks, and how long raw data stays.

``policy_of`` gives the least that a reader, a writer, an auditor and a steward of an archive need, as policies in AWS's
language, which AWS, Ceph, MinIO and SeaweedFS take (see docs/protection.md for how each is told). ``protect`` turns on
bucket versioning, object lock and lifecycle rules where the store has them, and looks whether conditional writes still
hold afterwards: on some stores they do not in a versioned bucket, and then it is turned off again.

The table's bucket is never versioned or locked: its files are rewritten all the time, and what a takedown removes from
it must be gone at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from pipeline.errors import StoreRefused
from pipeline.store import CHECK_PREFIX, NotAllowed, Store, self_test
from spiders.site import Site

Role = Literal["reader", "writer", "auditor", "steward"]
"""reader: everything that is published. writer: the workers of Airflow; adds, and removes nothing. auditor: sees all,
changes nothing. steward: takedowns and maintenance."""

ROLES: tuple[Role, ...] = get_args(Role)

_ONCE = ("articles/*", "runs/*", "warc/*", "journal/*", "indexes/*")  # created once
_READ = ("muniment.json", *_ONCE)
_TABLE = "tables/*"
_STATE = ("sites/*", "health/*")
_ORDERS = "takedowns/*"
_RULE = "muniment-"
"""Lifecycle rules whose id begins so are ours; others are left alone."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """One way in which a bucket is guarded, and how it stands."""

    name: str
    on: bool
    message: str


def policy_of(role: Role, bucket: str, tables_bucket: str, *, conditional: bool = False) -> dict[str, Any]:
    """The policy of a role: an IAM policy document of AWS, to be attached to whoever has it.

    Args:
        role: which.
        bucket: the archive's bucket.
        tables_bucket: the table's bucket; often the same.
        conditional: refuse writers any write of what is created once that does not say ``If-None-Match``. Only for
            stores that know this condition key, as AWS does; SeaweedFS 4.48 would refuse every such write.
    """
    here, there = _Bucket(bucket), _Bucket(tables_bucket)
    statements: list[dict[str, Any]] = []
    match role:
        case "reader":
            statements = [
                _allow("Read", ["s3:GetObject"], [*here.keys(*_READ), *there.keys(_TABLE)]),
                *_allow_listing(here, _READ, there),
            ]
        case "writer":
            written = [*here.keys(*_READ, *_STATE, f"{CHECK_PREFIX}*"), *there.keys(_TABLE, f"{CHECK_PREFIX}*")]
            statements = [
                _allow("Read", ["s3:GetObject"], [*dict.fromkeys([*written, *here.keys(_ORDERS)])]),
                _allow("Write", ["s3:PutObject"], [*dict.fromkeys(written)]),
                *_allow_listing(here, (*_READ, *_STATE, _ORDERS, f"{CHECK_PREFIX}*"), there),
                _allow("Look", ["s3:GetBucketVersioning"], [*dict.fromkeys((here.arn, there.arn))]),
            ]
            if conditional:
                statements.append(
                    {
                        "Sid": "NeverTwice",
                        "Effect": "Deny",
                        "Action": ["s3:PutObject"],
                        "Resource": here.keys(*_ONCE),
                        "Condition": {"Null": {"s3:if-none-match": "true"}},
                    }
                )
        case "auditor":
            actions = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention"]
            statements = [
                _allow("Read", actions, [*dict.fromkeys([*here.keys("*"), *there.keys("*")])]),
                _allow("List", [*_LIST, *_LOOK], [*dict.fromkeys((here.arn, there.arn))]),
            ]
        case "steward":
            actions = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention", "s3:PutObject"]
            actions += ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"]
            changes = ["s3:PutBucketVersioning", "s3:PutBucketObjectLockConfiguration", "s3:PutLifecycleConfiguration"]
            statements = [
                _allow("ReadAndChange", actions, [*dict.fromkeys([*here.keys("*"), *there.keys("*")])]),
                _allow("List", [*_LIST, *_LOOK], [*dict.fromkeys((here.arn, there.arn))]),
                _allow("Guard", changes, [here.arn]),
            ]
    return {"Version": "2012-10-17", "Statement": statements}


_LIST = ("s3:ListBucket", "s3:ListBucketVersions")
_LOOK = ("s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration", "s3:GetLifecycleConfiguration")


class _Bucket:
    """A bucket's names in policies."""

    def __init__(self, name: str) -> None:
        self.arn = f"arn:aws:s3:::{name}"

    def keys(self, *patterns: str) -> list[str]:
        return [f"{self.arn}/{pattern}" for pattern in patterns]


def _allow(sid: str, actions: Iterable[str], resources: Iterable[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _allow_listing(here: _Bucket, prefixes: Iterable[str], there: _Bucket) -> list[dict[str, Any]]:
    """Listing below some prefixes only: the names below ``sealed/`` say what was taken down."""
    folders = [prefix for prefix in prefixes if prefix.endswith("*")]
    wanted = {here.arn: folders}
    wanted[there.arn] = [*wanted.get(there.arn, ()), _TABLE]
    return [
        {**_allow(f"List{number}", ["s3:ListBucket"], [arn]), "Condition": {"StringLike": {"s3:prefix": each}}}
        for number, (arn, each) in enumerate(wanted.items(), start=1)
    ]


# --- versioning, locks, lifecycle


def read_guards(store: Store, tables: Store, sites: Iterable[Site]) -> list[Guard]:
    """How the archive's bucket is guarded now."""
    lock = store.object_lock()
    own = [rule for rule in store.lifecycle_rules() if str(rule.get("ID", "")).startswith(_RULE)]
    due = {rule["ID"] for rule in retention_rules(sites, lock_days=lock[1] if lock else 0)}
    lacking = sorted(due - {rule["ID"] for rule in own})
    versioned = store.has_versioning()
    return [
        Guard(
            name="versioning",
            on=versioned,
            message="What is replaced or deleted stays as an earlier version."
            if versioned
            else "What is deleted by hand is lost.",
        ),
        Guard(
            name="object lock",
            on=lock is not None,
            message=f"Each object is locked for {lock[1]} days ({lock[0]})." if lock else "Nothing is locked.",
        ),
        Guard(
            name="retention",
            on=not lacking,
            message=f"Rules that are lacking: {', '.join(lacking)}." if lacking else f"{len(own)} rules are in force.",
        ),
        Guard(
            name="table apart",
            on=tables.bucket != store.bucket,
            message=f"The table lies in bucket {tables.bucket}.",
        ),
    ]


def protect(store: Store, tables: Store, sites: Iterable[Site], *, mode: str, days: int) -> list[Guard]:
    """Turn on what the store has; again is harmless. What it has not is told, and no error.

    Args:
        store: the archive's bucket.
        tables: the table's bucket; must be another one.
        sites: whose ``keep_raw`` decides how long segments stay.
        mode: of the object lock: ``governance`` or ``compliance``.
        days: for which each object is locked; 0: no object lock.

    Returns:
        How the bucket is guarded afterwards.

    Raises:
        StoreRefused: the table lies in the same bucket, or conditional writes do not hold in a versioned bucket of
            this store (versioning is suspended again then).
    """
    if tables.bucket == store.bucket:
        raise StoreRefused(
            f"The table lies in the archive's own bucket {store.bucket}, where locks and earlier versions would keep "
            "what maintenance and takedowns must remove from it.",
            next_step="Keep the table in a bucket of its own: docs/protection.md#the-tables-bucket.",
        )
    sites = list(sites)
    was_on = store.has_versioning()
    if not was_on and not _try(lambda: store.turn_versioning(True)):
        return read_guards(store, tables, sites)
    failed = [check for check in self_test(store, tables) if not check.passed]
    if failed:
        if not was_on:
            store.turn_versioning(False)
        raise StoreRefused(
            "With bucket versioning this store does not keep its promises:\n"
            + "\n".join(f"- {check.name}: {check.message}" for check in failed),
            next_step="Leave versioning off on this store; guard its backups instead. It is off again."
            if not was_on
            else "Suspend versioning of the bucket; guard the store's backups instead.",
        )
    if days:
        _try(lambda: store.turn_lock_on(mode, days))
    lock = store.object_lock()
    apply_retention(store, sites, lock_days=lock[1] if lock else 0)
    return read_guards(store, tables, sites)


def apply_retention(store: Store, sites: Iterable[Site], *, lock_days: int) -> bool:
    """Write the lifecycle rules of the sites' retention beside what others have written; False: the store has none."""
    foreign = [rule for rule in store.lifecycle_rules() if not str(rule.get("ID", "")).startswith(_RULE)]
    rules = [*foreign, *retention_rules(sites, lock_days=lock_days)]
    return tuple(rules) == store.lifecycle_rules() or _try(lambda: store.set_lifecycle_rules(rules))


def retention_rules(sites: Iterable[Site], *, lock_days: int) -> list[dict[str, Any]]:
    """Lifecycle rules, as S3 has them: raw data as each site says; earlier versions of what is replaced all the time.

    Versions, findings, reports and the journal have no rule: they stay for ever.
    """
    after = max(lock_days, 1)
    rules: list[dict[str, Any]] = [
        {
            "ID": f"{_RULE}{name}",
            "Status": "Enabled",
            "Filter": {"Prefix": folder.rstrip("*")},
            "NoncurrentVersionExpiration": {"NoncurrentDays": after},
        }
        for name, folder in zip(("state", "health"), _STATE, strict=True)
    ]
    rules += [
        {
            "ID": f"{_RULE}raw-{site.id}",
            "Status": "Enabled",
            "Filter": {"Prefix": f"warc/{site.id}/"},
            "Expiration": {"Days": raw_days(site.keep_raw)},
            "NoncurrentVersionExpiration": {"NoncurrentDays": after},
        }
        for site in sites
        if site.keep_raw is not None
    ]
    return rules


def expiry_of(sites: Iterable[Site], now: datetime) -> dict[str, datetime]:
    """For each site that does not keep raw data for ever: of runs before this moment it may be gone."""
    return {site.id: now - timedelta(days=raw_days(site.keep_raw)) for site in sites if site.keep_raw is not None}


def raw_days(keep_raw: timedelta) -> int:
    """Days of a retention, rounded up; at least one."""
    return max(1, -(-int(keep_raw.total_seconds()) // 86_400))


def _try(change: Callable[[], object]) -> bool:
    """Make a change that the store may not know; False: it does not. A key that may not make it is an error."""
    try:
        change()
    except NotAllowed:
        raise
    except StoreRefused:
        return False
    return True
