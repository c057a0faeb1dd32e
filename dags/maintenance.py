"""The daily care of the archive: merges small files of the table, shortens its log, removes what nothing refers to;
ends suspensions whose day has come, and cleans what runs brought in of what was taken down.

Runs of sites and readers go on meanwhile, and a day that is missed does no harm. What it does is in
``pipeline.maintenance`` and ``pipeline.takedown``; by hand it is `muniment table maintain` and
`muniment takedowns --due`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk import DAG, CronTriggerTimetable, task

from dags.factory import told_to_airflow

if TYPE_CHECKING:
    from pipeline.archive import Archive
    from pipeline.settings import Settings


def find_archive(settings: Settings) -> Archive | None:
    """The archive; None: no site has run yet."""
    from pipeline.archive import open_archive
    from pipeline.errors import NotInArchive

    try:
        return open_archive(settings, create=False)
    except NotInArchive:
        return None


with DAG(
    dag_id="muniment_maintenance",
    description="Merges the table, lets raw data expire, cares for takedowns.",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("40 3 * * *", timezone="UTC", run_immediately=timedelta()),
    catchup=False,
    max_active_runs=1,
    tags=["muniment"],
    default_args={"owner": "muniment", "retries": 3, "retry_delay": timedelta(minutes=5)},
) as dag:

    @task(execution_timeout=timedelta(hours=6))
    def maintain_table() -> dict[str, int]:
        """Merge, shorten, clear up; how many files were merged and removed."""
        from pipeline.maintenance import maintain
        from pipeline.settings import read_settings

        settings = read_settings()
        with told_to_airflow():
            archive = find_archive(settings)
            if archive is None:
                return {"merged": 0, "removed": 0}
            done = maintain(archive, now=settings.now())
        return {"merged": sum(done.merged.values()), "removed": done.removed}

    @task(execution_timeout=timedelta(hours=6))
    def care_for_takedowns() -> dict[str, int]:
        """End what is due, clean what came in; how many takedowns and runs."""
        from pipeline.settings import read_settings
        from pipeline.takedown import care_for_takedowns as care

        settings = read_settings()
        with told_to_airflow():
            archive = find_archive(settings)
            if archive is None:
                return {"reinstated": 0, "cleaned": 0}
            done = care(archive, now=settings.now())
        return {"reinstated": len(done.reinstated), "cleaned": len(done.cleaned)}

    @task(execution_timeout=timedelta(hours=6))
    def expire_segments() -> dict[str, int]:
        """Remove raw data that its site keeps no longer; how many segments of each."""
        from pipeline.maintenance import expire_segments as expire
        from pipeline.settings import read_settings
        from pipeline.steps import read_sites

        settings = read_settings()
        with told_to_airflow():
            archive = find_archive(settings)
            return {} if archive is None else expire(archive, read_sites(settings).values(), now=settings.now())

    maintain_table()
    expire_segments()
    care_for_takedowns()
