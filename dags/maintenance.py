"""The daily care of the archive; switch it on once. Five tasks that know nothing of each other:

- `maintain_table` merges small files of the table, shortens its log, removes what nothing refers to;
- `expire_segments` removes raw data that its site keeps no longer (`keep_raw`);
- `care_for_takedowns` ends suspensions whose day has come, and cleans what runs brought in of what was taken down;
- `rebuild_lost` makes anew how sites stand (`health/`), where that is lost;
- `audit` reads a thirtieth of all objects, another one each day, so that after thirty days every one was read and held
  against what the journal says of it. What is derived and can be made anew (indexes, frontiers, rows, site memory) is;
  what then is still wrong makes the task **fail, with every finding in words** at the end of its log, and what to do.
  That the store does not answer is no finding: the task is tried again.

Runs of sites and readers go on meanwhile, each task may be killed and run again at any time, and a day that is missed
does no harm, but for the thirtieth that the audit then reads a month later. By hand it is `muniment table maintain`,
`muniment takedowns --due`, `muniment audit --repair`. More: docs/audit.md, docs/operators.md.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from airflow.sdk import DAG, CronTriggerTimetable, Param, get_current_context, task

from dags.connection import adopt_connection
from dags.tasks import find_archive, told_to_airflow

if TYPE_CHECKING:
    from pipeline.audit import Audited

PARTS: Final = 30
"""An audit of each day reads one of so many parts."""

log = logging.getLogger("muniment")


def tell_audit(told: Audited) -> None:
    """Every finding in words, what was read last."""
    for each in told.discrepancies:
        since = f", by run {each.run}" if each.run else ""
        log.error("%s: %s", each.key, each.problem)
        log.error("    expected %s%s; stands %s", each.expected, since, each.stands)
        log.error("    do: %s", each.next_step)
    for note in told.notes:
        log.info("to know: %s: %s", note.site, note.message)
    log.info(
        "%d of %d objects (%.1f MB) were read: %d sites, %d versions, %d records of evidence; %d things are wrong",
        *(told.read, told.objects, told.bytes / 1e6, len(told.sites), told.versions, told.records),
        len(told.discrepancies),
    )


with DAG(
    dag_id="archive_maintenance",
    description="Merges the table, lets raw data expire, cares for takedowns, audits a thirtieth each day.",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("40 3 * * *", timezone="UTC", run_immediately=timedelta()),
    catchup=False,
    max_active_runs=1,
    tags=["muniment", "archive"],
    params={
        "audit": Param(
            "part",
            type="string",
            enum=["part", "all", "none"],
            title="Audit",
            description="part: the day's thirtieth of the objects; all: every one, which takes long; none: no audit.",
        )
    },
    default_args={"owner": "muniment", "retries": 3, "retry_delay": timedelta(minutes=5)},
) as dag:

    @task(execution_timeout=timedelta(hours=6), multiple_outputs=False)
    def maintain_table() -> dict[str, int]:
        """Merge, shorten, clear up; how many files were merged and removed."""
        from pipeline.maintenance import maintain

        with told_to_airflow():
            settings = adopt_connection()
            archive = find_archive(settings)
            if archive is None:
                return {"merged": 0, "removed": 0}
            done = maintain(archive, now=settings.now())
        return {"merged": sum(done.merged.values()), "removed": done.removed}

    @task(execution_timeout=timedelta(hours=6), multiple_outputs=False)
    def care_for_takedowns() -> dict[str, int]:
        """End what is due, clean what came in; how many takedowns and runs."""
        from pipeline.takedown import care_for_takedowns as care

        with told_to_airflow():
            settings = adopt_connection()
            archive = find_archive(settings)
            if archive is None:
                return {"reinstated": 0, "cleaned": 0}
            done = care(archive, now=settings.now())
        return {"reinstated": len(done.reinstated), "cleaned": len(done.cleaned)}

    @task(execution_timeout=timedelta(hours=6), multiple_outputs=False)
    def expire_segments() -> dict[str, int]:
        """Remove raw data that its site keeps no longer; how many segments of each."""
        from pipeline.maintenance import expire_segments as expire
        from pipeline.steps import read_sites

        with told_to_airflow():
            settings = adopt_connection()
            archive = find_archive(settings)
            return {} if archive is None else expire(archive, read_sites(settings).values(), now=settings.now())

    @task(execution_timeout=timedelta(hours=1), multiple_outputs=False)
    def rebuild_lost() -> list[str]:
        """Put together anew how sites stand, where that is lost; which sites."""
        from pipeline.health import list_health, rebuild_health

        with told_to_airflow():
            settings = adopt_connection()
            archive = find_archive(settings)
            if archive is None:
                return []
            lost = sorted(set(archive.sites()) - set(list_health(archive)))
            for site in lost:
                rebuild_health(archive, site, now=settings.now())
                log.info("%s: how it stands was lost, and is made anew of its runs", site)
            return lost

    @task(execution_timeout=timedelta(hours=12), multiple_outputs=False)
    def audit() -> dict[str, int]:
        """Hold the day's part of the archive against its journals; how much was read, and made anew."""
        from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

        from pipeline.audit import Choice, audit_archive
        from pipeline.protection import expiry_of
        from pipeline.repair import Makers, repair_archive
        from pipeline.steps import Workplace, read_again, read_sites

        context = get_current_context()
        which, day = context["params"]["audit"], context["dag_run"].run_after
        if which == "none":
            raise AirflowSkipException("no audit was asked for")
        with told_to_airflow():
            settings = adopt_connection()
            archive = find_archive(settings)
            if archive is None:
                return {"read": 0, "repaired": 0}
            sites = read_sites(settings)
            work = Workplace(settings=settings, sites=sites, archive=archive)
            choice = None if which == "all" else Choice(seed=0, part=(day.toordinal() % PARTS, PARTS))
            look = partial(audit_archive, archive, choice=choice, expiry=expiry_of(sites.values(), settings.now()))
            told, repaired = look(), 0
            if any(each.rebuildable for each in told.discrepancies):
                makers = Makers(sites=sites, findings=partial(read_again, work), now=settings.now())
                mended = repair_archive(archive, told, makers)
                repaired = len(mended.done)
                for line in mended.done:
                    log.warning("made anew: %s", line)
                told = look()
        tell_audit(told)
        if not told.clean:
            raise AirflowFailException(
                f"{len(told.discrepancies)} things are wrong with the archive; the log says which, and what to do."
            )
        return {"read": told.read, "repaired": repaired}

    maintain_table()
    expire_segments()
    care_for_takedowns()
    rebuild_lost()
    audit()
