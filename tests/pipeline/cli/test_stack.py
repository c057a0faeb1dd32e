"""How an Airflow that is there already finds the DAGs."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from pipeline.cli import app


def test_dags_path_names_the_folder_with_the_site_dags() -> None:
    result = CliRunner().invoke(app, ["dags", "path"])
    assert result.exit_code == 0, result.output
    assert list(Path(result.stdout.strip()).glob("sites*.py"))


def test_dags_env_prints_variables_that_a_shell_can_read() -> None:
    result = CliRunner().invoke(app, ["dags", "env"])
    assert result.exit_code == 0, result.output
    assert any("AIRFLOW__" in line for line in result.stdout.splitlines())
