"""``muniment run``, ``backfill``, ``status``, ``endangered``, ``history`` and ``show``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.output import JsonOption, console, plain_table, print_json, print_table, safe, tell_particulars
from pipeline.settings import read_settings

if TYPE_CHECKING:
    from pipeline.model import Moment, Version
    from pipeline.status import SiteStatus

SiteArgument = Annotated[str, typer.Argument(metavar="SITE", help="Id of a site; `muniment sites list` shows them.")]
UrlArgument = Annotated[str, typer.Argument(metavar="URL", help="URL of an article, in any form that led to it.")]


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the main app."""
    app.command("run")(run)
    app.command("backfill")(backfill)
    app.command("extract-segment")(extract_segment)
    app.command("status")(status)
    app.command("endangered")(endangered)
    app.command("history")(history)
    app.command("show")(show)


def run(
    site: SiteArgument,
    run_id: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Go on with this run instead of beginning one.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Fetch at most so many article pages.")] = None,
    now: Annotated[bool, typer.Option("--now", help="Also outside of the site's crawl windows.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Crawl, extract, check and publish one site, as its DAG does, without Airflow.

    A run that was interrupted goes on with --run and the id that was printed. Outside of the site's crawl windows
    nothing is done, which is no failure.
    """
    from pipeline.cli.progress import show_progress
    from pipeline.steps import find_closed_window, new_run, open_workplace, run_site

    work = open_workplace(read_settings())
    work.site(site)
    name = run_id or new_run(work.settings)
    if not now and (closed := find_closed_window(work, site, name)):
        if as_json:
            print_json({"site": site, "run": None, "verdict": None, "message": closed})
        else:
            console().print(f"{safe(closed)} Nothing was fetched; --now crawls all the same.")
        return
    console(stderr=True).print(f"run {name} of {site}")
    with show_progress() as progress:
        result = run_site(work, site, name, limit=limit, anytime=now, progress=progress)
    if as_json:
        print_json(
            {
                "site": site,
                "run": name,
                "verdict": result.report.verdict,
                "message": result.report.message,
                "published": result.published,
                "seconds": result.seconds,
            }
        )
        return
    out = console()
    published = result.published
    out.print(f"{result.report.verdict}: {safe(result.report.message)}")
    if published:
        for title, counts in (("outcomes", published.outcomes), ("versions", published.versions)):
            told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
            out.print(f"{title}: {told or 'none'}")
    out.print("seconds: " + ", ".join(f"{step} {value:.1f}" for step, value in result.seconds.items()))


def backfill(
    site: SiteArgument,
    since: Annotated[datetime, typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="First day that is wanted.")],
    until: Annotated[
        datetime | None,
        typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="Last day that is wanted; left out: today."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="End after so many fetched pages; the same command goes on.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Walk anew where this window was finished before.")] = False,
    now: Annotated[
        bool, typer.Option("--now", help="Wait neither for regular runs of the site nor for its crawl windows.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch what a site published in a window of the past, run by run, until its start is passed.

    Interrupted, it goes on with the same command. Between two runs a regular run of the site that is due goes first.

    Example: muniment backfill durham --since 2024-01-01 --until 2024-12-31
    """
    from pipeline.backfill import Backfill, tell_progress
    from pipeline.cli.progress import show_progress
    from pipeline.steps import open_workplace, run_backfill
    from spiders.window import Window

    work = open_workplace(read_settings())
    window = Window(since=since.date(), until=until.date() if until else None)
    shown = console(stderr=True)

    def tell(standing: Backfill) -> None:
        shown.print(f"backfill of {site}, run {standing.chunks}: {safe(tell_progress(standing).message)}")

    with show_progress() as progress:
        standing = run_backfill(
            work, site, window, limit=limit, again=again, anytime=now, progress=progress, on_chunk=tell
        )
    told = tell_progress(standing)
    if as_json:
        print_json(told)
    else:
        console().print(f"{told.since} to {told.until}: {safe(told.message)}")
        if standing.unfinished:
            console().print("There is more: the same command goes on.")
    if standing.stopped:
        raise typer.Exit(1)


def extract_segment(
    site: SiteArgument,
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="Id of the run.")],
    segment: Annotated[int, typer.Argument(min=0, help="Number of the segment.")],
    as_json: JsonOption = False,
) -> None:
    """Extract one segment of a run that was crawled (the DAG does this by itself)."""
    from pipeline.steps import extract, open_workplace

    counts = extract(open_workplace(read_settings()), site, run_id, segment)
    if as_json:
        print_json(counts)
    else:
        console().print(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "no pages")


def status(
    sites: Annotated[list[str] | None, typer.Argument(metavar="[SITE]...", help="Only these sites.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also sites that never ran.")] = False,
    as_json: JsonOption = False,
) -> None:
    """How every site stands: last run, verdict, new, changed, gone, unchanged, failed, and the next run."""
    from pipeline.status import read_status
    from pipeline.steps import open_workplace

    work = open_workplace(read_settings())
    chosen = [work.site(name) for name in sites] if sites else list(work.sites.values())
    lines = read_status(work.archive, chosen, work.settings.now())
    if as_json:
        print_json(lines)
        return
    shown = [line for line in lines if every or sites or line.last_run]
    if shown:
        _print_status(shown)
    if len(shown) < len(lines):
        console(stderr=True).print(f"{len(lines) - len(shown)} more sites never ran (--all shows them)")


def _print_status(lines: list[SiteStatus]) -> None:
    table = plain_table("site", "last run", "verdict", "new", "changed", "gone", "unchanged", "failed", "next run")
    for line in lines:
        verdict = (line.verdict or "never ran") + ("" if line.published or not line.verdict else ", not published")
        counts = (line.new, line.changed, line.gone, line.unchanged, line.failed)
        due = f"{line.next_run:%Y-%m-%d %H:%M}Z" if line.next_run else "by hand"
        table.add_row(line.site, line.last_run or "-", verdict, *map(str, counts), due)
    print_table(table)
    for line in lines:
        if line.message:
            console().print(f"\n{line.site}: {safe(line.message)}")


def endangered(
    sites: Annotated[list[str] | None, typer.Argument(metavar="[SITE]...", help="Only these sites.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Sites that are to close: days left, how far the last full capture is, and what became of their articles.

    A site is endangered when its file says so: `endangered = 2027-04-01`. Example: muniment endangered --json
    """
    from pipeline.status import read_endangered
    from pipeline.steps import open_workplace

    work = open_workplace(read_settings())
    chosen = [work.site(name) for name in sites] if sites else list(work.sites.values())
    lines = read_endangered(work.archive, chosen, work.settings.now())
    if as_json:
        print_json(lines)
        return
    if not lines:
        console().print("No site is endangered; `endangered = DATE` in a site's file says that it is.")
        return
    table = plain_table("site", "closes", "days left", "schedule", "last full capture", "articles", "state")
    for line in lines:
        left = str(line.days_left) if line.days_left > 0 else f"closed {-line.days_left} days ago"
        states = ", ".join(f"{count} {state}" for state, count in line.states.items()) or "-"
        capture = line.capture.removeprefix("last full capture: ")
        table.add_row(line.site, f"{line.closes}", left, line.schedule, capture, str(line.articles), states)
    print_table(table)


def history(url: UrlArgument, as_json: JsonOption = False) -> None:
    """Every version of an article: when, state, kind of change, words added and removed."""
    from pipeline.reader import count_word_changes, ended_in, find_article
    from pipeline.steps import open_workplace

    work = open_workplace(read_settings())
    versions = find_article(work.archive, work.sites.values(), url)
    changes = [count_word_changes(older, newer) for older, newer in zip([None, *versions], versions, strict=False)]
    if as_json:
        print_json(
            [
                {
                    "n": version.n,
                    "state": version.state,
                    "change": version.change,
                    "captured_at": version.model_dump(mode="json")["captured_at"],
                    "url": version.url,
                    "title": version.title,
                    "words": version.words,
                    "words_added": added,
                    "words_removed": removed,
                    "edit": version.edit and version.edit.classes,
                    "moved_to": version.moved_to,
                    "note": version.note,
                    "run": version.run,
                    "digest": version.digest,
                    "evidence": version.evidence,
                }
                for version, (added, removed) in zip(versions, changes, strict=True)
            ]
        )
        return
    last = versions[-1]
    console().print(f"{safe(last.title)}\n{safe(last.url)}\narticle {last.article} of {last.site}\n")
    for article, address in ended_in(work.archive, work.sites[last.site], last.article):
        console().print(f"Article {article}, {safe(address)}, has ended in this one.\n")
    table = plain_table("n", "captured", "state", "change", "edit", "words", "added", "removed", "run")
    for version, (added, removed) in zip(versions, changes, strict=True):
        when = f"{version.captured_at:%Y-%m-%d %H:%M:%S}Z"
        table.add_row(
            str(version.n),
            when,
            version.state.value,
            version.change.value,
            ", ".join(version.edit.classes) if version.edit else "-",
            str(version.words),
            f"+{added}",
            f"-{removed}",
            version.run,
        )
    print_table(table)
    for version in versions:
        if version.note:
            console().print(f"{version.n}: {safe(version.note)}")


def show(
    url: UrlArgument,
    number: Annotated[
        int | None, typer.Option("--version", "-n", min=1, help="Which version; default: the current one.")
    ] = None,
    text_only: Annotated[bool, typer.Option("--text", help="Only the text, for other tools.")] = False,
    as_json: JsonOption = False,
) -> None:
    """One version of an article: headline, metadata with the place each came from, and the text."""
    from pipeline.errors import NotInArchive
    from pipeline.reader import current, find_article
    from pipeline.steps import open_workplace

    work = open_workplace(read_settings())
    versions = find_article(work.archive, work.sites.values(), url)
    if number is None:
        version = current(versions)
    else:
        try:
            version = versions[number - 1]
        except IndexError:
            raise NotInArchive(
                f"There is no version {number} of {url}; it has {len(versions)}.",
                next_step=f"`muniment history {url}` lists them.",
            ) from None
    if as_json:
        print_json(version)
    elif text_only:
        print(safe(version.text))
    else:
        _print_version(version)


def _edit(version: Version) -> str | None:
    edit = version.edit
    if edit is None:
        return None
    return f"{', '.join(edit.classes)}: {edit.words_added} words added, {edit.words_removed} removed"


def _print_version(version: Version) -> None:
    out = console()
    out.print(safe(version.title), style="bold")
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
