"""``muniment export``: captures in other programs' formats."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.output import JsonOption, console, print_json, safe
from pipeline.settings import read_settings

if TYPE_CHECKING:
    from pipeline.export import Exported

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
SiteOption = Annotated[
    str, typer.Option("--site", metavar="SITE", help="Id of a site; `muniment sites list` shows them.")
]
SinceOption = Annotated[
    datetime | None, typer.Option(metavar="TIME", formats=_FORMATS, help="Captured at this moment (UTC) or later.")
]
UntilOption = Annotated[
    datetime | None, typer.Option(metavar="TIME", formats=_FORMATS, help="Captured before this moment (UTC).")
]


def add_to(main: typer.Typer) -> None:
    """Add this module's commands to the main app."""
    main.add_typer(
        app, name="export", help="Captures for other programs: WACZ packages, a CDXJ index, a configuration for pywb."
    )


@app.command()
def wacz(
    site: SiteOption,
    since: SinceOption = None,
    until: UntilOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Left out: SITE.wacz, or SITE-SINCE.wacz.")
    ] = None,
    text: Annotated[bool, typer.Option("--text", help="Put the articles' texts into the list of pages.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a WACZ 1.1.1 package of a site's captures, which ReplayWeb.page opens in any browser.

    What was captured before --since comes along where a capture in the period repeats it. The same archive and period
    give the same bytes.

    Example: muniment export wacz --site localgov --since 2026-11-01 --until 2026-12-01 -o november.wacz
    """
    from pipeline.export import export_wacz
    from pipeline.steps import open_workplace

    work = open_workplace(read_settings())
    name = work.site(site).name
    path = output or Path(f"{site}-{since:%Y%m%d}.wacz" if since else f"{site}.wacz")
    period = _tell_period(since, until)
    shown = console(stderr=True)

    def tell(count: int) -> None:
        if count % 1000 == 0:
            shown.print(f"{count} captures written")

    made = export_wacz(
        work.archive,
        site,
        path,
        title=f"{name}, {period}" if period else name,
        since=_utc(since),
        until=_utc(until),
        text=text,
        told=tell,
    )
    if as_json:
        print_json({"site": site, "file": str(path), **_described(made)})
        return
    console().print(f"{safe(str(path))}: {made.captures} captures, {made.pages} pages, {made.bytes} bytes")
    if made.left_out:
        console().print(f"{made.left_out} captures were left out: a takedown has blanked their records.")
    if made.lone_revisits:
        console().print(f"{made.lone_revisits} revisits repeat what this archive does not have: they will not replay.")


@app.command()
def cdxj(
    site: SiteOption,
    since: SinceOption = None,
    until: UntilOption = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Left out: SITE.cdxj.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write one sorted CDXJ index of a site's captures; `filename` in it is the key of a segment in the bucket.

    Example: muniment export cdxj --site localgov -o localgov.cdxj
    """
    from pipeline.export import export_cdxj
    from pipeline.steps import open_workplace

    work = open_workplace(read_settings())
    work.site(site)
    path = output or Path(f"{site}.cdxj")
    made = export_cdxj(work.archive, site, path, since=_utc(since), until=_utc(until))
    if as_json:
        print_json({"site": site, "file": str(path), **_described(made)})
    else:
        console().print(f"{safe(str(path))}: {made.captures} captures, {made.bytes} bytes")


@app.command()
def pywb(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where pywb is started; made if it is not there.")],
    site: Annotated[
        list[str] | None, typer.Option("--site", metavar="SITE", help="Only this site; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a configuration and indexes with which pywb replays all captures straight from the bucket.

    Run it again to bring the indexes up to date. pywb (with boto3) finds endpoint and key where AWS programs do.

    Example: muniment export pywb replay && cd replay && eval "$(muniment store env)" && wayback -b 127.0.0.1
    """
    from pipeline.export import export_pywb
    from pipeline.steps import open_workplace

    work = open_workplace(read_settings())
    sites = [work.site(each).id for each in site] if site else work.archive.sites()
    made = export_pywb(work.archive, sites, folder)
    if as_json:
        print_json({"folder": str(folder), "sites": {name: _described(each) for name, each in made.items()}})
        return
    for name, each in made.items():
        console().print(f"{name}: {each.captures} captures")
    console().print(f"Start it: cd {safe(str(folder))} && wayback -b 127.0.0.1")


def _described(made: Exported) -> dict[str, int]:
    from dataclasses import asdict

    return asdict(made)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


def _tell_period(since: datetime | None, until: datetime | None) -> str:
    words = [f"from {since:%Y-%m-%d %H:%M}" if since else "", f"until {until:%Y-%m-%d %H:%M} UTC" if until else ""]
    return " ".join(filter(None, words))
