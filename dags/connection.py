"""Airflow's connection ``muniment_archive``: endpoint, key and bucket of the store, instead of environment variables.

It is looked up in tasks, never where DAG files are parsed, and goes before what the environment says. Where there is
none the store is found as everywhere else (``pipeline.settings``). What it holds stays in the memory of the process
that asked. The pages of the API server find it in the same way (``pipeline.web.connection``).
"""

from __future__ import annotations

from functools import cache

from pipeline.settings import Settings
from pipeline.web.connection import find_settings


@cache
def adopt_connection() -> Settings:
    """The settings by which this process reaches the archive; the connection is looked up once.

    Raises:
        SettingsError: the connection cannot be used, or a variable cannot.
    """
    return find_settings()
