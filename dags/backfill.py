"""Fetches what a site published in a window of the past.

*Trigger* with a site and a first day. The fetching is done by the site's own DAG, run by run, as long as there is more:
this one checks the form and triggers the first run there, whose name stands in the log. Regular runs of the site go
first, its crawl windows and its pool hold, and nothing is fetched twice. The site's DAG has to be switched on; to end
the chain, mark its run as failed. By hand it is `muniment backfill`; how far it has come says `muniment status`, and
docs/operators.md the rest.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from airflow.sdk import DAG, Param, get_current_context, task

from dags.catalogue import list_site_files, parse_settings
from dags.connection import adopt_connection
from dags.tasks import DAG_PREFIX, find_run, find_site, read_window, told_to_airflow, trigger_run

log = logging.getLogger("muniment")

with DAG(
    dag_id="backfill",
    description="Fetches what a site published in a window of the past.",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["muniment", "archive"],
    params={
        "site": Param(
            "",
            type="string",
            minLength=1,
            title="Site",
            description="Its id, as in site_<id>.",
            examples=list(list_site_files(parse_settings(), [])),
        ),
        "since": Param("", type="string", format="date", title="Since", description="The first day that is wanted."),
        "until": Param(
            None, type=["null", "string"], format="date", title="Until", description="The last day; empty: today."
        ),
        "limit": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            title="Fetch at most",
            description="Article pages in each run; empty: the site file's fetch_at_most.",
        ),
        "now": Param(False, type="boolean", title="Now", description="Crawl also outside of the site's crawl windows."),
    },
    default_args={"owner": "muniment", "retries": 2, "retry_delay": timedelta(seconds=30)},
) as dag:

    @task(execution_timeout=timedelta(minutes=5))
    def trigger() -> None:
        """Check the form, and trigger the first run of the site's DAG."""
        from pipeline.errors import SettingsError

        context = get_current_context()
        params = context["params"]
        with told_to_airflow():
            site = find_site(adopt_connection(), params["site"].removeprefix(DAG_PREFIX))
            try:
                window = read_window(params["since"], params["until"])
            except ValueError as error:
                raise SettingsError(f"The window cannot be used: {error}.", next_step="Write 2024-01-31.") from error
            if window and window.since and window.until and window.until < window.since:
                raise SettingsError("Until lies before Since.", next_step="Exchange them.")
        dag_id, name = f"{DAG_PREFIX}{site.id}", f"backfill__{find_run(context)}"
        log.info("%s, run %s: from %s to %s", dag_id, name, params["since"], params["until"] or "today")
        log.info("If it stays queued: the DAG %s is not switched on.", dag_id)
        conf = {key: params[key] for key in ("since", "until", "limit", "now") if params[key]}
        trigger_run(dag_id, name, conf)

    trigger()
