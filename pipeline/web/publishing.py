"""Publishing a released run, as a process of its own beside the API server: ``python -m pipeline.web.publishing``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from pipeline.errors import MunimentError
from pipeline.web.connection import find_settings

log = logging.getLogger("muniment")


def main(arguments: Sequence[str] | None = None) -> int:
    """Publish the run of a site that somebody has released; the process's exit status."""
    from pipeline import steps  # noqa: PLC0415 - heavy

    site, run = sys.argv[1:] if arguments is None else arguments
    try:
        steps.publish(steps.open_workplace(find_settings()), site, run)
    except MunimentError as error:
        log.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    raise SystemExit(main())
