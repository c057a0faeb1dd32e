"""Reads captures of earlier runs again, with the extractor, the site files and the lessons of today.

Trigger it with a form: a site, or all; a period, or one run, published or rejected. Each site's part is a run of its
own, whose id stands in the log of `plan`. `compare` says side by side what these captures gave then and give now; with
*Compare only* that is all. `check` refuses a reading that loses articles, fields or words; `publish` makes a version
only of an article whose text would be another one (`change` is `reextracted`), and of a rejected run all that it
captured. Nothing is fetched, and runs of the sites go on meanwhile.

By hand it is `muniment reextract`; docs/reextraction.md says more.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import DAG, AssetAlias, Param, TriggerRule, get_current_context, task, task_group
from airflow.sdk.exceptions import AirflowSkipException

from dags.connection import adopt_connection
from dags.factory import count_published, site_asset, told_to_airflow

if TYPE_CHECKING:
    from pipeline.steps import Workplace

_MOST: Final = 1000  # tasks of one name: Airflow refuses to map more than 1,024 times
_ALIAS: Final = AssetAlias(name="articles-reextracted", group="muniment")

log = logging.getLogger("muniment")


def open_workplace() -> Workplace:
    """All declared sites, and the archive."""
    from pipeline import steps

    logging.getLogger("botocore.credentials").setLevel(logging.WARNING)  # one line for each client, of no news
    return steps.open_workplace(adopt_connection())


def plan_runs(work: Workplace, params: dict[str, Any], name: str, started: Any) -> list[dict[str, Any]]:
    """The re-extractions that a form asks for: site, run and number of segments of each; the same for a retry.

    Raises:
        SettingsError: the form contradicts itself, or is about too many sites.
        NotInArchive: there is nothing to read.
    """
    from pipeline.errors import NotInArchive, SettingsError
    from pipeline.model import run_id
    from pipeline.steps import plan_again

    of, site = params["run"], params["site"]
    since, until = (date.fromisoformat(day) if (day := params[end]) else None for end in ("since", "until"))
    if of and (since or until):
        raise SettingsError("A run has no period.", next_step="Leave Since and Until empty, or the run.")
    found = work.archive.find_run(of) if of else []
    sites = found if of else sorted(set(work.archive.sites()) & work.sites.keys()) if site == "all" else [site]
    if not sites:
        raise NotInArchive(f"There is no run {of}.", next_step="See a site's runs: muniment runs SITE")
    if len(sites) > _MOST:
        raise SettingsError(
            f"{len(sites)} sites are more than one DAG run can have tasks of ({_MOST}).",
            next_step="Name a site; for all, use the command: muniment reextract --all",
        )
    planned = []
    for each in sites:
        run = run_id(started, f"{name} {each}")
        try:
            count = len(plan_again(work, each, run, of=of, since=since, until=until))
        except NotInArchive as error:
            if site != "all" or of:
                raise
            log.info("%s", error.message)
            continue
        planned.append({"site": each, "run": run, "segments": count})
    return planned


with DAG(
    dag_id="muniment_reextract",
    description="Reads captures of earlier runs again; new versions where the text is another one.",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    max_active_tasks=8,
    tags=["muniment"],
    params={
        "site": Param(
            "all", type="string", title="Site", description="Id of a site, or all. Where a run is named: whatever."
        ),
        "run": Param(
            None,
            type=["null", "string"],
            title="Run",
            description="Only this run, published or rejected. Empty: all published runs of the period.",
        ),
        "since": Param(
            None, type=["null", "string"], format="date", title="Since", description="Runs that began on this day on."
        ),
        "until": Param(
            None, type=["null", "string"], format="date", title="Until", description="The last such day; empty: today."
        ),
        "compare_only": Param(
            True,
            type="boolean",
            title="Compare only",
            description="End after the comparison. To publish what was compared: clear check with this off, or "
            "muniment reextract RUN.",
        ),
    },
    default_args={
        "owner": "muniment",
        "retries": 3,
        "retry_delay": timedelta(seconds=15),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=10),
    },
) as dag:

    @task(execution_timeout=timedelta(hours=1), doc_md="Says which captures are read again; its log has the runs' ids.")
    def plan() -> list[dict[str, Any]]:
        """Site, run and number of segments of each re-extraction."""
        context = get_current_context()
        dag_run = context["dag_run"]
        with told_to_airflow():
            return plan_runs(open_workplace(), dict(context["params"]), dag_run.run_id, dag_run.run_after)

    @task(doc_md="Deals the segments of all runs out to as many tasks as Airflow can map.")
    def deal(planned: list[dict[str, Any]]) -> list[list[list[Any]]]:
        """Lists of site, run and number."""
        every = [[each["site"], each["run"], number] for each in planned for number in range(each["segments"])]
        size = -(-len(every) // _MOST) or 1
        return [every[start : start + size] for start in range(0, len(every), size)]

    @task(
        execution_timeout=timedelta(hours=2),
        map_index_template="{{ segments }}",
        doc_md="Makes clean text and metadata of the pages in some segments, as they are read today.",
    )
    def extract(dealt: list[list[Any]]) -> dict[str, int]:
        """How many findings of each kind."""
        from pipeline import steps

        context = get_current_context()
        (site, _, first), (last_site, _, last) = dealt[0], dealt[-1]
        name = f"{site} {first:05d}" + ("" if len(dealt) == 1 else f" - {last_site} {last:05d}")
        context["segments"] = name  # type: ignore[typeddict-unknown-key] # for map_index_template
        counts: dict[str, int] = {}
        with told_to_airflow():
            work = open_workplace()
            for each, run, number in dealt:
                for kind, count in steps.extract(work, each, run, number).items():
                    counts[kind] = counts.get(kind, 0) + count
        return counts

    @task(
        execution_timeout=timedelta(hours=6),
        map_index_template="{{ whose }}",
        # One site whose segments could not be read must not hold up the others: it says so itself.
        trigger_rule=TriggerRule.ALL_DONE,
        doc_md="Side by side: what these captures gave then, and give now.",
    )
    def compare(planned: dict[str, Any]) -> dict[str, int]:
        """Captures, and how many are read otherwise."""
        from pipeline import steps

        name_task(planned)
        with told_to_airflow():
            found = steps.compare(open_workplace(), planned["site"], planned["run"])
        return {"pages": found.pages, "text": found.text, "came": found.came, "went": found.went}

    @task(
        execution_timeout=timedelta(hours=1),
        map_index_template="{{ whose }}",
        doc_md="Refuses a reading that loses articles, fields or words. Skipped with *Compare only*.",
    )
    def check(planned: dict[str, Any]) -> dict[str, int]:
        """The report's figures."""
        from pipeline import steps

        name_task(planned)
        if get_current_context()["params"]["compare_only"]:
            log.info("It was to be compared only. To publish it: muniment reextract %s", planned["run"])
            raise AirflowSkipException("compare only")
        with told_to_airflow():
            return steps.check(open_workplace(), planned["site"], planned["run"]).counts

    @task(
        execution_timeout=timedelta(hours=6),
        map_index_template="{{ whose }}",
        outlets=[_ALIAS],
        doc_md="Makes versions of articles whose text is another one now, and updates the site's Asset.",
    )
    def publish(planned: dict[str, Any]) -> dict[str, int]:
        """Counts as the site's own DAG gives them."""
        from pipeline import steps

        name_task(planned)
        with told_to_airflow():
            work = open_workplace()
            published = steps.publish(work, planned["site"], planned["run"])
        counts = count_published(published)
        asset = site_asset(work.settings, planned["site"])
        extra = {"site": planned["site"], "run": published.run, **counts}
        get_current_context()["outlet_events"][_ALIAS].add(asset, extra=extra)
        return counts

    def name_task(planned: dict[str, Any]) -> None:
        """What a mapped task is called in the grid."""
        get_current_context()["whose"] = planned["site"]  # type: ignore[typeddict-unknown-key] # for map_index_template

    @task_group
    def publish_site(planned: dict[str, Any]) -> None:
        """What is done for each site, when all is read."""
        compare(planned) >> check(planned) >> publish(planned)

    runs = plan()
    extract.expand(dealt=deal(runs)) >> publish_site.expand(planned=runs)  # type: ignore[arg-type]
