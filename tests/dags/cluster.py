"""Airflow on several machines, on one: PostgreSQL, Redis, api-server, scheduler, dag-processor and Celery workers.

    with EmbeddedStore(home, 0) as store, Cluster(settings, folder, environment=store.environment()) as cluster:
        cluster.airflow.wait_for_dags(["site_localgov"])
        cluster.kill("w1")          # SIGKILL to the worker and all that it started
        cluster.start_worker("w1")

Every part is a process of its own, in a session of its own, with an ``AIRFLOW_HOME``, a log folder and (workers) a
scratch folder and a log port of its own; all ask for a password, and all but the workers' log servers, which Airflow
binds to every address, listen on loopback. PostgreSQL refuses to run as root, so there it runs as ``postgres``. A guard
process ends what is left when the process that holds the cluster ends without having said so, be it by SIGKILL.

PostgreSQL and Redis are Debian's; ``find_programs`` says what is missing.
"""

from __future__ import annotations

import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipeline.settings import Settings
from pipeline.stack import (
    DAGS_FOLDER,
    Airflow,
    AirflowClient,
    recommended_environment,
    session_members,
    settings_environment,
    start_time,
)

_PORTS = range(20_300, 32_400)
"""Above the ports of embedded stores, below those that the kernel gives to clients."""
_WORKER_NAMES = ("w1", "w2", "w3", "w4")
_UP_SECONDS = 150.0
_POLL = 0.1

# Told of each session; kills what is left of them when its input ends. PostgreSQL's own children have sessions of
# their own and end with it: it is told so by SIGQUIT.
GUARD = """
import os, signal, sys, time
told = {}
def stat(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None
for line in sys.stdin:
    sign, pid, started = line.split()
    if sign == "+":
        told[int(pid)] = started
    else:
        told.pop(int(pid), None)
def left():
    for entry in os.listdir("/proc"):
        fields = stat(entry) if entry.isdigit() else None
        if fields and int(fields[3]) in told and fields[0] != "Z":
            leader = stat(fields[3])
            if leader is None or leader[19] == told[int(fields[3])]:
                yield int(entry)
for number in (signal.SIGQUIT, signal.SIGKILL, signal.SIGKILL):
    for pid in list(left()):
        try:
            os.kill(pid, number)
        except OSError:
            pass
    time.sleep(1 if told else 0)
"""

_MAKE_DATABASE = "from airflow.utils.db import initdb; initdb()"


class ProgramsMissing(RuntimeError):
    """PostgreSQL or Redis is not installed; the message says what to install."""


class ClusterFailed(RuntimeError):
    """A part did not start, or ended; the message has the end of its log."""


@dataclass(frozen=True, kw_only=True)
class Programs:
    """Where PostgreSQL's programs and Redis are."""

    postgres: Path  # folder with initdb and postgres
    redis: Path


def find_programs() -> Programs:
    """Find PostgreSQL and Redis.

    Raises:
        ProgramsMissing: one of them is not installed.
    """
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int("0" + path.parent.name))
    folders += [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    postgres = next((folder for folder in folders if (folder / "initdb").exists()), None)
    redis = shutil.which("redis-server")
    missing = [name for name, found in (("postgresql", postgres), ("redis-server", redis)) if not found]
    if postgres is None or redis is None:
        raise ProgramsMissing(
            f"The test of several machines needs {' and '.join(missing)}. On Debian and Ubuntu: "
            f"apt-get install --no-install-recommends {' '.join(missing)}"
        )
    return Programs(postgres=postgres, redis=Path(redis))


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A process that was started, the leader of its session."""

    process: subprocess.Popen[bytes]
    log: Path


class Cluster:
    """Airflow with the CeleryExecutor; a context manager.

    Args:
        settings: home, bucket, sites and the rest; tasks read the same ones, but for the scratch folder.
        folder: where everything lies; must not be there yet.
        environment: more variables for Airflow's processes: the store's address and key.
        workers: how many are started.
        slots: tasks that a worker runs at a time.
        dags_folder: another folder with DAG files than ours.
    """

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        *,
        environment: Mapping[str, str] | None = None,
        workers: int = 2,
        slots: int = 2,
        dags_folder: Path = DAGS_FOLDER,
    ) -> None:
        self.settings, self.folder, self.slots = settings, folder, slots
        self.worker_names = _WORKER_NAMES[:workers]
        self._given = dict(environment or {})
        self._dags_folder = dags_folder
        self._programs = find_programs()
        self._parts: dict[str, _Part] = {}
        self._client: AirflowClient | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._data: Path | None = None  # PostgreSQL's
        ports = _free_ports(3 + len(_WORKER_NAMES))
        self._api, self._postgres, self._redis = ports[:3]
        self._log_ports = dict(zip(_WORKER_NAMES, ports[3:], strict=True))
        self._passwords = {name: secrets.token_hex(16) for name in ("postgres", "redis")}
        self._keys = {
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(48),
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
            "AIRFLOW__CORE__FERNET_KEY": "",
        }
        self._server = Airflow(folder / "airflow", port=self._api, dags_folder=dags_folder)

    # --- starting and stopping

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def airflow(self) -> AirflowClient:
        """A logged-in client."""
        assert self._client is not None, "the cluster is not started"
        return self._client

    def start(self) -> None:
        """Start all parts; return when Airflow says it is healthy and every worker that it is ready.

        Raises:
            ClusterFailed: a part ended, or was not ready in time.
        """
        self.folder.mkdir(mode=0o700, parents=True)
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", GUARD], stdin=subprocess.PIPE, start_new_session=True
        )
        with ThreadPoolExecutor(2) as pool:
            redis = pool.submit(self._start_redis)
            pool.submit(self._start_postgres).result()
            redis.result()
        self._server.home.mkdir(mode=0o700)
        password = self._server.password()
        self._run("database", [sys.executable, "-c", _MAKE_DATABASE], self._environment("database"))
        self._start_airflow("api-server", "api-server", "--host", "127.0.0.1", "--port", str(self._api))
        for name in ("scheduler", "dag-processor"):
            self._start_airflow(name, name)
        for name in self.worker_names:
            self._launch_worker(name)
        self._client = AirflowClient(f"http://127.0.0.1:{self._api}", password=password)
        self._wait(lambda: self.airflow.warm_up() and self.airflow.is_healthy(), "Airflow is healthy", "api-server")
        for name in self.worker_names:
            self._wait_until_ready(name)

    def stop(self) -> None:
        """End everything that was started, and remove PostgreSQL's data."""
        if self._client is not None:
            self._client.close()
        # Nothing of it is needed again, so nothing is asked to end in good order but what holds shared memory.
        for name in [name for name in self._parts if name != "postgres"]:
            self.kill(name)
        if "postgres" in self._parts:
            postgres = self._parts["postgres"].process
            postgres.send_signal(signal.SIGQUIT)
            with suppress(subprocess.TimeoutExpired):
                postgres.wait(10)
            self.kill("postgres")
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait(20)
            self._guard = None
        if self._data is not None:
            shutil.rmtree(self._data, ignore_errors=True)

    def start_worker(self, name: str) -> None:
        """Start a worker (again), and wait until it takes tasks."""
        self._launch_worker(name)
        self._wait_until_ready(name)

    def start_scheduler(self, *, slots: int | None = None) -> None:
        """Start the scheduler again; with ``slots`` it hands so many tasks to the workers at a time."""
        more = {} if slots is None else {"AIRFLOW__CORE__PARALLELISM": str(slots)}
        self._start_airflow("scheduler", "scheduler", more=more)

    def kill(self, name: str, *, spare: bytes | None = None) -> list[int]:
        """SIGKILL to a part and everything that it started, as when its machine fails.

        Args:
            name: "w1", "scheduler" …
            spare: processes whose command line has this are not killed.

        Returns:
            The processes that were spared.
        """
        part = self._parts.pop(name)
        spared: set[int] = set()
        for _ in range(50):  # what was killed cannot start another; what starts meanwhile is found the next time
            members = session_members(part.process.pid)
            spared |= {pid for pid in members if spare is not None and spare in read_command(pid)}
            rest = set(members) - spared
            if not rest:
                break
            for pid in rest:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            part.process.poll()
            time.sleep(0.02)
        part.process.wait(10)
        if not spared:
            self._tell_guard("-", part.process.pid)
        return sorted(spared)

    # --- what can be asked

    @property
    def part_names(self) -> list[str]:
        """The parts that were started and not killed: "postgres", "scheduler", "w1" …"""
        return list(self._parts)

    def scratch(self, worker: str) -> Path:
        """A worker's own scratch folder."""
        return self.folder / worker / "scratch"

    def pids(self, names: Iterable[str] | None = None) -> list[int]:
        """The leading processes of these parts; None: of all."""
        return [part.process.pid for name, part in self._parts.items() if names is None or name in names]

    def members(self, name: str) -> list[int]:
        """All processes of a part."""
        return session_members(self._parts[name].process.pid)

    def worker_of(self, pid: int) -> str | None:
        """The living worker to which a task's process belongs."""
        try:
            session = os.getsid(pid)
        except ProcessLookupError:
            return None
        return next((name for name, part in self._parts.items() if part.process.pid == session), None)

    def database_bytes(self) -> int:
        """How much Airflow's database holds."""
        import psycopg2

        url = f"postgresql://airflow:{self._passwords['postgres']}@127.0.0.1:{self._postgres}/postgres"
        connection = psycopg2.connect(url)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_database_size(current_database())")
                (size,) = cursor.fetchone()
                return int(size)
        finally:
            connection.close()

    def tell_logs(self, lines: int = 30) -> str:
        """The ends of all logs, for the message of a test that fails."""
        return "\n".join(
            f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
            for path in sorted(self.folder.glob("*.log"))
        )

    # --- parts

    def _start_postgres(self) -> None:
        bin_folder = self._programs.postgres
        user = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        # Not below the folder: that is the owner's alone, and PostgreSQL's user must get there.
        self._data = Path(tempfile.mkdtemp(prefix="muniment-postgres-"))
        secret = self._data / "secret"
        secret.write_text(self._passwords["postgres"])
        os.chown(self._data, user.pw_uid, user.pw_gid)
        os.chown(secret, user.pw_uid, user.pw_gid)
        whose = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        make = [str(bin_folder / "initdb"), "-D", str(self._data / "db"), "-U", "airflow", "--pwfile", str(secret)]
        plain = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
        self._run("initdb", [*make, "--auth=scram-sha-256", "-E", "UTF8", "--no-sync"], plain, whose)
        serve = [str(bin_folder / "postgres"), "-D", str(self._data / "db"), "-p", str(self._postgres)]
        for option in (
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
            "fsync=off",  # it is thrown away with the test
        ):
            serve += ["-c", option]
        self._launch("postgres", serve, plain, whose)
        ready = [str(bin_folder / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self._postgres)]
        self._wait(lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL answers", "postgres")

    def _start_redis(self) -> None:
        folder = self.folder / "redis"
        folder.mkdir()
        # by its standard input: a command line can be read by everybody
        config = (
            f"bind 127.0.0.1\nport {self._redis}\nrequirepass {self._passwords['redis']}\ndir {folder}\n"
            'save ""\nappendonly no\n'
        )
        (folder / "redis.conf").write_text(config)
        self._launch("redis", [str(self._programs.redis), str(folder / "redis.conf")], {"PATH": os.defpath})
        self._wait(lambda: _answers(self._redis), "Redis answers", "redis")

    def _start_airflow(self, name: str, *arguments: str, more: Mapping[str, str] | None = None) -> None:
        program = str(Path(sys.executable).parent / "airflow")
        self._launch(name, [program, *arguments], self._environment(name) | dict(more or {}))

    def _launch_worker(self, name: str) -> None:
        self.scratch(name).mkdir(parents=True, exist_ok=True)
        more = {
            "MUNIMENT_SCRATCH": str(self.scratch(name)),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(self._log_ports[name]),
        }
        options = ["-H", f"{name}@%h", "-c", str(self.slots), "-q", "default", "--without-mingle", "--without-gossip"]
        self._start_airflow(name, "celery", "worker", *options, more=more)

    def _wait_until_ready(self, name: str) -> None:
        self._wait(lambda: b" ready." in self._parts[name].log.read_bytes(), "the worker is ready", name)

    def _environment(self, name: str) -> dict[str, str]:
        home = self._server.home if name in ("api-server", "database") else self.folder / name
        database = f"airflow:{self._passwords['postgres']}@127.0.0.1:{self._postgres}/postgres"
        own = {
            **self._keys,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(home / "bundles"),
            "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(home / "logs" / "dag_processor"),
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__PARALLELISM": str(self.slots * len(self.worker_names)),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{database}",
            "AIRFLOW__CELERY__BROKER_URL": f"redis://:{self._passwords['redis']}@127.0.0.1:{self._redis}/0",
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql+psycopg2://{database}",
            # How long it takes until a death is noticed: a test cannot wait for minutes.
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "3",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
            "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "45",
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "5",
            "AIRFLOW__SCHEDULER__NUM_STUCK_IN_QUEUED_RETRIES": "20",
        }
        base = {
            name: value
            for name, value in self._server.environment().items()
            if not name.startswith(("AIRFLOW_VAR", "AIRFLOW_CONN", "MUNIMENT_", "AWS_"))
        }
        settings = self.settings.model_copy(update={"scratch": None})
        return recommended_environment() | base | settings_environment(settings) | self._given | own

    # --- processes

    def _run(
        self, name: str, command: list[str], environment: Mapping[str, str], whose: Mapping[str, Any] | None = None
    ) -> None:
        """Run a program to its end."""
        self._launch(name, command, environment, whose)
        part = self._parts[name]
        status = part.process.wait(_UP_SECONDS)
        self._tell_guard("-", self._parts.pop(name).process.pid)
        if status:
            raise ClusterFailed(f"{name} ended with status {status}:\n{_end_of(part.log)}")

    def _launch(
        self, name: str, command: list[str], environment: Mapping[str, str], whose: Mapping[str, Any] | None = None
    ) -> None:
        log = self.folder / f"{name}.log"
        if log.exists():
            log.rename(self.folder / f"{name}-{time.monotonic_ns()}.log")  # of the one that was killed
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=self._data if whose else self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **dict(whose or {}),
            )
        self._parts[name] = _Part(process=process, log=log)
        self._tell_guard("+", process.pid)

    def _tell_guard(self, sign: str, pid: int) -> None:
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.write(f"{sign} {pid} {start_time(pid) or 0}\n".encode())
            self._guard.stdin.flush()

    def _wait(self, found: Callable[[], bool], what: str, name: str) -> None:
        deadline = time.monotonic() + _UP_SECONDS
        while not found():
            if self._parts[name].process.poll() is not None:
                raise ClusterFailed(f"{name} ended before {what}:\n{_end_of(self._parts[name].log)}")
            if time.monotonic() > deadline:
                raise ClusterFailed(f"not within {_UP_SECONDS:g} s: {what}.\n{self.tell_logs()}")
            time.sleep(_POLL)


def read_command(pid: int) -> bytes:
    """A process's command line; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _end_of(log: Path, lines: int = 25) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_ports(count: int) -> list[int]:
    """Ports on which nobody listens, at random so that two clusters rarely want the same."""
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise ClusterFailed("no free ports")
