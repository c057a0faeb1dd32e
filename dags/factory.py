"""Make Airflow DAGs from site files: one DAG for each site, all of the same four steps.

    crawl → extract (one task for each WARC segment) → check → publish → Asset "articles/<site>"
                                                                 └─────→ go_on (a backfill's next run)

The DAG of the site ``localgov`` is ``site_localgov``. Everything about a site comes from its file; what the
steps do is in ``pipeline.steps``, which only tasks import, because parsing must stay cheap: Airflow parses a
DAG file every minute, and again for every task (then only that task's DAG is built).

Not here: any decision about pages, articles or versions. The files that Airflow finds are ``sites_<n>.py``
(the DAGs), ``site_files.py`` (shows site files that cannot be used) and ``example_downstream.py``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from airflow.sdk import (
    DAG,
    Asset,
    CronTriggerTimetable,
    Param,
    TriggerRule,
    get_current_context,
    get_parsing_context,
    task,
    timezone,
)
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, DagRunTriggerException

from dags.page import describe_site
from pipeline.endangered import schedule_in_force
from pipeline.errors import Permanent
from pipeline.model import pool_name, run_id
from pipeline.settings import Settings, read_settings
from spiders.families import Families
from spiders.site import BUILTIN_FOLDER, Problem, Site, SiteError, find_family_problems, find_site_files, load_site

if TYPE_CHECKING:
    from pipeline.model import Published
    from pipeline.steps import Workplace
    from spiders.window import Window

GROUP_SIZE: Final = 200
"""Sites in one DAG file: Airflow gives a file 30 s to be parsed, and 200 sites need 2 (docs/operators.md)."""

GROUPS: Final = 5
"""How many ``sites_<n>.py`` there are."""

DAG_PREFIX: Final = "site_"

_BATCHES: Final = 1000  # of segments: Airflow refuses to map a task more than 1,024 times
_CRAWL_MARGIN: Final = timedelta(minutes=15)  # reading the frontier before, uploading the last segment after

log = logging.getLogger("muniment")


# --- sites ------------------------------------------------------------------------------------------


def list_site_files(settings: Settings, problems: list[Problem]) -> dict[str, Path]:
    """The site files by id, sorted; of two files that claim one id the first folder's counts.

    Folders that are none and ids that are claimed twice go to ``problems``.
    """
    folders = ([BUILTIN_FOLDER] if settings.builtin_sites else []) + list(settings.sites)
    paths = list(find_site_files(folders, setting="MUNIMENT_SITES", problems=problems))
    found = {path.stem: path for path in reversed(paths)}
    problems += [
        Problem(
            file=str(path),
            key="",
            problem=f"the id {path.stem!r} is taken by {found[path.stem]}, which is used",
            remedy="Rename one of the two files; an id names a site's place in the archive.",
        )
        for path in paths
        if found[path.stem] is not path
    ]
    return dict(sorted(found.items()))


def site_asset(settings: Settings, site_id: str) -> Asset:
    """The Asset that a published run of a site updates; schedule your DAGs on it.

    Each event's ``extra`` has ``site``, ``run`` and counts; ``pipeline.reader.run_versions`` reads the rest.
    """
    return Asset(name=f"articles/{site_id}", uri=f"s3://{settings.bucket}/articles/{site_id}", group="muniment")


# --- DAGs -------------------------------------------------------------------------------------------


def build_dags(group: int) -> dict[str, DAG]:
    """The DAGs of one group file, by id.

    When Airflow parses the file for one task, only the DAG of that task is built, wherever the order of the
    ids has put its site meanwhile. Site files that cannot be used are left out: ``site_files.py`` shows them.
    """
    settings = read_settings()
    files = list_site_files(settings, [])
    wanted = get_parsing_context().dag_id
    if wanted is None:
        ids = list(files)[group * GROUP_SIZE : (group + 1) * GROUP_SIZE]
    else:
        ids = [site_id for site_id in (wanted.removeprefix(DAG_PREFIX),) if site_id in files]
    families = Families(folders=settings.sites)
    dags: dict[str, DAG] = {}
    for site_id in ids:
        try:
            site = load_site(files[site_id], families=families)
        except SiteError:
            continue
        dag = build_dag(site, settings)
        dags[dag.dag_id] = dag
    return dags


def find_problems() -> list[Problem]:
    """Everything that is wrong with the site files, and whether there are more than the group files hold."""
    settings = read_settings()
    problems: list[Problem] = []
    files = list_site_files(settings, problems)
    families = Families(folders=settings.sites)
    problems += find_family_problems(families)
    for path in files.values():
        try:
            load_site(path, families=families)
        except SiteError as error:
            problems += error.problems
    if len(files) > GROUPS * GROUP_SIZE:
        problems.append(
            Problem(
                file="dags/factory.py",
                key="GROUPS",
                problem=f"{len(files)} site files, but the DAG files hold {GROUPS * GROUP_SIZE}",
                remedy=f"Copy dags/sites_0.py to dags/sites_{GROUPS}.py, change its number, and raise GROUPS.",
            )
        )
    return problems


def build_dag(site: Site, settings: Settings) -> DAG:
    """The DAG of one site."""
    asset = site_asset(settings, site.id)
    schedule = schedule_in_force(site, settings.now())
    with DAG(
        dag_id=f"{DAG_PREFIX}{site.id}",
        dag_display_name=site.name,
        description=f"{site.name}: watch for new and changed articles ({site.home})",
        doc_md=describe_site(site, bucket=settings.bucket, asset=asset.name, schedule=schedule),
        # No start date, and timedelta(): a site that is switched on first runs at its next time. Anything else
        # starts a run for the time before, at once and for all sites together (False too, as of 3.3.2).
        schedule=CronTriggerTimetable(schedule, timezone=site.timezone, run_immediately=timedelta()),
        catchup=False,
        max_active_runs=1,
        tags=site_tags(site),
        params={
            "limit": Param(
                None,
                type=["null", "integer"],
                minimum=1,
                title="Fetch at most",
                description="Article pages in this run; empty: the site file's fetch_at_most "
                f"({site.crawl.fetch_at_most}). What is left over is taken by the next run.",
            ),
            "now": Param(
                False,
                type="boolean",
                title="Now",
                description="Crawl also outside of the site's crawl windows "
                f"({', '.join(site.crawl.windows) or 'it has none'}).",
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
        },
        default_args={
            "owner": "muniment",
            # For temporary errors; a permanent one fails its task at once. 15 s, 30 s, 1, 2, 4 minutes.
            "retries": 5,
            "retry_delay": timedelta(seconds=15),
            "retry_exponential_backoff": 2.0,
            "max_retry_delay": timedelta(minutes=10),
        },
    ) as dag:

        @task(
            execution_timeout=timedelta(seconds=site.crawl.run_seconds) + _CRAWL_MARGIN,
            # One slot: sites of one server are never crawled at the same time.
            pool=pool_name(site.crawl.group) if site.crawl.group else "default_pool",
            doc_md="Fetches what is new and what is due into WARC segments. A retry goes on after the last sealed one. "
            "Skipped outside of the site's crawl windows.",
        )
        def crawl() -> list[list[int]]:
            from pipeline import steps

            context = get_current_context()
            params = context["params"]
            window = read_window(params["since"], params["until"])
            with told_to_airflow():
                work, run = _workplace(site), _run(context)
                if not params["now"] and (closed := steps.find_closed_window(work, site.id, run)):
                    log.info("%s", closed)  # Airflow logs that it skips, and not why
                    raise AirflowSkipException(closed)
                crawled = steps.crawl(work, site.id, run, limit=params["limit"], anytime=params["now"], window=window)
            return _batch(crawled.segments)

        @task(
            execution_timeout=timedelta(hours=1),
            map_index_template="{{ segments }}",
            doc_md="Makes clean text and metadata of the pages in a segment.",
        )
        def extract(segments: list[int]) -> dict[str, int]:
            from pipeline import steps

            context = get_current_context()
            context["segments"] = _name_batch(segments)  # type: ignore[typeddict-unknown-key] # for map_index_template
            counts: dict[str, int] = {}
            with told_to_airflow():
                work = _workplace(site)
                for segment in segments:
                    for kind, count in steps.extract(work, site.id, _run(context), segment).items():
                        counts[kind] = counts.get(kind, 0) + count
            return counts

        @task(
            execution_timeout=timedelta(minutes=15),
            # A crawl that fetched nothing has no segments, and its extract is skipped: that is no failure. A crawl
            # that is skipped itself has nothing to check.
            trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
            doc_md="Holds the run against the site's limits. When it fails, nothing of the run is published: "
            "read the end of its log.",
        )
        def check() -> dict[str, int]:
            from pipeline import steps

            with told_to_airflow():
                return steps.check(_workplace(site), site.id, _run(get_current_context())).counts

        @task(
            execution_timeout=timedelta(hours=1),
            outlets=[asset],
            doc_md="Makes the versions, the table's rows and the frontier; then updates the Asset.",
        )
        def publish() -> dict[str, int]:
            from pipeline import steps

            context = get_current_context()
            with told_to_airflow():
                published = steps.publish(_workplace(site), site.id, _run(context))
            counts = count_published(published)
            context["outlet_events"][asset].extra = {"site": site.id, "run": published.run, **counts}
            return counts

        @task(
            execution_timeout=timedelta(minutes=15),
            # After a crawl that was skipped, too: a closed window is not the end of a backfill.
            trigger_rule=TriggerRule.NONE_FAILED,
            doc_md="Triggers the next run of a backfill that is not finished, unless a regular run is due: that one "
            "goes first, and triggers it at its own end. Outside of the site's crawl windows the next run is put down "
            "for when they open. Skipped when there is nothing to go on with.",
        )
        def go_on() -> None:
            with told_to_airflow():
                go_on_with_backfill(site, get_current_context())

        crawled = crawl()
        [crawled, extract.expand(segments=crawled)] >> check() >> publish() >> go_on()
    return dag


def site_tags(site: Site) -> list[str]:
    """Tags by which an operator filters the list of DAGs."""
    facts = {"kind": site.kind, "cms": site.family, "region": site.region, "country": site.country}
    return ["muniment", *(f"{name}:{value}"[:100] for name, value in facts.items() if value)]


def count_published(published: Published) -> dict[str, int]:
    """The counts that an Asset's event carries: versions by change, then URLs by outcome."""
    from pipeline.model import Change, Outcome

    return {
        "discovered": published.discovered,
        # "gone" is the number of versions that say so, and the URLs that answered 404 are "gone-urls"; "blocked" is the
        # number of URLs, and the versions that say so are "blocked-versions"
        **{
            (change.value if change.value != "blocked" else "blocked-versions"): published.versions.get(change.value, 0)
            for change in Change
        },
        **{
            (outcome.value if outcome.value != "gone" else "gone-urls"): published.outcomes.get(outcome.value, 0)
            for outcome in Outcome
        },
        "table_rows": published.table_rows,
    }


# --- inside tasks -----------------------------------------------------------------------------------


@contextmanager
def told_to_airflow() -> Iterator[None]:
    """Fail the task at once on what trying again cannot mend; everything else is left to the retries."""
    try:
        yield
    except Permanent as error:
        for line in str(error).splitlines():  # the end of the log, before Airflow's traceback
            log.error("%s", line)
        raise AirflowFailException(str(error)) from None


def read_window(since: str | None, until: str | None) -> Window | None:
    """The window of a backfill from a run's parameters; None for a regular run."""
    if since is None:
        return None
    from spiders.window import Window  # which knows lxml

    return Window(since=date.fromisoformat(since), until=date.fromisoformat(until) if until else None)


def go_on_with_backfill(site: Site, context: Mapping[str, Any]) -> NoReturn:
    """End the task by triggering the next run of the site's backfill, or by skipping it where none is to follow now."""
    from pipeline import steps
    from pipeline.backfill import find_start

    standing = steps.find_unfinished(_workplace(site), site.id)
    if standing is None:
        log.info("No backfill is under way: there is nothing to go on with.")
        raise AirflowSkipException("no backfill is under way")
    now = timezone.utcnow()
    due = context["ti"].get_dag(f"{DAG_PREFIX}{site.id}").next_dagrun
    if due is not None and due <= now:
        log.info("The regular run of %s goes first, and goes on with the backfill.", f"{due:%Y-%m-%d %H:%M}Z")
        raise AirflowSkipException("a regular run is due")
    own = site.model_copy(update={"crawl": site.crawl.model_copy(update={"windows": ()})})
    start = find_start(own if context["params"]["now"] else site, standing, now)
    if start is None:
        log.info("A regular run is to go on: the crawl window is closed, or the site asked to be left alone.")
        raise AirflowSkipException("not now")
    trigger_chunk(context, standing.since, standing.until, start)


def trigger_chunk(context: Mapping[str, Any], since: date, until: date, start: datetime) -> NoReturn:
    """End the task by triggering the next run of a backfill, which begins at ``start`` at the earliest.

    A retry of the task triggers no second one.
    """
    dag_run = context["dag_run"]
    params = context["params"]
    conf = {"since": f"{since}", "until": f"{until}"}
    if params["since"] is not None:  # how the operator wants it; a regular run's own parameters are not its
        conf |= {name: params[name] for name in ("limit", "now") if params[name]}
    raise DagRunTriggerException(
        trigger_dag_id=dag_run.dag_id,
        dag_run_id=f"backfill__{_run(context)}",
        conf=conf,
        run_after=start,
        reset_dag_run=False,
        skip_when_already_exists=True,
        wait_for_completion=False,
        allowed_states=[],
        failed_states=[],
        poke_interval=60,
        deferrable=False,
    )


def _workplace(site: Site) -> Workplace:
    # Not steps.open_workplace: a mistake in another site's file is not this site's business.
    from pipeline.archive import open_archive
    from pipeline.steps import Workplace

    logging.getLogger("botocore.credentials").setLevel(logging.WARNING)  # one line for each client, of no news
    settings = read_settings()
    return Workplace(settings=settings, sites={site.id: site}, archive=open_archive(settings))


def _run(context: Mapping[str, Any]) -> str:
    # run_after is set for manual runs too, and neither changes when a task is retried or cleared.
    dag_run = context["dag_run"]
    return run_id(dag_run.run_after, dag_run.run_id)


def _batch(segments: tuple[int, ...]) -> list[list[int]]:
    size = -(-len(segments) // _BATCHES) or 1
    return [list(segments[start : start + size]) for start in range(0, len(segments), size)]


def _name_batch(segments: list[int]) -> str:
    if len(segments) == 1:
        return f"segment {segments[0]:05d}"
    return f"segments {segments[0]:05d}-{segments[-1]:05d}"
