"""Deployment settings come from MUNIMENT_* variables and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.settings import Settings, child_environment, read_settings


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MUNIMENT_")]:
        monkeypatch.delenv(name)


def test_nothing_has_to_be_set() -> None:
    settings = read_settings()
    assert settings.bucket == "muniment"
    assert settings.sites == ()
    assert settings.processes >= 1


def test_home_is_below_the_users_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert read_settings().home == tmp_path / "muniment"


def test_folders_with_sites_are_separated_as_in_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MUNIMENT_SITES", f"{tmp_path}/a{os.pathsep}{os.pathsep}~/b")
    assert read_settings().sites == (tmp_path / "a", Path.home() / "b")


def test_the_table_is_in_the_archives_bucket_unless_it_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_BUCKET", "news")
    assert read_settings().table_bucket == "news"
    monkeypatch.setenv("MUNIMENT_TABLES_BUCKET", "news-tables")
    assert read_settings().table_bucket == "news-tables"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MUNIMENT_BUCKET", "No Capitals"),
        ("MUNIMENT_BUCKET", "ab"),
        ("MUNIMENT_SEGMENT_MB", "0"),
        ("MUNIMENT_SEGMENT_SECONDS", "soon"),
        ("MUNIMENT_PROCESSES", "-1"),
        ("MUNIMENT_STORE_PORT", "80"),
        ("MUNIMENT_BUILTIN_SITES", "perhaps"),
    ],
)
def test_a_bad_value_is_refused_by_its_variables_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=variable) as refused:
        read_settings()
    assert value in str(refused.value)


def test_every_bad_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_BUCKET", "x")
    monkeypatch.setenv("MUNIMENT_PROCESSES", "none")
    with pytest.raises(SettingsError, match=r"MUNIMENT_BUCKET.*MUNIMENT_PROCESSES"):
        read_settings()


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_processes_that_read_the_web_get_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AIRFLOW__CORE__FERNET_KEY", "AIRFLOW_CONN_STORE", "WEED_JWT_SIGNING_KEY"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("HTTP_TEST_VARIABLE", "kept")
    given = child_environment()
    assert "secret" not in given.values()
    assert given["HTTP_TEST_VARIABLE"] == "kept"
