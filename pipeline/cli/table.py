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
    between, it is called again. Daily is often enough (the DAG archive_maintenance does it).

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


@app.command()
@needing("steward")
def move(
    bucket: Annotated[str, typer.Argument(metavar="BUCKET", help="Where the table is to lie; made if need be.")],
    remove_old: Annotated[
        bool, typer.Option("--remove-old", help="Remove the old table's files; readers that have it open fail then.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Move the table into a bucket of its own, as `muniment store protect` needs it; runs may go on meanwhile.

    The other bucket must pass the store's self-test and have no versioning. The rows are made there of the version
    documents, the marker names the bucket from then on, and rows that came meanwhile are made up for; so it may be
    stopped and called again. Set MUNIMENT_TABLES_BUCKET wherever Muniment runs: a step that has the old setting
    changes nothing and says so. Jobs that follow the table by a cursor begin anew.

    Example: muniment table move muniment-tables; export MUNIMENT_TABLES_BUCKET=muniment-tables
    """
    from pipeline.archive import read_marker
    from pipeline.errors import NotInArchive
    from pipeline.moving import former_bucket, move_table
    from pipeline.store import connect

    settings = read_settings()
    store = connect(settings)
    marker = read_marker(store)
    if marker is None:
        raise NotInArchive(
            f"Bucket {store.bucket} holds no archive yet.",
            next_step=f"Nothing needs to be moved: set MUNIMENT_TABLES_BUCKET={bucket} before the first run.",
        )
    former = connect(settings, former_bucket(marker, store.bucket, bucket))
    with console(stderr=True).status("Moving the table"):
        done = move_table(store, connect(settings, bucket), former, remove_old=remove_old, now=settings.now())
    if as_json:
        print_json(asdict(done))
        return
    print(
        f"The table lies in bucket {done.bucket}; {sum(done.rows.values())} rows of {len(done.rows)} sites were made."
    )
    if done.caught_up:
        print(f"Rows that came meanwhile were made up for: {', '.join(done.caught_up)}.")
    if done.before is not None:
        print(f"The old one stays in bucket {done.before} until you say --remove-old, once every run has the setting.")
    if done.removed:
        print(f"{done.removed} files of the old one were removed.")
    print(f"Set wherever Muniment runs: MUNIMENT_TABLES_BUCKET={done.bucket}")
