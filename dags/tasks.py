"""What the tasks of a site's DAG do, as operators: each calls one step of ``pipeline.steps`` and tells Airflow.

Operators and not decorated functions, because a DAG of five is built at every parse of every site: each costs a
quarter of what ``@task`` does, which looks at signatures and merges defaults in four classes. Everything heavy is
imported inside of ``execute``. Which site it is stands in the DAG's id; its file is read in the task.

Not here: any decision about pages, articles or versions.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

from airflow.sdk import Asset, BaseOperator, timezone
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowSkipException,
    DagRunTriggerException,
    DownstreamTasksSkipped,
)

from dags.catalogue import asset_name, list_site_files
from dags.connection import adopt_connection
from dags.metrics import send_run
from pipeline.errors import DiskFull, NotInArchive, Permanent, RunRejected, SiteFileError, Temporary
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.archive import Archive
    from pipeline.model import Published
    from pipeline.refusal import Refusal
    from pipeline.steps import Workplace
    from spiders.site import Site
    from spiders.window import Window

DAG_PREFIX: Final = "site_"

_BATCHES: Final = 1000  # of segments: Airflow refuses to map a task more than 1,024 times

log = logging.getLogger("muniment")


def site_asset(settings: Settings, site_id: str) -> Asset:
    """The Asset that a published run of a site updates; schedule your DAGs on it.

    Each event's ``extra`` has ``site``, ``run`` and counts; ``pipeline.reader.run_versions`` reads the rest.
    """
    return Asset(name=asset_name(site_id), uri=f"s3://{settings.bucket}/articles/{site_id}", group="muniment")


# --- the steps --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What a task of a run has at hand."""

    work: Workplace
    site: str
    run: str  # in the archive
    context: Any  # Airflow's

    @property
    def whose(self) -> tuple[Workplace, str, str]:
        """What every step begins with."""
        return self.work, self.site, self.run


class SiteTask(BaseOperator):
    """A task of a site's DAG."""

    def execute(self, context: Any) -> Any:
        """Do the step, with what it needs at hand."""
        site, run = self.dag_id.removeprefix(DAG_PREFIX), find_run(context)
        with told_to_airflow(site=site, run=run, context=context):
            return self.perform(Turn(work=open_workplace(site), site=site, run=run, context=context))

    def perform(self, turn: Turn) -> Any:
        """The step itself."""
        raise NotImplementedError


def _skip(*tasks: str) -> NoReturn:
    """End the task well, with these tasks after it marked as skipped: none of them takes a process to say so."""
    raise DownstreamTasksSkipped(tasks=list(tasks))  # type: ignore[no-untyped-call]


class CrawlTask(SiteTask):
    """Fetch what is new and what is due."""

    def perform(self, turn: Turn) -> list[list[int]]:
        """The numbers of the run's segments, in as many lists as extract is to have tasks."""
        from pipeline import steps

        params = turn.context["params"]
        window = read_window(params["since"], params["until"])
        if not params["now"] and (closed := steps.find_closed_window(*turn.whose)):
            log.info("%s", closed)  # Airflow logs that it skips, and not why
            raise AirflowSkipException(closed)
        if params["dry_run"]:
            _rehearse(turn, params, window)
        log.info("run %s of %s", turn.run, turn.site)
        crawled = steps.crawl(*turn.whose, limit=params["limit"], anytime=params["now"], window=window)
        return _batch(crawled.segments)


def _rehearse(turn: Turn, params: Mapping[str, Any], window: Window | None) -> NoReturn:
    """Try the run, tell what publishing it would come to, and skip what would write."""
    from pipeline.rehearsal import rehearse

    log.info("dry run: nothing of it gets into the archive")
    done = rehearse(*turn.whose, limit=params["limit"], anytime=params["now"], window=window)
    for title, url in done.sample:
        log.info("would be new: %s  %s", title, url)
    told = "would be rejected" if done.report.verdict == "reject" else "would be published"
    log.info("%s: %s", done.report.verdict, done.report.message)
    log.info(
        "The run %s: %d new articles, %d known ones (a version of each whose text has changed)%s.",
        *(told, done.new, done.known),
        "".join(f", {count} {kind}" for kind, count in sorted(done.other.items())),
    )
    _skip("extract", "check", "blocked", "publish", "go_on")


class ExtractTask(SiteTask):
    """Make clean text and metadata of the pages in some segments.

    Args:
        segments: their numbers.
    """

    def __init__(self, *, segments: list[int], **more: Any) -> None:
        super().__init__(**more)
        self.segments = segments

    def perform(self, turn: Turn) -> dict[str, int]:
        """How many findings of each kind."""
        from pipeline import steps

        turn.context["segments"] = _name_batch(self.segments)  # for map_index_template
        counts: dict[str, int] = {}
        for segment in self.segments:
            for kind, count in steps.extract(*turn.whose, segment).items():
                counts[kind] = counts.get(kind, 0) + count
        return counts


class CheckTask(SiteTask):
    """Hold the run against what is normal for the site."""

    def perform(self, turn: Turn) -> None:
        """Let ``publish`` go on, or ``blocked`` tell that the site refuses us; anything else that is wrong fails."""
        from pipeline import steps

        try:
            steps.check(*turn.whose)
        except RunRejected as rejected:
            send_run(turn.work.archive, turn.site, turn.run)
            refusal = _find_refusal(turn)
            if refusal is None:
                raise
            log.warning("The run was rejected because the site refuses us: the task `blocked` tells it.")
            for line in str(rejected).splitlines():
                log.warning("%s", line)
            _skip("publish", "go_on")
        _skip("blocked")


class BlockedTask(SiteTask):
    """Fail under a name of its own where the site refuses us: the grid's row says since when, its label how."""

    def perform(self, turn: Turn) -> NoReturn:
        """Say who refuses what, and what an operator can do."""
        refusal = _find_refusal(turn)
        if refusal is None:
            raise AirflowSkipException("the site did not refuse us")
        turn.context["refusal"] = refusal.label
        for line in refusal.steps:
            log.error("%s", line)
        log.error("%s", refusal.label)
        raise AirflowFailException(refusal.label)


def _find_refusal(turn: Turn) -> Refusal | None:
    from pipeline.refusal import find_refusal

    archive = turn.work.archive
    summary, report = archive.read_summary(turn.site, turn.run), archive.read_report(turn.site, turn.run)
    return find_refusal(summary, report) if summary and report else None


class PublishTask(SiteTask):
    """Make the versions, the table's rows and the frontier; then update the Asset."""

    def perform(self, turn: Turn) -> None:
        """The counts go to the Asset's event and into XCom."""
        from pipeline import steps

        published = steps.publish(*turn.whose)
        send_run(turn.work.archive, turn.site, turn.run)
        counts = count_published(published)
        (asset,) = self.outlets  # as parsed: a connection may name another bucket than the environment
        turn.context["outlet_events"][asset].extra = {"site": turn.site, "run": published.run, **counts}
        turn.context["ti"].xcom_push(key="return_value", value=counts)
        unfinished = steps.find_unfinished(turn.work, turn.site)
        if (
            unfinished is None and not turn.context["params"]["reextract"]
        ):  # a task of its own would take a second to say so
            log.info("No backfill is under way: there is nothing to go on with.")
            _skip("go_on")


class GoOnTask(SiteTask):
    """Trigger the next run of a backfill that is not finished."""

    def perform(self, turn: Turn) -> NoReturn:
        """End by triggering the next run, or by skipping where none is to follow now."""
        if turn.context["params"]["reextract"]:
            log.info("What the archive holds of %s is read again by the DAG muniment_reextract.", turn.site)
            conf = {"site": turn.site, "compare_only": False}
            trigger_run("muniment_reextract", f"reextract__{turn.site}__{turn.run}", conf)
        go_on_with_backfill(turn.work, turn.site, turn.context)


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
def told_to_airflow(
    *, site: str | None = None, run: str | None = None, context: Mapping[str, Any] | None = None
) -> Iterator[None]:
    """Fail the task at once on what trying again cannot mend; everything else is left to the retries.

    Of a task of a site's run it is noted how it failed, for whoever looks at the site (``pipeline.health``): at once
    what is permanent, and with the last try what seemed temporary.

    Args:
        site, run: whose task it is.
        context: Airflow's, of that task.
    """
    try:
        yield
    except Permanent as error:
        if not isinstance(error, RunRejected):  # which the check notes itself
            _note(site, run, context, str(error))
        for line in str(error).splitlines():  # the end of the log, before Airflow's traceback
            log.error("%s", line)
        raise AirflowFailException(str(error)) from None
    except Temporary as error:
        if context is not None:
            number, most = context["ti"].try_number, context["ti"].max_tries or 0
            if number > most:
                _note(site, run, context, f"after {number} tries: {error}", how="gave up")
            elif number > 1 or isinstance(error, DiskFull):  # what passes within seconds is nobody's business
                _note(site, run, context, f"try {number} of {most + 1}: {error}", how="tries again")
            for line in str(error).splitlines():  # the end of the log, as of a permanent one
                log.error("%s", line)
            if number <= most:
                log.error("This may pass: the task tries again by itself (try %d of %d).", number + 1, most + 1)
        raise


def _note(
    site: str | None,
    run: str | None,
    context: Mapping[str, Any] | None,
    message: str,
    *,
    how: Literal["failed", "gave up", "tries again"] = "failed",
) -> None:
    """Note a failure beside the site's runs, if that is possible: the store itself may be what failed."""
    if site is None or run is None or context is None:
        return
    try:
        from pipeline.health import note_failure, note_trying

        settings = adopt_connection()
        archive = find_archive(settings)
        if archive is not None:
            step, now = context["ti"].task_id, settings.now()
            if how == "tries again":
                note_trying(archive, site, run, step=step, message=message, now=now)
                return
            note_failure(archive, site, run, step=step, message=message, now=now, gave_up=how == "gave up")
            send_run(archive, site, run)
    except (Permanent, Temporary) as error:
        log.warning("the failure was not noted in the archive: %s", error)


def find_run(context: Mapping[str, Any]) -> str:
    """The id in the archive of the run that a task belongs to."""
    from pipeline.model import run_id

    # run_after is set for manual runs too, and neither changes when a task is retried or cleared.
    dag_run = context["dag_run"]
    return run_id(dag_run.run_after, dag_run.run_id)


def find_site(settings: Settings, site_id: str) -> Site:
    """One site, of its own file alone: a mistake in another site's file is not this site's business.

    Raises:
        SiteFileError: there is no such file on this machine, or it cannot be used.
    """
    from spiders.families import Families
    from spiders.site import SiteError, load_site

    files = list_site_files(settings, [])
    if site_id not in files:
        raise SiteFileError(
            f"No site file declares {site_id!r}.",
            next_step="Every worker needs the same MUNIMENT_SITES and the same files; `muniment sites list`.",
        )
    try:
        return load_site(files[site_id], families=Families(folders=settings.sites))
    except SiteError as error:
        raise SiteFileError(str(error), next_step="Correct the file; `muniment sites check` tries again.") from error


def open_workplace(site_id: str) -> Workplace:
    """What the steps of a site's run need."""
    from pipeline.archive import open_archive
    from pipeline.steps import Workplace

    for name in ("botocore.credentials", "botocore.configprovider"):  # a line for each client, of no news
        logging.getLogger(name).setLevel(logging.WARNING)
    settings = adopt_connection()
    site = find_site(settings, site_id)
    return Workplace(settings=settings, sites={site_id: site}, archive=open_archive(settings))


def find_archive(settings: Settings) -> Archive | None:
    """The archive; None: no site has run yet."""
    from pipeline.archive import open_archive

    try:
        return open_archive(settings, create=False)
    except NotInArchive:
        return None


def read_window(since: str | None, until: str | None) -> Window | None:
    """The window of a backfill from a run's parameters; None for a regular run."""
    if since is None:
        return None
    from spiders.window import Window  # which knows lxml

    return Window(since=date.fromisoformat(since), until=date.fromisoformat(until) if until else None)


def go_on_with_backfill(work: Workplace, site_id: str, context: Mapping[str, Any]) -> NoReturn:
    """End the task by triggering the next run of the site's backfill, or by skipping it where none is to follow now."""
    from pipeline import steps
    from pipeline.backfill import find_start

    site, standing = work.site(site_id), steps.find_unfinished(work, site_id)
    if standing is None:
        log.info("No backfill is under way: there is nothing to go on with.")
        raise AirflowSkipException("no backfill is under way")
    now = timezone.utcnow()
    due = context["ti"].get_dag(f"{DAG_PREFIX}{site_id}").next_dagrun
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
    params = context["params"]
    conf = {"since": f"{since}", "until": f"{until}"}
    if params["since"] is not None:  # how the operator wants it; a regular run's own parameters are not its
        conf |= {name: params[name] for name in ("limit", "now") if params[name]}
    trigger_run(context["dag_run"].dag_id, f"backfill__{find_run(context)}", conf, start)


def trigger_run(dag_id: str, dag_run: str, conf: dict[str, Any], start: datetime | None = None) -> NoReturn:
    """End the task by triggering a run of a DAG under a name by which a retry finds it made.

    Args:
        dag_id: which DAG.
        dag_run: Airflow's id of the new run.
        conf: its parameters.
        start: it begins then at the earliest; None: at once.
    """
    raise DagRunTriggerException(
        trigger_dag_id=dag_id,
        dag_run_id=dag_run,
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


def _batch(segments: Sequence[int]) -> list[list[int]]:
    size = -(-len(segments) // _BATCHES) or 1
    return [list(segments[start : start + size]) for start in range(0, len(segments), size)]


def _name_batch(segments: list[int]) -> str:
    if len(segments) == 1:
        return f"segment {segments[0]:05d}"
    return f"segments {segments[0]:05d}-{segments[-1]:05d}"
