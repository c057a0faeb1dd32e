"""What an operator can do from a page: release a run that the gate refused, and take an article down.

Both say what is to be done in the archive first, under the store's conditions, and can be called again. A takedown is
carried out before the page answers. A released run is published by a process of its own, because publishing loads all
of the pipeline and may take minutes: it writes to the API server's log, and the run's page tells how far it is. Ends
it early, the form on that page starts it again.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

from pipeline.errors import StoreUnavailable, WriteConflict
from pipeline.health import note_run
from pipeline.model import Release, TakedownOrder
from pipeline.web.access import Visitor
from pipeline.web.shelf import Shelf

log = logging.getLogger("muniment")

MOST_REASON = 500
"""Characters of a reason, which stands in the journal for ever."""
MOST_SPANS = 20


def tell_who(visitor: Visitor) -> str:
    """How the journal names somebody who did something here."""
    return f"{visitor.name} (Airflow)"[:100]


def release(shelf: Shelf, site: str, run: str, *, visitor: Visitor, reason: str) -> Release:
    """Release a rejected run and have it published.

    Raises:
        NotInArchive, ArchiveError: there is nothing to release; the message says why.
        WriteConflict, StoreUnavailable: try again.
    """
    from pipeline.release import release_run  # noqa: PLC0415 - only here

    said = release_run(shelf.archive, site, run, by=tell_who(visitor), reason=reason, now=shelf.now())
    publish_apart(site, run)
    with suppress(WriteConflict, StoreUnavailable):  # publishing notes it again
        note_run(shelf.archive, site, run, now=shelf.now())
    shelf.look_again()
    return said


def publish_apart(site: str, run: str) -> None:
    """Publish a released run in a process of its own; not waited for."""
    child = subprocess.Popen([sys.executable, "-m", "pipeline.web.publishing", site, run], stdin=subprocess.DEVNULL)

    def wait() -> None:
        if status := child.wait():
            log.error("publishing run %s of %s ended with status %d; see above", run, site, status)

    threading.Thread(target=wait, name=f"publishing {run}", daemon=True).start()


def take_down(
    shelf: Shelf, site: str, article: str, *, visitor: Visitor, reason: str, spans: Sequence[str]
) -> TakedownOrder:
    """Withhold an article, or redact words of it; what is destroyed, is destroyed on the command line only.

    Raises:
        NotInArchive: there is no such article.
        ArchiveError: the order contradicts itself.
    """
    from pipeline.takedown import order_takedown  # noqa: PLC0415 - only here

    return order_takedown(
        shelf.open_patiently(), site, article, by=tell_who(visitor), reason=reason, now=shelf.now(), spans=tuple(spans)
    )
