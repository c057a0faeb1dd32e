"""The error tree: what decides whether a task is tried again."""

from __future__ import annotations

import inspect
import pickle

import pytest

from pipeline import errors

ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.MunimentError)]
LEAVES = [kind for kind in ALL if not kind.__subclasses__()]


@pytest.mark.parametrize("kind", LEAVES)
def test_every_error_is_either_temporary_or_permanent(kind: type[errors.MunimentError]) -> None:
    assert issubclass(kind, errors.Temporary) != issubclass(kind, errors.Permanent)


@pytest.mark.parametrize("kind", ALL)
def test_the_drawn_tree_shows_every_error(kind: type[errors.MunimentError]) -> None:
    assert errors.__doc__
    assert kind.__name__ in errors.__doc__


def test_a_permanent_error_cannot_be_made_without_the_next_step() -> None:
    with pytest.raises(TypeError):
        errors.SettingsError("no bucket")  # type: ignore[call-arg]


def test_a_permanent_error_says_what_is_wrong_and_what_to_do() -> None:
    error = errors.SiteFileError("gb/x.toml: unknown key 'ulr'", next_step="Write 'url'.")
    assert str(error).splitlines() == ["gb/x.toml: unknown key 'ulr'", "Next step: Write 'url'."]


@pytest.mark.parametrize("kind", LEAVES)
def test_an_error_comes_back_whole_from_another_process(kind: type[errors.MunimentError]) -> None:
    permanent = issubclass(kind, errors.Permanent)
    error = kind("what", next_step="do this") if permanent else kind("what")  # type: ignore[call-arg]
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)
