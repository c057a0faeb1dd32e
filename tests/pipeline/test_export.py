"""Exports: WACZ packages that validators and two WARC libraries accept, one CDXJ file, pywb's configuration."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import secrets
import subprocess
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastwarc.warc import ArchiveIterator as FastIterator
from warcio.archiveiterator import ArchiveIterator

from pipeline import export
from pipeline.archive import Archive
from pipeline.cdx import parse_line, read_index, rebuild_index
from pipeline.errors import NotInArchive
from pipeline.export import export_cdxj, export_pywb, export_wacz
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from pipeline.steps import Workplace
from tests.pipeline.built_archive import SITE, build_archive
from tests.pipeline.built_runs import a_run, url_of
from tests.pipeline.replaying import find_program

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def index_of(package: zipfile.ZipFile) -> list[dict[str, Any]]:
    lines = gzip.decompress(package.read("indexes/index.cdx.gz")).splitlines(keepends=True)
    assert lines == sorted(lines)
    return [vars(parse_line(line)) for line in lines]


def pages_of(package: zipfile.ZipFile) -> list[dict[str, Any]]:
    return [json.loads(line) for line in package.read("pages/pages.jsonl").splitlines()[1:]]


def check_package(path: Path) -> zipfile.ZipFile:
    """A package that agrees with itself: digests, index and records."""
    package = zipfile.ZipFile(path)
    assert package.testzip() is None
    with path.open("rb") as file:
        for entry in package.infolist():  # wabac.js takes the local header for as short as the central one without this
            file.seek(entry.header_offset + 28)
            assert entry.extra or file.read(2) == b"\x00\x00"
    described = json.loads(package.read("datapackage.json"))
    assert (described["profile"], described["wacz_version"]) == ("data-package", "1.1.1")
    listed = {resource["path"]: resource for resource in described["resources"]}
    names = set(package.namelist())
    assert set(listed) == names - {"datapackage.json", "datapackage-digest.json"}
    for name, resource in listed.items():
        body = package.read(name)
        assert resource["bytes"] == len(body)
        assert resource["hash"] == f"sha256:{hashlib.sha256(body).hexdigest()}"
    told = json.loads(package.read("datapackage-digest.json"))
    assert told["hash"] == f"sha256:{hashlib.sha256(package.read('datapackage.json')).hexdigest()}"
    for line in index_of(package):
        whole = package.read(f"archive/{line['filename']}")
        record = gzip.decompress(whole[line["offset"] : line["offset"] + line["length"]])
        assert f"WARC-Target-URI: {line['url']}\r\n".encode() in record
    return package


def read_twice(body: bytes) -> list[tuple[str, str]]:
    """Type and id of each record, as two libraries read them, with digests verified by both."""
    first, second = [], []
    for record in ArchiveIterator(io.BytesIO(body), check_digests="raise"):
        record.content_stream().read()
        first.append((record.rec_type, record.rec_headers.get_header("WARC-Record-ID")))
    for found in FastIterator(io.BytesIO(body), parse_http=False):
        if found.headers.get("WARC-Block-Digest"):
            assert found.verify_block_digest()
        second.append((found.headers["WARC-Type"], found.record_id))
    assert [kind for kind, _ in first] == [kind for kind, _ in second]
    assert [name.strip("<>") for _, name in first] == [name.strip("<>") for _, name in second]
    return first


@pytest.fixture(scope="module")
def work(seaweed: EmbeddedStore, _owner: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """One archive for all tests of this module: they only read it, or put back what they replaced."""
    bucket = f"test-{secrets.token_hex(6)}"
    home = tmp_path_factory.mktemp("export")
    with pytest.MonkeyPatch.context() as patched:
        for name, value in {**seaweed.environment(), "MUNIMENT_HOME": str(home), "MUNIMENT_SCRATCH": str(home)}.items():
            patched.setenv(name, value)
        yield build_archive(Settings(bucket=bucket))
        _owner.delete_bucket(Bucket=bucket)


def test_a_package_has_all_captures_the_same_each_time_and_is_valid_to_its_own_validator(
    work: Workplace, tmp_path: Path
) -> None:
    archive = work.archive
    told: list[int] = []
    made = export_wacz(archive, SITE.id, tmp_path / "a.wacz", title="Example", text=True, told=told.append)
    export_wacz(archive, SITE.id, tmp_path / "b.wacz", title="Example", text=True)
    assert (tmp_path / "a.wacz").read_bytes() == (tmp_path / "b.wacz").read_bytes()
    assert sorted(entry.name for entry in tmp_path.glob("*.wacz*")) == ["a.wacz", "b.wacz"]
    with check_package(tmp_path / "a.wacz") as package:
        lines = index_of(package)
        assert made.captures == len(lines) == len(list(read_index(archive, SITE.id))) == told[-1]
        assert made.bytes == (tmp_path / "a.wacz").stat().st_size
        # Members are copied byte for byte, so what two libraries verify is what the crawl recorded.
        for run, kept in zip(sorted(archive.runs(SITE.id)), package.namelist(), strict=False):
            [segment] = archive.segments(SITE.id, run)
            assert package.read(kept) == archive.store.get(segment).body
            assert read_twice(package.read(kept))[0][0] == "warcinfo"
        blocks = package.read("indexes/index.idx").decode().splitlines()
        assert json.loads(blocks[0].partition("{")[2].join(["{", ""]))["format"] == "cdxj-gzip-1.0"
        place = json.loads(blocks[1][blocks[1].index("{") :])
        packed = package.read("indexes/index.cdx.gz")[place["offset"] : place["offset"] + place["length"]]
        assert place["digest"] == f"sha256:{hashlib.sha256(packed).hexdigest()}"
        pages = pages_of(package)
        assert made.pages == len(pages) == 6
        assert pages[0]["title"] == "Bridge to close for repairs"
        assert "hangers" in pages[0]["text"]
        stamps = {(line["url"], line["timestamp"]) for line in lines}
        assert all((page["url"], re.sub(r"\D", "", page["ts"])) in stamps for page in pages)
    checked = subprocess.run(
        [find_program("wacz"), "validate", "-f", tmp_path / "a.wacz"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "Validation succeeded" in checked.stdout


def test_a_package_of_a_period_has_that_and_what_it_repeats(work: Workplace, tmp_path: Path) -> None:
    made = export_wacz(work.archive, SITE.id, tmp_path / "a.wacz", title="Example", since=NOON)
    with check_package(tmp_path / "a.wacz") as package:
        lines = index_of(package)
        early = [line for line in lines if line["timestamp"] < "20261122120000"]
        assert {(line["url"], line["timestamp"]) for line in early} == {
            (url_of("bridge"), "20261122110001"),
            (url_of("library"), "20261122090002"),
        }
        revisits = [line for line in lines if line["mime"] == "warc/revisit"]
        assert {line["url"] for line in revisits} == {url_of("bridge"), url_of("library")}
        assert {line["status"] for line in revisits} == {"200"}
        digests = {line["digest"] for line in lines if line["mime"] != "warc/revisit"}
        assert {line["digest"] for line in revisits} <= digests
        assert (made.captures, made.lone_revisits) == (len(lines), 0)
        assert [page["title"] for page in pages_of(package)] == ["Council lowers market rents"]
        for name in package.namelist():
            if name.startswith("archive/"):
                kinds = [kind for kind, _ in read_twice(package.read(name))]
                assert kinds[:4] in (
                    ["warcinfo", "response", "request", "metadata"],
                    ["warcinfo", "revisit", "request", "metadata"],
                )
    export_wacz(work.archive, SITE.id, tmp_path / "b.wacz", title="Example", until=NOON)
    with check_package(tmp_path / "b.wacz") as package:
        assert max(line["timestamp"] for line in index_of(package)) < "20261122120000"
    with pytest.raises(NotInArchive, match="no capture in this period"):
        export_wacz(work.archive, SITE.id, tmp_path / "c.wacz", title="Example", until=datetime(2020, 1, 1, tzinfo=UTC))
    assert not list(tmp_path.glob("*c.wacz*"))


def blank(archive: Archive, key: str, offset: int, length: int) -> None:
    """Put a record of the same length without a body in the place of one, as a takedown does."""
    stored = archive.store.get(key)
    record = gzip.decompress(stored.body[offset : offset + length])
    head, _, block = record.partition(b"\r\n\r\n")
    block = block.partition(b"\r\n")[0] + b"\r\n\r\n"
    head = re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(block), head)
    head = re.sub(rb"\r\nWARC-Block-Digest: [^\r]*", b"", head) + b"\r\nWARC-Truncated: unspecified"
    plain = head + b"\r\n\r\n" + block + b"\r\n\r\n"
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(plain) + packer.flush()
    rest = length - 10 - 2 - len(packed) - 8
    assert rest >= 0
    member = b"\x1f\x8b\x08\x04" + bytes(4) + b"\x02\xff" + rest.to_bytes(2, "little") + bytes(rest) + packed
    member += zlib.crc32(plain).to_bytes(4, "little") + len(plain).to_bytes(4, "little")
    assert len(member) == length
    assert gzip.decompress(member) == plain
    body = stored.body[:offset] + member + stored.body[offset + length :]
    archive.store.replace(key, body, etag=stored.etag, content_type="application/gzip")


def test_a_blanked_record_is_left_out_although_an_index_names_it(work: Workplace, tmp_path: Path) -> None:
    archive = work.archive
    gone = next(line for line in read_index(archive, SITE.id) if line.url == url_of("market"))
    before = archive.store.get(gone.filename).body
    blank(archive, gone.filename, gone.offset, gone.length)
    try:
        assert len(b"".join(rebuild_index(archive, SITE.id, a_run(0))).splitlines()) == 4
        made = export_wacz(archive, SITE.id, tmp_path / "a.wacz", title="Example")
    finally:
        etag = archive.store.get(gone.filename).etag
        archive.store.replace(gone.filename, before, etag=etag, content_type="application/gzip")
    assert made.left_out == 1
    with check_package(tmp_path / "a.wacz") as package:
        assert len([line for line in index_of(package) if line["url"] == url_of("market")]) == 1
        first = package.read(f"archive/{a_run(0)}-00000.warc.gz")
        words = [record.content_stream().read() for record in ArchiveIterator(io.BytesIO(first))]
        assert not [each for each in words if b"footfall" in each]
        assert [each for each in words if b"hangers" in each]


def test_members_are_found_whatever_is_read_at_a_time(
    work: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_wacz(work.archive, SITE.id, tmp_path / "a.wacz", title="Example", since=NOON)
    for size in (1, 700, 5000):
        monkeypatch.setattr(export, "_READ", size)
        monkeypatch.setattr(export, "_READ_MOST", size)
        monkeypatch.setattr(export, "_BLOCK_LINES", 2)
        export_wacz(work.archive, SITE.id, tmp_path / "b.wacz", title="Example", since=NOON)
        with check_package(tmp_path / "a.wacz") as first, check_package(tmp_path / "b.wacz") as second:
            assert index_of(first) == index_of(second)
            for name in first.namelist():
                if name.startswith("archive/"):
                    assert first.read(name) == second.read(name)


def test_one_cdxj_file_has_a_period_and_pywb_gets_the_place_of_what_was_not_modified(
    work: Workplace, tmp_path: Path
) -> None:
    archive = work.archive
    made = export_cdxj(archive, SITE.id, tmp_path / "a.cdxj", since=NOON)
    lines = (tmp_path / "a.cdxj").read_bytes().splitlines(keepends=True)
    assert lines == sorted(lines)
    assert made.captures == len(lines) == 5
    assert [line.to_bytes() for line in read_index(archive, SITE.id, since="20261122120000")] == lines
    told = export_pywb(archive, [SITE.id], tmp_path / "pywb")
    again = export_pywb(archive, [SITE.id], tmp_path / "pywb")
    assert told == again
    config = json.loads((tmp_path / "pywb" / "config.yaml").read_text())
    [collection] = config["collections"].values()
    assert collection["archive_paths"] == f"s3://{archive.store.bucket}/"
    index = (tmp_path / "pywb" / collection["index_paths"]).read_bytes()
    known = [parse_line(line) for line in index.splitlines(keepends=True)]
    assert told[SITE.id].captures == len(known) == 14
    assert not [line for line in known if line.status == "304"]
    bridge = [line for line in known if line.url == url_of("bridge")]
    assert (bridge[2].filename, bridge[2].offset) == (bridge[1].filename, bridge[1].offset)
    assert "secret" not in (tmp_path / "pywb" / "config.yaml").read_text().lower()
