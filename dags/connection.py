"""Airflow's connection ``muniment_archive``: endpoint, key and bucket of the store, instead of environment variables.

It is looked up in tasks (and by pages of the API server), never where DAG files are parsed, and goes before what the
environment says. Where there is none the store is found as everywhere else (``pipeline.settings``). What it holds
stays in the memory of the process that asked.
"""

from __future__ import annotations

import json
import logging
from functools import cache
from typing import Final

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from pipeline.errors import SettingsError
from pipeline.settings import Settings, read_connection, read_settings, use_store_access

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
    try:
        extra = json.loads(found.extra or "{}")
        if not isinstance(extra, dict):
            raise TypeError
    except (ValueError, TypeError):
        raise SettingsError(
            f"The extra of the Airflow connection {CONNECTION} is no JSON object.",
            next_step='Write for example {"endpoint_url": "https://s3.example.org", "region_name": "eu-west-2"}.',
        ) from None
    names = ("login", "password", "host", "port", "schema")
    access, bucket = read_connection({name: getattr(found, name, None) for name in names} | {"extra": extra})
    use_store_access(access)
    log.info("The store is that of the Airflow connection %s: %s", CONNECTION, access.endpoint or "AWS")
    return settings if bucket is None else Settings.model_validate(settings.model_dump() | {"bucket": bucket})
