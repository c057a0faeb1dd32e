"""Asks the composition's Airflow through its published port, as a person's browser would.

    python ask_airflow.py run ADDRESS LOGIN_FILE       run the newsroom's DAG, wait, print its tasks
    python ask_airflow.py history ADDRESS LOGIN_FILE   print the runs that Airflow remembers

Ends with 1 when a run did not succeed, or when there is none to remember.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from pipeline.errors import StackNotReady
from pipeline.stack import AirflowClient

DAG = "site_newsroom"
# On a busy machine the API may leave a question unanswered for longer than the client waits.
PATIENTLY = Retrying(
    retry=retry_if_exception_type(StackNotReady), stop=stop_after_delay(900), wait=wait_fixed(2), reraise=True
)


def main(deed: str, address: str, login: str) -> int:
    """What is asked for; the exit status."""
    passwords = json.loads(Path(login).read_text(encoding="utf-8").removeprefix("AIRFLOW_PASSWORDS="))
    client = AirflowClient(address, password=passwords["admin"])
    try:
        PATIENTLY(client.wait_for_dags, [DAG], timeout=180)
        if deed == "run":
            PATIENTLY(client.unpause, DAG)
            asked = PATIENTLY(client.trigger, DAG)
            run = PATIENTLY(client.wait_for_run, DAG, asked.dag_run, timeout=600)
            for task in PATIENTLY(client.tasks, DAG, run.dag_run):
                print(f"  {task.name:<14} {task.state}, try {task.tries}")
                if task.state == "failed":
                    print(client.task_log(DAG, run.dag_run, task.task, map_index=task.map_index))
        runs = PATIENTLY(client.dag_runs, DAG)
        for run in runs:
            print(f"  {run.dag_run} {run.state}")
        return 0 if runs and all(run.state == "success" for run in runs) else 1
    finally:
        client.close()


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
