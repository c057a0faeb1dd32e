"""``muniment run``, ``backfill``, ``status`` and ``endangered``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.output import JsonOption, console, plain_table, print_json, print_table, safe
from pipeline.settings import read_settings

if TYPE_CHECKING:
    from pipeline.status import SiteStatus

SiteArgument = Annotated[str, typer.Argument(metavar="SITE", help="Id of a site; `muniment sites list` shows them.")]


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the main app."""
    app.command("run")(run)
    app.command("backfill")(backfill)
    app.command("extract-segment")(extract_segment)
    app.command("status")(status)
    app.command("endangered")(endangered)


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
    """How every site stands: last run, verdict, new, changed, gone, unchanged, failed, next run, and open alarms."""
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
            cause = f"{line.cause}: " if line.cause else ""
            console().print(f"\n{line.site}: {cause}{safe(line.message)}")
        for alarm in line.alarms:
            seen = ", acknowledged" if alarm.acknowledged else ""
            told = f"{alarm.kind} since {alarm.since:%Y-%m-%d %H:%M}Z{seen}: {safe(alarm.sentence)}"
            console().print(f"\n{line.site}: alarm {told}")


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
