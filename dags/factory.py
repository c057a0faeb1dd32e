"""Make Airflow DAGs from site files: one DAG for each site, all of the same steps.

    crawl → extract (one task for each WARC segment) → check → publish → Asset "articles/<site>"
                                                        │        └─────→ go_on (a backfill's next run)
                                                        └→ blocked (red where the site refuses us, else skipped)

The DAG of the site ``localgov`` is ``site_localgov``. Everything about a site comes from its file (``dags.catalogue``
keeps what is needed of it here); what the tasks do is in ``dags.tasks`` and ``pipeline.steps``, which only tasks
import, because parsing must stay cheap: Airflow parses a DAG file again and again, and once more for every task (then
only that task's DAG is built).

Not here: any decision about pages, articles or versions. The files that Airflow finds are ``sites_<n>.py``
(the DAGs), ``site_files.py`` (shows site files that cannot be used), ``maintenance.py``, ``backfill.py``,
``probe.py``, ``reextract.py`` and ``example_downstream.py``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import DAG, CronTriggerTimetable, Param, TriggerRule, get_parsing_context

from dags.catalogue import Sheet, list_family_folders, list_site_files, make_sheet, parse_settings, read_sheets
from dags.notices import make_deadlines, note_failed_task
from dags.tasks import (
    DAG_PREFIX,
    BlockedTask,
    CheckTask,
    CrawlTask,
    ExtractTask,
    GoOnTask,
    PublishTask,
    count_published,
    site_asset,
    told_to_airflow,
)
from pipeline.settings import Settings
from spiders.problem import Problem

if TYPE_CHECKING:
    from spiders.site import Site

__all__ = [
    "DAG_PREFIX",
    "GROUPS",
    "GROUP_SIZE",
    "build_dag",
    "build_dags",
    "count_published",
    "find_problems",
    "list_site_files",
    "site_asset",
    "told_to_airflow",
]

GROUP_SIZE: Final = 500
"""Sites in one DAG file, as long as they are fewer than ``GROUPS`` times that; beyond, they share them evenly.

Airflow gives a file 30 s to be parsed, of which 500 sites need 2; writing 500 DAGs into its database takes the DAG
processor 10 s, and it counts as unhealthy after 30 (docs/operators.md).
"""

GROUPS: Final = 8
"""How many ``sites_<n>.py`` there are."""

_CRAWL_MARGIN: Final = timedelta(minutes=15)  # reading the frontier before, uploading the last segment after

_DOCS: Final = {
    "crawl": "Fetches what is new and what is due into WARC segments. A retry goes on after the last sealed one. "
    "Skipped outside of the site's crawl windows.",
    "extract": "Makes clean text and metadata of the pages in a segment.",
    "check": "Holds the run against what is normal for the site. When it fails, nothing of the run is published: "
    "read the end of its log.",
    "blocked": "Fails when the run was rejected because **the site refuses us** (403, a firewall's page, 429 …); "
    "its log says how, and what to do. Skipped in every other run.",
    "publish": "Makes the versions, the table's rows and the frontier; then updates the Asset.",
    "go_on": "Triggers a re-extraction that was asked for, or the next run of a backfill that is not finished, unless "
    "a regular run is due: that one goes first, and triggers it at its own end. Outside of the site's crawl windows "
    "the next run is put down for when they open. Skipped when there is nothing to go on with.",
}
_DEFAULTS: Final[dict[str, Any]] = {
    "owner": "muniment",
    "on_failure_callback": note_failed_task,
    # For temporary errors; a permanent one fails its task at once. 15 s, 30 s, 1, 2, 4 minutes.
    "retries": 5,
    "retry_delay": timedelta(seconds=15),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    # What has begun is ended before more is begun: without it a thousand due crawls go before every publication.
    "weight_rule": "absolute",
}


def build_dags(group: int) -> dict[str, DAG]:
    """The DAGs of one group file, by id.

    When Airflow parses the file for one task, only the DAG of that task is built, wherever the order of the
    ids has put its site meanwhile. Site files that cannot be used are left out: ``site_files.py`` shows them.
    """
    settings = parse_settings()
    files = list_site_files(settings, [])
    wanted = get_parsing_context().dag_id
    if wanted is None:
        size = max(GROUP_SIZE, -(-len(files) // GROUPS))
        ids = list(files)[group * size : (group + 1) * size]
    else:
        ids = [site_id for site_id in (wanted.removeprefix(DAG_PREFIX),) if site_id in files]
    dags = (_build(sheet, settings) for sheet in read_sheets(settings, files, ids, []))
    return {dag.dag_id: dag for dag in dags}


def find_problems() -> list[Problem]:
    """Everything that is wrong with the site files."""
    settings = parse_settings()
    problems: list[Problem] = []
    files = list_site_files(settings, problems)
    if list_family_folders(settings):
        from spiders.families import Families
        from spiders.site import find_family_problems

        problems += find_family_problems(Families(folders=settings.sites))
    for _ in read_sheets(settings, files, files, problems):
        pass
    return problems


def build_dag(site: Site, settings: Settings) -> DAG:
    """The DAG of one site."""
    return _build(make_sheet(site, settings), settings)


class SiteDag(DAG):
    """The DAG of a site."""

    def test(self, *args: Any, **kwargs: Any) -> Any:
        """As Airflow's (and `airflow dags test`), without the deadline: with one, that of 3.3.2 fails at a run's end.

        It looks for the deadline in its database, where only a DAG processor puts it (``'dict' object has no attribute
        'hex'``).
        """
        self.deadline = None
        return super().test(*args, **kwargs)


def _build(sheet: Sheet, settings: Settings) -> DAG:
    pool = sheet.pool or settings.crawl_pool
    with SiteDag(
        dag_id=f"{DAG_PREFIX}{sheet.id}",
        dag_display_name=sheet.name,
        description=f"{sheet.name}: watch for new and changed articles ({sheet.home})",
        doc_md=sheet.page,
        # No start date, and timedelta(): a site that is switched on first runs at its next time. Anything else
        # starts a run for the time before, at once and for all sites together (False too, as of 3.3.2).
        schedule=CronTriggerTimetable(sheet.schedule, timezone=sheet.timezone, run_immediately=timedelta()),
        catchup=False,
        max_active_runs=1,
        tags=sheet.tags,
        default_args=_DEFAULTS,
        deadline=make_deadlines(sheet.id, sheet.run_seconds),
    ) as dag:
        crawl = CrawlTask(
            task_id="crawl",
            execution_timeout=timedelta(seconds=sheet.run_seconds) + _CRAWL_MARGIN,
            pool=pool,
            priority_weight=1,
            doc_md=_DOCS["crawl"],
        )
        extract = ExtractTask.partial(
            task_id="extract",
            execution_timeout=timedelta(hours=1),
            map_index_template="{{ segments }}",
            priority_weight=2,
            doc_md=_DOCS["extract"],
        ).expand(segments=crawl.output)
        check = CheckTask(
            task_id="check",
            execution_timeout=timedelta(minutes=15),
            # A crawl that fetched nothing has no segments, and its extract is skipped: that is no failure. A crawl
            # that is skipped itself has nothing to check.
            trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
            priority_weight=3,
            doc_md=_DOCS["check"],
        )
        blocked = BlockedTask(
            task_id="blocked",
            execution_timeout=timedelta(minutes=15),
            map_index_template="{{ refusal }}",
            priority_weight=4,
            doc_md=_DOCS["blocked"],
        )
        publish = PublishTask(
            task_id="publish",
            execution_timeout=timedelta(hours=1),
            outlets=[site_asset(settings, sheet.id)],
            priority_weight=4,
            doc_md=_DOCS["publish"],
        )
        go_on = GoOnTask(
            task_id="go_on",
            execution_timeout=timedelta(minutes=15),
            # After a crawl that was skipped, too: a closed window is not the end of a backfill.
            trigger_rule=TriggerRule.NONE_FAILED,
            priority_weight=4,
            doc_md=_DOCS["go_on"],
        )
        check.set_upstream([crawl, extract])
        check.set_downstream([publish, blocked])
        publish.set_downstream(go_on)
    # After the tasks: each of them would make a deep copy of them, and DAG() holds each default against its schema,
    # which is two thirds of a parse. Airflow takes a run's parameters from the DAG, and validates them then.
    for name, param in _list_params(sheet).items():
        dag.params[name] = param
    return dag


def _list_params(sheet: Sheet) -> dict[str, Param]:
    """The form of *Trigger*."""
    return {
        "limit": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            title="Fetch at most",
            description="Article pages in this run; empty: the site file's fetch_at_most "
            f"({sheet.fetch_at_most}). What is left over is taken by the next run.",
        ),
        "now": Param(
            False,
            type="boolean",
            title="Now",
            description="Crawl also outside of the site's crawl windows "
            f"({', '.join(sheet.windows) or 'it has none'}).",
        ),
        "since": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Backfill since",
            description="Fetch what the site published from this day on, run by run: a run like this one follows "
            "as long as there is more, and regular runs go first. Empty: a regular run.",
        ),
        "until": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Backfill until",
            description="The last day that is wanted; empty: today.",
        ),
        "reextract": Param(
            False,
            type="boolean",
            title="Force re-extract",
            description="After this run, read again all that the archive holds of the site, by today's extractor (the "
            "DAG muniment_reextract): new versions only where the text is another one.",
        ),
        "dry_run": Param(
            False,
            type="boolean",
            title="Dry run",
            description="Crawl, extract and check, and only tell what publishing would come to, at the end of crawl's "
            "log. Nothing of it gets into the archive, and the run does not count as one of the site's.",
        ),
    }
