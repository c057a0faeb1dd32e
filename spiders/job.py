"""What a crawl needs, and what it leaves: handed from the child's edge to the spider and its parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from spiders.capture import Tally
from spiders.hosts import Hosts
from spiders.protocol import CrawlSummary, Plan
from spiders.site import Site
from spiders.warc import SegmentWriter


@dataclass(kw_only=True)
class Job:
    """What a crawl needs, and what it leaves."""

    site: Site
    plan: Plan
    run: str
    writer: SegmentWriter
    user_agent: str
    say: Callable[[str], None]
    now: Callable[[], datetime]
    tally: Tally
    hosts: Hosts = field(default_factory=Hosts)
    summary: CrawlSummary | None = None
    crash: BaseException | None = None
