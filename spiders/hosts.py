"""What is remembered of a site's hosts from run to run: ``hosts.json``.

Rules that were read (robots.txt, tdmrep.json, ai.txt; read again after a day), until when a host asked us to stay
away, and whether the last run ended because it refused or failed. Nothing here is worth a failed run: a file that is
missing, damaged or from elsewhere is an empty memory, and all it costs is that rules are read once more and that a
host is asked before it wanted to be. What follows from it is decided in ``spiders.pace`` and ``spiders.fetch``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

KEPT_FOR: Final = timedelta(hours=24)
"""So long are rules obeyed without reading them again, at most (RFC 9309, 2.4)."""

MOST_HOSTS: Final = 50
LARGEST_FILE: Final = 8 * 1024 * 1024
LARGEST_BODY: Final = 512 * 1024
LONGEST_AWAY: Final = timedelta(days=7)
"""A host that wants to be left alone for longer is asked again after this."""


class Rules(BaseModel):
    """A document that says what a host allows, as it was read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    read: AwareDatetime
    until: AwareDatetime  # it is read again after this
    status: int | None = None  # HTTP status of the final answer; None: there was none
    digest: str | None = None  # payload digest of what was received
    body: str = Field(default="", max_length=LARGEST_BODY)  # decoded octets, as latin-1
    why: str = ""  # why there is no answer, in words

    def is_fresh(self, now: datetime) -> bool:
        """Whether it may be used without reading it again; a clock that went back makes it old."""
        return self.read <= now < min(self.until, self.read + KEPT_FOR)


class Host(BaseModel):
    """What is remembered of one host; keyed by its origin (scheme, name, port)."""

    model_config = ConfigDict(extra="ignore")

    robots: Rules | None = None
    unreachable_since: AwareDatetime | None = None  # robots.txt was readable before, and now is not
    tdmrep: Rules | None = None
    ai_txt: Rules | None = None
    not_before: AwareDatetime | None = None  # it asked us (Retry-After) to stay away until then
    ended: str | None = None  # why the last run stopped asking it: a reason of spiders.pace
    seen: AwareDatetime | None = None  # when a run last had to do with it


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore")

    format: int = 1
    hosts: dict[str, Host] = Field(default_factory=dict)


class Hosts:
    """The memory of one site's hosts.

    Args:
        known: what earlier runs knew, by origin.
    """

    def __init__(self, known: Mapping[str, Host] | None = None) -> None:
        self._hosts = dict(known or {})

    def host(self, origin: str) -> Host:
        """What is known of a host; made when nothing is."""
        found = self._hosts.get(origin)
        if found is None:
            found = self._hosts[origin] = Host()
        return found

    def origins(self) -> list[str]:
        """Hosts of which something is known."""
        return list(self._hosts)

    def write(self, path: Path) -> None:
        """Write the memory whole or not at all; of too many hosts those seen last are kept.

        Raises:
            OSError: the folder cannot be written.
        """
        never = datetime.min.replace(tzinfo=UTC)
        newest = sorted(self._hosts.items(), key=lambda item: item[1].seen or never, reverse=True)
        document = _File(hosts=dict(sorted(newest[:MOST_HOSTS])))
        draft = path.with_suffix(".part")
        with draft.open("wb") as file:
            file.write(document.model_dump_json(exclude_none=True, indent=1).encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


def read_hosts(path: Path | None) -> tuple[Hosts, str | None]:
    """The memory in a file; an empty one, and why, where the file cannot be used."""
    if path is None or not path.exists():
        return Hosts(), None
    try:
        if path.stat().st_size > LARGEST_FILE:
            return Hosts(), f"it has more than {LARGEST_FILE} bytes"
        document = _File.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        return Hosts(), " ".join(str(error).split())[:200]
    return Hosts(document.hosts), None
