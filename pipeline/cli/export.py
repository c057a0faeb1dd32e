"""``muniment export``: captures in other programs' formats."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.moments import FORMS, read_moment
from pipeline.cli.output import JsonOption, console, print_json, safe
from pipeline.settings import read_settings

if TYPE_CHECKING:
    from pipeline.export import Exported
    from pipeline.steps import Workplace

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

SiteOption = Annotated[
    str, typer.Option("--site", metavar="SITE", help="Id of a site; `muniment sites list` shows them.")
]
SinceOption = Annotated[
    str | None, typer.Option(metavar="TIME", help=f"Captured at this moment or later: {FORMS}. Without a zone: UTC.")
]
UntilOption = Annotated[
    str | None, typer.Option(metavar="TIME", help="Captured before this moment; a day without a time is its beginning.")
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
    first, end = _read_period(work, since, until)
    name = _name_of(work, site)
    path = output or Path(f"{site}-{first:%Y%m%d}.wacz" if first else f"{site}.wacz")
    period = _tell_period(first, end)
    shown = console(stderr=True)

    def tell(count: int) -> None:
        if count % 1000 == 0:
            shown.print(f"{count} captures written")

    with _writing(path):
        made = export_wacz(
            work.archive,
            site,
            path,
            title=f"{name}, {period}" if period else name,
            since=first,
            until=end,
            text=text,
            told=tell,
        )
    if as_json:
        print_json({"site": site, "file": str(path), **_described(made)})
        return
    console().print(f"{safe(str(path))}: {made.captures} captures, {made.pages} pages, {made.bytes} bytes")
    if made.left_out:
        console().print(f"{made.left_out} captures were left out: a takedown has blanked their records.")
    if made.expired:
        console().print(f"{made.expired} captures were left out: their raw data has expired (`keep_raw` of the site).")
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
    first, end = _read_period(work, since, until)
    _name_of(work, site)
    path = output or Path(f"{site}.cdxj")
    with _writing(path):
        made = export_cdxj(work.archive, site, path, since=first, until=end)
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
    for wanted in site or ():
        _name_of(work, wanted)
    with _writing(folder):
        made = export_pywb(work.archive, site or work.archive.sites(), folder)
    if as_json:
        print_json({"folder": str(folder), "sites": {name: _described(each) for name, each in made.items()}})
        return
    for name, each in made.items():
        expired = f"; {each.expired} more have expired and are left out" if each.expired else ""
        console().print(f"{name}: {each.captures} captures{expired}")
    console().print(f"Start it: cd {safe(str(folder))} && wayback -b 127.0.0.1")


def _described(made: Exported) -> dict[str, int]:
    from dataclasses import asdict

    return asdict(made)


def _name_of(work: Workplace, site: str) -> str:
    """A site's name; its id where the archive has it and no site file declares it any more.

    Raises:
        SiteFileError: there is no such site.
    """
    if site not in work.sites and site in work.archive.sites():
        return site
    return work.site(site).name


def _read_period(work: Workplace, since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """The first moment that is wanted, and the first that is not."""
    now = work.settings.now()
    found = [read_moment(text, now=now, day="begins").at if text is not None else None for text in (since, until)]
    first, end = found
    if first and end and end <= first:
        raise typer.BadParameter(
            f"nothing lies between {first:%Y-%m-%d %H:%M:%S} and {end:%Y-%m-%d %H:%M:%S} UTC: "
            "--until is the first moment that is not wanted, and comes after --since."
        )
    return first, end


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Around what writes files: say in words that they cannot be written here."""
    from pipeline.errors import SettingsError

    try:
        yield
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written: {error.strerror or error}.",
            next_step="Name a place where you may write, in a folder that is there and on a disk with room.",
        ) from error


def _tell_period(since: datetime | None, until: datetime | None) -> str:
    words = [f"from {since:%Y-%m-%d %H:%M}" if since else "", f"until {until:%Y-%m-%d %H:%M} UTC" if until else ""]
    return " ".join(filter(None, words))
