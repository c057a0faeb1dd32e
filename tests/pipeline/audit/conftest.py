"""Fixtures of the audit's tests."""

from tests.pipeline.audit.bench import bench, built

__all__ = ["bench", "built"]
