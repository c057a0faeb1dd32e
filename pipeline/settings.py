"""Deployment facts, read once at the edge from ``MUNIMENT_*`` variables.

Facts about a site are in its file (``spiders/sites``); credentials and the endpoint of the store are
where boto3 looks for them (``AWS_ENDPOINT_URL_S3``, ``AWS_ACCESS_KEY_ID`` …). When none of those is set
and ``muniment store up`` has made an embedded store below ``MUNIMENT_HOME``, that store is used.

This is the only module of ``pipeline`` that looks at the environment.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from pipeline.errors import SettingsError


def _default_home() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "muniment"


class Settings(BaseSettings):
    """All deployment settings. Every field ``x`` is the variable ``MUNIMENT_X``."""

    model_config = SettingsConfigDict(env_prefix="MUNIMENT_", frozen=True, extra="forbid")

    home: Path = Field(
        default_factory=_default_home,
        description="Folder for what this machine keeps: the embedded store's data and secret, Airflow's home.",
    )
    bucket: str = Field(
        default="muniment",
        min_length=3,
        max_length=63,
        pattern=r"^[a-z0-9][a-z0-9.-]+[a-z0-9]$",
        description="The archive's bucket.",
    )
    tables_bucket: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9][a-z0-9.-]+[a-z0-9]$",
        description="Bucket of the table; must not have bucket versioning on. Default: the archive's bucket.",
    )
    sites: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        description=f"More folders with site files, separated by '{os.pathsep}'. They come beside the built-in ones.",
    )
    builtin_sites: bool = Field(default=True, description="Whether the site files inside the package are used.")
    contact: str = Field(
        default="",
        description="Web page or e-mail address that goes into the user agent; needed to crawl the live web.",
    )
    scratch: Path | None = Field(
        default=None, description="Folder for a run's spool; emptied when the step ends. Default: the system's."
    )
    segment_mb: float = Field(default=16.0, gt=0, le=1024, description="A WARC segment is sealed at this size, in MiB.")
    segment_seconds: float = Field(default=300.0, gt=0, description="… or at this age, in seconds.")
    processes: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, le=128, description="Processes that extract a segment."
    )
    upload_threads: int = Field(default=16, ge=1, le=128, description="Parallel requests to the store.")
    clock_ahead: timedelta = Field(
        default=timedelta(0),
        ge=timedelta(0),
        description="How far ahead of the machine's clock runs take place ('P3D', or seconds): to simulate weeks of a "
        "site on loopback in minutes. Sites on the live web refuse to be crawled with it.",
    )
    crawls: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="Under Airflow, how many sites may be crawled at once beside those of politeness groups; the pool "
        "muniment_crawls has so many slots. Default: Airflow's default pool.",
    )
    notify: str = Field(
        default="",
        description="Where alerts and the digest go beside the task's log: smtp:ADDRESS, slack:CONNECTION, several "
        "with commas, or a JSON list of Airflow's notifiers. Airflow's Variable muniment_notify goes first.",
    )
    store_port: int = Field(default=8333, ge=1024, le=55535, description="Port of the embedded store's S3 server.")
    airflow_port: int = Field(
        default=8080,
        ge=1024,
        le=65533,
        description="Port of Airflow's API and web pages under `muniment up`; the next two are its log servers'.",
    )

    @field_validator("clock_ahead", mode="before")
    @classmethod
    def _read_seconds(cls, value: object) -> object:
        if isinstance(value, str) and value.strip().replace(".", "", 1).isdigit():
            return float(value)  # of the environment, where everything is text
        return value

    @field_validator("sites", mode="before")
    @classmethod
    def _split_folders(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(Path(part).expanduser() for part in value.split(os.pathsep) if part)
        return value

    def now(self) -> datetime:
        """The time at which runs take place, in UTC."""
        return datetime.now(UTC) + self.clock_ahead

    @property
    def crawl_pool(self) -> str:
        """The Airflow pool that crawls of sites without a politeness group wait in."""
        return "default_pool" if self.crawls is None else "muniment_crawls"

    @property
    def table_bucket(self) -> str:
        """The bucket that holds ``tables/``."""
        return self.tables_bucket or self.bucket


_STORE_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_PROFILE")


@dataclass(frozen=True, kw_only=True)
class StoreAccess:
    """Endpoint and credentials of a store that is not named by boto3's own variables.

    That is the embedded store, or one that somebody hands in (``use_store_access``), as Airflow's connection
    ``muniment_archive`` does. What is None is looked for where boto3 looks.
    """

    endpoint: str | None
    access_key: str | None
    secret_key: str | None = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    region: str | None = "us-east-1"


_handed_in: StoreAccess | None = None


def use_store_access(access: StoreAccess | None) -> None:
    """Let this process use that store, whatever the environment says; None: let it find its store again.

    It stays in this process's memory: children, above all the crawl, get nothing of it.
    """
    global _handed_in  # noqa: PLW0603 - as the environment is one for a process
    _handed_in = access


def read_connection(given: Mapping[str, Any]) -> tuple[StoreAccess, str | None]:
    """A store's access, and the bucket if one is named, out of an Airflow connection of type ``aws`` or ``generic``.

    Args:
        given: login, password, host, port, schema, and ``extra`` as a mapping.

    Raises:
        SettingsError: it names no store, half of a key, or something that we do not do.
    """
    extra = given.get("extra") or {}
    s3 = (extra.get("service_config") or {}).get("s3") or {}
    endpoint = extra.get("endpoint_url") or extra.get("host") or s3.get("endpoint_url")
    if not endpoint and (host := given.get("host")):
        port = f":{given['port']}" if given.get("port") else ""
        endpoint = host if "://" in host else f"{given.get('schema') or 'https'}://{host}{port}"
    key, secret = given.get("login") or None, given.get("password") or None
    wrong = None
    if foreign := sorted(name for name in extra if name in _NOT_OURS and extra[name]):
        wrong = f"has {', '.join(foreign)}, which is not supported"
    elif (key is None) != (secret is None):
        wrong = f"has {'a password and no login' if key is None else 'a login and no password'}"
    elif endpoint is None and key is None:
        wrong = "names neither an endpoint nor a key"
    elif endpoint is not None and not re.fullmatch(r"https?://[^/\s@]+/?", str(endpoint)):
        wrong = "has an endpoint_url that is not http://HOST[:PORT] or https://HOST[:PORT]"
    if wrong:
        raise SettingsError(
            f"The Airflow connection muniment_archive {wrong}.",
            next_step='Give login (access key), password (secret key) and extra {"endpoint_url": …, "region_name": …}, '
            "or delete it to use the environment; docs/operators.md#the-store.",
        )
    return StoreAccess(
        endpoint=str(endpoint).rstrip("/") if endpoint else None,
        access_key=key,
        secret_key=secret,
        session_token=extra.get("aws_session_token") or extra.get("session_token"),
        region=extra.get("region_name") or ("us-east-1" if endpoint else None),
    ), extra.get("bucket") or s3.get("bucket_name")


def use_connection(settings: Settings, found: Any) -> Settings:
    """Let this process use the store of Airflow's connection ``muniment_archive``, as Airflow found it.

    Returns:
        The settings, with the connection's bucket where it names one.

    Raises:
        SettingsError: the connection cannot be used.
    """
    try:
        extra = json.loads(found.extra or "{}")
        if not isinstance(extra, dict):
            raise TypeError
    except (ValueError, TypeError):
        raise SettingsError(
            "The extra of the Airflow connection muniment_archive is no JSON object.",
            next_step='Write for example {"endpoint_url": "https://s3.example.org", "region_name": "eu-west-2"}.',
        ) from None
    names = ("login", "password", "host", "port", "schema")
    access, bucket = read_connection({name: getattr(found, name, None) for name in names} | {"extra": extra})
    use_store_access(access)
    return settings if bucket is None else Settings.model_validate(settings.model_dump() | {"bucket": bucket})


_NOT_OURS = ("role_arn", "profile_name", "assume_role_method", "assume_role_kwargs", "aws_account_id")


def read_store_access(settings: Settings) -> StoreAccess | None:
    """Endpoint and credentials of the store that was handed in, or of the embedded one, when that is the one to use.

    Returns:
        None when the environment names a store, or no embedded store was ever made: boto3 then looks for
        endpoint and credentials in all the places that it knows.

    Raises:
        SettingsError: the embedded store's secret is damaged or belongs to another user.
    """
    if _handed_in is not None:
        return _handed_in
    if any(os.environ.get(variable) for variable in _STORE_VARIABLES):
        return None
    secret = settings.home.expanduser() / "store" / "credentials.json"
    try:
        found = json.loads(secret.read_bytes())
        return StoreAccess(endpoint=found["endpoint"], access_key=found["access_key"], secret_key=found["secret_key"])
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise SettingsError(
            f"The embedded store's secret {secret} belongs to another user.",
            next_step="Run as that user, or set MUNIMENT_HOME to a folder of your own.",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"The embedded store's secret {secret} is damaged.",
            next_step="Restore it from a backup, or delete it and run: muniment store down, muniment store up",
        ) from error


def read_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: a variable has a value that cannot be used; the message names each.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"MUNIMENT_{'_'.join(str(part) for part in item['loc']).upper()}: {item['msg']} (given: {item['input']!r})"
            for item in error.errors()
        )
        raise SettingsError(wrong, next_step="Correct the variable; docs/operators.md lists them all.") from error


def child_environment() -> dict[str, str]:
    """The environment of crawl and extraction processes: ours, without the store's credentials and Airflow's secrets.

    They read a hostile web and need neither.
    """
    secret = ("AWS_", "AIRFLOW__", "AIRFLOW_CONN_", "AIRFLOW_VAR_", "WEED_")
    return {name: value for name, value in os.environ.items() if not name.startswith(secret)}
