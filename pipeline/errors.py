"""What can go wrong, as one tree that decides what happens next.

    MunimentError
    ├── Temporary              worth trying again: Airflow retries the task
    │   ├── StoreUnavailable   the store did not answer, or answered 5xx / SlowDown
    │   ├── WriteConflict      another writer was faster too often; the next try will see its work
    │   ├── DiskFull           this machine's disk under MUNIMENT_SCRATCH is full
    │   ├── CrawlInterrupted   the crawl child was ended from outside before it had finished
    │   ├── AlreadyRunning     another process of this machine does the same at this moment
    │   └── StackNotReady      Airflow did not do in time what was waited for (`muniment up`, the demo)
    └── Permanent              trying again changes nothing: the task fails at once
        ├── SettingsError      a MUNIMENT_* variable or a missing optional part
        ├── SiteFileError      a site file that cannot be used
        ├── StoreRefused       wrong credentials, no such bucket, or a store without the guarantees we need
        ├── ArchiveError       the archive contradicts itself or its contract
        ├── NotInArchive       what was asked for is not there
        ├── CrawlFailed        the crawl child ended by itself and says that it failed
        ├── RunRejected        the gate refused the run; nothing of it was published
        └── StackFailed        Airflow did not start, ended by itself, or refused a request

Every Permanent error carries ``next_step``: what the operator can do, in words. What a *page* does
wrong is never here: it is counted under one outcome of the run (see ``pipeline.model.Outcome``).
"""

from __future__ import annotations

from functools import partial


class MunimentError(Exception):
    """Anything Muniment raises on purpose."""


class Temporary(MunimentError):
    """The same call may succeed later, unchanged."""


class StoreUnavailable(Temporary):
    """The store did not answer, or asked for patience."""


class WriteConflict(Temporary):
    """A conditional write lost too many races in a row."""


class DiskFull(Temporary):
    """A disk of this machine is full; a try after somebody, or another task's end, has made room goes on."""


class CrawlInterrupted(Temporary):
    """The crawl child was ended by a signal or lost its parent."""


class AlreadyRunning(Temporary):
    """Another process of this machine does the same at this moment."""


class StackNotReady(Temporary):
    """Airflow did not do in time what was waited for."""


class Permanent(MunimentError):
    """The same call will fail again until somebody changes something.

    Args:
        message: what is wrong, in one or more plain sentences.
        next_step: what the operator can do about it.
    """

    def __init__(self, message: str, *, next_step: str) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __reduce__(self) -> tuple[object, ...]:
        # From a process pool errors come pickled; without this the keyword would be lost and the pool break.
        return partial(type(self), next_step=self.next_step), (self.message,)

    def __str__(self) -> str:
        return f"{self.message}\nNext step: {self.next_step}"


class SettingsError(Permanent):
    """A deployment setting is missing or wrong."""


class SiteFileError(Permanent):
    """A site file is missing or wrong; the message names file and key."""


class StoreRefused(Permanent):
    """The store refuses us, or we refuse the store."""


class ArchiveError(Permanent):
    """The archive contradicts itself or its contract."""


class NotInArchive(Permanent):
    """No such site, run, article or version."""


class CrawlFailed(Permanent):
    """The crawl child says that it could not do its work."""


class RunRejected(Permanent):
    """The gate refused a run; the message is the one an operator reads."""


class StackFailed(Permanent):
    """Airflow did not start, ended by itself, or refused a request."""
