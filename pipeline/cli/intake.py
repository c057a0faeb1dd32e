"""``muniment import``: WARC and WACZ files from elsewhere become runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.output import JsonOption, console, plain_table, print_json, print_table, safe
from pipeline.settings import read_settings

if TYPE_CHECKING:
    from pipeline.steps import Imported


def add_to(app: typer.Typer) -> None:
    """Add this module's command to the main app."""
    app.command("import")(import_files)


def import_files(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="WARC or WACZ files; s3://bucket/key for one in the archive's store."),
    ],
    sites: Annotated[
        list[str] | None, typer.Option("--site", metavar="SITE", help="Only this site's pages; may be repeated.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what there is, and write nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take WARC and WACZ files from elsewhere into the archive: Common Crawl, Heritrix, Browsertrix, wget.

    Each declared site's article pages in them are extracted, checked and published with the moments at which they were
    captured, and each version says where it was recorded. The same command again adds nothing; interrupted, it goes on.

    Example: muniment import CC-NEWS-20240102030405-00001.warc.gz --site durham --dry-run
    """
    from pipeline.errors import RunRejected
    from pipeline.steps import open_workplace, run_import

    work = open_workplace(read_settings())
    shown = console(stderr=True)
    imported = run_import(
        work, files, site_ids=sites or (), dry_run=dry_run, tell=lambda line: shown.print(safe(line), style="dim")
    )
    if as_json:
        print_json(imported)
    else:
        _print_import(imported)
    refused = imported.rejected
    if refused:
        raise RunRejected(
            f"{len(refused)} of the import's runs were rejected: " + "; ".join(run.run for run in refused) + ".",
            next_step="Read why above. Correct the site's file (its extraction rules, its `article` pattern, [check]) "
            "and give the same command again: what is published already is left out. docs/import.md#a-rejected-import",
        )


def _print_import(imported: Imported) -> None:
    out = console()
    for file in imported.inputs:
        wrote = f", written by {'; '.join(file.software)}" if file.software else ""
        out.print(f"{safe(file.name)}: {file.form}, {file.records} records{safe(wrote)}, sha256 {file.sha256}")
        if file.damaged or file.cut:
            broken = ", and it breaks off" if file.cut else ""
            out.print(f"  {file.damaged} records could not be read{broken}; what is whole is imported:")
        for problem in file.problems:
            out.print(f"  {safe(problem)}")
    if imported.elsewhere:
        out.print("of no site: " + ", ".join(f"{count} {safe(why)}" for why, count in imported.elsewhere.items()))
    if not any(site.runs for site in imported.sites):
        out.print("No article page of a declared site is in these files. `muniment sites list` shows the sites.")
    for site in imported.sites:
        out.print(f"\n{site.site}: {site.captures} captures of article pages")
        if site.skipped:
            out.print("  left out: " + ", ".join(f"{count} {safe(why)}" for why, count in site.skipped.items()))
        if not site.runs:
            continue
        table = plain_table("run", "captures", "first", "last", "state", "versions", "outcomes")
        for run in site.runs:
            table.add_row(
                *(run.run, str(run.captures), f"{run.since:%Y-%m-%d %H:%M}Z", f"{run.until:%Y-%m-%d %H:%M}Z"),
                *(run.state, _join(run.versions), _join(run.outcomes)),
            )
        print_table(table)
        for run in site.runs:
            if run.state == "rejected":
                out.print(f"  {run.run}: {safe(run.message)}")


def _join(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "-"
