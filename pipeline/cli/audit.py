"""``muniment audit``."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.output import JsonOption, console, needing, print_json, safe
from pipeline.settings import read_settings

if TYPE_CHECKING:
    from pipeline.audit import Audited, Choice, Discrepancy, Head
    from pipeline.repair import Mended

_SAMPLE = 1000


def add_to(app: typer.Typer) -> None:
    """Add this module's command to the main app."""
    app.command("audit")(audit)


@needing("auditor (with --repair: steward)")
def audit(
    site: Annotated[
        list[str] | None, typer.Option("--site", metavar="SITE", help="Only this site; repeatable.")
    ] = None,
    sample: Annotated[
        str | None,
        typer.Option(metavar="N|PERCENT", help=f"Read so many objects, or such a share: 500, 2%. [{_SAMPLE}]"),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Read every object.")] = False,
    seed: Annotated[int | None, typer.Option(help="Draw the same sample as an earlier audit.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Make anew what is derived, then look once more.")] = False,
    heads: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ends of the journals that --save-heads wrote, to compare with.")
    ] = None,
    save_heads: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the ends of the journals there, if nothing is wrong.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Hold every object against the digest that was recorded when it was written, and the archive against itself.

    That everything is there, and each site's journal, is looked at always; of the bytes a sample is read unless --all
    is given. Names each thing that is wrong with what was expected, what stands, since which run, and what to do.
    Publishers may be at work meanwhile. Ends with 0 when nothing is wrong, else with 1.

    Keep the file of --save-heads where nobody can write who can write into the bucket: only with it does it show when
    the end of a journal was cut off together with all that it tells of.

    Example: muniment audit --all --heads heads.json --save-heads heads.json
    """
    from pipeline.audit import audit_archive
    from pipeline.protection import expiry_of
    from pipeline.steps import open_workplace

    work = open_workplace(read_settings())
    choice = None if every else _read_choice(sample, seed)
    known = None if heads is None else _read_heads(heads)
    expiry = expiry_of(work.sites.values(), work.settings.now())
    with _show_progress() as progress:
        told = audit_archive(work.archive, sites=site, choice=choice, heads=known, progress=progress, expiry=expiry)
        mended: Mended | None = None
        if repair:
            from pipeline.repair import Makers, repair_archive
            from pipeline.steps import read_again

            makers = Makers(sites=work.sites, findings=partial(read_again, work), now=work.settings.now())
            mended = repair_archive(work.archive, told, makers)
            if mended.done:
                told = audit_archive(
                    work.archive, sites=site, choice=choice, heads=known, progress=progress, expiry=expiry
                )
    if save_heads is not None and told.clean:
        _write_heads(save_heads, told)
    if as_json:
        print_json(_to_json(told, mended))
    else:
        _print(told, mended)
        if save_heads is not None and not told.clean:
            console().print(f"{save_heads} was not written, because something is wrong.")
    if not told.clean:
        raise typer.Exit(1)


def _read_choice(sample: str | None, seed: int | None) -> Choice:
    from pipeline.audit import Choice

    seed = secrets.randbelow(1 << 31) if seed is None else seed
    text = (sample or str(_SAMPLE)).strip()
    try:
        if text.endswith("%"):
            percent = float(text[:-1])
            if not 0 < percent <= 100:
                raise ValueError
            return Choice(seed=seed, percent=percent)
        number = int(text)
        if number < 1:
            raise ValueError
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no number of objects (500) and no share (2%)") from None
    return Choice(seed=seed, number=number)


def _read_heads(path: Path) -> dict[str, Head]:
    import orjson

    from pipeline.audit import Head

    try:
        found = orjson.loads(path.read_bytes())
        return {str(site): Head(n=int(each["n"]), digest=str(each["digest"])) for site, each in found["heads"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise typer.BadParameter(f"{path} has no heads of an audit: {error}") from None


def _write_heads(path: Path, told: Audited) -> None:
    import orjson

    heads = {site: {"n": head.n, "digest": head.digest} for site, head in told.heads.items()}
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(orjson.dumps({"heads": heads}, option=orjson.OPT_INDENT_2) + b"\n")
    part.replace(path)


def _to_json(told: Audited, mended: Mended | None) -> dict[str, object]:
    choice = told.choice
    return {
        "clean": told.clean,
        "sites": told.sites,
        "sample": None if choice is None else {"seed": choice.seed, "number": choice.number, "percent": choice.percent},
        "objects": told.objects,
        "read": told.read,
        "bytes": told.bytes,
        "versions": told.versions,
        "records": told.records,
        "rows": told.rows,
        "entries": told.entries,
        "withheld": told.withheld,
        "expired": told.expired,
        "findings": told.discrepancies,
        "notes": told.notes,
        "repaired": None if mended is None else {"done": mended.done, "left": mended.left},
        "heads": told.heads,
    }


def _print(told: Audited, mended: Mended | None) -> None:
    out = console()
    count = len(told.discrepancies)
    what = "Nothing is wrong" if told.clean else f"{count} thing{'s are' if count > 1 else ' is'} wrong"
    if told.choice is None:
        read = f"all {told.objects} objects ({told.bytes / 1e6:.1f} MB) were read"
    else:
        read = f"{told.read} of {told.objects} objects ({told.bytes / 1e6:.1f} MB) were read, seed {told.choice.seed}"
    out.print(f"{what}: {read}.", style="bold" if told.clean else "bold red")
    out.print(
        f"{len(told.sites)} sites, {told.entries} entries of journals, {told.versions} versions, "
        f"{told.records} records of evidence, {told.rows} rows of the table."
    )
    if told.withheld:
        out.print(
            f"{told.withheld} versions were taken from readers by takedowns, as the journal says; their digests hold."
        )
    for line in mended.done if mended else ():
        out.print(f"Made anew: {safe(line)}.")
    for line in mended.left if mended else ():
        out.print(f"Not made anew: {safe(line)}")
    for (site, kind), group in groupby(told.discrepancies, key=lambda each: (each.site or "the bucket", each.kind)):
        out.print(f"\n{site}: {kind}", style="bold")
        for each in group:
            _print_one(each)
    if told.notes:
        out.print("\nTo know:", style="bold")
        for note in told.notes:
            out.print(f"- {note.site}: {safe(note.message)}")
    for site, head in told.heads.items():
        out.print(f"head of {site}: entry {head.n}, {head.digest or 'none'}", style="dim")


def _print_one(each: Discrepancy) -> None:
    out = console()
    since = (
        f" (run {each.run}, entry {each.entry})"
        if each.run and each.entry
        else f" (run {each.run})"
        if each.run
        else ""
    )
    out.print(f"- {safe(each.key)}: {each.problem}")
    out.print(f"    expected  {safe(each.expected)}{since}")
    out.print(f"    stands    {safe(each.stands)}")
    for key in each.touches:
        out.print(f"    hits      {safe(key)}")
    out.print(f"    do        {safe(each.next_step)}")


@contextmanager
def _show_progress() -> Iterator[Callable[[str, int, int], None] | None]:
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bars:
        task = bars.add_task("audit", total=None)
        yield lambda site, done, of: bars.update(task, description=site, completed=done, total=of)
