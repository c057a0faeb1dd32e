"""``muniment takedown``, ``takedowns`` and ``reinstate``: what must not be read any more, and what may again."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.output import JsonOption, console, needing, plain_table, print_json, print_table, safe
from pipeline.settings import read_settings

if TYPE_CHECKING:
    from pipeline.archive import Archive
    from pipeline.model import TakedownOrder
    from pipeline.steps import Workplace

ArticleArgument = Annotated[
    str | None, typer.Argument(metavar="URL|ARTICLE", help="URL of an article in any form, or its id (20 digits).")
]
ByOption = Annotated[str, typer.Option("--by", metavar="WHO", help="Who orders it; stands in the journal.")]
ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="WHY", help="Why; stands in the journal for ever, so it must not quote.")
]


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the main app."""
    app.command("takedown")(takedown)
    app.command("takedowns")(takedowns)
    app.command("reinstate")(reinstate)


@needing("steward")
def takedown(
    what: ArticleArgument = None,
    by: ByOption = "",
    reason: ReasonOption = "",
    text: Annotated[
        list[str] | None,
        typer.Option("--text", metavar="SPAN", help="Redact these words only; may be given several times."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="Reinstate it on this day (UTC).")
    ] = None,
    destroy: Annotated[bool, typer.Option("--destroy", help="Keep no copy. It cannot be undone.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Destroy without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be touched.")] = False,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="TAKEDOWN", help="Go on with an order, or carry it out again.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Withhold an article from all readers at once, redact words of it, or destroy it.

    What is withheld is sealed, and `muniment reinstate` brings it back. The same command again goes on where it was
    interrupted. docs/takedowns.md says what is touched, and what is not.

    Example: muniment takedown https://www.localgov.example/news/budget --by "legal" --reason "case 4711"

    Example: muniment takedown URL --text "John Q. Public" --by "data protection" --reason "GDPR art. 17, no. 12"
    """
    from pipeline.steps import open_workplace
    from pipeline.takedown import find_order, order_takedown, renew

    work = open_workplace(read_settings())
    archive, now = work.archive, work.settings.now()
    if resume is not None:
        _tell(archive, renew(archive, find_order(archive, resume), now=now), as_json)
        return
    if what is None:
        raise typer.BadParameter("Name an article by its URL or id, or an order by --resume.")
    site, article = _find(work, what)
    spans = tuple(text or ())
    if dry_run:
        _preview(archive, site, article, spans, destroy, now, as_json)
        return
    if not by or not reason:
        raise typer.BadParameter("A takedown says who ordered it and why: --by and --reason.")
    if destroy and not yes:
        _confirm(article)
    order = order_takedown(
        archive,
        site,
        article,
        by=by,
        reason=reason,
        now=now,
        spans=spans,
        until=until.replace(tzinfo=UTC) if until else None,
        destroy=destroy,
    )
    _tell(archive, order, as_json, spans=spans)


@needing("auditor (with --due: steward)")
def takedowns(
    site: Annotated[str | None, typer.Option("--site", metavar="SITE", help="Only of this site.")] = None,
    due: Annotated[bool, typer.Option("--due", help="Do what is due: see below.")] = False,
    as_json: JsonOption = False,
) -> None:
    """All takedowns: what, since and until when, by whom and why, and those that are overdue.

    With --due what is due is done, as maintenance does every day: suspensions whose day has come are ended, what the
    store's locks held is removed, interrupted takedowns go on, and runs of late are cleaned of what is withheld.

    Example: muniment takedowns --site localgov
    """
    from pipeline.steps import open_workplace
    from pipeline.takedown import care_for_takedowns, describe, is_overdue, read_orders

    work = open_workplace(read_settings())
    now = work.settings.now()
    care = care_for_takedowns(work.archive, now=now) if due else None
    orders = list(care.reinstated) if care else list(read_orders(work.archive, site))
    if as_json:
        print_json([{**_to_json(order), "overdue": is_overdue(order, now)} for order in orders])
        return
    if care is not None:
        for what, names in (("gone on with", care.carried_out), ("rid of what was locked", care.removed)):
            for name in names:
                console().print(f"takedown {name}: {what}.")
        for name in care.cleaned:
            console().print(f"run {name}: cleaned.")
        if not (care.reinstated or care.carried_out or care.removed or care.cleaned):
            console().print("Nothing was due.")
    elif not orders:
        console().print("There are no takedowns.")
    if not orders:
        return
    table = plain_table("takedown", "site", "article", "what", "state", "by", "since", "until", "reason")
    for order in orders:
        until = f"{order.until:%Y-%m-%d}" if order.until else "-"
        table.add_row(
            order.takedown,
            order.site,
            order.article,
            describe(order),
            order.state,
            safe(order.by),
            f"{order.ordered_at:%Y-%m-%d}",
            until + (" OVERDUE" if is_overdue(order, now) else ""),
            safe(order.reason),
        )
    print_table(table)


@needing("steward")
def reinstate(
    what: Annotated[str, typer.Argument(metavar="TAKEDOWN|URL", help="Id of a takedown, or URL or id of an article.")],
    by: ByOption,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """Put back what a takedown has withheld, byte for byte; for a URL, all its takedowns.

    Example: muniment reinstate 20261122T093000Z-1a2b3c4d --by "legal" --reason "dismissed"
    """
    from pipeline.errors import NotInArchive
    from pipeline.model import RUN_ID
    from pipeline.steps import open_workplace
    from pipeline.takedown import active, find_order
    from pipeline.takedown import reinstate as end

    work = open_workplace(read_settings())
    archive, now = work.archive, work.settings.now()
    if RUN_ID.fullmatch(what):
        orders = [find_order(archive, what)]
    else:
        site, article = _find(work, what)
        orders = [order for order in active(archive, site) if order.article == article and order.state != "destroyed"]
        if not orders:
            raise NotInArchive(f"No takedown of {what} is in force.", next_step="See them all: muniment takedowns")
    ended = [end(archive, order, by=by, reason=reason, now=now) for order in orders]
    if as_json:
        print_json([_to_json(order) for order in ended])
        return
    for order in ended:
        console().print(f"{order.takedown}: {safe(order.url)} is {order.state}.")


def _find(work: Workplace, what: str) -> tuple[str, str]:
    """Site and id of an article."""
    from pipeline.reader import find

    return find(work.archive, work.sites.values(), what)


def _preview(
    archive: Archive, site: str, article: str, spans: tuple[str, ...], destroy: bool, now: datetime, as_json: bool
) -> None:
    from pipeline.takedown import preview_takedown

    steps = preview_takedown(archive, site, article, now=now, spans=spans, destroy=destroy)
    if as_json:
        print_json([{"key": step.key, "what": step.what} for step in steps])
        return
    table = plain_table("object", "what")
    for step in steps:
        table.add_row(step.key, step.what)
    print_table(table)
    rest = "the rows of its versions, the frontier, and the site's learned blocks"
    console().print(f"{len(steps)} objects would be touched, and {rest}. Nothing was written.")


def _confirm(article: str) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter("Without a terminal --destroy needs --yes.")
    typed = typer.prompt(f"What is destroyed cannot come back. Type the article's id to destroy it ({article})")
    if typed.strip() != article:
        console(stderr=True).print("Nothing was done.")
        raise typer.Exit(1)


def _tell(archive: Archive, order: TakedownOrder, as_json: bool, *, spans: tuple[str, ...] = ()) -> None:
    """What became of an order, and where else its words stand."""
    from pipeline.takedown import describe, find_copies

    copies = [] if order.destroy and not spans else list(find_copies(archive, order, spans))
    if as_json:
        others = [{"site": site, "article": article, "url": url} for site, article, url in copies]
        print_json({**_to_json(order), "copies": others})
        return
    out = console()
    out.print(f"takedown {order.takedown}: {safe(order.url)} is {describe(order)} ({order.state}).")
    for key, until in order.locked.items():
        out.print(f"The store keeps an earlier state of {key} until {until:%Y-%m-%d}; then run this again.")
    if copies:
        out.print("\nThe same words stand in other articles, which were left alone:")
        for site, article, url in copies:
            out.print(f"  {site} {article} {safe(url)}")


def _to_json(order: TakedownOrder) -> dict[str, object]:
    told = order.model_dump(mode="json", exclude={"touched", "spans"})
    return {**told, "spans": len(order.spans)}
