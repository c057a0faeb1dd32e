"""Extraction in worker processes: a page can cost its worker's life, never its neighbours'."""

from __future__ import annotations

import gc
import json
import pickle
import resource
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from pipeline.body import load_trafilatura
from pipeline.boilerplate import Memory, Observed
from pipeline.errors import Temporary
from pipeline.extract import make_finding, observe_capture, read_status
from pipeline.kinds import Reading
from pipeline.model import Finding
from pipeline.settings import child_environment
from spiders.site import Site
from spiders.warc import Captured, read_captures

PAGE_SECONDS: Final = 10.0  # CPU time for one page; trafilatura needs 0.03 s for most and 2 s for the worst seen
WORKER_BYTES: Final = 3 * 2**30  # address space of a worker
TIRED_BYTES: Final = 700 * 2**20  # a worker that has grown to this is replaced after its page

_START: Final = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from pipeline.workers import serve
serve(*sys.argv[2:])
"""
_AHEAD_BYTES: Final = 64 * 1024  # what surely fits into a socket's buffer, so that handing out work never blocks
_AHEAD: Final = 2  # pages given to a worker: one in work, one waiting
_WINDOW: Final = 16  # pages per worker between the one that is handed out next and the one that is given back next
_PAGES_PER_START: Final = 8  # a worker's start takes as much CPU as so many pages, or more
_STARTS: Final = 3  # times that a worker may die before it says it is ready


@dataclass(frozen=True, kw_only=True)
class _Page:
    """A page on its way through the pool."""

    number: int
    capture: Captured
    tries: int = 0


@dataclass(kw_only=True)
class _Worker:
    """A worker process as its owner sees it."""

    process: subprocess.Popen[bytes]
    channel: Connection
    ready: bool = False
    told: bytes = b""  # the errand that it was told of last
    work: deque[_Page] = field(default_factory=deque)

    def stop(self) -> None:
        self.channel.close()
        self.process.kill()
        self.process.wait()


_Answer = TypeVar("_Answer")


@dataclass(frozen=True, kw_only=True)
class _Errand(Generic[_Answer]):
    """What workers are to do with pages, and how their answers are read."""

    site: Site
    told: bytes  # to the workers: site, the segment's key, the site's memory, whether they observe
    read: Callable[[bytes], _Answer]
    settle: Callable[[Captured, Reading], _Answer]  # what is answered for a page that no worker has read


class Extractor:
    """Worker processes that make findings of segments.

    The workers are processes of their own kind (not forks: the caller may be an Airflow task or have threads) and
    load trafilatura once. They start when there is a page to read, one by one as pages come, or all at once by
    ``warm_up``: a run in which nothing has changed starts none. A page that takes more than ``page_seconds`` of CPU
    time ends its worker by a signal that no C code can hold up; a page on which a worker dies otherwise is tried
    once more. Either is counted as failed,
    and a new worker takes over. Use as a context manager, from one thread at a time.

    Args:
        processes: how many.
        page_seconds: CPU seconds that one page may take.
        function: where workers find ``(site, capture, warc_key[, memory]) -> Finding``, as ``module:name``.
    """

    def __init__(
        self, processes: int, *, page_seconds: float = PAGE_SECONDS, function: str = "pipeline.extract:judge_capture"
    ) -> None:
        self._processes = max(1, processes)
        self._page_seconds = page_seconds
        self._function = function
        self._workers: list[_Worker] = []
        self._failed_starts = 0
        self._given = 0

    def __enter__(self) -> Self:
        return self

    def warm_up(self) -> None:
        """Start all workers now, because many pages are on their way."""
        self._given = max(self._given, _PAGES_PER_START * self._processes)
        self._fill()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.stop()
        self._workers.clear()

    def extract_segment(
        self, site: Site, path: Path, warc_key: str, *, memory: Memory | None = None
    ) -> Iterator[Finding]:
        """Findings of a segment's pages, in the order of their records.

        Args:
            site: whose segment it is.
            path: the segment, on this machine.
            warc_key: its key in the archive.
            memory: what is known of the site's blocks.

        Raises:
            Temporary: the workers do not start (no memory, say).
            OSError: the segment cannot be read.
        """
        with path.open("rb") as stream:
            yield from self.extract_captures(site, read_captures(stream), warc_key, memory=memory)

    def extract_captures(
        self, site: Site, captures: Iterable[Captured], warc_key: str, *, memory: Memory | None = None
    ) -> Iterator[Finding]:
        """Findings of captured pages, in their order.

        Args:
            site: whose pages they are.
            captures: taken as there is room for them, not all at once.
            warc_key: what the findings say of where the pages lie.
            memory: what is known of the site's blocks.

        Raises:
            Temporary: the workers do not start (no memory, say).
        """
        yield from self._work(
            _Errand(
                site=site,
                told=pickle.dumps((site, warc_key, memory, False)),
                read=Finding.model_validate_json,
                settle=lambda capture, reading: make_finding(capture, warc_key, reading),
            ),
            captures,
        )

    def observe_captures(self, site: Site, captures: Iterable[Captured]) -> Iterator[Observed]:
        """What the site's memory is to learn from captured pages, in their order; nothing of those without a text.

        Raises:
            Temporary: the workers do not start (no memory, say).
        """
        errand = _Errand(
            site=site,
            told=pickle.dumps((site, "", None, True)),
            read=lambda answer: Observed.model_validate_json(answer) if answer else None,
            settle=lambda _capture, _reading: None,
        )
        yield from (observed for observed in self._work(errand, captures) if observed is not None)

    def _work(self, errand: _Errand[_Answer], captures: Iterable[Captured]) -> Iterator[_Answer]:
        """What the workers answer to each captured page, in their order."""
        told = errand.told
        done: dict[int, _Answer] = {}  # found, and waiting for those before them
        again: deque[_Page] = deque()  # given to a worker that ended before it read them
        following = 0
        pages = self._read(errand, captures, done)
        coming = next(pages, None)
        try:
            while True:
                while following in done:
                    yield done.pop(following)
                    following += 1
                if coming is not None or again:
                    self._fill()
                while (page := again[0] if again else coming) is not None:
                    worker = self._choose(page, following)
                    if worker is None:
                        break
                    if again:
                        again.popleft()
                    else:
                        coming = next(pages, None)
                    self._give(worker, page, told)
                if following in done:
                    continue
                busy = {worker.channel: worker for worker in self._workers if worker.work or not worker.ready}
                if coming is None and not again and not any(worker.work for worker in busy.values()):
                    return
                for channel in wait(list(busy)):
                    self._receive(busy[channel], done, again, errand)  # type: ignore[index]
        finally:
            for worker in [worker for worker in self._workers if worker.work]:
                self._workers.remove(worker)  # its answers would be taken for those of the next segment
                worker.stop()

    def _read(
        self, errand: _Errand[_Answer], captures: Iterable[Captured], done: dict[int, _Answer]
    ) -> Iterator[_Page]:
        """Pages that a worker must read; what the status decides is done at once."""
        number = 0
        for capture in captures:
            if capture.kind != "page":
                continue
            reading = read_status(errand.site, capture)
            if reading is None:
                yield _Page(number=number, capture=capture)
            else:
                done[number] = errand.settle(capture, reading)
            number += 1

    def _choose(self, page: _Page, following: int) -> _Worker | None:
        if page.number - following >= _WINDOW * self._processes:
            return None
        idle = min((worker for worker in self._workers if worker.ready), key=lambda w: len(w.work), default=None)
        if idle is None or not idle.work:
            return idle
        small = len(page.capture.payload) <= _AHEAD_BYTES
        return idle if small and page.tries == 0 and len(idle.work) < _AHEAD else None

    def _give(self, worker: _Worker, page: _Page, told: bytes) -> None:
        """Hand a page to a worker; if that is dead, `_receive` will find it so, and why."""
        worker.work.append(page)
        self._given += 1
        with suppress(OSError):
            if worker.told != told:
                worker.channel.send_bytes(told)
                worker.told = told
            worker.channel.send_bytes(pickle.dumps(page.capture))

    def _receive(
        self, worker: _Worker, done: dict[int, _Answer], again: deque[_Page], errand: _Errand[_Answer]
    ) -> None:
        try:
            answer = worker.channel.recv_bytes()
        except (EOFError, OSError):
            self._bury(worker, done, again, errand)
            return
        if not worker.ready:
            worker.ready = True
            self._failed_starts = 0
            return
        page = worker.work.popleft()
        done[page.number] = errand.read(answer)

    def _bury(self, worker: _Worker, done: dict[int, _Answer], again: deque[_Page], errand: _Errand[_Answer]) -> None:
        """A worker has ended: find out why, count its page or try it again, give the others back."""
        status = worker.process.wait()
        worker.channel.close()
        self._workers.remove(worker)
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _STARTS:
                raise Temporary(f"extraction processes end before they are ready (exit status {status})")
        if worker.work and status != 0:
            page = worker.work.popleft()
            late = status == -signal.SIGPROF
            if late or page.tries:
                reason = f"extraction took more than {self._page_seconds:g} s" if late else "extraction process crashed"
                done[page.number] = errand.settle(page.capture, Reading(kind="failed", reason=reason))
            else:
                again.append(_Page(number=page.number, capture=page.capture, tries=1))
        again.extend(worker.work)
        worker.work.clear()

    def _fill(self) -> None:
        while len(self._workers) < min(self._processes, 1 + self._given // _PAGES_PER_START):
            self._workers.append(self._start())

    def _start(self) -> _Worker:
        ours, theirs = socket.socketpair()
        with theirs:
            arguments = [json.dumps(sys.path), str(theirs.fileno()), str(self._page_seconds), self._function]
            process = subprocess.Popen(
                [sys.executable, "-c", _START, *arguments],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=child_environment(),
            )
        return _Worker(process=process, channel=Connection(ours.detach()))


def serve(descriptor: str, page_seconds: str, function: str) -> None:
    """A worker's life: say ready, then answer each capture with its finding, until the owner hangs up.

    The timer counts CPU time and its signal is left at its default, which ends the process wherever it is.
    """
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the owner
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (WORKER_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    channel = Connection(int(descriptor))
    module, name = function.split(":")
    judge = getattr(import_module(module), name)
    load_trafilatura()
    gc.freeze()
    site: Any = None  # until the owner says for whom
    warc_key, memory, observes = "", None, False
    with suppress(EOFError, OSError):
        channel.send_bytes(b"ready")
        while True:
            message = pickle.loads(channel.recv_bytes())  # noqa: S301 - from our owner, through a socket of ours alone
            if isinstance(message, tuple):
                site, warc_key, memory, observes = message
                continue
            signal.setitimer(signal.ITIMER_PROF, float(page_seconds))
            found: Any
            if observes:
                found = observe_capture(site, message)
            else:
                found = judge(site, message, warc_key) if memory is None else judge(site, message, warc_key, memory)
            signal.setitimer(signal.ITIMER_PROF, 0)
            channel.send_bytes(b"" if found is None else found.to_json())
            if _resident_bytes() > TIRED_BYTES:
                return


def _resident_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    except (OSError, ValueError):
        return 0
