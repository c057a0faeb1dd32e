"""An archive for a module's tests, and the pages over it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.archive import Archive
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from tests.pipeline.web.shown_archive import build_shown_archive
from tests.pipeline.web.visits import Visit

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)


@pytest.fixture(scope="module")
def shown_environment(
    seaweed: EmbeddedStore, _owner: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """What processes need to find the module's archive; its bucket is removed at the end."""
    home: Path = tmp_path_factory.mktemp("shown")
    bucket = f"test-{secrets.token_hex(6)}"
    yield {
        **seaweed.environment(),
        "MUNIMENT_HOME": str(home),
        "MUNIMENT_BUCKET": bucket,
        "MUNIMENT_BUILTIN_SITES": "false",
    }
    with contextlib.suppress(_owner.exceptions.ClientError):
        _owner.delete_bucket(Bucket=bucket)


@pytest.fixture(scope="module")
def shown(shown_environment: dict[str, str]) -> Iterator[tuple[Settings, Archive]]:
    """An archive with something for every page, for a module; who changes it changes what no other test looks at."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in shown_environment.items():
            patch.setenv(name, value)
        settings = Settings()
        yield settings, build_shown_archive(settings, now=NOW)


@pytest.fixture(scope="module")
def visit(shown: tuple[Settings, Archive]) -> Visit:
    """Somebody at the pages of that archive."""
    settings, archive = shown
    return Visit(settings, archive)
