#!/usr/bin/env python3
"""Says by its exit status whether what this container runs is well: the HEALTHCHECK of both images.

    healthy.py [store | api-server | scheduler | dag-processor | triggerer | worker]

Without an argument it reads from process 1 what runs here. It imports neither Airflow nor Muniment: their own
checks (``airflow jobs check``, ``celery inspect ping`` through Airflow) take seconds of CPU, every half minute,
in every container. Any other program (a migration, a shell) is well as long as it runs.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path

_SECONDS = 15.0
_HEARTBEAT_SECONDS = 60
"""Airflow's own processes write a heartbeat every 5 s; the busiest may skip some."""

_JOBS = {"dag-processor": "DagProcessorJob", "triggerer": "TriggererJob"}


def main(arguments: list[str]) -> str | None:
    """What is wrong, or None."""
    role = arguments[0] if arguments else _read_role()
    if role == "store":
        return _check_store()
    if role == "api-server":
        return _check_answer("http://127.0.0.1:8080/api/v2/monitor/health")
    if role == "scheduler":
        return _check_answer("http://127.0.0.1:8974/health")
    if role in _JOBS:
        return _check_heartbeat(_JOBS[role])
    return _check_worker() if role == "worker" else None


def _read_role() -> str:
    words = Path("/proc/1/cmdline").read_bytes().decode(errors="replace").split("\0")
    return next((word for word in words if word in {"api-server", "scheduler", "worker", *_JOBS}), "")


def _check_store() -> str | None:
    """It answers, refuses whoever has no key, and syncs each object."""
    if not Path("/tmp/synced").exists():
        return "fsync is not yet turned on"
    try:
        urllib.request.urlopen("http://127.0.0.1:8333/", timeout=_SECONDS)
    except urllib.error.HTTPError as error:
        return None if error.code == 403 else f"answered {error.code} to a request without a key, not 403"
    except OSError as error:
        return f"does not answer: {error}"
    return "let a request in that had no key"


def _check_answer(address: str) -> str | None:
    """The API server says by JSON how the database is to it; the scheduler's own server answers 200 or 503."""
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS) as answer:
            body = answer.read()
    except OSError as error:
        return f"{address} does not answer well: {error}"
    database = json.loads(body)["metadatabase"]["status"] if body else "healthy"
    return None if database == "healthy" else f"its database is {database}"


def _check_heartbeat(job: str) -> str | None:
    """This container's own job row in Airflow's database, which it renews while it works."""
    import psycopg2  # noqa: PLC0415 -- the store's image has none

    address = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("postgresql+psycopg2://", "postgresql://")
    connection = psycopg2.connect(address, connect_timeout=int(_SECONDS))
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT extract(epoch FROM now() - max(latest_heartbeat)) FROM job "
                "WHERE job_type = %s AND state = 'running' AND hostname = %s",
                (job, socket.gethostname()),
            )
            (age,) = cursor.fetchone()
    finally:
        connection.close()
    if age is None:
        return f"no running {job} of this container is known to the database"
    return f"its last sign of life is {age:.0f} s old" if age > _HEARTBEAT_SECONDS else None


def _check_worker() -> str | None:
    """The worker of this container answers through the broker, as it gets its tasks."""
    from celery import Celery  # noqa: PLC0415 -- the store's image has none

    app = Celery(broker=os.environ["AIRFLOW__CELERY__BROKER_URL"])
    name = f"worker@{socket.gethostname()}"
    answer = app.control.inspect(destination=[name], timeout=_SECONDS).ping()
    return None if answer else f"{name} does not answer through the broker"


if __name__ == "__main__":
    problem = main(sys.argv[1:])
    if problem:
        print(problem)
    raise SystemExit(1 if problem else 0)
