"""A DAG as a downstream team could own it: runs when a site was published, and reads what that run made.

Copy it into your own DAGs folder and change ``use``. The Asset's event says which site and which run; the
versions come from the archive. Read exactly those, and a run of yours can be repeated at any time with the
same input, however many runs of the site have followed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, AssetAny, get_current_context, task

from dags.factory import list_site_files, site_asset
from pipeline.settings import read_settings

AT_MOST = 100
"""Assets that one DAG can well wait for. Airflow's DAG processor reads their whole list again for each of them: 400
cost it 3 s and 230 MB at every look, and 2,000 6 GB. A job that follows more reads changes since its cursor, by the
clock (docs/downstream.md)."""

settings = read_settings()
# Or name the sites that you need: [site_asset(settings, "localgov")]
assets = [site_asset(settings, site_id) for site_id in list_site_files(settings, [])][:AT_MOST]

with DAG(
    dag_id="example_downstream",
    description="Reads the versions that each published run made, and prints a line for each.",
    doc_md=__doc__,
    schedule=AssetAny(*assets) if assets else None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["muniment", "example"],
    default_args={"owner": "downstream", "retries": 3, "retry_delay": timedelta(seconds=30)},
) as dag:

    @task(execution_timeout=timedelta(minutes=30))
    def read_versions() -> dict[str, int]:
        """Print each version of the runs that set this DAG off; return how many of each run."""
        from pipeline.reader import Archive

        archive = Archive()  # the bucket of MUNIMENT_BUCKET; or Archive("s3://bucket")
        seen: dict[str, int] = {}
        # One run of this DAG can be set off by several events: sites that were published at the same time.
        for events in get_current_context()["triggering_asset_events"].values():
            for event in events:
                site, run = event.extra["site"], event.extra["run"]
                count = 0
                for version in archive.run(site, run):
                    count += 1
                    # Your work goes here. Key what you store by (version.site, version.article, version.n):
                    # then doing it twice changes nothing.
                    print(f"{version.change:<8} v{version.n} {version.words:>5} words  {version.title}  {version.url}")
                print(f"{site} {run}: {count} versions")
                seen[f"{site} {run}"] = count
        return seen

    read_versions()
