"""What a worker does with a page in the tests of the pool: as usual, unless the page asks to be trouble."""

from __future__ import annotations

import os
import signal

from pipeline.extract import judge_capture
from pipeline.model import Finding
from spiders.site import Site
from spiders.warc import Captured


def judge(site: Site, capture: Captured, warc_key: str) -> Finding:
    """Hang, crash or end when the page says so."""
    if b"HANG" in capture.payload:
        while True:
            pass
    if b"CRASH" in capture.payload:
        os.kill(os.getpid(), signal.SIGSEGV)
    if b"LEAVE" in capture.payload:
        os._exit(3)
    return judge_capture(site, capture, warc_key)
