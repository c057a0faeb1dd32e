"""``muniment runs`` and ``muniment inspect``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.output import JsonOption, console, plain_table, print_json, print_table, safe
from pipeline.settings import read_settings

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.diagnosis.inspection import Inspection
    from pipeline.health import RunRecord
    from pipeline.model import Check

_STATES = ("published", "rejected", "failed", "checked", "unfinished", "warn", "accept", "reject")
_REASONS = 12


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the main app."""
    app.command("runs")(runs)
    app.command("inspect")(inspect)


def runs(
    site: Annotated[str, typer.Argument(metavar="SITE", help="Id of a site; `muniment sites list` shows them.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
    state: Annotated[
        str | None,
        typer.Option(metavar="STATE", help=f"Only runs that stand so, or were judged so: {', '.join(_STATES)}."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """A site's runs, newest first: how each stands, what it found, and what is the matter with it.

    Example: muniment runs durham --state rejected
    """
    from pipeline.diagnosis.inspection import read_runs
    from pipeline.steps import open_workplace

    if state is not None and state not in _STATES:
        raise typer.BadParameter(f"{state!r} is none of {', '.join(_STATES)}.")
    work = open_workplace(read_settings())
    found = read_runs(work.archive, site, most=limit, state=state, now=work.settings.now())
    if as_json:
        print_json(found)
        return
    if not found:
        console(stderr=True).print(f"No run of {safe(site)} is {state}.")
        return
    table = plain_table(
        *(
            "run",
            "mode",
            "state",
            "cause",
            "discovered",
            "captured",
            "new",
            "edited",
            "gone",
            "blocked",
            "failed",
            "lag",
        )
    )
    for run in found:
        made, ended = run.versions, run.outcomes
        counts = (
            *(run.discovered, run.captured, made.get("new", 0), made.get("edited", 0), made.get("gone", 0)),
            *(ended.get("blocked", 0), ended.get("failed", 0)),
        )
        lag = "-" if run.lag is None else _put_seconds(run.lag)
        table.add_row(run.run, run.mode, _put_state(run), run.cause or "-", *map(str, counts), lag)
    print_table(table)
    for run in found:
        if run.message and (run.state in ("rejected", "failed") or run.verdict == "warn"):
            console().print(f"\n{run.run}: {safe(run.message)}")


def _put_state(run: RunRecord) -> str:
    if run.released:
        return f"{run.state} (released)"
    return f"{run.state} (warn)" if run.verdict == "warn" else run.state


def _put_seconds(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours / 24:.0f} d" if hours >= 48 else f"{hours:.1f} h" if hours >= 1 else f"{seconds / 60:.0f} min"


def inspect(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id of a run; `muniment runs SITE` shows them.")],
    site: Annotated[
        str | None, typer.Option(metavar="SITE", help="Whose run it is; left out: it is looked for.")
    ] = None,
    sample: Annotated[int, typer.Option(min=0, max=200, help="Show so many of its articles.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """One run in full: checks against normal, diagnosis, sources, reasons, and a sample of what would be published.

    It changes nothing. Released or read again, a rejected run is published; the last lines have the commands.

    Example: muniment inspect 20261122T093000Z-1a2b3c4d --sample 10
    """
    from pipeline.diagnosis.inspection import find_sites, inspect_run
    from pipeline.steps import open_workplace

    work = open_workplace(read_settings())
    if site is None:
        sites = find_sites(work.archive, run)
        if len(sites) > 1:
            raise typer.BadParameter(f"{len(sites)} sites have a run {run}: say which, --site {sites[0]}.")
        site = sites[0]
    found = inspect_run(work.archive, site, run, sample=sample, now=work.settings.now())
    if as_json:
        print_json({"site": site, **found.model_dump(mode="json")})
        return
    _print_run(console(), site, found)


def _print_run(out: Console, site: str, found: Inspection) -> None:
    record, report = found.record, found.report
    out.print(f"{site} {record.run}: {_put_state(record)}, {record.mode} run of {record.began:%Y-%m-%d %H:%M}Z")
    figures = {"discovered": record.discovered, "captured": record.captured, "articles": record.articles}
    told = {**figures, **record.outcomes, **{f"{name} versions": count for name, count in record.versions.items()}}
    out.print(", ".join(f"{count} {name}" for name, count in told.items() if count or name in figures))
    if record.fill:
        out.print("of its articles have: " + ", ".join(f"{name} {count}" for name, count in record.fill.items()))
    if found.release is not None:
        out.print(f"released by {safe(found.release.by)}: {safe(found.release.reason)}")
    if report is None:
        out.print("It was not checked." + (f" {safe(record.message)}" if record.message else ""))
    else:
        _print_report(out, found)
    _print_what_was_found(out, found)
    if found.commands:
        out.print("\nWhat to do", style="bold")
        for number, command in enumerate(found.commands, start=1):
            out.print(f"  {number}. {safe(command)}")


def _print_report(out: Console, found: Inspection) -> None:
    from pipeline.diagnosis import put_change, put_example

    report = found.report
    assert report is not None
    if (diagnosis := report.diagnosis) is not None:
        out.print("\nDiagnosis", style="bold")
        out.print(f"  {safe(diagnosis.sentence)}")
        out.print(f"  cause: {diagnosis.cause} (likelihood {diagnosis.likelihood:.0%})")
        if diagnosis.compared:
            out.print(f"  compared with: {', '.join(diagnosis.compared)}")
        for change in diagnosis.changes:
            out.print(f"  changed: {safe(put_change(change))}")
        for example in diagnosis.examples:
            out.print(f"  example: {safe(put_example(example))}")
            if example.evidence is not None:
                out.print(f"           evidence: {example.evidence.warc} at {example.evidence.offset}")
    out.print("\nChecks", style="bold")
    table = plain_table("verdict", "check", "figure", "limit", "normal", "what it says")
    for check in sorted(report.checks, key=lambda check: ("reject", "warn", "accept").index(check.verdict)):
        said = check.message + (f" [{'' if check.normal else 'limit: '}{check.basis}]" if check.basis else "")
        table.add_row(check.verdict, check.name, _put(check.figure), _put(check.limit), _put_normal(check), safe(said))
    print_table(table)


def _put(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:g}"


def _put_normal(check: Check) -> str:
    return "-" if check.normal is None else f"{check.normal[0]:g} to {check.normal[1]:g}"


def _print_what_was_found(out: Console, found: Inspection) -> None:
    if found.sources:
        out.print("\nSources", style="bold")
        table = plain_table("source", "type", "status", "items", "articles", "new", "error")
        for source in found.sources:
            facts = (source.status, source.items, source.articles, source.new)
            told = ["-" if fact is None else str(fact) for fact in facts]
            table.add_row(safe(source.url), source.type, *told, safe(source.error or "-"))
        print_table(table)
    for host, why in found.stopped.items():
        out.print(f"{safe(host)} was left alone: {safe(why)}")
    if found.reasons:
        out.print("\nReasons", style="bold")
        for reason in found.reasons[:_REASONS]:
            out.print(
                f"  {reason.count} × {safe(reason.reason)}" + "".join(f"\n      {safe(url)}" for url in reason.urls)
            )
        if len(found.reasons) > _REASONS:
            out.print(f"  and {len(found.reasons) - _REASONS} more (--json has them all)")
    if found.sample:
        published = found.record.state == "published"
        out.print(f"\nSome of its articles{'' if published else ', as they would be published'}", style="bold")
        for article in found.sample:
            dated = f"{article.published:%Y-%m-%d}" if article.published else "no date"
            out.print(f"  {safe(article.title) or '(no headline)'} ({article.words} words, {dated})")
            out.print(f"      {safe(article.line)}")
            out.print(f"      {safe(article.url)}")
            out.print(f"      evidence: {article.evidence.warc} at {article.evidence.offset}")
    if found.segments:
        out.print("\nRaw captures: " + ", ".join(found.segments))
