"""What is built is what is installed: the wheel, made from the sdist, alone in an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("LICENSE", "README.md", "setup.cfg", "pyproject.toml", "pipeline", "spiders", "dags")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("wheel")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from an sdist that was built from a copy, so that nothing is left in the working tree."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, source / name)
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)],
        check=True,
        capture_output=True,
        text=True,
    )
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``bin`` of an environment that holds the wheel and, behind it, the libraries that this environment has.

    The libraries are lent by a path, not installed: no network. The path does not bring this environment's own
    (editable) muniment with it, because only files in a site folder of its own can do that.
    """
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False, symlinks=True)
    install = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "--offline",
        "--no-deps",
        "--python",
        home / "bin" / "python",
    ]
    subprocess.run([*install, wheel], check=True, capture_output=True, text=True)
    site_packages = next(home.glob("lib/python*/site-packages"))
    (site_packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return home / "bin"


def _run(program: Path, *arguments: str) -> str:
    """Standard output of a program that is started far from the repository, with nothing set."""
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    home = program.parent.parent
    done = subprocess.run(
        [str(program), *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=home,
        env=environment | {"HOME": str(home)},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_every_site_file_and_nothing_that_is_no_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    declared = {
        str(path.relative_to(ROOT))
        for folder in ("sites", "families")
        for path in (ROOT / "spiders" / folder).rglob("*.toml")
    }
    assert any("/families/" in path for path in declared), "there are family files"
    assert any("/sites/" in path for path in declared), "there are site files"
    assert declared <= names
    assert {"pipeline/py.typed", "spiders/py.typed", "dags/.airflowignore"} <= names
    web = {
        str(path.relative_to(ROOT))
        for folder in ("templates", "static")
        for path in (ROOT / "pipeline" / "web" / folder).iterdir()
    }
    assert {"pipeline/web/templates/base.html", "pipeline/web/static/archive.css"} <= web
    assert web <= names
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"pipeline", "spiders", "dags"}
    assert not [name for name in names if "test" in name]


def test_the_installed_command_runs_from_the_wheel(installed: Path) -> None:
    where = _run(installed / "python", "-c", "import pipeline, spiders.site; print(pipeline.__file__)")
    assert Path(where.strip()).is_relative_to(installed.parent)
    assert "sites" in _run(installed / "muniment", "--help")


def test_the_installed_command_knows_the_built_in_sites(installed: Path) -> None:
    listed = _run(installed / "muniment", "sites", "list", "--json")
    declared = {path.stem for path in (ROOT / "spiders" / "sites").rglob("*.toml")}
    assert declared
    missing = [site for site in declared if json.dumps(site) not in listed]
    assert not missing
