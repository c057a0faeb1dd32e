"""``muniment extract``: what extraction makes of a page or of a pack of pages, and why.

The page is read from a file, from standard input, or asked for as ``muniment preview`` asks; it is judged by the very
function that judges captures. ``--explain`` shows every visible block with what became of it. ``--pack`` reads a
folder of labelled pages for `bench/extraction.py` and others that score; there a page is read whatever its kind.
No store and no archive is touched.
"""

from __future__ import annotations

import logging
import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
import typer

from pipeline.cli.output import JsonOption, console, plain_table, print_json, print_table, safe, tell_particulars
from pipeline.cli.preview import ask_for, choose_site, make_capture, stand_in_site
from pipeline.errors import MunimentError, Permanent
from pipeline.settings import read_settings
from spiders.site import Site

if TYPE_CHECKING:
    from pipeline.boilerplate import Memory
    from pipeline.extract import Examined
    from pipeline.model import Article, Finding, Moment
    from spiders.warc import Captured

log = logging.getLogger("muniment")

EXIT_FAILED: Final = 1
UNKNOWN_URL: Final = "https://page.invalid/page"
"""The address of a page that was read from a file without ``--url``: no site owns it."""
MOST_BYTES: Final = 50_000_000  # of a page's file, unpacked

_FIELDS: Final = (
    "url", "kind", "title", "standfirst", "byline", "authors", "agencies", "published", "modified", "section",
    "language", "description", "image", "tags", "free", "ward", "committee", "embargo",
)  # fmt: skip


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("extract")(extract)


def extract(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE|URL|-",
            help="The page: a file (.html, .html.gz, .pdf), its address, or - for standard input.",
            show_default=False,
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="Where a page that is read from a file was found."),
    ] = None,
    site_id: Annotated[
        str | None,
        typer.Option("--site", metavar="ID", help="Whose page it is; left out: the site that its URL names."),
    ] = None,
    as_json: JsonOption = False,
    as_text: Annotated[bool, typer.Option("--text", help="Print the text and nothing else.")] = False,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Show each block of the page in its order, kept or stripped, and why."),
    ] = False,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Allow loopback and private addresses (tests, intranets).")
    ] = False,
    pack: Annotated[
        Path | None,
        typer.Option("--pack", metavar="DIR", help="Read a pack: DIR/labels.jsonl and DIR/pages/<id>.html.gz."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="With --pack: where the predictions go, one JSON a line."),
    ] = None,
    site_memory: Annotated[
        bool,
        typer.Option("--site-memory", help="With --pack: learn first what recurs on the pages of a host."),
    ] = False,
    processes: Annotated[
        int | None, typer.Option("--processes", metavar="N", min=1, help="With --pack: how many; else all processors.")
    ] = None,
) -> None:
    """Extract the article of one page, or of every page of a pack, and show why.

    Without an option the text is shown with its structure and what is known of it; --text prints the text alone,
    --json everything, --explain every block of the page with what became of it. Nothing is kept.

    Exit code 1 when the page could not be had or read; a page that is no article is a result, not a failure.

    Examples:

      muniment extract saved.html --url https://www.example.gov.uk/news/new-bins --explain

      curl -s https://www.example.gov.uk/news/new-bins | muniment extract - --text

      muniment extract --pack packs/dev --out preds.jsonl
    """
    if pack is not None:
        if source is not None or url is not None or site_id is not None or as_json or as_text or explain:
            raise typer.BadParameter("--pack goes with --out, --site-memory and --processes only.")
        if out is None:
            raise typer.BadParameter("--pack needs --out FILE.")
        _extract_pack(pack, out, site_memory=site_memory, processes=processes or read_settings().processes)
        return
    if source is None:
        raise typer.BadParameter("Name a page: FILE, URL or - (or --pack DIR).")
    if out is not None or site_memory or processes is not None:
        raise typer.BadParameter("--out, --site-memory and --processes go with --pack.")
    if as_json and as_text:
        raise typer.BadParameter("--json or --text, not both.")
    page = _read_source(source, url, site_id, allow_private=allow_private)
    if page is not None:
        _show(page, as_json=as_json, as_text=as_text, explain=explain)
    if page is None or page.examined.reading.kind == "failed":
        raise typer.Exit(EXIT_FAILED)


# --- one page -------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Page:
    """A page that was read: what became of it, and whose it is taken to be."""

    url: str
    examined: Examined
    site: str | None


def _read_source(source: str, url: str | None, site_id: str | None, *, allow_private: bool) -> _Page | None:
    """The page that was asked for; None when it could not be had, which has been said.

    Raises:
        Permanent: the file cannot be read, or is none that holds a page.
    """
    from spiders.urls import canonical_url

    from_web = source.startswith(("http://", "https://"))
    if from_web and url is not None:
        raise typer.BadParameter("--url goes with a file or -.")
    try:
        asked = canonical_url(source if from_web else url or UNKNOWN_URL)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    now = datetime.now(UTC)
    capture: Captured | str
    if from_web:
        site, declared = choose_site(asked, site_id, allow_private=allow_private)
        capture = ask_for(site, asked, now=now)
    else:
        payload = _read_file(source)
        known = url is not None or site_id is not None
        site, declared = choose_site(asked, site_id, allow_private=False) if known else (stand_in_site(asked), False)
        capture = make_capture(url=asked, requested=asked, body=payload, now=now)
    if isinstance(capture, str):
        console(stderr=True).print(safe(f"{asked} could not be had: {capture}"), style="red")
        console(stderr=True).print("`muniment extract FILE --url URL` reads a page that was saved.")
        return None
    from pipeline.extract import examine_capture

    return _Page(url=capture.url, examined=examine_capture(site, capture), site=site.id if declared else None)


def _read_file(name: str) -> bytes:
    """The bytes of a page's file, unpacked.

    Raises:
        Permanent: it cannot be read, is too large, or holds something else than one page.
    """
    path = Path(name)
    try:
        if name != "-" and path.is_dir():
            raise Permanent(
                f"{name} is a folder.", next_step="Name a file; `muniment extract --pack DIR` reads a pack."
            )
        data = sys.stdin.buffer.read(MOST_BYTES + 1) if name == "-" else _read_start(path)
    except OSError as error:
        raise Permanent(
            f"{name} cannot be read ({error.strerror}).",
            next_step="Name a file that exists and may be read, an address that begins with https://, or - for "
            "standard input.",
        ) from error
    if data[:2] == b"\x1f\x8b":
        data = _unpack(data, name)
    if len(data) > MOST_BYTES:
        raise Permanent(f"{name} has more than {MOST_BYTES:,} bytes.", next_step="Give one page, not a collection.")
    if data[:5] == b"WARC/":
        raise Permanent(
            f"{name} is a WARC file, which holds many pages.",
            next_step="`muniment extract-segment` reads the segments of a run; here give one page's HTML or PDF.",
        )
    return data


def _read_start(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(MOST_BYTES + 1)


def _unpack(data: bytes, name: str) -> bytes:
    packed = zlib.decompressobj(wbits=31)
    try:
        page = packed.decompress(data, MOST_BYTES + 1)
        wrong = "" if packed.eof or len(page) > MOST_BYTES else "it ends too early"
    except zlib.error as error:
        page, wrong = b"", str(error)
    if wrong:
        raise Permanent(f"{name} is no whole gzip file ({wrong}).", next_step="Save or download it again.")
    return page


# --- how a page is shown --------------------------------------------------------------------------------


def _show(page: _Page, *, as_json: bool, as_text: bool, explain: bool) -> None:
    reading = page.examined.reading
    if as_json:
        print_json(_tell(page, explain=explain))
        return
    if as_text:
        if reading.article is not None:
            sys.stdout.write(reading.article.text + "\n")
        else:
            console(stderr=True).print(safe(_verdict(page)))
        return
    out = console()
    out.print(safe(page.url))
    out.print(safe(_verdict(page)), style="bold green" if reading.kind == "article" else "bold yellow")
    if explain:
        _print_blocks(page)
        return
    article = reading.article
    if article is None:
        out.print("`--explain` shows what was found on it all the same.")
        return
    out.print()
    _print_fields(article)
    out.print("\nText", style="bold")
    leaf: int | None = None
    for part in article.parts:
        if part.page is not None and part.page != leaf:
            leaf = part.page
            out.print(f"[page {leaf}]", style="dim")
        sign = _sign(part.kind, part.level, ordered=part.ordered)
        time = f"{part.time:%Y-%m-%d %H:%MZ}  " if part.time else ""
        out.print(f"{sign}{time}", style="dim", end="")
        out.print(safe(part.text))
    if not article.parts:
        out.print(safe(article.text))


def _verdict(page: _Page) -> str:
    """What became of a page, in words."""
    reading = page.examined.reading
    kind = reading.article.kind if reading.article is not None else reading.kind
    return f"{kind}: {reading.reason}" if reading.reason else kind


def _sign(kind: str, level: int | None, *, ordered: bool | None) -> str:
    """What stands before a part on the terminal, so that its kind is seen."""
    signs = {"heading": "#" * (level or 2), "quote": ">", "table": "|", "code": "`"}
    if kind == "item":
        return "  " * ((level or 1) - 1) + ("1. " if ordered else "- ")
    if kind in {"standfirst", "correction", "entry"}:
        return f"[{kind}] "
    return f"{signs[kind]} " if kind in signs else ""


def _print_fields(article: Article) -> None:
    table = plain_table("FIELD", "FROM", "SURE", "VALUE")
    for name in _FIELDS:
        value = getattr(article, name, None)
        if value in (None, "", ()):
            continue
        if isinstance(value, tuple):
            value = ", ".join(map(str, value))
        elif hasattr(value, "original"):
            value = f"{value.model_dump(mode='json')['value']} (read: {value.original}, to the {value.precision})"
        sure = article.confidence.get(name)
        table.add_row(name, article.origins.get(name, "-"), "-" if sure is None else f"{sure:.2f}", safe(str(value)))
    for name, words in tell_particulars(article.model_dump(mode="json")):
        if name not in _FIELDS:
            sure = article.confidence.get(name)
            table.add_row(name, article.origins.get(name, "-"), "-" if sure is None else f"{sure:.2f}", safe(words))
    table.add_row("words", article.origins.get("text", "-"), "-", str(article.words))
    print_table(table)


_SHOWN_CHARACTERS: Final = 240


def _print_blocks(page: _Page) -> None:
    """Every visible block in the order of the page: kept (+) or stripped (-), what it is or why it was stripped."""
    out = console()
    told = list(_tell_blocks(page.examined))
    if not told:
        out.print("No block of the page was read.")
        return
    width = max(len(block["kind"]) for block in told)
    for block in told:
        kept = block["kept"]
        out.print("+" if kept else "-", style="bold green" if kept else "bold red", end=" ")
        out.print(f"{block['kind']:<{width}}", style="cyan" if kept else "dim", end="  ")
        reason = block["why"] if block["rule"] in block["why"] else f"{block['why']} ({block['rule']})"
        out.print(safe(f"[{reason}]"), style="dim" if kept else "yellow", end="  ")
        text = " ".join(block["text"].split())
        shown = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
        out.print(safe(shown), style=None if kept else "dim")
    kept_blocks = [block for block in told if block["kept"]]
    whole = sum(len(block["text"]) for block in told)
    share = sum(len(block["text"]) for block in kept_blocks) / whole if whole else 0.0
    out.print(f"\n{len(kept_blocks)} of {len(told)} blocks kept, {share:.0%} of the page's characters.")


def _tell_blocks(examined: Examined) -> Iterator[dict[str, Any]]:
    """The visible blocks of a page, each with what became of it; of a document, which is kept whole, its parts."""
    if not examined.verdicts and examined.article is not None:
        for number, piece in enumerate(examined.article.parts):
            why = f"page {piece.page}" if piece.page else "article"
            told = {"label": "", "place": why, "link_share": 0.0, "text": piece.text}
            yield {"number": number, "kept": True, "why": why, "rule": "document", "kind": piece.kind, **told}
    parts = iter(examined.article.parts if examined.article is not None else ())
    for number, verdict in enumerate(examined.verdicts):
        part = next(parts, None) if verdict.kept else None
        block = verdict.block
        yield {
            "number": number,
            "kept": verdict.kept,
            "why": verdict.why,
            "rule": verdict.rule,
            "kind": part.kind if part is not None else block.kind,
            "label": block.label,
            "place": block.place,
            "link_share": round(block.link_share, 3),
            "text": block.text,
        }


def _tell(page: _Page, *, explain: bool) -> dict[str, Any]:
    """What there is to say of a page, as one document."""
    reading = page.examined.reading
    told: dict[str, Any] = {
        "url": page.url,
        "site": page.site,
        "verdict": reading.kind,
        "reason": reading.reason,
        "article": None if reading.article is None else reading.article.model_dump(mode="json"),
    }
    if explain:
        told["blocks"] = list(_tell_blocks(page.examined))
    return told


# --- a pack ---------------------------------------------------------------------------------------------

_SAFE_ID: Final = re.compile(r"[\w.@+-]{1,200}")
_MEMORY: Final = "memory"  # the fact of a packed page that names the file of its host's memory


@dataclass(frozen=True, kw_only=True)
class _Packed:
    """A page of a pack."""

    id: str
    url: str
    host: str
    path: Path
    captured_at: datetime


def _extract_pack(pack: Path, out: Path, *, site_memory: bool, processes: int) -> None:
    """Predictions for every page of a pack, in its order.

    Raises:
        Permanent: the pack or the file of the predictions is not as it must be.
        Temporary: the worker processes do not start.
    """
    import tempfile

    pages = _read_labels(pack, datetime.now(UTC))
    failed = 0
    with tempfile.TemporaryDirectory(prefix="muniment-pack-") as folder:
        memories = _learn_hosts(pages, Path(folder), processes) if site_memory else {}
        try:
            with out.open("wb") as stream:
                for page, finding in _run_pack(pages, memories, "judge_packed", processes, "extract"):
                    failed += finding.article is None
                    stream.write(orjson.dumps(_predict(page, finding)) + b"\n")
        except OSError as error:
            raise Permanent(
                f"{out} cannot be written ({error.strerror}).", next_step="Name a file in a folder that exists."
            ) from error
    console(stderr=True).print(f"{len(pages)} pages read, {failed} without any text; predictions in {safe(str(out))}")


def _read_labels(pack: Path, now: datetime) -> list[_Packed]:
    """The pages of a pack in its order; of a page's labels only address and day of capture are looked at."""
    labels = pack / "labels.jsonl"
    try:
        lines = labels.read_bytes().splitlines()
    except OSError as error:
        raise Permanent(
            f"{labels} cannot be read ({error.strerror}).",
            next_step="A pack is a folder with labels.jsonl (one JSON a line: id, url) and pages/<id>.html.gz.",
        ) from error
    pages: list[_Packed] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            label = orjson.loads(line)
            name = label["id"]
        except (orjson.JSONDecodeError, TypeError, KeyError) as error:
            raise Permanent(
                f"{labels}, line {number}: no JSON object with an id.", next_step="Mend or remove that line."
            ) from error
        if not isinstance(name, str) or not _SAFE_ID.fullmatch(name) or set(name) == {"."}:
            raise Permanent(
                f"{labels}, line {number}: {name!r} cannot be a file's name.",
                next_step="Use letters, digits and . _ - @ + in ids.",
            )
        pages.append(_locate(pack, name, label, now))
    return pages


def _locate(pack: Path, name: str, label: Mapping[str, Any], now: datetime) -> _Packed:
    from urllib.parse import urlsplit

    from spiders.urls import canonical_url

    try:
        url = canonical_url(str(label.get("url") or UNKNOWN_URL))
    except ValueError:
        url = UNKNOWN_URL
    try:
        captured = datetime.fromisoformat(str(label.get("crawl_date"))) + timedelta(days=1)
        captured = captured if captured.tzinfo else captured.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        captured = now
    packed = pack / "pages" / f"{name}.html.gz"
    return _Packed(
        id=name,
        url=url,
        host=urlsplit(url).hostname or "",
        path=packed if packed.exists() else packed.with_suffix(""),
        captured_at=captured,
    )


def _run_pack(
    pages: Iterable[_Packed], memories: Mapping[str, Path], function: str, processes: int, said: str
) -> Iterator[tuple[_Packed, Finding]]:
    """Findings of a pack's pages, in its order, made by worker processes with the usual limits."""
    from pipeline.workers import Extractor

    pages = list(pages)
    captures = (_capture(page, memories.get(page.host)) for page in pages)
    with Extractor(processes, function=f"pipeline.cli.extract:{function}") as extractor:
        found = extractor.extract_captures(stand_in_site(UNKNOWN_URL), captures, "")
        yield from zip(pages, _show_progress(found, len(pages), said), strict=True)


def _capture(page: _Packed, memory: Path | None) -> Captured:
    """A page of a pack as a capture; one that cannot be read is empty."""
    from dataclasses import replace

    try:
        body = _read_start(page.path)
        body = _unpack(body, page.path.name) if body[:2] == b"\x1f\x8b" else body
    except (OSError, MunimentError) as error:
        console(stderr=True).print(safe(f"{page.path}: {getattr(error, 'message', None) or error}"), style="yellow")
        body = b""
    capture = make_capture(
        url=page.url, requested=page.url, body=body, headers={"content-type": "text/html"}, now=page.captured_at
    )
    return capture if memory is None else replace(capture, facts={_MEMORY: str(memory)})


def judge_packed(site: Site, capture: Captured, warc_key: str) -> Finding:
    """What a worker makes of a page of a pack: an article wherever there is text, whatever kind of page it is."""
    from dataclasses import replace

    from pipeline.extract import examine_capture, make_finding
    from pipeline.kinds import Reading

    memory = _load_memory(capture.facts[_MEMORY]) if _MEMORY in capture.facts else None
    examined = examine_capture(stand_in_site(capture.url), capture, memory=memory)
    reading = examined.reading if examined.article is None else Reading(kind="article", article=examined.article)
    return make_finding(replace(capture, facts={}), warc_key, reading)


def observe_packed(site: Site, capture: Captured, warc_key: str) -> Finding:
    """What a worker makes of a page of a pack that is only to be learned from; a fact of the finding tells it."""
    from pipeline.extract import make_finding, observe_capture
    from pipeline.kinds import Reading

    observed = observe_capture(site, capture)
    finding = make_finding(capture, warc_key, Reading(kind="unchanged", reason="learned from"))
    return finding if observed is None else finding.model_copy(update={"facts": {_MEMORY: observed.to_json().decode()}})


@lru_cache(maxsize=16)
def _load_memory(path: str) -> Memory:
    from pipeline.boilerplate import Memory

    return Memory.model_validate_json(Path(path).read_bytes())


def _learn_hosts(pages: Iterable[_Packed], folder: Path, processes: int) -> dict[str, Path]:
    """What recurs on the pages of each host that has several, in files: a first look at all of them."""
    from pipeline.boilerplate import Observed, learn

    hosts: dict[str, list[_Packed]] = {}
    for page in pages:
        hosts.setdefault(page.host, []).append(page)
    several = [page for alike in hosts.values() if len(alike) > 1 and alike[0].url != UNKNOWN_URL for page in alike]
    seen: dict[str, list[Observed]] = {}
    for page, finding in _run_pack(several, {}, "observe_packed", processes, "learn"):
        if _MEMORY in finding.facts:
            seen.setdefault(page.host, []).append(Observed.model_validate_json(finding.facts[_MEMORY]))
    files: dict[str, Path] = {}
    for number, (host, observed) in enumerate(seen.items()):
        files[host] = folder / f"{number}.json"
        files[host].write_bytes(learn(None, observed, max(page.captured_at for page in hosts[host])).to_json())
    return files


def _predict(page: _Packed, finding: Finding) -> dict[str, Any]:
    """A line of the predictions."""
    article = finding.article
    if article is None:
        return {"id": page.id, "title": "", "authors": [], "date": None, "body": ""}
    return {
        "id": page.id,
        "title": article.title,
        "authors": [byline.name for byline in article.bylines] or list(article.authors),
        "date": day_as_written(article.published) if article.published else None,
        "body": article.text,
    }


_OFFSET: Final = re.compile(r"\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}|\((?!am|pm)[A-Za-z ]{2,40}\)|\b(?!AM|PM)[A-Z]{3,5})$")


def day_as_written(moment: Moment) -> str:
    """The day of a date as its page wrote it, in the zone in which it was written: ``2026-11-22``."""
    from pipeline.metadata import Clock, parse_moment

    text = moment.original.strip()
    bare = _OFFSET.sub("", _OFFSET.sub("", text)) if not text.isdigit() else text
    for month_first in (False, True):
        clock = Clock(zone="UTC", month_first=month_first, latest=moment.value + timedelta(days=2))
        written = parse_moment(bare, moment.source, clock)
        if written is not None and abs(written.value - moment.value) < timedelta(hours=26):
            return written.value.date().isoformat()
    return moment.value.date().isoformat()


@contextmanager
def _bar(total: int, said: str) -> Iterator[Any]:
    """A function to call for each page: it moves a bar on a terminal, and writes a line a tenth to a log."""
    from rich.progress import Progress

    if sys.stderr.isatty():
        with Progress(console=console(stderr=True)) as bars:
            task = bars.add_task(said, total=total)
            yield lambda _: bars.advance(task)
        return

    def write(number: int) -> None:
        if number * 10 // max(total, 1) != (number - 1) * 10 // max(total, 1):
            log.info("%s: %d of %d pages", said, number, total)

    yield write


def _show_progress(findings: Iterator[Finding], total: int, said: str) -> Iterator[Finding]:
    with _bar(total, said) as advance:
        for number, finding in enumerate(findings, start=1):
            advance(number)
            yield finding
