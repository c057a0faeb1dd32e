"""The pages find the archive as tasks do: by Airflow's connection first, then by the environment."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from pipeline.errors import SettingsError
from pipeline.settings import read_store_access, use_store_access
from pipeline.web.connection import find_settings
from pipeline.web.shelf import open_shelf


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    use_store_access(None)


def test_the_connection_goes_before_the_environment_and_is_looked_up_again_when_it_was_mended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MUNIMENT_BUCKET", "of-the-environment")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://environment.example")
    assert find_settings().bucket == "of-the-environment"
    given = {"conn_type": "aws", "login": "key", "password": "secret", "extra": "[]"}
    monkeypatch.setenv("AIRFLOW_CONN_MUNIMENT_ARCHIVE", json.dumps(given))
    with pytest.raises(SettingsError, match="no JSON object"):
        open_shelf()
    extra = {"endpoint_url": "http://connection.example", "bucket": "of-the-connection"}
    monkeypatch.setenv("AIRFLOW_CONN_MUNIMENT_ARCHIVE", json.dumps(given | {"extra": json.dumps(extra)}))
    settings = open_shelf().settings
    access = read_store_access(settings)
    assert settings.bucket == "of-the-connection"
    assert access is not None
    assert (access.endpoint, access.access_key) == ("http://connection.example", "key")
