"""What is kept of site files, and which there are; test_factory.py has how Airflow parses with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dags.catalogue import list_site_files, read_sheets
from pipeline.settings import Settings
from spiders.site import BUILTIN_FOLDER, Problem, find_site_files


def settings_for(tmp_path: Path) -> Settings:
    """Settings with the test's folder of sites alone."""
    return Settings(home=tmp_path / "home", sites=(tmp_path / "sites",), builtin_sites=False)


def test_the_site_files_are_those_that_sites_are_read_from(write_site: Callable[..., Path], tmp_path: Path) -> None:
    path = write_site("one")
    for name in ("gb/two.toml", ".hidden/three.toml", "families/four.toml", "gb/families/five.toml", ".six.toml"):
        other = path.parent / name
        other.parent.mkdir(parents=True, exist_ok=True)
        other.write_text(path.read_text())
    (path.parent / "again.toml").symlink_to(path)
    found = list_site_files(settings_for(tmp_path), [])
    folders = [path.parent]
    wanted = {each.stem: each for each in find_site_files(folders, setting="MUNIMENT_SITES", problems=[])}
    assert set(found) - {"again", "one"} == set(wanted) - {"again", "one"} == {"two"}
    builtin = list_site_files(Settings(home=tmp_path), [])
    assert set(builtin) == {each.stem for each in find_site_files([BUILTIN_FOLDER], setting="X", problems=[])}


def test_a_site_file_is_judged_once_and_a_wrong_one_every_time(write_site: Callable[..., Path], tmp_path: Path) -> None:
    write_site("one")
    write_site("bad", more='schedul = "@hourly"')
    settings = settings_for(tmp_path)
    told = []
    for _ in range(2):
        problems: list[Problem] = []
        files = list_site_files(settings, problems)
        told.append(([sheet.id for sheet in read_sheets(settings, files, files, problems)], [p.key for p in problems]))
    assert told == [(["one"], ["schedul"])] * 2
    assert [path.name for path in (tmp_path / "home" / "parsed").iterdir()] == ["one.json"]
