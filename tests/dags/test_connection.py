"""Airflow's connection to the archive's store, looked up as a task looks it up."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pipeline.archive import Archive
from pipeline.errors import SettingsError
from pipeline.settings import StoreAccess, read_connection
from pipeline.stack import DAGS_FOLDER, settings_environment
from tests.dags.conftest import airflow_environment, run_python

ADOPT = """
import json, os, sys
from airflow.sdk import Connection
if sys.argv[1:]:  # into the database, as a person does it in the pages
    from airflow.models import Connection as Stored
    from airflow.utils.session import create_session
    with create_session() as session:
        given = json.loads(sys.argv[1])
        session.add(Stored(conn_id="muniment_archive", **given))
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
from dags.connection import adopt_connection
from dags.tasks import find_archive
from pipeline.settings import child_environment
settings = adopt_connection()
archive = find_archive(settings)
print(json.dumps({
    "bucket": settings.bucket,
    "found": archive is not None,
    "endpoint": archive and archive.store.endpoint,
    "told": archive.store.options_for_table()["AWS_SECRET_ACCESS_KEY"] in json.dumps(child_environment()),
}))
"""


def describe(archive: Archive) -> dict[str, Any]:
    """The archive's store as a connection."""
    options = archive.store.options_for_table()
    return {
        "conn_type": "aws",
        "login": options["AWS_ACCESS_KEY_ID"],
        "password": options["AWS_SECRET_ACCESS_KEY"],
        "extra": json.dumps({"endpoint_url": archive.store.endpoint, "bucket": archive.store.bucket}),
    }


@pytest.mark.timeout(240)  # of a busy machine
@pytest.mark.parametrize("stored", [False, True])
def test_a_task_finds_the_archive_by_the_connection_alone(
    archive: Archive, settings: Any, airflow_home: Path, *, stored: bool
) -> None:
    own = settings.model_copy(update={"bucket": "another-one", "builtin_sites": False})
    environment = airflow_environment(airflow_home, DAGS_FOLDER) | settings_environment(own)
    given = json.dumps(describe(archive))
    if not stored:
        environment["AIRFLOW_CONN_MUNIMENT_ARCHIVE"] = given
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    found = run_python(ADOPT, *([given] if stored else []), environment=kept | environment, timeout=200)
    assert found == {"bucket": archive.store.bucket, "found": True, "endpoint": archive.store.endpoint, "told": False}


def test_a_connection_is_read_in_each_of_its_forms() -> None:
    full = {"login": "key", "password": "secret"}
    access, bucket = read_connection(full | {"extra": {"endpoint_url": "http://s3.example:8333/", "bucket": "news"}})
    assert (access.endpoint, access.access_key, access.secret_key) == ("http://s3.example:8333", "key", "secret")
    assert (access.region, bucket) == ("us-east-1", "news")
    assert "secret" not in repr(access)
    assert read_connection(full | {"host": "s3.example", "port": 9000})[0].endpoint == "https://s3.example:9000"
    assert read_connection(full | {"extra": {"region_name": "eu-west-2"}})[0] == StoreAccess(
        endpoint=None, access_key="key", secret_key="secret", region="eu-west-2"
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "names neither an endpoint nor a key"),
        ({"login": "key"}, "a login and no password"),
        ({"password": "secret"}, "a password and no login"),
        ({"login": "a", "password": "b", "extra": {"endpoint_url": "s3.example/path?x"}}, "endpoint_url that is not"),
        ({"extra": {"role_arn": "arn:aws:iam::1:role/x"}}, "role_arn, which is not supported"),
    ],
)
def test_a_connection_that_cannot_be_used_says_why_and_shows_no_secret(given: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as error:
        read_connection(given)
    assert "secret'" not in str(error.value)
