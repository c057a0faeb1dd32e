"""The files of docker/ against each other and against the code; docker/prove.sh starts them for real."""

from __future__ import annotations

import base64
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.stack import recommended_environment

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKER = ROOT / "docker"


def _variables(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def _pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))["services"])


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    folder = tmp_path / "docker"
    folder.mkdir()
    shutil.copy(DOCKER / "make-secrets.sh", folder)
    subprocess.run([folder / "make-secrets.sh"], check=True, capture_output=True)
    return folder


# --- secrets -----------------------------------------------------------------------------------------


def test_secrets_are_for_their_owner_only(installation: Path) -> None:
    made = [*installation.joinpath("secrets").iterdir(), installation / ".env", installation / "local.env"]
    assert len(made) == 7
    for path in [*made, installation / "secrets"]:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path.name


def test_each_key_has_the_form_that_its_reader_wants(installation: Path) -> None:
    airflow = _variables(installation / "secrets/airflow.env")
    assert len(airflow["AIRFLOW__API_AUTH__JWT_SECRET"]) >= 64
    assert len(base64.urlsafe_b64decode(airflow["AIRFLOW__CORE__FERNET_KEY"])) == 32
    password = _variables(installation / "secrets/postgres.env")["POSTGRES_PASSWORD"]
    assert f"://airflow:{password}@postgres:" in airflow["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    assert f"://airflow:{password}@postgres:" in airflow["AIRFLOW__CELERY__RESULT_BACKEND"]
    queue = _variables(installation / "secrets/redis.env")["REDIS_PASSWORD"]
    assert airflow["AIRFLOW__CELERY__BROKER_URL"] == f"redis://:{queue}@redis:6379/0"
    store = _variables(installation / "secrets/store.env")
    assert store["AWS_SECRET_ACCESS_KEY"] == airflow["AWS_SECRET_ACCESS_KEY"]
    drawn = [value for name, value in store.items() if name != "AWS_ACCESS_KEY_ID"] + [password, queue]
    assert len(set(drawn)) == len(drawn)
    # Letters that no shell, address or file of variables has to quote.
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", value) for value in drawn)


def test_a_second_call_changes_no_secret(installation: Path) -> None:
    before = {path: path.read_bytes() for path in installation.rglob("*.env")}
    (installation / "local.env").write_text("MUNIMENT_CONTACT=https://archive.example/\n")
    before[installation / "local.env"] = (installation / "local.env").read_bytes()
    subprocess.run([installation / "make-secrets.sh"], check=True, capture_output=True)
    assert {path: path.read_bytes() for path in installation.rglob("*.env")} == before


def test_no_file_that_is_kept_sets_a_password(services: dict[str, Any]) -> None:
    secret = re.compile(r"PASSWORD|SECRET|TOKEN|(ACCESS|FERNET|SIGNING)_?KEY|_CONN$|BROKER_URL|RESULT_BACKEND")
    settings = set(_variables(DOCKER / "muniment.env")) - {"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"}
    given = settings.union(*(service.get("environment", {}) for service in services.values()))
    assert not [name for name in given if secret.search(name)]


# --- the composition ---------------------------------------------------------------------------------


def test_every_service_is_held_down(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"]["options"]["max-size"], name
        assert "privileged" not in service, name


def test_what_stays_up_has_a_limit_of_memory(services: dict[str, Any]) -> None:
    assert not [name for name, service in services.items() if name != "migrate" and "mem_limit" not in service]


def test_only_the_pages_are_published_and_only_on_loopback(services: dict[str, Any]) -> None:
    assert {name: service["ports"] for name, service in services.items() if "ports" in service} == {
        "api-server": ["127.0.0.1:${MUNIMENT_PORT:-8080}:8080"]
    }


def test_database_queue_and_store_have_no_way_out() -> None:
    composition = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
    internal = {name for name, network in composition["networks"].items() if (network or {}).get("internal")}
    for name in ("postgres", "redis", "store"):
        assert set(composition["services"][name]["networks"]) <= internal, name


def test_what_lasts_is_on_named_volumes(services: dict[str, Any]) -> None:
    assert services["postgres"]["volumes"] == ["database:/var/lib/postgresql/data"]
    assert services["store"]["volumes"] == ["archive:/data"]
    scratches = [
        entry for name in ("worker-1", "worker-2") for entry in services[name]["volumes"] if "scratch" in entry
    ]
    assert len(set(scratches)) == 2, "each worker has its own"


def test_the_composition_recommends_what_the_code_recommends() -> None:
    ours = recommended_environment()
    theirs = _variables(DOCKER / "muniment.env")
    dockerfile = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    for name, value in ours.items():
        if name != "AIRFLOW__CORE__PARALLELISM":  # that of one machine's processes; here workers have their own limit
            assert theirs.get(name) == value or f"{name}={value}" in dockerfile, name


# --- the images --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", ["requirements.lock", "build.lock", "store.lock", "kubernetes.lock"])
def test_images_have_the_versions_that_are_tested(lock: str) -> None:
    tested, shipped = _pins(ROOT / "requirements.lock"), _pins(DOCKER / lock)
    assert shipped
    differ = {name: version for name, version in shipped.items() if tested.get(name, version) != version}
    assert not differ, "make lock"
    if lock == "requirements.lock":
        assert not shipped.keys() - tested.keys()
        assert not {"pytest", "mypy", "ruff"} & shipped.keys()


def test_containers_and_pods_run_as_the_images_user() -> None:
    users = re.findall(r"^USER (\d+):(\d+)$", (DOCKER / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(users) == 2
    user = int(users[-1][0])
    values = yaml.safe_load((DOCKER / "kubernetes/values.yaml").read_text(encoding="utf-8"))
    pod = yaml.safe_load((DOCKER / "kubernetes/pod-template.yaml").read_text(encoding="utf-8"))
    assert values["uid"] == values["securityContexts"]["pod"]["runAsUser"] == user
    assert pod["spec"]["securityContext"]["runAsUser"] == user
    image = values["images"]["airflow"]
    assert pod["spec"]["containers"][0]["image"] == f"{image['repository']}:{image['tag']}"


def test_the_build_sees_no_secrets() -> None:
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in kept
    assert not [line for line in kept if line.startswith("!") and re.search(r"secret|\.env|!docker$|!docker/\*$", line)]
