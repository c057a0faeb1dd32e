"""``muniment history``, ``show``, ``diff`` and ``changes``: the versions of articles, and what lies between them."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from email.utils import format_datetime
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.text import Text

from pipeline.cli.feed import ChangeKind
from pipeline.cli.moments import FORMS, Instant, read_moment
from pipeline.cli.output import JsonOption, console, plain_table, print_json, print_table, safe, tell_particulars
from pipeline.settings import read_settings

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from pipeline.comparison import Comparison, Paragraph, Piece
    from pipeline.model import Moment, Version
    from pipeline.steps import Workplace

ArticleArgument = Annotated[
    str,
    typer.Argument(metavar="URL", help="URL of an article, in any form that led to it, or its id (20 hex digits)."),
]
AtOption = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help=f"The version that stood then: {FORMS}. Without a zone: UTC."),
]


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the main app."""
    app.command("history")(history)
    app.command("show")(show)
    app.command("diff")(diff)
    app.command("changes")(changes)


# --- history


def history(article: ArticleArgument, at: AtOption = None, as_json: JsonOption = False) -> None:
    """Every version of an article: when, state, kind of change, words added and removed.

    As time went by; numbers (n) are in the order in which versions were made, which differs where a run was released
    late. Words are counted against the version before that could be read. With --at, an asterisk marks the version that
    stood then.

    Example: muniment history https://news.example/bridge
    """
    from pipeline.reader import ended_in, stood_at
    from pipeline.steps import open_workplace

    work = open_workplace(read_settings())
    versions = _read_history(work, article)
    instant = _read_at(work, at)
    stood = stood_at(versions, instant.at) if instant else None
    counted = list(_count_words(versions))
    if as_json:
        print_json([_tell_version(version, words, stood) for version, words in zip(versions, counted, strict=True)])
        return
    last = versions[-1]
    out = console()
    out.print(f"{safe(_name(versions))}\n{safe(last.url)}\narticle {last.article} of {last.site}\n")
    if last.site in work.sites:
        for other, address in ended_in(work.archive, work.sites[last.site], last.article):
            out.print(f"Article {other}, {safe(address)}, has ended in this one.\n")
    table = plain_table("n", "captured", "state", "change", "edit", "words", "added", "removed", "run")
    for version, words in zip(versions, counted, strict=True):
        table.add_row(
            f"{version.n}{'*' if version is stood else ''}",
            _time(version.captured_at),
            version.state.value,
            version.change.value,
            ", ".join(version.edit.classes) if version.edit else "-",
            str(version.words) if words else "-",
            f"+{words[0]}" if words else "-",
            f"-{words[1]}" if words else "-",
            version.run,
        )
    print_table(table)
    for version in versions:
        if version.note:
            out.print(f"{version.n}: {safe(version.note)}")
        elif _is_withheld(version):
            out.print(f"{version.n}: withheld on demand")
    if instant and stood:
        out.print(f"* {_tell_choice(versions, stood, instant)}")


def _tell_version(version: Version, words: tuple[int, int] | None, stood: Version | None) -> dict[str, object]:
    told: dict[str, object] = {
        "n": version.n,
        "state": version.state,
        "change": version.change,
        "captured_at": version.model_dump(mode="json")["captured_at"],
        "url": version.url,
        "title": version.title,
        "words": version.words,
        "words_added": words and words[0],
        "words_removed": words and words[1],
        "edit": version.edit and version.edit.classes,
        "moved_to": version.moved_to,
        "note": version.note,
        "run": version.run,
        "digest": version.digest,
        "evidence": version.evidence,
    }
    return told if stood is None else {**told, "stood": version is stood}


def _count_words(versions: Iterable[Version]) -> Iterator[tuple[int, int] | None]:
    """Words added and removed, version by version in the order of time; None where there is no text to count.

    What the version itself says goes first: it compares two texts that were read alike, and stays true where the text
    before it was withheld.
    """
    from pipeline.reader import count_word_changes

    before: Version | None = None
    for version in versions:
        if not _has_text(version):
            yield None
            continue
        if version.edit:
            yield version.edit.words_added, version.edit.words_removed
        else:
            yield count_word_changes(before, version)
        before = version


# --- show


def show(
    article: ArticleArgument,
    number: Annotated[
        int | None, typer.Option("--version", "-n", min=1, help="Which version; default: the current one.")
    ] = None,
    at: AtOption = None,
    text_only: Annotated[bool, typer.Option("--text", help="Only the text, for other tools.")] = False,
    as_json: JsonOption = False,
) -> None:
    """One version of an article: headline, metadata with the place each came from, and the text.

    With --at, the version that stood at that time, as a Memento TimeGate (RFC 7089) chooses it: the latest that had
    been captured by then; before the first, the first. A time without a zone is UTC, a day without a time is its end.

    Example: muniment show https://news.example/bridge --at "2026-11-22 09:30 Europe/London"
    """
    from pipeline.reader import current, stood_at
    from pipeline.steps import open_workplace

    if number is not None and at is not None:
        raise typer.BadParameter("--version and --at choose a version each: give one of them.")
    work = open_workplace(read_settings())
    versions = _read_history(work, article)
    instant = _read_at(work, at)
    choice = None
    if instant:
        version = stood_at(versions, instant.at)
        choice = _tell_choice(versions, version, instant)
    else:
        version = current(versions) if number is None else _pick(versions, number, article)
    if as_json:
        told = version.model_dump(mode="json")
        if instant:
            told["memento"] = _tell_memento(versions, version, instant)
        print_json(told)
        return
    if choice:
        console(stderr=text_only).print(f"{safe(choice)}\nMemento-Datetime: {_http_date(version.captured_at)}\n")
    if text_only:
        print(safe(version.text))
    else:
        _print_version(version)


def _tell_choice(versions: Sequence[Version], version: Version, instant: Instant) -> str:
    """Which version stood at a time, in words."""
    asked = f"{_time(instant.at)}{f' ({instant.assumed})' if instant.assumed else ''}"
    if version.captured_at.replace(microsecond=0) > instant.at:
        return f"Nothing had been captured by {asked}: this is the first version, of {_time(version.captured_at)}."
    told = f"Version {version.n} of {len(versions)} stood at {asked}."
    if not _has_text(version):
        told += (
            f" It says that the article goes on as {version.moved_to}."
            if version.moved_to
            else f" It says that the article was {version.state.value} then."
        )
        readable = [each for each in versions if _has_text(each) and _age(each) < _age(version)]
        if readable:
            told += f" Version {readable[-1].n} is the last before it that can be read."
    return told


def _tell_memento(versions: Sequence[Version], version: Version, instant: Instant) -> dict[str, object]:
    return {
        "asked": _iso(instant.at),
        "assumed": instant.assumed or None,
        "memento_datetime": _http_date(version.captured_at),
        "before_the_first": version.captured_at.replace(microsecond=0) > instant.at,
        "first": _http_date(versions[0].captured_at),
        "last": _http_date(versions[-1].captured_at),
    }


def _origin(version: Version) -> str | None:
    origin = version.origin
    if origin is None:
        return None
    wrote = f" by {origin.software}" if origin.software else ""
    note = f"; {origin.note}" if origin.note else ""
    return f"elsewhere{wrote}: {origin.file} at {origin.offset}, sha256 {origin.sha256}{note}"


def _edit(version: Version) -> str | None:
    edit = version.edit
    if edit is None:
        return None
    return f"{', '.join(edit.classes)}: {edit.words_added} words added, {edit.words_removed} removed"


def _print_version(version: Version) -> None:
    out = console()
    out.print(safe(version.title) or "(no headline)", style="bold")
    if _is_withheld(version):
        out.print("This version is withheld on demand. What it was and where its evidence lies stands below.")
    evidence = version.evidence
    rows: list[tuple[str, str | None]] = [
        ("url", version.url),
        ("publisher", version.publisher),
        ("authors", ", ".join(version.authors)),
        ("published", _moment(version.published)),
        ("modified", _moment(version.modified)),
        ("section", version.section),
        ("language", version.language),
        ("description", version.description),
        ("image", version.image),
        ("version", f"{version.n} ({version.change}, {version.state}), {version.words} words"),
        ("captured", f"{version.captured_at:%Y-%m-%d %H:%M:%S}Z in run {version.run}"),
        ("evidence", f"{evidence.warc} at {evidence.offset}, {evidence.length} bytes, {evidence.payload_digest}"),
        ("made by", f"{version.extractor}, {version.code}"),
        ("edit", _edit(version)),
        ("moved to", version.moved_to and f"article {version.moved_to}"),
        ("redirects", ", ".join(f"{status} {url}" for status, url in version.hops)),
        ("source says", ", ".join(f"{name}: {value}" for name, value in version.facts.items())),
        ("policy", ", ".join(f"{name}: {value}" for name, value in version.policy.items())),
        ("recorded", _origin(version)),
        ("note", version.note),
    ]
    for label, value in rows:
        if value:
            origin = version.origins.get("canonical" if label == "url" else label)
            out.print(f"{label:<10}  {safe(value)}" + (f"  [{origin}]" if origin else ""))
    for name, words in tell_particulars(version.model_dump(mode="json")):
        origin = version.origins.get(name)
        out.print(f"{name.replace('_', ' '):<10}  {safe(words)}" + (f"  [{origin}]" if origin else ""))
    out.print()
    out.print(safe(version.text))
    if version.stripped:
        out.print(f"\n{len(version.stripped)} blocks of the page are not part of the text:", style="dim")
        for block in version.stripped:
            line = " ".join(block.text.split())
            out.print(f"  {block.reason}: {safe(line[:100])}{'…' if len(line) > 100 else ''}", style="dim")


def _moment(moment: Moment | None) -> str | None:
    if moment is None:
        return None
    shown = f"{moment.value:%Y-%m-%d}" if moment.precision == "day" else f"{moment.value:%Y-%m-%d %H:%M:%S}Z"
    return f"{shown} (read as {moment.original!r}{', zone assumed' if moment.zone_assumed else ''})"


# --- diff


def diff(
    article: ArticleArgument,
    older: Annotated[
        int | None, typer.Argument(metavar="[A]", min=1, help="Number of a version; left out: the two latest readable.")
    ] = None,
    newer: Annotated[
        int | None, typer.Argument(metavar="[B]", min=1, help="The version to compare it with; left out: the current.")
    ] = None,
    whole: Annotated[bool, typer.Option("--full", help="Also the paragraphs far from any change.")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="One self-contained page, to stdout or to -o FILE.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here instead of to stdout.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """How two versions differ: headline and metadata as fields, the text by paragraph and word.

    On a terminal what was added is green and underlined, what was removed red and struck through; elsewhere, or with
    NO_COLOR, [-removed-] and {+added+}. A sign leads each paragraph: ~ changed, + added, - removed, > moved here, <
    moved away.

    Examples: muniment diff https://news.example/bridge; muniment diff 0f115db062b7c0dd030b 1 3 --html -o bridge.html
    """
    from pipeline.comparison import compare_versions
    from pipeline.steps import open_workplace

    if as_html and as_json:
        raise typer.BadParameter("--html and --json are two forms: give one of them.")
    if output and not (as_html or as_json):
        raise typer.BadParameter("-o takes the page of --html or the document of --json: give one of them.")
    work = open_workplace(read_settings())
    old, new = _choose_two(_read_history(work, article), older, newer, article)
    comparison = compare_versions(old, new)
    if as_html:
        from pipeline.cli.difference_page import draw_page

        _write(draw_page(old, new, comparison), output)
    elif as_json:
        document = orjson.dumps(_tell_comparison(old, new, comparison), option=orjson.OPT_INDENT_2).decode() + "\n"
        _write(document, output)
    else:
        _print_comparison(old, new, comparison, whole=whole)


def _choose_two(
    versions: Sequence[Version], older: int | None, newer: int | None, article: str
) -> tuple[Version, Version]:
    from pipeline.errors import NotInArchive
    from pipeline.reader import current

    if older is not None:
        new = current(versions) if newer is None else _pick(versions, newer, article)
        return _pick(versions, older, article), new
    readable = [version for version in versions if _has_text(version)]
    if len(readable) < 2:
        count = {0: "no version", 1: "one version"}[len(readable)]
        raise NotInArchive(
            f"{article} has {count} that can be read, of {len(versions)}: there is nothing to compare.",
            next_step=f"`muniment history {quote(article)}` lists them; "
            f"`muniment diff {quote(article)} A B` compares any two.",
        )
    return readable[-2], readable[-1]


def _tell_comparison(old: Version, new: Version, comparison: Comparison) -> dict[str, object]:
    return {
        "site": new.site,
        "article": new.article,
        "url": new.url,
        "old": _tell_side(old),
        "new": _tell_side(new),
        "edit": comparison.classes,
        "words_added": comparison.words_added,
        "words_removed": comparison.words_removed,
        "title": comparison.title,
        "fields": comparison.fields,
        "paragraphs": comparison.paragraphs,
    }


def _tell_side(version: Version) -> dict[str, object]:
    names = {"n", "state", "change", "captured_at", "url", "title", "words", "digest", "run", "note", "evidence"}
    return version.model_dump(mode="json", include=names | {"extractor", "code"})


_SIGNS = {"same": " ", "changed": "~", "added": "+", "removed": "-", "moved": ">", "left": "<"}
_STYLES = {"same": "", "added": "green underline", "removed": "red strike"}
_MARKS = {"same": "{}", "added": "{{+{}+}}", "removed": "[-{}-]"}


def _print_comparison(old: Version, new: Version, comparison: Comparison, *, whole: bool) -> None:
    out = console()
    for sign, style, version in (("---", "red", old), ("+++", "green", new)):
        told = f"{sign} version {version.n}  {_time(version.captured_at)}  {version.change}, {version.state}"
        out.print(f"{told}  run {version.run}", style=style)
    out.print(f"{safe(new.url)}\n")
    headline = Text("headline: ", style="bold")
    out.print(headline.append_text(_draw(out, comparison.title)))
    for change in comparison.fields:
        label = Text(f"{change.name.replace('_', ' ')}: ", style="bold")
        out.print(label.append_text(_draw(out, change.pieces or _as_pieces(change.old, change.new))))
    out.print()
    _print_paragraphs(out, comparison.paragraphs, whole=whole)
    out.print()
    if comparison.has_edits:
        words = f"{comparison.words_added} word{'' if comparison.words_added == 1 else 's'} added"
        kinds = ", ".join(comparison.classes) or "a cosmetic edit"
        out.print(f"{words}, {comparison.words_removed} removed ({kinds})")
    else:
        out.print("Headline and text are the same.")
    for version in (old, new):
        if not version.text:
            out.print(f"Version {version.n} has no text: it says that the article is {version.state}.")


def _print_paragraphs(out: Console, paragraphs: Sequence[Paragraph], *, whole: bool) -> None:
    from pipeline.cli.difference_page import hide_unchanged

    hidden = hide_unchanged(paragraphs, 1)
    skipped = 0
    for paragraph, far in zip(paragraphs, hidden, strict=True):
        if far and not whole:
            skipped += 1
            continue
        if skipped:
            out.print(f"  … {skipped} unchanged paragraphs", style="dim")
            skipped = 0
        line = Text(f"{_SIGNS[paragraph.kind]} ")
        if paragraph.kind == "left":
            line.append(f"(paragraph {paragraph.old} stood here; now paragraph {paragraph.new})", style="dim")
        elif paragraph.kind == "moved":
            line.append(f"(was paragraph {paragraph.old}) ", style="dim")
        elif not paragraph.pieces:
            line.append("(an empty line)", style="dim")
        out.print(line.append_text(_draw(out, paragraph.pieces)))
    if skipped:
        out.print(f"  … {skipped} unchanged paragraphs", style="dim")


def _as_pieces(old: Sequence[str], new: Sequence[str]) -> list[Piece]:
    from pipeline.comparison import Piece

    parts = [Piece(mark="removed", text=", ".join(old)), Piece(mark="added", text=", ".join(new))]
    return [part for part in parts if part.text]


def _draw(out: Console, pieces: Iterable[Piece]) -> Text:
    coloured = out.is_terminal and not out.no_color
    line = Text()
    for piece in pieces:
        words = safe(piece.text)
        line.append(words if coloured else _MARKS[piece.mark].format(words), _STYLES[piece.mark] if coloured else "")
    return line


def _write(text: str, output: Path | None) -> None:
    """To stdout as UTF-8, or to a file that is there whole or not at all."""
    body = text.encode()
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return
    try:
        handle, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
            mask = os.umask(0)
            os.umask(mask)
            Path(name).chmod(0o666 & ~mask)
            Path(name).replace(output)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise typer.BadParameter(f"{output} cannot be written: {error.strerror or error}.") from error
    console(stderr=True).print(f"written to {output}")


# --- changes


def changes(
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help=f"Captured then or later: {FORMS}.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Captured then or earlier; a day is meant whole.")
    ] = None,
    sites: Annotated[
        list[str] | None, typer.Option("--site", metavar="SITE", help="Only this site; may be given again.")
    ] = None,
    kinds: Annotated[
        list[ChangeKind] | None,
        typer.Option("--kind", help="Only these: of a version, of its edit, or redacted; may be given again."),
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="A,B,…", help="Only these columns in --json and --jsonl.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="The oldest so many; 0: all.")] = 1000,
    as_json: JsonOption = False,
    as_lines: Annotated[bool, typer.Option("--jsonl", help="Print a row a line, as JSON.")] = False,
) -> None:
    """A feed of changes: the versions that were made, oldest first, as rows of the table.

    Example: muniment changes --since 7d --kind headline --kind correction --site localgov
    """
    from pipeline.cli.feed import Wanted, iter_changes
    from pipeline.steps import open_workplace

    if as_json and as_lines:
        raise typer.BadParameter("--json and --jsonl are two forms: give one of them.")
    if columns and not (as_json or as_lines):
        raise typer.BadParameter("--columns is for --json and --jsonl: give one of them.")
    chosen = _choose_columns(columns) if as_json or as_lines else _SHOWN
    work = open_workplace(read_settings())
    now = work.settings.now()
    first = read_moment(since, now=now, day="begins") if since else None
    last = read_moment(until, now=now, day="ends") if until else None
    _check_sites(work, sites or ())
    wanted = Wanted(
        sites=sites or (), since=first.at if first else None, until=last.at if last else None, kinds=kinds or ()
    )
    rows = iter_changes(work.archive, wanted, columns=chosen, limit=limit + 1 if limit else None)
    for option, instant in (("--since", first), ("--until", last)):
        if instant and instant.assumed:
            console(stderr=True).print(f"{option} {_time(instant.at)}: {instant.assumed}")
    count, more = _print_rows(rows, limit, as_json=as_json, as_lines=as_lines)
    if more:
        console(stderr=True).print(f"There are more than these {count}: --limit, or --since with the last one's time.")
    elif not count and not as_json:
        console(stderr=True).print("No version is like this.")


_SHOWN = [
    "captured_at",
    "site",
    "article",
    "n",
    "state",
    "change",
    "edit",
    "words_added",
    "words_removed",
    "title",
    "url",
]


def _choose_columns(columns: str | None) -> list[str] | None:
    from pipeline.table import SCHEMA

    if columns is None:
        return None
    names = [name.strip() for name in columns.split(",") if name.strip()]
    unknown = [name for name in names if name not in SCHEMA.names]
    if unknown or not names:
        raise typer.BadParameter(
            f"no such column: {', '.join(unknown) or columns!r}; there are {', '.join(SCHEMA.names)}."
        )
    return names


def _check_sites(work: Workplace, sites: Iterable[str]) -> None:
    from pipeline.errors import NotInArchive

    there = {*work.sites, *work.archive.sites()} if sites else set()
    for site in sites:
        if site not in there:
            raise NotInArchive(
                f"There is no site {site!r}, neither among the site files nor in the archive.",
                next_step="`muniment sites list` shows the sites.",
            )


def _print_rows(rows: Iterator[dict[str, Any]], limit: int, *, as_json: bool, as_lines: bool) -> tuple[int, bool]:
    """Print them as they come; how many, and whether there are more."""
    out = console()
    count = 0
    if as_json:
        sys.stdout.write("[")
    for row in rows:
        if limit and count == limit:
            break
        count += 1
        if as_json or as_lines:
            line = orjson.dumps(row, option=orjson.OPT_UTC_Z).decode()
            sys.stdout.write(f"{line}\n" if as_lines else f"{',' if count > 1 else ''}\n{line}")
        else:
            out.print(_tell_row(row))
    else:
        limit = 0
    if as_json:
        sys.stdout.write("\n]\n")
    return count, bool(limit)


def _tell_row(row: Mapping[str, Any]) -> str:
    kind = str(row["change"])
    if row["state"] == "redacted":
        kind += ", redacted"
    if row["edit"]:
        kind += f": {', '.join(row['edit'])} +{row['words_added'] or 0} -{row['words_removed'] or 0}"
    where = f"{row['site']}  {row['article']} {row['n']}"
    title = " ".join(safe(row["title"] or "(no headline)").split())
    return f"{_time(row['captured_at'])}  {where}  {kind}  {title}  {safe(row['url'])}"


# --- what they share


def _read_history(work: Workplace, article: str) -> list[Version]:
    """All versions of an article as time went by."""
    from pipeline.reader import find

    site, name = find(work.archive, work.sites.values(), article)
    return sorted(work.archive.versions(site, name), key=_age)


def _pick(versions: Sequence[Version], number: int, article: str) -> Version:
    from pipeline.errors import NotInArchive

    for version in versions:
        if version.n == number:
            return version
    raise NotInArchive(
        f"There is no version {number} of {article}; it has {len(versions)}.",
        next_step=f"`muniment history {quote(article)}` lists them.",
    )


def _read_at(work: Workplace, at: str | None) -> Instant | None:
    return None if at is None else read_moment(at, now=work.settings.now(), day="ends")


def _age(version: Version) -> tuple[datetime, int]:
    return version.captured_at, version.n


def _is_withheld(version: Version) -> bool:
    return version.state == "redacted"


def _has_text(version: Version) -> bool:
    """Whether it tells what stood on the page."""
    return version.state not in ("gone", "blocked", "redacted") and version.moved_to is None


def _name(versions: Sequence[Version]) -> str:
    return next((version.title for version in reversed(versions) if version.title), "(no headline)")


def _time(moment: datetime) -> str:
    return f"{moment.replace(tzinfo=None).isoformat(' ', 'seconds')}Z"  # strftime writes the year 1 as "1"


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _http_date(moment: datetime) -> str:
    """As the header Memento-Datetime has it (RFC 7089, section 2.1.1: RFC 1123 in GMT)."""
    return format_datetime(moment.replace(microsecond=0), usegmt=True)
