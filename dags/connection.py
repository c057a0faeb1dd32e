"""Airflow's connection ``muniment_archive``: endpoint, key and bucket of the store, instead of environment variables.

It is looked up in tasks (and by pages of the API server), never where DAG files are parsed, and goes before what the
environment says. Where there is none the store is found as everywhere else (``pipeline.settings``). What it holds
stays in the memory of the process that asked.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Final

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from pipeline.settings import Settings, read_settings, read_store_access, use_connection

CONNECTION: Final = "muniment_archive"

log = logging.getLogger("muniment")


@cache
def adopt_connection() -> Settings:
    """The settings by which this process reaches the archive; the connection is looked up once.

    Raises:
        SettingsError: the connection cannot be used, or a variable cannot.
    """
    settings = read_settings()
    try:
        found = Connection.get(CONNECTION)
    except AirflowNotFoundException:
        return settings
    adopted = use_connection(settings, found)
    access = read_store_access(adopted)
    log.info("The store is that of the Airflow connection %s: %s", CONNECTION, (access and access.endpoint) or "AWS")
    return adopted
