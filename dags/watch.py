"""Look every ten minutes at how the sites stand, and tell operators what is wrong; once a day, what changed.

`muniment_watch` reads only what has changed since its pass before. It tells a cause once, reminds of it at growing
intervals, and gives one all-clear; sites that suffer from one cause are one message. `muniment_digest` sums up the day
before, what needs attention first. Where messages go says `MUNIMENT_NOTIFY`, or the Variable `muniment_notify`; without
either they stand in the log of the task and on the Archive page. docs/alerts.md says what is judged, and by what.

Red here means that a message could not be handed over: the log says to whom and why; it is tried again in ten minutes.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, CronTriggerTimetable, get_current_context, task

from dags.catalogue import list_site_files
from dags.connection import adopt_connection
from dags.tasks import DAG_PREFIX, find_archive, told_to_airflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.settings import Settings
    from spiders.site import Site


def read_usable_sites(settings: Settings) -> dict[str, Site]:
    """The declared sites; those whose file cannot be used have no DAG either, and Airflow shows why."""
    from contextlib import suppress

    from spiders.families import Families
    from spiders.site import SiteError, load_site

    families, sites = Families(folders=settings.sites), {}
    for site_id, path in list_site_files(settings, []).items():
        with suppress(SiteError):
            sites[site_id] = load_site(path, families=families)
    return sites


def ask_whether_paused(context: Any) -> Callable[[str], bool]:
    """Asks Airflow whether a site's DAG is switched off; one that there is not counts as such."""
    from airflow.sdk.exceptions import AirflowRuntimeError

    def is_paused(site: str) -> bool:
        try:
            return bool(context["ti"].get_dag(f"{DAG_PREFIX}{site}").is_paused)
        except AirflowRuntimeError:
            return True

    return is_paused


with DAG(
    dag_id="muniment_watch",
    description="Tells operators what is wrong with a site: once, and with what to do.",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("*/10 * * * *", timezone="UTC", run_immediately=timedelta()),
    catchup=False,
    max_active_runs=1,
    tags=["muniment"],
    default_args={"owner": "muniment", "retries": 1, "retry_delay": timedelta(seconds=30)},
) as watch_dag:

    @task(execution_timeout=timedelta(minutes=9))
    def watch() -> dict[str, int]:
        """Judge what changed, tell what is due; how many sites and messages."""
        from airflow.sdk.exceptions import AirflowException

        from dags.metrics import send
        from dags.notices import make_notifiers, read_notify_setting, read_specs
        from pipeline.alerts import watch as look_around
        from pipeline.metrics import measure_watch

        settings, context = adopt_connection(), get_current_context()
        with told_to_airflow():
            archive = find_archive(settings)
            if archive is None:
                return {}
            done = look_around(
                archive,
                read_usable_sites(settings),
                settings.now(),
                notifiers=make_notifiers(read_specs(read_notify_setting(settings.notify)), context),
                is_paused=ask_whether_paused(context),
            )
        send(measure_watch(done))
        if done.failed:
            raise AirflowException("; ".join(f"not sent to {name}: {error}" for name, error in done.failed.items()))
        return done.model_dump(include={"sites", "looked", "sent", "held"})

    watch()


with DAG(
    dag_id="muniment_digest",
    description="Sums up the day before: what needs attention, what changed.",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("30 6 * * *", timezone="UTC", run_immediately=timedelta()),
    catchup=False,
    max_active_runs=1,
    tags=["muniment"],
    default_args={"owner": "muniment", "retries": 3, "retry_delay": timedelta(minutes=5)},
) as digest_dag:

    @task(execution_timeout=timedelta(minutes=15))
    def digest() -> dict[str, int]:
        """Put the day before together and send it, unless that was done."""
        from dags.notices import make_notifiers, read_notify_setting, read_specs
        from pipeline.alerts import describe_digest, make_digest, send_once
        from pipeline.health import list_health, read_all
        from pipeline.maintenance import read_table_status

        settings, context = adopt_connection(), get_current_context()
        with told_to_airflow():
            archive = find_archive(settings)
            if archive is None:
                return {}
            now = settings.now()
            made = make_digest(read_all(archive, list_health(archive)), now.date() - timedelta(days=1), now)
            table = read_table_status(archive)
            held = "" if table is None else f"The table has {table.rows:,} rows in {table.files:,} files."
            notifiers = make_notifiers(read_specs(read_notify_setting(settings.notify)), context)
            send_once(archive, made.day, describe_digest(made, more=[held] if held else []), notifiers)
        return {"new": made.new, "edited": made.edited, "gone": made.gone}

    digest()
