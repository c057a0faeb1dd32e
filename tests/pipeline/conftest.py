"""Fixtures of the pipeline's tests."""

from tests.loopback import loopback
from tests.pipeline.loop_news import newsroom, work

__all__ = ["loopback", "newsroom", "work"]
