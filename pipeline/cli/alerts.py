"""``muniment alerts`` and ``muniment alerts acknowledge``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.output import JsonOption, console, plain_table, print_json, print_table, safe
from pipeline.settings import read_settings

if TYPE_CHECKING:
    from pipeline.alerts import Alarm

app = typer.Typer(invoke_without_command=True)


def add_to(main: typer.Typer) -> None:
    """Add this module's commands to the main app."""
    main.add_typer(app, name="alerts", help="What is wrong with sites: the open alarms, and muting one.")


@app.callback()
def list_alerts(
    context: typer.Context,
    detail: Annotated[bool, typer.Option("--detail", help="With what to do, threshold and history.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the open alarms: site, kind, cause, since when, whether somebody took note.

    The DAG muniment_watch opens and closes them; docs/alerts.md says when. Example: muniment alerts --detail
    """
    if context.invoked_subcommand is not None:
        return
    from pipeline.alerts import read_standing
    from pipeline.archive import open_archive
    from pipeline.health import list_health, read_all

    archive = open_archive(read_settings(), create=False)
    ill = [health.site for health in read_all(archive, list_health(archive)) if health.alarms]
    alarms = [alarm for site in ill for alarm in read_standing(archive, site).open]
    if as_json:
        print_json(alarms)
        return
    if not alarms:
        console().print("No alarm is open.")
        return
    table = plain_table("site", "kind", "cause", "since", "acknowledged", "what")
    for alarm in alarms:
        alert, taken = alarm.alert, alarm.acknowledged
        by = safe(f"{taken.by}: {taken.reason}") if taken else "-"
        table.add_row(alert.site, alert.kind, alert.cause, f"{alert.since:%Y-%m-%d %H:%M}Z", by, safe(alert.sentence))
    print_table(table)
    if detail:
        for alarm in alarms:
            _print_detail(alarm)


def _print_detail(alarm: Alarm) -> None:
    out, alert = console(), alarm.alert
    out.print(f"\n{alert.site}: {alert.kind}: {safe(alert.sentence)}")
    for line in alert.detail.splitlines():
        out.print(f"  {safe(line)}")
    for step in alert.steps:
        out.print(f"  - {safe(step)}")
    out.print(f"  threshold: {safe(alert.threshold)}; it comes from: {safe(alert.basis)}")


@app.command("acknowledge")
def acknowledge(
    site: Annotated[str, typer.Argument(metavar="SITE", help="Id of the site.")],
    kind: Annotated[str, typer.Argument(metavar="KIND", help='"rejected", "silent" …, as `muniment alerts` has it.')],
    reason: Annotated[str, typer.Option("--reason", help="Why nobody needs to hear more of it.")],
    by: Annotated[str, typer.Option("--by", metavar="WHO", help="Who says so.")],
    as_json: JsonOption = False,
) -> None:
    """Mute an open alarm until its cause changes or it closes.

    Example: muniment alerts acknowledge localgov rejected --by "night desk" --reason "redesign, being worked on"
    """
    from pipeline.alerts import acknowledge_alarm
    from pipeline.archive import open_archive

    if not reason.strip() or not by.strip():
        raise typer.BadParameter("Say who and why: --by and --reason.")
    settings = read_settings()
    archive = open_archive(settings, create=False)
    alarm = acknowledge_alarm(archive, site, kind, by=by.strip(), reason=reason.strip(), now=settings.now())
    if as_json:
        print_json(alarm)
    else:
        console().print(f"{site}: {kind} is muted until its cause changes or it closes.")
