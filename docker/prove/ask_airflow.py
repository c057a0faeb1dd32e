"""Asks the composition's Airflow through its published port, as a person's browser would.

    python ask_airflow.py run ADDRESS LOGIN_FILE       run the newsroom's DAG, wait, print its tasks
    python ask_airflow.py history ADDRESS LOGIN_FILE   print the runs that Airflow remembers

Ends with 1 when a run did not succeed, or when there is none to remember.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pipeline.stack import AirflowClient

DAG = "site_newsroom"


def main(deed: str, address: str, login: str) -> int:
    """What is asked for; the exit status."""
    passwords = json.loads(Path(login).read_text(encoding="utf-8").removeprefix("AIRFLOW_PASSWORDS="))
    client = AirflowClient(address, password=passwords["admin"])
    try:
        client.wait_for_dags([DAG], timeout=180)
        if deed == "run":
            run = client.run_dag(DAG, timeout=600)
            for task in client.tasks(DAG, run.dag_run):
                print(f"  {task.name:<14} {task.state}, try {task.tries}")
                if task.state == "failed":
                    print(client.task_log(DAG, run.dag_run, task.task, map_index=task.map_index))
        runs = client.dag_runs(DAG)
        for run in runs:
            print(f"  {run.dag_run} {run.state}")
        return 0 if runs and all(run.state == "success" for run in runs) else 1
    finally:
        client.close()


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
