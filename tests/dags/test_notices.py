"""Where messages go, and what is noted of what Airflow alone sees."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dags.connection import adopt_connection
from dags.notices import make_deadlines, make_notifiers, note_failed_task, note_late_run, read_specs
from pipeline.alerts import Outgoing
from pipeline.archive import Archive
from pipeline.errors import SettingsError, SiteFileError
from pipeline.health import read_health
from pipeline.model import run_id
from tests.pipeline.some_alerts import NOW

MESSAGE = Outgoing(id="m.1", event="opened", sites=("x",), subject="It is down", text="Text {{ 7 * 7 }}", html="<pre>")


@pytest.fixture(autouse=True)
def anew() -> None:
    """Each test has a bucket of its own."""
    adopt_connection.cache_clear()


class Recorder:
    """A notifier that keeps what it got, made as Airflow's are."""

    got: list[tuple[dict[str, Any], dict[str, Any]]] = []  # noqa: RUF012

    def __init__(self, **kwargs: Any) -> None:
        self.kwargs = kwargs

    def __call__(self, context: dict[str, Any]) -> None:
        self.got.append((self.kwargs, context))


def test_the_short_forms_name_airflows_own_notifiers() -> None:
    mail, slack = read_specs("smtp:ops@example.org; conn=smtp_ops; from=me@example.org, slack:hook")
    assert mail.path == "airflow.providers.smtp.notifications.smtp.SmtpNotifier"
    assert (mail.kwargs["to"], mail.kwargs["smtp_conn_id"], mail.kwargs["from_email"]) == (
        "ops@example.org",
        "smtp_ops",
        "me@example.org",
    )
    assert (slack.name, slack.kwargs["slack_webhook_conn_id"]) == ("slack:hook", "hook")
    assert read_specs("") == read_specs(" , ") == ()


@pytest.mark.parametrize(
    "text",
    ["ops@example.org", "smtp:", "smtp:a; cc=b", "smtp:a; conn", "[1]", "[", '[{"kwargs": {}}]', "smtp:a,smtp:a"],
)
def test_what_is_not_understood_says_what_to_write(text: str) -> None:
    with pytest.raises(SettingsError) as error:
        read_specs(text)
    assert "smtp:ADDRESS" in error.value.next_step


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    with contextlib.suppress(SettingsError):
        assert all(spec.path for spec in read_specs(text))


def test_any_notifier_by_its_import_path_gets_the_words_by_the_context_and_never_as_a_template() -> None:
    path = f"{Recorder.__module__}.{Recorder.__qualname__}"
    specs = read_specs(json.dumps([{"notifier": path, "kwargs": {"body": "{{ muniment.text }}"}}]))
    notifiers = make_notifiers(specs, {"dag": None})
    assert list(notifiers) == ["log", "Recorder-1"]
    Recorder.got.clear()
    for notify in notifiers.values():
        notify(MESSAGE)
    ((kwargs, context),) = Recorder.got
    assert kwargs == {"body": "{{ muniment.text }}"}
    assert context["muniment"]["text"] == "Text {{ 7 * 7 }}"


def test_a_notifier_that_is_not_installed_says_so() -> None:
    with pytest.raises(SettingsError, match=r"no\.such\.Notifier cannot be imported"):
        make_notifiers(read_specs('[{"notifier": "no.such.Notifier"}]'), {})


@dataclass
class FakeRun:
    """As much of a DAG run as a callback reads."""

    dag_id: str = "site_localgov"
    run_id: str = "scheduled__1"
    run_after: Any = field(default=NOW)


@dataclass
class FakeInstance:
    """As much of a task instance as a callback reads."""

    task_id: str = "crawl"


def test_a_task_that_fails_for_good_is_noted_with_its_message(archive: Archive) -> None:
    context: dict[str, Any] = {"dag_run": FakeRun(), "ti": FakeInstance()}
    note_failed_task({**context, "exception": SiteFileError("No contact.", next_step="Set it.")})
    health = read_health(archive, "localgov")
    assert health is not None
    (record,) = health.runs
    assert record.run == run_id(NOW, "scheduled__1")
    assert (record.state, record.gave_up) == ("failed", False)
    assert record.message == "crawl: No contact.\nNext step: Set it."
    note_failed_task({**context, "exception": ConnectionError("The store is away.")})
    health = read_health(archive, "localgov")
    assert health is not None
    assert [run.gave_up for run in health.runs] == [True]


def test_a_note_that_cannot_be_made_does_not_hide_why_the_task_failed() -> None:
    note_failed_task({})


def test_a_deadline_that_passes_is_noted_by_the_triggerer(archive: Archive) -> None:
    (deadline,) = make_deadlines("localgov", 3600)
    assert deadline.interval == timedelta(minutes=30)
    assert deadline.callback.path == "dags.notices.note_late_run"
    assert deadline.callback.kwargs == {"site": "localgov"}
    context = {
        "dag_run": {"run_after": NOW.isoformat(), "dag_run_id": "scheduled__1"},
        "deadline": {"deadline_time": (NOW + timedelta(hours=1)).isoformat()},
    }
    asyncio.run(note_late_run("localgov", context))
    health = read_health(archive, "localgov")
    assert health is not None
    (record,) = health.runs
    assert record.run == run_id(NOW, "scheduled__1")
    assert record.late is not None
    assert record.late.startswith("Begun 23 November 12:00Z, and not ended by 23 November 13:00Z")
