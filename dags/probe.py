"""Looks at a site from its front page alone, and drafts its site file.

*Trigger* with a URL. It asks at most 25 documents, politely: robots.txt, feeds, sitemaps, listings, three articles. The
log says what was found and why; the draft stands at its end and in the task's XCom (`file`), to be put into a folder of
`MUNIMENT_SITES` after a look: it becomes a DAG by itself. Nothing is archived. Loopback and private addresses are
refused, also those that a name or a redirect leads to, unless a site file that declares the host says `allow_private`.
By hand it is `muniment sites probe`; docs/sites.md says more.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, Final

from airflow.sdk import DAG, Param, get_current_context, task

_SECONDS: Final = 900

log = logging.getLogger("muniment")

with DAG(
    dag_id="site_probe",
    description="Looks at a site from its front page alone, and drafts its site file.",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["muniment", "sites"],
    params={
        "url": Param("", type="string", minLength=4, maxLength=2000, title="URL", description="The site's front page."),
        "id": Param(
            None,
            type=["null", "string"],
            pattern="^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$",
            title="Id",
            description="The site's id; empty: made of its host.",
        ),
    },
    default_args={"owner": "muniment", "retries": 0},
) as dag:

    @task(execution_timeout=timedelta(seconds=_SECONDS + 60), multiple_outputs=False)
    def probe() -> dict[str, Any]:
        """Ask the site, in a process that has neither the store's credentials nor Airflow's."""
        import json
        import subprocess
        import sys
        from contextlib import suppress

        from airflow.sdk.exceptions import AirflowFailException

        from pipeline.errors import SiteFileError
        from pipeline.settings import child_environment, read_settings
        from pipeline.steps import read_sites

        params = get_current_context()["params"]
        arguments = ["sites", "probe", "--json"] + (["--id", params["id"]] if params["id"] else [])
        # Whoever may trigger a DAG does not write site files: a form alone never opens the operator's network.
        with suppress(SiteFileError):
            sites = read_sites(read_settings()).values()
            if any(site.crawl.allow_private and site.owns(params["url"]) for site in sites):
                arguments.append("--allow-private")
        with subprocess.Popen(
            [sys.executable, "-c", "from pipeline.cli import main; main()", *arguments, "--", params["url"]],
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as child:
            try:
                out, said = child.communicate(timeout=_SECONDS)
            finally:
                child.kill()
        for line in said.splitlines():
            log.info("%s", line)
        try:
            found: dict[str, Any] = json.loads(out)
        except ValueError:
            raise AirflowFailException(said.strip()[-1000:] or f"The probe ended with {child.returncode}.") from None
        told = {"ok": found["ok"], "id": found["id"], "file": found["file"], "problems": found["problems"]}
        log.info("%s", json.dumps({key: value for key, value in found.items() if key not in told}, indent=1)[:20_000])
        for problem in found["problems"]:
            log.error("%s", problem)
        for line in found["file"].splitlines():
            log.info("%s", line)
        if not found["ok"]:
            why = found.get("trouble") or "the draft has problems"
            raise AirflowFailException(f"No usable site file: {why}.")
        log.info("Save it as %s.toml in a folder of MUNIMENT_SITES.", found["id"])
        return told

    probe()
