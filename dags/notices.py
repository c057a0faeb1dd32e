"""Tell operators through Airflow's notifiers, and note what Airflow alone sees: tasks that failed for good, late runs.

Where messages go stands in ``MUNIMENT_NOTIFY``, or in Airflow's Variable ``muniment_notify``, which goes first. Both
are read in tasks only. Every message stands in the task's log as well.

    smtp:ops@example.org; conn=smtp_ops; from=muniment@example.org, slack:muniment_slack
    [{"notifier": "airflow.providers.apprise.notifications.apprise.AppriseNotifier",
      "kwargs": {"title": "{{ muniment.subject }}", "body": "{{ muniment.text }}"}}]

A notifier's templates may use ``muniment.subject``, ``.text``, ``.html``, ``.id``, ``.event`` and ``.sites``.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from dags.connection import adopt_connection
from pipeline.errors import MunimentError, SettingsError

if TYPE_CHECKING:
    from airflow.sdk.definitions.deadline import DeadlineAlert

    from pipeline.alerts import Outgoing

VARIABLE: Final = "muniment_notify"

_DAG_PREFIX: Final = "site_"
_SMTP: Final = "airflow.providers.smtp.notifications.smtp.SmtpNotifier"
_SLACK: Final = "airflow.providers.slack.notifications.slack_webhook.SlackWebhookNotifier"
_STEP: Final = 'Write "smtp:ADDRESS", "slack:CONNECTION" or a JSON list of notifiers; docs/alerts.md shows each.'
_USUAL_RUNS: Final = 20  # whose mean is a site's normal
_LEAST_RUNS: Final = 5

log = logging.getLogger("muniment")


@dataclass(frozen=True, kw_only=True)
class NotifierSpec:
    """One of Airflow's notifiers, and what it is to be called with."""

    name: str  # by which it is remembered who has a message
    path: str  # where it is imported from
    kwargs: Mapping[str, Any] = field(default_factory=dict)


# --- where messages go -------------------------------------------------------------------------------


def read_specs(text: str) -> tuple[NotifierSpec, ...]:
    """What a setting says of where messages go; nothing: the task's log alone.

    Raises:
        SettingsError: it cannot be understood.
    """
    text = text.strip()
    specs = (
        _read_json(text) if text.startswith("[") else [_read_short(part) for part in text.split(",") if part.strip()]
    )
    names = [spec.name for spec in specs]
    if len(set(names)) < len(names):
        raise SettingsError(f"MUNIMENT_NOTIFY names a notifier twice: {', '.join(names)}.", next_step=_STEP)
    return tuple(specs)


def _read_json(text: str) -> list[NotifierSpec]:
    try:
        items = json.loads(text)
        return [
            NotifierSpec(
                name=item.get("name") or f"{item['notifier'].rsplit('.', 1)[-1]}-{number}",
                path=item["notifier"],
                kwargs=dict(item.get("kwargs", {})),
            )
            for number, item in enumerate(items, start=1)
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"MUNIMENT_NOTIFY is no JSON list of notifiers: {error}.", next_step=_STEP) from error


def _read_short(part: str) -> NotifierSpec:
    first, *more = (piece.strip() for piece in part.split(";"))
    kind, _, value = first.partition(":")
    options = dict(piece.split("=", 1) for piece in more if "=" in piece)
    if kind == "smtp" and value and options.keys() <= {"conn", "from"} and len(options) == len(more):
        kwargs: dict[str, Any] = {
            "to": value,
            "subject": "{{ muniment.subject }}",
            "html_content": "{{ muniment.html }}",
            "custom_headers": {"X-Muniment-Message": "{{ muniment.id }}", "X-Muniment-Event": "{{ muniment.event }}"},
        }
        kwargs |= {"smtp_conn_id": options["conn"]} if "conn" in options else {}
        kwargs |= {"from_email": options["from"]} if "from" in options else {}
        return NotifierSpec(name=first, path=_SMTP, kwargs=kwargs)
    if kind == "slack" and value and not more:
        text = "*{{ muniment.subject }}*\n{{ muniment.text }}"
        return NotifierSpec(name=first, path=_SLACK, kwargs={"slack_webhook_conn_id": value, "text": text})
    raise SettingsError(f"MUNIMENT_NOTIFY: {part.strip()!r} is not understood.", next_step=_STEP)


def make_notifiers(
    specs: tuple[NotifierSpec, ...], context: Mapping[str, Any]
) -> dict[str, Callable[[Outgoing], None]]:
    """What sends, by name; the task's log is always the first.

    Raises:
        SettingsError: a notifier cannot be imported.
    """
    return {"log": write_to_log, **{spec.name: partial(_notify, spec, _import(spec), context) for spec in specs}}


def write_to_log(outgoing: Outgoing) -> None:
    """Write a message into the log of the task."""
    level = logging.INFO if outgoing.event in ("closed", "digest") else logging.WARNING
    log.log(level, "%s", outgoing.subject)
    for line in outgoing.text.splitlines():
        log.log(level, "    %s", line)


def read_notify_setting(setting: str) -> str:
    """Airflow's Variable where there is one, else the setting. In tasks only: it asks Airflow."""
    from airflow.sdk import Variable

    found: str | None = Variable.get(VARIABLE, default=None)
    return setting if found is None else found


def _import(spec: NotifierSpec) -> Callable[..., Any]:
    from importlib import import_module

    module, _, name = spec.path.rpartition(".")
    try:
        found: Callable[..., Any] = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(
            f"The notifier {spec.path} cannot be imported: {error}.",
            next_step="Install the provider that has it into Airflow's environment, or correct MUNIMENT_NOTIFY.",
        ) from error
    return found


def _notify(spec: NotifierSpec, make: Callable[..., Any], context: Mapping[str, Any], outgoing: Outgoing) -> None:
    # A notifier keeps what it has rendered, so each message gets its own. The words come by the context: as an argument
    # they would be taken for a template, and pages could write one.
    make(**spec.kwargs)({**context, "muniment": outgoing.model_dump()})


# --- what Airflow alone sees -------------------------------------------------------------------------


def note_failed_task(context: Any) -> None:
    """Note for the watch that a task of a site's DAG failed for good: a callback (``on_failure_callback``).

    The watch tells it, within ten minutes, together with what failed for the same reason. Never raises: the task has
    failed already, and its own error is what its log is to end with.
    """
    try:
        _note_failed_task(context)
    except MunimentError as error:  # the store itself may be what failed, and the task has said so
        log.warning("That this task failed could not be noted for the alerts: %s", str(error).partition("\n")[0])
    except Exception:
        log.warning("That this task failed could not be noted for the alerts.", exc_info=True)


def _note_failed_task(context: Mapping[str, Any]) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from pipeline.archive import open_archive
    from pipeline.health import note_failure
    from pipeline.model import run_id

    dag_run, instance = context["dag_run"], context["ti"]
    site, error = dag_run.dag_id.removeprefix(_DAG_PREFIX), context.get("exception")
    settings = adopt_connection()
    health = note_failure(
        open_archive(settings, create=False),
        site,
        run_id(dag_run.run_after, dag_run.run_id),
        step=instance.task_id,
        message=str(error or "The task was ended from outside."),
        now=settings.now(),
        gave_up=not isinstance(error, AirflowFailException | MunimentError),
    )
    log.info("noted for the alerts: %s is %s", health.runs[0].run, health.runs[0].state)


def make_deadlines(site: str, run_seconds: float) -> list[DeadlineAlert]:
    """The deadline of a site's runs: the mean of its latest good ones, and half of what a crawl may take more.

    A site with fewer than five good runs has no deadline yet. The triggerer notes it; the watch tells it.
    """
    from airflow.sdk.definitions.callback import AsyncCallback
    from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

    return [
        DeadlineAlert(
            name="late",
            reference=DeadlineReference.AVERAGE_RUNTIME(max_runs=_USUAL_RUNS, min_runs=_LEAST_RUNS),
            interval=timedelta(seconds=max(run_seconds / 2, 600)),
            callback=AsyncCallback(note_late_run, kwargs={"site": site}),
        )
    ]


async def note_late_run(site: str, context: Mapping[str, Any]) -> None:
    """Note for the watch that a run takes far longer than is normal; called by Airflow's triggerer."""
    await asyncio.to_thread(_note_late_run, site, context["dag_run"], context["deadline"])


def _note_late_run(site: str, dag_run: Any, deadline: Any) -> None:
    from airflow.sdk import timezone

    from pipeline.archive import open_archive
    from pipeline.health import note_late
    from pipeline.model import run_id

    run_after = timezone.parse(dag_run["run_after"])
    due = deadline["deadline_time"]
    due = timezone.parse(due) if isinstance(due, str) else due
    settings = adopt_connection()
    now = settings.now()
    message = (
        f"Begun {run_after:%-d %B %H:%M}Z, and not ended by {due:%-d %B %H:%M}Z: the mean of the latest runs that went "
        f"well (at most {_USUAL_RUNS}), and half of crawl.run_seconds more."
    )
    run = run_id(run_after, dag_run["dag_run_id"])
    note_late(open_archive(settings, create=False), site, run, message=message, now=now)
    log.info("noted for the alerts: run %s of %s is late", run, site)
