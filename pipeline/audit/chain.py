"""The journal of a site: its own chain, and what it makes expected; with what takedowns' orders say beside it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from pipeline.audit.look import Look, ahead, check_digest, parse
from pipeline.audit.told import Flaw, Head
from pipeline.journal import digest_of, entry_number
from pipeline.model import JournalEntry, TakedownOrder
from pipeline.store import KeyMissing

_GAP_MOST = 100  # entries of a journal that are missing in a row and are told one by one
_STRANGE_GAP = 3
_TOLD_AS = {
    "carried out": frozenset({"suspended", "redacted"}),
    "reinstated": frozenset({"reinstated"}),
    "destroyed": frozenset({"suspended", "redacted", "destroyed"}),  # by its own order or by a later one
}


@dataclass(frozen=True, kw_only=True)
class _Link:
    """An entry as a link of the chain."""

    n: int
    previous: str | None = None  # None: it cannot be read
    digest: str | None = None
    flaw: Flaw | None = None


def read_orders(look: Look) -> None:
    """Takedowns that have begun and not ended: what they replace is one thing or the other."""
    start = f"takedowns/{look.site}/"
    for each in look.archive.store.list(start):
        with suppress(KeyMissing):
            order = parse(TakedownOrder, look.archive.store.get(each.key).body)
            if order is None or [order.site, f"{order.takedown}.json"] != each.key.split("/")[1:]:
                look.odd_orders.append(each.key)
                continue
            look.ordered.add(order.article)
            if order.state not in ("ordered", "reinstating") and not order.touched:
                look.ended[order.takedown] = _TOLD_AS[order.state]
                continue
            for touched in order.touched:
                look.under_way.setdefault(touched.key, set()).update((touched.before, touched.after))
            look.tell(
                each.key,
                f"takedown {order.takedown} is under way, or was interrupted: go on with it "
                "(muniment takedown --help says how).",
            )


def read_journal(look: Look) -> None:
    """Read the journal, hold its chain, and write down what it says must stand."""
    folder = look.archive.journal_key(look.site, 1).removesuffix("00000001.json")
    listed: list[int] = []
    for each in look.archive.store.list(folder):
        number = entry_number(look.site, each.key)
        if number is None:
            look.name(Flaw(key=each.key, problem="unaccounted", expected="nothing", stands="an object"))
        else:
            listed.append(number)
    numbers = _fill_gaps(sorted(listed))
    links = list(_read_entries(look, numbers, frozenset()))
    strange = _count_strange(links)
    for link in links[len(links) - strange :]:
        if link.digest is not None:
            key = look.archive.journal_key(look.site, link.n)
            look.name(
                Flaw(key=key, problem="unaccounted", expected="nothing: the journal ends before", stands="an object")
            )
    links, numbers = links[: len(links) - strange], numbers[: len(links) - strange]
    culprits = _judge_chain(look, links)
    if culprits:  # what they say proves nothing
        look.db.execute("DELETE FROM expected")
        look.replaced.clear()
        look.before.clear()
        look.takedowns.clear()
        for run in look.runs.values():
            run.told, run.entry = set(), None
        list(_read_entries(look, numbers, culprits))
    look.lost_entries = sum(link.previous is None for link in links)
    last = next((link for link in reversed(links) if link.digest is not None), None)
    look.last = Head(n=last.n, digest=last.digest or "") if last else look.last
    if not look.again:
        look.told.read += len(links)
    _hold_head(look, links)


def _read_entries(look: Look, numbers: Sequence[int], culprits: frozenset[int]) -> Iterator[_Link]:
    highest = numbers[-1] if numbers else 0
    fetched = ahead(look.pool, partial(_fetch_entry, look), numbers, look.archive.store.threads)
    for n, stored in zip(numbers, fetched, strict=True):
        key = look.archive.journal_key(look.site, n)
        if stored is None:
            flaw = Flaw(key=key, problem="missing", expected=f"entry {n} of {highest}", stands="nothing")
            yield _Link(n=n, flaw=flaw)
            continue
        body, metadata = stored
        if not look.again and not culprits:
            look.told.bytes += len(body)
        digest = digest_of(body)
        wrong = check_digest(key, len(body), digest.removeprefix("sha256:"), metadata)
        entry = parse(JournalEntry, body)
        if entry is None or (entry.site, entry.n) != (look.site, n):
            wrong = wrong or Flaw(
                key=key, problem="wrong", expected=f"entry {n} of {look.site}", stands="something else"
            )
            yield _Link(n=n, digest=digest, flaw=wrong)
            continue
        yield _Link(n=n, previous=entry.previous, digest=digest, flaw=wrong)
        _believe(look, entry, proven=wrong is None and n not in culprits)


def _fetch_entry(look: Look, n: int) -> tuple[bytes, Mapping[str, str]] | None:
    try:
        stored = look.archive.store.get(look.archive.journal_key(look.site, n))
    except KeyMissing:
        return None
    return stored.body, stored.metadata


def _judge_chain(look: Look, links: Sequence[_Link]) -> frozenset[int]:
    """Which entries are not what they were: their own digest, or the next entry's, says so."""
    culprits = set()
    for link in links:
        if link.flaw is not None:
            culprits.add(link.n)
            look.name(link.flaw, entry=link.n)
    broken = {}
    for before, link in itertools.pairwise([_Link(n=0, digest=""), *links]):
        if before.flaw is None and link.flaw is None and link.previous != before.digest:
            broken[link.n] = (before, link)
    for n in sorted(broken):
        # Both its links are broken: it is that one. Otherwise the one before was altered with its digest.
        culprit = n if n == 1 or n + 1 in broken else n - 1
        if culprit in culprits or n - 1 in culprits:
            continue
        culprits.add(culprit)
        look.name(
            Flaw(
                key=look.archive.journal_key(look.site, culprit),
                problem="chain",
                expected=f"{broken[n][1].previous or 'nothing before the first'}, as entry {n} says",
                stands=broken[n][0].digest or "an entry that names one before",
            ),
            entry=culprit,
        )
    return frozenset(culprits)


def _believe(look: Look, entry: JournalEntry, *, proven: bool) -> None:
    """Write down what an entry says must stand; of one that is damaged only that something may."""
    look.write(
        "INSERT OR REPLACE INTO expected VALUES (?, ?, ?, ?, ?, 1, ?)",
        [
            (each.key, each.size if proven else None, each.sha256 if proven else None, entry.run, entry.n, proven)
            for each in entry.objects
        ],
    )
    if entry.kind == "expired" and proven:
        look.expired.update(each.key for each in entry.replaced)
    if entry.replaced:
        _believe_replaced(look, entry, proven=proven)
    if entry.takedown is not None:
        told = look.takedowns if proven else look.weak_takedowns
        told.setdefault(entry.takedown, set()).add(entry.kind)
    if entry.run is not None:
        of = look.run(entry.run)
        of.told.add(entry.kind)
        of.weak = of.weak or not proven
        if entry.published is not None and proven:
            of.entry = entry.published


def _believe_replaced(look: Look, entry: JournalEntry, *, proven: bool) -> None:
    """What a takedown put in the place of something; what it sealed has its digest beside it, and no other."""
    sizes = {each.key: each.size for each in entry.objects}
    for each in entry.replaced:
        look.replaced.add(each.key)
        look.before.setdefault(each.key, set()).add(each.before)
        old = look.db.execute("SELECT run FROM expected WHERE key = ?", (each.key,)).fetchone()
        run = old["run"] if old is not None else entry.run
        after = each.after if proven else None
        size = sizes.get(each.key) if proven else None
        values = [(each.key, size, after, run, entry.n, each.after is not None, proven)]
        if each.sealed is not None and each.sealed not in sizes:
            values.append((each.sealed, None, None, run, entry.n, True, proven))
        look.write("INSERT OR REPLACE INTO expected VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    if entry.takedown is not None and entry.kind in ("reinstated", "destroyed"):
        folder = look.archive.sealed_key(look.site, entry.takedown, "")
        look.db.execute("UPDATE expected SET proven = 0 WHERE key >= ? AND key < ?", (folder, folder[:-1] + "0"))


def find_hidden(look: Look) -> None:
    """What takedowns replaced whose entries are lost: the sealed copies say. To restore that would undo them."""
    for takedown, kinds in look.ended.items():
        if not kinds & look.takedowns.get(takedown, set()):
            folder = look.archive.sealed_key(look.site, takedown, "")
            found = look.db.execute("SELECT key FROM objects WHERE key >= ? AND key < ?", (folder, folder[:-1] + "0"))
            look.hidden |= {key.removeprefix(folder) for (key,) in found}
    look.replaced |= look.hidden


def _hold_head(look: Look, links: Sequence[_Link]) -> None:
    """Compare with the head that an earlier audit told."""
    head = look.head
    if head is None or head.n == 0:
        return
    now = next((link.digest for link in links if link.n == head.n), None)
    if now != head.digest:
        look.name(
            Flaw(
                key=look.archive.journal_key(look.site, head.n),
                problem="chain",
                expected=f"entry {head.n} is {head.digest}, as an earlier audit saw it",
                stands=now or f"nothing: the journal ends with entry {links[-1].n if links else 0}",
            ),
            entry=head.n,
        )


def _fill_gaps(listed: Sequence[int]) -> list[int]:
    """The numbers that are to be looked at: those of a listing, and of a gap no more than can be told."""
    filled: list[int] = []
    for before, number in itertools.pairwise([0, *listed]):
        filled += [*range(before + 1, min(number, before + 1 + _GAP_MOST)), number]
    return filled


def _count_strange(links: Sequence[_Link]) -> int:
    """How many links at the end are none: what cannot be read, far behind the last entry that can."""
    behind = list(itertools.takewhile(lambda link: link.previous is None, reversed(links)))
    gap = list(itertools.takewhile(lambda link: link.digest is None, reversed(behind)))
    return len(behind) if gap and behind[0].n - (behind[-1].n - 1) > _STRANGE_GAP else 0
