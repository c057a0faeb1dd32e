"""The project's own rules that no linter knows: tests beside modules, documents beside code, the lock."""

from __future__ import annotations

import ast
import configparser
import functools
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

import click
import pytest
import typer.main
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("pipeline", "spiders", "dags")
# Extras whose packages the program uses when they are there; ``dev`` is for tests only.
OPTIONAL_EXTRAS = ("store", "render", "pandas", "polars", "sql")
# Distributions that are one piece of work with another one, at the version that one asks for.
PARTS = {
    "apache-airflow": {"apache-airflow-core", "apache-airflow-providers-standard", "apache-airflow-task-sdk"},
    "boto3": {"botocore"},
    "pydantic": {"pydantic-core"},
    "scrapy": {"twisted"},
}


def _modules() -> list[str]:
    """Dotted names of all modules that define a function or a class; ``__main__`` is tested by being started."""
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            defines = any(
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in _tree(path).body
            )
            if defines and parts[-1] != "__main__":
                found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _documents() -> dict[str, str]:
    paths = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    return {path.name: path.read_text(encoding="utf-8") for path in paths if path.is_file()}


def _document(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


# --- tests beside modules ----------------------------------------------------------------------------


def _has_test(module: str) -> bool:
    parts = module.split(".")
    mirrored = [Path(*parts[:-1], f"test_{parts[-1]}.py")]
    if len(parts) > 2:  # a small package may have its tests in one folder with its neighbours: test_cli_store.py
        mirrored.append(Path(*parts[:-2], f"test_{parts[-2]}_{parts[-1]}.py"))
    if (ROOT / Path(*parts)).is_dir():
        mirrored.append(Path(*parts, "test_init.py"))
    return any((ROOT / "tests" / path).is_file() for path in mirrored)


def test_every_module_has_its_test_file() -> None:
    missing = [module for module in _modules() if not _has_test(module)]
    assert not missing, f"no test file (pipeline.store → tests/pipeline/test_store.py) for {', '.join(missing)}"


# --- documents beside code ---------------------------------------------------------------------------


def _commands(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    yield " ".join(path)
    for name, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            yield from _commands(child, (*path, name))


def test_every_command_stands_in_the_documents() -> None:
    from pipeline.cli import app

    text = "\n".join(_documents().values())
    commands = list(_commands(typer.main.get_command(app), ("muniment",)))
    assert "muniment sites list" in commands
    missing = [command for command in commands if not re.search(rf"{re.escape(command)}\b", text)]
    assert not missing, f"not in docs/: {missing}"


def test_every_setting_stands_in_the_operators_guide() -> None:
    from pipeline.settings import Settings

    text = _document("operators.md")
    missing = [name for field in Settings.model_fields if (name := f"MUNIMENT_{field.upper()}") not in text]
    assert not missing, f"not in docs/operators.md: {missing}"


def test_the_documents_name_no_setting_that_is_not_there() -> None:
    from pipeline.settings import Settings

    known = {f"MUNIMENT_{field.upper()}" for field in Settings.model_fields}
    for document, text in _documents().items():
        unknown = set(re.findall(r"\bMUNIMENT_[A-Z_]*[A-Z]\b", text)) - known
        assert not unknown, f"{document} names {sorted(unknown)}"


def test_every_key_of_the_bucket_stands_in_the_archive_format() -> None:
    contract = ast.get_docstring(_tree(ROOT / "pipeline" / "archive.py")) or ""
    patterns = re.findall(r"^\s*((?:muniment\.json|(?:warc|runs|articles|sites|tables)/\S*))", contract, re.MULTILINE)
    assert len(patterns) >= 8, "the docstring of pipeline.archive lists the keys, one a line"
    text = _document("archive-format.md")
    missing = [pattern for pattern in patterns if pattern not in text]
    assert not missing, f"not in docs/archive-format.md: {missing}"


def _defines(body: list[ast.stmt], name: str) -> ast.stmt | None:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names = [node.name]
            case ast.Import() | ast.ImportFrom():
                names = [(alias.asname or alias.name) for alias in node.names]
            case ast.Assign():
                names = [part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=target)):
                names = [target]
            case _:
                names = []
        if name in names:
            return node
    return None


def _exists(dotted: str) -> bool:
    """Whether ``pipeline.store.Store.get`` is in the source, without importing anything."""
    parts = dotted.split(".")
    for size in range(len(parts), 0, -1):
        base = ROOT.joinpath(*parts[:size])
        file = next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)
        if file is None:
            continue
        body = _tree(file).body
        for name in parts[size:]:
            found = _defines(body, name)
            if found is None:
                return False
            body = getattr(found, "body", [])
        return True
    return False


NAMES = re.compile(rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+)+)(?:\([^`]*\))?`")


def test_the_walk_through_the_architecture_names_what_is_there() -> None:
    names = set(NAMES.findall(_document("architecture.md")))
    missing = sorted(name for name in names if not _exists(name))
    assert not missing, f"docs/architecture.md names what is not there: {missing}"
    walked = {".".join(name.split(".")[:2]) for name in names}
    left_out = {f"pipeline.{step}" for step in ("steps", "extract", "check", "publish", "archive", "store")} - walked
    assert not left_out, f"the walk passes {sorted(left_out)} by"


def test_no_other_document_names_what_is_not_there() -> None:
    for document, text in _documents().items():
        if document in ("CHANGELOG.md", "decisions.md"):  # they speak of the past, too
            continue
        missing = sorted({name for name in NAMES.findall(text) if not _exists(name)})
        assert not missing, f"{document} names what is not there: {missing}"


def test_links_between_documents_lead_somewhere() -> None:
    for document, text in _documents().items():
        folder = ROOT / "docs" if (ROOT / "docs" / document).is_file() else ROOT
        targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text)
        broken = [target for target in targets if not (folder / target).exists()]
        assert not broken, f"{document} links to {broken}"


# --- metadata and lock -------------------------------------------------------------------------------


def _setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def _requirements(lines: str) -> list[Requirement]:
    return [Requirement(line) for line in lines.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _declared() -> dict[str, list[Requirement]]:
    setup = _setup()
    extras = {extra: _requirements(lines) for extra, lines in setup["options.extras_require"].items()}
    return {"": _requirements(setup["options"]["install_requires"]), **extras}


def _lock() -> dict[str, list[tuple[Requirement, int]]]:
    """Pinned requirements by canonical name, each with the number of its hashes."""
    locked: dict[str, list[tuple[Requirement, int]]] = {}
    for entry in re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text(encoding="utf-8").strip()):
        pin = Requirement(re.split(r"\\?\n", entry, maxsplit=1)[0].strip())
        locked.setdefault(canonicalize_name(pin.name), []).append((pin, len(re.findall("--hash=sha256:", entry))))
    return locked


def test_the_lock_holds_every_requirement_at_a_version_it_allows() -> None:
    locked = _lock()
    for requirements in _declared().values():
        for requirement in requirements:
            pins = locked.get(canonicalize_name(requirement.name), [])
            assert pins, f"{requirement} is not in requirements.lock: make lock"
            for pin, _ in pins:
                (version,) = [specifier.version for specifier in pin.specifier]
                assert requirement.specifier.contains(version, prereleases=True), (
                    f"requirements.lock has {pin}, setup.cfg wants {requirement}: make lock"
                )


def test_every_line_of_the_lock_is_one_version_with_its_hashes() -> None:
    for pins in _lock().values():
        for pin, hashes in pins:
            assert [specifier.operator for specifier in pin.specifier] == ["=="], pin
            assert hashes, f"{pin} has no hash"


def test_the_lock_names_no_place() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--(extra-)?index-url|--find-links)\b", text, re.MULTILINE)


def test_this_environment_is_what_the_lock_says() -> None:
    for name, pins in _lock().items():
        wanted = [pin for pin, _ in pins if pin.marker is None or pin.marker.evaluate()]
        for pin in wanted:
            assert pin.specifier.contains(metadata.version(name), prereleases=True), (
                f"make venv: {pin} is not installed"
            )


def _imported(package: str) -> set[str]:
    """Top-level names that the modules of a package import, wherever in the module."""
    names: set[str] = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - set(PACKAGES)


@functools.cache
def _providers() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_package_imports_is_required(package: str) -> None:
    declared = _declared()
    required = {
        canonicalize_name(requirement.name)
        for extra in ("", *OPTIONAL_EXTRAS)
        for requirement in declared.get(extra, [])
    }
    for whole, parts in PARTS.items():
        required |= parts if whole in required else set()
    providers = _providers()
    missing = {
        name: providers.get(name, ["nothing that is installed"])
        for name in sorted(_imported(package))
        if not {canonicalize_name(distribution) for distribution in providers.get(name, [])} & required
    }
    assert not missing, f"{package} imports what setup.cfg does not require: {missing}"


def test_pyproject_holds_only_what_setup_cfg_cannot() -> None:
    import tomllib

    tables = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(tables) == {"build-system", "tool"}
    assert set(tables["tool"]) == {"ruff"}
    assert _setup()["metadata"]["name"] == "muniment"
