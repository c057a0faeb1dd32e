"""docs/archive-format.md says all that is there, and its program runs on a real archive."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel

from pipeline import model
from pipeline.archive import Archive, describe_version, published_key, version_key
from pipeline.model import Change, Evidence, Published, State, Version, article_id, content_digest, run_id
from pipeline.table import SCHEMA
from spiders import protocol
from spiders.warc import Exchange, SegmentWriter, payload_digest, read_captures

TEXT = (Path(__file__).parent.parent / "docs" / "archive-format.md").read_text(encoding="utf-8")
URL = "https://www.localgov.example/news/budget"
AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)

DOCUMENTS: list[type[BaseModel]] = [
    found
    for module in (model, protocol)
    for found in vars(module).values()
    if isinstance(found, type) and issubclass(found, BaseModel) and found.__module__ == module.__name__
    if found.__name__ not in {"Document", "_Told"}
]


def _first_cells(heading: str) -> list[str]:
    """What stands in backticks in the first column of the table below a heading."""
    section = re.split(r"^#{2,3} ", TEXT.partition(f"\n{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.__name__)
def test_every_field_of_every_document_is_described_and_no_other(document: type[BaseModel]) -> None:
    inherited = {name for base in document.__bases__ for name in getattr(base, "model_fields", {})}
    own = [name for name in document.model_fields if name not in inherited]
    assert _first_cells(f"### {document.__name__}") == own


def test_every_column_of_the_table_is_described_and_no_other() -> None:
    assert sorted(_first_cells("## The table")) == sorted(SCHEMA.names)


def test_all_user_metadata_is_described_and_no_other(archive: Archive) -> None:
    (version,) = _publish(archive, Path("unused"), segment=None)
    assert _first_cells("## User metadata") == list(describe_version(version))


def test_every_word_for_a_state_a_change_and_an_outcome_is_explained() -> None:
    for words in (model.State, model.Change, model.Outcome):
        for word in words:
            assert f"`{word.value}`" in TEXT


def test_links_within_the_document_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", found.lower()).replace(" ", "-")
        for found in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings


def test_the_program_of_the_document_reads_an_archive_and_checks_its_evidence(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (version,) = _publish(archive, tmp_path, segment=0)
    program: dict[str, object] = {}
    blocks = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 6
    exec("\n".join(blocks), program)
    said = capsys.readouterr().out
    assert "new Budget “agreed”" in said
    assert f"1 live {version.digest}" in said
    assert program["content_digest"](version.title, version.text) == version.digest  # type: ignore[operator]
    assert program["short"](version_key("localgov", version.article, 1))["state"] == "live"  # type: ignore[operator]
    assert list(program["findings"]("localgov", version.run)) == []  # type: ignore[operator]
    assert program["current"](program["history"]("localgov", URL))["n"] == 1  # type: ignore[operator]

    forged = version.model_copy(update={"evidence": version.evidence.model_copy(update={"payload_digest": "sha256:0"})})
    with pytest.raises(AssertionError):
        program["check_evidence"](forged.model_dump(mode="json"))  # type: ignore[operator]


def _publish(archive: Archive, folder: Path, *, segment: int | None) -> list[Version]:
    """A published run with one version and, with a ``segment``, its real WARC file."""
    run = run_id(AT, "documented")
    evidence = Evidence(
        warc=archive.segment_key("localgov", run, 0),
        offset=0,
        length=1,
        record_id="<urn:uuid:0>",
        payload_digest=payload_digest(b""),
        status=200,
        captured_at=AT,
    )
    if segment is not None:
        writer = SegmentWriter(folder, run=run, first=0, info={}, max_bytes=2**20, max_seconds=60)
        writer.write_exchange(
            Exchange(
                kind="page",
                url=URL,
                requested=URL,
                status=200,
                request_head=b"GET /news/budget HTTP/1.1\r\nHost: www.localgov.example\r\n\r\n",
                response_head=b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
                payload=b"<h1>Budget</h1>\r\n\r\n<p>Agreed.",
                captured_at=AT,
            )
        )
        writer.seal()
        path = folder / writer.sealed[0]
        archive.upload_segment("localgov", run, segment, path)
        with path.open("rb") as file:
            (capture,) = read_captures(file)
        evidence = evidence.model_copy(
            update={
                "offset": capture.offset,
                "length": capture.length,
                "record_id": capture.record_id,
                "payload_digest": capture.payload_digest,
            }
        )
    version = Version(
        site="localgov",
        article=article_id(URL),
        n=1,
        state=State.LIVE,
        change=Change.NEW,
        url=URL,
        final_url=URL,
        requested_url=URL,
        title="Budget “agreed”",
        text="The budget – at last…\nwas agreed.",
        words=6,
        digest=content_digest("Budget “agreed”", "The budget – at last…\nwas agreed."),
        publisher="LocalGov",
        run=run,
        captured_at=AT,
        evidence=evidence,
        extractor="trafilatura 2.3.1",
        code="muniment 0.1.0",
    )
    archive.put_version(version)
    made = (version_key("localgov", version.article, 1),)
    published = Published(
        site="localgov", run=run, outcomes={"archived": 1}, discovered=1, versions={"new": 1}, made=made, table_rows=1
    )
    archive.write_published(published)
    assert archive.store.head(published_key("localgov", run)) is not None
    return [version]
