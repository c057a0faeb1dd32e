"""``muniment release`` and ``muniment reextract``: what becomes of a rejected run, and captures read anew."""

from __future__ import annotations

import getpass
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.output import JsonOption, console, plain_table, print_json, print_table, safe
from pipeline.errors import NotInArchive, RunRejected, SettingsError
from pipeline.model import RUN_ID
from pipeline.settings import read_settings

if TYPE_CHECKING:
    from pipeline.archive import Archive
    from pipeline.model import Comparison
    from pipeline.steps import Reextracted, Workplace

_WAYS = {
    "text": "another text",
    "came": "no article before",
    "went": "no article any more",
    "fields": "other fields",
}


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the main app."""
    app.command("release")(release)
    app.command("reextract")(reextract)


def release(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id of a rejected run; `muniment runs SITE` shows them.")],
    reason: Annotated[
        str, typer.Option("--reason", metavar="WHY", help="Why it is right; stands in the journal for ever.")
    ],
    by: Annotated[str, typer.Option("--by", metavar="WHO", help="Who says so; left out: your login name.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Publish a run that the gate rejected, because you have looked at it and it is right.

    Look first: `muniment inspect RUN`. Where its pages were read wrongly, correct the site's file and use `muniment
    reextract RUN` instead. Newer runs may be published already: their texts stay the current ones. Interrupted, the
    same command goes on.

    Example: muniment release 20261122T090000Z-1a2b3c4d --reason "The council closed ten pages on purpose"
    """
    from pipeline import steps

    work = steps.open_workplace(read_settings())
    site = _find_site(work.archive, run)
    published = steps.release(work, site, run, by=by or getpass.getuser(), reason=reason)
    if as_json:
        print_json({"site": site, "run": run, "published": published})
        return
    made = ", ".join(f"{count} {name}" for name, count in published.versions.items() if count)
    console().print(f"Run {run} of {site} is published; versions: {made or 'none'}")


def reextract(
    what: Annotated[
        str | None,
        typer.Argument(metavar="[RUN|SITE]", help="A run, published or rejected, or all published runs of a site."),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="Only runs that began on this day or later."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="Only runs that began on this day or earlier."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All sites, one after the other.")] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="Only show what would be read otherwise; publish nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read captures of earlier runs again, with the extractor, the site's file and the lessons of today.

    Nothing is fetched. What comes out is compared with what was published; a version is made only of an article whose
    text would be another one. Of a rejected run, all that it captured is published as it should have been read.

    It becomes a run of its own, whose id is printed: after --compare, or an interruption, `muniment reextract` with
    that id goes on.

    Example: muniment reextract durham --since 2026-11-01 --compare

    Example: muniment reextract 20261122T090000Z-1a2b3c4d
    """
    from pipeline import steps

    if every == (what is not None):
        raise typer.BadParameter("Name a run or a site, or give --all.")
    days = (since.date() if since else None, until.date() if until else None)
    work = steps.open_workplace(read_settings())
    done: list[Reextracted] = []
    failed: RunRejected | None = None
    for site, run in _plan(work, what, days):
        try:
            done.append(_reextract_one(work, site, run, compare=compare))
        except RunRejected as error:
            if not every:
                raise
            failed = error
            console(stderr=True).print(f"run {run} of {site} is rejected: {safe(error.message)}")
    if as_json:
        print_json([_to_json(each) for each in done] if every else _to_json(done[0]))
    else:
        for each in done:
            _tell(each)
    if failed is not None:
        raise failed


def _plan(work: Workplace, what: str | None, days: tuple[date | None, date | None]) -> list[tuple[str, str]]:
    """Sites and the ids of their re-extractions, which are planned."""
    from pipeline.steps import new_run, plan_again

    since, until = days
    if what is None:
        planned: list[tuple[str, str]] = []
        for site in sorted(set(work.archive.sites()) & work.sites.keys()):
            run = new_run(work.settings)
            try:
                plan_again(work, site, run, since=since, until=until)
            except NotInArchive as error:
                console(stderr=True).print(safe(error.message))
                continue
            planned.append((site, run))
        return planned
    if not RUN_ID.fullmatch(what):
        work.site(what)
        run = new_run(work.settings)
        plan_again(work, what, run, since=since, until=until)
        return [(what, run)]
    if since or until:
        raise SettingsError("A run has no period.", next_step="Give --since and --until with a site.")
    site = _find_site(work.archive, what)
    orders = work.archive.read_orders(site, what)
    if orders is not None and orders.mode == "reextract" and work.archive.read_published(site, what) is None:
        report = work.archive.read_report(site, what)
        if report is None or report.verdict != "reject":
            return [(site, what)]  # one that was only compared, or was interrupted
    run = new_run(work.settings)
    plan_again(work, site, run, of=what)
    return [(site, run)]


def _reextract_one(work: Workplace, site: str, run: str, *, compare: bool) -> Reextracted:
    from pipeline.cli.progress import show_progress
    from pipeline.steps import reextract_run

    console(stderr=True).print(f"run {run} of {site}")
    with show_progress() as progress:
        return reextract_run(work, site, run, compare_only=compare, progress=progress)


def _find_site(archive: Archive, run: str) -> str:
    """The site that has a run.

    Raises:
        NotInArchive: there is no such run.
    """
    if not RUN_ID.fullmatch(run):
        raise NotInArchive(f"{run!r} is not a run's id.", next_step="See a site's runs: muniment runs SITE")
    sites = archive.find_run(run)
    if len(sites) != 1:
        found = f"Several sites have a run {run}: {', '.join(sites)}." if sites else f"There is no run {run}."
        raise NotInArchive(found, next_step="See a site's runs: muniment runs SITE")
    return sites[0]


def _to_json(done: Reextracted) -> dict[str, object]:
    return {
        "site": done.site,
        "run": done.run,
        "comparison": done.comparison,
        "verdict": done.report.verdict if done.report else None,
        "published": done.published,
    }


def _tell(done: Reextracted) -> None:
    from pipeline.reextract import describe_comparison

    out = console()
    out.print(f"{done.site}: {safe(describe_comparison(done.comparison))}")
    _show(done.comparison)
    if done.published is None:
        out.print(f"Nothing was published. To publish it: muniment reextract {done.run}")
        return
    if done.report is not None and done.report.verdict != "accept":
        out.print(f"{done.report.verdict}: {safe(done.report.message)}")
    made = ", ".join(f"{count} {name}" for name, count in done.published.versions.items() if count)
    out.print(f"published as run {done.run}; versions: {made or 'none'}")


def _show(compared: Comparison) -> None:
    """The pages that stand as examples, and the fields that differ."""
    if compared.examples:
        table = plain_table("what", "words", "page", "why")
        for page in compared.examples:
            words = f"{page.words_before} → {page.words}"
            table.add_row(_WAYS[page.what], words, safe(page.url), safe(page.why or ""))
        print_table(table)
    if compared.fields:
        told = (
            f"{name} on {count} (filled: {compared.fill_before.get(name, 0)} → {compared.fill.get(name, 0)})"
            for name, count in compared.fields.items()
        )
        console().print(f"fields that differ: {', '.join(told)}")
