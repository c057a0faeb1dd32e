"""Where a process of Airflow's finds the archive: by its connection ``muniment_archive``, else by the environment.

Processes of the API server read the connection in Airflow's database themselves; tasks (``dags.connection``) ask the
API server for it. Not kept: who asks again after an error sees a connection that was mended meanwhile.
"""

from __future__ import annotations

import logging
from typing import Final

from pipeline.settings import Settings, read_settings, read_store_access, use_connection

CONNECTION: Final = "muniment_archive"

log = logging.getLogger("muniment")


def find_settings() -> Settings:
    """The settings by which this process reaches the archive.

    Raises:
        SettingsError: the connection cannot be used, or a variable cannot.
    """
    from airflow.sdk import Connection  # noqa: PLC0415 - heavy
    from airflow.sdk.exceptions import AirflowNotFoundException  # noqa: PLC0415

    settings = read_settings()
    try:
        found = Connection.get(CONNECTION)
    except AirflowNotFoundException:
        return settings
    adopted = use_connection(settings, found)
    access = read_store_access(adopted)
    log.info("The store is that of the Airflow connection %s: %s", CONNECTION, (access and access.endpoint) or "AWS")
    return adopted
