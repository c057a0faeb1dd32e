"""What the package of alerts gives to others."""

from __future__ import annotations

import pipeline.alerts


def test_all_that_it_names_is_there() -> None:
    assert all(hasattr(pipeline.alerts, name) for name in pipeline.alerts.__all__)
