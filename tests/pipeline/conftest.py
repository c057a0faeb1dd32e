"""Fixtures of the pipeline's tests."""

from tests.loopback import loopback
from tests.pipeline.loop_news import newsroom, work
from tests.pipeline.roles import as_role

__all__ = ["as_role", "loopback", "newsroom", "work"]
