"""Crawl children and extraction workers forked from a process that has loaded what they need.

To load Scrapy takes a second of CPU, trafilatura one more, and the tests start some hundred of each. ``WarmPopen``
stands in the place of ``subprocess.Popen``: orders for one of the two go to a server, all others take their usual way.
What it starts is a child of ours like any other, with the environment, folder and descriptors that it was given:
clone(2) with ``CLONE_PARENT`` makes it one. The fixture ``cold_starts`` gives a test the real beginning.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ColdPopen = subprocess.Popen
CLONE = {"x86_64": 56, "aarch64": 220}.get(platform.machine()) if sys.platform == "linux" else None
"""The number of the system call."""

_CLONE_PARENT = 0x8000
_MOST_BYTES = 1 << 17


class WarmPopen(ColdPopen):  # type: ignore[type-arg]
    """A child that is forked where it is one of ours, and started otherwise."""

    _server: socket.socket | None = None
    _lock = threading.Lock()

    def _execute_child(  # type: ignore[override]
        self,
        args: Any,
        executable: Any,
        preexec_fn: Any,
        close_fds: Any,
        pass_fds: Any,
        cwd: Any,
        env: Any,
        startupinfo: Any,
        creationflags: Any,
        shell: Any,
        p2cread: int,
        p2cwrite: int,
        c2pread: int,
        c2pwrite: int,
        errread: int,
        errwrite: int,
        *more: Any,
    ) -> None:
        errand = None if CLONE is None or executable or preexec_fn or shell else find_errand(args)
        if errand is None or more[1:] != (None, None, None, -1, False, -1):  # user, groups, umask, session of its own
            pipes = (p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)
            first = (args, executable, preexec_fn, close_fds, pass_fds, cwd, env, startupinfo, creationflags, shell)
            super()._execute_child(*first, *pipes, *more)  # type: ignore[misc]
            return
        standard = [given if given != -1 else usual for usual, given in enumerate((p2cread, c2pwrite, errwrite))]
        order = {
            "errand": errand,
            "environment": dict(os.environ if env is None else env),
            "folder": os.fspath(cwd or os.getcwd()),  # noqa: PTH109 - of this very moment
            "descriptors": [0, 1, 2, *pass_fds],
        }
        with WarmPopen._lock:
            if WarmPopen._server is None:
                WarmPopen._server = _begin()
            socket.send_fds(WarmPopen._server, [json.dumps(order).encode()], [*standard, *pass_fds])
            if not (answer := WarmPopen._server.recv(100)):
                end()
                raise RuntimeError("the process that forks crawl children and extraction workers for tests has ended")
            self.pid = int(answer)
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # type: ignore[attr-defined]


def find_errand(args: Any) -> tuple[str, list[str]] | None:
    """Which of ours it is, and its arguments; None: it is none."""
    loaded = sys.modules.get("pipeline.workers")  # not imported: children are begun in the middle of imports, too
    if isinstance(args, Sequence) and not isinstance(args, str | bytes) and args and args[0] == sys.executable:
        words = [os.fspath(each) for each in args[1:]]
        if words[:2] == ["-m", "spiders"]:
            return None if _draws(words) else ("crawl", words[2:])
        if words[:2] == ["-c", getattr(loaded, "_START", None)]:
            return "extract", words[3:]  # without the path of modules, which is ours
    return None


def _draws(words: list[str]) -> bool:
    """Whether the site's pages are drawn: a browser's driver does not come up in what is forked."""
    site = Path(words[words.index("--site") + 1]) if "--site" in words else None
    return site is not None and site.exists() and '"render":true' in site.read_text(encoding="utf-8").replace(" ", "")


def end() -> None:
    """End the server."""
    if WarmPopen._server is not None:
        WarmPopen._server.close()
        WarmPopen._server = None


def _begin() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end_ in (ours, theirs):
        end_.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_BYTES)
    with theirs:
        command = [sys.executable, "-m", "tests.warm", str(theirs.fileno())]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        nothing = subprocess.DEVNULL
        server = ColdPopen(command, pass_fds=[theirs.fileno()], stdin=nothing, stdout=nothing, env=environment)
    threading.Thread(target=server.wait, daemon=True).start()
    return ours


def _serve(line: socket.socket) -> Callable[[], int]:
    """Fork at every order; returns in the child, with what is to be done there."""
    while True:
        said, descriptors, _, _ = socket.recv_fds(line, _MOST_BYTES, 16)
        if not said:
            os._exit(0)
        pid = _fork_for_parent()
        if pid:
            for each in descriptors:
                os.close(each)
            line.send(str(pid).encode())
            continue
        line.close()
        order = json.loads(said)
        # First out of the way: a wanted number may be that of another one of them.
        high = [os.dup2(each, 500 + place) for place, each in enumerate(descriptors)]
        for each in descriptors:
            os.close(each)
        for each, wanted in zip(high, order["descriptors"], strict=True):
            os.dup2(each, wanted)
            os.close(each)
        os.environ.clear()
        os.environ.update(order["environment"])
        os.chdir(order["folder"])
        tempfile.tempdir = None
        name, words = order["errand"]
        sys.argv = [name, *words]
        if name == "crawl":
            return spiders.__main__.main
        return lambda: pipeline.workers.serve(*words) or 0  # type: ignore[func-returns-value]


def _fork_for_parent() -> int:
    """As ``os.fork``, but the child is our parent's."""
    api, kernel = ctypes.pythonapi, ctypes.PyDLL(None)
    api.PyOS_BeforeFork()
    pid: int = kernel.syscall(CLONE, _CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0)
    (api.PyOS_AfterFork_Parent if pid else api.PyOS_AfterFork_Child)()
    return pid


if __name__ == "__main__":
    import scrapy.dupefilters
    import scrapy.pqueues
    import scrapy.squeues
    import scrapy.statscollectors  # noqa: F401

    import pipeline.workers
    import spiders.__main__
    from pipeline.body import load_trafilatura

    load_trafilatura()
    gc.collect()
    gc.freeze()
    main = _serve(socket.socket(fileno=int(sys.argv[1])))
    try:
        status: Any = main()
    except SystemExit as error:
        status = error.code
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 1)
