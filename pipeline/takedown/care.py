"""What takedowns need day by day: suspensions ended when they are due, what locks held removed, runs looked through.

For maintenance, with the rights of a steward; may be stopped anywhere and called again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.archive import Archive
from pipeline.journal import head_number, read_entry
from pipeline.model import TakedownOrder
from pipeline.takedown.carrying import carry_out, destroy_rest, reapply, reinstate_due
from pipeline.takedown.orders import active, change_order, read_orders

log = logging.getLogger("muniment")

_UNDER_WAY = timedelta(hours=1)  # so long whoever ordered it may be at it still
_LONGEST_RUN = timedelta(days=7)
_MARGIN = timedelta(hours=1)  # between our clock and the store's


@dataclass(frozen=True, kw_only=True)
class Care:
    """What was done: ids of takedowns, and of runs."""

    reinstated: tuple[TakedownOrder, ...]
    carried_out: tuple[str, ...]  # that were interrupted
    removed: tuple[str, ...]  # of which the store's locks held something, and let go of it
    cleaned: tuple[str, ...]  # runs that had brought in what is withheld


def care_for_takedowns(archive: Archive, *, now: datetime) -> Care:
    """Do what is due for all takedowns of the archive.

    Runs clean what they bring in themselves, where their credentials are those of a steward; of a writer's they
    leave it to this. Only runs are looked at that have written anything since this was done last.

    Raises:
        StoreRefused: the credentials are not those of a steward.
        Temporary: call again.
    """
    reinstated = tuple(reinstate_due(archive, now))
    carried_out, removed, cleaned = [], [], []
    for order in list(read_orders(archive)):
        if order.state in ("ordered", "reinstating") and (order.ended_at or order.ordered_at) <= now - _UNDER_WAY:
            carry_out(archive, order, now=now)
            carried_out.append(order.takedown)
        elif any(until <= now for until in order.locked.values()):
            destroy_rest(archive, order, now=now)
            removed.append(order.takedown)
    for site in list(archive.store.list_folders("takedowns/")):
        cleaned += _clean_runs(archive, site, now)
    return Care(reinstated=reinstated, carried_out=tuple(carried_out), removed=tuple(removed), cleaned=tuple(cleaned))


def _clean_runs(archive: Archive, site: str, now: datetime) -> list[str]:
    """Clean the runs that have written since all orders in force were looked after last; those that needed it."""
    orders = active(archive, site)
    if not orders:
        return []
    since = min(order.cared_at or order.ordered_at for order in orders) - _MARGIN
    cleaned = []
    for run in sorted(_told_since(archive, site, since) | _written_since(archive, site, since)):
        if reapply(archive, site, run, now=now):
            log.info("run %s of %s was cleaned of what was taken down", run, site)
            cleaned.append(run)
    for order in orders:
        change_order(archive, site, order.takedown, lambda each: each.model_copy(update={"cared_at": now}))
    return cleaned


def _told_since(archive: Archive, site: str, since: datetime) -> set[str]:
    """Runs that the journal has told of since then; imports are among them, whose ids are of another time."""
    found = set()
    for n in range(head_number(archive, site), 0, -1):
        entry = read_entry(archive, site, n)
        if entry is None or entry[0].at < since:
            break
        if entry[0].run is not None and entry[0].takedown is None:
            found.add(entry[0].run)
    return found


def _written_since(archive: Archive, site: str, since: datetime) -> set[str]:
    """Runs begun lately that have written since then, told or not."""
    found = set()
    for run in archive.runs(site):
        if datetime.strptime(run[:16], "%Y%m%dT%H%M%S%z") < since - _LONGEST_RUN:
            break  # newest first
        folder = archive.published_key(site, run).removesuffix("published.json")
        if any(entry.modified >= since for entry in archive.store.list(folder)):
            found.add(run)
    return found
