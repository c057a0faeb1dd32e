"""The text of a page."""

from pipeline.body import extractor_version


def test_the_version_names_what_made_the_text() -> None:
    assert extractor_version().startswith("trafilatura ")
