"""What a host's robots.txt lets us do (RFC 9309), with Crawl-delay as everybody understands it.

No answer or 5xx: nothing is allowed. 4xx: everything is. The first 512 KiB count. Fetching, caching (one run)
and recording are the crawl's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from protego import Protego

from spiders.protocol import RobotsSeen

PRODUCT_TOKEN = "Muniment"  # noqa: S105 - RFC 9309's word for our name in robots.txt
PARSED_BYTES = 512 * 1024
LONGEST_DELAY = 600.0
"""Crawl-delays above this are taken as this, in seconds: more means "do not come", and Disallow says that."""


@dataclass(frozen=True, kw_only=True)
class RobotsPolicy:
    """The rules of one host.

    Args:
        status: HTTP status of the final answer; None when there was none.
        body: the decoded body.
        digest: payload digest of what was received.
        why: why there was no answer, in words.
    """

    status: int | None
    body: bytes = b""
    digest: str | None = None
    why: str = "it could not be read"

    @cached_property
    def _rules(self) -> Protego | None:
        if self.status is None or not 200 <= self.status < 300:
            return None
        return Protego.parse(self.body[:PARSED_BYTES].decode("utf-8-sig", "replace"))

    @property
    def unreachable(self) -> bool:
        """Whether the host gave no usable answer, so that nothing may be fetched."""
        return self.status is None or not (200 <= self.status < 300 or 400 <= self.status < 500)

    def allows(self, url: str) -> bool:
        """Whether we may fetch a URL of this host."""
        if self.unreachable:
            return False
        return self._rules is None or bool(self._rules.can_fetch(url, PRODUCT_TOKEN))

    @cached_property
    def crawl_delay(self) -> float | None:
        """Seconds between two requests that the host asks for; None when it does not."""
        asked = None if self._rules is None else self._rules.crawl_delay(PRODUCT_TOKEN)
        return None if asked is None else min(max(float(asked), 0.0), LONGEST_DELAY)

    def seen(self) -> RobotsSeen:
        """The policy as the summary tells it."""
        return RobotsSeen(status=self.status, digest=self.digest, crawl_delay=self.crawl_delay)
