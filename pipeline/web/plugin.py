"""The plugin as Airflow finds it through the package's entry point: the Archive pages and where they appear.

Every process that loads plugins imports this module: scheduler, workers, the DAG processor. So it knows nothing heavy
(Airflow's security module alone costs a second). The pages are loaded by the API server only: when it starts, and by
the first request if that went wrong.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from airflow.plugins_manager import AirflowPlugin

Message = MutableMapping[str, Any]
AsgiApp = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

PREFIX = "/archive"

log = logging.getLogger("muniment")


class LateApp:
    """The pages as an ASGI app that is built when it is first asked."""

    def __init__(self) -> None:
        self._app: AsgiApp | None = None
        self._building = threading.Lock()

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Answer a request."""
        app = self._app
        if app is None:
            app = await asyncio.to_thread(self.build)
        await app(scope, receive, send)

    def build(self) -> AsgiApp:
        """Load the pages, once; they begin to read how sites stand."""
        from pipeline.web.access import AirflowDoor  # noqa: PLC0415 - heavy: see above
        from pipeline.web.app import build_app  # noqa: PLC0415
        from pipeline.web.shelf import open_shelf  # noqa: PLC0415

        with self._building:
            if self._app is None:
                self._app = build_app(open_shelf, AirflowDoor(), warm=True)
            return self._app


_PAGES = LateApp()


def load_ahead(app: AsgiApp) -> AsgiApp:
    """Load the pages when the API server starts: it makes its middlewares then, and no other process does.

    It takes half a second of a start that takes many; whatever goes wrong is told by the first request for a page.

    Returns:
        The app itself, so that no request comes through here.
    """
    try:
        _PAGES.build()
    except Exception:
        log.exception("The Archive pages could not be loaded")
    return app


def _view(destination: str, route: str, path: str) -> dict[str, str]:
    # Without a slash in front: Airflow's pages have a <base>, so that this holds behind a path of a proxy as well.
    return {
        "name": "Archive",
        "destination": destination,
        "url_route": route,
        "href": f"{PREFIX[1:]}/{path}",
        "icon": f"{PREFIX[1:]}/static/icon.svg",
        "icon_dark_mode": f"{PREFIX[1:]}/static/icon-dark.svg",
    }


class ArchivePlugin(AirflowPlugin):
    """The Archive pages."""

    name = "muniment"
    fastapi_apps = [{"app": _PAGES, "url_prefix": PREFIX, "name": "Archive"}]  # noqa: RUF012 - Airflow's form
    fastapi_root_middlewares = [{"middleware": load_ahead, "name": "Archive"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        _view("nav", "archive", ""),
        _view("dag", "archive-dag", "dags/{DAG_ID}"),
        _view("dag_run", "archive-run", "dags/{DAG_ID}/runs/{RUN_ID}"),
    ]
