"""The guard of a test's cluster: nothing is left when the test's process is killed."""

from __future__ import annotations

import subprocess
import sys
import time

from pipeline.stack import session_members, start_time
from tests.dags.cluster import GUARD

_PARENT = "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"


def begin() -> subprocess.Popen[bytes]:
    """A process with a child, in a session of its own."""
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", _PARENT], start_new_session=True)
    deadline = time.monotonic() + 20
    while len(session_members(process.pid)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


def test_what_a_killed_test_has_started_is_ended_and_nothing_else() -> None:
    guarded, released, stranger = begin(), begin(), begin()
    try:
        guard = subprocess.Popen([sys.executable, "-I", "-S", "-c", GUARD], stdin=subprocess.PIPE)
        assert guard.stdin is not None
        for sign, process in (("+", guarded), ("+", released), ("-", released)):
            guard.stdin.write(f"{sign} {process.pid} {start_time(process.pid)}\n".encode())
        # An id that another process has by now: its session is left alone.
        guard.stdin.write(f"+ {stranger.pid} 1\n".encode())
        guard.stdin.close()  # as the kernel does when the owner ends, however it ends
        assert guard.wait(20) == 0
        assert session_members(guarded.pid) == []
        assert len(session_members(released.pid)) == len(session_members(stranger.pid)) == 2
    finally:
        for process in (guarded, released, stranger):
            for pid in session_members(process.pid):
                subprocess.run(["kill", "-9", str(pid)], check=False)
            process.wait(10)
