"""An archive that is whole, and the hand that damages it: built once for all tests of this folder."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from pipeline.archive import Archive
from pipeline.audit import Audited, audit_archive
from pipeline.model import article_id
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from pipeline.steps import Workplace
from tests.pipeline.built_archive import SITE, build_archive
from tests.pipeline.built_runs import a_run, url_of
from tests.pipeline.damage import RawBucket, forge_chain, forge_version, open_raw

BRIDGE, MARKET = article_id(url_of("bridge")), article_id(url_of("market"))
FIRST, SECOND, THIRD = a_run(0), a_run(2), a_run(6)
MARKER = "muniment.json"


@dataclass(frozen=True, kw_only=True)
class Bench:
    """An archive that is whole, and the hand that damages it."""

    work: Workplace
    raw: RawBucket

    @property
    def archive(self) -> Archive:
        return self.work.archive

    def audit(self, **options: Any) -> Audited:
        return audit_archive(self.archive, patience=0, **options)


@pytest.fixture(scope="package")
def built(seaweed: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bucket = f"test-{secrets.token_hex(6)}"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**seaweed.environment(), "MUNIMENT_BUCKET": bucket}.items():
            patch.setenv(name, value)
        work = build_archive(Settings(home=tmp_path_factory.mktemp("home")))
        raw = open_raw(seaweed.environment(), bucket)
        raw.keep()
        yield Bench(work=work, raw=raw)
        raw.client.delete_bucket(Bucket=bucket)
        raw.client.close()


@pytest.fixture
def bench(built: Bench) -> Iterator[Bench]:
    yield built
    built.raw.restore()


def named(told: Audited) -> set[str]:
    return {each.key for each in told.discrepancies}


def keys_of_kind(archive: Archive) -> dict[str, str]:
    """An object of each kind."""
    return {
        "segment": archive.segment_key(SITE.id, SECOND, 0),
        "crawl": archive.crawl_key(SITE.id, SECOND),
        "findings": archive.extracted_key(SITE.id, SECOND, 0),
        "lessons": archive.lessons_key(SITE.id, FIRST),
        "report": archive.report_key(SITE.id, THIRD),
        "published": archive.published_key(SITE.id, SECOND),
        "first version": archive.version_key(SITE.id, BRIDGE, 1),
        "latest version": archive.version_key(SITE.id, BRIDGE, 2),
        "index": archive.index_key(SITE.id, SECOND),
        "part of an index": archive.index_part_key(SITE.id, SECOND, 0),
        "first entry": archive.journal_key(SITE.id, 1),
        "entry": archive.journal_key(SITE.id, 2),
    }


KINDS = tuple(keys_of_kind(Archive.__new__(Archive)))


def forge(bench: Bench, key: str, **changes: Any) -> None:
    """Replace a version, and write the whole journal anew so that it agrees."""
    body = forge_version(bench.raw, key, **changes)
    new = {"key": key, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}

    def change(entry: dict[str, Any]) -> dict[str, Any]:
        return {**entry, "objects": [new if each["key"] == key else each for each in entry["objects"]]}

    forge_chain(bench.raw, SITE.id, change)
