"""``muniment table``: how the table stands, its maintenance, and making it anew."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from pipeline.cli.output import JsonOption, console, needing, plain_table, print_json, print_table
from pipeline.settings import read_settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

SiteOption = Annotated[str | None, typer.Option("--site", metavar="SITE", help="Only this site's rows.")]


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Say how many rows, files and bytes the table has, and what maintenance would merge.

    Example: muniment table status
    """
    from pipeline.archive import open_archive
    from pipeline.maintenance import read_table_status

    found = read_table_status(open_archive(read_settings(), create=False))
    if as_json:
        print_json(None if found is None else asdict(found))
        return
    if found is None:
        print("There is no table yet: no run has made a version.")
        return
    table = plain_table("what", "count")
    for what, count in (
        ("version", found.version),
        ("sites", found.sites),
        ("rows", found.rows),
        ("files", found.files),
        ("bytes", found.size),
        ("sites with files to merge", len(found.to_merge)),
        ("files to merge", sum(found.to_merge.values())),
    ):
        table.add_row(what, str(count))
    print_table(table)


@app.command()
@needing("steward")
def maintain(site: SiteOption = None, as_json: JsonOption = False) -> None:
    """Merge small files, shorten the log, remove files that nothing refers to; the rows stay as they are.

    Runs and readers may go on meanwhile; files that a reader may still have open stay for seven days. Stopped in
    between, it is called again. Daily is often enough (the DAG muniment_maintenance does it).

    Example: muniment table maintain --site localgov
    """
    from pipeline.archive import open_archive
    from pipeline.maintenance import maintain as run

    settings = read_settings()
    archive = open_archive(settings, create=False)
    with console(stderr=True).status("Looking after the table"):
        done = run(archive, now=settings.now(), sites=None if site is None else [site])
    if as_json:
        print_json(asdict(done))
    else:
        merged = sum(done.merged.values())
        print(f"{merged} files of {len(done.merged)} sites were merged, {done.removed} files removed.")


@app.command()
@needing("steward")
def rebuild(site: SiteOption = None, as_json: JsonOption = False) -> None:
    """Make the table's rows anew from the version documents, one commit for each site.

    For a table that was damaged or lost, or is of an earlier layout. Readers see a site's old rows, then its new ones;
    runs that are published meanwhile are neither lost nor doubled.

    Example: muniment table rebuild --site localgov
    """
    from pipeline.archive import open_archive
    from pipeline.maintenance import rebuild as run

    settings = read_settings()
    archive = open_archive(settings, create=False)
    with console(stderr=True).status("Reading versions"):
        counts = run(archive, site, now=settings.now())
    if as_json:
        print_json(counts)
        return
    table = plain_table("site", "rows")
    for name, count in counts.items():
        table.add_row(name, str(count))
    print_table(table)
