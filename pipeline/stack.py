"""The whole stack on one machine: the embedded store and an Airflow of our own, started and stopped together.

    with Stack(settings) as stack:                     # what `muniment up` does until Ctrl-C
        stack.airflow.wait_for_dags(["site_localgov"])
        run = stack.airflow.run_dag("site_localgov")   # unpause, trigger, wait
        print(run.state, run.run)                      # "success", and the run's id in the archive

Airflow is ``airflow standalone``: SQLite, LocalExecutor, four tasks at once, everything below
``<MUNIMENT_HOME>/airflow``, bound to loopback. It is for one machine and the demo; an Airflow that is there
already needs none of this, only ``bundle_environment`` (`muniment dags env`).

What was started is found again by its session id, never by a name, and is ended with the stack however that
ends: SIGINT to ``standalone`` (the only signal on which it ends its children), then SIGTERM and SIGKILL to
whatever of its session is left.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from pipeline.errors import StackFailed, StackNotReady
from pipeline.model import pool_name, run_id
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from spiders.site import BUILTIN_FOLDER, Site, find_site_files, read_site_files

log = logging.getLogger("muniment")

DAGS_FOLDER = Path(__file__).resolve().parent.parent / "dags"
"""The folder with our DAG files: beside this package, in a checkout as in an installed wheel."""

USER = "admin"
FINISHED = frozenset({"success", "failed"})

_START_SECONDS = 300.0
_ASK_AGAIN_SECONDS = 20.0
_POLL_SECONDS = 0.25

# The launcher becomes Airflow. A shell's `&` lets its children ignore SIGINT, which is how we end it; and if
# we are killed ourselves, the kernel sends it (1: PR_SET_PDEATHSIG, 2: SIGINT).
_LAUNCHER = """
import ctypes, os, signal, sys
parent, program, *arguments = sys.argv[1:]
signal.signal(signal.SIGINT, signal.SIG_DFL)
ctypes.CDLL(None, use_errno=True).prctl(1, 2, 0, 0, 0)
if os.getppid() != int(parent):
    os._exit(1)
os.execv(program, [program, *arguments])
"""


def recommended_environment(sites: int = 0) -> dict[str, str]:
    """Airflow settings that fit many short runs on one machine; docs/operators.md says why, with figures.

    Only defaults: the same variable in the caller's environment wins.

    Args:
        sites: how many there are.
    """
    return {
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # Look-ups of the machine's own full name can hang for seconds where there is no DNS.
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.25",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
    } | processor_environment(sites)


def processor_environment(sites: int) -> dict[str, str]:
    """Airflow settings of the DAG processor for so many sites: it may not be busy with files that have not changed.

    Reading and comparing a DAG takes it about 15 ms (``bench.dags``), so that with one minute a few hundred sites are
    a tenth of a core; beyond 250 the interval grows with their number, up to half an hour. A new or changed site file
    is seen at the next parse.
    """
    interval = min(max(60, sites * 60 // 250), 1800)
    return {
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": str(interval),
        # Longer than the interval, or DAGs would be taken for removed between two parses.
        "AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD": str(max(120, 2 * interval)),
        # 30 and 50 s suffice for files of 500 sites; more stand in a file when there are more than 4,000.
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": str(max(30, sites // 50)),
        "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": str(max(50, sites // 30)),
    }


def bundle_environment(folder: Path = DAGS_FOLDER) -> dict[str, str]:
    """The variable with which an existing Airflow reads our DAG files beside its own DAGs folder."""
    local = "airflow.dag_processing.bundles.local.LocalDagBundle"
    bundles = [
        {"name": "dags-folder", "classpath": local, "kwargs": {}},
        {"name": "muniment", "classpath": local, "kwargs": {"path": str(folder)}},
    ]
    return {"AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles, separators=(",", ":"))}


def list_pools(sites: Iterable[Site], settings: Settings | None = None) -> dict[str, dict[str, Any]]:
    """The Airflow pools that the sites' politeness groups need, as ``airflow pools import`` takes them.

    Args:
        sites: which sites.
        settings: with ``crawls``, the pool of the other sites is among them.
    """
    members: dict[str, list[str]] = {}
    for site in sites:
        if site.crawl.group:
            members.setdefault(site.crawl.group, []).append(site.id)
    limited = {}
    if settings is not None and settings.crawls is not None:
        limited[settings.crawl_pool] = {
            "slots": settings.crawls,
            "description": "Crawls of sites without a politeness group (MUNIMENT_CRAWLS)",
            "include_deferred": True,
        }
    return limited | {
        pool_name(group): {
            "slots": 1,
            "description": f"Sites on one server, crawled one after the other: {', '.join(ids)}"[:250],
            "include_deferred": True,
        }
        for group, ids in sorted(members.items())
    }


def settings_environment(settings: Settings) -> dict[str, str]:
    """The ``MUNIMENT_*`` variables that make another process read these settings."""
    found: dict[str, str] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if value is None:
            continue
        text = os.pathsep.join(str(part) for part in value) if isinstance(value, tuple) else str(value)
        found[f"MUNIMENT_{name.upper()}"] = text
    return found


# --- what Airflow answers ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class TaskState:
    """One task of a DAG run, or one of its mapped copies."""

    task: str
    map_index: int  # -1: not mapped
    name: str  # what the grid shows: "crawl", "segment 00000"
    state: str  # "success", "failed", "up_for_retry", "running", "upstream_failed", "skipped", "none" …
    tries: int
    pid: int | None
    started: datetime | None
    ended: datetime | None


@dataclass(frozen=True, kw_only=True)
class DagRun:
    """One run of a DAG."""

    dag: str
    dag_run: str  # Airflow's id: "manual__2026-11-22T09:30:00+00:00"
    state: str  # "queued", "running", "success", "failed"
    run_after: datetime
    started: datetime | None
    ended: datetime | None
    triggering: tuple[dict[str, Any], ...] = ()

    @property
    def run(self) -> str:
        """The run's id in the archive."""
        return run_id(self.run_after, self.dag_run)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


class AirflowClient:
    """Airflow's REST API, as far as the demo, the tests and an operator's script need it.

    Args:
        address: for example ``http://127.0.0.1:8080``.
        password: of the user ``admin``.
    """

    def __init__(self, address: str, *, user: str = USER, password: str) -> None:
        self.address = address.rstrip("/")
        self._user, self._password = user, password
        self._client = httpx.Client(base_url=self.address, timeout=30, trust_env=False)
        self._token = ""

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def health(self) -> dict[str, str]:
        """State of each part ("metadatabase", "scheduler", "dag_processor", …); empty when nothing answers."""
        try:
            answer = self._client.get("/api/v2/monitor/health", timeout=5)
        except httpx.HTTPError:
            return {}
        if answer.status_code != httpx.codes.OK:
            return {}
        return {part: str(value.get("status")) for part, value in answer.json().items() if isinstance(value, dict)}

    def warm_up(self) -> bool:
        """Make the API that tasks talk to ready; False when nothing answers.

        Airflow builds it at its first request, which takes 5 s: the first task would wait for that.
        """
        try:
            return self._client.get("/execution/health", timeout=60).is_success
        except httpx.HTTPError:
            return False

    def is_healthy(self) -> bool:
        """Whether the database, the scheduler and the DAG processor all say so."""
        health = self.health()
        return all(health.get(part) == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))

    def call(self, method: str, path: str, *, body: Any = None, **query: Any) -> Any:
        """One request below ``/api/v2``; the answer's JSON.

        Every call of this class may be made twice, so one that meets an error of the server's, or a broken
        connection, is made again for a while. Two were seen with 3.3.2: an Asset's events cannot be listed while a DAG
        run that one of them set off is queued, and on SQLite the audit log of a request waits in the server's event
        loop for a lock whose holder waits for that loop, until SQLite gives up after 5 s ("Database error").

        Raises:
            StackFailed: any answer but 2xx; the message has its text.
            StackNotReady: no answer.
        """
        again = Retrying(
            retry=retry_if_result(lambda one: one.is_server_error) | retry_if_exception_type(StackNotReady),
            stop=stop_after_delay(_ASK_AGAIN_SECONDS),
            wait=wait_fixed(0.5),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        answer: httpx.Response = again(self._ask, method, path, body, query)
        if not answer.is_success:
            raise StackFailed(
                f"Airflow answered {answer.status_code} to {method} {path}: {answer.text[:500]}",
                next_step=f"Look at {self.address}; docs/operators.md#troubleshooting.",
            )
        return answer.json() if answer.content else None

    def _ask(self, method: str, path: str, body: Any, query: Mapping[str, Any]) -> httpx.Response:
        self._token = self._token or self._log_in()
        answer = self._send(method, f"/api/v2{path}", body, query)
        if answer.status_code == httpx.codes.UNAUTHORIZED:  # tokens last a day
            self._token = self._log_in()
            answer = self._send(method, f"/api/v2{path}", body, query)
        return answer

    def _send(self, method: str, path: str, body: Any, query: Mapping[str, Any]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            return self._client.request(method, path, json=body, params=dict(query), headers=headers)
        except httpx.HTTPError as error:
            raise StackNotReady(f"Airflow at {self.address} does not answer: {error!r}") from error

    def _log_in(self) -> str:
        answer = self._send("POST", "/auth/token", {"username": self._user, "password": self._password}, {})
        if not answer.is_success:
            raise StackFailed(
                f"Airflow at {self.address} refused the log-in of {self._user!r} ({answer.status_code}).",
                next_step="Check that the address is that of this stack, and the password file.",
            )
        return str(answer.json()["access_token"])

    def dag_ids(self) -> list[str]:
        """Ids of all DAGs that Airflow has read, paused ones included."""
        found: list[str] = []
        while True:
            page = self.call("GET", "/dags", limit=100, offset=len(found))
            found += [dag["dag_id"] for dag in page["dags"]]
            if not page["dags"] or len(found) >= page["total_entries"]:
                return sorted(found)

    def import_errors(self) -> list[str]:
        """What Airflow could not read: one text per DAG file."""
        return [
            f"{item['filename']}: {item['stack_trace']}" for item in self.call("GET", "/importErrors")["import_errors"]
        ]

    def wait_for_dags(self, dag_ids: Iterable[str], *, timeout: float = 120) -> None:
        """Wait until Airflow has read these DAGs.

        Raises:
            StackNotReady: it has not, after so many seconds; the message has the import errors.
        """
        wanted = set(dag_ids)
        _wait(
            lambda: wanted <= set(self.dag_ids()),
            timeout,
            lambda: (
                f"Airflow has not read {sorted(wanted - set(self.dag_ids()))}. Import errors: {self.import_errors()}"
            ),
        )

    def make_pools(self, pools: Mapping[str, Mapping[str, Any]]) -> None:
        """Make the pools that are not there yet; those that are stay as they are."""
        there = {pool["name"] for pool in self.call("GET", "/pools", limit=1000)["pools"]}
        for name, facts in pools.items():
            if name not in there:
                self.call("POST", "/pools", body={"name": name, **facts})

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run a DAG."""
        self.call("PATCH", f"/dags/{dag_id}", body={"is_paused": False})

    def pause(self, dag_id: str) -> None:
        """Keep the scheduler from starting runs of a DAG."""
        self.call("PATCH", f"/dags/{dag_id}", body={"is_paused": True})

    def trigger(self, dag_id: str, *, params: Mapping[str, Any] | None = None) -> DagRun:
        """Ask for a run now."""
        # With a name of ours the request can be made again: a run that it made before is found, not doubled.
        name = f"manual__{datetime.now(UTC).isoformat()}__{secrets.token_hex(4)}"
        body = {"dag_run_id": name, "logical_date": None, "conf": dict(params or {})}
        try:
            return self._dag_run(self.call("POST", f"/dags/{dag_id}/dagRuns", body=body))
        except StackFailed as error:
            if "answered 409" not in error.message:
                raise
            return self.dag_run(dag_id, name)

    def dag_run(self, dag_id: str, dag_run: str) -> DagRun:
        """One run as it stands."""
        return self._dag_run(self.call("GET", f"/dags/{dag_id}/dagRuns/{dag_run}"))

    def dag_runs(self, dag_id: str) -> list[DagRun]:
        """The newest 100 runs of a DAG, newest first."""
        page = self.call("GET", f"/dags/{dag_id}/dagRuns", limit=100, order_by="-run_after")
        return [self._dag_run(item) for item in page["dag_runs"]]

    def wait_for_run(self, dag_id: str, dag_run: str, *, timeout: float = 600) -> DagRun:
        """Wait until a run has ended, well or badly.

        Raises:
            StackNotReady: it has not, after so many seconds; the message has the state of its tasks.
        """
        found = self.dag_run(dag_id, dag_run)

        def ended() -> bool:
            nonlocal found
            found = self.dag_run(dag_id, dag_run)
            return found.state in FINISHED

        _wait(ended, timeout, lambda: f"{dag_id} {dag_run} is {found.state}: {self.tasks(dag_id, dag_run)}")
        return found

    def run_dag(self, dag_id: str, *, params: Mapping[str, Any] | None = None, timeout: float = 600) -> DagRun:
        """Unpause a DAG, trigger it, wait for the run's end."""
        self.unpause(dag_id)
        return self.wait_for_run(dag_id, self.trigger(dag_id, params=params).dag_run, timeout=timeout)

    def tasks(self, dag_id: str, dag_run: str) -> list[TaskState]:
        """The tasks of a run, mapped copies one by one, in the order in which they started."""
        page = self.call("GET", f"/dags/{dag_id}/dagRuns/{dag_run}/taskInstances", limit=100)
        found = [
            TaskState(
                task=item["task_id"],
                map_index=item["map_index"],
                name=item.get("rendered_map_index") or item["task_id"],
                state=item["state"] or "none",
                tries=item["try_number"],
                pid=item.get("pid"),
                started=_moment(item["start_date"]),
                ended=_moment(item["end_date"]),
            )
            for item in page["task_instances"]
        ]
        return sorted(found, key=lambda task: (task.started is None, str(task.started), task.map_index))

    def task_log(self, dag_id: str, dag_run: str, task: str, *, map_index: int = -1, try_number: int = 1) -> str:
        """The log of one try of a task, one event a line, as far as it is written."""
        answer = self.call(
            "GET",
            f"/dags/{dag_id}/dagRuns/{dag_run}/taskInstances/{task}/logs/{try_number}",
            map_index=map_index,
            full_content="true",
        )
        content = answer["content"]
        return content if isinstance(content, str) else "\n".join(_log_line(event) for event in content)

    def asset_events(self, site_id: str) -> list[dict[str, Any]]:
        """The events of a site's Asset, newest first; ``["extra"]`` has the run's id and counts."""
        page = self.call("GET", "/assets/events", source_dag_id=f"site_{site_id}", order_by="-timestamp", limit=100)
        return list(page["asset_events"])

    @staticmethod
    def _dag_run(item: Mapping[str, Any]) -> DagRun:
        return DagRun(
            dag=item["dag_id"],
            dag_run=item["dag_run_id"],
            state=item["state"],
            run_after=datetime.fromisoformat(item["run_after"]),
            started=_moment(item["start_date"]),
            ended=_moment(item["end_date"]),
        )


def _log_line(event: Any) -> str:
    if isinstance(event, str):
        return event
    line = f"{event.get('timestamp') or ''} {str(event.get('level') or '').upper()} {event.get('event')}".strip()
    for detail in event.get("error_detail") or ():
        line += f"\n{detail.get('exc_type')}: {detail.get('exc_value')}"
    return line


def _wait(done: Callable[[], bool], timeout: float, say: Callable[[], str]) -> None:
    end = time.monotonic() + timeout
    while not done():
        if time.monotonic() > end:
            raise StackNotReady(f"After {timeout:g} s: {say()}")
        time.sleep(_POLL_SECONDS)


# --- processes --------------------------------------------------------------------------------------


def start_time(pid: int) -> str | None:
    """When a process started, in ticks since boot (field 22 of proc(5) stat): tells it from a later one of that id."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]


def session_members(session: int) -> list[int]:
    """Ids of all processes of a session, whatever process group they made for themselves."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def _signal_session(session: int, number: signal.Signals) -> None:
    for pid in session_members(session):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Airflow:
    """``airflow standalone`` as a child of this process.

    Args:
        home: Airflow's home; made, readable by its owner only.
        port: of the API and the web pages; the next two are those of its log servers.
        dags_folder: where it looks for DAG files.
        environment: what its processes get beside the caller's environment.
        sites: how many there are; the more, the less often their files are looked at.
    """

    def __init__(
        self,
        home: Path,
        *,
        port: int,
        dags_folder: Path = DAGS_FOLDER,
        environment: Mapping[str, str] | None = None,
        sites: int = 0,
    ) -> None:
        self.home, self.port, self.dags_folder = home, port, dags_folder
        self.address = f"http://127.0.0.1:{port}"
        self.log_file = home / "standalone.log"
        self._environment = dict(environment or {})
        self._sites = sites
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def password_file(self) -> Path:
        """JSON object, user → password."""
        return self.home / "passwords.json"

    @property
    def _pid_file(self) -> Path:
        return self.home / "standalone.pid"

    def password(self) -> str:
        """The password of ``admin``; made at the first call, the same ever after."""
        if not self.password_file.exists():
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            text = json.dumps({USER: secrets.token_urlsafe(15)})
            with os.fdopen(os.open(self.password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text + "\n")
        return str(json.loads(self.password_file.read_text())[USER])

    def environment(self) -> dict[str, str]:
        """All variables of Airflow's processes."""
        given = {
            name: value
            for name, value in os.environ.items()
            # Without its bytecode every Airflow process needs 10 s to start.
            if name not in ("PYTHONDONTWRITEBYTECODE", "AIRFLOW_CONFIG")
        }
        fixed = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags_folder),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__AUTH_MANAGER": (
                "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
            ),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.password_file),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.address}/execution/",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home / 'airflow.db'}",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.address,
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.home / "logs"),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self.port + 1),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(self.port + 2),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(self.home / "bundles"),
            "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(self.home / "logs" / "dag_processor"),
            # standalone starts its parts as "airflow": ours must be found first
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), given.get("PATH", os.defpath)]),
            # a checkout need not be installed
            "PYTHONPATH": os.pathsep.join(filter(None, [str(DAGS_FOLDER.parent), given.get("PYTHONPATH")])),
            "NO_COLOR": "1",
            "PYTHONUNBUFFERED": "1",
        }
        return recommended_environment(self._sites) | given | self._environment | fixed

    def start(self, *, timeout: float = _START_SECONDS) -> AirflowClient:
        """Start it and wait until it is healthy.

        Raises:
            StackFailed: a port is taken, it runs already, or it ended by itself; its last lines are in the message.
            StackNotReady: it is not healthy after so many seconds.
        """
        self.check_free()
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        password = self.password()
        program = Path(sys.executable).parent / "airflow"
        with self.log_file.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), str(program), "standalone"],
                env=self.environment(),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        pid = self._process.pid
        self._pid_file.write_text(json.dumps({"pid": pid, "started": start_time(pid)}))
        client = AirflowClient(self.address, password=password)
        try:
            end = time.monotonic() + timeout
            while not (client.warm_up() and client.is_healthy()):
                self.check_running()
                if time.monotonic() > end:
                    raise StackNotReady(
                        f"Airflow is not healthy after {timeout:g} s ({client.health() or 'no answer'}). "
                        f"Its last lines ({self.log_file}):\n{self._last_lines()}"
                    )
                time.sleep(_POLL_SECONDS)
        except BaseException:
            client.close()
            self.stop()
            raise
        return client

    def add_environment(self, environment: Mapping[str, str]) -> None:
        """Give its processes more variables; before ``start``."""
        self._environment |= environment

    def check_free(self) -> None:
        """Raise ``StackFailed`` if it runs already or one of its ports is taken."""
        self._refuse_second_start()
        self._check_ports()

    def check_running(self) -> None:
        """Raise ``StackFailed`` with its last lines if it has ended by itself."""
        if self._process is None or self._process.poll() is None:
            return
        status = self._process.returncode
        raise StackFailed(
            f"Airflow ended with status {status}. Its last lines ({self.log_file}):\n{self._last_lines()}",
            next_step="Read the lines above; docs/operators.md#troubleshooting explains the usual ones.",
        )

    def follow_log(self) -> Iterator[str]:
        """Airflow's log lines as they come, until it ends.

        Raises:
            StackFailed: it ended by itself.
        """
        with self.log_file.open(encoding="utf-8", errors="replace") as file:
            while True:
                line = file.readline()
                if line:
                    yield line.rstrip("\n")
                    continue
                self.check_running()
                time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End everything that ``start`` started, and whatever that started."""
        process, self._process = self._process, None
        if process is None:
            return
        session = process.pid
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        # Seen: all but the triggerer are gone after 4 s; the rest wait for tasks that still run.
        for number, seconds in ((None, 5.0), (signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)):
            if number is not None:
                _signal_session(session, number)
            end = time.monotonic() + seconds
            while session_members(session) and time.monotonic() < end:
                process.poll()
                time.sleep(0.1)
        process.wait(5)
        self._pid_file.unlink(missing_ok=True)

    def _refuse_second_start(self) -> None:
        try:
            known = json.loads(self._pid_file.read_text())
        except (OSError, ValueError):
            return
        if known.get("started") and start_time(int(known["pid"])) == known["started"]:
            raise StackFailed(
                f"Airflow of {self.home} runs already (process {known['pid']}).",
                next_step=f"Use it at the address that it printed, or end it: kill -INT {known['pid']}",
            )

    def _check_ports(self) -> None:
        uses = ("Airflow's API and web pages", "its worker log server", "its triggerer log server")
        for offset, use in enumerate(uses):
            if not _free(self.port + offset):
                raise StackFailed(
                    f"Port {self.port + offset} on 127.0.0.1, wanted for {use}, is taken by another program.",
                    next_step=(
                        "Set MUNIMENT_AIRFLOW_PORT to the first of three free ports in a row "
                        f"(now {self.port}), or end the program."
                    ),
                )

    def _last_lines(self, count: int = 15) -> str:
        try:
            return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-count:])
        except OSError:
            return "(no output)"


@dataclass
class Stack:
    """Store and Airflow together; a context manager.

    Args:
        settings: home, ports, sites and the rest; Airflow's tasks read the same ones.
        dags_folder: another folder with DAG files than ours.
        environment: more variables for Airflow's processes.
        embedded: whether to start the embedded store; None: unless the environment names another one. An
            embedded store that ran before is used, and left running.

    After ``start`` (or in the ``with`` block): ``airflow`` is a logged-in ``AirflowClient``, ``store`` the
    embedded store, or None when the environment names another one (see ``names_a_store``).
    """

    settings: Settings
    dags_folder: Path = DAGS_FOLDER
    environment: Mapping[str, str] = field(default_factory=dict)
    embedded: bool | None = None
    store: EmbeddedStore | None = field(default=None, init=False)
    _store_was_up: bool = field(default=False, init=False)
    _client: AirflowClient | None = field(default=None, init=False)
    _server: Airflow | None = field(default=None, init=False)

    @property
    def airflow(self) -> AirflowClient:
        """The client of the running Airflow."""
        if self._client is None:
            raise StackFailed("The stack is not started.", next_step="Call start() first.")
        return self._client

    @property
    def server(self) -> Airflow:
        """Airflow's process, its address, password and log file."""
        if self._server is None:
            raise StackFailed("The stack is not started.", next_step="Call start() first.")
        return self._server

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, *, timeout: float = _START_SECONDS) -> None:
        """Start the store, then Airflow; return when both answer. What was started is ended if that fails.

        Raises:
            SettingsError, StoreRefused, StoreUnavailable: the store did not start.
            StackFailed, StackNotReady: Airflow did not start.
        """
        settings = self.settings
        environment = settings_environment(settings) | dict(self.environment)
        sites = _usable_sites(settings)
        # Ports first: it is better to fail in the first second than in the twentieth.
        server = Airflow(
            settings.home.expanduser().absolute() / "airflow",
            port=settings.airflow_port,
            dags_folder=self.dags_folder,
            environment=environment,
            sites=len(sites),
        )
        server.check_free()
        embedded = self.embedded if self.embedded is not None else not names_a_store(os.environ)
        if embedded:
            self.store = EmbeddedStore(settings.home, settings.store_port)
            self._store_was_up = self.store.status().running
            self.store.up(tied=True)
            server.add_environment(self.store.environment())
        try:
            self._client = server.start(timeout=timeout)
            self._server = server
            self._client.make_pools(list_pools(sites, settings))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End Airflow, then the store (unless it ran before)."""
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._server is not None:
            self._server.stop()
            self._server = None
        if self.store is not None:
            if not self._store_was_up:
                self.store.down()
            self.store = None


def _usable_sites(settings: Settings) -> list[Site]:
    """Sites whose files can be used; the others are shown in Airflow and in ``muniment sites check``."""
    folders = ([BUILTIN_FOLDER] if settings.builtin_sites else []) + list(settings.sites)
    return list(read_site_files(find_site_files(folders, setting="MUNIMENT_SITES", problems=[]))[0].values())


def names_a_store(environment: Mapping[str, str]) -> bool:
    """Whether the environment names an S3 store, so that the embedded one is not wanted."""
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AIRFLOW_CONN_MUNIMENT_ARCHIVE")
    return any(environment.get(name) for name in names)
