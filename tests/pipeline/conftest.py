"""Fixtures of the pipeline's tests."""

from tests.loopback import loopback

__all__ = ["loopback"]
