"""What takedowns have sealed: objects byte for byte as they were; of segments the records alone, with their offsets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from pipeline.archive import Archive
from pipeline.errors import NotInArchive
from pipeline.model import Version
from pipeline.takedown.orders import TERMS, read_orders


class Seals:
    """What the orders of a site have sealed.

    Args:
        but: an order whose seals do not count.
    """

    def __init__(self, archive: Archive, site: str) -> None:
        self._archive = archive
        self._site = site
        states = {order.takedown: order.state for order in read_orders(archive, site)}
        self._by_key: dict[str, list[str]] = {}
        start = f"sealed/{site}/"
        for entry in archive.store.list(start):
            takedown, _, key = entry.key.removeprefix(start).partition("/")
            if key != TERMS:
                self._by_key.setdefault(key, []).append(takedown)
        self._force = {name for name, state in states.items() if state in ("ordered", "carried out")}
        self._left = self._force | {name for name, state in states.items() if state == "reinstating"}

    def all(self, key: str) -> list[str]:
        """Orders that have sealed an object, ended ones too."""
        return sorted(self._by_key.get(key, ()))

    def in_force(self, key: str, *, but: str = "") -> list[str]:
        """Orders in force that have sealed it, other than one."""
        return [name for name in self.all(key) if name in self._force and name != but]

    def keys_of(self, takedown: str) -> list[str]:
        """What an order has sealed."""
        return sorted(key for key, names in self._by_key.items() if takedown in names)

    def add(self, key: str, takedown: str) -> None:
        """Note that an order has sealed an object now."""
        if takedown not in self._by_key.setdefault(key, []):
            self._by_key[key].append(takedown)

    def pristine(self, key: str) -> bytes | None:
        """What stood under a key before all takedowns that still change it; None: what stands there."""
        for name in self.all(key):
            if name in self._left:
                return self.read(name, key)
        return None

    def read(self, takedown: str, key: str) -> bytes:
        """What an order has sealed of an object."""
        return self._archive.store.get(self._archive.sealed_key(self._site, takedown, key)).body

    def members(self, key: str, names: Iterable[str]) -> dict[int, bytes]:
        """Records of a segment as they were, by offset, that some orders have sealed."""
        return {offset: member for name in names for offset, member in parse_members(self.read(name, key)).items()}


def parse_members(body: bytes) -> dict[int, bytes]:
    """The records in a segment's seal, by offset."""
    head, _, rest = body.partition(b"\n")
    found, at = {}, 0
    for offset, length in json.loads(head):
        found[int(offset)] = rest[at : at + length]
        at += length
    return found


def pack_members(members: Mapping[int, bytes]) -> bytes:
    """A segment's seal."""
    in_order = sorted(members.items())
    return b"".join(
        [json.dumps([[at, len(body)] for at, body in in_order]).encode(), b"\n", *(body for _, body in in_order)]
    )


def read_pristine(archive: Archive, site: str, article: str) -> list[Version]:
    """All versions of an article as they were before the takedowns that are in force.

    Raises:
        NotInArchive: there is no such article.
    """
    seals = Seals(archive, site)
    found = []
    for n in range(1, archive.latest_number(site, article) + 1):
        key = archive.version_key(site, article, n)
        body = seals.pristine(key)
        found.append(archive.read_version(key) if body is None else Version.model_validate_json(body))
    if not found:
        raise NotInArchive(
            f"There is no article {article} of {site}.", next_step="`muniment history URL` says what there is."
        )
    return found
